"""How full accounts and regions are, against AWS's quotas, and how many tenants more fit.

Only what the program makes is known here: what others make in the same account comes on top.
"""

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tenancy.limit import Limit, read_limits

ACCOUNT, REGION = "account", "region"
"""What a quota is for, where it is not for the thing that a property names."""

Inputs = Mapping[str, Any]


@dataclass(frozen=True)
class Held:
    """A resource of the program, whose it is (a tenant's id, or anything else) and where."""

    type: str
    inputs: Inputs
    account: str
    region: str
    owner: str


@dataclass(frozen=True)
class Usage:
    """How much of one quota is used in one place.

    ``name`` is the quota's in ``limits/aws.yaml``, ``place`` an account, a region of one, or the
    thing in it that holds. ``growth`` is what each owner uses of it.
    """

    name: str
    what: str
    place: str
    account: str
    region: str
    used: int
    limit: int
    most: int | None
    growth: Mapping[str, int]

    @property
    def exceeded(self) -> bool:
        """Whether more is used than may be."""
        return self.used > self.limit

    def to_json(self) -> dict[str, object]:
        """For machines."""
        return {
            "name": self.name,
            "what": self.what,
            "place": self.place,
            "used": self.used,
            "limit": self.limit,
            "raised_to_at_most": self.most,
        }


@dataclass(frozen=True)
class Forecast:
    """How many further tenants of a tier fit, until which quota of which place is used up.

    ``further`` is None where there is no tenant of the tier to measure by; ``first`` is then
    empty, as it is where no quota grows with such tenants.
    """

    tier: str
    further: int | None
    first: str
    place: str


def usages(held: Iterable[Held], raised: Mapping[str, int]) -> tuple[Usage, ...]:
    """The use of every quota that the program uses, fullest first.

    Args:
        held: all resources in the accounts looked at.
        raised: quota -> its value here, where it is not the default.
    """
    by_type: dict[str, list[Held]] = defaultdict(list)
    for one in held:
        by_type[one.type].append(one)
    found = []
    for name, limit in read_limits().items():
        there = [one for kind in limit.counts for one in by_type[kind]]
        for place, members in _places(limit, there).items():
            used, growth = _measured(limit, members)
            first = members[0]
            found.append(
                Usage(
                    name,
                    limit.what,
                    place,
                    first.account,
                    "" if limit.per == ACCOUNT else first.region,
                    used,
                    raised.get(name, limit.limit),
                    limit.most,
                    growth,
                )
            )
    return tuple(sorted(found, key=lambda usage: -usage.used / usage.limit))


def forecast(found: Iterable[Usage], tiers: Mapping[str, Iterable[str]]) -> tuple[Forecast, ...]:
    """For each tier, how many tenants more fit beside those that are there.

    Each needs at most what the neediest of its tier needs now; a quota that no tenant of the
    tier uses does not limit it.

    Args:
        found: the quotas of the places that tenants share.
        tiers: tier -> its tenants now.
    """
    known = tuple(found)
    return tuple(_of_tier(tier, tuple(tenants), known) for tier, tenants in tiers.items())


def _of_tier(tier: str, tenants: tuple[str, ...], found: tuple[Usage, ...]) -> Forecast:
    if not tenants:
        return Forecast(tier, None, "", "")
    room = [
        (max(usage.limit - usage.used, 0) // each, usage)
        for usage in found
        if (each := max(usage.growth.get(tenant, 0) for tenant in tenants))
    ]
    if not room:
        return Forecast(tier, None, "", "")
    further, first = min(room, key=lambda each: each[0])
    return Forecast(tier, further, first.what, first.place)


def _places(limit: Limit, held: Iterable[Held]) -> dict[str, list[Held]]:
    found: dict[str, list[Held]] = defaultdict(list)
    for one in held:
        if limit.of and limit.of not in one.inputs:
            continue
        if limit.per == ACCOUNT:
            place = one.account
        elif limit.per == REGION:
            place = f"{one.account} {one.region}"
        elif limit.per in one.inputs:
            named = one.inputs[limit.per]
            place = str(named) if _of_peer(limit) else f"{one.account} {one.region} {named}"
        else:
            continue
        found[place].append(one)
    return found


def _of_peer(limit: Limit) -> bool:
    """Whether it is a quota of what is in another account than the resources that it counts."""
    return limit.per.startswith("peer")


def _measured(limit: Limit, held: list[Held]) -> tuple[int, Mapping[str, int]]:
    """How much is used, and what each owner uses of it."""
    growth: dict[str, int] = defaultdict(int)
    if limit.measure == "resources":
        for one in held:
            growth[one.owner] += 1
        if limit.per not in (ACCOUNT, REGION) and not _of_peer(limit) and len(growth) == 1:
            growth.clear()  # the thing is its owner's own: others do not add to it
        return len(held), dict(growth)
    sizes = [(_size(limit, one.inputs.get(limit.of)), one) for one in held]
    used, largest = max(sizes, key=lambda each: each[0])
    document = _document(largest.inputs.get(limit.of))
    for tenant in {one.owner for one in held} | _named(document):
        # What would be shorter without the tenant is what another one adds.
        if shorter := used - _size(limit, _without(document, tenant)):
            growth[tenant] = shorter
    # A document of the tenant's own does not grow with other tenants.
    growth.pop(largest.owner, None)
    return used, dict(growth)


def _size(limit: Limit, value: object) -> int:
    document = _document(value)
    if limit.measure == "items":
        return len(document) if isinstance(document, list) else 0
    text = document if isinstance(document, str) else json.dumps(document, separators=(",", ":"))
    return len(text.encode() if limit.measure == "bytes" else text)


def _document(value: object) -> Any:  # noqa: ANN401 - any JSON
    """A policy's text as what it says; anything else as it is."""
    if isinstance(value, str):
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value


_WORD = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*")


def _named(document: object) -> set[str]:
    """Everything in a document that could be a tenant's id."""
    return {word for text in _texts(document) for word in _WORD.findall(text)}


def _texts(document: object) -> Iterator[str]:
    if isinstance(document, Mapping):
        for key, value in document.items():
            yield from _texts(key)
            yield from _texts(value)
    elif isinstance(document, list):
        for value in document:
            yield from _texts(value)
    elif isinstance(document, str):
        yield document


def _without(document: object, tenant: str) -> object:
    """The document without the items of its lists that name the tenant."""
    if isinstance(document, Mapping):
        return {key: _without(value, tenant) for key, value in document.items()}
    if isinstance(document, list):
        return [
            _without(value, tenant)
            for value in document
            if not (isinstance(value, str) and tenant in _WORD.findall(value))
        ]
    return document
