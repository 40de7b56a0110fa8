"""Reading exported states: what is none is refused, saying where, in bounded time and memory."""

import json
from pathlib import Path
from typing import Any

import pytest

from isolation import state
from isolation.errors import StateError
from isolation.state import read_states

URN = "urn:pulumi:s::p::aws:s3/bucket:Bucket::b"
ENTRY = {"urn": URN, "type": "aws:s3/bucket:Bucket", "inputs": {"bucket": "b"}}


def _file(folder: Path, text: str | bytes) -> Path:
    path = folder / "state.json"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def _export(*entries: Any, **more: Any) -> str:
    return json.dumps({"version": 3, "deployment": {"manifest": {}, "resources": entries, **more}})


def test_a_state_is_read_with_its_providers(tmp_path: Path) -> None:
    provider = {
        "urn": "urn:pulumi:s::p::pulumi:providers:aws::a",
        "type": "pulumi:providers:aws",
        "inputs": {"region": "eu-west-1", "allowedAccountIds": '["111111111111"]'},
    }
    entry = {**ENTRY, "provider": f"{provider['urn']}::id", "outputs": {"bucket": "c"}}
    graph = read_states([_file(tmp_path, _export(provider, entry))])
    found = graph.resources[1]
    assert (found.urn, found.account, found.region) == (URN, "111111111111", "eu-west-1")
    assert (found.inputs["bucket"], found.outputs["bucket"]) == ("b", "c")
    assert found.place.endswith("deployment.resources[1]")


def test_a_value_may_cross_what_is_read_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(state, "_CHUNK", 7)
    entries = [
        {**ENTRY, "inputs": {"name": index * 10**9, "path": "x" * index}} for index in range(40)
    ]
    found = read_states([_file(tmp_path, _export(*entries))]).resources
    assert [one.inputs for one in found] == [entry["inputs"] for entry in entries]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "line 1: ends too early"),
        ("   \n\n ", "ends too early"),
        ("[]", "expected `{`"),
        ("{}", "has no `deployment`"),
        ('{"version": 9, "deployment": {}}', "version: must be one of"),
        ('{"version": 3, "deployment": {"resources": 1}}', "expected `[`"),
        ('{"version": 3, "deployment": {"resources": [1]}}', "resources[0]: must be an object"),
        ('{"version": 3, "deployment": {"resources": [{}]}}', "resources[0].urn: must be a text"),
        (_export({**ENTRY, "urn": "x"}), "is no URN"),
        (_export({**ENTRY, "inputs": []}), "resources[0].inputs: must be an object"),
        (_export({**ENTRY, "provider": 1}), "provider: must be a text"),
        (_export(ENTRY)[:-20], "resources[0]: ends too early"),
        (_export(ENTRY) + "x", "goes on after its end"),
        (
            '{"deployment": {"resources": [\n{"urn": y}]}}',
            "line 2, deployment.resources[0]: is no JSON",
        ),
        (b"\xff\xfe{}", "is not UTF-8"),
        ('{"deployment": {"resources": [' + "[" * 200_000, "nested too deep"),
        ('{"deployment": {"resources": [' + "1" * 10_000 + "]}}", "is no JSON"),
        (_export(pending_operations=[{"type": "creating"}]), "cut short"),
    ],
)
def test_what_is_no_state_is_refused_with_its_place(
    tmp_path: Path, text: str | bytes, says: str
) -> None:
    with pytest.raises(StateError, match=r"state\.json") as caught:
        read_states([_file(tmp_path, text)])
    assert says in str(caught.value)


def test_a_value_that_never_ends_is_not_held(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(state, "_CHUNK", 1 << 10)
    monkeypatch.setattr(state, "_LARGEST_VALUE", 1 << 12)
    with pytest.raises(StateError, match="more than 4096 characters"):
        read_states([_file(tmp_path, '{"deployment": {"resources": ["' + "a" * 100_000)])


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(StateError, match=r"nothing\.json: No such file"):
        read_states([tmp_path / "nothing.json"])


def test_the_same_resource_in_two_files_is_refused(tmp_path: Path) -> None:
    urn = "urn:pulumi:prod::lake::aws:s3/bucket:Bucket::b"
    first, second = tmp_path / "a.json", tmp_path / "b.json"
    for file in (first, second):
        entry = {"urn": urn, "type": "aws:s3/bucket:Bucket"}
        file.write_text(json.dumps({"version": 3, "deployment": {"resources": [entry]}}))
    with pytest.raises(StateError, match=rf"b\.json.*has {urn}, as .*a\.json does"):
        read_states([first, second])
    with pytest.raises(StateError, match="is given twice"):
        read_states([first, tmp_path / ".." / tmp_path.name / "a.json"])
    assert len(read_states([first]).resources) == 1
