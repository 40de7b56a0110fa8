"""Places for names: none twice, the same on every run, and hardly ever another."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenancy.allotment import NoRoomError, allot

NAMES = st.sets(st.text("abc123", min_size=1, max_size=6), max_size=40)
PLACES = st.integers(min_value=60, max_value=90)
TAKEN = st.sets(st.integers(min_value=0, max_value=59), max_size=20)


@given(NAMES, PLACES, TAKEN)
def test_every_name_has_a_place_of_its_own_that_was_free(
    names: set[str], places: int, taken: set[int]
) -> None:
    found = allot(names, places, taken)
    assert set(found) == names
    assert len(set(found.values())) == len(names)
    assert set(found.values()) <= set(range(places)) - taken


@given(st.lists(st.text("abc123", min_size=1, max_size=6), unique=True, max_size=40), PLACES)
def test_the_order_of_the_names_means_nothing(names: list[str], places: int) -> None:
    assert allot(names, places) == allot(reversed(names), places)


@given(NAMES, st.text("xyz", min_size=1, max_size=4), PLACES)
def test_a_new_name_moves_only_those_whose_place_it_or_one_that_it_moved_came_to_want(
    names: set[str], new: str, places: int
) -> None:
    before = allot(names, places)
    after = allot(names | {new}, places)
    moved = {name for name in names if before[name] != after[name]}
    wanted = {after[name] for name in moved | {new}}
    assert {before[name] for name in moved} <= wanted
    assert len(wanted - {before[name] for name in moved}) == 1


@pytest.mark.parametrize("places", [1, 2, 7, 12, 16])
def test_the_last_free_place_is_found(places: int) -> None:
    names = [f"tenant-{number}" for number in range(places)]
    assert sorted(allot(names, places).values()) == list(range(places))


def test_a_name_too_many_is_refused() -> None:
    with pytest.raises(NoRoomError):
        allot(["one", "two", "three"], 3, {1})
    with pytest.raises(NoRoomError):
        allot(["one"], 0)
