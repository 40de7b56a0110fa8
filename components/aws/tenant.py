"""One tenant: all of its part, and the anchor that keeps it where it is."""

from dataclasses import asdict, dataclass

import pulumi
import pulumi_aws as aws
from pulumi import ResourceOptions

from components.aws.audit import TenantAudit, TenantAuditArgs
from components.aws.catalog import TenantCatalog, TenantCatalogArgs
from components.aws.commons import Commons
from components.aws.dagster import TenantDagster, TenantDagsterArgs
from components.aws.iam import TenantIAM, TenantIAMArgs
from components.aws.nessie import TenantNessie, TenantNessieArgs
from components.aws.storage import TenantStorage, TenantStorageArgs
from tenancy.names import RoleKind, ServiceKind
from tenancy.registry import entry, key
from tenancy.settings import TenantSettings


@dataclass(frozen=True)
class TenantArgs:
    """``deployers``: the ARNs of the roles that run the program in the tenant's account."""

    settings: TenantSettings
    commons: Commons
    deployers: tuple[str, ...]


class Placement(pulumi.ComponentResource):
    """The anchor: protected, without children, named by all that must not change of a tenant.

    Removing a tenant, or changing where or how strongly it is placed, would delete it, which fails
    a plain ``pulumi up`` at its preview.
    """

    def __init__(self, name: str, opts: ResourceOptions | None = None) -> None:
        super().__init__("tenancy:aws:Placement", name, None, opts)
        self.register_outputs({})


class Tenant(pulumi.ComponentResource):
    """A tenant's fenced part of the lakehouse."""

    def __init__(self, name: str, args: TenantArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("tenancy:aws:Tenant", name, None, opts)
        child = ResourceOptions(parent=self)
        settings, commons, ground = args.settings, args.commons, args.commons.ground
        external_ids = ground.environment.external_ids
        Placement(settings.placement.anchor, ResourceOptions(parent=self, protect=True))
        iam = TenantIAM(f"{name}-iam", TenantIAMArgs(settings, external_ids), child)
        storage = TenantStorage(
            f"{name}-storage", TenantStorageArgs(settings, args.deployers), child
        )
        catalog = TenantCatalog(
            f"{name}-catalog",
            TenantCatalogArgs(settings, commons.lake, iam.role_arns, commons.shared_database),
            child,
        )
        nessie = TenantNessie(f"{name}-nessie", TenantNessieArgs(settings, ground), child)
        dagster = TenantDagster(
            f"{name}-dagster",
            TenantDagsterArgs(settings, ground, commons.runs, iam.role_arns[RoleKind.RUN]),
            child,
        )
        audit = TenantAudit(
            f"{name}-audit",
            TenantAuditArgs(
                settings, ground.owner, args.deployers, commons.audit_key_arn, external_ids
            ),
            child,
        )
        # Whoever is in the registry is served from then on: so it comes last, and goes first.
        needed = [iam, storage, catalog, nessie, dagster, audit]
        aws.s3.BucketObjectv2(
            f"{name}-entry",
            bucket=commons.registry_bucket,
            key=key(settings.id),
            content=entry(settings),
            content_type="application/json",
            opts=ResourceOptions(parent=self, depends_on=needed),
        )
        self.register_outputs(
            {
                "tenant": settings.id,
                "tier": settings.placement.tier,
                "placement": asdict(settings.placement),
                "public_columns": {
                    table.name: [column.name for column in table.columns]
                    for table in settings.tables
                    if not table.restricted
                },
                "summary": _summary(settings),
            }
        )


def _summary(settings: TenantSettings) -> dict[str, object]:
    """What an operator wants to see of a deployed tenant, as plain strings."""
    names, storage = settings.names, settings.storage
    return {
        "tenant": settings.id,
        "tier": settings.placement.tier,
        "account": names.account_id,
        "region": names.region,
        "storage": f"s3://{storage.bucket}/{storage.prefix}",
        "databases": [settings.catalog.database],
        "tables": [settings.table_name(table) for table in settings.tables],
        "roles": [
            *(settings.role_arn(kind) for kind in RoleKind),
            names.auditor_role_arn(settings.id),
        ],
        "endpoints": {
            "nessie": f"https://{settings.network.host}",
            "dagster": f"https://{settings.pipelines.host}",
        },
        "runs": names.task_family(settings.id, ServiceKind.RUN),
        "audit": f"s3://{settings.audit.bucket}/{settings.audit.prefix}",
    }
