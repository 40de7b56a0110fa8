"""Policy documents as they stand in a state file, read into typed statements.

Source: IAM User Guide, "Grammar of the IAM JSON policy language". What AWS would refuse is an error
that says where; an element that is unknown here is kept by name, so that it can fail closed.
"""

import json
import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from isolation.errors import PolicyError

Effect = Literal["Allow", "Deny"]
WITH_VARIABLES = "2012-10-17"
_VERSIONS = ("2008-10-17", WITH_VARIABLES)
_SPECIAL = re.compile(r"[*?$]")
_ELEMENTS = frozenset(
    {
        "Sid",
        "Effect",
        "Principal",
        "NotPrincipal",
        "Action",
        "NotAction",
        "Resource",
        "NotResource",
        "Condition",
    }
)


@dataclass(frozen=True, slots=True)
class Condition:
    """One key of a condition block: the operator as written, the key in lower case."""

    operator: str
    key: str
    values: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.operator} {self.key}"


@dataclass(frozen=True)
class Statement:
    """One statement. ``excludes_...`` tells that the element was written with ``Not``.

    ``actions`` are in lower case, since actions are not case-sensitive. ``principals`` are pairs of
    type and name (``("*", "*")`` for everybody), None in a policy of an identity. A statement
    without ``Resource``, as in a trust policy, concerns whatever carries the policy. ``variables``
    tells whether the policy's version has them. ``unknown`` are elements that nobody here knows.
    """

    policy: str
    label: str
    effect: Effect
    actions: tuple[str, ...]
    resources: tuple[str, ...] = ("*",)
    principals: tuple[tuple[str, str], ...] | None = None
    conditions: tuple[Condition, ...] = ()
    excludes_actions: bool = False
    excludes_resources: bool = False
    excludes_principals: bool = False
    variables: bool = True
    unknown: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.label} of {self.policy}"

    @cached_property
    def heads(self) -> tuple[tuple[str, bool], ...]:
        """What each resource starts with, and whether a wildcard or variable follows."""
        return tuple(map(head_of, self.resources))

    @cached_property
    def _places(self) -> tuple[list[tuple[str, int]], dict[str, list[int]], list[int]]:
        """Resources by what they start with: all in order, the open ones by head, their lengths."""
        ordered = sorted((head, place) for place, (head, _) in enumerate(self.heads))
        open_: dict[str, list[int]] = {}
        for place, (head, goes_on) in enumerate(self.heads):
            if goes_on:
                open_.setdefault(head, []).append(place)
        return ordered, open_, sorted({len(head) for head in open_})

    def resources_near(self, heads: Iterable[tuple[str, bool]]) -> tuple[str, ...]:
        """Its resources that could match something that starts with one of ``heads``, which go on
        where their flag says so: all others match nothing of it.
        """
        ordered, open_, lengths = self._places
        found: set[int] = set()
        for own, goes_on in heads:
            for length in lengths:
                if length > len(own):
                    break
                found.update(open_.get(own[:length], ()))
            at = bisect_left(ordered, (own, -1))
            while at < len(ordered) and (
                ordered[at][0].startswith(own) if goes_on else ordered[at][0] == own
            ):
                found.add(ordered[at][1])
                at += 1
        return tuple(self.resources[place] for place in sorted(found))

    @cached_property
    def action_heads(self) -> tuple[tuple[str, bool], ...]:
        """What each action starts with, and whether a wildcard follows."""
        return tuple(map(head_of, self.actions))

    @cached_property
    def services(self) -> frozenset[str] | None:
        """The services whose actions it names; None if they may be any."""
        if self.excludes_actions:
            return None
        return action_services(self.actions)


@dataclass(frozen=True)
class Policy:
    """A policy document; ``name`` tells a reader where it stands."""

    name: str
    statements: tuple[Statement, ...]

    @cached_property
    def allows(self) -> tuple[Statement, ...]:
        """The statements that allow."""
        return tuple(s for s in self.statements if s.effect == "Allow")

    @cached_property
    def denies(self) -> tuple[Statement, ...]:
        """The statements that deny."""
        return tuple(s for s in self.statements if s.effect == "Deny")


def head_of(text: str) -> tuple[str, bool]:
    """What a pattern starts with, up to its first wildcard or variable; whether one follows."""
    head = _SPECIAL.split(text, maxsplit=1)[0]
    return head, head != text


def action_services(actions: Sequence[str]) -> frozenset[str] | None:
    """The service prefixes of action patterns in lower case; None if one may be of any service."""
    services = set()
    for action in actions:
        service, colon, _ = action.partition(":")
        if not colon or "*" in service or "?" in service:
            return None
        services.add(service)
    return frozenset(services)


def parse_policy(document: str | Mapping[str, object], name: str) -> Policy:
    """Read a document, JSON text or already parsed; ``name`` is used in messages and reports.

    Raises ``PolicyError`` for what AWS would refuse.
    """
    given = _load(document, name) if isinstance(document, str) else document
    if not isinstance(given, Mapping):
        raise PolicyError(name, "", "a policy must be a JSON object")
    version = given.get("Version", _VERSIONS[0])
    if version not in _VERSIONS:
        raise PolicyError(name, "Version", f"must be one of {', '.join(_VERSIONS)}")
    unknown = sorted(set(given) - {"Version", "Id", "Statement"})
    if unknown:
        raise PolicyError(name, unknown[0], "is no element of a policy")
    statements = given.get("Statement")
    listed = statements if isinstance(statements, list) else [statements]
    if statements is None or not listed:
        raise PolicyError(name, "Statement", "must hold at least one statement")
    return Policy(
        name,
        tuple(
            _Reader(name, f"Statement[{index}]", entry).statement(
                index, variables=version == WITH_VARIABLES
            )
            for index, entry in enumerate(listed)
        ),
    )


def _load(text: str, name: str) -> object:
    def without_duplicates(pairs: list[tuple[str, object]]) -> dict[str, object]:
        found = dict(pairs)
        if len(found) != len(pairs):
            raise PolicyError(name, "", "an object has the same key twice")
        return found

    try:
        return json.loads(text, object_pairs_hook=without_duplicates)
    except (json.JSONDecodeError, RecursionError) as error:
        raise PolicyError(name, "", f"is not JSON: {error}") from None


class _Reader:
    """Reads one statement; knows where it is, for messages."""

    def __init__(self, policy: str, path: str, given: object) -> None:
        self._policy = policy
        self._path = path
        if not isinstance(given, Mapping):
            raise self._error("", "must be a JSON object")
        self._given = given

    def _error(self, element: str, rule: str) -> PolicyError:
        return PolicyError(self._policy, f"{self._path}.{element}".rstrip("."), rule)

    def statement(self, index: int, *, variables: bool) -> Statement:
        effect = self._given.get("Effect")
        if effect not in ("Allow", "Deny"):
            raise self._error("Effect", "must be Allow or Deny")
        sid = self._given.get("Sid")
        not_action, actions = self._either("Action")
        not_resource, resources = self._either("Resource")
        not_principal, principals = self._principals()
        if actions is None:
            raise self._error("Action", "is missing")
        return Statement(
            policy=self._policy,
            label=sid if isinstance(sid, str) and sid else f"statement {index + 1}",
            effect=effect,
            actions=tuple(action.lower() for action in actions),
            resources=("*",) if resources is None else resources,
            principals=principals,
            conditions=tuple(self._conditions()),
            excludes_actions=not_action,
            excludes_resources=not_resource,
            excludes_principals=not_principal,
            variables=variables,
            unknown=tuple(sorted(map(str, set(self._given) - _ELEMENTS))),
        )

    def _either(self, element: str) -> tuple[bool, tuple[str, ...] | None]:
        """Whether it was written with ``Not``, and its texts; None if it is missing."""
        negated = self._negated(element)
        if negated is None:
            return False, None
        name = f"Not{element}" if negated else element
        return negated, self._texts(name, self._given[name])

    def _negated(self, element: str) -> bool | None:
        plain, negated = element in self._given, f"Not{element}" in self._given
        if plain and negated:
            raise self._error(element, f"stands beside Not{element}")
        return negated if plain or negated else None

    def _texts(self, element: str, given: object) -> tuple[str, ...]:
        listed = given if isinstance(given, list) else [given]
        if not listed or not all(isinstance(text, str) and text for text in listed):
            raise self._error(element, "must be a text or a list of texts, none empty")
        return tuple(listed)

    def _principals(self) -> tuple[bool, tuple[tuple[str, str], ...] | None]:
        negated = self._negated("Principal")
        if negated is None:
            return False, None
        name = "NotPrincipal" if negated else "Principal"
        given = self._given[name]
        if given == "*":
            return negated, (("*", "*"),)
        if not isinstance(given, Mapping) or not given:
            raise self._error(name, 'must be "*" or an object of principals')
        return negated, tuple(
            (str(kind), text)
            for kind, texts in given.items()
            for text in self._texts(f"{name}.{kind}", texts)
        )

    def _conditions(self) -> Iterator[Condition]:
        block = self._given.get("Condition", {})
        if not isinstance(block, Mapping):
            raise self._error("Condition", "must be an object of operators")
        for operator, keys in block.items():
            if not isinstance(keys, Mapping):
                raise self._error(f"Condition.{operator}", "must be an object of condition keys")
            for key, values in keys.items():
                path = f"Condition.{operator}.{key}"
                yield Condition(str(operator), str(key).lower(), self._values(path, values))

    def _values(self, path: str, given: object) -> tuple[str, ...]:
        listed = given if isinstance(given, list) else [given]
        values = []
        for value in listed:
            if isinstance(value, bool):
                values.append(str(value).lower())
            elif isinstance(value, str | int | float):
                values.append(str(value))
            else:
                raise self._error(path, "must be a text, number, truth value, or a list of them")
        return tuple(values)
