"""A question put as data: which policies must allow, which may deny, for one caller and target.

Sources, IAM User Guide: "Policy evaluation logic", "Evaluating policies for requests within a
single account", "Cross-account policy evaluation logic", "Permissions boundaries"; KMS Developer
Guide, "Troubleshooting key access".
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from isolation.catalog import has_resource_control
from isolation.conditions import Outcome, Test, bind, resolved_patterns
from isolation.facts import Facts
from isolation.notes import Notes
from isolation.patterns import Pattern, parse, resource
from isolation.policy import Policy, Statement
from isolation.principals import Kind, Naming, Principal, denied, naming
from isolation.targets import Target, meet


@dataclass(frozen=True, slots=True, eq=False)
class Bound:
    """A statement as it stands for one caller and target: variables and known keys filled in."""

    statement: Statement
    resources: tuple[Pattern, ...]
    tests: tuple[Test, ...]


@dataclass(frozen=True, slots=True)
class Layer:
    """Policies that must allow together, by at least one of ``allows``."""

    name: str
    allows: tuple[Bound, ...]


_FENCED = frozenset({"s3", "kms"})
"""Services whose resources' denials are a second fence."""

OF_THE_RESOURCE = "the resource's policies"
"""The layer of the policies on the target itself."""
OF_THE_IDENTITY = "the identity policies"
"""The layer of the policies on the caller."""
OF_THE_PARTITION = "the partition of AWS"
"""What keeps those of one partition from whatever is in another."""

Path = tuple[Layer, ...]
"""Layers that suffice if each allows; an empty one always does."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Does a request exist that some path allows and nothing denies?

    ``silent`` names the layers that allow nothing that could concern the target. ``fenced``: the
    second fence was met (``pose``), so without it the answer could be another.
    """

    target: Target
    same_account: bool
    paths: tuple[Path, ...]
    denies: tuple[Bound, ...]
    notes: Notes
    silent: tuple[str, ...]
    fenced: bool


def pose(principal: Principal, target: Target, *, fences: bool = True) -> Problem:
    """The question whether ``principal`` reaches ``target``.

    Without ``fences`` it is asked as if the second fence were not there: no permissions boundary,
    and no denial in the policies of buckets and keys.
    """
    return _Case(principal, target, fences=fences).problem()


def closed(principal: Principal, target: Target) -> tuple[str, ...]:
    """Layers that must allow and allow nothing that could concern the two, at a quick look; none
    where that does not tell.
    """
    if target.allows:
        return ()
    if (
        target.policy_must_allow
        or not principal.of_an_account
        or principal.account != target.account
    ):
        return (OF_THE_RESOURCE,)
    own = principal.allowed_services
    if own is None or not own.isdisjoint(target.services):
        return ()
    return (OF_THE_RESOURCE, OF_THE_IDENTITY) if target.policies else (OF_THE_IDENTITY,)


def bind_statement(
    statement: Statement, facts: Facts, notes: Notes, resources: tuple[str, ...] | None = None
) -> Bound | None:
    """The statement given the facts; None where it surely does not apply, or cannot be relied on.

    ``resources`` are those of the statement that can matter; all, by default.

    What is not understood counts for the caller: an Allow holds, a Deny is left out.
    """
    own = Notes()
    allow = statement.effect == "Allow"
    if statement.unknown:
        own.unknown(f"{', '.join(statement.unknown)} in {statement}")
    outcomes = [bind(condition, statement, facts, own) for condition in statement.conditions]
    if Outcome.FAILS in outcomes:
        return None
    excludes = statement.excludes_resources
    texts = [
        parse(text, wildcards=True, variables=statement.variables)
        for text in (statement.resources if resources is None else resources)
    ]
    resolved = resolved_patterns(texts, statement, facts, own, negated=excludes)
    notes.add(own)
    unsure = Outcome.UNKNOWN in outcomes or statement.unknown
    if resolved is None or (unsure and not allow):
        return None
    return Bound(
        statement,
        tuple(resource(text, narrow=allow == excludes) for text in resolved),
        tuple(outcome for outcome in outcomes if isinstance(outcome, Test)),
    )


def _elsewhere(test: Test, target: Target) -> bool:
    """Whether no request that concerns the target passes a test, at a quick look."""
    asked = target.keys.get(test.key)
    if asked is None or test.negated:
        return False
    patterns, or_missing = asked
    if test.if_missing and or_missing:
        return False
    return not any(
        meet((one.head, bool(one.tail)), (other.head, bool(other.tail)))
        for one in test.patterns
        for other in patterns
    )


class _Case:
    """One caller and one target."""

    def __init__(self, principal: Principal, target: Target, *, fences: bool) -> None:
        self._principal = principal
        self._target = target
        self._fences = fences
        self._boundary = principal.boundary if fences else None
        self._met_fence = False
        self._notes = Notes()
        self._context: Facts | None = None
        self._silent: list[str] = []
        self._named_by: list[tuple[Statement, Naming]] | None = None
        self._same_account = principal.account == target.account

    def _bind(self, statements: Iterable[Statement]) -> tuple[Bound, ...]:
        found = []
        for statement in statements:
            if not self._target.concerned_by(statement):
                continue
            if self._context is None:
                self._context = self._principal.context | self._target.known
            near = statement.resources_near(self._target.heads)
            bound = bind_statement(statement, self._context, self._notes, near)
            if bound is not None and not any(_elsewhere(t, self._target) for t in bound.tests):
                found.append(bound)
        return tuple(found)

    def problem(self) -> Problem:
        paths = tuple(self._paths())
        return Problem(
            self._target,
            self._same_account,
            paths,
            self._denies() if paths else (),
            self._notes,
            tuple(dict.fromkeys(self._silent)),
            self._met_fence,
        )

    def _paths(self) -> Iterable[Path]:
        """The ways to be allowed that no silent layer closes."""
        guards: list[Layer] | None = None
        for path in self._ways():
            if guards is None:
                guards = [self._layer(name, level) for name, level in self._guardrails()]
            whole = (*path, *guards)
            closed = [layer.name for layer in whole if not layer.allows]
            self._silent += closed
            if not closed:
                yield whole

    def _ways(self) -> Iterable[Path]:
        principal = self._principal
        if not principal.of_an_account:
            yield (self._named(Naming.DIRECT, exactly=True),)
            return
        if self._target.partitions and principal.partition not in self._target.partitions:
            self._silent.append(OF_THE_PARTITION)
            return
        if not self._same_account:
            # Both accounts must allow (IAM User Guide, "Cross-account policy evaluation logic").
            yield from self._also(self._named(Naming.ACCOUNT), self._own)
            return
        if self._target.policies:
            yield (self._named(Naming.DIRECT, exactly=True),)
            yield from self._also(self._named(Naming.ROLE, exactly=True), self._limits)
        if self._target.policy_must_allow:
            yield from self._also(self._named(Naming.ACCOUNT), self._own)
        else:
            yield self._own()

    def _also(self, first: Layer, rest: Callable[[], Path]) -> Iterable[Path]:
        """A path of ``first`` and the rest, which is looked at only if ``first`` allows."""
        if first.allows:
            yield (first, *rest())
        else:
            self._silent.append(first.name)

    def _own(self) -> Path:
        """What the caller's own account decides with."""
        identity = self._principal.identity
        if identity is None:
            self._notes.assumed(f"{self._principal.arn} is allowed all by its own account")
        elif self._principal.kind is not Kind.ROOT:
            first = self._layer(OF_THE_IDENTITY, identity)
            return (first, *self._limits()) if first.allows else (first,)
        return self._limits()

    def _limits(self) -> Path:
        principal = self._principal
        found = []
        if self._boundary is not None:
            self._met_fence = True
            found.append(self._layer("the permissions boundary", (self._boundary,)))
        if principal.session:
            found.append(self._layer("the session policies", principal.session))
        return tuple(found)

    def _layer(self, name: str, policies: Iterable[Policy]) -> Layer:
        return Layer(
            name, self._bind(s for p in policies for s in p.allows if self._limits_caller(s))
        )

    def _limits_caller(self, statement: Statement) -> bool:
        """Whether a statement is for the caller; those of some guardrails name principals."""
        if statement.principals is None:
            return True
        if statement.effect == "Deny":
            return denied(statement, self._principal, self._notes)
        return naming(statement, self._principal, self._notes) is not Naming.NOT

    def _named(self, least: Naming, *, exactly: bool = False) -> Layer:
        """What the resource's policies allow to the caller by name."""
        found = [
            statement
            for statement, named in self._namings()
            if (named == least if exactly else named >= least)
        ]
        return Layer(OF_THE_RESOURCE, self._bind(found))

    def _namings(self) -> list[tuple[Statement, Naming]]:
        """How each statement of the resource's policies names the caller."""
        if self._named_by is None:
            caller, notes = self._principal, self._notes
            self._named_by = [(one, naming(one, caller, notes)) for one in self._target.allows]
        return self._named_by

    def _guardrails(self) -> Iterable[tuple[str, tuple[Policy, ...]]]:
        if self._principal.of_an_account:
            for number, level in enumerate(self._principal.guardrails, start=1):
                yield f"guardrail {number} of the caller", level
        if not self._target.guardrails:
            return
        # They limit some services only (Organizations User Guide, "Resource control policies").
        others = [name for name in sorted(self._target.services) if not has_resource_control(name)]
        if others:
            self._notes.assumed(f"no resource control policy limits {', '.join(others)}")
            return
        for number, level in enumerate(self._target.guardrails, start=1):
            yield f"guardrail {number} of the resource", level

    def _denies(self) -> tuple[Bound, ...]:
        principal = self._principal
        policies: list[Policy] = list(principal.identity or ())
        if self._boundary is not None:
            self._met_fence = True
            policies.append(self._boundary)
        policies += principal.session
        policies += [policy for _, level in self._guardrails() for policy in level]
        own = [s for policy in policies for s in policy.denies if self._limits_caller(s)]
        resources = [
            one for one in self._denied_by_resource() if denied(one, principal, self._notes)
        ]
        return self._bind([*own, *resources])

    def _denied_by_resource(self) -> tuple[Statement, ...]:
        target = self._target
        if not target.denies or not target.services <= _FENCED:
            return target.denies
        self._met_fence = True
        return target.denies if self._fences else ()
