"""Trails that may write where they are told to, and that are once; as CloudTrail guards them."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from localcloud.aws_plugin.cloud import Cloud
from localcloud.aws_plugin.registry import handler
from tests.localcloud.aws_plugin.resource_examples import ACCOUNT, policy
from tests.localcloud.aws_plugin.service_examples import (
    AUDIT,
    audit_bucket,
    audit_policy,
    statements,
    trail,
    trail_may,
)
from tests.localcloud.aws_plugin.test_life import assumed, make, ready, urn
from tests.localcloud.aws_plugin.test_patches import refused

NAME = trail.inputs["name"]
PLAIN = replace(
    trail,
    inputs={"name": NAME, "s3BucketName": "acme--audit", "includeGlobalServiceEvents": True},
    needs=(audit_bucket, audit_policy),
)


def create(cloud: Cloud, **inputs: Any) -> None:
    handler(trail.token).create(cloud, urn(trail.token), inputs)


def put_bucket_policy(cloud: Cloud, *listed: dict[str, Any]) -> None:
    cloud.client("s3").put_bucket_policy(Bucket="acme--audit", Policy=statements(*listed))


LOOKS = trail_may("s3:GetBucketAcl", AUDIT)
APPENDS = trail_may("s3:PutObject", f"{AUDIT}/AWSLogs/{ACCOUNT}/*")
TAKES_ALL = {"Principal": "*", "Action": "s3:*", "Resource": f"{AUDIT}/*"}


@pytest.mark.parametrize(
    "listed",
    [
        (APPENDS,),
        (LOOKS,),
        (LOOKS, {**APPENDS, "Resource": f"{AUDIT}/AWSLogs/999999999999/*"}),
        (LOOKS, {**APPENDS, "Principal": {"Service": "config.amazonaws.com"}}),
        (LOOKS, {**APPENDS, "Condition": {"StringEquals": {"aws:SourceArn": "another"}}}),
        (LOOKS, APPENDS, {"Effect": "Deny", **TAKES_ALL}),
    ],
    ids=["no look", "no append", "elsewhere", "another service", "another trail", "a denial"],
)
def test_a_bucket_that_does_not_let_the_trail_in_is_refused(
    cloud: Cloud, listed: tuple[dict[str, Any], ...]
) -> None:
    inputs = ready(cloud, PLAIN).inputs
    put_bucket_policy(cloud, *listed)
    with pytest.raises(ClientError, match="InsufficientS3BucketPolicyException"):
        create(cloud, **inputs)
    assert cloud.client("cloudtrail").list_trails()["Trails"] == []
    unless_service = {"BoolIfExists": {"aws:PrincipalIsAWSService": "false"}}
    put_bucket_policy(
        cloud, LOOKS, APPENDS, {"Effect": "Deny", **TAKES_ALL, "Condition": unless_service}
    )
    create(cloud, **inputs)


def test_an_organizations_trail_writes_below_the_organizations_id_too(cloud: Cloud) -> None:
    inputs = {**ready(cloud, trail).inputs}
    put_bucket_policy(cloud, LOOKS, APPENDS)
    with pytest.raises(ClientError, match="InsufficientS3BucketPolicyException"):
        create(cloud, **inputs)
    create(cloud, **{**inputs, "isOrganizationTrail": False})


def test_only_the_management_account_makes_the_organizations_trail(
    cloud: Cloud, session: boto3.Session
) -> None:
    inputs = {**ready(cloud, PLAIN).inputs, "isOrganizationTrail": True}
    with pytest.raises(ClientError, match="OrganizationsNotInUseException"):
        create(cloud, **inputs)
    organizations = cloud.client("organizations")
    organizations.create_organization(FeatureSet="ALL")
    with pytest.raises(ClientError, match="CloudTrailAccessNotEnabledException"):
        create(cloud, **inputs)
    organizations.enable_aws_service_access(ServicePrincipal="cloudtrail.amazonaws.com")
    create(cloud, **inputs)
    made = organizations.create_account(AccountName="member", Email="a@example.com")
    account = made["CreateAccountStatus"]["AccountId"]
    member = assumed(session, f"arn:aws:iam::{account}:role/OrganizationAccountAccessRole")
    member.client("s3").create_bucket(Bucket="of-the-member")
    refused(
        member.client("cloudtrail").create_trail,
        "NotOrganizationMasterAccountException",
        Name="member",
        S3BucketName="of-the-member",
        IsOrganizationTrail=True,
    )


def no_key(cloud: Cloud, _: dict[str, Any]) -> dict[str, Any]:
    return {"kmsKeyId": cloud.arn("kms", "key/none", region=cloud.region, account=cloud.account)}


def closed_key(cloud: Cloud, inputs: dict[str, Any]) -> dict[str, Any]:
    root = {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}
    closed = policy(Effect="Allow", Principal=root, Action="kms:*", Resource="*")
    cloud.client("kms").put_key_policy(
        KeyId=inputs["kmsKeyId"], PolicyName="default", Policy=closed
    )
    return {}


def disabled_key(cloud: Cloud, inputs: dict[str, Any]) -> dict[str, Any]:
    cloud.client("kms").disable_key(KeyId=inputs["kmsKeyId"].rsplit("/", 1)[-1])
    return {}


def no_group(_: Cloud, inputs: dict[str, Any]) -> dict[str, Any]:
    return {"cloudWatchLogsGroupArn": inputs["cloudWatchLogsGroupArn"].replace("acme", "none")}


def no_role(_: Cloud, inputs: dict[str, Any]) -> dict[str, Any]:
    return {"cloudWatchLogsRoleArn": inputs["cloudWatchLogsRoleArn"] + "-none"}


def untrusting_role(cloud: Cloud, _: dict[str, Any]) -> dict[str, Any]:
    trust = policy(
        Effect="Allow", Principal={"Service": "lambda.amazonaws.com"}, Action="sts:AssumeRole"
    )
    cloud.client("iam").update_assume_role_policy(RoleName="trail-delivery", PolicyDocument=trust)
    return {}


def idle_role(cloud: Cloud, _: dict[str, Any]) -> dict[str, Any]:
    idle = policy(Effect="Allow", Action="logs:CreateLogStream", Resource="*")
    cloud.client("iam").put_role_policy(
        RoleName="trail-delivery", PolicyName="grants", PolicyDocument=idle
    )
    return {}


def bounded_role(cloud: Cloud, _: dict[str, Any]) -> dict[str, Any]:
    iam = cloud.client("iam")
    made = iam.create_policy(
        PolicyName="narrow",
        PolicyDocument=policy(Effect="Allow", Action="s3:*", Resource="*"),
    )
    iam.put_role_permissions_boundary(
        RoleName="trail-delivery", PermissionsBoundary=made["Policy"]["Arn"]
    )
    return {}


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        (no_key, "KmsKeyNotFoundException"),
        (closed_key, "InsufficientEncryptionPolicyException"),
        (disabled_key, "KmsKeyDisabledException"),
        (no_group, "InvalidCloudWatchLogsLogGroupArnException"),
        (no_role, "InvalidCloudWatchLogsRoleArnException"),
        (untrusting_role, "InvalidCloudWatchLogsRoleArnException"),
        (idle_role, "InvalidCloudWatchLogsRoleArnException"),
        (bounded_role, "InvalidCloudWatchLogsRoleArnException"),
    ],
)
def test_a_key_or_a_log_group_that_does_not_let_the_trail_in_is_refused(
    cloud: Cloud, spoil: Callable[[Cloud, dict[str, Any]], dict[str, Any]], code: str
) -> None:
    inputs = ready(cloud, trail).inputs
    with pytest.raises(ClientError, match=code):
        create(cloud, **{**inputs, **spoil(cloud, inputs)})


def test_a_refused_change_changes_nothing(cloud: Cloud) -> None:
    resource = handler(trail.token)
    inputs = ready(cloud, trail).inputs
    arn, state = resource.create(cloud, urn(trail.token), inputs)
    wanted = {**inputs, **no_group(cloud, inputs), "enableLogFileValidation": False}
    with pytest.raises(ClientError, match="InvalidCloudWatchLogsLogGroupArnException"):
        resource.update(cloud, arn, state, wanted, inputs)
    assert resource.settle(cloud, resource.read(cloud, arn, state) or {}, state) == state


def test_a_name_is_taken_once_and_a_region_has_five(cloud: Cloud) -> None:
    inputs = ready(cloud, PLAIN).inputs
    put_bucket_policy(
        cloud,
        {
            "Effect": "Allow",
            "Principal": {"Service": "cloudtrail.amazonaws.com"},
            "Action": ["s3:GetBucketAcl", "s3:PutObject"],
            "Resource": [AUDIT, f"{AUDIT}/*"],
        },
    )
    create(cloud, **inputs)
    api = cloud.client("cloudtrail")
    refused(api.create_trail, "TrailAlreadyExistsException", Name=NAME, S3BucketName="acme--audit")
    for number in range(4):
        create(cloud, **{**inputs, "name": f"trail-{number}"})
    refused(
        api.create_trail,
        "MaximumNumberOfTrailsExceededException",
        Name="sixth",
        S3BucketName="acme--audit",
    )


def test_a_successor_has_none_of_the_old_tags(cloud: Cloud) -> None:
    arn, state = make(cloud, trail)
    handler(trail.token).remove(cloud, arn, state)
    refused(cloud.client("cloudtrail").delete_trail, "TrailNotFoundException", Name=arn)
    _, successor = make(cloud, PLAIN)
    assert "tags" not in successor


def test_logging_that_was_stopped_by_hand_is_drift(cloud: Cloud) -> None:
    resource = handler(trail.token)
    arn, state = make(cloud, trail)
    cloud.client("cloudtrail").stop_logging(Name=arn)
    now = resource.settle(cloud, resource.read(cloud, arn, state) or {}, state)
    assert {name for name in now if now[name] != state.get(name)} == {"enableLogging"}


def select(field: str, **operators: list[str]) -> dict[str, Any]:
    return {"field": field, **operators}


MANAGEMENT = select("eventCategory", equals=["Management"])
DATA = select("eventCategory", equals=["Data"])
OBJECTS = select("resources.type", equals=["AWS::S3::Object"])


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ([OBJECTS], "eventCategory must equal"),
        ([DATA], "one resources.type"),
        ([MANAGEMENT, OBJECTS], "not selected by resources.type"),
        ([DATA, OBJECTS, OBJECTS], "twice"),
        ([DATA, select("resources.type", startsWiths=["AWS::S3"])], "one resources.type"),
        ([MANAGEMENT, select("readOnly", notEquals=["true"])], "readOnly cannot"),
        ([DATA, OBJECTS, select("eventName")], "eventName cannot"),
        ([DATA, OBJECTS, select("eventName", equals=["x"] * 501)], "more than the 500"),
    ],
)
def test_selectors_that_select_nothing_sensible_are_refused(
    cloud: Cloud, fields: list[dict[str, Any]], told: str
) -> None:
    inputs = ready(cloud, PLAIN).inputs
    with pytest.raises(ClientError, match=told):
        create(cloud, **inputs, advancedEventSelectors=[{"name": "it", "fieldSelectors": fields}])


def test_the_order_of_selectors_and_their_fields_means_nothing() -> None:
    first, second = trail.inputs["advancedEventSelectors"]
    turned = {**second, "fieldSelectors": second["fieldSelectors"][::-1]}
    selectors = handler(trail.token).table["advancedEventSelectors"]
    assert selectors.equal([first, second], [turned, first])
    other = json.loads(json.dumps(second).replace("acme--", "globex--"))
    assert not selectors.equal([first, second], [first, other])


@pytest.mark.parametrize(
    ("inputs", "wrong"),
    [
        ({"name": "ab"}, "name"),
        ({"name": "acme--audit"}, "name"),
        ({"cloudWatchLogsRoleArn": "role"}, "cloudWatchLogsGroupArn"),
        (
            {"cloudWatchLogsGroupArn": "group", "cloudWatchLogsRoleArn": "role"},
            "cloudWatchLogsGroupArn",
        ),
        (
            {"isMultiRegionTrail": True, "includeGlobalServiceEvents": False},
            "includeGlobalServiceEvents",
        ),
    ],
)
def test_what_cannot_be_is_said_at_preview(inputs: dict[str, Any], wrong: str) -> None:
    given = {"name": "acme", "s3BucketName": "b", **inputs}
    assert [name for name, _ in handler(trail.token).check(given)] == [wrong]
