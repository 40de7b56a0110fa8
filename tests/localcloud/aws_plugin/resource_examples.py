"""One resource of each type, with what must exist before it, as the program would write it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from localcloud.aws_plugin.cloud import Cloud
from localcloud.aws_plugin.values import Properties

ACCOUNT = "123456789012"
TAGS = {"tenant": "acme", "environment": "local", "tier": "medium", "managed-by": "lake/local"}
BUCKET = "aws:s3/bucket:Bucket"
OBJECT = "aws:s3/bucketObjectv2:BucketObjectv2"
ROLE = "aws:iam/role:Role"
KEY = "aws:kms/key:Key"
DATABASE = "aws:glue/catalogDatabase:CatalogDatabase"
TABLE = "aws:glue/catalogTable:CatalogTable"
TAG = "aws:lakeformation/lfTag:LfTag"
PERMISSIONS = "aws:lakeformation/permissions:Permissions"
ROLE_ARN = f"arn:aws:iam::{ACCOUNT}:role/lake/acme--reader"


def policy(**statement: Any) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


Made = list[tuple[str, Properties]]
Later = Callable[[Cloud, Made], Any]


@dataclass(frozen=True)
class Example:
    """``change`` are inputs that an update accepts; empty where every change replaces.

    A value may be a `Later`: what only the cloud knows, such as the id of something in ``needs``.
    ``name`` is the resource's own in a program: two of one type differ in it. ``stays``: what is
    left of it when it was deleted is not nothing.
    """

    token: str
    inputs: dict[str, Any]
    change: dict[str, Any] = field(default_factory=dict)
    needs: tuple[Example, ...] = ()
    name: str = "it"
    stays: bool = False

    def ready(self, cloud: Cloud, made: Made) -> Example:
        """The example once what it needs is ``made``."""
        inputs, change = _filled(self.inputs, cloud, made), _filled(self.change, cloud, made)
        return replace(self, inputs=inputs, change=change, needs=())


def _filled(value: Any, cloud: Cloud, made: Made) -> Any:
    if isinstance(value, dict):
        return {name: _filled(item, cloud, made) for name, item in value.items()}
    if isinstance(value, list):
        return [_filled(item, cloud, made) for item in value]
    return value(cloud, made) if callable(value) else value


def of(needed: int, output: str | None = None) -> Later:
    """The id (or an output) of that one in ``needs``."""
    return lambda _, made: made[needed][1][output] if output else made[needed][0]


bucket = Example(BUCKET, {"bucket": "lake-acme--data", "tags": TAGS}, {"tags": {**TAGS, "x": "y"}})
role = Example(
    ROLE,
    {
        "name": "acme--reader",
        "path": "/lake/",
        "assumeRolePolicy": policy(
            Effect="Allow",
            Action="sts:AssumeRole",
            Principal={"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
        ),
        "maxSessionDuration": 7200,
        "tags": TAGS,
    },
    {
        "description": "reads",
        "maxSessionDuration": 3600,
        "assumeRolePolicy": policy(
            Effect="Allow", Action="sts:AssumeRole", Principal={"Service": "ecs.amazonaws.com"}
        ),
        "permissionsBoundary": f"arn:aws:iam::{ACCOUNT}:policy/none",
    },
)
key = Example(
    KEY,
    {
        "description": "acme's key",
        "enableKeyRotation": True,
        "deletionWindowInDays": 7,
        "policy": policy(
            Effect="Allow",
            Action="kms:*",
            Resource="*",
            Principal={"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
        ),
        "tags": TAGS,
    },
    {"description": "another", "enableKeyRotation": False},
)
database = Example(
    DATABASE,
    {"name": "lake_acme", "description": "acme's", "tags": TAGS},
    {"description": "still acme's", "parameters": {"a": "b"}},
)
table = Example(
    TABLE,
    {
        "name": "events",
        "databaseName": "lake_acme",
        "catalogId": ACCOUNT,
        "tableType": "EXTERNAL_TABLE",
        "parameters": {"table_type": "ICEBERG"},
        "storageDescriptor": {
            "columns": [{"name": "id", "type": "string", "comment": "key"}],
            "location": "s3://lake-acme--data/acme/lakehouse/data/events/",
            "serDeInfo": {"serializationLibrary": "x", "parameters": {"a": "b"}},
        },
        "partitionKeys": [{"name": "day", "type": "date"}],
    },
    {"description": "events", "parameters": {"table_type": "ICEBERG", "x": "y"}},
    (database,),
)
locked_bucket = Example(BUCKET, {"bucket": "lake-acme--audit", "objectLockEnabled": True})
lf_tag = Example(TAG, {"key": "tenant", "values": ["b", "a"]}, {"values": ["a", "c"]})


def on_bucket(name: str, inputs: dict[str, Any], change: dict[str, Any]) -> Example:
    token = f"aws:s3/{name[0].lower()}{name[1:]}:{name}"
    return Example(token, {"bucket": "lake-acme--data", **inputs}, change, (bucket,))


versioned_bucket = on_bucket(
    "BucketVersioning", {"versioningConfiguration": {"status": "Enabled"}}, {}
)


def grant(**inputs: Any) -> Example:
    return Example(PERMISSIONS, {"principal": ROLE_ARN, **inputs}, {}, (role, table, lf_tag))


ALL = (
    bucket,
    role,
    key,
    table,
    database,
    lf_tag,
    on_bucket(
        "BucketVersioning",
        {"versioningConfiguration": {"status": "Enabled"}},
        {"versioningConfiguration": {"status": "Suspended"}},
    ),
    locked_bucket,
    Example(
        "aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration",
        {
            "bucket": of(0),
            "objectLockEnabled": "Enabled",
            "rule": {"defaultRetention": {"mode": "COMPLIANCE", "days": 365}},
        },
        {"rule": {"defaultRetention": {"mode": "GOVERNANCE", "years": 2}}},
        (locked_bucket,),
        stays=True,
    ),
    Example(
        OBJECT,
        {"bucket": of(0), "key": "tenants/acme.json", "content": '{"a":"é"}', "tags": TAGS},
        {"content": "{}", "contentType": "application/json", "tags": {**TAGS, "x": "y z"}},
        (versioned_bucket,),
    ),
    on_bucket(
        "BucketPublicAccessBlock",
        {"blockPublicAcls": True, "blockPublicPolicy": True},
        {"restrictPublicBuckets": True},
    ),
    on_bucket(
        "BucketOwnershipControls",
        {"rule": {"objectOwnership": "BucketOwnerEnforced"}},
        {"rule": {"objectOwnership": "BucketOwnerPreferred"}},
    ),
    on_bucket(
        "BucketServerSideEncryptionConfiguration",
        {
            "rules": [
                {
                    "applyServerSideEncryptionByDefault": {
                        "sseAlgorithm": "aws:kms",
                        "kmsMasterKeyId": f"arn:aws:kms:us-east-1:{ACCOUNT}:key/k",
                    },
                    "bucketKeyEnabled": False,
                }
            ]
        },
        {"rules": [{"applyServerSideEncryptionByDefault": {"sseAlgorithm": "AES256"}}]},
    ),
    on_bucket(
        "BucketLifecycleConfiguration",
        {
            "rules": [
                {
                    "id": "uploads",
                    "status": "Enabled",
                    "filter": {"prefix": ""},
                    "abortIncompleteMultipartUpload": {"daysAfterInitiation": 7},
                },
                {
                    "id": "old",
                    "status": "Enabled",
                    "filter": {
                        "and": {"prefix": "a/", "objectSizeGreaterThan": 5, "tags": {"a": "b"}}
                    },
                    "noncurrentVersionExpiration": {
                        "noncurrentDays": 30,
                        "newerNoncurrentVersions": 3,
                    },
                },
            ]
        },
        {"rules": [{"id": "x", "status": "Disabled", "filter": {}, "expiration": {"days": 3}}]},
    ),
    on_bucket(
        "BucketPolicy",
        {
            "policy": policy(
                Effect="Deny",
                Principal="*",
                Action="s3:*",
                Resource=["arn:aws:s3:::lake-acme--data", "arn:aws:s3:::lake-acme--data/*"],
                Condition={"Bool": {"aws:SecureTransport": "false"}},
            )
        },
        {
            "policy": policy(
                Effect="Deny",
                Principal="*",
                Action="s3:DeleteBucket",
                Resource="arn:aws:s3:::lake-acme--data",
            )
        },
    ),
    Example(
        "aws:kms/alias:Alias",
        {"name": "alias/lake/acme", "targetKeyId": of(0)},
        {},
        (key,),
    ),
    Example(
        "aws:iam/rolePolicy:RolePolicy",
        {
            "name": "access",
            "role": "acme--reader",
            "policy": policy(Effect="Allow", Action="s3:GetObject", Resource="*"),
        },
        {"policy": policy(Effect="Allow", Action="s3:PutObject", Resource="*")},
        (role,),
    ),
    Example(
        "aws:iam/policy:Policy",
        {
            "name": "boundary",
            "path": "/lake/",
            "description": "most of it",
            "policy": policy(Effect="Allow", Action="s3:*", Resource="*"),
            "tags": TAGS,
        },
        {
            "policy": policy(Effect="Allow", Action="s3:Get*", Resource="*"),
            "tags": {**TAGS, "x": "y"},
        },
    ),
    Example(
        "aws:iam/openIdConnectProvider:OpenIdConnectProvider",
        {
            "url": "https://token.actions.githubusercontent.com",
            "clientIdLists": ["sts.amazonaws.com"],
            "tags": TAGS,
        },
        {"clientIdLists": ["sts.amazonaws.com", "other"]},
    ),
    Example(
        "aws:lakeformation/dataLakeSettings:DataLakeSettings",
        {"admins": [ROLE_ARN], "parameters": {"CROSS_ACCOUNT_VERSION": "3"}},
        {"admins": []},
    ),
    Example(
        "aws:lakeformation/resourceLfTags:ResourceLfTags",
        {
            "table": {"databaseName": "lake_acme", "name": "events"},
            "lfTags": [{"key": "tenant", "value": "a"}],
        },
        {},
        (table, lf_tag),
    ),
    grant(permissions=["DESCRIBE"], database={"name": "lake_acme"}),
    grant(permissions=["SELECT"], table={"databaseName": "lake_acme", "wildcard": True}),
    grant(
        permissions=["SELECT", "DESCRIBE"],
        permissionsWithGrantOptions=["SELECT"],
        table={"databaseName": "lake_acme", "name": "events"},
    ),
    grant(
        permissions=["SELECT"],
        tableWithColumns={"databaseName": "lake_acme", "name": "events", "columnNames": ["id"]},
    ),
    grant(
        permissions=["SELECT"],
        lfTagPolicy={
            "resourceType": "TABLE",
            "expressions": [{"key": "tenant", "values": ["b", "a"]}],
        },
    ),
    grant(permissions=["DESCRIBE"], lfTag={"key": "tenant", "values": ["a"]}),
    grant(
        permissions=["DATA_LOCATION_ACCESS"], dataLocation={"arn": "arn:aws:s3:::lake-acme--data"}
    ),
)
