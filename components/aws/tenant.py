"""One tenant: all of its part, and the anchor that keeps it where it is."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass

import pulumi
from pulumi import ResourceOptions

from components.aws.account import Account
from components.aws.audit import TenantAudit, TenantAuditArgs
from components.aws.catalog import TenantCatalog, TenantCatalogArgs
from components.aws.dagster import Dagster, TenantDagster, TenantDagsterArgs
from components.aws.foundation import Foundation
from components.aws.iam import TenantIAM, TenantIAMArgs
from components.aws.nessie import TenantNessie, TenantNessieArgs
from components.aws.storage import TenantStorage, TenantStorageArgs
from tenancy.names import RoleKind, ServiceKind
from tenancy.settings import TenantSettings


@dataclass(frozen=True)
class TenantArgs:
    """``foundation``, ``dagster``: the account's. ``shared_database``: None where no tenant shares
    one. ``external_ids``: by reference.
    """

    settings: TenantSettings
    account: Account
    foundation: Foundation
    dagster: Dagster
    shared_database: pulumi.Output[str] | None
    external_ids: Mapping[str, str]
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
        settings = args.settings
        Placement(settings.placement.anchor, ResourceOptions(parent=self, protect=True))
        iam = TenantIAM(f"{name}-iam", TenantIAMArgs(settings, args.external_ids), child)
        TenantStorage(f"{name}-storage", TenantStorageArgs(settings, args.deployers), child)
        TenantCatalog(
            f"{name}-catalog",
            TenantCatalogArgs(settings, args.account, iam.role_arns, args.shared_database),
            child,
        )
        TenantNessie(f"{name}-nessie", TenantNessieArgs(settings, args.foundation.ground), child)
        TenantDagster(
            f"{name}-dagster",
            TenantDagsterArgs(settings, args.dagster, iam.role_arns[RoleKind.RUN]),
            child,
        )
        TenantAudit(
            f"{name}-audit",
            TenantAuditArgs(settings, args.foundation.audit, args.external_ids),
            child,
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
