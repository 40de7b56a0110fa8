"""AWS Lambda: functions of zip files, who may invoke them, and what becomes of failed events."""

# A class is its table, `resource` documents the methods.
# ruff: noqa: ANN401, D101, D102, S105

from __future__ import annotations

import base64
import hashlib
import json
import re
from typing import Any, Final

from localcloud.aws_plugin.archives import ARCHIVE, Bundle
from localcloud.aws_plugin.cloud import Cloud
from localcloud.aws_plugin.registry import register
from localcloud.aws_plugin.resource import (
    TAGS,
    ApiResource,
    Property,
    Tagging,
    declare,
    plain,
)
from localcloud.aws_plugin.upsert import Upsert
from localcloud.aws_plugin.values import Properties

# What UpdateFunctionConfiguration is told of a property that is given no more: left out, it stays.
_CLEARED: Final = {
    "deadLetterConfig": {"targetArn": ""},
    "description": "",
    "environment": {"variables": {}},
    "kmsKeyArn": "",
    "vpcConfig": {"subnetIds": [], "securityGroupIds": []},
}


@register
class Function(ApiResource):
    token = "aws:lambda/function:Function"
    service = "lambda"
    id_format = "{name}"
    properties = declare(
        name=Property(required=True, replace=True, api="FunctionName"),
        architectures=Property(default=["x86_64"]),
        code=Property(required=True, archive=True, by_hand=True),
        deadLetterConfig=Property(),
        description=Property(default=""),
        environment=Property(),
        ephemeralStorage=Property(default={"size": 512}),
        handler=Property(required=True),
        kmsKeyArn=Property(),
        loggingConfig=Property(computed=True),
        memorySize=Property(default=128),
        packageType=Property(default="Zip", replace=True, choices=("Zip",)),
        role=Property(required=True),
        runtime=Property(required=True),
        tags=TAGS,
        timeout=Property(default=3),
        tracingConfig=Property(default={"mode": "PassThrough"}),
        vpcConfig=Property(unordered=True),
    )
    outputs = (
        *("arn", "codeSha256", "invokeArn", "lastModified", "qualifiedArn"),
        *("sourceCodeSize", "version"),
    )
    create_call = "create_function"
    update_call = "update_function_configuration"
    read_call = "get_function"
    delete_call = "delete_function"
    tagging = Tagging("tag_resource", "untag_resource", "list_tags", "Resource")

    def predict(self, cloud: Cloud, inputs: Properties) -> Properties:
        region = inputs.get("region") or cloud.region
        arn = cloud.arn(
            "lambda", f"function:{inputs['name']}", region=region, account=cloud.account
        )
        path = f"path/2015-03-31/functions/{arn}/invocations"
        invoke_arn = cloud.arn("apigateway", path, region=region, account="lambda")
        return {"arn": arn, "invokeArn": invoke_arn}

    def call(self, cloud: Cloud, call: str, values: Any, **fixed: Any) -> Any:
        if call == self.create_call:
            fixed["Code"] = {"ZipFile": values["code"].zipped()}
        return super().call(cloud, call, values, **fixed)

    def live(self, client: Any, found: Any, known: Any) -> Properties:
        there = found["Configuration"]
        live = super().live(client, there, known)
        # AWS tells what is not set as an object of nothing.
        live = {name: value for name, value in live.items() if plain({"": value}) != {}}
        return {
            **live,
            "arn": there["FunctionArn"],
            "code": _code(there["CodeSha256"], known),
            "codeSha256": there["CodeSha256"],
            "qualifiedArn": f"{there['FunctionArn']}:{there['Version']}",
            "sourceCodeSize": there["CodeSize"],
        }

    def change(
        self, cloud: Cloud, identifier: str, state: Properties, inputs: Properties, what: set[str]
    ) -> None:
        super().change(cloud, identifier, state, inputs, what & {"tags"})
        packed = what & {"code", "architectures"}
        if packed:
            self.client(cloud, inputs).update_function_code(
                FunctionName=identifier,
                ZipFile=inputs["code"].zipped(),
                Architectures=inputs.get("architectures") or self.table["architectures"].default,
            )
        configured = what - packed - {"tags"}
        if configured:
            cleared = {
                name: _CLEARED.get(name, self.table[name].default)
                for name in configured
                if inputs.get(name) is None
            }
            self.call(cloud, self.update_call, {**inputs, **cleared})


def _code(sha256: str, known: Any) -> Bundle:
    """The archive that was given, while the cloud has it; else one known by its hash alone."""
    given: Bundle | None = known.get("code")
    if given is not None:
        # What was deployed, not what its files hold now: they may have been edited since.
        expected = known.get("codeSha256") or base64.b64encode(
            hashlib.sha256(given.zipped()).digest()
        ).decode("ascii")
        if expected == sha256:
            return given
    return Bundle(ARCHIVE, {"hash": base64.b64decode(sha256).hex()})


def _same_principal(one: Any, other: Any) -> bool:
    """An account's number means its root, as which AWS keeps it."""
    return bool(_root(one) == _root(other))


def _root(principal: Any) -> Any:
    is_account = re.fullmatch(r"[0-9]{12}", str(principal), re.ASCII)
    return f"arn:aws:iam::{principal}:root" if is_account else principal


@register
class Permission(ApiResource):
    token = "aws:lambda/permission:Permission"
    service = "lambda"
    id_format = "{function}/{statementId}"
    properties = declare(
        statementId=Property(required=True, replace=True),
        function=Property(required=True, replace=True, api="FunctionName"),
        action=Property(required=True, replace=True),
        principal=Property(required=True, replace=True, same=_same_principal),
        sourceAccount=Property(replace=True),
        sourceArn=Property(replace=True),
    )
    create_call = "add_permission"
    read_call = "get_policy"
    delete_call = "remove_permission"

    def live(self, client: Any, found: Any, known: Any) -> Properties:
        """The statement, among those of the function's policy."""
        name = self.from_identifier(known["id"])["statementId"]
        listed = json.loads(found["Policy"])["Statement"]
        statement = next(one for one in listed if one["Sid"] == name)
        conditions: dict[str, str] = {}
        for keys in statement.get("Condition", {}).values():
            conditions.update({key.lower(): value for key, value in keys.items()})
        (principal,) = statement["Principal"].values()
        return {
            "action": statement["Action"],
            "principal": principal,
            "sourceAccount": conditions.get("aws:sourceaccount"),
            "sourceArn": conditions.get("aws:sourcearn"),
        }

    def read(self, cloud: Cloud, identifier: str, known: Properties) -> Properties | None:
        try:
            return super().read(cloud, identifier, {**known, "id": identifier})
        except StopIteration:
            return None


@register
class FunctionEventInvokeConfig(Upsert):
    token = "aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig"
    service = "lambda"
    id_format = "{functionName}"
    properties = declare(
        functionName=Property(required=True, replace=True),
        maximumEventAgeInSeconds=Property(default=21_600),
        maximumRetryAttempts=Property(default=2),
    )
    create_call = update_call = "put_function_event_invoke_config"
    read_call = "get_function_event_invoke_config"
    delete_call = "delete_function_event_invoke_config"
