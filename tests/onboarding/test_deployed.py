"""The record of what was deployed, and to which cloud."""

from __future__ import annotations

from pathlib import Path

import pytest

from onboarding.deployed import Deployments, Finished


def test_what_was_noted_is_there_for_each_stack(tmp_path: Path) -> None:
    record = Deployments(tmp_path / "state" / "deployed.json")
    assert record.of("local") is None
    record.note("local", Finished("one", "program", "2026-03-01"))
    record.note("other", Finished("two"))
    assert record.finished("local") == Finished("one", "program", "2026-03-01")
    assert (record.of("local"), record.of("other")) == ("one", "two")


@pytest.mark.parametrize("content", ["", "{", "[]", '{"local": "one"}', '{"local": {"x": 1}}'])
def test_a_record_that_cannot_be_read_says_nothing(tmp_path: Path, content: str) -> None:
    path = tmp_path / "deployed.json"
    path.write_text(content, "utf-8")
    assert Deployments(path).of("local") is None
