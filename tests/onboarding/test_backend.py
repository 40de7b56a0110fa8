"""Attribute files that a kill cut short are dropped, and nothing else is."""

from __future__ import annotations

from pathlib import Path

import pytest

from onboarding.backend import drop_torn_attributes

WHOLE = '{"user.content_type":"text/plain; charset=utf-8","md5":"dGVzdA=="}\n'


@pytest.mark.parametrize("content", ["", WHOLE[:20]])
def test_only_what_was_cut_short_is_dropped(tmp_path: Path, content: str) -> None:
    folder = tmp_path / ".pulumi" / "stacks" / "tenancy"
    folder.mkdir(parents=True)
    for name, text in {
        "local.json": "",
        "local.json.attrs": content,
        "local.json.bak.attrs": WHOLE,
    }.items():
        (folder / name).write_text(text, encoding="utf-8")
    assert drop_torn_attributes(tmp_path) == 1
    assert {path.name for path in folder.iterdir()} == {"local.json", "local.json.bak.attrs"}
    assert drop_torn_attributes(tmp_path) == 0


def test_a_backend_that_does_not_exist_yet_is_fine(tmp_path: Path) -> None:
    assert drop_torn_attributes(tmp_path / "state") == 0
