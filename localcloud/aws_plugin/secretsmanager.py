"""AWS Secrets Manager: secrets, without their values, which never pass through Pulumi's state."""

# A class is its table, `resource` documents the methods.
# ruff: noqa: ANN401, D101, D102, S105

from __future__ import annotations

from typing import Any

from botocore.exceptions import ClientError

from localcloud.aws_plugin import documents
from localcloud.aws_plugin.cloud import Cloud
from localcloud.aws_plugin.registry import register
from localcloud.aws_plugin.resource import (
    TAGS,
    ApiResource,
    Property,
    Resource,
    ResourceError,
    Tagging,
    code,
    declare,
    is_absent,
)
from localcloud.aws_plugin.values import Properties


@register
class Secret(ApiResource):
    token = "aws:secretsmanager/secret:Secret"
    service = "secretsmanager"
    id_format = "{arn}"
    properties = declare(
        name=Property(required=True, replace=True),
        description=Property(),
        kmsKeyId=Property(),
        policy=Property(document=documents.RESOURCE_POLICY, by_hand=True),
        recoveryWindowInDays=Property(default=30, by_hand=True, write_only=True),
        tags=TAGS,
    )
    outputs = ("arn",)
    create_call = "create_secret"
    update_call = "update_secret"
    read_call = "describe_secret"
    tagging = Tagging("tag_resource", "untag_resource", "describe_secret", "SecretId")

    def validate(self, inputs: Properties) -> list[tuple[str, str]]:
        days = inputs.get("recoveryWindowInDays")
        if isinstance(days, int) and days != 0 and not 7 <= days <= 30:  # noqa: PLR2004
            return [("recoveryWindowInDays", "0 (at once), or 7 to 30")]
        return []

    def call(self, cloud: Cloud, call: str, values: Any, **fixed: Any) -> Any:
        if call != self.create_call:
            fixed["SecretId"] = values["arn"]
        return super().call(cloud, call, values, **fixed)

    def make(self, cloud: Cloud, urn: str, inputs: Properties) -> str:
        secrets, name = self.client(cloud, inputs), inputs["name"]
        try:
            there = secrets.describe_secret(SecretId=name)
        except ClientError as error:
            if not is_absent(error):
                raise
            arn = self.call(cloud, self.create_call, inputs)["ARN"]
        else:
            arn = there["ARN"]
            if there.get("DeletedDate"):
                raise ResourceError(
                    f"the secret {name} is scheduled for deletion until {there['DeletedDate']}; "
                    "its name is taken that long. Restore it and import it, or name this one "
                    "otherwise"
                )
            self.adopt(cloud, arn, inputs, untagged=False)
        if inputs.get("policy"):
            secrets.put_resource_policy(SecretId=arn, ResourcePolicy=inputs["policy"])
        return str(arn)

    def read(self, cloud: Cloud, identifier: str, known: Properties) -> Properties | None:
        live = super().read(cloud, identifier, known)
        return None if live is None or live.pop("deleted") else live

    def live(self, client: Any, found: Any, known: Any) -> Properties:
        live = {
            **super().live(client, found, known),
            "arn": found["ARN"],
            "deleted": "DeletedDate" in found,
        }
        if "policy" in known:  # else it is the SecretPolicy's, if there is one
            live["policy"] = client.get_resource_policy(SecretId=found["ARN"]).get("ResourcePolicy")
        return live

    def change(
        self, cloud: Cloud, identifier: str, state: Properties, inputs: Properties, what: set[str]
    ) -> None:
        secrets = self.client(cloud, inputs)
        if "policy" in what:
            if policy := inputs.get("policy"):
                secrets.put_resource_policy(SecretId=identifier, ResourcePolicy=policy)
            else:
                secrets.delete_resource_policy(SecretId=identifier)
        super().change(cloud, identifier, state, inputs, what - {"policy"})

    def remove(self, cloud: Cloud, identifier: str, state: Properties) -> None:
        if self.read(cloud, identifier, {"region": state.get("region")}) is None:
            return
        days = state.get("recoveryWindowInDays")
        days = 30 if days is None else int(days)
        how = {"RecoveryWindowInDays": days} if days else {"ForceDeleteWithoutRecovery": True}
        self.client(cloud, state).delete_secret(SecretId=identifier, **how)


@register
class SecretPolicy(Resource):
    token = "aws:secretsmanager/secretPolicy:SecretPolicy"
    service = "secretsmanager"
    id_format = "{secretArn}"
    properties = declare(
        secretArn=Property(required=True, replace=True),
        policy=Property(required=True, document=documents.RESOURCE_POLICY),
        blockPublicPolicy=Property(default=False, write_only=True),
    )

    def make(self, cloud: Cloud, urn: str, inputs: Properties) -> str:
        self.client(cloud, inputs).put_resource_policy(
            SecretId=inputs["secretArn"],
            ResourcePolicy=inputs["policy"],
            BlockPublicPolicy=bool(inputs.get("blockPublicPolicy")),
        )
        return str(inputs["secretArn"])

    def read(self, cloud: Cloud, identifier: str, known: Properties) -> Properties | None:
        try:
            answer = self.client(cloud, known).get_resource_policy(SecretId=identifier)
        except ClientError as error:
            if is_absent(error):
                return None
            raise
        policy = answer.get("ResourcePolicy")
        return {"secretArn": answer["ARN"], "policy": policy} if policy else None

    def change(
        self, cloud: Cloud, identifier: str, state: Properties, inputs: Properties, what: set[str]
    ) -> None:
        self.make(cloud, "", inputs)

    def remove(self, cloud: Cloud, identifier: str, state: Properties) -> None:
        try:
            self.client(cloud, state).delete_resource_policy(SecretId=identifier)
        except ClientError as error:
            if not is_absent(error):
                raise


@register
class SecretRotation(ApiResource):
    """When a secret is rotated, and by which function.

    Rotation is asynchronous in AWS. The emulator has no database that the function could reach,
    so there it is set up and never runs (`localcloud.emulator.patches.secretsmanager`).
    """

    token = "aws:secretsmanager/secretRotation:SecretRotation"
    service = "secretsmanager"
    id_format = "{secretId}"
    properties = declare(
        secretId=Property(required=True, replace=True),
        rotateImmediately=Property(default=True, write_only=True),
        rotationLambdaArn=Property(required=True),
        rotationRules=Property(required=True),
    )
    outputs = ("rotationEnabled",)
    create_call = update_call = "rotate_secret"
    read_call = "describe_secret"
    read_path = "RotationEnabled && @ || `null`"
    delete_call = "cancel_rotate_secret"

    def validate(self, inputs: Properties) -> list[tuple[str, str]]:
        rules = inputs["rotationRules"]
        if not isinstance(rules, dict):
            return []
        ways = [
            name for name in ("automaticallyAfterDays", "scheduleExpression") if rules.get(name)
        ]
        if len(ways) != 1:
            return [("rotationRules", "automaticallyAfterDays or scheduleExpression, one of them")]
        return []

    def live(self, client: Any, found: Any, known: Any) -> Properties:
        # Secrets Manager answers with the ARN, whatever it was asked with.
        live = {**super().live(client, found, known), "rotationEnabled": True}
        return {name: value for name, value in live.items() if name != "secretId"}

    def remove(self, cloud: Cloud, identifier: str, state: Properties) -> None:
        try:
            super().remove(cloud, identifier, state)
        except ClientError as error:
            # The secret is on its way out, or never had a rotation.
            if code(error) != "InvalidRequestException":
                raise
