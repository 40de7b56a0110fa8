"""Topics and queues: policies of their own type, and what stays when others are set."""

from __future__ import annotations

import json
from typing import Any

import boto3
import pytest

from localcloud.aws_plugin.cloud import Cloud
from localcloud.aws_plugin.registry import handler
from localcloud.aws_plugin.resource import ResourceError
from localcloud.aws_plugin.values import Properties
from tests.localcloud.aws_plugin.resource_examples import Example
from tests.localcloud.aws_plugin.service_examples import SERVICES, dead_letters, queue, topic
from tests.localcloud.aws_plugin.test_life import make


def example(kind: str) -> Example:
    return next(one for one in SERVICES if one.token.endswith(f":{kind}"))


def reread(cloud: Cloud, token: str, identifier: str, state: Properties) -> Properties:
    resource = handler(token)
    return resource.settle(cloud, resource.read(cloud, identifier, state) or {}, state)


@pytest.mark.parametrize(
    ("policy", "owner"), [("TopicPolicy", topic), ("QueuePolicy", dead_letters)]
)
def test_a_policy_of_its_own_is_no_drift_of_its_owner(
    cloud: Cloud, policy: str, owner: Example
) -> None:
    identifier, before = make(cloud, owner)
    placed, state = make(cloud, example(policy))
    assert reread(cloud, owner.token, identifier, before) == before
    handler(example(policy).token).remove(cloud, placed, state)
    assert reread(cloud, owner.token, identifier, before) == before


def test_a_topics_own_policy_goes_back_to_the_accounts(cloud: Cloud) -> None:
    own = json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": [
                {"Effect": "Allow", "Principal": "*", "Action": "sns:Publish", "Resource": "*"}
            ],
        }
    )
    inputs = {**topic.inputs, "policy": own}
    identifier, state = make(cloud, Example(topic.token, inputs))
    assert state["policy"] == own
    handler(topic.token).update(cloud, identifier, state, topic.inputs, inputs)
    there = cloud.client("sns").get_topic_attributes(TopicArn=identifier)["Attributes"]["Policy"]
    assert "AWS:SourceOwner" in there


def test_a_queue_keeps_its_policy_when_something_else_changes(
    cloud: Cloud, session: boto3.Session
) -> None:
    url, _ = make(cloud, example("QueuePolicy"))
    cloud.client("sqs").set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": "77"})
    attributes = cloud.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["All"])
    assert "sqs:SendMessage" in attributes["Attributes"]["Policy"]


def test_a_kms_key_takes_the_place_of_the_queues_own(cloud: Cloud) -> None:
    inputs = {"name": "secret", "kmsMasterKeyId": "alias/lake"}
    _, state = make(cloud, Example(queue.token, inputs))
    assert state["sqsManagedSseEnabled"] is False
    both = {**inputs, "sqsManagedSseEnabled": True}
    assert [name for name, _ in handler(queue.token).check(both)] == ["sqsManagedSseEnabled"]


@pytest.mark.parametrize(
    ("token", "wrong"),
    [
        (queue.token, {"name": "a.fifo"}),
        (queue.token, {"name": "a", "fifoQueue": True}),
        (queue.token, {"name": "a", "contentBasedDeduplication": True}),
        (topic.token, {"name": "a", "contentBasedDeduplication": True}),
    ],
)
def test_fifo_needs_its_name_and_its_own_settings_need_fifo(
    token: str, wrong: dict[str, Any]
) -> None:
    assert len(handler(token).check(wrong)) == 1


@pytest.mark.parametrize("wanted", [topic, dead_letters], ids=["topic", "queue"])
def test_a_strangers_is_not_taken_over(cloud: Cloud, wanted: Example) -> None:
    cloud.client("sns").create_topic(Name="acme-alerts")
    cloud.client("sqs").create_queue(QueueName="acme-dead")
    with pytest.raises(ResourceError, match="not of this stack"):
        make(cloud, wanted)


def test_what_is_published_arrives_in_the_subscribed_queue(cloud: Cloud) -> None:
    subscription = example("TopicSubscription")
    _, state = make(cloud, subscription)
    sns, sqs = cloud.client("sns"), cloud.client("sqs")
    sns.publish(TopicArn=state["topic"], Message='{"tenant": "globex"}')
    sns.publish(TopicArn=state["topic"], Message='{"tenant": "acme"}')
    url = sqs.get_queue_url(QueueName="acme-events")["QueueUrl"]
    bodies = [
        m["Body"] for m in sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)["Messages"]
    ]
    assert bodies == ['{"tenant": "acme"}']
