"""What must not be reached: resources, the requests that concern them, and who else guards them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache

from isolation.automata import atoms
from isolation.catalog import Universe, acting_on, template_pattern, universe
from isolation.facts import Facts, Given
from isolation.partitions import partition_of
from isolation.patterns import Pattern, glob
from isolation.policy import Policy, Statement, action_services, head_of
from isolation.principals import Level, account_of

ANY_RESOURCE = "${*}"
"""The resource of actions that act on nothing that has an ARN (``lakeformation:...``)."""


@dataclass(frozen=True, slots=True)
class Values:
    """Values of a condition key, as patterns, with which a request concerns a target."""

    patterns: tuple[str, ...]
    or_missing: bool = False


@dataclass(frozen=True, eq=False)
class Target:
    """Resources by ARN pattern (``*``, ``?``; escaped ``${*}``), all of one account.

    ``actions`` limits what is asked, any action by default. ``policies`` are those of the resource
    (bucket, key, trust, queue); ``policy_must_allow`` tells that they alone let the account's own
    policies count, as for KMS keys and the trust of roles. ``guardrails`` are the levels of
    resource control policies, which count only where they limit every service of ``actions``.
    ``facts`` are condition keys that the resource decides, ``context`` the values of request keys
    without which a request does not concern the target.

    Raises ``ValueError`` where neither actions nor ARNs tell the service.
    """

    resources: tuple[str, ...]
    account: str
    actions: tuple[str, ...] = ("*",)
    policies: tuple[Policy, ...] = ()
    policy_must_allow: bool = False
    guardrails: tuple[Level, ...] = ()
    facts: Given = field(default_factory=dict)
    context: Mapping[str, Values] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.own_services:
            raise ValueError(f"of which service is {', '.join(self.resources)}? name its actions")

    @cached_property
    def partitions(self) -> frozenset[str]:
        """The partitions of AWS that its resources are in; none where their ARNs do not tell."""
        found = frozenset(map(partition_of, self.resources))
        return frozenset() if any(set(one) & set("*?$") or not one for one in found) else found

    @cached_property
    def lower_actions(self) -> tuple[str, ...]:
        """The action patterns in lower case."""
        return tuple(action.lower() for action in self.actions)

    @cached_property
    def action_heads(self) -> tuple[tuple[str, bool], ...]:
        """What each action starts with, and whether a wildcard follows."""
        return tuple(map(head_of, self.lower_actions))

    @cached_property
    def own_services(self) -> frozenset[str]:
        """The prefixes of actions that may concern it, documented or not."""
        named = action_services(self.lower_actions)
        if named is not None:
            return named
        components = [head.split(":") for head, _ in self.heads]
        if any(len(parts) <= _SERVICE + 1 or not parts[_SERVICE] for parts in components):
            return frozenset()
        return frozenset(parts[_SERVICE] for parts in components)

    @cached_property
    def services(self) -> frozenset[str]:
        """The prefixes of all actions that may concern it: those of other services, if documented.

        To assume a role is an action of another service than the role's own.
        """
        own = self.own_services
        if action_services(self.lower_actions) is not None:
            return own
        others = frozenset().union(*map(acting_on, own)) - own
        return own | {
            service
            for service in others
            if any(
                self._forms(forms) is not None for forms in universe(frozenset({service})).templates
            )
        }

    @cached_property
    def heads(self) -> tuple[tuple[str, bool], ...]:
        """What each resource starts with, and whether a wildcard follows."""
        return tuple((pattern.head, bool(pattern.tail)) for pattern in self.patterns)

    @cached_property
    def patterns(self) -> tuple[Pattern, ...]:
        """The resources."""
        return tuple(glob(text) for text in self.resources)

    @cached_property
    def keys(self) -> dict[str, tuple[tuple[Pattern, ...], bool]]:
        """Key in lower case -> values that concern the target; whether it may be missing."""
        return {
            key.lower(): (tuple(glob(text) for text in values.patterns), values.or_missing)
            for key, values in self.context.items()
        }

    @cached_property
    def known(self) -> Facts:
        """The condition keys that the resource decides."""
        return Facts(
            {"aws:ResourceAccount": self.account, "s3:ResourceAccount": self.account, **self.facts}
        )

    @cached_property
    def universe(self) -> Universe:
        """The documented actions of its services."""
        return universe(self.services)

    @cached_property
    def by_template(self) -> tuple[tuple[int, tuple[Pattern, ...]], ...]:
        """Documented actions that can concern it, with the ARN forms that they add, if any do.

        An action acts on resources of its documented forms only: listing a bucket never on objects.
        """
        asked = self.universe.matching(self.lower_actions)
        found: dict[tuple[Pattern, ...], int] = {}
        for templates, mask in self.universe.templates.items():
            if mask & asked and (forms := self._forms(templates)) is not None:
                found[forms] = found.get(forms, 0) | mask & asked
        return tuple((mask, forms) for forms, mask in found.items())

    @cached_property
    def allows(self) -> tuple[Statement, ...]:
        """The statements of its policies that allow and could concern it."""
        return tuple(s for one in self.policies for s in one.allows if self.concerned_by(s))

    @cached_property
    def denies(self) -> tuple[Statement, ...]:
        """The statements of its policies that deny and could concern it."""
        return tuple(s for one in self.policies for s in one.denies if self.concerned_by(s))

    def concerned_by(self, statement: Statement) -> bool:
        """Whether a statement could concern it, at a quick look."""
        services = statement.services
        if services is not None and not (
            services & self.services
            and any(meet(head, own) for head in statement.action_heads for own in self.action_heads)
        ):
            return False
        return statement.excludes_resources or bool(statement.resources_near(self.heads))

    def _forms(self, templates: tuple[str, ...]) -> tuple[Pattern, ...] | None:
        """The forms that cut its resources, none where all have one; None if none has any."""
        if self.resources == (ANY_RESOURCE,):
            return ()
        cutting: set[str] = set()
        whole, touched = True, False
        for pattern in self.patterns:
            relations = {text: _relation(pattern, text) for text in templates}
            within = any(relation == _WITHIN for relation in relations.values())
            some = [text for text, relation in relations.items() if relation != _APART]
            touched = touched or bool(some)
            whole = whole and within
            cutting.update(some)
        if not touched:
            return None
        return () if whole else tuple(template_pattern(text) for text in sorted(cutting))


def meet(one: tuple[str, bool], other: tuple[str, bool]) -> bool:
    """Whether a string may start with both heads, where each goes on only if it is open."""
    return (
        (one[0].startswith(other[0]) and other[1])
        or (other[0].startswith(one[0]) and one[1])
        or one[0] == other[0]
    )


_SERVICE = 2  # arn:partition:service
_APART, _PARTLY, _WITHIN = range(3)
_BOTH = 0b11


@lru_cache(maxsize=1 << 14)
def _relation(pattern: Pattern, template: str) -> int:
    """Whether the resources of a pattern have a documented form: none, some or all of them."""
    if _differ(pattern.head, template):
        return _APART
    masks = {atom.mask for atom in atoms((pattern, template_pattern(template)), within=0b01)}
    if masks == {_BOTH}:
        return _WITHIN
    return _PARTLY if _BOTH in masks else _APART


def _differ(head: str, template: str) -> bool:
    """Whether some complete component of an ARN's start rules a form out; a quick first look."""
    given = head.split(":")[:-1]
    form = template.split(":")
    return any(
        one != other if "$" not in other and "*" not in other else not one and "*" not in other
        for one, other in zip(given[:5], form[:5], strict=False)
    )


_LISTING = ("s3:ListBucket", "s3:ListBucketVersions", "s3:ListBucketMultipartUploads")


def listing(bucket: str, account: str, prefix: str, policies: tuple[Policy, ...] = ()) -> Target:
    """The names of the keys under ``prefix`` in the bucket with an ARN.

    A listing shows them if it asks for a part of the prefix, for something below it, or for all.
    """
    shown = tuple(escaped(prefix[:size]) for size in range(len(prefix)))
    return Target(
        resources=(bucket,),
        account=account,
        actions=_LISTING,
        policies=policies,
        context={"s3:prefix": Values((*shown, f"{escaped(prefix)}*"), or_missing=True)},
    )


def trust(role: str, policy: Policy, facts: Given | None = None) -> Target:
    """The sessions of the role with an ARN, which its trust policy guards.

    Source: IAM User Guide, "Evaluating policies for requests within a single account": a role's
    trust policy must itself allow.
    """
    return Target(
        resources=(escaped(role),),
        account=account_of(role),
        actions=("sts:AssumeRole", "sts:AssumeRoleWithSAML", "sts:AssumeRoleWithWebIdentity"),
        policies=(policy,),
        policy_must_allow=True,
        facts=facts or {},
    )


def key(arn: str, policy: Policy, facts: Given, context: Mapping[str, Values]) -> Target:
    """A KMS key by ARN or ARN pattern; ``facts`` hold its aliases (``kms:ResourceAliases``).

    On a shared key, ``context`` is the encryption context of what the tenant encrypts. Source: KMS
    Developer Guide, "Key policies": only the key policy lets the account's policies count.
    """
    return Target(
        resources=(arn,),
        account=account_of(arn),
        actions=("kms:*",),
        policies=(policy,),
        policy_must_allow=True,
        facts=facts,
        context=context,
    )


def escaped(text: str) -> str:
    """A pattern that matches the text only."""
    return "".join(f"${{{c}}}" if c in "*?$" else c for c in text)
