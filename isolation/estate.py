"""An estate put together: who can act for whom, and what everybody owns."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property

from isolation.actors import Actor, Actors, acting, named_by, outsider
from isolation.deputies import ELSEWHERE, services
from isolation.documents import Document
from isolation.federated import identities
from isolation.graph import Graph
from isolation.inventory import Inventory
from isolation.lakeformation import lake_formation
from isolation.ownership import Ownership
from isolation.principals import Kind
from isolation.sessions import sessions
from isolation.things import Thing, Things

TENANT_TAG = "tenant"


@dataclass
class Estate:
    """All of an estate that the proof asks about. No policy is parsed before it must be.

    ``tag`` is the tag that names a resource's tenant, where no claim does.
    """

    graph: Graph
    tag: str = TENANT_TAG
    unknowns: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.inventory = Inventory(self.graph)
        self.ownership = Ownership(self.graph, self.inventory, self.tag)
        self.unknowns += (*self.inventory.faults, *self.ownership.faults)
        actors = Actors(self.inventory, self.ownership)
        self.roles: list[Actor] = list(actors.read())
        self.unknowns += actors.unknowns
        things = Things(self.inventory, self.ownership)
        self.things: list[Thing] = list(things.read())
        self.unknowns += things.unknowns
        self.mistagged = things.mistagged
        self.open_tables = list(
            lake_formation(self.inventory, self.ownership, self.roles, self.things)
        )

    @property
    def tenants(self) -> tuple[str, ...]:
        """All tenants, in order."""
        return self.ownership.tenants

    @cached_property
    def actors_of(self) -> dict[str | None, list[Actor]]:
        """Roles and users by whom they act for; None for nobody or the platform."""
        found: dict[str | None, list[Actor]] = defaultdict(list)
        for actor in self.roles:
            found[actor.tenant].append(actor)
        return found

    @cached_property
    def things_of(self) -> dict[str | None, list[Thing]]:
        """What is owned, by owner; None for the platform. Restricted columns are not among it."""
        found: dict[str | None, list[Thing]] = defaultdict(list)
        for thing in self.things:
            if not thing.restricted:
                found[thing.tenant].append(thing)
        return found

    @cached_property
    def restricted_of(self) -> dict[str | None, list[Thing]]:
        """What a tenant's own readers must not reach."""
        found: dict[str | None, list[Thing]] = defaultdict(list)
        for thing in self.things:
            if thing.restricted:
                found[thing.tenant].append(thing)
        return found

    def roles_named(self, arn: str) -> list[Actor]:
        """The roles and users with an ARN."""
        return self._by_arn.get(arn, [])

    @cached_property
    def _by_arn(self) -> dict[str, list[Actor]]:
        found: dict[str, list[Actor]] = defaultdict(list)
        for actor in self.roles:
            found[actor.arn].append(actor)
        return found

    def with_sessions(self, actors: Iterable[Actor], tenants: Iterable[str]) -> list[Actor]:
        """The actors, and their sessions with given tags, those of ``tenants`` among them."""
        names = tuple(tenants)
        return [session for actor in actors for session in sessions(actor, self.ownership, names)]

    def outsiders(self, actors: Iterable[Actor], things: Iterable[Thing]) -> list[Actor]:
        """Whom the policies of these name, and the estate does not hold.

        Anybody at all is among them: nobody, and a stranger's account.
        """
        known = {actor.arn for actor in self.roles}
        documents: dict[int, Document] = {}
        for insider in actors:
            if insider.trust is not None:
                documents[id(insider.trust)] = insider.trust
        for thing in things:
            for one in thing.documents:
                documents[id(one)] = one
        named = sorted({pair for one in documents.values() for pair in named_by(one.json)})
        found = [
            Actor("*", Kind.ANONYMOUS, "", session="anybody, without credentials", stranger=True),
            *(
                Actor(
                    f"arn:{partition}:iam::{ELSEWHERE}:root",
                    Kind.ROOT,
                    ELSEWHERE,
                    identity=None,
                    session="any other account",
                    stranger=True,
                )
                for partition in self.inventory.partitions
            ),
        ]
        for kind, name in named:
            policies = [one.policy for one in documents.values() if name in one.text]
            if kind == "Federated":
                found += [acting(one, self.ownership, {}) for one in identities(name, policies)]
            elif kind == "Service":
                found += services(name, policies, self.ownership, self.inventory)
            for arn in self._written(name):
                actor = outsider(kind, arn, self.inventory.accounts)
                if actor is not None and actor.arn not in known:
                    known.add(actor.arn)
                    found.append(acting(actor, self.ownership, {}))
        return found

    def _written(self, name: str) -> tuple[str, ...]:
        """The ARNs that a principal's name stands for: an account's number, in any partition."""
        if not name.isdigit():
            return (name,)
        return tuple(f"arn:{one}:iam::{name}:root" for one in self.inventory.partitions)
