"""An object: what is left of it, and whose it is."""

from __future__ import annotations

from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from localcloud.aws_plugin.cloud import Cloud
from localcloud.aws_plugin.registry import handler
from localcloud.aws_plugin.resource import ResourceError
from tests.localcloud.aws_plugin.resource_examples import ALL, OBJECT
from tests.localcloud.aws_plugin.test_life import make, ready, urn

ENTRY = next(one for one in ALL if one.token == OBJECT)


@pytest.fixture
def s3(session: boto3.Session) -> Any:
    """S3 as anybody with the account's credentials has it."""
    return session.client("s3")


def test_no_version_is_left_and_no_neighbour_goes_with_it(cloud: Cloud, s3: Any) -> None:
    identifier, state = make(cloud, ENTRY)
    bucket = state["bucket"]
    s3.put_object(Bucket=bucket, Key="tenants/acme.json.old", Body=b"another's")
    inputs = {**ENTRY.inputs, "bucket": bucket, "content": "two"}
    state = handler(OBJECT).update(cloud, identifier, state, inputs, state)
    s3.delete_object(Bucket=bucket, Key="tenants/acme.json")  # by hand: it is hidden
    assert handler(OBJECT).read(cloud, identifier, state) is None
    handler(OBJECT).remove(cloud, identifier, state)
    left = s3.list_object_versions(Bucket=bucket)
    assert [one["Key"] for one in left["Versions"]] == ["tenants/acme.json.old"]
    assert "DeleteMarkers" not in left
    handler(OBJECT).remove(cloud, identifier, state)  # nothing there is success


def test_what_somebody_wrote_there_is_seen(cloud: Cloud, s3: Any) -> None:
    identifier, state = make(cloud, ENTRY)
    s3.put_object(Bucket=state["bucket"], Key=state["key"], Body=b"forged")
    live = handler(OBJECT).read(cloud, identifier, state)
    assert live is not None
    assert (live["content"], live["tags"]) == ("forged", {})
    assert live["versionId"] != state["versionId"]


def test_an_object_of_somebody_else_is_not_taken_over(cloud: Cloud, s3: Any) -> None:
    example = ready(cloud, ENTRY)
    s3.put_object(Bucket=example.inputs["bucket"], Key=example.inputs["key"], Body=b"theirs")
    with pytest.raises(ResourceError, match="not of this stack"):
        handler(OBJECT).create(cloud, urn(OBJECT), example.inputs)
    body = s3.get_object(Bucket=example.inputs["bucket"], Key=example.inputs["key"])["Body"]
    assert body.read() == b"theirs"


def test_its_bucket_is_not_made_for_it(cloud: Cloud) -> None:
    inputs = {**ENTRY.inputs, "bucket": "lake-nobodys"}
    with pytest.raises(ClientError, match="NoSuchBucket"):
        handler(OBJECT).create(cloud, urn(OBJECT), inputs)
