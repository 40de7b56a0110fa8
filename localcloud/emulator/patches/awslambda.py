"""Lambda: functions that can work as configured, and keep the configuration they are given.

moto takes a role that Lambda may not assume, or that may do nothing a function needs, code that is
no zip file, networks that are not there; it keeps neither a dead-letter target nor where a function
logs, permits twice under one name, and adds to an event configuration instead of replacing it.

Sources: AWS Lambda API Reference, CreateFunction and its errors; AWS Lambda Developer Guide,
"Capturing records of asynchronous invocations" and "Giving Lambda functions access to resources in
an Amazon VPC".
"""

# A wrapper has the form of what it wraps.
# ruff: noqa: ANN401, ARG001

from __future__ import annotations

import base64
import gzip
import io
import json
import logging
import re
import zipfile
from typing import Any, Final

from moto.awslambda.exceptions import (
    InvalidParameterValueException,
    LambdaClientError,
)
from moto.awslambda.models import LambdaBackend, LambdaFunction
from moto.awslambda.policy import Policy
from moto.ec2.models import ec2_backends

from localcloud.emulator import functions
from localcloud.emulator.patches import services
from localcloud.emulator.patches.callers import PARTITION, role_by_arn
from localcloud.emulator.patches.evaluation import decide
from localcloud.emulator.patches.wrapping import Function, around

LOG: Final = logging.getLogger(__name__)
POLICY_SIZE: Final = 20_480  # bytes; AWS Lambda Developer Guide, "Lambda quotas"
_COLONS: Final = 5  # of an ARN
_INTERFACES: Final = (
    "ec2:CreateNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DeleteNetworkInterface",
)
_runner: functions.Runner | None = None


def run_with(runner: functions.Runner) -> None:
    """Have the functions of this process run by ``runner``."""
    global _runner  # noqa: PLW0603 one emulator is one process
    _runner = runner


class StatementThere(LambdaClientError):
    """The policy has a statement of this id."""

    code = 409

    def __init__(self, name: str) -> None:
        super().__init__(
            "ResourceConflictException", f"The statement id ({name}) provided already exists."
        )


def _init(original: Function, self: Any, account_id: str, spec: dict[str, Any], **of: Any) -> None:
    if spec.get("PackageType", "Zip") != "Zip" or spec.get("Layers"):
        raise _invalid("The embedded cloud runs functions of a zip file only, without layers.")
    _require_pair(spec)
    self.dead_letter_target = None
    original(self, account_id, spec, **of)
    _configure(self, spec)
    _require(self)


def _configuration(original: Function, self: Any, **how: Any) -> dict[str, Any]:
    shown: dict[str, Any] = original(self, **how)
    shown["LoggingConfig"] = {"LogFormat": "Text", "LogGroup": self.logs_group_name}
    if self.dead_letter_target:
        shown["DeadLetterConfig"] = {"TargetArn": self.dead_letter_target}
    return shown


def _update_configuration(
    original: Function, self: Any, config_updates: dict[str, Any]
) -> dict[str, Any]:
    before = dict(vars(self))
    try:
        if config_updates.get("Layers"):
            raise _invalid("The embedded cloud runs functions without layers only.")
        _require_pair(config_updates)
        original(self, config_updates)
        _configure(self, config_updates)
        _require(self)
    except LambdaClientError:
        vars(self).update(before)
        raise
    shown: dict[str, Any] = self.get_configuration()
    return shown


def _require_pair(spec: dict[str, Any]) -> None:
    network = spec.get("VpcConfig") or {}
    if bool(network.get("SubnetIds")) != bool(network.get("SecurityGroupIds")):
        raise _invalid("SubnetIds and SecurityGroupIds must coexist or be both empty list.")


def _configure(function: Any, spec: dict[str, Any]) -> None:
    """What moto does not take over."""
    if "DeadLetterConfig" in spec:
        function.dead_letter_target = spec["DeadLetterConfig"].get("TargetArn")
    if logging := spec.get("LoggingConfig"):
        if logging.get("LogFormat", "Text") != "Text":
            raise _invalid("The embedded cloud writes the logs of functions as Text only.")
        function.logs_group_name = logging.get("LogGroup", function.logs_group_name)
    if "TracingConfig" in spec:
        function.tracing_config = spec["TracingConfig"]
    if "KMSKeyArn" in spec:
        function.kms_key_arn = spec["KMSKeyArn"]
    if "EphemeralStorage" in spec:
        function.ephemeral_storage = spec["EphemeralStorage"]["Size"]


def _update_code(original: Function, self: Any, updated_spec: dict[str, Any]) -> dict[str, Any]:
    before = dict(vars(self)), dict(self.code)
    try:
        original(self, updated_spec)
        if "Architectures" in updated_spec:
            self.architectures = updated_spec["Architectures"]
        _require(self)
    except LambdaClientError:
        vars(self).update(before[0])
        self.code = before[1]
        raise
    shown: dict[str, Any] = self.get_configuration()
    return shown


def _require(function: Any) -> None:
    """Raise what AWS answers when the function could not work."""
    if not re.fullmatch(r"python3\.[0-9]+", str(function.run_time), re.ASCII):
        raise _invalid(
            f"The embedded cloud runs functions in Python only, not {function.run_time}."
        )
    if not zipfile.is_zipfile(io.BytesIO(function.code_bytes)):
        raise _invalid("Could not unzip uploaded file. Please check your file, then try again.")
    role = role_by_arn(function.role)
    arn, account = function.function_arn, function.account_id
    if role is None or not services.trusts(role, functions.SERVICE, arn, account):
        raise _invalid("The role defined for the function cannot be assumed by Lambda.")
    if function.dead_letter_target:
        _require_letters(role, function.dead_letter_target)
    if (network := function.vpc_config) and network["SubnetIds"]:
        _require_network(role, network, ec2_backends[account][function.region])


def _require_letters(role: Any, target: str) -> None:
    service = target.split(":")[2] if target.count(":") >= _COLONS else ""
    action = functions.LETTERS.get(service)
    if action is None:
        raise _invalid(f"The provided target ARN {target} is invalid.")
    if not services.may(role, action, target, functions.OF_LAMBDA_ITSELF):
        raise _invalid(
            f"The provided execution role does not have permissions to call "
            f"{action.partition(':')[2]} on {service.upper()}"
        )


def _require_network(role: Any, network: dict[str, Any], ec2: Any) -> None:
    for action in _INTERFACES:
        if not services.may(role, action, "*", functions.OF_LAMBDA_ITSELF):
            raise _invalid(
                "The provided execution role does not have permissions to call "
                f"{action.partition(':')[2]} on EC2"
            )
    subnets = {subnet for zone in ec2.subnets.values() for subnet in zone}
    if missing := sorted(set(network["SubnetIds"]) - subnets):
        raise _invalid(f"The subnet ID '{missing[0]}' does not exist")
    for group in network["SecurityGroupIds"]:
        if ec2.get_security_group_from_id(group) is None:
            raise _invalid(f"The security group '{group}' does not exist")


def _invalid(message: str) -> LambdaClientError:
    return InvalidParameterValueException(message)


def _add_statement(original: Function, self: Any, raw: str, qualifier: str | None = None) -> Any:
    statement = json.loads(raw)
    name = statement.get("StatementId")
    if any(one["Sid"] == name for one in self.statements):
        raise StatementThere(name)
    before = list(self.statements)
    added = original(self, raw, qualifier)
    principal = self.statements[-1]["Principal"]
    if isinstance(principal, str):
        is_account = re.fullmatch(r"[0-9]{12}", principal, re.ASCII)
        arn = f"arn:{PARTITION}:iam::{principal}:root" if is_account else principal
        self.statements[-1]["Principal"] = {"AWS": arn}
    if len(json.dumps(self.get_policy()["Policy"]).encode()) > POLICY_SIZE:
        self.statements[:] = before
        raise LambdaClientError(
            "PolicyLengthExceededException",
            f"The final policy size is bigger than the limit ({POLICY_SIZE}).",
        )
    return added


def _put_event_invoke_config(
    original: Function, self: Any, function_name: str, config: dict[str, Any]
) -> dict[str, Any]:
    if any((config.get("DestinationConfig") or {}).values()):
        raise _invalid("The embedded cloud knows dead-letter targets, and no destinations.")
    function = self.get_function(function_name)
    before, function.event_invoke_config = function.event_invoke_config, []
    try:
        shown: dict[str, Any] = original(self, function_name, config)
    except LambdaClientError:
        function.event_invoke_config = before
        raise
    return shown


def _invoke(
    original: Function, self: Any, body: str, request_headers: Any, response_headers: Any
) -> str | bytes:
    kind = request_headers.get("X-Amz-Invocation-Type", "RequestResponse")
    event = body or "{}"
    try:
        json.loads(event)
    except ValueError as error:
        told = f"Could not parse request body into json: {error}"
        raise LambdaClientError("InvalidRequestContentException", told) from None
    if _runner is None or not request_headers:
        # Sources other than CloudWatch Logs would wait for the answer while they hold up the
        # function's own calls.
        raise _invalid("The embedded cloud invokes functions by calls and log subscriptions only.")
    if kind == "DryRun":
        return ""
    if kind == "Event":
        _runner.submit(self, event)
        return ""
    try:
        outcome = _runner.invoke(self, event)
    except functions.CannotRun as error:
        raise LambdaClientError("AccessDeniedException", str(error)) from None
    if outcome.error:
        response_headers["x-amz-function-error"] = "Unhandled"
    tail = outcome.log.encode()[-functions.LOG_TAIL :]
    response_headers["x-amz-log-result"] = base64.b64encode(tail).decode()
    return outcome.payload


def permits(function: Any, service: str, source_arn: str) -> bool:
    """Whether the function's policy lets the service invoke it, for a resource of its account."""
    known = services.facts(service, source_arn, function.account_id)
    arn, who = function.function_arn, services.service(service)
    document = {"Version": "2012-10-17", "Statement": function.policy.statements}
    return decide(document, "lambda:InvokeFunction", arn, who, known) == "allow"


def _send_log_event(  # noqa: PLR0913, PLR0917 moto's own signature
    original: Function,
    self: Any,
    function_arn: str,
    filter_name: str,
    log_group_name: str,
    log_stream_name: str,
    log_events: list[dict[str, Any]],
) -> None:
    """CloudWatch Logs User Guide, "Subscription filters with AWS Lambda": the form of the event."""
    function = self.get_function_by_arn(function_arn)
    group = f"arn:{PARTITION}:logs:{self.region_name}:{self.account_id}:log-group:{log_group_name}"
    if function is None or not permits(function, "logs.amazonaws.com", f"{group}:*"):
        LOG.warning("%s gets no events of %s: it is not permitted", function_arn, log_group_name)
        return
    if _runner is None:
        raise _invalid("This emulator runs no functions.")
    data = {
        "messageType": "DATA_MESSAGE",
        "owner": self.account_id,
        "logGroup": log_group_name,
        "logStream": log_stream_name,
        "subscriptionFilters": [filter_name],
        "logEvents": log_events,
    }
    packed = base64.b64encode(gzip.compress(json.dumps(data).encode())).decode()
    _runner.submit(function, json.dumps({"awslogs": {"data": packed}}))


def patch() -> None:
    """Change moto in this process."""
    around(LambdaFunction, "__init__")(_init)
    around(LambdaFunction, "get_configuration")(_configuration)
    around(LambdaFunction, "update_configuration")(_update_configuration)
    around(LambdaFunction, "update_function_code")(_update_code)
    around(LambdaFunction, "invoke")(_invoke)
    around(LambdaBackend, "send_log_event")(_send_log_event)
    around(Policy, "add_statement")(_add_statement)
    around(LambdaBackend, "put_function_event_invoke_config")(_put_event_invoke_config)
