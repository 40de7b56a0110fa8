"""What a tier means for one tenant, said once: components only build what stands here."""

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network

from tenancy.environment import Environment
from tenancy.governance import GovernedTable
from tenancy.hosts import Hosts
from tenancy.names import PLATFORM, SHARED, Names, RoleKind
from tenancy.tenant import Tenant
from tenancy.tiers import MATRIX, Form, Layer, Tier
from tenancy.vended import Account

LAKEHOUSE = "lakehouse/"
RESTRICTED_PREFIX = "restricted/"
METADATA = "metadata/"
"""Below either: where Nessie writes the metadata of tables."""
RECORDS = "records/"
"""The prefix of routed audit records: ``records/<tenant>/<year>/<month>/<day>/<event>.json``."""


@dataclass(frozen=True)
class SharedPrefix:
    """A prefix of the environment's shared bucket, encrypted with the shared key."""

    bucket: str
    prefix: str
    key_alias: str


@dataclass(frozen=True)
class OwnBucket:
    """A bucket and key of the tenant's own; the prefix stays, so that a move renames nothing."""

    bucket: str
    prefix: str
    key_alias: str


@dataclass(frozen=True)
class SharedDatabase:
    """Tables in the environment's shared database, told apart by name prefix and LF-Tag."""

    database: str
    table_prefix: str


@dataclass(frozen=True)
class OwnDatabase:
    """A database of the tenant's own; ``table_prefix`` is empty."""

    database: str
    table_prefix: str = ""


@dataclass(frozen=True)
class SharedNessie:
    """The tenant's namespace in the Nessie that soft tenants share, reached by its gateway.

    The warehouses are S3 URLs: below them Nessie writes the metadata of the tenant's tables, of
    those with restricted columns below the second.
    """

    warehouse: str
    restricted_warehouse: str


@dataclass(frozen=True)
class OwnNessie:
    """A Nessie of the tenant's own, with a role, a database user and a host of its own."""

    warehouse: str
    restricted_warehouse: str


@dataclass(frozen=True)
class SharedDagster:
    """The tenant's partition of the platform's Dagster, at ``host``.

    ``run_limit``: how many of its runs are started at a time, more wait. Every tenant there has
    the limit, a soft one too: one without would take the places of those that have one.
    """

    host: str
    run_limit: int


@dataclass(frozen=True)
class OwnDagster:
    """A Dagster of the tenant's own, at ``host``: webserver, daemon, code server, database user."""

    host: str


@dataclass(frozen=True)
class SharedHost:
    """The host that soft tenants share, in the platform's network."""

    host: str


@dataclass(frozen=True)
class OwnHost:
    """A host of the tenant's own, in the platform's network."""

    host: str


@dataclass(frozen=True)
class OwnNetwork:
    """A network of the tenant's own in its account, peered to the platform's only."""

    host: str
    cidr: IPv4Network


@dataclass(frozen=True)
class AuditView:
    """A prefix of the platform's audit bucket: the records that concern the tenant."""

    bucket: str
    prefix: str
    key_alias: str


@dataclass(frozen=True)
class OwnTrail:
    """A trail and audit bucket in the tenant's account; its records lie under the same prefix."""

    bucket: str
    prefix: str
    key_alias: str


@dataclass(frozen=True)
class Placement:
    """Where a tenant lives; nothing of it may change once the tenant is deployed.

    ``network`` is the range of the network that it is in, its own or the platform's.
    """

    tenant: str
    tier: str
    environment: str
    cloud: str
    account_id: str
    region: str
    storage: str
    catalog: str
    network: str

    @property
    def anchor(self) -> str:
        """One name that changes whenever the placement does."""
        return (
            f"{self.tenant} tier={self.tier} environment={self.environment} cloud={self.cloud}"
            f" account={self.account_id} region={self.region}"
            f" storage={self.storage} catalog={self.catalog} network={self.network}"
        )


@dataclass(frozen=True)
class TenantSettings:
    """One tenant in one environment, with every decision taken.

    ``own_roles``: the kinds of which the tenant has a role of its own; others it shares.
    """

    tenant: Tenant
    names: Names
    forms: Mapping[Layer, Form]
    own_roles: tuple[RoleKind, ...]
    storage: SharedPrefix | OwnBucket
    catalog: SharedDatabase | OwnDatabase
    audit: AuditView | OwnTrail
    network: SharedHost | OwnHost | OwnNetwork
    nessie: SharedNessie | OwnNessie
    pipelines: SharedDagster | OwnDagster
    tables: tuple[GovernedTable, ...]
    account_vended: bool
    placement: Placement

    @property
    def id(self) -> str:
        """The tenant's id."""
        return self.tenant.tenant

    def role_arn(self, kind: RoleKind) -> str:
        """The role of a kind that acts for the tenant: its own, or in a tagged session a shared."""
        return self.names.role_arn(self.id if kind in self.own_roles else SHARED, kind)

    @property
    def suspended(self) -> bool:
        """Whether nobody acts for the tenant any more."""
        return self.tenant.offboarding is not None

    def table_name(self, table: GovernedTable) -> str:
        """The table's name in Glue."""
        return f"{self.catalog.table_prefix}{table.name}"

    def table_location(self, table: GovernedTable) -> str:
        """The S3 URL of the table's data files (table property ``write.data.path``)."""
        part = RESTRICTED_PREFIX if table.restricted else LAKEHOUSE
        return f"s3://{self.storage.bucket}/{self.storage.prefix}{part}data/{table.name}/"


def expand(
    tenant: Tenant,
    environment: Environment,
    tables: tuple[GovernedTable, ...],
    cidr: IPv4Network | None,
    account: Account,
) -> TenantSettings:
    """Turn a tenant's tier, and the layers strengthened above it, into settings.

    ``cidr`` is the range of a network of its own, None for a tenant in the platform's.
    """
    hard = tenant.isolation.tier is Tier.HARD
    account_id = account.number
    region = tenant.region if hard and tenant.region else environment.region
    names = Names(environment.project, environment.name, account_id, region)
    forms = {layer: MATRIX[layer][tenant.isolation.layer(layer)] for layer in Layer}
    if environment.soft_roles == "shared" and tenant.isolation.layer(Layer.IAM) is Tier.SOFT:
        forms[Layer.IAM] = Form.SHARED_ROLES
    storage = _storage(tenant.tenant, names, forms[Layer.STORAGE])
    return TenantSettings(
        tenant=tenant,
        names=names,
        forms=forms,
        own_roles=(RoleKind.RUN,) if forms[Layer.IAM] is Form.SHARED_ROLES else tuple(RoleKind),
        storage=storage,
        catalog=_catalog(tenant.tenant, names, forms[Layer.CATALOG]),
        audit=_audit(tenant.tenant, names, forms[Layer.AUDIT]),
        network=_network(tenant.tenant, environment, forms[Layer.NETWORK], cidr),
        nessie=_nessie(storage, forms[Layer.CATALOG]),
        pipelines=_pipelines(tenant.tenant, environment, forms[Layer.PIPELINES]),
        tables=tables,
        account_vended=account.vended,
        placement=Placement(
            tenant=tenant.tenant,
            tier=tenant.isolation.tier.label,
            environment=tenant.environment,
            cloud=tenant.cloud,
            account_id=account_id,
            region=region,
            storage=tenant.isolation.layer(Layer.STORAGE).label,
            catalog=tenant.isolation.layer(Layer.CATALOG).label,
            network=str(cidr or environment.network.platform),
        ),
    )


def _storage(tenant: str, names: Names, form: Form) -> SharedPrefix | OwnBucket:
    if form is Form.SHARED_PREFIX:
        return SharedPrefix(names.bucket(SHARED), f"{tenant}/", names.key_alias(SHARED))
    return OwnBucket(names.bucket(tenant), f"{tenant}/", names.key_alias(tenant))


def _catalog(tenant: str, names: Names, form: Form) -> SharedDatabase | OwnDatabase:
    if form is Form.SHARED_DATABASE:
        return SharedDatabase(names.database(SHARED), names.table_prefix(tenant))
    return OwnDatabase(names.database(tenant))


def _nessie(storage: SharedPrefix | OwnBucket, form: Form) -> SharedNessie | OwnNessie:
    place = f"s3://{storage.bucket}/{storage.prefix}"
    warehouses = f"{place}{LAKEHOUSE}{METADATA}", f"{place}{RESTRICTED_PREFIX}{METADATA}"
    if form is Form.SHARED_DATABASE:
        return SharedNessie(*warehouses)
    return OwnNessie(*warehouses)


def _pipelines(tenant: str, environment: Environment, form: Form) -> SharedDagster | OwnDagster:
    hosts = Hosts(environment.domain)
    if form is Form.OWN_DAGSTER:
        return OwnDagster(hosts.dagster_of(tenant))
    return SharedDagster(hosts.dagster, environment.runs_per_tenant)


def _network(
    tenant: str, environment: Environment, form: Form, cidr: IPv4Network | None
) -> SharedHost | OwnHost | OwnNetwork:
    hosts = Hosts(environment.domain)
    if cidr is not None:
        return OwnNetwork(hosts.nessie_of(tenant), cidr)
    if form is Form.OWN_HOST:
        return OwnHost(hosts.nessie_of(tenant))
    return SharedHost(hosts.catalog)


def _audit(tenant: str, names: Names, form: Form) -> AuditView | OwnTrail:
    prefix = f"{RECORDS}{tenant}/"
    if form is Form.SHARED_TRAIL:
        return AuditView(names.audit_bucket(PLATFORM), prefix, names.audit_key_alias(PLATFORM))
    return OwnTrail(names.audit_bucket(tenant), prefix, names.audit_key_alias(tenant))
