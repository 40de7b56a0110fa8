"""The registry of an account: an object for each tenant, with what shared services must know of it.

One more tenant is one more object, made by the tenant's own stack; the services that serve many
read it while they run. Only those who deploy write it, and no secret is in it.
"""

import json

from tenancy.audit import REALTIME, SIEM
from tenancy.names import REGISTRY_PREFIX, ServiceKind
from tenancy.settings import SharedDagster, SharedNessie, TenantSettings

REGISTRY = "TENANCY_REGISTRY"
"""The environment variable that tells a service where: ``s3://<bucket>/tenants/``, or a folder."""
CATALOG, RUNS, AUDIT = "catalog", "runs", "audit"


def key(tenant: str) -> str:
    """The key of the tenant's object."""
    return f"{REGISTRY_PREFIX}{tenant}.json"


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


def registration(settings: TenantSettings) -> dict[str, str | int | None]:
    """What a Dagster must know of a tenant: its tier, the task family of its runs, and how many of
    them are started at a time (null: no limit of its own).
    """
    pipelines = settings.pipelines
    return {
        "tier": settings.placement.tier,
        "task_family": settings.names.task_family(settings.id, ServiceKind.RUN),
        "run_limit": pipelines.run_limit if isinstance(pipelines, SharedDagster) else None,
    }


def warehouses(settings: TenantSettings) -> dict[str, str]:
    """Where Nessie writes the metadata of a tenant's tables, as the gateway is told."""
    return {
        "warehouse": settings.nessie.warehouse,
        "restricted": settings.nessie.restricted_warehouse,
    }


def audit_route(settings: TenantSettings) -> dict[str, object]:
    """What the router must know of a tenant; ``pipelines.audit_router.routing`` reads it."""
    names, tenant, audit = settings.names, settings.id, settings.tenant.audit
    return {
        "retention_days": audit.retention_days,
        "names": sorted(
            {
                names.trail(tenant),
                names.load_balancer(tenant),
                names.database_instance(tenant),
                *(names.target_group(tenant, kind) for kind in ServiceKind),
            }
        ),
        "siem_queue": names.topic(tenant, SIEM) if audit.siem else None,
        "topic_arn": names.topic_arn(tenant, REALTIME) if audit.realtime else None,
        "incidents": audit.incident_response,
    }
