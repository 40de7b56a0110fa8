"""What the emulator must refuse, keep and show beyond what moto does."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from tests.localcloud.aws_plugin.resource_examples import ACCOUNT
from tests.localcloud.aws_plugin.test_life import assumed, open_account

TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": ACCOUNT}}
        ],
    }
)
PLATFORM = f"arn:aws:iam::{ACCOUNT}:role/platform/*"
SHARED = "arn:aws:s3:::lake-shared"
UNLESS_PLATFORM = {"ArnNotLike": {"aws:PrincipalArn": [PLATFORM]}}
TENANT = "${aws:PrincipalTag/tenant}"


def refused(call: Callable[..., Any], *codes: str, **request: Any) -> None:
    with pytest.raises(ClientError) as told:
        call(**request)
    assert told.value.response["Error"]["Code"] in codes, told.value


def role(session: boto3.Session, name: str, tenant: str | None, path: str = "/") -> boto3.Session:
    tags: Any = [{"Key": "tenant", "Value": tenant}] if tenant else []
    made = session.client("iam").create_role(
        RoleName=name, Path=path, AssumeRolePolicyDocument=TRUST, Tags=tags
    )
    return assumed(session, made["Role"]["Arn"])


def deny(sid: str, conditions: dict[str, Any], **where: Any) -> dict[str, Any]:
    return {"Sid": sid, "Effect": "Deny", "Principal": "*", "Condition": conditions, **where}


@pytest.fixture
def fenced(session: boto3.Session) -> boto3.Session:
    """A shared bucket with the denials that keep tenants to their own prefix."""
    s3 = session.client("s3")
    s3.create_bucket(Bucket="lake-shared")
    everything = [SHARED, f"{SHARED}/*"]
    statements = [
        deny("Tls", {"Bool": {"aws:SecureTransport": "false"}}, Action="s3:*", Resource=everything),
        deny(
            "Strangers",
            {"Null": {"aws:PrincipalTag/tenant": "true"}, **UNLESS_PLATFORM},
            Action="s3:*",
            Resource=everything,
        ),
        deny(
            "Foreign",
            UNLESS_PLATFORM,
            Action="s3:*",
            NotResource=[SHARED, f"{SHARED}/{TENANT}/*"],
        ),
        deny(
            "Listing",
            {"StringNotLike": {"s3:prefix": f"{TENANT}/*"}, **UNLESS_PLATFORM},
            Action=["s3:ListBucket", "s3:ListBucketVersions"],
            Resource=SHARED,
        ),
    ]
    document = {"Version": "2012-10-17", "Statement": statements}
    s3.put_bucket_policy(Bucket="lake-shared", Policy=json.dumps(document))
    return session


def test_a_tenant_keeps_to_its_prefix(fenced: boto3.Session) -> None:
    acme = role(fenced, "acme", "acme").client("s3")
    globex = role(fenced, "globex", "globex").client("s3")
    acme.put_object(Bucket="lake-shared", Key="acme/a", Body=b"x")
    acme.put_object(Bucket="lake-shared", Key="acme/a", Body=b"y")  # over what is there too
    assert acme.get_object(Bucket="lake-shared", Key="acme/a")["Body"].read() == b"y"
    assert acme.list_objects_v2(Bucket="lake-shared", Prefix="acme/")["KeyCount"] == 1
    for call, request in (
        (globex.get_object, {"Key": "acme/a"}),
        (globex.head_object, {"Key": "acme/a"}),
        (globex.put_object, {"Key": "acme/a"}),
        (globex.put_object, {"Key": "acme/new"}),
        (globex.delete_object, {"Key": "acme/a"}),
        (globex.copy_object, {"Key": "globex/a", "CopySource": "lake-shared/acme/a"}),
        (globex.create_multipart_upload, {"Key": "acme/m"}),
        (globex.list_objects_v2, {}),
        (globex.list_objects_v2, {"Prefix": "acme/"}),
        (globex.list_object_versions, {"Prefix": "acme/"}),
    ):
        refused(call, "AccessDenied", "403", Bucket="lake-shared", **request)
    many = globex.delete_objects(Bucket="lake-shared", Delete={"Objects": [{"Key": "acme/a"}]})
    assert many["Errors"][0]["Code"] == "AccessDenied"


def test_a_role_without_the_tag_is_denied_and_the_platform_is_not(fenced: boto3.Session) -> None:
    untagged = role(fenced, "untagged", None).client("s3")
    refused(untagged.put_object, "AccessDenied", "403", Bucket="lake-shared", Key="x/a")
    platform = role(fenced, "etl", None, "/platform/").client("s3")
    platform.put_object(Bucket="lake-shared", Key="acme/b", Body=b"x")
    refused(untagged.get_object, "AccessDenied", "403", Bucket="lake-shared", Key="acme/b")


def test_what_cannot_be_evaluated_denies(session: boto3.Session) -> None:
    s3 = session.client("s3")
    s3.create_bucket(Bucket="odd")
    statement = deny(
        "Odd",
        {"StringEquals": {"aws:PrincipalOrgID": "o-1"}},
        Action="s3:*",
        Resource="arn:aws:s3:::odd/*",
    )
    s3.put_bucket_policy(
        Bucket="odd", Policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    )
    someone = role(session, "someone", "acme").client("s3")
    refused(someone.put_object, "AccessDenied", "403", Bucket="odd", Key="a")


def test_another_account_is_let_in_by_the_policy_only(session: boto3.Session) -> None:
    s3 = session.client("s3")
    s3.create_bucket(Bucket="mine")
    open_account(session, "222222222222")
    arn = "arn:aws:iam::222222222222:role/OrganizationAccountAccessRole"
    foreign = assumed(session, arn).client("s3")
    refused(foreign.put_object, "AccessDenied", "403", Bucket="mine", Key="a")
    allow = {"Effect": "Allow", "Principal": {"AWS": arn}, "Action": "s3:PutObject"}
    allow["Resource"] = "arn:aws:s3:::mine/*"
    s3.put_bucket_policy(
        Bucket="mine", Policy=json.dumps({"Version": "2012-10-17", "Statement": [allow]})
    )
    foreign.put_object(Bucket="mine", Key="a", Body=b"x")
    refused(foreign.get_object, "AccessDenied", "403", Bucket="mine", Key="a")


def test_only_roles_that_exist_are_assumed(session: boto3.Session) -> None:
    for account in (ACCOUNT, "333333333333"):
        refused(
            session.client("sts").assume_role,
            "AccessDenied",
            RoleArn=f"arn:aws:iam::{account}:role/never",
            RoleSessionName="test",
        )


def test_inline_policies_of_a_role_have_one_limit(session: boto3.Session) -> None:
    role(session, "big", None)
    iam = session.client("iam")
    statement = {
        "Effect": "Allow",
        "Action": "s3:GetObject",
        "Resource": f"arn:aws:s3:::{'a' * 6000}",
    }
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    iam.put_role_policy(RoleName="big", PolicyName="one", PolicyDocument=document)
    iam.put_role_policy(RoleName="big", PolicyName="one", PolicyDocument=document)
    refused(
        iam.put_role_policy,
        "LimitExceeded",
        RoleName="big",
        PolicyName="two",
        PolicyDocument=document,
    )


def open_grants(session: boto3.Session) -> list[Any]:
    listed = session.client("lakeformation").list_permissions()["PrincipalResourcePermissions"]
    return [
        next(iter(one["Resource"]))
        for one in listed
        if one["Principal"]["DataLakePrincipalIdentifier"] == "IAM_ALLOWED_PRINCIPALS"
    ]


def make_table(session: boto3.Session, database: str) -> None:
    glue = session.client("glue")
    glue.create_database(DatabaseInput={"Name": database})
    glue.create_table(DatabaseName=database, TableInput={"Name": "t"})


def test_open_defaults_show_and_closed_ones_do_not(session: boto3.Session) -> None:
    make_table(session, "open")
    assert sorted(open_grants(session)) == ["Database", "Table"]
    session.client("lakeformation").put_data_lake_settings(
        DataLakeSettings={
            "CreateDatabaseDefaultPermissions": [],
            "CreateTableDefaultPermissions": [],
        }
    )
    make_table(session, "closed")
    assert sorted(open_grants(session)) == ["Database", "Table"]
    session.client("glue").delete_table(DatabaseName="open", Name="t")
    assert open_grants(session) == ["Database"]
    session.client("glue").delete_database(Name="open")
    assert open_grants(session) == []


@pytest.mark.parametrize(
    ("resource", "permissions", "principal"),
    [
        ({"Database": {"Name": "db"}}, ["SELECT"], "acme"),
        ({"Database": {"Name": "absent"}}, ["DESCRIBE"], "acme"),
        ({"Table": {"DatabaseName": "db", "Name": "absent"}}, ["SELECT"], "acme"),
        ({"Database": {"Name": "db"}}, ["DESCRIBE"], "never-made"),
        ({"LFTag": {"TagKey": "absent", "TagValues": ["x"]}}, ["DESCRIBE"], "acme"),
        (
            {"TableWithColumns": {"DatabaseName": "db", "Name": "t", "ColumnNames": ["no"]}},
            ["SELECT"],
            "acme",
        ),
    ],
)
def test_grants_that_aws_refuses(
    session: boto3.Session, resource: Any, permissions: list[str], principal: str
) -> None:
    role(session, "acme", "acme")
    make_table(session, "db")
    refused(
        session.client("lakeformation").grant_permissions,
        "InvalidInputException",
        "EntityNotFoundException",
        Principal={"DataLakePrincipalIdentifier": f"arn:aws:iam::{ACCOUNT}:role/{principal}"},
        Resource=resource,
        Permissions=permissions,
    )


def test_grants_merge_shrink_and_are_not_lost(session: boto3.Session) -> None:
    role(session, "acme", "acme")
    make_table(session, "db")
    lake = session.client("lakeformation")
    about: Any = {
        "Principal": {"DataLakePrincipalIdentifier": f"arn:aws:iam::{ACCOUNT}:role/acme"},
        "Resource": {"Table": {"DatabaseName": "db", "Name": "t"}},
    }
    lake.grant_permissions(**about, Permissions=["SELECT"])
    lake.grant_permissions(**about, Permissions=["DESCRIBE"])
    lake.grant_permissions(**about, Permissions=["SELECT"])
    (one,) = lake.list_permissions(**about)["PrincipalResourcePermissions"]
    assert one["Permissions"] == ["DESCRIBE", "SELECT"]
    lake.revoke_permissions(**about, Permissions=["SELECT"])
    lake.revoke_permissions(**about, Permissions=["DESCRIBE"])
    assert lake.list_permissions(**about)["PrincipalResourcePermissions"] == []
