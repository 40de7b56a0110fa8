"""A fingerprint of what the program gives to a component: equal ones make equal components.

Components expose values, in attributes, and nothing that computes (``_public`` refuses it); so
what one can tell another is in its public attributes. What cannot be looked into has no
fingerprint.
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Iterable, Mapping
from dataclasses import fields, is_dataclass
from decimal import Decimal
from enum import Enum
from ipaddress import IPv4Network
from operator import itemgetter
from types import FunctionType
from typing import Any

import pulumi
from pydantic import BaseModel

_PLAIN = (str, int, float, bool, bytes, Decimal, IPv4Network, type(None))
_OWN = "components."


class _OpaqueError(Exception):
    """A value that cannot be looked into."""


class Fingerprints:
    """Fingerprints of values that live as long as this does: what they share is looked at once."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[object, str]] = {}

    def of(self, given: object) -> str | None:
        """The fingerprint of a value; None where a part of it cannot be looked into."""
        try:
            return self._of(given, frozenset())
        except _OpaqueError:
            return None

    def _of(self, given: Any, above: frozenset[int]) -> str:  # noqa: ANN401 - anything
        if type(given) is str:  # most are
            return f"str {given!r}"
        if isinstance(given, Enum):
            return _hash(type(given).__qualname__, given.name)
        if isinstance(given, _PLAIN):
            return f"{type(given).__name__} {given!r}"  # what it is part of is hashed
        key = id(given)
        if key in above:
            raise _OpaqueError
        if key not in self._known:
            parts = self._parts(given, above | {key})
            self._known[key] = given, _hash(type(given).__qualname__, *parts)
        return self._known[key][1]

    def _parts(self, given: Any, above: frozenset[int]) -> list[str]:  # noqa: ANN401, PLR0911
        if isinstance(given, pulumi.Output):
            urns = [_now(one.urn.future()) for one in _now(given.resources())]
            value = self._of(_now(given.future()), above)
            return [str(_now(given.is_known())), *sorted(map(str, urns)), value]
        if isinstance(given, pulumi.Resource):
            return [str(_now(given.urn.future())), *self._named(_public(given), above)]
        if isinstance(given, Mapping):
            return sorted([self._of(pair, above) for pair in given.items()])
        if isinstance(given, (list, tuple)):
            return [self._of(one, above) for one in given]
        if isinstance(given, (set, frozenset)):
            return sorted([self._of(one, above) for one in given])
        if is_dataclass(given):
            found = [(one.name, getattr(given, one.name)) for one in fields(given)]
            return self._named(found, above)
        if isinstance(given, (BaseModel, pulumi.ResourceOptions)):
            return self._named(vars(given).items(), above)
        if isinstance(given, FunctionType):
            held = [cell.cell_contents for cell in given.__closure__ or ()]
            return [given.__module__, given.__qualname__, self._of(held, above)]
        raise _OpaqueError

    def _named(self, pairs: Iterable[tuple[str, Any]], above: frozenset[int]) -> list[str]:
        return [
            part
            for name, one in sorted(pairs, key=itemgetter(0))
            for part in (name, self._of(one, above))
        ]


def _now(awaited: Awaitable[Any]) -> Any:  # noqa: ANN401 - whatever it is
    """What is known already."""
    try:
        next(awaited.__await__())
    except StopIteration as done:
        return done.value
    raise _OpaqueError


def _public(resource: pulumi.Resource) -> list[tuple[str, Any]]:
    kind = type(resource)
    if isinstance(resource, pulumi.ProviderResource):
        return []  # only the engine looks into it
    if not kind.__module__.startswith(_OWN):
        raise _OpaqueError
    computing = [
        name
        for name, member in vars(kind).items()
        if not name.startswith("_") and (callable(member) or isinstance(member, property))
    ]
    if computing:
        raise _OpaqueError
    return [(name, value) for name, value in vars(resource).items() if not name.startswith("_")]


def _hash(*parts: str) -> str:
    text = "".join([f"{len(part)}:{part}" for part in parts])
    return hashlib.sha256(text.encode()).hexdigest()
