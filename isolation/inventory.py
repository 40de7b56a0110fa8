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
from isolation.partitions import UNDERSTOOD, partition_of, partition_of_region

_MARK = "4dabf18193072939515e22adb298388d"
"""The key of an object that is a secret, an asset or an archive (Pulumi,
``sdk/go/common/resource/sig/sig.go``)."""

_ARN = re.compile(r"arn:aws[a-z-]*:[a-z0-9-]+:[a-z0-9-]*:(?:[0-9]{12}|aws)?:.+", re.DOTALL)
_HEAD = re.compile(r"arn:(aws[a-z-]*):[a-z0-9-]+:[a-z0-9-]*:([0-9]{12})?:")
"""How an ARN starts: its partition, and its account if it has one."""

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
    """The resources of a graph by type, ARN and whatever other resources call them by.

    ``accounts`` and ``partitions`` are those that it has anything in. ``faults`` say of which
    resources the partition is not known, or not understood.
    """

    def __init__(self, graph: Graph) -> None:
        self._by_type: dict[str, list[Resource]] = defaultdict(list)
        self.by_urn: dict[str, Resource] = {}
        for resource in graph.resources:
            self._by_type[kind_of(resource)].append(resource)
            self.by_urn[resource.urn] = resource
        told = _told(graph)
        self._partitions_of = _grouped((account, partition) for _, account, partition in told)
        self._accounts_of = _grouped(
            (provider, account) for provider, account, _ in told if account
        )
        accounts = dict.fromkeys(resource.account for resource in graph.resources)
        self.accounts = tuple(one for one in accounts | self._partitions_of if one)
        self.partitions = tuple(
            dict.fromkeys(one for names in self._partitions_of.values() for one in names)
        )
        self._unplaced: dict[str, None] = {}
        self._arns: dict[str, str] = {}
        self._called: dict[tuple[str, str, str], Resource] = {}
        for kind, resources in self._by_type.items():
            for resource in resources:
                account = self._scope(resource)
                for name in self._names(resource):
                    scope = "" if name.startswith(("arn:", "urn:")) else account
                    self._called.setdefault((kind, scope, name), resource)
        self.faults = tuple(self._faults())

    def of(self, kind: str) -> list[Resource]:
        """The resources of a type, such as ``aws:iam/role:Role``."""
        return self._by_type.get(kind, [])

    @property
    def kinds(self) -> Iterable[str]:
        """All types that there are."""
        return self._by_type

    def account(self, resource: Resource) -> str:
        """The account that a resource lives in: its provider's, or that in its ARN, or in the ARNs
        of what else its provider makes; that of the estate, where it has only one.
        """
        if resource.account:
            return resource.account
        known = _own_arn(resource)
        if isinstance(known, str) and (found := _HEAD.match(known)) and found[2]:
            return found[2]
        if len(self.accounts) == 1:
            return self.accounts[0]
        others = self._accounts_of.get(resource.provider, ()) if resource.provider else ()
        return others[0] if len(others) == 1 else ""

    def partition(self, resource: Resource) -> str:
        """The partition that a resource lives in: its ARN or its region tells, or else what is
        known of its account, or of all the estate. Empty where nothing does.
        """
        known = _own_arn(resource)
        if isinstance(known, str) and is_arn(known):
            return partition_of(known)
        if region := _region(resource):
            return partition_of_region(region)
        if len(self.partitions) == 1:
            return self.partitions[0]
        found = self._partitions_of.get(self.account(resource), ())
        return found[0] if len(found) == 1 else ""

    def _scope(self, resource: Resource) -> str:
        """Where a resource's name is one: in its account, and in its partition if there are more
        than one, as for a bucket of whose account nothing tells.
        """
        account = self.account(resource)
        if len(self.partitions) == 1:
            return account
        return f"{self.partition(resource)} {account}"

    def partition_of_account(self, account: str) -> str:
        """The partition that an account is in; the first of the estate's where that is not known,
        which ``faults`` say then.
        """
        return next(iter((*self._partitions_of.get(account, ()), *self.partitions)), UNDERSTOOD[0])

    def _faults(self) -> Iterator[str]:
        """An account is of one partition: two that have one's number would be taken for one."""
        for account, found in self._partitions_of.items():
            if account and len(found) > 1:
                yield (
                    f"account {account} is in the partitions {' and '.join(found)} of AWS: prove"
                    " the stacks of each by themselves"
                )
        for partition in self.partitions:
            if partition not in UNDERSTOOD:
                yield f"the partition {partition} of AWS is not understood yet"
        if len(self.partitions) > 1:
            every = (one for one in self.by_urn.values() if one.type.startswith("aws:"))
            self._unplaced |= {one.urn: None for one in every if not self.partition(one)}
        if self._unplaced:
            yield (
                f"the partition of AWS of {_first_of(self._unplaced)} is not known: no ARN and no"
                f" region tells; give its provider a region of {', '.join(UNDERSTOOD)}"
            )
        buckets = self.of("aws:s3/bucket:Bucket") if len(self.accounts) > 1 else ()
        if homeless := [one.urn for one in buckets if not self.account(one)]:
            yield (
                f"the account of {_first_of(homeless)} is not known, it may be any of"
                f" {', '.join(self.accounts)}: give its provider allowedAccountIds"
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
        account, partition = self.account(resource), self.partition(resource)
        if not partition:
            self._unplaced[resource.urn] = None
            partition = UNDERSTOOD[0]
        if service == "s3" and kind.startswith("aws:s3/bucket"):
            return f"arn:{partition}:s3:::{rest}"
        region = "" if service in _GLOBAL else resource.region
        return f"arn:{partition}:{service}:{region}:{account}:{rest}"

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
        return next(
            (
                found
                for scope in self._scopes_near(near)
                if (found := self._called.get((kind, scope, value))) is not None
            ),
            None,
        )

    def _scopes_near(self, near: Resource | None) -> Iterable[str]:
        own = self.account(near) if near is not None else ""
        accounts = (own,) if own else (*self.accounts, "")
        if len(self.partitions) == 1:
            return accounts
        there = self.partition(near) if near is not None else ""
        partitions = (there,) if there else (*self.partitions, "")
        return [f"{partition} {account}" for partition in partitions for account in accounts]

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


def _region(resource: Resource) -> str:
    """Its own region, or else its provider's; empty where neither is known."""
    given = (value(resource, "region"), resource.region)
    return next((one for one in given if isinstance(one, str) and one and one != UNKNOWN), "")


def _first_of(urns: Iterable[str]) -> str:
    """The first, and how many there are: what ``... is not known`` starts with."""
    first, *others = urns
    return f"{first}, and {len(others)} more," if others else first


def _told(graph: Graph) -> list[tuple[str, str, str]]:
    """What resources tell: their provider, their account (or none), their partition."""
    placed = {(one.provider, one.account, one.region): None for one in graph.resources}
    found = {
        (provider, account, named): None
        for provider, account, region in placed
        if (named := partition_of_region(region))
    }
    for resource in graph.resources:
        known = _own_arn(resource)
        if isinstance(known, str) and (match := _HEAD.match(known)):
            found[resource.provider, match[2] or "", match[1]] = None
    return list(found)


def _grouped(pairs: Iterable[tuple[str, str]]) -> dict[str, tuple[str, ...]]:
    """First -> its seconds, each once."""
    found: dict[str, dict[str, None]] = defaultdict(dict)
    for first, second in pairs:
        found[first][second] = None
    return {first: tuple(seconds) for first, seconds in found.items()}
