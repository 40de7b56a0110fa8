"""Archives of functions, and what Lambda keeps, replaces and refuses."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any

import pytest

from localcloud.aws_plugin.archives import ARCHIVE, ASSET, Bundle
from localcloud.aws_plugin.cloud import Cloud
from localcloud.aws_plugin.registry import handler
from localcloud.aws_plugin.resource import ResourceError
from localcloud.aws_plugin.values import decode, encode
from tests.localcloud.aws_plugin.function_examples import (
    FUNCTION,
    FUNCTIONS,
    PERMISSION,
    archive,
    function,
)
from tests.localcloud.aws_plugin.resource_examples import Example
from tests.localcloud.aws_plugin.service_examples import arn
from tests.localcloud.aws_plugin.test_life import make, ready
from tests.localcloud.aws_plugin.test_patches import refused


def contents(packed: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def folder(root: Path) -> Bundle:
    (root / "pkg" / "inner").mkdir(parents=True)
    (root / "pkg" / "a.py").write_text("a", encoding="utf-8")
    (root / "pkg" / "inner" / "b.py").write_text("b", encoding="utf-8")
    return Bundle(ARCHIVE, {"path": str(root / "pkg")})


def test_texts_files_folders_and_zip_files_are_packed_at_their_places(tmp_path: Path) -> None:
    of_folder = folder(tmp_path)
    (tmp_path / "more.zip").write_bytes(of_folder.zipped())
    assets = {
        "x/text.json": Bundle(ASSET, {"text": "{}"}),
        "x/file.py": Bundle(ASSET, {"path": str(tmp_path / "pkg" / "a.py")}),
        "folder": of_folder,
        "zip": Bundle(ARCHIVE, {"path": str(tmp_path / "more.zip")}),
    }
    assert contents(Bundle(ARCHIVE, {"assets": assets}).zipped()) == {
        "x/text.json": b"{}",
        "x/file.py": b"a",
        "folder/a.py": b"a",
        "folder/inner/b.py": b"b",
        "zip/a.py": b"a",
        "zip/inner/b.py": b"b",
    }


def test_the_same_files_are_the_same_bytes_in_whatever_order_and_of_whatever_age(
    tmp_path: Path,
) -> None:
    one, other = Bundle(ASSET, {"text": "1"}), Bundle(ASSET, {"text": "2"})
    forth = Bundle(ARCHIVE, {"assets": {"a": one, "b": other}}).zipped()
    assert Bundle(ARCHIVE, {"assets": {"b": other, "a": one}}).zipped() == forth
    of_folder = folder(tmp_path)
    before = of_folder.zipped()
    (tmp_path / "pkg" / "a.py").touch()
    (tmp_path / "pkg" / "a.py").chmod(0o600)
    assert of_folder.zipped() == before


@pytest.mark.parametrize(
    "fields", [{"path": "/nowhere"}, {"uri": "https://example.com/a.zip"}, {"hash": "ab"}]
)
def test_what_cannot_be_read_is_said(fields: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"nowhere|cannot be read"):
        Bundle(ARCHIVE, fields).zipped()


def test_an_archive_travels_as_it_came() -> None:
    nested = Bundle(ASSET, {"hash": "ef", "text": "{}"})
    given = {"code": Bundle(ARCHIVE, {"hash": "ab", "assets": {"a/b.py": nested}})}
    wire = encode(given)
    assert decode(wire) == (given, frozenset())
    assert encode(decode(wire)[0]) == wire


@pytest.mark.parametrize("value", [Bundle(ASSET, {"text": "a"}), [{"b": archive()}]])
def test_an_asset_where_plain_values_belong_is_refused(value: Any) -> None:
    inputs = {**function.inputs, "role": "r", "description": value}
    named = {"deadLetterConfig": None, "loggingConfig": None, "vpcConfig": None}
    (problem,) = handler(FUNCTION).check({**inputs, **named})
    assert problem[0] == "description"
    assert "give the content as a string" in problem[1]
    text = {**inputs, **named, "description": "", "code": "text"}
    assert handler(FUNCTION).check(text) == [("code", "an archive is needed")]


def test_code_changed_by_hand_is_drift_and_an_edited_file_is_a_change(
    cloud: Cloud, tmp_path: Path
) -> None:
    wanted = ready(cloud, function)
    (tmp_path / "code.py").write_text("old", encoding="utf-8")
    path = {"path": str(tmp_path / "code.py")}
    code = Bundle(ARCHIVE, {"hash": "1", "assets": {"code.py": Bundle(ASSET, path)}})
    inputs = {**wanted.inputs, "code": code}
    resource = handler(FUNCTION)
    identifier, state = resource.create(cloud, "urn:pulumi:a::b::c::d", inputs)

    # An edit that is not deployed yet is no change of what is in the cloud ...
    (tmp_path / "code.py").write_text("new", encoding="utf-8")
    now = resource.settle(cloud, resource.read(cloud, identifier, state) or {}, state)
    assert now == state
    # ... but the next deployment's, for the engine hashes it then.
    edited = {**inputs, "code": Bundle(ARCHIVE, {**code.fields, "hash": "2"})}
    assert resource.differences(now, edited, inputs) == {"code"}
    after = resource.update(cloud, identifier, now, edited, inputs)
    assert after["codeSha256"] != state["codeSha256"]

    by_hand = archive(inner__router="by hand").zipped()
    cloud.client("lambda").update_function_code(FunctionName=identifier, ZipFile=by_hand)
    drifted = resource.settle(cloud, resource.read(cloud, identifier, after) or {}, after)
    assert resource.differences(drifted, edited, edited) == {"code"}
    assert resource.update(cloud, identifier, drifted, edited, edited) == after


def test_a_statement_is_there_once_and_a_policy_has_its_size(cloud: Cloud) -> None:
    permission = next(one for one in FUNCTIONS if one.token == PERMISSION)
    name = make(cloud, permission)[0].partition("/")[0]
    functions: Any = cloud.client("lambda")
    wanted = {
        "FunctionName": name,
        "Action": "lambda:InvokeFunction",
        "Principal": "s3.amazonaws.com",
    }
    call = functions.add_permission
    refused(call, "ResourceConflictException", StatementId="TrailEvents", **wanted)
    for number in range(150):
        try:
            call(StatementId=f"{number:0100d}", **wanted)
        except functions.exceptions.PolicyLengthExceededException:
            break
    assert 20_000 < len(functions.get_policy(FunctionName=name)["Policy"]) <= 20_480


def test_an_events_configuration_is_replaced_and_knows_no_destinations(cloud: Cloud) -> None:
    name, _ = make(cloud, function)
    functions: Any = cloud.client("lambda")
    for retries in (2, 0):
        functions.put_function_event_invoke_config(FunctionName=name, MaximumRetryAttempts=retries)
    told = functions.get_function_event_invoke_config(FunctionName=name)
    assert told["MaximumRetryAttempts"] == 0
    destination = {"OnFailure": {"Destination": arn("sqs", "acme-dead")}}
    refused(
        functions.put_function_event_invoke_config,
        "InvalidParameterValueException",
        FunctionName=name,
        DestinationConfig=destination,
    )


def test_a_function_of_a_stranger_is_not_taken_over(cloud: Cloud) -> None:
    name, _ = make(cloud, function)
    functions: Any = cloud.client("lambda")
    place = functions.get_function(FunctionName=name)["Configuration"]["FunctionArn"]
    functions.tag_resource(Resource=place, Tags={"managed-by": "someone/else"})
    with pytest.raises(ResourceError, match="not of this stack"):
        handler(FUNCTION).create(cloud, "urn:pulumi:a::b::c::d", ready_again(cloud).inputs)


def ready_again(cloud: Cloud) -> Example:
    """The example, of which all that it needs is there."""
    functions: Any = cloud.client("lambda")
    there = functions.get_function(FunctionName=function.inputs["name"])["Configuration"]
    inputs = {**function.inputs, "role": there["Role"]}
    for name in ("deadLetterConfig", "loggingConfig", "vpcConfig"):
        del inputs[name]
    return Example(FUNCTION, inputs)
