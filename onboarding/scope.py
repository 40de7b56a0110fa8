"""Which stacks a command is about: all of one environment, a hard tenant's, or a tenant's."""

from __future__ import annotations

from dataclasses import dataclass

from tenancy.errors import InvalidInput, Problem, suggestion
from tenancy.estate import Estate, StackPlan
from tenancy.organization import OrganizationPlan


@dataclass(frozen=True)
class Scope:
    """What is asked for.

    Attributes:
        stacks: all of the environment, the platform's first: they are judged together.
        chosen: the names of those to work on, in the order of deployment.
        neighbours: stacks of other environments in the same accounts, which fill the same quotas.
        tenant: the only tenant that is asked for; empty for all.
        organization: the stack that vends the environment's accounts, judged with the others;
            None where none is vended.
        vending: whether it is to be deployed before the chosen ones.
    """

    stacks: tuple[StackPlan, ...]
    chosen: tuple[str, ...]
    neighbours: tuple[StackPlan, ...] = ()
    tenant: str = ""
    organization: OrganizationPlan | None = None
    vending: bool = False

    @property
    def embedded(self) -> bool:
        """Whether they are on the embedded cloud."""
        return self.stacks[0].environment.embedded

    @property
    def plans(self) -> tuple[StackPlan, ...]:
        """The chosen stacks, in the order of deployment."""
        return tuple(plan for plan in self.stacks if plan.name in self.chosen)

    @property
    def vended(self) -> tuple[OrganizationPlan, ...]:
        """The stack that is deployed before the chosen ones, where there is one."""
        return (self.organization,) if self.organization and self.vending else ()

    @property
    def order(self) -> tuple[StackPlan | OrganizationPlan, ...]:
        """All that are deployed, the one of vended accounts first."""
        return (*self.vended, *self.plans)


def scope_of(estate: Estate, stack: str = "", tenant: str = "") -> Scope:
    """The scope that a command's options mean.

    Args:
        estate: all stacks.
        stack: a stack's name; an environment's means all its stacks. Empty for the embedded ones.
        tenant: only the stack that this tenant is in, and that of the platform where that serves it
            from a shard; empty for all.

    Raises:
        InvalidInput: there is no such stack, or no such tenant in it.
    """
    asked = estate.stack(stack) if stack else _embedded(estate)
    environment = asked.environment
    stacks = tuple(
        sorted(
            (plan for plan in estate.stacks if plan.environment == environment),
            key=lambda plan: plan.hard,
        )
    )
    candidates = [asked] if asked.hard or asked.shard else [*stacks]
    if tenant:
        candidates = [plan for plan in candidates if any(tenant == one.id for one in plan.served)]
        if not candidates:
            known = [id_ for plan in stacks for id_ in plan.tenant_ids]
            raise InvalidInput(
                Problem(
                    "--tenant",
                    "",
                    f"environment {environment.name} has no tenant {tenant}",
                    suggestion(tenant, known),
                )
            )
    ids = {id_ for plan in candidates for id_ in plan.tenant_ids}
    accounts = {plan.account_id for plan in stacks}
    organization = next(
        (plan for plan in estate.organizations if plan.environment == environment), None
    )
    return Scope(
        stacks,
        tuple(plan.name for plan in candidates),
        tuple(
            plan
            for plan in estate.stacks
            if plan not in stacks
            and plan.account_id in accounts
            and plan.environment.embedded == environment.embedded  # else they share the digits only
        ),
        tenant,
        organization,
        # Who has left has no stack, but an account: it is kept when all of them are asked for.
        organization is not None
        and (candidates == [*stacks] or bool(ids & {*organization.members})),
    )


def _embedded(estate: Estate) -> StackPlan:
    for plan in estate.stacks:
        if plan.environment.embedded and not plan.hard:
            return plan
    raise InvalidInput(
        Problem(
            "Pulumi.*.yaml",
            "tenancy:environment.embedded",
            "no environment is on the embedded cloud",
            "name a stack: --stack " + (estate.stacks[0].name if estate.stacks else "NAME"),
        )
    )
