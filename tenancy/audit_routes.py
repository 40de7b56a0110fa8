"""The routes document: all that the audit router must know of names and tenants.

It is packed beside the router's code, which runs without this package.
"""

import json
from collections.abc import Sequence

from tenancy.audit import ALERTS, INCIDENTS, retention_days, router_arn
from tenancy.names import SHARED, Names, snake
from tenancy.registry import audit_route
from tenancy.settings import TenantSettings


def routes(names: Names, owner: str, tenants: Sequence[TenantSettings]) -> str:
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
            "retention_days": retention_days(tenants),
            "tenants": {settings.id: audit_route(settings) for settings in tenants},
        },
        sort_keys=True,
    )
