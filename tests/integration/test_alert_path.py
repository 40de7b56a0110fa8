"""From an event of the deployed trail to the alert, the SIEM and the records that nobody erases.

The router is the deployed function: it runs as its role, within the bucket's policy.
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from localcloud.processes import wait_until
from tenancy.audit import ALERTS, INCIDENTS, REALTIME, ROUTER_FAILED, SIEM, TRAIL
from tenancy.estate import load_estate
from tenancy.names import PLATFORM, SHARED, Names, RoleKind, ServiceKind
from tests.integration.checkout import Checkout, Json

PATIENCE = 60  # seconds; one invocation takes some 1.5 on an idle machine
FEDERAL = "federal-dhs"


@dataclass(frozen=True)
class Trail:
    """The trail of the account of ``owner``."""

    checkout: Checkout
    names: Names
    owner: str

    def client(self, service: str) -> Any:
        other = None if self.owner == PLATFORM else self.names.account_id
        return self.checkout.client(service, other)

    def event(self, tenant: str, bucket: str, key: str) -> Json:
        """What CloudTrail tells when the tenant's reader was refused an object (CloudTrail User
        Guide, "Amazon S3 information in CloudTrail").
        """
        names, role = self.names, self.names.role(tenant, RoleKind.READER)
        return {
            "eventVersion": "1.11",
            "userIdentity": {
                "type": "AssumedRole",
                "principalId": "AROAEXAMPLE:alice",
                "arn": f"arn:aws:sts::{names.account_id}:assumed-role/{role}/alice",
                "accountId": names.account_id,
                "sessionContext": {
                    "sessionIssuer": {
                        "type": "Role",
                        "arn": names.role_arn(tenant, RoleKind.READER),
                        "accountId": names.account_id,
                        "userName": role,
                    }
                },
            },
            "eventTime": "2026-03-04T05:06:07Z",
            "eventSource": "s3.amazonaws.com",
            "eventName": "GetObject",
            "awsRegion": names.region,
            "sourceIPAddress": "192.0.2.7",
            "errorCode": "AccessDenied",
            "requestParameters": {"bucketName": bucket, "key": key},
            "resources": [
                {"type": "AWS::S3::Object", "ARN": f"arn:aws:s3:::{bucket}/{key}"},
                {"type": "AWS::S3::Bucket", "ARN": f"arn:aws:s3:::{bucket}"},
            ],
            "eventID": str(uuid.uuid4()),
            "eventType": "AwsApiCall",
            "recipientAccountId": names.account_id,
        }

    def put(self, event: Json) -> None:
        """As CloudTrail delivers to its log group; returns once the router is done with it."""
        logs, group = self.client("logs"), self.names.log_group(self.owner, TRAIL)
        before, stream = self.routed(), str(uuid.uuid4())
        logs.create_log_stream(logGroupName=group, logStreamName=stream)
        entry = {"timestamp": int(time.time() * 1000), "message": json.dumps(event)}
        logs.put_log_events(logGroupName=group, logStreamName=stream, logEvents=[entry])
        assert wait_until(lambda: self.routed() > before, PATIENCE, every=0.3)

    def routed(self) -> int:
        """How often the router ended, as its log tells."""
        group = self.names.log_group(self.owner, ServiceKind.AUDIT_ROUTER)
        pages = self.client("logs").get_paginator("filter_log_events")
        listed = [one for page in pages.paginate(logGroupName=group) for one in page["events"]]
        return sum(one["message"].startswith("END ") for one in listed)

    def records(self, tenant: str, event: Json) -> list[Json]:
        """Every version of the event's record at the tenant's."""
        found: list[Json] = (
            self.client("s3")
            .list_object_versions(
                Bucket=self.names.audit_bucket(self.owner),
                Prefix=f"records/{tenant}/2026/03/04/{event['eventID']}",
            )
            .get("Versions", [])
        )
        return found

    def messages(self, queue: str, *, wait: int = 0) -> list[Json]:
        """All messages of a queue, which are taken out of it."""
        sqs = self.client("sqs")
        found: list[Json] = []
        while received := sqs.receive_message(
            QueueUrl=queue, MaxNumberOfMessages=10, WaitTimeSeconds=0 if found else wait
        ).get("Messages"):
            for one in received:
                found.append(json.loads(one["Body"]))
                sqs.delete_message(QueueUrl=queue, ReceiptHandle=one["ReceiptHandle"])
        return found

    @contextmanager
    def listening(self, owner: str, kind: str) -> Iterator[Callable[[], list[Json]]]:
        """Hear what is published to a topic: the messages so far."""
        sns, sqs = self.client("sns"), self.client("sqs")
        queue = sqs.create_queue(QueueName=f"heard-{uuid.uuid4()}")["QueueUrl"]
        place = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]
        subscription = sns.subscribe(
            TopicArn=self.names.topic_arn(owner, kind),
            Protocol="sqs",
            Endpoint=place["QueueArn"],
            Attributes={"RawMessageDelivery": "true"},
            ReturnSubscriptionArn=True,
        )["SubscriptionArn"]
        try:
            yield lambda: self.messages(queue)
        finally:
            sns.unsubscribe(SubscriptionArn=subscription)
            sqs.delete_queue(QueueUrl=queue)


@pytest.fixture(scope="module")
def platform(deployed: Checkout) -> Trail:
    return Trail(deployed, load_estate(deployed.root).stack("local").names, PLATFORM)


@pytest.fixture(scope="module")
def federal(deployed: Checkout) -> Trail:
    return Trail(deployed, load_estate(deployed.root).stack(f"local-{FEDERAL}").names, FEDERAL)


def test_an_attempt_on_anothers_object_alerts_and_both_get_a_record_that_stays(
    platform: Trail,
) -> None:
    names = platform.names
    shared = names.bucket(SHARED)
    event = platform.event("acme", shared, "globex/lakehouse/orders/data/0.parquet")
    with platform.listening(PLATFORM, ALERTS) as heard:
        platform.put(event)
        (alert,) = heard()
    assert alert["tenant"] == "acme"
    assert alert["whose"] == "globex"
    assert alert["outcome"] == "refused: AccessDenied"
    assert alert["event_id"] == event["eventID"]

    s3, bucket = platform.client("s3"), names.audit_bucket(PLATFORM)
    for tenant in ("acme", "globex"):
        (record,) = platform.records(tenant, event)
        assert f"s3://{bucket}/{record['Key']}" in alert["records"]
        body = json.load(s3.get_object(Bucket=bucket, Key=record["Key"])["Body"])
        assert body == {"tenant": tenant, "record": event}
        version = {"Bucket": bucket, "Key": record["Key"], "VersionId": record["VersionId"]}
        assert s3.get_object_retention(**version)["Retention"]["Mode"] == "COMPLIANCE"
        with pytest.raises(ClientError, match="AccessDenied"):
            s3.delete_object(**version)
    assert platform.records("colorado-state", event) == []


def as_auditor(trail: Trail, tenant: str) -> Any:
    role = trail.names.auditor_role_arn(tenant)
    given = trail.client("sts").assume_role(RoleArn=role, RoleSessionName="auditor")["Credentials"]
    session: Any = boto3.Session(
        given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"]
    )
    return session.client("s3", endpoint_url=trail.checkout.endpoint)


def test_a_tenant_reads_its_own_records_and_no_others(platform: Trail) -> None:
    event = platform.event("acme", platform.names.bucket(SHARED), "globex/lakehouse/a")
    platform.put(event)
    bucket = platform.names.audit_bucket(PLATFORM)
    for tenant, other in (("acme", "globex"), ("globex", "acme")):
        s3 = as_auditor(platform, tenant)
        (mine,), (theirs,) = platform.records(tenant, event), platform.records(other, event)
        assert json.load(s3.get_object(Bucket=bucket, Key=mine["Key"])["Body"])["tenant"] == tenant
        with pytest.raises(ClientError, match="AccessDenied"):
            s3.get_object(Bucket=bucket, Key=theirs["Key"])


def test_the_same_event_twice_is_one_record(platform: Trail) -> None:
    event = platform.event("acme", platform.names.bucket(SHARED), "globex/lakehouse/b")
    with platform.listening(PLATFORM, ALERTS) as heard:
        platform.put(event)
        platform.put(event)
        # Told twice rather than not at all.
        assert len(heard()) == 2
    assert len(platform.records("acme", event)) == 1
    assert len(platform.records("globex", event)) == 1


def test_what_a_tenant_does_with_its_own_is_kept_and_alerts_nobody(platform: Trail) -> None:
    event = platform.event("acme", platform.names.bucket(SHARED), "acme/lakehouse/c")
    with platform.listening(PLATFORM, ALERTS) as heard:
        platform.put(event)
        assert heard() == []
    assert len(platform.records("acme", event)) == 1
    assert platform.records("globex", event) == []


def test_a_tenants_siem_gets_what_concerns_it(platform: Trail) -> None:
    tenant = "colorado-state"
    event = platform.event("acme", platform.names.bucket(tenant), "lakehouse/a")
    queue = platform.client("sqs").get_queue_url(QueueName=platform.names.topic(tenant, SIEM))
    platform.put(event)
    told = platform.messages(queue["QueueUrl"])
    assert {"tenant": tenant, "record": event} in told
    assert {one["tenant"] for one in told} == {tenant}


def test_a_hard_tenants_account_alerts_its_contact_and_those_on_call(federal: Trail) -> None:
    names = federal.names
    event = federal.event(FEDERAL, names.bucket("newcorp"), "lakehouse/a")
    with (
        federal.listening(FEDERAL, ALERTS) as operators,
        federal.listening(FEDERAL, REALTIME) as contact,
        federal.listening(FEDERAL, INCIDENTS) as on_call,
    ):
        federal.put(event)
        for heard in (operators, contact, on_call):
            assert [alert["whose"] for alert in heard()] == ["newcorp"]
    assert len(federal.records(FEDERAL, event)) == 1


def test_what_cannot_be_routed_waits_for_the_operators(platform: Trail) -> None:
    names, before = platform.names, platform.routed()
    queue = platform.client("sqs").get_queue_url(QueueName=names.topic(PLATFORM, ROUTER_FAILED))
    garbled = {"awslogs": {"data": "none"}}
    platform.client("lambda").invoke(
        FunctionName=names.task_family(PLATFORM, ServiceKind.AUDIT_ROUTER),
        InvocationType="Event",
        Payload=json.dumps(garbled),
    )
    # It is tried three times first.
    assert platform.messages(queue["QueueUrl"], wait=20) == [garbled]
    assert platform.routed() == before + 3


def test_an_edited_router_is_an_update_in_place(deployed: Checkout) -> None:
    code = "pipelines/audit_router/alerts.py"
    with deployed.edited(code, deployed.read(code) + "\n# edited\n"):
        steps = deployed.preview("local")["steps"]
    changed = [(step["op"], step["urn"].rsplit("::")[-1]) for step in steps if step["op"] != "same"]
    assert changed == [("update", "foundation-audit-router-function")]
