"""How a Nessie server is configured: who may do what in it, and where it writes.

Nessie's rules see names only (reference, content key), neither locations nor warehouses, and in
0.99.0 they know of no API (Nessie documentation, "Authorization"; tried on the server). So where
tenants share one, the gateway before it decides about locations, and a Nessie of one tenant has a
role that reaches that tenant's metadata only. What the rules cannot keep from a tenant of a shared
one: that branch ``main`` exists and its hash; the gateway does not pass these calls on.

The configuration of a shared one names no tenant, so that a new one changes nothing of it.
"""

from collections.abc import Iterable, Sequence

from tenancy.access import METADATA_ACTIONS, METADATA_PARTS, metadata_arns
from tenancy.environment import Environment, Identity
from tenancy.grants import Statement
from tenancy.names import PLATFORM, SHARED, Names, RoleKind, ServiceKind
from tenancy.registry import REGISTRY
from tenancy.services import SecretKey, TaskSpec
from tenancy.settings import TenantSettings

NESSIE_PORT = 19120
MANAGEMENT_PORT = 9000
GATEWAY_PORT = 8080

NESSIE_HEALTH_PATH = "/nessie-openapi/openapi.yaml"
"""Answers without a token; health itself is on the management port, which stays in the task."""
GATEWAY_HEALTH_PATH = "/health"

MAIN = "main"
SHARED_WAREHOUSE = "lakehouse"
"""The one warehouse of a shared Nessie. Where a tenant's tables lie in it follows from the property
``location`` of their namespace, which Nessie honours and the gateway sets.
"""
RESTRICTED_SUFFIX = "_restricted"
"""Tables of restricted columns are in the namespace ``<tenant>_restricted``, which readers do not
see. It is not within the tenant's other one: of the namespaces that a table is in, Nessie 0.99.0
takes the location of the outermost.
"""

DATABASE_AUTHORITIES = "/etc/ssl/certs/rds-global-bundle.pem"
"""Where the image (``images.nessie``) holds the certificates of RDS's authorities: the published
image with that file added.
"""
_DATASOURCE = "quarkus.datasource.postgresql"
DATABASE_URL = f"{_DATASOURCE}.jdbc.url"
"""The one property that only a deployment knows."""

_READS = ("READ_CONTENT_KEY", "READ_ENTITY_VALUE")
_WRITES = ("CREATE_ENTITY", "UPDATE_ENTITY", "DELETE_ENTITY")
_BRANCHING = ("CREATE_REFERENCE", "DELETE_REFERENCE", "ASSIGN_REFERENCE_TO_HASH")
_WRITERS = (RoleKind.WRITER, RoleKind.ADMIN, RoleKind.RUN)

# The image has a shell but not for certain a client for HTTP.
_HEALTH_COMMAND = (
    "bash",
    "-c",
    (
        f"exec 3<>/dev/tcp/127.0.0.1/{MANAGEMENT_PORT}"
        r" && printf 'GET /q/health/ready HTTP/1.0\r\n\r\n' >&3 && grep -q '200 OK' <&3"
    ),
)


def group(tenant: str, kind: RoleKind) -> str:
    """The group in a token (claim ``groups``) that makes its bearer act as a tenant's role."""
    return f"{tenant}--{kind}"


def groups(tenant: str, kind: RoleKind) -> tuple[str, str]:
    """The groups in a token (claim ``groups``) that make its bearer act as a tenant's role.

    The tenant's own is there for the rules of a shared Nessie: they know no list of tenants, and
    CEL as Nessie has it cannot cut one out of the other.
    """
    return (tenant, group(tenant, kind))


def namespace(tenant: str, *, restricted: bool) -> str:
    """The namespace of a tenant's tables, or of those with restricted columns; no id has a ``_``,
    so it is no other tenant's.
    """
    return f"{tenant}{RESTRICTED_SUFFIX}" if restricted else tenant


def authorization_rules(tenant: str | None) -> dict[str, str]:
    """Rule id -> CEL expression; what no rule allows is refused.

    ``tenant`` is the one whose the server is, None for a shared server: there the tenant ``t`` of
    a caller is one of its groups, in which it has a role if it also is in the group of that role.

    A tenant's roles reach content keys in its namespaces, on branch ``main`` and on branches called
    ``<tenant>_...``, which no id can be the start of. A dot inside an element of a key is escaped
    by Nessie, so ``<tenant>.`` is the namespace and nothing else. The commit log of ``main`` tells
    who committed, and is shown only where one tenant is alone.
    """
    look = ("VIEW_REFERENCE", "READ_ENTRIES", *(() if tenant is None else ("LIST_COMMIT_LOG",)))
    restricted = f"t + '{RESTRICTED_SUFFIX}'"
    own = f"({_below('t')} || {_below(restricted)})"
    seen = f"({_below('t')} || {_member(_WRITERS)})"
    allowed = (
        f"{_on_branch()} && {_member(RoleKind)} && {_op(look)}",
        f"{_on_branch()} && {_member(RoleKind)} && {_op(_READS)} && {own} && {seen}",
        f"{_on_branch()} && {_member(_WRITERS)} && {_op(('COMMIT_CHANGE_AGAINST_REFERENCE',))}",
        f"{_on_branch()} && {_member(_WRITERS)} && {_op(_WRITES)} && {own}",
        f"ref.startsWith(t + '_') && {_member(_WRITERS)} && {_op(_BRANCHING)}",
    )
    candidates = "roles" if tenant is None else f"['{tenant}']"
    return {"tenants": f"{candidates}.exists(t, {' || '.join(f'({each})' for each in allowed)})"}


def nessie_properties(
    tenant: TenantSettings | None, names: Names, identity: Identity
) -> dict[str, str]:
    """The server's application properties, which Quarkus also reads from environment variables
    of the very same names (SmallRye Config, "Environment variables").

    ``tenant`` is the one whose the server is, None for the shared one. There is no default
    warehouse where tenants share: a client that names none is refused.
    """
    properties = {
        "nessie.version.store.type": "JDBC2",
        "nessie.version.store.persist.jdbc.datasource": "postgresql",
        "nessie.server.default-branch": MAIN,
        "nessie.server.send-stacktrace-to-client": "false",
        "nessie.server.authentication.enabled": "true",
        "nessie.server.authorization.enabled": "true",
        "nessie.server.authorization.type": "CEL",
        "quarkus.oidc.client-id": identity.audience,
        "quarkus.oidc.public-key": identity.public_key,
        "quarkus.oidc.token.issuer": identity.issuer,
        "quarkus.oidc.token.audience": identity.audience,
        "quarkus.oidc.roles.role-claim-path": "groups",
        # Who was verified to ask for what: where no gateway stands before it, nobody else says so.
        "quarkus.http.access-log.enabled": "true",
        "quarkus.http.access-log.exclude-pattern": NESSIE_HEALTH_PATH,
        "quarkus.http.port": str(NESSIE_PORT),
        "quarkus.management.port": str(MANAGEMENT_PORT),
        # What a client may not have: signed requests or credentials of the server's.
        "nessie.catalog.service.s3.default-options.request-signing-enabled": "false",
        "nessie.catalog.service.s3.default-options.client-iam.enabled": "false",
        "nessie.catalog.service.s3.default-options.server-iam.enabled": "false",
        # Else it hands out connections that died with the database server, after its restart.
        f"{_DATASOURCE}.jdbc.validate-on-borrow": "true",
        # The server itself acts with the role of its task.
        "nessie.catalog.service.s3.default-options.auth-type": "APPLICATION_GLOBAL",
        "nessie.catalog.service.s3.default-options.region": names.region,
        # It would list buckets, which the role may not.
        "nessie.catalog.object-stores.health-check.enabled": "false",
    }
    rules = authorization_rules(tenant.id if tenant else None)
    properties |= {f"nessie.server.authorization.rules.{name}": r for name, r in rules.items()}
    warehouses = "nessie.catalog.warehouses"
    if tenant is None:
        place = f"s3://{names.bucket(SHARED)}/"
        return properties | {f"{warehouses}.{SHARED_WAREHOUSE}.location": place}
    return properties | {
        f"{warehouses}.{tenant.id}.location": tenant.nessie.warehouse,
        "nessie.catalog.default-warehouse": tenant.id,
    }


def nessie_task(tenant: TenantSettings | None, names: Names, environment: Environment) -> TaskSpec:
    """The task of a Nessie server: of its one tenant, or the platform's, which is shared."""
    return TaskSpec(
        owner=tenant.id if tenant else PLATFORM,
        kind=ServiceKind.NESSIE,
        image=environment.images.nessie,
        cpu=2048,
        memory=4096,
        port=NESSIE_PORT,
        environment=nessie_properties(tenant, names, environment.identity),
        secrets={
            f"{_DATASOURCE}.{key}": SecretKey(ServiceKind.NESSIE, key)
            for key in ("username", "password")
        },
        health_command=_HEALTH_COMMAND,
        # Vert.x, below Quarkus, will not start without a folder for temporary files.
        read_only=False,
    )


def gateway_task(names: Names, environment: Environment) -> TaskSpec:
    """The task of the catalog gateway, which binds a token's tenant to its own prefixes; which they
    are, and who is a tenant, it reads in the platform's registry.
    """
    identity = environment.identity
    return TaskSpec(
        owner=PLATFORM,
        kind=ServiceKind.GATEWAY,
        image=environment.images.gateway,
        cpu=512,
        memory=1024,
        port=GATEWAY_PORT,
        environment={
            REGISTRY: names.registry_url(PLATFORM),
            "GATEWAY_ISSUER": identity.issuer,
            "GATEWAY_AUDIENCE": identity.audience,
            "GATEWAY_PUBLIC_KEY": identity.public_key,
            "GATEWAY_UPSTREAM": f"http://{names.discovery_host(ServiceKind.NESSIE)}:{NESSIE_PORT}",
            "GATEWAY_PORT": str(GATEWAY_PORT),
            "AWS_DEFAULT_REGION": names.region,
        },
    )


def shared_key_statement(names: Names) -> Statement:
    """The shared Nessie's use of the shared key: through S3, for objects of the shared bucket."""
    return Statement(
        "Key",
        "Allow",
        ("kms:Decrypt", "kms:GenerateDataKey"),
        (names.any_key_arn,),
        {
            "ForAnyValue:StringEquals": {"kms:ResourceAliases": names.key_alias(SHARED)},
            "StringEquals": {"kms:ViaService": names.via("s3")},
            "StringLike": {
                "kms:EncryptionContext:aws:s3:arn": names.objects_arn(names.bucket(SHARED))
            },
        },
    )


def shared_metadata_statement(
    names: Names, tenants: Sequence[TenantSettings], *, sharded: bool = False
) -> Statement:
    """The shared Nessie's reach: its tenants' metadata prefixes; of any size (see ``paged``).

    ``sharded``: by a pattern for all that share the bucket, so that one more changes nothing here.
    """
    bucket = names.bucket(SHARED)
    return Statement(
        "Metadata",
        "Allow",
        METADATA_ACTIONS,
        tuple(names.objects_arn(bucket, f"*/{part}") for part in METADATA_PARTS)
        if sharded
        else tuple(arn for settings in tenants for arn in metadata_arns(settings)),
        {"StringEquals": {"s3:ResourceAccount": names.account_id}},
    )


def jdbc_url(
    address: str, port: int, database: str, authorities: str = DATABASE_AUTHORITIES
) -> str:
    """Where the version store lies; the server must show a certificate for its address."""
    tls = f"sslmode=verify-full&sslrootcert={authorities}"
    return f"jdbc:postgresql://{address}:{port}/{database}?{tls}"


def _member(kinds: Iterable[RoleKind]) -> str:
    return "(" + " || ".join(f"t + '--{kind}' in roles" for kind in kinds) + ")"


def _on_branch() -> str:
    return f"(ref == '{MAIN}' || ref.startsWith(t + '_'))"


def _below(namespace: str) -> str:
    return f"(path + '.').startsWith({namespace} + '.')"


def _op(operations: Sequence[str]) -> str:
    return "op in [" + ",".join(f"'{operation}'" for operation in operations) + "]"
