"""Where AWS itself sends data, without anybody's call: replicas, logs, events, results, shares.

No policy of a tenant tells of them: whoever set them up decided. So what is a tenant's goes to what
is the tenant's or the platform's, and nothing goes where no claim and no state says whose it is.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from isolation.estate import Estate
from isolation.graph import UNKNOWN, Resource
from isolation.guards import BUCKET
from isolation.inventory import is_arn, is_hidden, kind_of, tags, values
from isolation.partitions import in_s3
from isolation.verdict import Counterexample, Place

_LOGS, _FUNCTION = "aws:cloudwatch/logGroup:LogGroup", "aws:lambda/function:Function"
_QUEUE, _TOPIC = "aws:sqs/queue:Queue", "aws:sns/topic:Topic"
_TABLE, _STREAM = "aws:dynamodb/table:Table", "aws:kinesis/stream:Stream"
# Service in an ARN -> the types that have such.
_KINDS = {
    "s3": (BUCKET,),
    "logs": (_LOGS, "aws:cloudwatch/logDestination:LogDestination"),
    "lambda": (_FUNCTION,),
    "sqs": (_QUEUE,),
    "sns": (_TOPIC,),
    "kinesis": (_STREAM,),
    "dynamodb": (_TABLE,),
    "firehose": ("aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream",),
    "events": ("aws:cloudwatch/eventBus:EventBus",),
    "states": ("aws:sfn/stateMachine:StateMachine",),
    "ecs": ("aws:ecs/cluster:Cluster",),
}
_RECEIVING = frozenset(kind for kinds in _KINDS.values() for kind in kinds)
_MOST_PARTS = 5
"""Tenants that are told of whose parts of one bucket go somewhere."""


@dataclass(frozen=True, slots=True)
class _Flow:
    """``to`` are properties, as paths, that name where data goes; ``of`` the one that names whose
    it is, of a type, and without it the resource's own. ``events``: no data goes, a call only.
    """

    to: tuple[str, ...]
    of: str = ""
    kind: str = ""
    events: bool = False


_REPLICAS = _Flow(("rules.destination.bucket",), "bucket", BUCKET)
_ACCESS_LOGS = _Flow(("targetBucket",), "bucket", BUCKET)
_FLOWS = {
    BUCKET: _Flow(("loggings.targetBucket", "replicationConfiguration.rules.destinations.bucket")),
    "aws:athena/workgroup:Workgroup": _Flow(("configuration.resultConfiguration.outputLocation",)),
    "aws:cloudtrail/trail:Trail": _Flow(("s3BucketName", "cloudWatchLogsGroupArn")),
    "aws:cloudwatch/eventTarget:EventTarget": _Flow(("arn",), events=True),
    "aws:cloudwatch/logSubscriptionFilter:LogSubscriptionFilter": _Flow(
        ("destinationArn",), "logGroup", _LOGS
    ),
    "aws:dynamodb/tableExport:TableExport": _Flow(("s3Bucket",), "tableArn", _TABLE),
    "aws:ec2/flowLog:FlowLog": _Flow(("logDestination",)),
    "aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream": _Flow(
        ("extendedS3Configuration.bucketArn", "s3Configuration.bucketArn")
    ),
    "aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig": _Flow(
        ("destinationConfig.onFailure.destination", "destinationConfig.onSuccess.destination"),
        "functionName",
        _FUNCTION,
    ),
    "aws:lambda/eventSourceMapping:EventSourceMapping": _Flow(
        ("functionName",), "eventSourceArn", _QUEUE
    ),
    "aws:pipes/pipe:Pipe": _Flow(("target",), "source"),
    "aws:s3/analyticsConfiguration:AnalyticsConfiguration": _Flow(
        ("storageClassAnalysis.dataExport.destination.s3BucketDestination.bucketArn",),
        "bucket",
        BUCKET,
    ),
    "aws:s3/bucketLogging:BucketLogging": _ACCESS_LOGS,
    "aws:s3/bucketLoggingV2:BucketLoggingV2": _ACCESS_LOGS,
    "aws:s3/bucketNotification:BucketNotification": _Flow(
        ("queues.queueArn", "topics.topicArn", "lambdaFunctions.lambdaFunctionArn"),
        "bucket",
        BUCKET,
    ),
    "aws:s3/bucketReplicationConfig:BucketReplicationConfig": _REPLICAS,
    "aws:s3/bucketReplicationConfiguration:BucketReplicationConfiguration": _REPLICAS,
    "aws:s3/inventory:Inventory": _Flow(("destination.bucket.bucketArn",), "bucket", BUCKET),
    "aws:sns/topicSubscription:TopicSubscription": _Flow(("endpoint",), "topic", _TOPIC),
}
# Type -> properties that name accounts which it hands something to.
_SHARES = {
    "aws:ebs/snapshotCreateVolumePermission:SnapshotCreateVolumePermission": ("accountId",),
    "aws:ec2/amiLaunchPermission:AmiLaunchPermission": ("accountId", "group"),
    "aws:ec2/snapshotCreateVolumePermission:SnapshotCreateVolumePermission": ("accountId",),
    "aws:rds/clusterSnapshot:ClusterSnapshot": ("sharedAccounts",),
    "aws:rds/snapshot:Snapshot": ("sharedAccounts",),
    "aws:rds/snapshotCopy:SnapshotCopy": ("sharedAccounts",),
}


@dataclass(frozen=True, slots=True)
class _End:
    """What a value names: its ARN, its tenant (None: the platform), and whether either is known."""

    arn: str
    tenant: str | None = None
    known: bool = True


def flows(estate: Estate) -> Iterator[Counterexample]:
    """What goes from one tenant to another, or out of the estate."""
    for kind, flow in _FLOWS.items():
        for resource in estate.inventory.of(kind):
            for path in flow.to:
                for end in _ends(estate, resource, path):
                    yield from _sent(estate, resource, flow, path, end)
    for kind, names in _SHARES.items():
        for resource in estate.inventory.of(kind):
            for name in names:
                yield from _shared(estate, resource, name)


def _sent(
    estate: Estate, resource: Resource, flow: _Flow, path: str, end: _End
) -> Iterator[Counterexample]:
    if end.known and end.tenant is None:
        return  # the platform serves all
    for start in _starts(estate, resource, flow):
        if end.known and (end.tenant == start.tenant or (flow.events and start.tenant is None)):
            continue
        to = "another's" if end.known else "somewhere that no claim and no state tells the owner of"
        yield Counterexample(
            rule=f"what is {'a tenant' if start.tenant else 'the platform'}'s goes to {to}",
            principal=end.arn,
            tenant=end.tenant,
            action="is sent",
            resource=start.arn,
            owner=start.tenant,
            because=(Place(f"{path} = {end.arn}", resource.urn, resource.place),),
            remedy=f"let {path} name what has the same owner, or claim {end.arn} for its owner",
        )


def _shared(estate: Estate, resource: Resource, name: str) -> Iterator[Counterexample]:
    for given in _inside(values(resource, name)):
        if given not in estate.inventory.accounts:
            yield Counterexample(
                rule="a copy is handed to another account",
                principal=given,
                tenant=None,
                action="copies",
                resource=estate.inventory.arn(resource) or resource.urn,
                owner=estate.ownership.tenant_of_tags(tags(resource)),
                because=(Place(f"{name} = {given}", resource.urn, resource.place),),
                remedy=f"take {given} out of {name}",
            )


def _ends(estate: Estate, resource: Resource, path: str) -> Iterator[_End]:
    """What the texts of a property name; of one not known yet, what it comes from."""
    name, _, rest = path.partition(".")
    for given in dict.fromkeys(_inside(values(resource, name), rest)):
        if given == UNKNOWN:
            sources = map(estate.inventory.by_urn.get, resource.references.get(name, ()))
            found = [one for one in sources if one is not None and kind_of(one) in _RECEIVING]
            yield from (_of_resource(estate, one) for one in found)
            if not found:
                yield _End(f"what {path} will be", known=False)
        elif arn := _as_arn(given, path, estate.inventory.partition(resource)):
            yield _end(estate, arn)
        elif function := estate.inventory.find(_FUNCTION, given, resource):
            yield _of_resource(estate, function)


def _starts(estate: Estate, resource: Resource, flow: _Flow) -> Iterator[_End]:
    """Whose data goes: of a bucket of the platform's, that of the tenants who have parts of it."""
    if not flow.of:
        yield _of_resource(estate, resource)
        return
    meant = estate.inventory.meant(resource, flow.of, flow.kind) if flow.kind else []
    for one in meant or values(resource, flow.of):
        if isinstance(one, Resource):
            start = _of_resource(estate, one)
        else:
            arn = _as_arn(str(one), flow.of, estate.inventory.partition(resource))
            start = _end(estate, arn) if arn else _End(str(one))
        parts = [] if start.tenant else _parts(estate, start.arn)
        yield from parts or [start]


def _parts(estate: Estate, bucket: str) -> list[_End]:
    found: dict[str, _End] = {}
    for thing in estate.things if is_arn(bucket) and in_s3(bucket) else ():
        if thing.tenant is not None and thing.arn.startswith(f"{bucket}/"):
            found.setdefault(thing.tenant, _End(thing.arn, thing.tenant))
            if len(found) == _MOST_PARTS:
                break
    return list(found.values())


def _of_resource(estate: Estate, resource: Resource) -> _End:
    arn = estate.inventory.arn(resource)
    for claim in estate.ownership.owners(arn) if arn else ():
        return _End(arn, claim.tenant)
    return _End(arn or resource.urn, estate.ownership.tenant_of_tags(tags(resource)))


def _end(estate: Estate, arn: str) -> _End:
    for claim in estate.ownership.owners(arn):
        return _End(arn, claim.tenant)
    service, name = arn.split(":")[2], arn
    if service == "s3":
        name = arn.split("/", maxsplit=1)[0]
        for claim in estate.ownership.owners(name):
            return _End(arn, claim.tenant)
    for kind in _KINDS.get(service, estate.inventory.kinds):
        found = estate.inventory.find(kind, name)
        if found is not None:
            return _of_resource(estate, found)
    # An account has a bus without a resource; what else holds no data is the account's own.
    ours = arn.split(":")[4] in estate.inventory.accounts
    return _End(arn, known=ours and (service == "events" or service not in _KINDS))


def _as_arn(given: str, path: str, partition: str) -> str:
    """The ARN that a text stands for in a partition; empty where it names nothing of AWS, such as
    an address.
    """
    if is_arn(given):
        if ":function:" in given:  # without its version
            return ":".join(given.split(":")[:7])
        return given.removesuffix(":*")
    if given.startswith("s3://"):
        return f"arn:{partition}:s3:::{given.removeprefix('s3://')}"
    return f"arn:{partition}:s3:::{given}" if "bucket" in path.lower() else ""


def _inside(given: object, path: str = "") -> Iterator[str]:
    """The texts at a path of names, through lists."""
    if isinstance(given, list):
        for one in given:
            yield from _inside(one, path)
    elif is_hidden(given):
        yield UNKNOWN
    elif isinstance(given, str):
        if given and not path:
            yield given
    elif isinstance(given, dict):
        name, _, rest = path.partition(".")
        yield from _inside(given.get(name), rest)


def opened(estate: Estate) -> Iterable[Counterexample]:
    """Functions that whoever knows their address may call (Lambda Developer Guide, "Control access
    to Lambda function URLs": without authentication their policy lets in everybody).
    """
    for resource in estate.inventory.of("aws:lambda/functionUrl:FunctionUrl"):
        if "NONE" not in values(resource, "authorizationType"):
            continue
        meant = estate.inventory.meant(resource, "functionName", _FUNCTION)
        for one in meant:
            end = _of_resource(estate, one) if isinstance(one, Resource) else _End(one)
            yield Counterexample(
                rule="anybody may call a function by its address",
                principal="*",
                tenant=None,
                action="lambda:InvokeFunctionUrl",
                resource=end.arn,
                owner=end.tenant,
                because=(Place("authorizationType = NONE", resource.urn, resource.place),),
                remedy="set authorizationType to AWS_IAM",
            )
