"""The routes document: what the audit router must know of its account; the tenants it reads in the
registry.

It is packed beside the router's code, which runs without this package.
"""

import json

from tenancy.audit import ALERTS, INCIDENTS, LEAST_RETENTION_DAYS, router_arn
from tenancy.names import SHARED, Names, snake


def routes(names: Names, owner: str) -> str:
    """The document as JSON text; ``pipelines.audit_router.routing.Routes`` reads it."""
    return json.dumps(
        {
            "prefix": names.prefix,
            "snake_prefix": snake(names.prefix),
            "account_id": names.account_id,
            "owner": owner,
            "bucket": names.audit_bucket(owner),
            "shared_bucket": names.bucket(SHARED),
            "shared_database": names.database(SHARED),
            "router_role_arn": router_arn(names, owner),
            "alerts_topic_arn": names.topic_arn(owner, ALERTS),
            "incidents_topic_arn": names.topic_arn(owner, INCIDENTS),
            "retention_days": LEAST_RETENTION_DAYS,
        },
        sort_keys=True,
    )
