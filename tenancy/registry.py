"""The registry of an account: an object for each tenant, with what shared services must know of it.

One more tenant is one more object, made by the tenant's own stack; the services that serve many
read it while they run. Only those who deploy write it, and no secret is in it.
"""

import json

from tenancy.audit_routes import audit_route
from tenancy.dagster import registration
from tenancy.nessie import warehouses
from tenancy.settings import SharedNessie, TenantSettings

REGISTRY = "TENANCY_REGISTRY"
"""The environment variable that tells a service where: ``s3://<bucket>/tenants/``, or a folder."""
PREFIX = "tenants/"

CATALOG, RUNS, AUDIT = "catalog", "runs", "audit"


def key(tenant: str) -> str:
    """The key of the tenant's object."""
    return f"{PREFIX}{tenant}.json"


def entry(settings: TenantSettings) -> str:
    """The tenant's object, a JSON text: ``catalog`` for the gateway, where the tenant shares it;
    ``runs`` for its Dagster; ``audit`` for the router of its account.

    A suspended tenant is one that only the router knows: a token that still holds opens nothing,
    and no run of it is started.
    """
    told: dict[str, object] = {AUDIT: audit_route(settings)}
    if not settings.suspended:
        told[RUNS] = registration(settings)
        if isinstance(settings.nessie, SharedNessie):
            told[CATALOG] = warehouses(settings)
    return json.dumps(told, sort_keys=True, separators=(",", ":"))
