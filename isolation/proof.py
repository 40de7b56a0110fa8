"""The proof: asks for every principal and everything that it must not reach whether it does."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import chain

from isolation import remedies
from isolation.actors import Actor, named_by
from isolation.classes import Classes
from isolation.estate import TENANT_TAG, Estate
from isolation.evaluation import Decision, decide
from isolation.graph import Graph
from isolation.partitions import OF_SERVICES
from isolation.policy import Policy
from isolation.principals import Kind
from isolation.problem import pose
from isolation.rules import rules
from isolation.sessions import sharers
from isolation.targets import Target
from isolation.things import Thing
from isolation.verdict import Answer, Counterexample, Place, Trusted, Verdict
from isolation.workloads import workloads

_MOST_OF_ONE = 5
"""Counterexamples that are told of one principal and one owner."""

_WITHOUT_SOURCE = frozenset(
    f"{name}{end}" for name in ("lambda", "ec2", "eks") for end in OF_SERVICES
)
"""Services that do not say for whom they assume a role, so its trust cannot ask."""


HELD_OFF = "only a permissions boundary or a denial holds it off"
"""Of a grant on another's part that is one fence away from a breach."""

Reach = tuple[Thing | None, Decision, tuple[str, ...], str | None]
"""What is reached: a thing, or None for a role; the decision, by which roles, whose it is."""
Reached = dict[str, list[tuple[Thing | None, Decision, tuple[str, ...]]]]
"""Tenant -> what of it is reached: a thing, or None for a role, the decision and the chain."""


@dataclass(frozen=True, slots=True)
class Options:
    """``strict``: a latent pattern is a violation. ``cross_check``: ask the second prover too.
    ``tag``: the tag that names a tenant.
    """

    strict: bool = False
    cross_check: bool = False
    tag: str = TENANT_TAG


def prove(graph: Graph, options: Options | None = None) -> Verdict:
    """Whether no principal of one tenant reaches what is another's, and nobody what guards it."""
    given = options or Options()
    return Proof(Estate(graph, given.tag), given).verdict()


def prove_fences(
    graph: Graph, options: Options | None = None
) -> tuple[Verdict, tuple[Counterexample, ...]]:
    """The verdict, and what grants reach that only the second fence holds off.

    A permissions boundary, or a denial of a bucket or key, is one: a grant on another's part that
    it holds off is a mistake all the same. Of an estate that is not proven nothing of it is told.
    """
    given = options or Options()
    proof = Proof(Estate(graph, given.tag), given)
    verdict = proof.verdict()
    return verdict, proof.held_off() if verdict.proven else ()


@dataclass
class Proof:
    """The questions of one estate and their answers."""

    estate: Estate
    options: Options = field(default_factory=Options)
    found: list[Counterexample] = field(default_factory=list)
    trusted: list[Trusted] = field(default_factory=list)
    unknowns: dict[str, None] = field(default_factory=dict)
    assumptions: dict[str, None] = field(default_factory=dict)
    asked: int = 0
    fences: bool = True

    def __post_init__(self) -> None:
        self._answers: dict[tuple[int, int], Decision] = {}
        self._targets: dict[int, Target | None] = {}
        self._tags: dict[int, Target] = {}
        self._steps: dict[int, tuple[list[Reach], list[Actor]]] = {}
        self._told: dict[tuple[str, str | None], int] = defaultdict(int)
        self._outsiders: list[Actor] | None = None

    def verdict(self) -> Verdict:
        """Ask everything."""
        estate = self.estate
        for unknown in estate.unknowns:
            self.unknowns[unknown] = None
        if not estate.tenants:
            self.unknowns["no tenant: nothing is claimed, and nothing has the tenant's tag"] = None
        classes = self._classes = Classes(estate)
        ruled = rules(estate, classes)
        self.found += ruled.found
        self.unknowns |= dict.fromkeys(ruled.unknowns)
        self._platforms = classes.things
        self._shared = estate.with_sessions(classes.actors, classes.asked)
        of_sessions: dict[str | None, list[Actor]] = defaultdict(list)
        for actor in self._shared:
            of_sessions[actor.tenant].append(actor)
        self._actors = {
            name: [
                *estate.with_sessions(estate.actors_of.get(name, []), classes.asked),
                *of_sessions.get(name, []),
            ]
            for name in classes.asked
        }
        self._shared = of_sessions[None]
        self._ask_all()
        latent = classes.latent
        if self.options.strict:
            self.found += latent
        answer = Answer.PROVEN
        if self.unknowns:
            answer = Answer.UNKNOWN
        if self.found:
            answer = Answer.VIOLATED
        tenants = len(estate.tenants)
        return Verdict(
            answer,
            tuple(self.found),
            tuple(self.unknowns),
            tuple(self.assumptions),
            () if self.options.strict else tuple(latent),
            tuple(self.trusted),
            {
                "tenants": tenants,
                "pairs": tenants * (tenants - 1),
                "classes": len(classes.members),
                "principals": len(estate.roles),
                "resources": len(estate.things),
                "decisions": self.asked,
            },
        )

    def held_off(self) -> tuple[Counterexample, ...]:
        """What grants reach that only the second fence holds off, after a ``verdict`` of proven."""
        alone = replace(self, found=[], trusted=[], unknowns={}, assumptions={}, fences=False)
        alone._take_over(self)  # noqa: SLF001 - another of the same class
        alone._ask_all()  # noqa: SLF001 - as above
        return tuple(alone.found)

    def _take_over(self, other: Proof) -> None:
        """Ask about the same, with the answers that are the same without the second fence."""
        self._classes, self._platforms = other._classes, other._platforms
        self._shared, self._actors = other._shared, other._actors
        self._outsiders = other._outsiders
        self._targets, self._tags = other._targets, other._tags
        self._answers = {
            question: answer for question, answer in other._answers.items() if not answer.fenced
        }

    # --- questions

    def _ask_all(self) -> None:
        for name, others in self._classes.questions():
            self._tenant(name, others)
        self._platform(self._classes)

    def _decide(self, actor: Actor, thing_id: int, target: Target) -> Decision:
        known = self._answers.get((id(actor), thing_id))
        if known is None:
            known = self._answers[id(actor), thing_id] = self._ask(actor, target)
        return known

    def _ask(self, actor: Actor, target: Target) -> Decision:
        self.asked += 1
        known = decide(actor.principal, target, fences=self.fences)
        if known.undecided is not None:
            self.unknowns[f"{actor.label}: {known.undecided}"] = None
        if known.allowed is None:
            self.assumptions |= dict.fromkeys(known.assumptions)
        if self.options.cross_check:
            self._cross_check(actor, target, known)
        return known

    def _cross_check(self, actor: Actor, target: Target, known: Decision) -> None:
        from isolation import second  # noqa: PLC0415 - the solver is loaded only when it is asked

        problem = pose(actor.principal, target, fences=self.fences)
        if known.undecided is None and second.reaches(problem) is (known.allowed is None):
            self.unknowns[
                f"the provers disagree on {actor.label} and {', '.join(target.resources)}"
            ] = None

    def reaches(self, actor: Actor, thing: Thing) -> Decision | None:
        """The decision, if it is that the actor reaches the thing."""
        decision = self._decide(actor, id(thing), thing.target)
        return decision if decision.allowed is not None else None

    def becomes(self, actor: Actor, other: Actor) -> Decision | None:
        """The decision, if it is that one can become the other: by its trust, or by passing it to
        a service that runs code.
        """
        if actor.arn == other.arn and not other.session:
            return None
        target = self._entry(other)
        if target is not None:
            decision = self._decide(actor, id(other), target)
            if decision.allowed is not None and other.tagging is not None:
                tagging = self._tagging(other, other.tagging)
                decision = self._decide(actor, id(tagging), tagging)
            if decision.allowed is not None:
                return decision
        if other.kind is Kind.ROLE and other.services and actor.principal.of_an_account:
            passing = self._passing(other)
            decision = self._decide(actor, id(passing), passing)
            if decision.allowed is not None:
                return decision
        return None

    def _entry(self, actor: Actor) -> Target | None:
        if id(actor) not in self._targets:
            guarded = actor.trust if actor.kind is Kind.ROLE else None
            self._targets[id(actor)] = (
                None
                if guarded is None
                else Target(
                    (actor.arn,),
                    actor.account,
                    actions=(
                        "sts:AssumeRole",
                        "sts:AssumeRoleWithSAML",
                        "sts:AssumeRoleWithWebIdentity",
                    ),
                    policies=(guarded.policy,),
                    policy_must_allow=True,
                    context=actor.asks,
                )
            )
        return self._targets[id(actor)]

    def _tagging(self, actor: Actor, policy: Policy) -> Target:
        """A session's tags, which its role's trust must allow besides the session itself."""
        if id(actor) not in self._tags:
            self._tags[id(actor)] = Target(
                (actor.arn,),
                actor.account,
                actions=("sts:TagSession",),
                policies=(policy,),
                policy_must_allow=True,
                context=actor.asks,
            )
        return self._tags[id(actor)]

    def _passing(self, actor: Actor) -> Target:
        key = -id(actor)
        if key not in self._targets:
            self._targets[key] = Target((actor.arn,), actor.account, actions=("iam:PassRole",))
        found = self._targets[key]
        assert found is not None  # noqa: S101 - set above
        return found

    # --- one tenant's principals

    def _tenant(self, name: str, others: Iterable[str]) -> None:
        """Ask for the principals of a tenant what they reach of others and of the platform."""
        estate = self.estate
        others = list(others)
        for actor in self._actors[name]:
            for thing in self._platforms:
                self._tell(actor, thing, "a tenant's principal reaches what is the platform's")
            for role in self._shared:
                self._chain(actor, role, name)
            for other in others:
                for thing in estate.things_of[other]:
                    self._tell(actor, thing, "a tenant's principal reaches what is another's")
                for role in self._actors[other]:
                    decision = self.becomes(actor, role)
                    if decision is not None:
                        self._add(
                            actor,
                            role.label,
                            other,
                            decision,
                            "a tenant's principal becomes another's",
                        )
            self._named(actor, name)
            if actor.is_reader:
                for thing in estate.restricted_of[name]:
                    self._tell(actor, thing, "a reader reaches restricted columns of its tenant")

    def _named(self, role: Actor, owner: str) -> None:
        """A tenant's role, or its session of a shared one, trusts nobody who acts for another,
        whatever else stops that one.
        """
        if role.session and role.tagging is not None:
            named = {one for statement in role.tagging.allows for one in statement.principals or ()}
        elif role.trust is not None:
            named = named_by(role.trust.json)
        else:
            return
        for kind, arn in sorted(named):
            for actor in self.estate.roles_named(arn) if kind == "AWS" else ():
                if actor.tenant is not None and actor.tenant != owner:
                    self.found.append(
                        Counterexample(
                            rule="a tenant's role trusts another's principal",
                            principal=arn,
                            tenant=actor.tenant,
                            action="sts:AssumeRole",
                            resource=role.label,
                            owner=owner,
                            because=(Place("assumeRolePolicy", role.urn, role.place),),
                            remedy="let the role trust only principals of its own tenant",
                        )
                    )

    def _tell(self, actor: Actor, thing: Thing, rule: str) -> None:
        if self._told[actor.label, thing.tenant] >= _MOST_OF_ONE:
            return
        decision = self.reaches(actor, thing)
        if decision is not None:
            self._add(actor, "", thing.tenant, decision, rule, thing=thing)

    def _chain(self, actor: Actor, role: Actor, name: str) -> None:
        """A tenant's principal that becomes one of nobody's or of the platform's."""
        first = self.becomes(actor, role)
        if first is None:
            return
        if role.reason is not None:
            self._add(
                actor, role.label, None, first, "a tenant's principal becomes one of the platform's"
            )
            return
        for found in self._beyond(role, (role.label,)):
            thing, decision, links, owner = found
            if owner == name:
                continue
            self._add(
                actor,
                thing.arn if thing else links[-1],
                owner,
                decision,
                "a tenant's principal reaches another's through a role of nobody's",
                thing=thing,
                chain=links,
            )

    def _beyond(self, start: Actor, links: tuple[str, ...]) -> Iterator[Reach]:
        """What an actor of nobody's reaches, itself or as others: by the shortest chain to each."""
        waiting, seen = deque([(start, links)]), {id(start)}
        while waiting:
            role, links = waiting.popleft()
            own, others = self._step(role)
            for thing, decision, became, owner in own:
                yield thing, decision, (*links, *became), owner
            for other in others:
                if id(other) not in seen:
                    seen.add(id(other))
                    waiting.append((other, (*links, other.label)))

    def _step(self, role: Actor) -> tuple[list[Reach], list[Actor]]:
        """What an actor reaches by itself, and whom of nobody's it becomes."""
        if id(role) not in self._steps:
            others = [other for other in self._shared if self.becomes(role, other) is not None]
            self._steps[id(role)] = list(self._own_reach(role)), others
        return self._steps[id(role)]

    def _own_reach(self, role: Actor) -> Iterator[Reach]:
        """The first thing and the first role of each tenant, and the first of the platform's."""
        for name in self._actors:
            for thing in self.estate.things_of[name]:
                if (decision := self.reaches(role, thing)) is not None:
                    yield thing, decision, (), name
                    break
            for other in self._actors[name]:
                if (decision := self.becomes(role, other)) is not None:
                    yield None, decision, (other.label,), name
                    break
        for thing in self._platforms:
            if (decision := self.reaches(role, thing)) is not None:
                yield thing, decision, (), None
                break

    # --- everybody else

    def _platform(self, classes: Classes) -> None:
        """Those who act for nobody, for the platform, or come from outside."""
        estate = self.estate
        asked = list(classes.asked)
        things = [*self._platforms, *(one for name in asked for one in estate.things_of[name])]
        actors = [actor for name in asked for actor in self._actors[name]]
        for rule, actor, resource, owner, decision, thing in workloads(
            estate,
            classes,
            [*actors, *self._shared],
            things,
            self._ask,
        ):
            self._add(actor, resource, owner, decision, rule, thing=thing)
        # Kept: answers are remembered by who asked, and another in its place would get them.
        if self._outsiders is None:
            self._outsiders = estate.outsiders([*actors, *self._shared], things)
        for actor in chain(self._shared, self._outsiders):
            if actor.assumed:
                self.assumptions[actor.assumed] = None
            if actor.tenant is not None:
                self._claimed_outsider(actor)
                continue
            if actor.session_tag and not actor.session:
                self._trust_shared(actor)
            self._several(actor)

    def _trust_shared(self, actor: Actor) -> None:
        """List a role that tenants share: what each of its sessions reaches was asked by itself."""
        reasons = dict.fromkeys(one.reason for one in self.estate.ownership.acting(actor.arn))
        told = f"by a session with the tag {actor.session_tag}, what the tenant of that name owns"
        self.trusted.append(Trusted(actor.arn, "; ".join(reasons), sharers(actor), (told,)))

    def _claimed_outsider(self, actor: Actor) -> None:
        """One from outside that is claimed to act for a tenant reaches no other's part."""
        for thing, decision, links, owner in self._beyond(actor, ()):
            if owner != actor.tenant:
                rule = "a tenant's outsider reaches what is another's"
                resource = links[-1] if links else ""
                self._add(actor, resource, owner, decision, rule, thing=thing, chain=links)

    def _several(self, actor: Actor) -> None:
        """One that reaches more than one tenant must be declared, with a reason."""
        if actor.kind is Kind.SERVICE and actor.arn in _WITHOUT_SOURCE:
            return
        reached: Reached = defaultdict(list)
        for thing, decision, links, owner in self._beyond(actor, ()):
            if owner is not None:
                reached[owner].append((thing, decision, links))
        if actor.reason is None and self._is_outside(actor):
            self._platforms_part(actor)
        if not reached:
            return
        if actor.reason is not None:
            self.trusted.append(
                Trusted(
                    actor.label,
                    actor.reason,
                    self._classes.expanded(reached),
                    tuple(
                        _reached(thing, links)
                        for found in reached.values()
                        for thing, _, links in found
                    ),
                )
            )
            return
        rule = "a principal that nobody declares reaches more than one tenant"
        if actor.stranger:
            rule = "anybody reaches what is a tenant's"
        elif len(reached) < 2:  # noqa: PLR2004 - more than one tenant
            # To become a tenant's role is what its trust lets one; a resource lets in nobody else.
            reached = self._direct(reached) if self._is_outside(actor) else {}
            rule = "a resource's policy lets in an outsider whom nobody claims"
        for owner, found in reached.items():
            thing, decision, links = found[0]
            self._add(
                actor, links[-1] if links else "", owner, decision, rule, thing=thing, chain=links
            )

    @staticmethod
    def _direct(reached: Reached) -> Reached:
        kept = {owner: [one for one in found if not one[2]] for owner, found in reached.items()}
        return {owner: found for owner, found in kept.items() if found}

    def _is_outside(self, actor: Actor) -> bool:
        return actor.stranger or bool(
            actor.account and actor.account not in self.estate.inventory.accounts
        )

    def _platforms_part(self, actor: Actor) -> None:
        """Ask what one from outside, whom nobody declares, reaches of the platform's."""
        for thing in self._platforms:
            self._tell(actor, thing, "an outsider reaches what is the platform's")
        for role in self._shared:
            if role.reason is None:
                continue
            decision = self.becomes(actor, role)
            if decision is not None:
                self._add(
                    actor, role.label, None, decision, "an outsider becomes one of the platform's"
                )

    # --- the report

    def _add(  # noqa: PLR0913 - a counterexample is all of these
        self,
        actor: Actor,
        resource: str,
        owner: str | None,
        decision: Decision,
        rule: str,
        *,
        thing: Thing | None = None,
        chain: tuple[str, ...] = (),
    ) -> None:
        witness = decision.allowed
        if witness is None or self._told[actor.label, owner] >= _MOST_OF_ONE:
            return
        unknown = [s for _, s in witness.statements if s.unknown]
        if unknown:
            for statement in unknown:
                self.unknowns[f"{', '.join(statement.unknown)} (it counts as allowing all)"] = None
            return
        self._told[actor.label, owner] += 1
        self.found.append(
            Counterexample(
                rule=rule,
                principal=actor.label,
                tenant=actor.tenant,
                action=witness.actions[0],
                resource=witness.resource if thing is not None else resource or witness.resource,
                owner=owner,
                remedy=remedies.remedy(actor, thing, decision),
                chain=chain,
                because=tuple(
                    self._place(layer, str(s.label), s.policy) for layer, s in witness.statements
                ),
                context=witness.context,
            )
        )

    def _place(self, layer: str, label: str, policy: str) -> Place:
        urn, _, name = policy.partition("#")
        resource = self.estate.inventory.by_urn.get(urn)
        return Place(
            f"{label} ({layer}, {name})" if name else f"{label} ({layer})",
            urn,
            resource.place if resource is not None else "",
        )


def _reached(thing: Thing | None, links: tuple[str, ...]) -> str:
    return thing.label if thing is not None else f"becomes {links[-1]}"
