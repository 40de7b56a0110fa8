"""AWS Key Management Service."""

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
    URN_TAG,
    ApiResource,
    Property,
    Tagging,
    declare,
    find_by_urn,
    is_absent,
    urn_tag,
)
from localcloud.aws_plugin.values import Properties


@register
class Key(ApiResource):
    token = "aws:kms/key:Key"
    service = "kms"
    id_format = "{keyId}"
    properties = declare(
        bypassPolicyLockoutSafetyCheck=Property(default=False, write_only=True),
        customerMasterKeySpec=Property(default="SYMMETRIC_DEFAULT", replace=True, api="KeySpec"),
        deletionWindowInDays=Property(by_hand=True, write_only=True),
        description=Property(computed=True),
        enableKeyRotation=Property(default=False, by_hand=True),
        isEnabled=Property(default=True, by_hand=True),
        keyUsage=Property(default="ENCRYPT_DECRYPT", replace=True),
        multiRegion=Property(default=False, replace=True),
        policy=Property(computed=True, document=documents.KEY),
        rotationPeriodInDays=Property(computed=True, by_hand=True),
        tags=TAGS,
    )
    outputs = ("arn", "keyId")
    create_call = "create_key"
    read_call = "describe_key"
    read_path = "KeyMetadata"
    tagging = Tagging("tag_resource", "untag_resource", "list_resource_tags", "KeyId", "keyId")

    def make(self, cloud: Cloud, urn: str, inputs: Properties) -> str:
        kms = self.client(cloud, inputs)
        for arn in find_by_urn(cloud, "kms:key", urn, inputs):
            key = arn.rsplit("/", 1)[-1]
            state = kms.describe_key(KeyId=key)["KeyMetadata"]["KeyState"]
            if state != "PendingDeletion":  # a predecessor that was deleted keeps its tags
                self.adopt(cloud, key, inputs, untagged=False)
                return key
        tags = {**(inputs.get("tags") or {}), URN_TAG: urn_tag(urn)}
        made = self.call(cloud, "create_key", {**inputs, "tags": tags})["KeyMetadata"]["KeyId"]
        self._switch(
            kms, made, inputs, {"enableKeyRotation"} if inputs.get("enableKeyRotation") else set()
        )
        if inputs.get("isEnabled") is False:
            self._switch(kms, made, inputs, {"isEnabled"})
        return str(made)

    @staticmethod
    def _switch(kms: Any, key: str, inputs: Properties, what: set[str]) -> None:
        if what & {"enableKeyRotation", "rotationPeriodInDays"}:
            if inputs.get("enableKeyRotation"):
                period = inputs.get("rotationPeriodInDays")
                extra = {"RotationPeriodInDays": int(period)} if period else {}
                kms.enable_key_rotation(KeyId=key, **extra)
            else:
                kms.disable_key_rotation(KeyId=key)
        if "isEnabled" in what:
            (kms.disable_key if inputs.get("isEnabled") is False else kms.enable_key)(KeyId=key)

    def live(self, client: Any, found: Any, known: Any) -> Properties:
        key = found["KeyId"]
        rotation = client.get_key_rotation_status(KeyId=key)
        return {
            **super().live(client, found, known),
            "keyId": key,
            "policy": client.get_key_policy(KeyId=key, PolicyName="default")["Policy"],
            "enableKeyRotation": rotation["KeyRotationEnabled"],
            "rotationPeriodInDays": rotation.get("RotationPeriodInDays"),
            "isEnabled": found["Enabled"],
        }

    def read(self, cloud: Cloud, identifier: str, known: Properties) -> Properties | None:
        metadata = None
        try:
            metadata = self.client(cloud, known).describe_key(KeyId=identifier)["KeyMetadata"]
        except ClientError as error:
            if not is_absent(error):
                raise
        if metadata is None or metadata["KeyState"] == "PendingDeletion":
            return None
        return super().read(cloud, identifier, known)

    def change(
        self, cloud: Cloud, identifier: str, state: Properties, inputs: Properties, what: set[str]
    ) -> None:
        kms = self.client(cloud, inputs)
        if "tags" in what:
            self.change_tags(cloud, {**state, "keyId": identifier}, inputs)
        if "description" in what:
            kms.update_key_description(
                KeyId=identifier, Description=inputs.get("description") or ""
            )
        if "policy" in what and inputs.get("policy"):
            kms.put_key_policy(KeyId=identifier, PolicyName="default", Policy=inputs["policy"])
        self._switch(kms, identifier, inputs, what)

    def remove(self, cloud: Cloud, identifier: str, state: Properties) -> None:
        if self.read(cloud, identifier, {"region": state.get("region")}) is None:
            return
        self.client(cloud, state).schedule_key_deletion(
            KeyId=identifier, PendingWindowInDays=int(state.get("deletionWindowInDays") or 30)
        )


def _same_key(one: Any, other: Any) -> bool:
    """A key is named by its id or by its ARN, which ends in the id."""
    return str(one).rsplit("/", 1)[-1] == str(other).rsplit("/", 1)[-1]


@register
class Alias(ApiResource):
    token = "aws:kms/alias:Alias"
    service = "kms"
    id_format = "{name}"
    properties = declare(
        name=Property(required=True, replace=True, api="AliasName"),
        targetKeyId=Property(required=True, same=_same_key),
    )
    outputs = ("arn", "targetKeyArn")
    create_call = "create_alias"
    read_call = "list_aliases"
    read_path = "Aliases[?AliasName=='{name}' && TargetKeyId] | [0]"
    update_call = "update_alias"
    delete_call = "delete_alias"

    def validate(self, inputs: Properties) -> list[tuple[str, str]]:
        name = inputs["name"]
        if isinstance(name, str) and not name.startswith("alias/"):
            return [("name", "a key alias starts with alias/")]
        return []

    def predict(self, cloud: Cloud, inputs: Properties) -> Properties:
        region = inputs.get("region") or cloud.region
        result = {"arn": cloud.arn("kms", inputs["name"], region=region, account=cloud.account)}
        if key := inputs.get("targetKeyId"):
            name = str(key).rsplit("/", 1)[-1]
            result["targetKeyArn"] = cloud.arn(
                "kms", f"key/{name}", region=region, account=cloud.account
            )
        return result
