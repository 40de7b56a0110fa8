"""The notes that `tenancy status` reads."""

from __future__ import annotations

import time
from pathlib import Path

from onboarding.noted import DRIFT, PROOF, Noted


def test_what_was_found_last_is_there_with_when_of_each_kind_and_environment(
    tmp_path: Path,
) -> None:
    noted = Noted.of(tmp_path, "prod")
    assert noted.found(PROOF) is None
    noted.note(PROOF, {"answer": "violated"})
    noted.note(PROOF, {"answer": "proven"})
    noted.note(DRIFT, {"owners": {}})
    found = noted.found(PROOF)
    assert found
    assert found["answer"] == "proven"
    assert 0 <= time.time() - found["at"] < 60
    assert noted.found(DRIFT)
    assert Noted.of(tmp_path, "dev").found(PROOF) is None


def test_notes_that_cannot_be_read_say_nothing_and_are_written_anew(tmp_path: Path) -> None:
    noted = Noted.of(tmp_path, "prod")
    noted.path.parent.mkdir()
    for content in ("", "{", "[]", '{"proof": 1}'):
        noted.path.write_text(content, "utf-8")
        assert noted.found(PROOF) is None
    noted.note(PROOF, {"answer": "proven"})
    assert noted.found(PROOF)
