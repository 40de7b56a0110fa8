"""The states of a file backend, without an engine; the real engine's are compared elsewhere."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from onboarding.errors import NoSuchStack, OperationFailed
from onboarding.state_files import StateFiles

LATEST = {"manifest": {}, "resources": [{"urn": "urn:pulumi:local::tenancy::a:b:C::one"}]}


@pytest.fixture
def files(tmp_path: Path) -> StateFiles:
    found = StateFiles(tmp_path, "tenancy")
    found.folder.mkdir(parents=True)
    return found


def test_a_project_that_has_no_folder_yet_has_no_stack(tmp_path: Path) -> None:
    assert StateFiles(tmp_path, "tenancy").stacks() == ()


def test_a_state_before_the_last_one_is_no_stack(files: StateFiles) -> None:
    for name in ("local.json", "local.json.bak", "local-org.json"):
        (files.folder / name).touch()
    assert files.stacks() == ("local", "local-org")


def test_a_state_is_told_as_the_engine_exports_it(files: StateFiles) -> None:
    checkpoint = {"stack": "organization/tenancy/local", "latest": LATEST}
    state = {"version": 3, "checkpoint": checkpoint}
    (files.folder / "local.json").write_text(json.dumps(state), "utf-8")
    assert files.exported("local") == {"version": 3, "deployment": LATEST}


def test_a_stack_without_a_state_yet_holds_nothing(files: StateFiles) -> None:
    (files.folder / "local.json").write_text('{"version": 3, "checkpoint": {"latest": null}}')
    assert files.exported("local") == {"version": 3, "deployment": {}}


def test_a_stack_that_is_not_there_is_told_apart_from_one_that_cannot_be_read(
    files: StateFiles,
) -> None:
    with pytest.raises(NoSuchStack):
        files.exported("local")


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"version": 3}', '{"version": 3, "checkpoint":0}']
)
def test_a_file_that_is_no_state_is_named_with_the_remedy(files: StateFiles, text: str) -> None:
    (files.folder / "local.json").write_text(text, "utf-8")
    with pytest.raises(OperationFailed, match="the file that ends in") as failed:
        files.exported("local")
    assert not isinstance(failed.value, NoSuchStack)
    assert str(files.folder / "local.json") in str(failed.value)
