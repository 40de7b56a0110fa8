"""What Object Lock locks: nobody deletes it, shortens it or turns it off."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from localcloud.aws_plugin.cloud import Cloud
from localcloud.aws_plugin.registry import handler
from localcloud.aws_plugin.resource import ResourceError
from localcloud.aws_plugin.values import Properties
from tests.localcloud.aws_plugin.resource_examples import ALL, BUCKET, bucket, locked_bucket
from tests.localcloud.aws_plugin.test_life import make, urn
from tests.localcloud.aws_plugin.test_patches import refused

LOCK = next(one for one in ALL if one.token.endswith("ObjectLockConfiguration"))
VERSIONING = next(one for one in ALL if one.token.endswith("BucketVersioning"))
NAME = locked_bucket.inputs["bucket"]


def rule(mode: str, **period: int) -> Properties:
    return {"defaultRetention": {"mode": mode, **period}}


@pytest.fixture
def locked(cloud: Cloud, session: boto3.Session) -> Any:
    """S3, with a bucket whose new objects nobody deletes for a year."""
    make(cloud, LOCK)
    return session.client("s3")


def put(s3: Any, key: str = "a") -> str:
    version: str = s3.put_object(Bucket=NAME, Key=key, Body=b"x")["VersionId"]
    return version


def test_a_locked_version_stays(locked: Any, cloud: Cloud) -> None:
    version = put(locked)
    one = {"Bucket": NAME, "Key": "a", "VersionId": version}
    refused(locked.delete_object, "AccessDenied", **one)
    refused(locked.delete_object, "AccessDenied", **one, BypassGovernanceRetention=True)
    many = locked.delete_objects(
        Bucket=NAME, Delete={"Objects": [{"Key": "a", "VersionId": version}]}
    )
    assert many["Errors"][0]["Code"] == "AccessDenied"
    locked.delete_object(Bucket=NAME, Key="a")  # hides it
    assert locked.get_object(**one)["Body"].read() == b"x"
    state = {"bucket": NAME, "forceDestroy": True}
    with pytest.raises(ResourceError, match="holds objects"):
        handler(BUCKET).remove(cloud, NAME, state)
    assert locked.get_object(**one)["Body"].read() == b"x"


def test_an_object_in_parts_is_locked_too(locked: Any) -> None:
    upload = locked.create_multipart_upload(Bucket=NAME, Key="parts")["UploadId"]
    place = {"Bucket": NAME, "Key": "parts", "UploadId": upload}
    part = locked.upload_part(**place, PartNumber=1, Body=b"x")["ETag"]
    made = locked.complete_multipart_upload(
        **place, MultipartUpload={"Parts": [{"ETag": part, "PartNumber": 1}]}
    )
    refused(
        locked.delete_object,
        "AccessDenied",
        Bucket=NAME,
        Key="parts",
        VersionId=made["VersionId"],
    )


def test_a_compliance_retention_is_extended_at_most(locked: Any) -> None:
    version = put(locked)
    one = {"Bucket": NAME, "Key": "a", "VersionId": version}

    def retain(days: int, mode: str = "COMPLIANCE") -> dict[str, Any]:
        until = datetime.now(UTC) + timedelta(days)
        return {**one, "Retention": {"Mode": mode, "RetainUntilDate": until}}

    for shorter in (retain(1), retain(900, "GOVERNANCE")):
        refused(locked.put_object_retention, "AccessDenied", **shorter)
        refused(
            locked.put_object_retention,
            "AccessDenied",
            **shorter,
            BypassGovernanceRetention=True,
        )
    locked.put_object_retention(**retain(900))
    until = locked.head_object(**one)["ObjectLockRetainUntilDate"]
    assert until > datetime.now(UTC) + timedelta(899)


def test_a_retention_is_told_and_so_is_its_absence(locked: Any) -> None:
    one = {"Bucket": NAME, "Key": "a", "VersionId": put(locked)}
    told = locked.get_object_retention(**one)["Retention"]
    assert told["Mode"] == "COMPLIANCE"
    assert told["RetainUntilDate"] == locked.head_object(**one)["ObjectLockRetainUntilDate"]
    refused(locked.get_object_retention, "NoSuchKey", Bucket=NAME, Key="none")
    locked.create_bucket(Bucket="lake-open")
    locked.put_object(Bucket="lake-open", Key="a", Body=b"x")
    call = locked.get_object_retention
    refused(call, "NoSuchObjectLockConfiguration", Bucket="lake-open", Key="a")


def test_a_governance_retention_goes_for_those_who_bypass_it(
    cloud: Cloud, session: boto3.Session
) -> None:
    make(cloud, locked_bucket)
    lock = {**LOCK.inputs, "bucket": NAME, "rule": rule("GOVERNANCE", years=1)}
    handler(LOCK.token).create(cloud, urn(LOCK.token), lock)
    s3: Any = session.client("s3")
    one = {"Bucket": NAME, "Key": "a", "VersionId": put(s3)}
    until = s3.head_object(**one)["ObjectLockRetainUntilDate"]
    assert abs(until - datetime.now(UTC) - timedelta(365)) < timedelta(minutes=1)
    soon = {"Mode": "GOVERNANCE", "RetainUntilDate": datetime.now(UTC) + timedelta(1)}
    refused(s3.put_object_retention, "AccessDenied", **one, Retention=soon)
    s3.put_object_retention(**one, Retention=soon, BypassGovernanceRetention=True)
    refused(s3.delete_object, "AccessDenied", **one)
    s3.delete_object(**one, BypassGovernanceRetention=True)


def test_the_rule_changes_while_there_are_objects(locked: Any, cloud: Cloud) -> None:
    put(locked)
    resource = handler(LOCK.token)
    inputs = {**LOCK.inputs, "bucket": NAME}
    state = resource.settle(cloud, resource.read(cloud, NAME, inputs) or {}, inputs)
    wanted = {**inputs, "rule": rule("COMPLIANCE", days=2555)}
    after = resource.update(cloud, NAME, state, wanted, inputs)
    assert after["rule"] == wanted["rule"]
    without = {"bucket": NAME, "objectLockEnabled": "Enabled"}
    assert "rule" not in resource.update(cloud, NAME, after, without, wanted)
    locked.delete_object(Bucket=NAME, Key="b", VersionId=put(locked, "b"))


def test_the_lock_itself_outlives_its_configuration(cloud: Cloud) -> None:
    resource = handler(LOCK.token)
    identifier, state = make(cloud, LOCK)
    resource.remove(cloud, identifier, state)
    left = resource.read(cloud, identifier, {"bucket": NAME})
    assert left is not None
    assert left["objectLockEnabled"] == "Enabled"
    assert "rule" not in left


def test_a_lock_needs_versioning_first_and_turns_on_that_of_the_bucket(cloud: Cloud) -> None:
    identifier, state = make(cloud, bucket)
    lock = {**LOCK.inputs, "bucket": identifier}
    resource = handler(LOCK.token)
    with pytest.raises(ClientError, match="InvalidBucketState"):
        resource.create(cloud, urn(LOCK.token), lock)
    make(cloud, VERSIONING)
    resource.create(cloud, urn(LOCK.token), lock)
    there = handler(BUCKET)
    now = there.settle(cloud, there.read(cloud, identifier, state) or {}, state)
    assert now["objectLockEnabled"] is True
    assert not there.differences(now, bucket.inputs, bucket.inputs)


def test_versioning_is_not_suspended_under_a_lock(locked: Any, cloud: Cloud) -> None:
    refused(
        locked.put_bucket_versioning,
        "InvalidBucketState",
        Bucket=NAME,
        VersioningConfiguration={"Status": "Suspended"},
    )
    handler(VERSIONING.token).remove(cloud, NAME, {"bucket": NAME})
    assert locked.get_bucket_versioning(Bucket=NAME)["Status"] == "Enabled"


def test_a_bucket_is_made_anew_for_a_lock() -> None:
    inputs = {"bucket": "b"}
    state = {**inputs, "objectLockEnabled": False}
    wanted = {**inputs, "objectLockEnabled": True}
    assert handler(BUCKET).differences(state, wanted, inputs) == {"objectLockEnabled"}
    assert handler(BUCKET).table["objectLockEnabled"].replace


@pytest.mark.parametrize(
    "retention",
    [
        {"mode": "COMPLIANCE"},
        {"mode": "COMPLIANCE", "days": 1, "years": 1},
        {"mode": "compliance", "days": 1},
        {"days": 1},
    ],
)
def test_a_rule_is_a_mode_and_a_period(retention: Properties) -> None:
    inputs = {"bucket": "b", "rule": {"defaultRetention": retention}}
    assert [name for name, _ in handler(LOCK.token).check(inputs)] == ["rule"]
