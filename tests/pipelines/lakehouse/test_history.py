"""A slowly changing dimension: whatever is observed, each entity's versions are one line."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.lakehouse.history import OutOfOrderError, Row, merge

START = datetime(2012, 1, 1, tzinfo=UTC)
DAYS = st.lists(
    st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from(["sun", "rain", None])), max_size=6),
    max_size=5,
)


def seen(entity: str, day: int, weather: str | None) -> Row:
    return {"entity_id": entity, "valid_from": START + timedelta(days=day), "weather": weather}


@given(DAYS)
def test_versions_of_an_entity_follow_one_another_without_a_gap_and_the_last_is_current(
    batches: list[list[tuple[str, str | None]]],
) -> None:
    table: dict[str, Row] = {}
    told: dict[str, list[str | None]] = {"a": [], "b": []}
    day = 0
    for batch in batches:
        observations = []
        for entity, weather in batch:
            day += 1
            observations.append(seen(entity, day, weather))
            if told[entity][-1:] != [weather]:
                told[entity].append(weather)
        current = [row for row in table.values() if row["is_current"]]
        merged = merge(current, observations)
        assert (
            merge(
                [row for row in [*merged.kept, *merged.opened] if row["is_current"]],
                [
                    {key: row[key] for key in ("entity_id", "valid_from", "weather")}
                    for row in [*merged.kept, *merged.opened]
                    if row["is_current"]
                ],
            ).opened
            == []
        )
        table |= {row["version_id"]: row for row in [*merged.kept, *merged.opened]}
    for entity, weathers in told.items():
        versions = sorted(
            (row for row in table.values() if row["entity_id"] == entity),
            key=lambda row: row["valid_from"],
        )
        assert [row["weather"] for row in versions] == weathers
        ends = [row["valid_to"] for row in versions]
        assert ends == [row["valid_from"] for row in versions[1:]] + [None] * bool(versions)
        assert [row["is_current"] for row in versions] == [end is None for end in ends]


def test_an_observation_of_the_past_that_differs_is_refused() -> None:
    known = merge([], [seen("a", 2, "sun")]).opened
    assert merge(known, [seen("a", 1, "sun")]).opened == []
    for day in (1, 2):
        with pytest.raises(OutOfOrderError, match="2012-01-03"):
            merge(known, [seen("a", day, "rain")])


def test_the_rows_that_were_given_stay_as_they_were() -> None:
    known = merge([], [seen("a", 0, "sun")]).opened
    merged = merge(known, [seen("a", 1, "rain")])
    assert known[0]["valid_to"] is None
    assert merged.kept[0]["valid_to"] == merged.opened[0]["valid_from"]
