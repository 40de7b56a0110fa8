"""The router: every record where it belongs, none lost, none twice, alerts before all else."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from moto import mock_aws

from onboarding import local_registry
from pipelines.audit_router.handler import (
    Clients,
    Function,
    KeyOwners,
    Router,
    Undelivered,
    process,
)
from pipelines.audit_router.routing import SECTION, Routes, read_tenant
from pipelines.registry import REGISTRY, Registry, RegistryError, place_of
from tenancy.audit import ALERTED
from tenancy.audit_routes import routes as routes_document
from tenancy.estate import StackPlan
from tenancy.names import PLATFORM
from tenancy.registry import audit_route
from tests.pipelines.audit_router.trail_records import (
    ADMIN,
    AUDIT,
    GLOBEX,
    READER,
    SHARED_BUCKET,
    Json,
    decrypt,
    get_object,
    session,
)


def batch(*messages: str, kind: str = "DATA_MESSAGE") -> Json:
    """A batch as CloudWatch Logs gives it to a function."""
    payload = {
        "messageType": kind,
        "owner": "222222222222",
        "logGroup": "/lakehouse-prod/platform/trail",
        "logStream": "222222222222_CloudTrail_us-east-1",
        "subscriptionFilters": ["router"],
        "logEvents": [
            {"id": str(place), "timestamp": 1_764_000_000_000, "message": message}
            for place, message in enumerate(messages)
        ],
    }
    return {"awslogs": {"data": base64.b64encode(gzip.compress(json.dumps(payload).encode()))}}


@dataclass
class Cloud:
    """The router's surroundings in moto."""

    clients: Clients
    globex_key: str

    def send(self, routes: Routes, *messages: str) -> None:
        process(batch(*messages), Router(routes, self.clients))

    def records(self, prefix: str = "") -> dict[str, Any]:
        listed = self.clients.s3.list_objects_v2(Bucket=AUDIT, Prefix=f"records/{prefix}")
        return {
            entry["Key"]: self.clients.s3.get_object(Bucket=AUDIT, Key=entry["Key"])
            for entry in listed.get("Contents", [])
        }

    def messages(self, queue: str) -> list[str]:
        url = self.clients.sqs.get_queue_url(QueueName=queue)["QueueUrl"]
        found = self.clients.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)
        return [message["Body"] for message in found.get("Messages", [])]


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch, routes: Routes) -> Iterator[Cloud]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("MOTO_ACCOUNT_ID", "222222222222")
    with mock_aws():
        sdk: Any = boto3
        clients = Clients(*map(sdk.client, ("s3", "sns", "sqs", "kms")))
        clients.s3.create_bucket(Bucket=AUDIT, ObjectLockEnabledForBucket=True)
        for topic in ("platform--alerts", "platform--incidents", "globex--realtime"):
            arn = clients.sns.create_topic(Name=f"lakehouse-prod--{topic}")["TopicArn"]
            queue = clients.sqs.create_queue(QueueName=f"of-{topic}")["QueueUrl"]
            attributes = clients.sqs.get_queue_attributes(
                QueueUrl=queue, AttributeNames=["QueueArn"]
            )
            clients.sns.subscribe(
                TopicArn=arn, Protocol="sqs", Endpoint=attributes["Attributes"]["QueueArn"]
            )
        clients.sqs.create_queue(QueueName="lakehouse-prod--globex--siem")
        key = clients.kms.create_key()["KeyMetadata"]["KeyId"]
        clients.kms.create_alias(AliasName="alias/lakehouse-prod--globex--data", TargetKeyId=key)
        yield Cloud(clients, key)


def test_a_record_is_kept_as_it_came_and_cannot_be_deleted(cloud: Cloud, routes: Routes) -> None:
    record = get_object(SHARED_BUCKET, "acme/lakehouse/x")
    cloud.send(routes, json.dumps(record))
    ((key, kept),) = cloud.records().items()
    assert key == "records/acme/2026/11/24/eae87c48-d421-4626-94f5-EXAMPLEac994.json"
    assert json.loads(kept["Body"].read()) == {"tenant": "acme", "record": record}
    assert kept["ObjectLockMode"] == "COMPLIANCE"
    with pytest.raises(ClientError, match="AccessDenied"):
        cloud.clients.s3.delete_object(Bucket=AUDIT, Key=key, VersionId=kept["VersionId"])


def test_a_record_is_kept_as_long_as_its_tenant_asks(cloud: Cloud, routes: Routes) -> None:
    cloud.send(routes, json.dumps(get_object(GLOBEX, "globex/x")))
    until = {key: kept["ObjectLockRetainUntilDate"] for key, kept in cloud.records().items()}
    now = datetime.now(UTC)
    days = {
        key.split("/")[1]: round((date - now) / timedelta(days=1)) for key, date in until.items()
    }
    assert days == {"acme": 365, "globex": 2555}


def test_a_record_that_comes_again_is_kept_once(cloud: Cloud, routes: Routes) -> None:
    message = json.dumps(get_object(SHARED_BUCKET, "acme/lakehouse/x"))
    cloud.send(routes, message, message)
    cloud.send(routes, message)
    versions = cloud.clients.s3.list_object_versions(Bucket=AUDIT)["Versions"]
    assert len(versions) == 1


@pytest.mark.parametrize("outcome", [{}, {"errorCode": "AccessDenied"}])
def test_operators_contact_and_those_on_call_hear_who_reached_for_what(
    outcome: Json, cloud: Cloud, routes: Routes, capsys: pytest.CaptureFixture[str]
) -> None:
    record = get_object(GLOBEX, "globex/x") | outcome
    cloud.send(routes, json.dumps(record))
    # The alarm counts such lines of the function's log.
    logged = json.loads(capsys.readouterr().out)
    assert f'{{ $.alert = "{logged["alert"]}" }}' == ALERTED
    assert (logged["tenant"], logged["whose"]) == ("acme", "globex")
    for queue in ("of-platform--alerts", "of-platform--incidents", "of-globex--realtime"):
        (told,) = map(json.loads, cloud.messages(queue))
        assert told["Subject"] == "Cross-tenant access: acme to globex"
        alert = json.loads(told["Message"])
        assert alert["who"] == READER["arn"]
        assert (alert["tenant"], alert["whose"]) == ("acme", "globex")
        assert alert["what"] == "s3.amazonaws.com GetObject"
        assert alert["outcome"] == ("refused: AccessDenied" if outcome else "allowed")
        assert f"arn:aws:s3:::{GLOBEX}/globex/x" in alert["resources"]
        assert alert["event_id"] == record["eventID"]
    assert [key.split("/")[1] for key in cloud.records()] == ["acme", "globex"]


def test_nobody_is_paged_for_those_who_did_not_ask(cloud: Cloud, routes: Routes) -> None:
    bucket = "lakehouse-prod--umbrella--222222222222-data"
    cloud.send(routes, json.dumps(get_object(bucket, "umbrella/x")))
    assert len(cloud.messages("of-platform--alerts")) == 1
    assert cloud.messages("of-platform--incidents") == []
    assert cloud.messages("of-globex--realtime") == []


def test_a_siem_gets_its_tenants_records_only(cloud: Cloud, routes: Routes) -> None:
    own = get_object(GLOBEX, "globex/x", userIdentity=ADMIN)
    other = get_object(SHARED_BUCKET, "acme/x", eventID="other")
    cloud.send(routes, json.dumps(own), json.dumps(other))
    (message,) = cloud.messages("lakehouse-prod--globex--siem")
    assert json.loads(message) == {"tenant": "globex", "record": own}


def test_a_record_too_large_for_a_queue_is_pointed_at(cloud: Cloud, routes: Routes) -> None:
    record = get_object(GLOBEX, "globex/x", userIdentity=ADMIN, userAgent="x" * 262_144)
    cloud.send(routes, json.dumps(record))
    (message,) = cloud.messages("lakehouse-prod--globex--siem")
    ((key, kept),) = cloud.records().items()
    assert json.loads(message) == {"too_large": f"s3://{AUDIT}/{key}"}
    assert json.loads(kept["Body"].read())["record"] == record


def test_a_key_is_told_by_its_alias(cloud: Cloud, routes: Routes) -> None:
    cloud.send(routes, json.dumps(decrypt(cloud.globex_key, None)))
    assert [key.split("/")[1] for key in cloud.records()] == ["acme", "globex"]


def test_aliases_are_asked_for_once_in_a_while_not_for_each_unknown_key(routes: Routes) -> None:
    class Kms:
        asked = 0

        def get_paginator(self, _: str) -> Kms:
            return self

        def paginate(self) -> list[Json]:
            self.asked += 1
            return [{"Aliases": [{"AliasName": "alias/aws/s3"}]}]

    kms = Kms()
    owner_of_key = KeyOwners(kms, routes)
    assert [owner_of_key(f"key-{number}") for number in range(9)] == [None] * 9
    assert kms.asked == 1


@pytest.mark.parametrize(
    "message",
    [
        "not json",
        "[]",
        '"text"',
        "{}",
        '{"eventID": 7}',
        '{"eventID": "e", "eventTime": "2026-01-01T00:00:00Z", "userIdentity": "x"}',
        "[" * 100_000,
        '{"a": "\ud800"',
    ],
)
def test_what_cannot_be_read_is_kept_as_it_came(message: str, cloud: Cloud, routes: Routes) -> None:
    cloud.send(routes, message)
    cloud.send(routes, message)
    ((key, kept),) = cloud.records().items()
    assert key.startswith("records/platform/unparsed/")
    assert kept["Body"].read() == message.encode(errors="surrogatepass")


def test_the_routers_own_encryption_makes_no_record(cloud: Cloud, routes: Routes) -> None:
    router = session("lakehouse-prod--platform--audit-router", "service")
    cloud.send(routes, json.dumps(decrypt("key", None, userIdentity=router)))
    assert cloud.records() == {}


def test_a_check_of_the_subscription_is_no_record(cloud: Cloud, routes: Routes) -> None:
    process(batch("CWL CONTROL MESSAGE", kind="CONTROL_MESSAGE"), Router(routes, cloud.clients))
    assert cloud.records() == {}


def test_a_batch_that_cannot_be_read_raises(routes: Routes, cloud: Cloud) -> None:
    with pytest.raises(gzip.BadGzipFile):
        process({"awslogs": {"data": "AAAA"}}, Router(routes, cloud.clients))


@dataclass
class Flaky:
    """All four services at once, in memory; each call may fail, as ``failures`` says in turn."""

    failures: Iterator[bool]
    kept: dict[str, bytes] = field(default_factory=dict)
    puts: list[str] = field(default_factory=list)
    told: list[str] = field(default_factory=list)
    siem: list[str] = field(default_factory=list)

    def _try(self, call: str) -> None:
        if next(self.failures, False):
            raise ClientError({"Error": {"Code": "Throttling", "Message": ""}}, call)

    def put_object(self, **call: Any) -> None:
        self._try("PutObject")
        if call["Key"] in self.kept:
            assert call["IfNoneMatch"] == "*"
            raise ClientError({"Error": {"Code": "PreconditionFailed", "Message": ""}}, "PutObject")
        # An alert must have come before its record.
        if "/globex/" in call["Key"]:
            record = json.loads(call["Body"])["record"]
            assert any(record["eventID"] in told for told in self.told)
        self.kept[call["Key"]] = call["Body"]
        self.puts.append(call["Key"])
        self._try("PutObject")  # it was done, and the answer was lost

    def publish(self, **call: Any) -> None:
        self._try("Publish")
        self.told.append(call["Message"])

    def send_message(self, **call: Any) -> None:
        self._try("SendMessage")
        self.siem.append(call["MessageBody"])

    def get_queue_url(self, **call: Any) -> Json:
        self._try("GetQueueUrl")
        return {"QueueUrl": call["QueueName"]}


MESSAGES = st.builds(
    lambda number, bucket: json.dumps(
        get_object(
            bucket, "acme/x" if bucket == SHARED_BUCKET else "globex/x", eventID=f"e-{number}"
        )
    ),
    st.integers(0, 5),
    st.just(SHARED_BUCKET),
) | st.builds(
    lambda number: json.dumps(get_object(GLOBEX, "globex/x", eventID=f"g-{number}")),
    st.integers(0, 5),
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(MESSAGES | st.text(max_size=8).map("not json: {}".format), max_size=8),
    st.lists(st.booleans(), max_size=60),
)
def test_no_event_is_lost_and_none_kept_twice(
    routes: Routes, messages: list[str], failures: list[bool]
) -> None:
    cloud = Flaky(iter(failures))
    router = Router(routes, Clients(cloud, cloud, cloud, cloud))
    event = batch(*messages)
    while True:
        try:
            process(event, router)
            break
        except Undelivered:
            pass
    expected: set[str] = set()
    for message in messages:
        if not message.startswith("{"):
            continue
        id_ = json.loads(message)["eventID"]
        tenants = ("acme", "globex") if id_.startswith("g") else ("acme",)
        expected |= {f"records/{tenant}/2026/11/24/{id_}.json" for tenant in tenants}
        if id_.startswith("g"):
            assert any(id_ in told for told in cloud.told)
            assert any(id_ in sent for sent in cloud.siem)
    unparsed = {message for message in messages if not message.startswith("{")}
    kept_unparsed = {
        body.decode(errors="surrogatepass") for key, body in cloud.kept.items() if "unparsed" in key
    }
    assert kept_unparsed == unparsed
    assert {key for key in cloud.kept if "unparsed" not in key} == expected
    assert len(cloud.puts) == len(set(cloud.puts))


def test_a_new_tenant_is_told_its_records_by_a_function_that_is_warm(
    cloud: Cloud, plan: StackPlan, tmp_path: Path
) -> None:
    acme, globex = (
        next(each for each in plan.tenants if each.id == id_) for id_ in ("acme", "globex")
    )
    reads = json.dumps(get_object(GLOBEX, "globex/x"))
    routes = Routes.read(routes_document(plan.names, PLATFORM))
    registry = Registry(place_of({REGISTRY: str(tmp_path)}), SECTION)
    function = Function(routes, registry, cloud.clients)
    local_registry.write(tmp_path, [acme])
    function(batch(reads))
    assert {key.split("/")[1] for key in cloud.records()} == {"acme", "platform"}
    warm = function._router
    function(batch(reads))
    assert function._router is warm
    local_registry.write(tmp_path, [acme, globex])
    function(batch(reads))
    assert {key.split("/")[1] for key in cloud.records()} == {"acme", "globex", "platform"}
    ((_, kept),) = cloud.records("globex/").items()
    days = (kept["ObjectLockRetainUntilDate"] - datetime.now(UTC)) / timedelta(days=1)
    assert round(days) == 2555


def test_a_function_that_was_never_told_its_tenants_delivers_nothing(
    cloud: Cloud, routes: Routes, tmp_path: Path
) -> None:
    gone = Registry(place_of({REGISTRY: str(tmp_path / "gone")}), SECTION)
    with pytest.raises(RegistryError, match="gone"):
        Function(routes, gone, cloud.clients)(batch(json.dumps(get_object(GLOBEX, "globex/x"))))
    assert not cloud.records()


@pytest.mark.parametrize(
    "change",
    [
        {"retention_days": 0},
        {"retention_days": True},
        {"retention_days": 10**9},
        {"names": "acme"},
        {"names": [7]},
        {"siem_queue": 7},
        {"incidents": None},
        {"more": 1},
    ],
)
def test_an_entry_of_another_form_is_no_route(change: Json, plan: StackPlan) -> None:
    acme = audit_route(next(each for each in plan.tenants if each.id == "acme"))
    assert read_tenant("acme", acme)
    less = {name: acme[name] for name in acme if name != "names"}
    others: tuple[object, ...] = (acme | change, less, [])
    for told in others:
        with pytest.raises(ValueError, match="acme"):
            read_tenant("acme", told)


def test_what_is_nobodys_alone_is_kept_as_long_as_the_most_demanding_asks(routes: Routes) -> None:
    assert routes.retention_days == max(each.retention_days for each in routes.tenants.values())
    assert routes.serving({}).tenants == {}


def test_one_record_that_fails_holds_no_other_up(routes: Routes) -> None:
    cloud = Flaky(iter([True]))
    router = Router(routes, Clients(cloud, cloud, cloud, cloud))
    one, two = (
        json.dumps(get_object(SHARED_BUCKET, "acme/x", eventID=id_)) for id_ in ("one", "two")
    )
    with pytest.raises(Undelivered, match="1 of 2"):
        process(batch(one, two), router)
    assert list(cloud.kept) == ["records/acme/2026/11/24/two.json"]
