"""Amazon SNS. The emulator delivers whatever a topic's or a queue's policy says."""

# A class is its table, `resource` documents the methods.
# ruff: noqa: ANN401, D101, D102, S105

from __future__ import annotations

import json
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


def default_policy(arn: str) -> str:
    """The policy of a topic that was given none: its own account does everything."""
    actions = ["GetTopicAttributes", "SetTopicAttributes", "AddPermission", "RemovePermission"]
    actions += ["DeleteTopic", "Subscribe", "ListSubscriptionsByTopic", "Publish"]
    statement = {
        "Sid": "__default_statement_ID",
        "Effect": "Allow",
        "Principal": {"AWS": "*"},
        "Action": [f"SNS:{action}" for action in actions],
        "Resource": arn,
        "Condition": {"StringEquals": {"AWS:SourceOwner": arn.split(":")[4]}},
    }
    document = {"Version": "2008-10-17", "Id": "__default_policy_ID", "Statement": [statement]}
    return json.dumps(document)


@register
class Topic(Attributed):
    token = "aws:sns/topic:Topic"
    service = "sns"
    id_format = "{arn}"
    properties = declare(
        name=Property(required=True, replace=True),
        contentBasedDeduplication=Property(default=False),
        deliveryPolicy=Property(json=True),
        displayName=Property(default=""),
        fifoTopic=Property(default=False, replace=True),
        kmsMasterKeyId=Property(),
        policy=Property(document=documents.RESOURCE_POLICY),
        tags=TAGS,
    )
    outputs = ("arn", "owner")
    attributes: ClassVar = {
        "contentBasedDeduplication": "ContentBasedDeduplication",
        "deliveryPolicy": "DeliveryPolicy",
        "displayName": "DisplayName",
        "fifoTopic": "FifoTopic",
        "kmsMasterKeyId": "KmsMasterKeyId",
        "policy": "Policy",
    }
    renames: ClassVar = {"arn": "TopicArn"}
    create_call = "create_topic"
    read_call = "get_topic_attributes"
    read_path = "Attributes"
    delete_call = "delete_topic"
    tagging = Tagging("tag_resource", "untag_resource", "list_tags_for_resource", "ResourceArn")

    def validate(self, inputs: Properties) -> list[tuple[str, str]]:
        if inputs.get("contentBasedDeduplication") and not inputs.get("fifoTopic"):
            return [("contentBasedDeduplication", "only a FIFO topic has it")]
        return []

    def predict(self, cloud: Cloud, inputs: Properties) -> Properties:
        if "name" not in inputs:
            return {}
        region, name = inputs.get("region") or cloud.region, inputs["name"]
        arn = cloud.arn("sns", name, region=region, account=cloud.account)
        return {"arn": arn, "owner": cloud.account}

    def call(self, cloud: Cloud, call: str, values: Any, **fixed: Any) -> Any:
        if call == self.create_call and (given := self.given(values)):
            # Of these two AWS takes only the answer yes.
            fixed["Attributes"] = {
                name: text
                for name, text in given.items()
                if name not in ("FifoTopic", "ContentBasedDeduplication") or text == "true"
            }
        return super().call(cloud, call, values, **fixed)

    def live(self, client: Any, found: Any, known: Any) -> Properties:
        live = self.from_texts(found)
        if "policy" not in known:  # then it is the TopicPolicy's, if there is one
            live.pop("policy", None)
        arn = found["TopicArn"]
        return {**live, "name": arn.rsplit(":", 1)[-1], "arn": arn, "owner": found["Owner"]}

    def change(
        self, cloud: Cloud, identifier: str, state: Properties, inputs: Properties, what: set[str]
    ) -> None:
        sns = self.client(cloud, inputs)
        for name, text in self.texts(inputs, what).items():
            value = default_policy(identifier) if name == "Policy" and not text else text
            sns.set_topic_attributes(TopicArn=identifier, AttributeName=name, AttributeValue=value)
        super().change(cloud, identifier, state, inputs, what & {"tags"})


@register
class TopicPolicy(Resource):
    token = "aws:sns/topicPolicy:TopicPolicy"
    service = "sns"
    id_format = "{arn}"
    properties = declare(
        arn=Property(required=True, replace=True),
        policy=Property(required=True, document=documents.RESOURCE_POLICY),
    )
    outputs = ("owner",)

    def predict(self, cloud: Cloud, inputs: Properties) -> Properties:
        return {"owner": inputs["arn"].split(":")[4]}

    def _put(self, cloud: Cloud, arn: str, values: Properties, policy: str) -> None:
        self.client(cloud, values).set_topic_attributes(
            TopicArn=arn, AttributeName="Policy", AttributeValue=policy
        )

    def make(self, cloud: Cloud, urn: str, inputs: Properties) -> str:
        self._put(cloud, inputs["arn"], inputs, inputs["policy"])
        return str(inputs["arn"])

    def read(self, cloud: Cloud, identifier: str, known: Properties) -> Properties | None:
        try:
            answer = self.client(cloud, known).get_topic_attributes(TopicArn=identifier)
        except ClientError as error:
            if is_absent(error):
                return None
            raise
        policy = answer["Attributes"].get("Policy")
        if policy is None or documents.same(policy, default_policy(identifier)):
            return None
        return {"arn": identifier, "policy": policy, **self.predict(cloud, {"arn": identifier})}

    def change(
        self, cloud: Cloud, identifier: str, state: Properties, inputs: Properties, what: set[str]
    ) -> None:
        self._put(cloud, identifier, inputs, inputs["policy"])

    def remove(self, cloud: Cloud, identifier: str, state: Properties) -> None:
        try:
            self._put(cloud, identifier, state, default_policy(identifier))
        except ClientError as error:
            if not is_absent(error):
                raise


@register
class TopicSubscription(Attributed):
    """Subscribing again gives the subscription that is there, as AWS does: there are no twins."""

    token = "aws:sns/topicSubscription:TopicSubscription"
    service = "sns"
    id_format = "{arn}"
    properties = declare(
        topic=Property(required=True, replace=True, api="TopicArn"),
        protocol=Property(required=True, replace=True),
        endpoint=Property(required=True, replace=True),
        confirmationTimeoutInMinutes=Property(default=1, write_only=True),
        deliveryPolicy=Property(json=True),
        endpointAutoConfirms=Property(default=False, write_only=True),
        filterPolicy=Property(json=True),
        filterPolicyScope=Property(computed=True),
        rawMessageDelivery=Property(default=False),
        redrivePolicy=Property(json=True),
        subscriptionRoleArn=Property(),
    )
    outputs = ("arn", "ownerId", "pendingConfirmation", "confirmationWasAuthenticated")
    attributes: ClassVar = {
        "deliveryPolicy": "DeliveryPolicy",
        "filterPolicy": "FilterPolicy",
        "filterPolicyScope": "FilterPolicyScope",
        "rawMessageDelivery": "RawMessageDelivery",
        "redrivePolicy": "RedrivePolicy",
        "subscriptionRoleArn": "SubscriptionRoleArn",
    }
    renames: ClassVar = {"arn": "SubscriptionArn"}
    create_call = "subscribe"
    read_call = "get_subscription_attributes"
    read_path = "Attributes"
    delete_call = "unsubscribe"

    def make(self, cloud: Cloud, urn: str, inputs: Properties) -> str:
        answer = self.call(
            cloud,
            "subscribe",
            inputs,
            Attributes=self.given(inputs),
            ReturnSubscriptionArn=True,
        )
        return str(answer["SubscriptionArn"])

    def live(self, client: Any, found: Any, known: Any) -> Properties:
        return {
            **self.from_texts(found),
            "topic": found["TopicArn"],
            "protocol": found["Protocol"],
            "endpoint": found["Endpoint"],
            "arn": found["SubscriptionArn"],
            "ownerId": found["Owner"],
            "pendingConfirmation": found["PendingConfirmation"] == "true",
            "confirmationWasAuthenticated": found["ConfirmationWasAuthenticated"] == "true",
        }

    def change(
        self, cloud: Cloud, identifier: str, state: Properties, inputs: Properties, what: set[str]
    ) -> None:
        sns = self.client(cloud, inputs)
        # The scope first: by it the policy is checked.
        for name, text in sorted(
            self.texts(inputs, what).items(), key=lambda i: "Scope" not in i[0]
        ):
            sns.set_subscription_attributes(
                SubscriptionArn=identifier, AttributeName=name, AttributeValue=text
            )
