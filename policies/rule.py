"""What a rule is, and what it says."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from isolation.estate import TENANT_TAG
from isolation.graph import UNKNOWN, Graph, Resource


class NotKnownYetError(Exception):
    """A rule met a value that only an update makes known: it can decide then, not before."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What the rules may be told (docs/policies.md).

    ``tag`` names a resource's tenant, ``tier_tag`` its tier, of which ``alone`` is the one with an
    account to itself. ``tenant_id`` is the grammar of the ids, a regular expression.
    """

    tag: str = TENANT_TAG
    tier_tag: str = "tier"
    alone: str = "hard"
    tenant_id: str = "[a-z][a-z0-9]*(-[a-z0-9]+)*"


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong, a sentence without its subject, with which resource; None: with all of them
    together.
    """

    resource: Resource | None
    text: str


@dataclass(frozen=True, slots=True)
class Rule:
    """``description`` says what holds, ``remedy`` what to do where it does not."""

    name: str
    description: str
    remedy: str


@dataclass(frozen=True, slots=True)
class ResourceRule(Rule):
    """Looks at one resource alone. ``find`` raises ``NotKnownYetError`` where it cannot decide."""

    find: Callable[[Resource, Settings], Iterable[str]]


@dataclass(frozen=True, slots=True)
class EstateRule(Rule):
    """Looks at all resources of one or more stacks together; passes over what is not known."""

    find: Callable[[Graph, Settings], Iterable[Fault]]


def message(rule: Rule, fault: Fault) -> str:
    """A fault as people read it: who, what, which rule, and the remedy."""
    resource = fault.resource
    subject = f"{resource.name} ({resource.type}) " if resource else ""
    where = f"\n  where:  {resource.urn}" if resource else ""
    return f"{subject}{fault.text}{where}\n  rule:   {rule.name}\n  remedy: {rule.remedy}"


def faults(rule: Rule, graph: Graph, settings: Settings) -> Iterator[Fault]:
    """Everything that a rule finds in an estate; what is not known yet is passed over."""
    if isinstance(rule, EstateRule):
        yield from rule.find(graph, settings)
    elif isinstance(rule, ResourceRule):
        for resource in graph.resources:
            try:
                found = tuple(rule.find(resource, settings))
            except NotKnownYetError:
                continue
            for text in found:
                yield Fault(resource, text)


def known(value: object) -> object:
    """The value itself; raises ``NotKnownYetError`` for the engine's mark of an unknown one."""
    if value == UNKNOWN:
        raise NotKnownYetError
    return value


def tags(resource: Resource) -> dict[str, object]:
    """The tags that the program gives. Raises ``NotKnownYetError``."""
    given = known(resource.inputs.get("tags"))
    return dict(given) if isinstance(given, dict) else {}
