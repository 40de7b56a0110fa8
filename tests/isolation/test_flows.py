"""What AWS itself sends: between tenants, out of the estate, and where it may."""

from typing import Any

import pytest

from isolation.proof import prove
from isolation.verdict import Answer, Verdict
from tests.isolation.small import ACCOUNT, REGION, Entry, claims, entry, graph, platform, tenant

STRANGE = "999999999999"
LOGS = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:acme"
TOPIC, QUEUE = f"arn:aws:sns:{REGION}:{ACCOUNT}:acme", f"arn:aws:sqs:{REGION}:{ACCOUNT}:globex"
BUCKETS = {name: f"arn:aws:s3:::{name}" for name in ("acme-own", "globex-own", "lake", "audit")}


def estate(kind: str, **properties: Any) -> Verdict:
    """Acme's and Globex's buckets, what else they have, the platform's, and one more resource."""
    there: list[Entry] = [
        *(entry("aws:s3/bucket:Bucket", name, arn=arn, bucket=name, id=name)
          for name, arn in BUCKETS.items()),
        entry("aws:cloudwatch/logGroup:LogGroup", "acme", arn=LOGS, name="acme"),
        entry("aws:sns/topic:Topic", "acme", arn=TOPIC, name="acme"),
        entry("aws:sqs/queue:Queue", "globex", arn=QUEUE, name="globex"),
        entry(kind, "sends", **properties),
    ]  # fmt: skip
    owned = [
        claims("acme", [BUCKETS["acme-own"], f"{BUCKETS['acme-own']}/*", LOGS, TOPIC], ()),
        claims("globex", [BUCKETS["globex-own"], f"{BUCKETS['globex-own']}/*", QUEUE], ()),
    ]
    shared = platform(owns=[BUCKETS["lake"], BUCKETS["audit"]])
    return prove(graph(shared, tenant("acme"), tenant("globex"), there, owned))


def replicas(to: str) -> dict[str, Any]:
    return {"rules": [{"status": "Enabled", "destination": {"bucket": to}}]}


def written(to: str) -> dict[str, Any]:
    return {
        "enforceWorkgroupConfiguration": True,
        "resultConfiguration": {"outputLocation": to},
    }


REPLICATION = "aws:s3/bucketReplicationConfig:BucketReplicationConfig"
NOTIFICATION = "aws:s3/bucketNotification:BucketNotification"
WORKGROUP = "aws:athena/workgroup:Workgroup"
TRAIL = "aws:cloudtrail/trail:Trail"
SENT: dict[str, tuple[str, dict[str, Any], set[str]]] = {
    "replicas to another tenant": (
        REPLICATION,
        {"bucket": "acme-own", **replicas(BUCKETS["globex-own"])},
        {"acme", "globex"},
    ),
    "replicas to a bucket of nobody's": (
        REPLICATION,
        {"bucket": "acme-own", **replicas("arn:aws:s3:::strange")},
        {"acme"},
    ),
    "replicas of what several have parts of": (
        REPLICATION,
        {"bucket": "lake", **replicas("arn:aws:s3:::strange")},
        {"acme", "globex"},
    ),
    "a bucket's own replicas": (
        "aws:s3/bucket:Bucket",
        {
            "arn": BUCKETS["acme-own"],
            "bucket": "acme-own",
            "replicationConfiguration": {
                "rules": [{"destinations": [{"bucket": BUCKETS["globex-own"]}]}]
            },
        },
        {"acme", "globex"},
    ),
    "an inventory": (
        "aws:s3/inventory:Inventory",
        {
            "bucket": "acme-own",
            "destination": {"bucket": {"bucketArn": BUCKETS["globex-own"]}},
        },
        {"acme", "globex"},
    ),
    "logs of access": (
        "aws:s3/bucketLogging:BucketLogging",
        {"bucket": "acme-own", "targetBucket": "globex-own"},
        {"acme", "globex"},
    ),
    "a notification": (
        NOTIFICATION,
        {"bucket": "acme-own", "queues": [{"queueArn": QUEUE}]},
        {"acme", "globex"},
    ),
    "a notification to another account": (
        NOTIFICATION,
        {
            "bucket": "acme-own",
            "lambdaFunctions": [
                {"lambdaFunctionArn": f"arn:aws:lambda:{REGION}:{STRANGE}:function:f"}
            ],
        },
        {"acme"},
    ),
    "logs": (
        "aws:cloudwatch/logSubscriptionFilter:LogSubscriptionFilter",
        {
            "logGroup": "acme",
            "destinationArn": f"arn:aws:kinesis:{REGION}:{STRANGE}:stream/s",
        },
        {"acme"},
    ),
    "messages": (
        "aws:sns/topicSubscription:TopicSubscription",
        {"topic": TOPIC, "protocol": "sqs", "endpoint": QUEUE, "arn": f"{TOPIC}:1"},
        {"acme", "globex"},
    ),
    "the trail to a tenant": (TRAIL, {"name": "t", "s3BucketName": "acme-own"}, {"acme"}),
    "the trail to a bucket of nobody's": (TRAIL, {"name": "t", "s3BucketName": "strange"}, set()),
    "flow logs": (
        "aws:ec2/flowLog:FlowLog",
        {"logDestination": "arn:aws:s3:::strange", "tags": {"tenant": "acme"}},
        {"acme"},
    ),
    "results of queries": (
        WORKGROUP,
        {
            "name": "w",
            "tags": {"tenant": "acme"},
            "configuration": written("s3://globex-own/results/"),
        },
        {"acme", "globex"},
    ),
    "events to another account": (
        "aws:cloudwatch/eventTarget:EventTarget",
        {"arn": f"arn:aws:events:{REGION}:{STRANGE}:event-bus/default"},
        set(),
    ),
    "a copy of a database": (
        "aws:rds/snapshot:Snapshot",
        {"sharedAccounts": [STRANGE], "tags": {"tenant": "acme"}},
        {"acme"},
    ),
    "an access control list": (
        "aws:s3/bucketAcl:BucketAcl",
        {
            "bucket": "acme-own",
            "accessControlPolicy": {
                "owner": {"id": "own"},
                "grants": [{"grantee": {"id": "other", "type": "CanonicalUser"}}],
            },
        },
        {"acme"},
    ),
}


@pytest.mark.parametrize("name", SENT)
def test_what_goes_to_another_or_out_of_the_estate_is_told(name: str) -> None:
    kind, properties, tenants = SENT[name]
    verdict = estate(kind, **properties)
    assert verdict.answer is Answer.VIOLATED
    concerned = {one for found in verdict.counterexamples for one in found.tenants}
    assert tenants <= concerned
    assert all(found.because and found.remedy for found in verdict.counterexamples)


def test_where_something_goes_that_is_not_known_counts_as_anywhere() -> None:
    hidden = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270"}
    assert estate(REPLICATION, bucket="acme-own", rules=hidden).answer is Answer.VIOLATED


KEPT: dict[str, tuple[str, dict[str, Any]]] = {
    "replicas to the platform": (
        REPLICATION,
        {"bucket": "acme-own", **replicas(BUCKETS["audit"])},
    ),
    "replicas within": (REPLICATION, {"bucket": "acme-own", **replicas(BUCKETS["acme-own"])}),
    "the trail to the platform": (TRAIL, {"name": "t", "s3BucketName": "audit"}),
    "results of one's own": (
        WORKGROUP,
        {
            "name": "w",
            "tags": {"tenant": "acme"},
            "configuration": written("s3://lake/acme/results/"),
        },
    ),
    "a mail": (
        "aws:sns/topicSubscription:TopicSubscription",
        {"topic": TOPIC, "protocol": "email", "endpoint": "a@b.example", "arn": f"{TOPIC}:1"},
    ),
    "events to the account's own bus": (
        "aws:cloudwatch/eventTarget:EventTarget",
        {"arn": f"arn:aws:events:{REGION}:{ACCOUNT}:event-bus/default"},
    ),
    "events to a pipeline of the account": (
        "aws:cloudwatch/eventTarget:EventTarget",
        {"arn": f"arn:aws:codepipeline:{REGION}:{ACCOUNT}:deploy"},
    ),
    "a snapshot that nobody else has": ("aws:rds/snapshot:Snapshot", {"sharedAccounts": []}),
    "a list that gives its owner all": (
        "aws:s3/bucketAcl:BucketAcl",
        {
            "bucket": "acme-own",
            "accessControlPolicy": {
                "owner": {"id": "own"},
                "grants": [{"grantee": {"id": "own", "type": "CanonicalUser"}}],
            },
        },
    ),
}


@pytest.mark.parametrize("name", KEPT)
def test_what_stays_is_no_breach(name: str) -> None:
    kind, properties = KEPT[name]
    verdict = estate(kind, **properties)
    assert (verdict.counterexamples, verdict.unknowns) == ((), ())
    assert verdict.answer is Answer.PROVEN


def test_a_function_that_anybody_may_call_by_its_address_is_told() -> None:
    arn = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:f"
    function = entry(
        "aws:lambda/function:Function", "f", arn=arn, name="f", tags={"tenant": "acme"}
    )
    url = "aws:lambda/functionUrl:FunctionUrl"

    def answer(authorization: str) -> Answer:
        address = entry(url, "u", functionName="f", authorizationType=authorization)
        owned = claims("acme", [arn], ())
        return prove(graph(platform(), tenant("acme"), [function, owned, address])).answer

    assert answer("NONE") is Answer.VIOLATED
    assert answer("AWS_IAM") is Answer.PROVEN
