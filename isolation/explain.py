"""Why a principal reaches something, or does not: one decision and the statements that make it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from isolation.actors import Actor, outsider
from isolation.estate import Estate
from isolation.evaluation import Decision, decide
from isolation.inventory import is_arn
from isolation.principals import account_of
from isolation.targets import Target, Values
from isolation.things import Thing


@dataclass(frozen=True, slots=True)
class Explained:
    """One answer: ``allowed`` with an example, or what stands in the way."""

    principal: str
    resource: str
    allowed: bool
    action: str
    example: str
    statements: tuple[str, ...]
    denied_by: tuple[str, ...]
    silent: tuple[str, ...]
    unknowns: tuple[str, ...]

    def to_json(self) -> dict[str, object]:
        """For machines."""
        return {
            "principal": self.principal,
            "resource": self.resource,
            "allowed": self.allowed,
            "action": self.action,
            "example": self.example,
            "statements": list(self.statements),
            "denied_by": list(self.denied_by),
            "allows_nothing": list(self.silent),
            "unknowns": list(self.unknowns),
        }


def why(estate: Estate, one: str, other: str) -> Iterator[Explained]:
    """For each principal of one tenant and everything of another: what decides.

    Raises ``ValueError`` for a tenant that the estate does not have.
    """
    for name in (one, other):
        if name not in estate.tenants:
            raise ValueError(f"no tenant is called {name}; there are {', '.join(estate.tenants)}")
    actors = [
        actor
        for actor in estate.with_sessions(
            [*estate.actors_of[one], *estate.actors_of[None]], (one, other)
        )
        if actor.tenant == one
    ]
    for actor in actors:
        for thing in estate.things_of[other]:
            yield _explained(actor, thing.label, decide(actor.principal, thing.target))


def can(
    estate: Estate,
    principal: str,
    action: str,
    resource: str,
    context: Mapping[str, Values] | None = None,
) -> Iterator[Explained]:
    """Whether a principal (by ARN, or by the end of it) can do an action to a resource.

    ``context``: condition key -> the values that the request has for it; any, where it is left out.

    Raises ``ValueError`` for a principal or resource that is none.
    """
    actors = estate.with_sessions(
        [actor for actor in estate.roles if principal in (actor.arn, actor.arn.rpartition("/")[2])],
        estate.tenants,
    )
    if not actors and is_arn(principal):
        found = outsider("AWS", principal, estate.inventory.accounts)
        actors = [found] if found is not None else []
    if not actors:
        raise ValueError(f"no role or user of the estate is {principal}")
    if not is_arn(resource):
        raise ValueError(f"{resource} is no ARN")
    target = _target(estate, action, resource, context or {})
    # Several statements of a trust policy may let in the same session.
    yield from dict.fromkeys(
        _explained(actor, resource, decide(actor.principal, target)) for actor in actors
    )


def _target(estate: Estate, action: str, resource: str, context: Mapping[str, Values]) -> Target:
    """The resource with the policies that guard it, as some thing of the estate has them."""
    guards = [thing for thing in estate.things if not thing.restricted and _covers(thing, resource)]
    guards.sort(key=lambda thing: (bool(thing.what), -len(thing.arn)))
    account = resource.split(":")[4]
    if guards:
        guard = guards[0].target
        return Target(
            (resource,),
            guard.account,
            actions=(action,),
            policies=guard.policies,
            policy_must_allow=guard.policy_must_allow,
            facts=guard.facts,
            context=context,
        )
    accounts = estate.inventory.accounts
    return Target(
        (resource,),
        account or (accounts[0] if accounts else "") or account_of(resource),
        actions=(action,),
        context=context,
    )


def _covers(thing: Thing, resource: str) -> bool:
    if not thing.arn.startswith("arn:"):
        return False
    head = thing.arn.removesuffix("*")
    return resource == thing.arn or (thing.arn.endswith("*") and resource.startswith(head))


def _explained(actor: Actor, resource: str, decision: Decision) -> Explained:
    witness = decision.allowed
    return Explained(
        actor.label,
        resource,
        allowed=witness is not None or decision.undecided is not None,
        action=witness.actions[0] if witness is not None else "",
        example=witness.resource if witness is not None else "",
        statements=tuple(f"{layer}: {one}" for layer, one in witness.statements) if witness else (),
        denied_by=tuple(str(one) for one in decision.denied_by),
        silent=decision.silent,
        unknowns=(*decision.unknowns, *((decision.undecided,) if decision.undecided else ())),
    )
