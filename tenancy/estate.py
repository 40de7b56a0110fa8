"""All that the YAML files say, read once: environments, tenants, and what each stack holds.

The program, the command and the proof all read the estate here, so that they cannot disagree.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from tenancy.environment import Environment, load_environment
from tenancy.errors import InvalidInput, Problem
from tenancy.estate_rules import estate_problems, orphan_problems, unread_problems
from tenancy.governance import GovernedTable, govern, load_templates
from tenancy.hosts import Hosts
from tenancy.leaving import Leaving
from tenancy.names import PLATFORM, Names
from tenancy.network import NetworkPlan, listener_priorities, plan_network, plan_ranges
from tenancy.network_rules import written_ranges
from tenancy.organization import OrganizationPlan, organization_stack
from tenancy.principals import DEFAULT_AUDIENCE
from tenancy.settings import OwnNetwork, TenantSettings, expand
from tenancy.shards import home, shard_stack
from tenancy.shared_roles import shared_role_problems, sharing
from tenancy.tenant import Tenant, load_tenant
from tenancy.tiers import Tier
from tenancy.vended import account_of, hard_stack, is_vended, load_vended

Source = TypeVar("Source")
Result = TypeVar("Result")


@dataclass(frozen=True)
class StackPlan:
    """One Pulumi stack: an environment's platform and tenants, a shard of these, or a hard tenant.

    ``tenants``: those that are in it. ``priorities``: host -> its rule's priority on the listener,
    for each host that is served from here. ``sharded``: tenants of the platform that are in shards.
    """

    name: str
    environment: Environment
    tenants: tuple[TenantSettings, ...]
    priorities: Mapping[str, int]
    hard: bool = False
    shard: bool = False
    sharded: tuple[TenantSettings, ...] = ()

    @property
    def served(self) -> tuple[TenantSettings, ...]:
        """The tenants that what is in the stack serves, wherever they are."""
        return (*self.tenants, *self.sharded)

    @property
    def home(self) -> str:
        """The stack that its tenants are told to be managed by: they may move between shards."""
        return self.name if self.hard else self.environment.name

    @property
    def account_id(self) -> str:
        """The only account that this stack may act in, 12 digits."""
        return self.tenants[0].placement.account_id if self.hard else self.environment.account_id

    @property
    def account_vended(self) -> bool:
        """Whether that account is there: of one that is not, the number is a stand-in."""
        return all(settings.account_vended for settings in self.tenants)

    @property
    def region(self) -> str:
        """The only region that this stack acts in."""
        return self.tenants[0].placement.region if self.hard else self.environment.region

    @property
    def names(self) -> Names:
        """The names of the environment in the stack's account and region."""
        environment = self.environment
        return Names(environment.project, environment.name, self.account_id, self.region)

    @property
    def owner(self) -> str:
        """Whose the account and what its services run on is: ``PLATFORM``, or the hard tenant."""
        return self.tenants[0].id if self.hard else PLATFORM

    @property
    def network(self) -> NetworkPlan:
        """The stack's one network: the platform's, or the hard tenant's."""
        cidr = self.environment.network.platform
        for settings in self.tenants:
            if isinstance(settings.network, OwnNetwork):
                cidr = settings.network.cidr
        return plan_network(self.names, self.owner, cidr, self.environment)

    @property
    def clients(self) -> tuple[str, ...]:
        """The ranges that may call the stack's load balancer, as CIDR: its own network's, and the
        platform's, whose engineers look after a hard tenant's services too.
        """
        own, platform = self.network.cidr, str(self.environment.network.platform)
        return tuple(dict.fromkeys((own, platform)))

    @property
    def deploy_role_arn(self) -> str:
        """The role that the program assumes in a hard tenant's account."""
        names = self.names
        return f"arn:{names.partition}:iam::{names.account_id}:role/{self.environment.deploy_role}"

    @property
    def assumed_roles(self) -> tuple[str, ...]:
        """The chain of roles that the provider assumes: none in the platform's own account."""
        return (self.deploy_role_arn,) if self.hard else ()

    @property
    def deployers(self) -> tuple[str, ...]:
        """The roles that run the program in the stack's account, as ARNs."""
        return (self.deploy_role_arn,) if self.hard else self.environment.deployers

    @property
    def oidc_audiences(self) -> dict[str, tuple[str, ...]]:
        """OIDC provider -> the audiences that the stack's tenants expect in its tokens, sorted."""
        audiences = {provider: {DEFAULT_AUDIENCE} for provider in self.environment.oidc_providers}
        for settings in self.served:
            for subject in settings.tenant.access.oidc_subjects:
                audiences[subject.oidc.provider].add(subject.oidc.audience)
        return {provider: tuple(sorted(names)) for provider, names in audiences.items()}

    @property
    def sharing_roles(self) -> tuple[TenantSettings, ...]:
        """The tenants that share reader, writer and admin."""
        return sharing(self.served)

    @property
    def tenant_ids(self) -> tuple[str, ...]:
        """The ids of the stack's tenants, in the order of their files."""
        return tuple(settings.id for settings in self.tenants)


@dataclass(frozen=True)
class Estate:
    """Every stack of every environment; ``organizations`` are those of their vended accounts."""

    stacks: tuple[StackPlan, ...]
    organizations: tuple[OrganizationPlan, ...] = ()

    @property
    def plans(self) -> tuple[StackPlan | OrganizationPlan, ...]:
        """All stacks, in an order in which they can be deployed."""
        return (*self.organizations, *self.stacks)

    def plan(self, name: str) -> StackPlan | OrganizationPlan:
        """The plan of the stack ``name``, to deploy.

        Raises:
            InvalidInput: the files describe no such stack, or the account that it would be in is
                not there yet.
        """
        found = self.planned(name)
        if isinstance(found, StackPlan) and not found.account_vended:
            raise InvalidInput(
                Problem(
                    where=f"Pulumi.{name}.yaml",
                    field="config.tenancy:account_id",
                    rule=f"the account of tenant {found.owner} is not vended yet, or its number"
                    " was not written here",
                    remedy=f"deploy the stack {organization_stack(found.environment.name)}, which"
                    " vends it, and write the number that its output `accounts` tells",
                )
            )
        return found

    def planned(self, name: str) -> StackPlan | OrganizationPlan:
        """The plan of the stack ``name``, to look at.

        Raises:
            InvalidInput: the files describe no such stack.
        """
        organizations = (plan for plan in self.organizations if plan.name == name)
        return next(organizations, None) or self.stack(name)

    def stack(self, name: str) -> StackPlan:
        """The plan of the stack ``name``, which holds tenants.

        Raises:
            InvalidInput: the files describe no such stack.
        """
        for plan in self.stacks:
            if plan.name == name:
                return plan
        known = ", ".join(plan.name for plan in self.stacks)
        raise InvalidInput(
            Problem(
                where=f"Pulumi.{name}.yaml",
                field="",
                rule=f"the files describe no stack {name}; they describe {known}",
                remedy="select one of these, or restore the environment's or hard tenant's file",
            )
        )


def load_estate(root: Path) -> Estate:
    """Read ``Pulumi.*.yaml``, ``tenants/*.yaml`` and ``table-templates/*.yaml`` under ``root``.

    Raises:
        InvalidInput: with every problem of every file that could be told apart.
    """
    findings = _Findings()
    findings.problems += unread_problems(root)
    configurations = sorted(root.glob("Pulumi.*.yaml"))
    environments = tuple(
        environment
        for path in configurations
        if (environment := findings.of(load_environment, path))
    )
    tenants = tuple(
        tenant
        for path in sorted((root / "tenants").glob("*.yaml"))
        if (tenant := findings.of(load_tenant, path))
    )
    templates = findings.of(load_templates, root / "table-templates") or {}
    vended = findings.of(load_vended, configurations) or {}
    findings.raise_any()

    def tables_of(tenant: Tenant) -> tuple[GovernedTable, ...]:
        return govern(templates, tenant.access_overrides, f"tenants/{tenant.tenant}.yaml")

    findings.problems += estate_problems(environments, tenants, vended)
    findings.problems += orphan_problems(
        [path.name.split(".")[1] for path in configurations], environments, tenants
    )
    tables = {tenant.tenant: findings.of(tables_of, tenant) or () for tenant in tenants}
    findings.raise_any()
    stacks = tuple(
        stack
        for environment in environments
        for stack in _stacks(environment, _members(environment, tenants, tables, vended))
    )
    for stack in stacks:
        if not stack.shard:
            findings.problems += shared_role_problems(stack.environment, stack.served)
    findings.raise_any()
    organizations = (_organization(environment, tenants) for environment in environments)
    return Estate(stacks, tuple(plan for plan in organizations if plan is not None))


def _organization(environment: Environment, tenants: Iterable[Tenant]) -> OrganizationPlan | None:
    vended = [tenant for tenant in tenants if environment.takes(tenant) and is_vended(tenant)]
    if environment.organization is None or not vended:
        return None
    left = (tenant.tenant for tenant in vended if tenant.offboarding is Leaving.DESTROYED)
    return OrganizationPlan(
        environment,
        environment.organization,
        tuple(tenant.tenant for tenant in vended),
        frozenset(left),
    )


def _members(
    environment: Environment,
    tenants: Iterable[Tenant],
    tables: Mapping[str, tuple[GovernedTable, ...]],
    vended: Mapping[str, str],
) -> list[TenantSettings]:
    taken = [tenant for tenant in tenants if environment.takes(tenant)]
    ranges = plan_ranges(environment.network.tenants, written_ranges(taken))
    return [
        expand(
            tenant,
            environment,
            tables[tenant.tenant],
            ranges.get(tenant.tenant),
            account_of(tenant, environment, vended),
        )
        for tenant in taken
        # Who has left keeps its range, or others' would move.
        if tenant.offboarding is not Leaving.DESTROYED
    ]


def _stacks(environment: Environment, members: Iterable[TenantSettings]) -> list[StackPlan]:
    hard: list[TenantSettings] = []
    shared: list[TenantSettings] = []
    for member in members:
        (hard if member.tenant.isolation.tier is Tier.HARD else shared).append(member)
    hosts = Hosts(environment.domain)
    priorities = _priorities(shared, hosts.catalog, hosts.dagster)
    return [
        *_shared_stacks(environment, shared, priorities),
        *(
            StackPlan(
                hard_stack(environment.name, m.id), environment, (m,), _priorities([m]), hard=True
            )
            for m in hard
        ),
    ]


def _shared_stacks(
    environment: Environment, members: Sequence[TenantSettings], priorities: Mapping[str, int]
) -> Iterator[StackPlan]:
    """The platform's stack, and those of its shards."""
    name, shards = environment.name, environment.shards
    if not shards:
        yield StackPlan(name, environment, tuple(members), priorities)
        return
    yield StackPlan(name, environment, (), priorities, sharded=tuple(members))
    by_stack: dict[str, list[TenantSettings]] = {
        shard_stack(name, shard): [] for shard in range(1, shards + 1)
    }
    for member in members:
        by_stack[home(name, shards, member.id)].append(member)
    for stack, inside in by_stack.items():
        own = {host: priorities[host] for host in _hosts(inside)}
        yield StackPlan(stack, environment, tuple(inside), own, shard=True)


def _priorities(members: Iterable[TenantSettings], *others: str) -> dict[str, int]:
    """The priority of each host of one load balancer."""
    return listener_priorities(dict.fromkeys([*others, *_hosts(members)]))


def _hosts(members: Iterable[TenantSettings]) -> Iterator[str]:
    for settings in members:
        yield from (settings.network.host, settings.pipelines.host)


class _Findings:
    """Problems collected over many files, so that a user sees all of them at once."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []

    def of(self, read: Callable[[Source], Result], source: Source) -> Result | None:
        """What ``read`` makes of ``source``, or None and its problems kept."""
        try:
            return read(source)
        except InvalidInput as error:
            self.problems += error.problems
            return None

    def raise_any(self) -> None:
        if self.problems:
            raise InvalidInput(dict.fromkeys(self.problems))
