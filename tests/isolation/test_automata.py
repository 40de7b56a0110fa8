"""Atoms partition all strings, with a shortest example each, and never run away."""

from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isolation.automata import Atom, atoms
from isolation.errors import Undecided
from isolation.patterns import AnyChar, Pattern, Star, Token, glob, of_tokens

# The last two letters are in no pattern: they stand for all others.
_STRINGS = ["".join(letters) for n in range(6) for letters in product("ab:xy", repeat=n)]
_KINDS: list[Token] = ["a", "b", ":", "ab", Star(), Star(":"), AnyChar(), AnyChar(":")]
_TOKENS: st.SearchStrategy[Token] = st.sampled_from(_KINDS)
_PATTERNS = st.lists(_TOKENS, max_size=4).map(of_tokens)
_SIMPLE = st.builds(
    Pattern,
    st.text("ab", max_size=3),
    st.sampled_from([(), (Star(),)]),
)


def _mask(patterns: list[Pattern], text: str) -> int:
    return sum(1 << i for i, pattern in enumerate(patterns) if pattern.matches(text))


@settings(max_examples=60, deadline=None)
@given(st.one_of(st.lists(_PATTERNS, max_size=4), st.lists(_SIMPLE, max_size=6)))
def test_the_atoms_are_all_combinations_that_exist(patterns: list[Pattern]) -> None:
    found = {atom.mask: atom.witness for atom in atoms(patterns)}
    shortest: dict[int, int] = {}
    for text in _STRINGS:
        shortest.setdefault(_mask(patterns, text), len(text))
    for mask, length in shortest.items():
        assert len(found[mask]) == length
    for mask, text in found.items():
        assert _mask(patterns, text) == mask


@settings(max_examples=60, deadline=None)
@given(st.lists(st.one_of(_PATTERNS, _SIMPLE), min_size=1, max_size=4), st.data())
def test_within_keeps_just_the_atoms_of_some_patterns(
    patterns: list[Pattern], data: st.DataObject
) -> None:
    within = data.draw(st.integers(1, (1 << len(patterns)) - 1))
    everything = {atom.mask for atom in atoms(patterns)}
    found = atoms(patterns, within)
    assert {atom.mask for atom in found} == {mask for mask in everything if mask & within}
    for atom in found:
        assert _mask(patterns, atom.witness) == atom.mask


def test_a_literal_and_its_prefix_are_told_apart() -> None:
    found = atoms([glob("a"), glob("a*"), glob("ax*")])
    assert Atom(0b011, "a") in found
    assert {atom.mask for atom in found} == {0, 0b010, 0b011, 0b110}


def test_examples_are_readable() -> None:
    found = atoms([glob("lake/acme*"), glob("lake/acme/*"), glob("lake/acme")], within=0b001)
    assert {atom.witness for atom in found} == {"lake/acmex", "lake/acme/", "lake/acme"}


def test_hundreds_of_prefixes_need_no_automaton() -> None:
    patterns = [glob(f"arn:aws:s3:::lake/tenant-{n}/*") for n in range(500)]
    assert len(atoms(patterns, limit=0)) == 501


def test_stars_in_the_middle_end_in_undecided_never_in_a_hang() -> None:
    patterns = [glob(f"*{letter}??????????????") for letter in "abcdefgh"]
    with pytest.raises(Undecided, match="middle"):
        atoms(patterns)


def test_a_star_in_the_middle_is_decided_within_the_bound() -> None:
    found = atoms([glob("a*/b/*"), glob("*/c/*")], within=0b01)
    assert {atom.mask for atom in found} == {0b01, 0b11}


def test_sizes_that_no_policy_has_are_undecided() -> None:
    with pytest.raises(Undecided, match="patterns"):
        atoms([glob(f"a{n}") for n in range(5_000)])
    with pytest.raises(Undecided, match="characters"):
        atoms([glob("a" * 300_000 + "*b")])
