"""All strings, told apart by which of some patterns they match, each kind with a shortest example.

The kinds are the *atoms*: any combination of allow, deny and "not" over the patterns holds for all
strings of an atom or for none, so a question over all strings becomes one over a few examples.
"""

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain

from isolation.errors import Undecided
from isolation.patterns import Pattern, Star

LIMIT = 20_000
"""States of an automaton before the answer is "undecided": about a third of a second."""

_MOST_PATTERNS = 4_000
_MOST_PLACES = 200_000
"""Sizes that no policy which AWS accepts comes near; past them a search would take minutes."""

_READABLE = "xyzabcdefghijklmnopqrstuvwABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.=+@~!,;^()[]<>|&%#/:"


@dataclass(frozen=True, slots=True)
class Atom:
    """The strings that match exactly the patterns whose bits ``mask`` has, and one of them."""

    mask: int
    witness: str


def atoms(patterns: Sequence[Pattern], within: int = 0, limit: int = LIMIT) -> tuple[Atom, ...]:
    """The atoms of ``patterns``, by bit; ``within`` keeps those that match one of its patterns.

    Raises ``Undecided`` past ``limit`` states, of which strings and prefixes need none.
    """
    if len(patterns) > _MOST_PATTERNS:
        raise Undecided(f"there are {len(patterns)} patterns, more than {_MOST_PATTERNS}")
    if all(pattern.simple for pattern in patterns):
        found = _of_prefixes(patterns, everything=not within)
    else:
        found = _Product(patterns).explore(within, limit)
    return tuple(Atom(mask, text) for mask, text in found.items() if not within or mask & within)


def _of_prefixes(patterns: Sequence[Pattern], *, everything: bool) -> dict[int, str]:
    """Atoms of strings and prefixes: one for each distinct string, one for each prefix.

    A string that is none of the literals matches its longest prefix and what that extends.
    """
    literals: dict[str, int] = {}
    prefixes: dict[str, int] = {}
    for index, pattern in enumerate(patterns):
        table = prefixes if pattern.tail else literals
        table[pattern.head] = table.get(pattern.head, 0) | 1 << index
    lengths = sorted({len(head) for head in prefixes})

    def accepted(text: str) -> int:
        mask = 0
        for length in lengths:
            if length > len(text):
                break
            mask |= prefixes.get(text[:length], 0)
        return mask

    def beyond(head: str) -> str:
        size = len(head)
        taken = {
            text[size]
            for text in chain(literals, prefixes)
            if len(text) > size and text.startswith(head)
        }
        return head + unused(taken)

    found = {accepted(head): beyond(head) if head in literals else head for head in prefixes}
    for text, mask in literals.items():
        found[mask | accepted(text)] = text
    if everything and "" not in prefixes:
        found[0] = beyond("") if "" in literals else ""
    return found


def unused(taken: Iterable[str]) -> str:
    """A readable character that is not among ``taken``."""
    characters = set(taken)
    for character in _READABLE:
        if character not in characters:
            return character
    return next(c for c in map(chr, range(0x4E00, 0xA000)) if c not in characters)


class _Product:
    """All patterns side by side, a bit for each place in each: one integer is a state."""

    def __init__(self, patterns: Sequence[Pattern]) -> None:
        self._patterns = patterns
        self._start = 0
        self._literal_at: dict[int, str] = {}
        self._places_of: dict[str, int] = {}
        self._any: dict[str, int] = {}
        self._loops: dict[str, int] = {}
        self._accepting: dict[int, int] = {}
        self._places: list[int] = []
        self._steps: dict[str, tuple[int, int]] = {}
        place = 0
        for index, pattern in enumerate(patterns):
            place = self._lay(pattern, index, place)
        if place > _MOST_PLACES:
            raise Undecided(f"the patterns have more than {_MOST_PLACES} characters")
        self._literals = sum(1 << place for place in self._literal_at)
        self._accepts = sum(self._accepting)
        excluded = set("".join(chain(self._any, self._loops)))
        self._excluded = frozenset(excluded)

    def _lay(self, pattern: Pattern, index: int, first: int) -> int:
        place = first
        self._start |= 1 << first
        for token in pattern.tokens():
            if isinstance(token, Star):
                self._loops[token.exclude] = self._loops.get(token.exclude, 0) | 1 << place
                continue
            if isinstance(token, str):
                self._literal_at[place] = token
                for character in token:
                    self._places_of[character] = self._places_of.get(character, 0) | 1 << place
            else:
                self._any[token.exclude] = self._any.get(token.exclude, 0) | 1 << place
            place += 1
        self._accepting[1 << place] = 1 << index
        self._places.append((1 << place + 1) - (1 << first))
        return place + 1

    def _step(self, state: int, character: str) -> int:
        step = self._steps.get(character)
        if step is None:
            advance = self._places_of.get(character, 0) | _without(self._any, character)
            step = self._steps[character] = (advance, _without(self._loops, character))
        return (state & step[0]) << 1 | (state & step[1])

    def _characters(self, state: int) -> set[str]:
        """The characters that a state tells apart; all others are alike."""
        found = set(self._excluded)
        rest = state & self._literals
        while rest:
            lowest = rest & -rest
            found.update(self._literal_at[lowest.bit_length() - 1])
            rest ^= lowest
        return found

    def explore(self, within: int, limit: int) -> dict[int, str]:
        """Mask of each atom and its shortest string, breadth first."""
        wanted = [i for i in range(len(self._patterns)) if within >> i & 1]
        alive = sum(self._places[i] for i in wanted) if within else -1
        head = common_head([self._patterns[i].head for i in wanted])
        first = self._start
        for character in head:
            first = self._step(first, character)
        texts = {first: head}
        found = {self._mask(first): head}
        queue = deque([first])
        while queue:
            state = queue.popleft()
            text = texts[state]
            characters = self._characters(state)
            for character in (unused(characters), *sorted(characters, key=str.swapcase)):
                reached = self._step(state, character)
                if reached in texts or (within and not reached & alive):
                    continue
                texts[reached] = text + character
                found.setdefault(self._mask(reached), text + character)
                if len(texts) > limit:
                    raise Undecided(
                        f"the patterns need more than {limit} states: "
                        "a `*` in the middle of a pattern multiplies them"
                    )
                queue.append(reached)
        return found

    def _mask(self, state: int) -> int:
        mask = 0
        rest = state & self._accepts
        while rest:
            lowest = rest & -rest
            mask |= self._accepting[lowest]
            rest ^= lowest
        return mask


def common_head(heads: Sequence[str]) -> str:
    """What all heads start with; nothing without any."""
    lowest, highest = min(heads, default=""), max(heads, default="")
    for place, character in enumerate(lowest):
        if character != highest[place]:
            return lowest[:place]
    return lowest


def _without(table: dict[str, int], character: str) -> int:
    mask = 0
    for exclude, places in table.items():
        if character not in exclude:
            mask |= places
    return mask
