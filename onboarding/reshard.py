"""`tenancy reshard`: moves tenants from stack to stack, in their states; no cloud hears of it.

The engine's own `pulumi state move` does it. What the engine would then do is asked before all is
over: where that is anything at all, the tenants are moved back.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

from onboarding import previews
from onboarding.deploy import Target, is_held
from onboarding.deployed import Finished
from onboarding.errors import OperationFailed, Refused
from onboarding.events import Step
from onboarding.judge import Deployed
from onboarding.opened import Opened, opened
from onboarding.parallel import at_once
from onboarding.progress import Reporter
from onboarding.scope import Scope, scope_of
from onboarding.state import STACK_TYPE, TENANT_TYPE, StackState
from tenancy.errors import Problem
from tenancy.estate import load_estate
from tenancy.shards import is_shard

_READER = "pulumi:providers:pulumi"
"""What another stack's outputs are read with; the engine makes it by itself where it is first used.
"""
_SHARED = "commons"
"""The output of the platform's stack that shards are made with."""
_SHARD = "tenancy:aws:Shard"
"""What a shard is told from other stacks by: it is nothing in a cloud."""
_ENGINES_OWN = "pulumi:"
"""What the types of providers and of references to other stacks start with."""
_QUIET = ("same", "read", "refresh")
_SHOWN = 5


@dataclass(frozen=True)
class Move:
    """One tenant's.

    Attributes:
        urn: of its component, in the stack that it is in.
        begun: whether it is in both stacks' states: an earlier move was killed in between.
    """

    tenant: str
    source: str
    dest: str
    urn: str
    begun: bool

    @property
    def back(self) -> Move:
        """The same, the other way."""
        there = self.urn.replace(f"urn:pulumi:{self.source}::", f"urn:pulumi:{self.dest}::", 1)
        return Move(self.tenant, self.dest, self.source, there, begun=False)


@dataclass(frozen=True)
class Resharded:
    """What was to be moved, and whether it was.

    Attributes:
        emptied: shards that no longer exist and then hold nothing in a cloud: with `--yes` they
            were removed from the backend.
    """

    environment: str
    moves: tuple[Move, ...]
    moved: bool
    emptied: tuple[str, ...] = ()

    def to_json(self) -> dict[str, object]:
        """For machines."""
        return asdict(self)


def reshard(root: Path, reporter: Reporter, *, stack: str = "", yes: bool = False) -> Resharded:
    """Move each tenant to the state of the stack that it belongs in; without ``yes``, only tell.

    A shard that the files have no more is removed from the backend once it holds nothing any more.
    Run again after it was killed, it ends what it began.

    Raises:
        InvalidInput: the files cannot be used, or there is no such stack; (Refused) the states are
            not ones to start from, or what the files want is more than a move: all is as it was.
        LocalCloudError: no engine could be had.
        OperationFailed: the engine failed.
    """
    scope = scope_of(load_estate(root), stack)
    environment = scope.stacks[0].environment.name
    with opened(root, scope, reporter) as found:
        deployed = Deployed.read(found.target.engine, reporter)
        moves = tuple(moves_of(scope, deployed))
        _check(found, deployed, moves)
        if moves and yes:
            Moving(found.running_cloud(), scope, deployed, reporter)(moves)
        emptied = tuple(emptied_by(scope, deployed, moves))
        if yes:
            emptied = tuple(_remove(found, emptied))
    return Resharded(environment, moves, bool(moves) and yes, emptied)


def emptied_by(scope: Scope, deployed: Deployed, moves: Iterable[Move]) -> Iterator[str]:
    """The shards that the files have no more, and that hold nothing once the moves are made."""
    environment = scope.stacks[0].environment.name
    wanted = {plan.name for plan in scope.stacks}
    left: dict[str, set[str]] = defaultdict(set)
    for move in moves:
        left[move.source] |= {one.urn for one in deployed.state(move.source).below(move.urn)}
    for name in sorted(deployed.states):
        if is_shard(environment, name) and name not in wanted:
            state = deployed.state(name)
            there = {one.urn for one in state.in_cloud if not one.type.startswith(_ENGINES_OWN)}
            if not state.pending and there <= left[name]:
                yield name


def _remove(found: Opened, emptied: Iterable[str]) -> Iterator[str]:
    """Remove those that hold nothing as their states are now; tells which they were."""
    engine = found.target.engine
    now = Deployed({name: engine.exported(name) for name in emptied})
    for name in emptied_by(found.scope, now, ()):
        if not is_held(found.target, name):
            engine.forget(name, groups=True)
            yield name


def moves_of(scope: Scope, deployed: Deployed) -> Iterator[Move]:
    """Every soft or medium tenant that is in another stack's state than where it belongs."""
    environment = scope.stacks[0].environment.name
    homes = {id_: plan.name for plan in scope.stacks if not plan.hard for id_ in plan.tenant_ids}
    there = {
        name: {one.name: one.urn for one in deployed.state(name).of_type(TENANT_TYPE)}
        for name in sorted(deployed.states)
        if name == environment or is_shard(environment, name)
    }
    for source, tenants in there.items():
        for tenant, urn in tenants.items():
            dest = homes.get(tenant, source)
            if dest != source:
                yield Move(tenant, source, dest, urn, begun=tenant in there.get(dest, {}))


def _check(found: Opened, deployed: Deployed, moves: Sequence[Move]) -> None:
    """Refuse states that no move may start from."""
    problems = [
        Problem(
            f"stack {name}",
            "",
            "an update of it is under way, or was killed before its end",
            "put `shards` back as it was and deploy, which mends it; then change it again",
        )
        for name in sorted(_touched(moves))
        if deployed.state(name).pending or is_held(found.target, name)
    ]
    problems += [
        Problem(
            f"stack {platform}",
            f"outputs.{_SHARED}",
            "it does not tell yet what shards are made with: an older program deployed it",
            "put `shards` back as it was and deploy; then change it again",
        )
        for platform in {plan.environment.name for plan in found.scope.stacks}
        if moves and not tells_shards(deployed.state(platform))
    ]
    problems += [
        Problem(
            f"stack {move.source}",
            move.urn,
            f"tenant {move.tenant} is in the state of {move.dest} too, and they tell of different"
            " things",
            f"compare `pulumi stack export` of {move.source} and {move.dest}, and take from one"
            " of them what is not there, with `pulumi state delete`",
        )
        for move in moves
        if move.begun and not same_things(deployed, move)
    ]
    if records := found.target.deployments:
        instances = {records.of(name) for name in _touched(moves) & set(deployed.states)}
        if len(instances - {None}) > 1:
            problems.append(
                Problem(
                    "the embedded cloud",
                    "",
                    "the stacks were last deployed to different instances of it",
                    "put `shards` back as it was and run `make up`; then change it again",
                )
            )
    if problems:
        raise Refused(problems)


def tells_shards(platform: StackState) -> bool:
    """Whether the state of a platform's stack has the output that shards read."""
    return _SHARED in platform.outputs


def same_things(deployed: Deployed, move: Move) -> bool:
    """Whether all that the source tells of the tenant, the destination tells as well."""

    def things(stack: str, urn: str) -> set[tuple[str, str, object]]:
        ids = {one["urn"]: one.get("id") for one in deployed.entries(stack)}
        return {(r.type, r.name, ids[r.urn]) for r in deployed.state(stack).below(urn)}

    return things(move.source, move.urn) <= things(move.dest, move.back.urn)


def _touched(moves: Iterable[Move]) -> set[str]:
    return {name for move in moves for name in (move.source, move.dest)}


class Moving:
    """Moves tenants, and moves them back where that would lead to any change of them."""

    def __init__(
        self, target: Target, scope: Scope, deployed: Deployed, reporter: Reporter
    ) -> None:
        self._target, self._deployed = target, deployed
        self._engine, self._reporter = target.engine, reporter
        self._plans = {plan.name: plan for plan in scope.stacks}
        self._moved: list[Move] = []

    def __call__(self, moves: Sequence[Move]) -> None:
        """Move. Raises what `reshard` does."""
        for stack in sorted(_touched(moves) - set(self._deployed.states)):
            self._engine.init(stack)
        try:
            self._move(moves)
            self._look(sorted(_touched(moves) & set(self._plans)))
        except BaseException:  # a Ctrl-C too: what was not looked at stays where it was
            self._move([move.back for move in self._moved])
            raise
        if records := self._target.deployments:
            for move in moves:
                if instance := records.of(move.source):
                    records.note(move.dest, Finished(instance))

    def _move(self, moves: Sequence[Move]) -> None:
        between: dict[tuple[str, str], list[Move]] = defaultdict(list)
        for move in moves:
            if move.begun:
                self._engine.drop(move.source, move.urn)
                self._moved.append(move)
            else:
                between[move.source, move.dest].append(move)
        for (source, dest), together in between.items():
            self._reporter.say(f"{source} -> {dest}: {len(together)} of the tenants")
            self._engine.move(source, dest, [move.urn for move in together])
            self._moved += together

    def _look(self, stacks: Iterable[str]) -> None:
        jobs = {stack: partial(self._problems, stack) for stack in stacks}
        found = at_once(jobs, self._engine.interrupt, self._reporter.say)
        if problems := [problem for of_stack in found.values() for problem in of_stack]:
            raise Refused(problems)

    def _problems(self, stack: str) -> list[Problem]:
        """What the engine would do now to tenants and shards, which should be nothing."""
        with self._reporter.operation(f"{stack}: preview", None) as shown:
            try:
                preview = previews.ask(self._engine, stack, shown.step)
            except OperationFailed as failure:
                return [_would(stack, [str(failure)])]
        # What the platform has of its own is not moved, and may have tenants to list otherwise.
        shard = self._plans[stack].shard
        steps = [one for one in preview.steps if shard or _of_tenant(one.urn)]
        wrong = _told(steps) | dict.fromkeys(preview.protected, "delete")
        told = [f"{op} {urn}" for urn, op in wrong.items()]
        more = [f"and {len(told) - _SHOWN} more"] if len(told) > _SHOWN else []
        return [_would(stack, [*told[:_SHOWN], *more])] if told else []


def _of_tenant(urn: str) -> bool:
    """Whether it is a tenant's component, or something below one."""
    return urn.split("::")[2].partition("$")[0] == TENANT_TYPE


def _told(steps: Iterable[Step]) -> dict[str, str]:
    return {
        step.urn: step.op
        for step in steps
        if step.op not in _QUIET and step.type not in (STACK_TYPE, _READER, _SHARD)
    }


def _would(stack: str, told: Sequence[str]) -> Problem:
    return Problem(
        f"stack {stack}",
        "",
        "after the move an update would change something, so all was moved back: "
        + "; ".join(told),
        "put `shards` back as it was and deploy what else has changed; then change it again",
    )
