"""Rules between files: what no tenant or environment can break on its own."""

from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Mapping
from pathlib import Path

from tenancy.environment import Environment
from tenancy.errors import Kind, Problem, suggestion
from tenancy.names import partition, snake
from tenancy.network_rules import network_problems
from tenancy.organization import STACK, organization_stack
from tenancy.principals import AwsPrincipal, OidcSubject
from tenancy.references import config_name
from tenancy.shards import is_shard
from tenancy.tenant import Tenant
from tenancy.tiers import Tier
from tenancy.vended import ACCOUNT_KEY, hard_stack, is_vended


def estate_problems(
    environments: tuple[Environment, ...],
    tenants: tuple[Tenant, ...],
    vended: Mapping[str, str],
) -> list[Problem]:
    """Everything wrong between the files, in the order of the files.

    ``vended``: stack -> the account that its file says was vended for it.
    """
    return [
        *_shared_principals(tenants),
        *_shared_database_names(tenants),
        *_shared_accounts(environments, tenants),
        *_shared_vended(environments, tenants, vended),
        *_environments_in_one_place(environments),
        *(problem for environment in environments for problem in _in_its_partition(environment)),
        *(problem for tenant in tenants for problem in _placement(tenant, environments)),
        *(
            problem
            for environment in environments
            for tenant in tenants
            if environment.takes(tenant)
            for problem in _membership(tenant, environment)
        ),
        *(
            problem
            for environment in environments
            for problem in network_problems(
                environment, [tenant for tenant in tenants if environment.takes(tenant)]
            )
        ),
    ]


def unread_problems(root: Path) -> Iterator[Problem]:
    """Folders that are missing and files that would be passed over without a word."""
    for name in ("tenants", "table-templates"):
        folder = root / name
        if not folder.is_dir():
            yield Problem(f"{name}/", "", "the folder is missing", "restore it; it may be empty")
        for path in sorted(folder.glob("*.yml")):
            yield Problem(
                f"{name}/{path.name}",
                "",
                "only files that end in .yaml are read, and this one is not",
                f"rename it to {path.stem}.yaml",
            )


def orphan_problems(
    stacks: Iterable[str], environments: tuple[Environment, ...], tenants: tuple[Tenant, ...]
) -> list[Problem]:
    """Stack files of hard tenants that are no longer described: their stacks may hold data."""
    names = {environment.name for environment in environments}
    names |= {organization_stack(name) for name in names}
    hard = {
        hard_stack(environment.name, tenant.tenant)
        for environment in environments
        for tenant in tenants
        if tenant.isolation.tier is Tier.HARD and environment.takes(tenant)
    }
    return [
        Problem(
            f"Pulumi.{stack}.yaml",
            "",
            f"it is the stack of a hard tenant, and tenants/ describes no hard tenant {tenant}"
            f" in environment {environment}; removing or moving a tenant would strand its data",
            f"restore tenants/{tenant}.yaml with `tier: hard` and its environment; delete this"
            " file only if the stack was never deployed or holds nothing any more",
            Kind.LOSS,
        )
        for stack in stacks
        if stack not in names | hard
        and not any(is_shard(environment.name, stack) for environment in environments)
        for environment, _, tenant in [stack.partition("-")]
    ]


def _file(tenant: Tenant) -> str:
    return f"tenants/{tenant.tenant}.yaml"


def _grantees(tenant: Tenant) -> Iterator[tuple[str, AwsPrincipal | OidcSubject]]:
    for kind in ("reader", "writer", "admin", "auditor"):
        for index, grantee in enumerate(getattr(tenant.access, kind)):
            yield f"access.{kind}[{index}]", grantee


def _shared_principals(tenants: tuple[Tenant, ...]) -> Iterator[Problem]:
    seen: dict[Hashable, str] = {}
    for tenant in tenants:
        for field, grantee in _grantees(tenant):
            identity: Hashable = (
                grantee.aws
                if isinstance(grantee, AwsPrincipal)
                else (grantee.oidc.provider, grantee.oidc.subject)
            )
            other = seen.setdefault(identity, tenant.tenant)
            if other != tenant.tenant:
                yield Problem(
                    _file(tenant),
                    field,
                    f"the same principal is in the access of tenant {other}: it would reach two"
                    " tenants",
                    "give each tenant a principal of its own",
                    Kind.ACCESS,
                )


def _shared_database_names(tenants: tuple[Tenant, ...]) -> Iterator[Problem]:
    # The computed names come first: they cannot give way to another tenant's written one.
    for part in ("schema", "user"):
        seen = {f"tenant_{snake(tenant.tenant)}": tenant.tenant for tenant in tenants}
        for tenant in tenants:
            written = tenant.database and getattr(
                tenant.database, "schema_" if part == "schema" else part
            )
            if written and seen.setdefault(written, tenant.tenant) != tenant.tenant:
                yield Problem(
                    _file(tenant),
                    f"database.{part}",
                    f"{written} is the {part} of tenant {seen[written]}",
                    f"leave database.{part} out: it becomes tenant_{snake(tenant.tenant)}",
                    Kind.COLLISION,
                )


def _shared_accounts(
    environments: tuple[Environment, ...], tenants: tuple[Tenant, ...]
) -> Iterator[Problem]:
    owners = {
        environment.account_id: f"environment {environment.name}" for environment in environments
    }
    for tenant in tenants:
        if tenant.account_id is None:
            continue
        owner = owners.setdefault(tenant.account_id, f"tenant {tenant.tenant}")
        if owner != f"tenant {tenant.tenant}":
            yield Problem(
                _file(tenant),
                "account_id",
                f"account {tenant.account_id} is already that of {owner}; a hard tenant is alone"
                " in its account",
                "give the tenant an account of its own",
            )


def _shared_vended(
    environments: tuple[Environment, ...], tenants: tuple[Tenant, ...], vended: Mapping[str, str]
) -> Iterator[Problem]:
    owners = {tenant.account_id: f"tenants/{tenant.tenant}.yaml" for tenant in tenants}
    owners |= {one.account_id: f"Pulumi.{one.name}.yaml" for one in environments}
    for stack, account in vended.items():
        file = f"Pulumi.{stack}.yaml"
        if owners.setdefault(account, file) != file:
            yield Problem(
                file,
                f"config.{ACCOUNT_KEY}",
                f"account {account} is already that of {owners[account]}; a hard tenant is alone in"
                " its account",
                "write the number that the environment's organization vended for this tenant, as"
                f" the output `accounts` of its stack <environment>-{STACK} tells it",
            )


def _environments_in_one_place(environments: tuple[Environment, ...]) -> Iterator[Problem]:
    places: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    for environment in environments:
        places[environment.account_id, environment.region].append(environment.name)
    for (account, region), names in places.items():
        for name in names[1:]:
            yield Problem(
                f"Pulumi.{name}.yaml",
                "tenancy:environment.account_id",
                f"environment {names[0]} is in account {account} and region {region} as well; Lake"
                " Formation has one set of settings and tags for each, which one stack must own",
                "give each environment an account or a region of its own",
            )


def _in_its_partition(environment: Environment) -> Iterator[Problem]:
    """What an environment names or wants that its partition of AWS does not have."""
    source, here = f"Pulumi.{environment.name}.yaml", partition(environment.region)
    for field in ("deployers", "platform_admins"):
        for index, arn in enumerate(getattr(environment, field)):
            where = f"tenancy:environment.{field}[{index}]"
            yield from _foreign(source, where, arn, environment)
    if environment.organization is not None and here == "aws-us-gov":
        yield Problem(
            source,
            "tenancy:environment.organization",
            "no account is vended in GovCloud: one is made from the commercial partition, with"
            " CreateGovCloudAccount, by the management account of an organization there (AWS"
            " Organizations API Reference)",
            "leave `organization` out, and write each hard tenant's `account_id`",
        )


def _foreign(source: str, field: str, arn: str, environment: Environment) -> Iterator[Problem]:
    own, here = arn.split(":")[1], partition(environment.region)
    if own != here:
        yield Problem(
            source,
            field,
            f"{arn} is in the partition {own} of AWS, and environment {environment.name} in {here}:"
            ' nobody of one acts in the other (IAM User Guide, "Cross account resource access in'
            ' IAM")',
            f"name a role or user of the partition {here}: arn:{here}:iam::...",
        )


def _placement(tenant: Tenant, environments: tuple[Environment, ...]) -> Iterator[Problem]:
    names = [environment.name for environment in environments]
    if not any(environment.takes(tenant) for environment in environments):
        yield Problem(
            _file(tenant),
            "environment",
            f"no Pulumi.{tenant.environment}.yaml describes environment {tenant.environment}",
            suggestion(tenant.environment, names),
        )


def _membership(tenant: Tenant, environment: Environment) -> Iterator[Problem]:
    """What a tenant needs from an environment that takes it."""
    source = f"Pulumi.{environment.name}.yaml"
    if tenant.classification > environment.max_classification:
        allowed = environment.max_classification.label
        yield Problem(
            _file(tenant),
            "classification",
            f"{tenant.classification.label} is above what environment {environment.name} is"
            f" authorised for ({allowed})",
            f"place the tenant elsewhere, or have max_classification raised in {source}",
        )
    if tenant.region and partition(tenant.region) != partition(environment.region):
        yield Problem(
            _file(tenant),
            "region",
            f"{tenant.region} and the environment's {environment.region} are in different"
            " partitions of AWS: no role of one is assumed from the other, and no networks of"
            ' both are peered (AWS GovCloud (US) User Guide, "Differences")',
            f"place the tenant in an environment of the partition {partition(tenant.region)}",
        )
    if is_vended(tenant) and environment.organization is None:
        yield Problem(
            _file(tenant),
            "account_id",
            f"a hard tenant has an account of its own; none is written, and environment"
            f" {environment.name} has no organization that would vend one",
            'add `account_id: "123456789012"` with its number, or describe `organization` in'
            f" {source}",
        )
    for field, grantee in _grantees(tenant):
        yield from _granted(tenant, environment, field, grantee)


def _granted(
    tenant: Tenant, environment: Environment, field: str, grantee: AwsPrincipal | OidcSubject
) -> Iterator[Problem]:
    """What one of a tenant's principals needs from the environment."""
    source = f"Pulumi.{environment.name}.yaml"
    if isinstance(grantee, AwsPrincipal):
        yield from _foreign(_file(tenant), f"{field}.aws", grantee.aws, environment)
    own_accounts = {environment.account_id, tenant.account_id}
    if isinstance(grantee, OidcSubject):
        if grantee.oidc.provider not in environment.oidc_providers:
            yield Problem(
                _file(tenant),
                f"{field}.oidc.provider",
                f"environment {environment.name} has no OIDC provider {grantee.oidc.provider}",
                f"add it to oidc_providers in {source}",
            )
    elif grantee.external_id:
        name = config_name(grantee.external_id)
        if name not in environment.external_ids:
            yield Problem(
                _file(tenant),
                f"{field}.external_id",
                f"environment {environment.name} has no external id {name}",
                f"add it to external_ids in {source}",
            )
    elif grantee.aws.split(":")[4] not in own_accounts:
        yield Problem(
            _file(tenant),
            f"{field}.external_id",
            "a principal of a foreign account needs an external id, or whoever it works for"
            " can make it their deputy",
            f"add `external_id: config:<name>` and the name to external_ids in {source}",
        )
