"""Amazon SQS. The emulator takes messages whatever a queue's policy says."""

# A class is its table, `resource` documents the methods.
# ruff: noqa: ANN401, D101, D102, S105

from __future__ import annotations

from typing import Any, ClassVar

from botocore.exceptions import ClientError

from localcloud.aws_plugin import documents
from localcloud.aws_plugin.cloud import Cloud
from localcloud.aws_plugin.registry import register
from localcloud.aws_plugin.resource import (
    TAGS,
    Property,
    Resource,
    Tagging,
    declare,
    is_absent,
)
from localcloud.aws_plugin.upsert import Attributed
from localcloud.aws_plugin.values import Properties


@register
class Queue(Attributed):
    token = "aws:sqs/queue:Queue"
    service = "sqs"
    id_format = "{url}"
    properties = declare(
        name=Property(required=True, replace=True, api="QueueName"),
        contentBasedDeduplication=Property(default=False),
        deduplicationScope=Property(computed=True),
        delaySeconds=Property(default=0),
        fifoQueue=Property(default=False, replace=True),
        fifoThroughputLimit=Property(computed=True),
        kmsDataKeyReusePeriodSeconds=Property(computed=True),
        kmsMasterKeyId=Property(),
        maxMessageSize=Property(computed=True),
        messageRetentionSeconds=Property(default=345600),
        policy=Property(document=documents.RESOURCE_POLICY),
        receiveWaitTimeSeconds=Property(default=0),
        redriveAllowPolicy=Property(json=True),
        redrivePolicy=Property(json=True),
        sqsManagedSseEnabled=Property(computed=True),
        visibilityTimeoutSeconds=Property(default=30),
        tags=TAGS,
    )
    outputs = ("arn", "url")
    attributes: ClassVar = {
        "contentBasedDeduplication": "ContentBasedDeduplication",
        "deduplicationScope": "DeduplicationScope",
        "delaySeconds": "DelaySeconds",
        "fifoQueue": "FifoQueue",
        "fifoThroughputLimit": "FifoThroughputLimit",
        "kmsDataKeyReusePeriodSeconds": "KmsDataKeyReusePeriodSeconds",
        "kmsMasterKeyId": "KmsMasterKeyId",
        "maxMessageSize": "MaximumMessageSize",
        "messageRetentionSeconds": "MessageRetentionPeriod",
        "policy": "Policy",
        "receiveWaitTimeSeconds": "ReceiveMessageWaitTimeSeconds",
        "redriveAllowPolicy": "RedriveAllowPolicy",
        "redrivePolicy": "RedrivePolicy",
        "sqsManagedSseEnabled": "SqsManagedSseEnabled",
        "visibilityTimeoutSeconds": "VisibilityTimeout",
    }
    renames: ClassVar = {"url": "QueueUrl"}
    create_call = "create_queue"
    read_call = "get_queue_attributes"
    read_path = "Attributes"
    delete_call = "delete_queue"
    tagging = Tagging("tag_queue", "untag_queue", "list_queue_tags", "QueueUrl", "url")

    def validate(self, inputs: Properties) -> list[tuple[str, str]]:
        name, fifo = inputs["name"], bool(inputs.get("fifoQueue"))
        if isinstance(name, str) and name.endswith(".fifo") != fifo:
            return [("name", "a FIFO queue's name ends in .fifo, and only its")]
        if inputs.get("sqsManagedSseEnabled") and inputs.get("kmsMasterKeyId"):
            return [("sqsManagedSseEnabled", "SQS takes its own key or kmsMasterKeyId, not both")]
        if inputs.get("contentBasedDeduplication") and not fifo:
            return [("contentBasedDeduplication", "only a FIFO queue has it")]
        return []

    def predict(self, cloud: Cloud, inputs: Properties) -> Properties:
        if "name" not in inputs:
            return {}
        region, name = inputs.get("region") or cloud.region, inputs["name"]
        return {
            "arn": cloud.arn("sqs", name, region=region, account=cloud.account),
            "url": f"{cloud.endpoint.rstrip('/')}/{cloud.account}/{name}",
        }

    def call(self, cloud: Cloud, call: str, values: Any, **fixed: Any) -> Any:
        if call == self.create_call:
            given = self.given(values)
            if given.get("FifoQueue") == "false":  # AWS takes only the answer yes
                given = {n: t for n, t in given.items() if n not in _FIFO}
            fixed["Attributes"] = given
        elif call == self.read_call:
            fixed["AttributeNames"] = ["All"]
        return super().call(cloud, call, values, **fixed)

    def live(self, client: Any, found: Any, known: Any) -> Properties:
        live = self.from_texts(found)
        if "policy" not in known:  # then it is the QueuePolicy's, if there is one
            live.pop("policy", None)
        return {**live, "name": found["QueueArn"].rsplit(":", 1)[-1], "arn": found["QueueArn"]}

    def change(
        self, cloud: Cloud, identifier: str, state: Properties, inputs: Properties, what: set[str]
    ) -> None:
        if texts := self.texts(inputs, what):
            self.client(cloud, inputs).set_queue_attributes(QueueUrl=identifier, Attributes=texts)
        super().change(cloud, identifier, state, inputs, what & {"tags"})


_FIFO = frozenset({"FifoQueue", "ContentBasedDeduplication"})


@register
class QueuePolicy(Resource):
    token = "aws:sqs/queuePolicy:QueuePolicy"
    service = "sqs"
    id_format = "{queueUrl}"
    properties = declare(
        queueUrl=Property(required=True, replace=True),
        policy=Property(required=True, document=documents.RESOURCE_POLICY),
    )

    def _put(self, cloud: Cloud, url: str, values: Properties, policy: str) -> None:
        self.client(cloud, values).set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})

    def make(self, cloud: Cloud, urn: str, inputs: Properties) -> str:
        self._put(cloud, inputs["queueUrl"], inputs, inputs["policy"])
        return str(inputs["queueUrl"])

    def read(self, cloud: Cloud, identifier: str, known: Properties) -> Properties | None:
        try:
            answer = self.client(cloud, known).get_queue_attributes(
                QueueUrl=identifier, AttributeNames=["Policy"]
            )
        except ClientError as error:
            if is_absent(error):
                return None
            raise
        policy = answer.get("Attributes", {}).get("Policy")
        return {"queueUrl": identifier, "policy": policy} if policy else None

    def change(
        self, cloud: Cloud, identifier: str, state: Properties, inputs: Properties, what: set[str]
    ) -> None:
        self._put(cloud, identifier, inputs, inputs["policy"])

    def remove(self, cloud: Cloud, identifier: str, state: Properties) -> None:
        try:
            self._put(cloud, identifier, state, "")
        except ClientError as error:
            if not is_absent(error):
                raise
