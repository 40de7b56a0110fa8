"""Small estates for tests, in the shape of an exported state."""

import json
from collections.abc import Iterable
from typing import Any

from isolation.graph import Graph
from isolation.state import resources_of

ACCOUNT, OTHER = "111111111111", "222222222222"
LAKE = "arn:aws:s3:::lake"
REGION = "eu-west-1"
_URN = "urn:pulumi:test::estate::"
Statement = dict[str, Any]
Entry = dict[str, Any]


def allow(action: Any, resource: Any = "*", **elements: Any) -> Statement:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **elements}


def deny(action: Any, resource: Any = "*", **elements: Any) -> Statement:
    return {"Effect": "Deny", "Action": action, "Resource": resource, **elements}


def document(*statements: Statement) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def trusts(principal: Any, *actions: str, **elements: Any) -> Statement:
    return {
        "Effect": "Allow",
        "Principal": principal,
        "Action": list(actions) or ["sts:AssumeRole"],
        **elements,
    }


def role_arn(name: str, account: str = ACCOUNT) -> str:
    return f"arn:aws:iam::{account}:role/{name}"


def entry(kind: str, name: str, /, **outputs: Any) -> Entry:
    return {"urn": f"{_URN}{kind}::{name}", "type": kind, "inputs": {}, "outputs": outputs}


def role(
    name: str,
    *statements: Statement,
    trust: Iterable[Statement] = (),
    tags: dict[str, str] | None = None,
    account: str = ACCOUNT,
    boundary: str | None = None,
) -> list[Entry]:
    nobody = {"Effect": "Deny", "Principal": "*", "Action": "sts:AssumeRole"}
    more = {"permissionsBoundary": boundary} if boundary else {}
    found = [
        entry(
            "aws:iam/role:Role",
            name,
            arn=role_arn(name, account),
            name=name,
            assumeRolePolicy=document(*(list(trust) or [nobody])),
            tags=tags or {},
            **more,
        )
    ]
    if statements:
        found.append(
            entry(
                "aws:iam/rolePolicy:RolePolicy",
                f"{name}-grants",
                role=name if account == ACCOUNT else role_arn(name, account),
                policy=document(*statements),
            )
        )
    return provided(found, account)


def provided(entries: Iterable[Entry], account: str) -> list[Entry]:
    """The entries as made by one provider, whose account their ARNs tell, if any does."""
    provider = f"{_URN}pulumi:providers:aws::of-{account}::id"
    return [{**one, "provider": provider} for one in entries]


def bucket(
    name: str, /, *statements: Statement, account: str = ACCOUNT, **outputs: Any
) -> list[Entry]:
    found = [
        entry("aws:s3/bucket:Bucket", name, arn=f"arn:aws:s3:::{name}", bucket=name, **outputs)
    ]
    if statements:
        found.append(
            entry(
                "aws:s3/bucketPolicy:BucketPolicy",
                f"{name}-policy",
                bucket=name,
                policy=document(*statements),
            )
        )
    return provided(found, account)


def kms_key(
    name: str, *statements: Statement, encrypts: str, bucket_keys: bool = False
) -> list[Entry]:
    arn = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/{name}"
    return [
        entry("aws:kms/key:Key", name, arn=arn, keyId=name, policy=document(*statements)),
        entry(
            "aws:kms/alias:Alias",
            name,
            arn=f"arn:aws:kms:{REGION}:{ACCOUNT}:alias/{name}",
            name=f"alias/{name}",
            targetKeyId=name,
        ),
        entry(
            "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
            f"{name}-encryption",
            bucket=encrypts,
            rules=[
                {
                    "bucketKeyEnabled": bucket_keys,
                    "applyServerSideEncryptionByDefault": {"kmsMasterKeyId": arn},
                }
            ],
        ),
    ]


def claims(
    tenant: str | None, owns: Iterable[str], principals: Iterable[str], **more: Any
) -> Entry:
    given = {"tenant": tenant, "owns": list(owns), "principals": list(principals), **more}
    return entry("some:component:Part", f"{tenant}-{len(json.dumps(given))}", claims=given)


def tenant(
    name: str, *statements: Statement, prefix: str | None = None, **elements: Any
) -> list[Entry]:
    """A tenant with a prefix of the lake and one role, which may use it, and what is given."""
    own = prefix if prefix is not None else f"{LAKE}/{name}/*"
    grants = statements or (allow(["s3:GetObject", "s3:PutObject"], own),)
    return [
        *role(name, *grants, tags={"tenant": name}, **elements),
        claims(name, [own, role_arn(name)], [role_arn(name)]),
    ]


def platform(*entries: Entry, owns: Iterable[str] = (LAKE,)) -> list[Entry]:
    return [
        *entries,
        claims(None, owns, (), reason="the shared bucket"),
    ]


def graph(*parts: list[Entry]) -> Graph:
    return Graph.of(resources_of([one for part in parts for one in part], "test.json"))
