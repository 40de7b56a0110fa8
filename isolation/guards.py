"""The policies that hang on resources: by property, as a resource of their own, or as a grant."""

import json
from collections import defaultdict
from collections.abc import Iterator

from isolation.documents import Document, UnknownDocument, document, merged, normal
from isolation.graph import Resource
from isolation.inventory import Inventory, value
from isolation.partitions import OF_SERVICES

BUCKET, KEY = "aws:s3/bucket:Bucket", "aws:kms/key:Key"

# Type of policy -> property that names what it guards, type of that.
_POLICIES = {
    "aws:dynamodb/resourcePolicy:ResourcePolicy": ("resourceArn", "aws:dynamodb/table:Table"),
    "aws:ecr/repositoryPolicy:RepositoryPolicy": ("repository", "aws:ecr/repository:Repository"),
    "aws:kinesis/resourcePolicy:ResourcePolicy": ("resourceArn", "aws:kinesis/stream:Stream"),
    "aws:kms/keyPolicy:KeyPolicy": ("keyId", KEY),
    "aws:s3/bucketPolicy:BucketPolicy": ("bucket", BUCKET),
    "aws:secretsmanager/secretPolicy:SecretPolicy": (
        "secretArn",
        "aws:secretsmanager/secret:Secret",
    ),
    "aws:sns/topicPolicy:TopicPolicy": ("arn", "aws:sns/topic:Topic"),
    "aws:sqs/queuePolicy:QueuePolicy": ("queueUrl", "aws:sqs/queue:Queue"),
}
_WITH_OWN_POLICY = (
    BUCKET,
    KEY,
    "aws:secretsmanager/secret:Secret",
    "aws:sns/topic:Topic",
    "aws:sqs/queue:Queue",
)
# Type of a policy for a whole account -> its property, the service.
_OF_ACCOUNTS = {
    "aws:glue/resourcePolicy:ResourcePolicy": ("policy", "glue"),
    "aws:cloudwatch/logResourcePolicy:LogResourcePolicy": ("policyDocument", "logs"),
}


def resource_policies(inventory: Inventory) -> dict[str, tuple[Document, ...]]:
    """What guards a resource: by its URN; by its partition and name where it is in
    no state; and for all of a
    service in an account by ``service:account``.
    """
    single: dict[str, list[Document]] = defaultdict(list)
    found: dict[str, list[Document]] = defaultdict(list)
    for guarded, policy in (*_own(inventory), *_apart(inventory)):
        single[guarded].append(policy)
    for guarded, policies in single.items():
        found[guarded] += _one(policies)
    for guarded, policy in (*_of_accounts(inventory), *_granted(inventory)):
        if all(policy.text != other.text for other in found[guarded]):
            found[guarded].append(policy)
    return {guarded: tuple(policies) for guarded, policies in found.items()}


def _one(policies: list[Document]) -> list[Document]:
    """A resource has one policy in the cloud. Where a state has several for it, one of them is
    there, and nobody knows which: so all that any allows counts, and what all deny.
    """
    if len({normal(one.text) for one in policies}) == 1:
        return policies[:1]
    unknown: list[Document] = [one for one in policies if isinstance(one, UnknownDocument)]
    return unknown or [merged(policies[0].name, [one.text for one in policies])]


def _own(inventory: Inventory) -> Iterator[tuple[str, Document]]:
    for kind in _WITH_OWN_POLICY:
        for resource in inventory.of(kind):
            policy = document(resource, "policy")
            if policy is not None:
                yield resource.urn, policy


def _apart(inventory: Inventory) -> Iterator[tuple[str, Document]]:
    for kind, (name, guarded) in _POLICIES.items():
        for resource in inventory.of(kind):
            policy = document(resource, "policy")
            for one in inventory.meant(resource, name, guarded):
                if policy is not None:
                    yield (
                        (
                            one.urn
                            if isinstance(one, Resource)
                            else f"{inventory.partition(resource)}:{one}"
                        ),
                        policy,
                    )


def _of_accounts(inventory: Inventory) -> Iterator[tuple[str, Document]]:
    for kind, (name, service) in _OF_ACCOUNTS.items():
        for resource in inventory.of(kind):
            policy = document(resource, name)
            if policy is not None:
                yield f"{service}:{inventory.account(resource)}", policy


def _granted(inventory: Inventory) -> Iterator[tuple[str, Document]]:
    for kind, name, guarded, statement in (
        (
            "aws:lambda/permission:Permission",
            "function",
            "aws:lambda/function:Function",
            _permission,
        ),
        ("aws:kms/grant:Grant", "keyId", KEY, _grant),
    ):
        for resource in inventory.of(kind):
            for one in inventory.meant(resource, name, guarded):
                if isinstance(one, Resource):
                    yield one.urn, statement(resource)


def _permission(resource: Resource) -> Document:
    """A function's permission as the statement that Lambda makes of it (Lambda Developer Guide,
    "Resource-based policies").
    """
    principal = str(value(resource, "principal") or "*")
    conditions: dict[str, dict[str, object]] = {}
    for operator, condition, name in (
        ("StringEquals", "aws:SourceAccount", "sourceAccount"),
        ("ArnLike", "aws:SourceArn", "sourceArn"),
        ("StringEquals", "aws:PrincipalOrgID", "principalOrgId"),
    ):
        given = value(resource, name)
        if isinstance(given, str):
            conditions.setdefault(operator, {})[condition] = given
    kind = "Service" if principal.endswith(OF_SERVICES) else "AWS"
    statement = {
        "Effect": "Allow",
        "Principal": principal if principal == "*" else {kind: principal},
        "Action": str(value(resource, "action") or "lambda:*"),
        "Resource": "*",
        **({"Condition": conditions} if conditions else {}),
    }
    text = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    return Document(f"{resource.urn}#permission", text)


def _grant(resource: Resource) -> Document:
    """A grant on a key as a statement. Its constraints are left out, which allows more."""
    operations = value(resource, "operations")
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": str(value(resource, "granteePrincipal"))},
        "Action": [f"kms:{name}" for name in operations]
        if isinstance(operations, list)
        else "kms:*",
        "Resource": "*",
    }
    text = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    return Document(f"{resource.urn}#grant", text)
