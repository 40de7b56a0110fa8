"""Finds things in a graph: what a resource is called in AWS, and which one a value means.

Where a program was only recorded or previewed, ARNs are not known: they are made from names, as
the Service Authorization Reference has their forms.
"""

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from isolation.graph import UNKNOWN, Graph, Resource

_MARK = "4dabf18193072939515e22adb298388d"
"""The key of an object that is a secret, an asset or an archive (Pulumi,
``sdk/go/common/resource/sig/sig.go``)."""

_ARN = re.compile(r"arn:aws[a-z-]*:[a-z0-9-]+:[a-z0-9-]*:(?:[0-9]{12}|aws)?:.+", re.DOTALL)
_ACCOUNT = re.compile(r"arn:aws[a-z-]*:[a-z0-9-]+:[a-z0-9-]*:([0-9]{12}):")

# Type -> service, resource part of its ARN; `{...}` are properties. Region and account by service.
_FORMS: dict[str, tuple[str, str]] = {
    "aws:athena/workgroup:Workgroup": ("athena", "workgroup/{name}"),
    "aws:cloudtrail/trail:Trail": ("cloudtrail", "trail/{name}"),
    "aws:cloudwatch/logGroup:LogGroup": ("logs", "log-group:{name}"),
    "aws:codebuild/project:Project": ("codebuild", "project/{name}"),
    "aws:dynamodb/table:Table": ("dynamodb", "table/{name}"),
    "aws:ecr/repository:Repository": ("ecr", "repository/{name}"),
    "aws:ecs/cluster:Cluster": ("ecs", "cluster/{name}"),
    "aws:ecs/taskDefinition:TaskDefinition": ("ecs", "task-definition/{family}:*"),
    "aws:glue/catalogDatabase:CatalogDatabase": ("glue", "database/{name}"),
    "aws:glue/catalogTable:CatalogTable": ("glue", "table/{databaseName}/{name}"),
    "aws:glue/job:Job": ("glue", "job/{name}"),
    "aws:iam/group:Group": ("iam", "group{path}{name}"),
    "aws:iam/instanceProfile:InstanceProfile": ("iam", "instance-profile{path}{name}"),
    "aws:iam/policy:Policy": ("iam", "policy{path}{name}"),
    "aws:iam/role:Role": ("iam", "role{path}{name}"),
    "aws:iam/user:User": ("iam", "user{path}{name}"),
    "aws:kinesis/stream:Stream": ("kinesis", "stream/{name}"),
    "aws:kms/alias:Alias": ("kms", "{name}"),
    "aws:kms/key:Key": ("kms", "key/{keyId}"),
    "aws:lambda/function:Function": ("lambda", "function:{name}"),
    "aws:rds/instance:Instance": ("rds", "db:{identifier}"),
    "aws:s3/accessPoint:AccessPoint": ("s3", "accesspoint/{name}"),
    "aws:s3/bucket:Bucket": ("s3", "{bucket}"),
    "aws:s3/bucketObjectv2:BucketObjectv2": ("s3", "{bucket}/{key}"),
    "aws:secretsmanager/secret:Secret": ("secretsmanager", "secret:{name}-??????"),
    "aws:sfn/stateMachine:StateMachine": ("states", "stateMachine:{name}"),
    "aws:sns/topic:Topic": ("sns", "{name}"),
    "aws:sqs/queue:Queue": ("sqs", "{name}"),
}
SUBSCRIPTION = "aws:sns/topicSubscription:TopicSubscription"
"""Its ARN is the topic's and an id, and no resource by itself: SNS has none but topics (Service
Authorization Reference, "Resource types defined by Amazon SNS")."""
_TARGET = "aws:cloudwatch/eventTarget:EventTarget"
"""Its property `arn` is what it sends to, anybody's."""
_ALIASES = {
    "aws:s3/bucketObject:BucketObject": "aws:s3/bucketObjectv2:BucketObjectv2",
    "aws:s3/bucketV2:BucketV2": "aws:s3/bucket:Bucket",
    "aws:cloudwatch/logGroup:LogGroup": "aws:cloudwatch/logGroup:LogGroup",
}
_GLOBAL = ("iam", "s3")
_DEFAULTS = {"path": "/"}


class Inventory:
    """The resources of a graph by type, ARN and whatever other resources call them by."""

    def __init__(self, graph: Graph) -> None:
        self._by_type: dict[str, list[Resource]] = defaultdict(list)
        self.by_urn: dict[str, Resource] = {}
        for resource in graph.resources:
            self._by_type[kind_of(resource)].append(resource)
            self.by_urn[resource.urn] = resource
        self.accounts = _accounts(graph)
        self._arns: dict[str, str] = {}
        self._called: dict[tuple[str, str, str], Resource] = {}
        for kind, resources in self._by_type.items():
            for resource in resources:
                account = self.account(resource)
                for name in self._names(resource):
                    scope = "" if name.startswith(("arn:", "urn:")) else account
                    self._called.setdefault((kind, scope, name), resource)

    def of(self, kind: str) -> list[Resource]:
        """The resources of a type, such as ``aws:iam/role:Role``."""
        return self._by_type.get(kind, [])

    @property
    def kinds(self) -> Iterable[str]:
        """All types that there are."""
        return self._by_type

    def account(self, resource: Resource) -> str:
        """The account that a resource lives in; that of the estate, where it has only one."""
        return resource.account or next(
            (
                found[1]
                for value in (_own_arn(resource),)
                if isinstance(value, str) and (found := _ACCOUNT.match(value))
            ),
            self.accounts[0] if len(self.accounts) == 1 else "",
        )

    def arn(self, resource: Resource) -> str:
        """The ARN of a resource, or an ARN pattern where AWS chooses a part; empty for none."""
        found = self._arns.get(resource.urn)
        if found is None:
            found = self._arns[resource.urn] = self._arn(resource)
        return found

    def _arn(self, resource: Resource) -> str:
        known = _own_arn(resource)
        kind = kind_of(resource)
        if isinstance(known, str) and is_arn(known):
            if kind == SUBSCRIPTION:
                return known.rpartition(":")[0]
            return f"{known.rpartition(':')[0]}:*" if ":task-definition/" in known else known
        form = _FORMS.get(kind)
        if form is None:
            return ""
        service, template = form
        properties = {**_DEFAULTS, **_texts(resource.inputs), **_texts(resource.outputs)}
        if kind == "aws:kms/key:Key":
            properties.setdefault("keyId", resource.name)
        try:
            rest = template.format_map(properties)
        except KeyError:
            return ""
        account = self.account(resource)
        if service == "s3" and kind.startswith("aws:s3/bucket"):
            return f"arn:aws:s3:::{rest}"
        region = "" if service in _GLOBAL else resource.region
        return f"arn:aws:{service}:{region}:{account}:{rest}"

    def _names(self, resource: Resource) -> Iterator[str]:
        yield resource.urn
        arn = self.arn(resource)
        if arn:
            yield arn
        for side in (resource.outputs, resource.inputs):
            for name in ("arn", "id", "name", "bucket", "keyId", "url"):
                value = side.get(name)
                if isinstance(value, str) and value and value != UNKNOWN:
                    yield value

    def find(self, kind: str, value: object, near: Resource | None = None) -> Resource | None:
        """The resource of a type that a value means: by ARN, id or name, in the account of the
        resource ``near`` by, or whichever has one of that name.
        """
        if not isinstance(value, str):
            return None
        found = self._called.get((kind, "", value))
        if found is not None:
            return found
        own = self.account(near) if near is not None else ""
        accounts = (own,) if own else (*self.accounts, "")
        return next(
            (
                found
                for account in accounts
                if (found := self._called.get((kind, account, value))) is not None
            ),
            None,
        )

    def meant(self, resource: Resource, name: str, kind: str) -> list[Resource | str]:
        """What a property names: resources of a type, or texts that name none in the estate.

        Both what the program asks for and what the cloud has count, where they differ.
        """
        found: dict[str, Resource | str] = {}
        for value in values(resource, name):
            for one in value if isinstance(value, list) else [value]:
                if one == UNKNOWN:
                    for urn in resource.references.get(name, ()):
                        other = self.by_urn.get(urn)
                        if other is not None and kind_of(other) == kind:
                            found[other.urn] = other
                elif isinstance(one, str) and one:
                    other = self.find(kind, one, resource)
                    found[other.urn if other else one] = other or one
        return list(found.values())


def _own_arn(resource: Resource) -> Any:  # noqa: ANN401 - whatever the state has
    """What AWS says that its ARN is, which need not be one."""
    return None if resource.type == _TARGET else resource.outputs.get("arn")


def kind_of(resource: Resource) -> str:
    """A resource's type, older names of it made the present one."""
    return _ALIASES.get(resource.type, resource.type)


def values(resource: Resource, name: str) -> list[Any]:
    """The values of a property in the cloud and in the program, without repetition."""
    found: list[Any] = []
    for side in (resource.outputs, resource.inputs):
        value = side.get(name)
        if value is not None and value not in found:
            found.append(value)
    return found


def value(resource: Resource, name: str) -> Any:  # noqa: ANN401 - whatever the state has
    """The value of a property: in the cloud, or else in the program."""
    return next(iter(values(resource, name)), None)


def texts(resource: Resource, name: str) -> list[str]:
    """The texts of a property that is one or a list of them."""
    return [
        text
        for given in values(resource, name)
        for text in (given if isinstance(given, list) else [given])
        if isinstance(text, str) and text
    ]


def tags(resource: Resource) -> dict[str, str]:
    """A resource's tags; in the cloud they include those of its provider (``tagsAll``)."""
    found: dict[str, str] = {}
    if not (
        "tags" in resource.outputs or "tags" in resource.inputs or "tagsAll" in resource.outputs
    ):
        return found
    for name in ("tags", "tagsAll"):
        for side in (resource.inputs, resource.outputs):
            given = side.get(name)
            if isinstance(given, Mapping):
                found |= _texts(given)
    return found


def is_arn(text: object) -> bool:
    """Whether a text is an ARN of AWS."""
    return isinstance(text, str) and bool(_ARN.fullmatch(text))


def is_hidden(given: object) -> bool:
    """Whether a value is not known here: not before an update, or a secret."""
    return given == UNKNOWN or (isinstance(given, Mapping) and _MARK in given)


def as_text(given: object) -> str:
    """A policy as text: many programs write it as an object."""
    return given if isinstance(given, str) else json.dumps(given)


def _texts(given: Mapping[str, Any]) -> dict[str, str]:
    return {name: text for name, text in given.items() if isinstance(text, str) and text != UNKNOWN}


def _accounts(graph: Graph) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for resource in graph.resources:
        if resource.account:
            found[resource.account] = None
        known = _own_arn(resource)
        if isinstance(known, str) and (match := _ACCOUNT.match(known)):
            found[match[1]] = None
    return tuple(found)
