"""Finds a request that a problem allows, or shows that there is none: the first prover.

A request is an action, a resource and values of the keys that a caller chooses. Each of the three
is cut into the few kinds that the policies tell apart, and these are tried.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain, combinations, product

from isolation.actions import ActionGroup, action_groups
from isolation.automata import Atom, atoms
from isolation.conditions import Test
from isolation.errors import Undecided
from isolation.patterns import Pattern
from isolation.policy import Statement
from isolation.problem import Bound, Path, Problem

_MOST_TRIED = 500_000
"""Values and combinations tried for one question before the answer is "undecided": seconds."""


@dataclass(frozen=True, slots=True)
class Witness:
    """A request that is allowed.

    ``actions`` all have the same answer; ``documented`` tells whether they are AWS's names or an
    example of what a pattern also matches. ``context`` holds the keys that matter; ``()`` is a key
    left out. ``statements`` are those that allow, one for each layer.
    """

    actions: tuple[str, ...]
    documented: bool
    resource: str
    context: Mapping[str, tuple[str, ...]]
    statements: tuple[tuple[str, Statement], ...]


class _Indexed:
    """Patterns, each once, as bits."""

    def __init__(self) -> None:
        self._bits: dict[Pattern, int] = {}

    def mask(self, patterns: Sequence[Pattern]) -> int:
        mask = 0
        for pattern in patterns:
            mask |= self._bits.setdefault(pattern, 1 << len(self._bits))
        return mask

    @property
    def patterns(self) -> tuple[Pattern, ...]:
        return tuple(self._bits)


Candidate = tuple[Atom, ...]
"""A key's values by their kinds; empty for a key left out."""


class _Key:
    """A condition key that the caller chooses: its values, told apart by the tests on it."""

    def __init__(
        self, tests: Sequence[Test], asked: tuple[tuple[Pattern, ...], bool] | None
    ) -> None:
        indexed = _Indexed()
        self._masks = {test: indexed.mask(test.patterns) for test in tests}
        within = indexed.mask(asked[0]) if asked else 0
        found = atoms(indexed.patterns, within=within)
        # Several values only where a policy speaks of several; each test needs one at most.
        most = len(tests) if any(test.several for test in tests) else 1
        kinds = chain.from_iterable(combinations(found, size) for size in range(1, most + 1))
        missing: list[Candidate] = [()] if asked is None or asked[1] else []
        self.candidates: list[Candidate] = [*missing, *_bounded(kinds)]

    def holds(self, test: Test, candidate: Candidate) -> bool:
        if not candidate:
            return test.if_missing
        mask = self._masks[test]
        results = (bool(atom.mask & mask) != test.negated for atom in candidate)
        return all(results) if test.every else any(results)


def _bounded(kinds: Iterator[Candidate]) -> Iterator[Candidate]:
    for number, kind in enumerate(kinds):
        if number > _MOST_TRIED:
            raise Undecided("a condition key with several values has too many kinds of them")
        yield kind


class Solver:
    """Solves one problem. ``solve`` raises ``Undecided`` past the bounds of the search."""

    def __init__(self, problem: Problem) -> None:
        self._problem = problem
        allows = chain.from_iterable(layer.allows for path in problem.paths for layer in path)
        self._bounds = tuple({id(bound): bound for bound in chain(allows, problem.denies)}.values())
        self._index = {id(bound): index for index, bound in enumerate(self._bounds)}
        self._keys: dict[str, _Key] = {}
        self._tried = 0
        self.witness: Witness | None = None
        self.denied_by: dict[Statement, None] = {}
        self.silent: dict[str, None] = {}

    def solve(self) -> Witness | None:
        """Look for an allowed request."""
        if not self._problem.paths:
            return None
        keys = {test.key for bound in self._bounds for test in bound.tests}
        for group in action_groups(
            self._problem, self._bounds, keys | self._problem.target.keys.keys()
        ):
            for atom in self._resources:
                self.witness = self._at(group, atom)
                if self.witness is not None:
                    return self.witness
        self._tell_silent()
        return None

    def _tell_silent(self) -> None:
        """Note the layers that allow none of the asked actions."""
        universe = self._problem.target.universe
        asked = universe.matching(self._problem.target.lower_actions)
        for layer in chain.from_iterable(self._problem.paths):
            covers = 0
            for bound in layer.allows:
                covers |= universe.matching(
                    bound.statement.actions, excludes=bound.statement.excludes_actions
                )
            if not covers & asked:
                self.silent[layer.name] = None

    @cached_property
    def _resource_index(self) -> _Indexed:
        return _Indexed()

    @cached_property
    def _resource_masks(self) -> tuple[int, ...]:
        return tuple(self._resource_index.mask(bound.resources) for bound in self._bounds)

    @cached_property
    def _resources(self) -> tuple[Atom, ...]:
        target = self._problem.target
        within = self._resource_index.mask(target.patterns)
        for _, forms in target.by_template:
            self._resource_index.mask(forms)
        _ = self._resource_masks
        return atoms(self._resource_index.patterns, within=within)

    def _at(self, group: ActionGroup, atom: Atom) -> Witness | None:
        """An allowed request with an action of the group on a resource of the atom."""
        if group.forms and not atom.mask & self._resource_index.mask(group.forms):
            return None
        covering = {
            id(bound)
            for index, bound in enumerate(self._bounds)
            if group.bounds >> index & 1
            and bool(atom.mask & self._resource_masks[index]) != bound.statement.excludes_resources
        }
        denies = [bound for bound in self._problem.denies if id(bound) in covering]
        paths = [
            (path, options)
            for path in self._problem.paths
            if (options := self._options(path, covering)) is not None
        ]
        if not paths:
            return None
        for deny in denies:
            if not deny.tests:
                self.denied_by[deny.statement] = None
                return None
        for path, choices in paths:
            for chosen in product(*choices):
                self._count()
                context = self._context(group, chosen, denies)
                if context is not None:
                    layers = zip(path, chosen, strict=True)
                    return Witness(
                        group.actions,
                        group.documented,
                        atom.witness,
                        context,
                        tuple((layer.name, bound.statement) for layer, bound in layers),
                    )
        return None

    def _options(self, path: Path, covering: set[int]) -> list[list[Bound]] | None:
        """For each layer the statements to choose from; one that asks nothing is enough."""
        options = []
        for layer in path:
            found = [bound for bound in layer.allows if id(bound) in covering]
            if not found:
                self.silent[layer.name] = None
                return None
            options.append(next(([bound] for bound in found if not bound.tests), found))
        return options

    def _count(self, tried: int = 1) -> None:
        self._tried += tried
        if self._tried > _MOST_TRIED:
            raise Undecided("too many combinations of statements and of condition keys' values")

    def _context(
        self, group: ActionGroup, allows: Sequence[Bound], denies: Sequence[Bound]
    ) -> dict[str, tuple[str, ...]] | None:
        """Values with which all of ``allows`` apply and none of ``denies``."""
        required = {test for bound in allows for test in bound.tests}
        avoided = [test for bound in denies for test in bound.tests]
        keys = {test.key for test in chain(required, avoided)} | self._problem.target.keys.keys()
        choices: list[list[tuple[str, Candidate]]] = []
        for name in sorted(keys):
            key = self._key(name)
            self._count(len(key.candidates))
            tests = [test for test in required if test.key == name]
            distinct: dict[tuple[bool, ...], tuple[str, Candidate]] = {}
            for candidate in key.candidates:
                if candidate and name in group.missing:
                    break
                if all(key.holds(test, candidate) for test in tests):
                    kind = tuple(key.holds(t, candidate) for t in avoided if t.key == name)
                    distinct.setdefault(kind, (name, candidate))
            choices.append(list(distinct.values()))
        for chosen in product(*choices):
            self._count()
            values = dict(chosen)
            for deny in denies:
                if all(self._keys[t.key].holds(t, values[t.key]) for t in deny.tests):
                    self.denied_by[deny.statement] = None
                    break
            else:
                return {
                    name: tuple(atom.witness for atom in candidate)
                    for name, candidate in values.items()
                }
        return None

    def _key(self, name: str) -> _Key:
        key = self._keys.get(name)
        if key is None:
            tests = [test for bound in self._bounds for test in bound.tests if test.key == name]
            key = self._keys[name] = _Key(tests, self._problem.target.keys.get(name))
        return key
