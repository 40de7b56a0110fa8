"""Who owns what, and who acts for whom: from claims, or from tags where there are none."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from isolation.automata import atoms
from isolation.graph import Graph
from isolation.inventory import Inventory, tags
from isolation.patterns import EVERYTHING, Pattern, glob
from isolation.policy import head_of

OF_THE_PLATFORM = frozenset({"platform", "shared"})
"""Values of the tag that name no tenant."""

_BOTH = 0b11
_COLONS = 5  # of an ARN


@dataclass(frozen=True, slots=True)
class Claim:
    """What one component says: ``tenant`` (None: the platform) owns these ARN patterns, and these
    principals act for it. ``restricted`` is what its readers must not reach; ``reaches`` the most
    that a platform's principals may reach, None for no such limit. ``session_tag``: the principals
    are shared, and a session of one acts for the tenant that this tag of it names.
    """

    tenant: str | None
    owns: tuple[str, ...]
    principals: tuple[str, ...]
    restricted: tuple[str, ...]
    reaches: tuple[str, ...] | None
    reason: str
    urn: str
    place: str
    session_tag: str = ""


class Ownership:
    """All claims of an estate.

    ``tag`` is the tag that names a resource's tenant. ``faults`` are claims that cannot be read.
    """

    def __init__(self, graph: Graph, inventory: Inventory, tag: str) -> None:
        self.tag = tag
        self.faults: list[str] = []
        self.claims = tuple(self._read(graph))
        self.faults += _elsewhere(self.claims, inventory)
        self.by_claims = bool(self.claims)
        self._acting: dict[str, list[Claim]] = defaultdict(list)
        self._table = _Table()
        for claim in self.claims:
            for principal in claim.principals:
                self._acting[principal].append(claim)
            for pattern in claim.owns:
                self._table.add(pattern, claim)
        tenants = {claim.tenant for claim in self.claims if claim.tenant is not None}
        tagged = {
            found
            for resource in graph.resources
            if (found := tags(resource).get(tag)) and found not in OF_THE_PLATFORM
        }
        self.tenants: tuple[str, ...] = tuple(sorted(tenants | tagged))

    def _read(self, graph: Graph) -> Iterable[Claim]:
        for resource in graph.resources:
            given = resource.outputs.get("claims")
            if given is None or (resource.type.startswith("aws:")):
                continue
            lists = {}
            if isinstance(given, Mapping):
                for name in ("owns", "principals", "restricted", "reaches"):
                    found = given.get(name)
                    if found is None or (
                        isinstance(found, list) and all(isinstance(text, str) for text in found)
                    ):
                        lists[name] = None if found is None else tuple(found)
            tenant = given.get("tenant") if isinstance(given, Mapping) else 0
            owns = lists.get("owns") or ()
            if any(text.count(":") < _COLONS for text in (*owns, *(lists.get("restricted") or ()))):
                lists.clear()
            session_tag = given.get("session_tag", "") if isinstance(given, Mapping) else 0
            if not isinstance(session_tag, str) or (session_tag and tenant is not None):
                lists.clear()
            if len(lists) < 4 or not (tenant is None or isinstance(tenant, str)):  # noqa: PLR2004
                self.faults.append(f"the claims of {resource.urn} cannot be read")
                continue
            yield Claim(
                tenant=tenant,
                owns=lists["owns"] or (),
                principals=lists["principals"] or (),
                restricted=lists["restricted"] or (),
                reaches=lists["reaches"],
                reason=str(given.get("reason", "")),
                urn=resource.urn,
                place=resource.place,
                session_tag=str(session_tag),
            )

    def acting(self, principal: str) -> Sequence[Claim]:
        """The claims that a principal acts for somebody."""
        return self._acting.get(principal, ())

    @property
    def claimed_principals(self) -> Iterable[str]:
        """Everybody who is claimed to act for somebody."""
        return self._acting

    def owners(self, arn: str) -> list[Claim]:
        """The claims on an ARN."""
        return self._table.find(arn)

    def tenant_of_tags(self, given: Mapping[str, str]) -> str | None:
        """The tenant that tags name."""
        found = given.get(self.tag)
        return found if found and found not in OF_THE_PLATFORM else None

    def disputed(self) -> Iterable[tuple[Claim, str, Claim, str]]:
        """Pairs of claims of two tenants that some ARN would meet, with the patterns."""
        yield from self._table.disputed()


def _elsewhere(claims: Iterable[Claim], inventory: Inventory) -> Iterable[str]:
    """What is claimed where the estate has nothing, so that nothing would be asked about it."""
    heads = tuple(f"arn:{partition}:" for partition in inventory.partitions)
    for claim in claims:
        for arn in (*claim.owns, *claim.restricted):
            if not arn.startswith(heads):
                yield (
                    f"{claim.urn} claims {arn}, in a partition of AWS that no state has anything in"
                )


class _Table:
    """Patterns with what they stand for, found by the start of an ARN."""

    def __init__(self) -> None:
        self._by_head: dict[str, list[tuple[Pattern, str, Claim]]] = defaultdict(list)
        self._lengths: list[int] | None = None

    def add(self, text: str, claim: Claim) -> None:
        head, goes_on = head_of(text)
        if text == f"{head}*":
            pattern = Pattern(head, EVERYTHING.tail)
        else:
            pattern = glob(text) if goes_on else Pattern(head)
        self._by_head[pattern.head].append((pattern, text, claim))
        self._lengths = None

    def find(self, arn: str) -> list[Claim]:
        if self._lengths is None:
            self._lengths = sorted({len(head) for head in self._by_head})
        return [
            claim
            for length in self._lengths
            if length <= len(arn)
            for pattern, text, claim in self._by_head.get(arn[:length], ())
            if text == arn or pattern.matches(arn)
        ]

    def disputed(self) -> Iterable[tuple[Claim, str, Claim, str]]:
        """Heads in order: only those that a head starts with can meet it."""
        open_: list[tuple[str, list[tuple[Pattern, str, Claim]]]] = []
        for head in sorted(self._by_head):
            entries = self._by_head[head]
            while open_ and not head.startswith(open_[-1][0]):
                open_.pop()
            for at, one in enumerate(entries):
                for other in entries[at + 1 :]:
                    yield from _dispute(one, other)
                for _, above in open_:
                    for other in above:
                        yield from _dispute(other, one)
            open_.append((head, entries))


def _dispute(
    one: tuple[Pattern, str, Claim], other: tuple[Pattern, str, Claim]
) -> Iterable[tuple[Claim, str, Claim, str]]:
    tenants = {one[2].tenant, other[2].tenant} - {None}
    if len(tenants) == 2 and _BOTH in {  # noqa: PLR2004 - two tenants
        atom.mask for atom in atoms((one[0], other[0]))
    }:
        yield one[2], one[1], other[2], other[1]
