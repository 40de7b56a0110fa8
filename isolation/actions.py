"""Actions, told apart no further than a question does: known ones in groups, and any others."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from isolation.automata import Atom, atoms
from isolation.catalog import action_pattern
from isolation.patterns import Pattern
from isolation.problem import Bound, Problem

_PASS_ROLE = ("iam:passrole",)


@dataclass(frozen=True, slots=True)
class ActionGroup:
    """Actions for which the question has one answer.

    ``actions`` are documented names, or one example in lower case that no documentation has.
    ``bounds`` has a bit for each statement that covers them, ``missing`` are keys that their
    requests cannot have, ``forms`` the ARN forms that they act on (none: whatever the target has).
    """

    actions: tuple[str, ...]
    documented: bool
    bounds: int
    missing: frozenset[str]
    forms: tuple[Pattern, ...]


def action_groups(
    problem: Problem, bounds: Sequence[Bound], keys: Iterable[str]
) -> Iterator[ActionGroup]:
    """All groups that some path may allow: documented actions first."""
    keys = tuple(keys)
    yield from _documented(problem, bounds, keys)
    yield from _others(problem, bounds)


def _documented(
    problem: Problem, bounds: Sequence[Bound], keys: tuple[str, ...]
) -> Iterator[ActionGroup]:
    universe = problem.target.universe
    covers = [
        universe.matching(b.statement.actions, excludes=b.statement.excludes_actions)
        for b in bounds
    ]
    carrying = [universe.carrying(key) for key in keys]
    for relevant, forms in problem.target.by_template:
        allowed = relevant & _allowed(problem, bounds, covers)
        if not problem.same_account:
            # A role can be passed within its account only (IAM User Guide, "PassRole").
            allowed &= ~universe.matching(_PASS_ROLE)
        for mask in _split(allowed, [*covers, *carrying]):
            yield ActionGroup(
                tuple(action.name for action in universe.of(mask)),
                documented=True,
                bounds=sum(1 << i for i, cover in enumerate(covers) if cover & mask),
                missing=frozenset(
                    key for key, has in zip(keys, carrying, strict=True) if not has & mask
                ),
                forms=forms,
            )


def _allowed(problem: Problem, bounds: Sequence[Bound], covers: Sequence[int]) -> int:
    """The actions that every layer of some path covers."""
    cover_of = dict(zip(map(id, bounds), covers, strict=True))
    found = 0
    for path in problem.paths:
        allowed = -1
        for layer in path:
            layer_covers = 0
            for bound in layer.allows:
                layer_covers |= cover_of[id(bound)]
            allowed &= layer_covers
        found |= allowed
    return found


def _split(mask: int, by: Sequence[int]) -> list[int]:
    """The parts of a mask that no mask of ``by`` divides further."""
    parts = [mask] if mask else []
    for divider in by:
        parts = [half for part in parts for half in (part & divider, part & ~divider) if half]
    return sorted(parts, key=lambda part: part & -part)


def _example(problem: Problem, patterns: Sequence[Pattern], atom: Atom) -> str:
    """An action of the atom that is not documented, if one is near the documented one."""
    for letter in "xyz":
        longer = atom.witness + letter
        mask = sum(1 << i for i, pattern in enumerate(patterns) if pattern.matches(longer))
        if mask == atom.mask and not problem.target.universe.knows(longer):
            return longer
    return atom.witness


def _others(problem: Problem, bounds: Sequence[Bound]) -> Iterator[ActionGroup]:
    """Actions that no documentation has, told apart by the patterns that match them.

    They may carry any key and act on anything that the target has.
    """
    target = problem.target
    texts = list(target.lower_actions)
    services = [f"{service}:*" for service in sorted(target.own_services)]
    own: list[int] = []
    for bound in bounds:
        own.append(sum(1 << len(texts) + i for i in range(len(bound.statement.actions))))
        texts += bound.statement.actions
    asked = (1 << len(target.lower_actions)) - 1
    inside = sum(1 << len(texts) + i for i in range(len(services)))
    literal = sum(
        1 << index for index, text in enumerate(texts) if "*" not in text and "?" not in text
    )
    patterns = [action_pattern(text) for text in (*texts, *services)]
    for atom in atoms(patterns, within=inside):
        documented = target.universe.knows(atom.witness)
        if not atom.mask & asked or (documented and atom.mask & literal):
            continue
        yield ActionGroup(
            (_example(problem, patterns, atom) if documented else atom.witness,),
            documented=False,
            bounds=sum(
                1 << index
                for index, bound in enumerate(bounds)
                if bool(atom.mask & own[index]) != bound.statement.excludes_actions
            ),
            missing=frozenset(),
            forms=(),
        )
