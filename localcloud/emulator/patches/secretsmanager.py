"""Secrets Manager: rotation that is set up but never runs, and policies that are not public.

Rotation is asynchronous in AWS, and a rotation function talks to a database, which the emulator
does not have. moto would call the function within the request, four times, and make its half-made
version current.
"""

# A wrapper has the form of what it wraps.
# ruff: noqa: ANN401

from __future__ import annotations

import json
from typing import Any

from moto.awslambda.exceptions import GenericResourcNotFound, UnknownFunctionException
from moto.awslambda.models import lambda_backends
from moto.secretsmanager.exceptions import (
    InvalidRequestException,
    ResourceNotFoundException,
    SecretsManagerClientError,
)
from moto.secretsmanager.models import FakeSecret, SecretsManagerBackend
from moto.secretsmanager.responses import SecretsManagerResponse

from localcloud.emulator.patches.wrapping import Function, around


class PublicPolicyException(SecretsManagerClientError):
    """The policy lets everyone in, and the call forbade that."""

    def __init__(self) -> None:
        super().__init__(
            "PublicPolicyException",
            "The resource policy grants broad access to the secret and BlockPublicPolicy is set.",
        )


class CannotInvoke(SecretsManagerClientError):
    """The function's policy does not let Secrets Manager in."""

    def __init__(self) -> None:
        super().__init__(
            "AccessDeniedException",
            "Secrets Manager cannot invoke the specified Lambda function. Ensure that the function "
            "policy grants access to the principal secretsmanager.amazonaws.com.",
        )


def _rotate(
    original: Function,
    self: Any,
    secret_id: str,
    *,
    rotation_lambda_arn: str | None = None,
    rotation_rules: dict[str, Any] | None = None,
    **how: Any,
) -> Any:
    if not rotation_lambda_arn:
        return original(self, secret_id, rotation_rules=rotation_rules, **how)
    secret = self.describe_secret(secret_id)
    if secret.is_deleted():
        raise InvalidRequestException("The secret is scheduled for deletion.")
    _require_function(self, rotation_lambda_arn)
    secret.rotation_requested = secret.rotation_enabled = True
    secret.rotation_lambda_arn = rotation_lambda_arn
    secret.rotation_rules = dict(rotation_rules or {})
    return secret.to_short_dict()


def _require_function(self: Any, arn: str) -> None:
    try:
        function = lambda_backends[self.account_id][self.region_name].get_function(arn)
    except UnknownFunctionException:
        raise ResourceNotFoundException(f"Resource not found for ARN '{arn}'.") from None
    try:
        statements = function.policy.get_policy()["Policy"]["Statement"]
    except GenericResourcNotFound:
        statements = []
    principals = [one.get("Principal") for one in statements if one.get("Effect") == "Allow"]
    if {"Service": "secretsmanager.amazonaws.com"} not in principals:
        raise CannotInvoke


def _to_dict(original: Function, self: Any) -> dict[str, Any]:
    shown: dict[str, Any] = original(self)
    if self.rotation_requested and (rules := getattr(self, "rotation_rules", None)):
        shown["RotationRules"] = rules
    return shown


def _put_policy(original: Function, self: Any) -> Any:
    if self._get_bool_param("BlockPublicPolicy", False):  # noqa: FBT003
        for statement in json.loads(self._get_param("ResourcePolicy")).get("Statement", []):
            everyone = statement.get("Principal") in ("*", {"AWS": "*"}, {"AWS": ["*"]})
            if everyone and statement.get("Effect") == "Allow" and not statement.get("Condition"):
                raise PublicPolicyException
    return original(self)


def patch() -> None:
    """Change moto in this process."""
    around(SecretsManagerBackend, "rotate_secret")(_rotate)
    around(FakeSecret, "to_dict")(_to_dict)
    around(SecretsManagerResponse, "put_resource_policy")(_put_policy)
