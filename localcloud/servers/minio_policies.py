"""Grants of the program as MinIO understands them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from tenancy.grants import Statement

_ALL = ("*",)
_OTHER_ACCOUNTS = "s3:ResourceAccount"
# Of the services that a tenant's role may touch, those that are not here.
_ELSEWHERE = ("kms:", "glue:")


def minio_policy(statements: Iterable[Statement]) -> dict[str, Any]:
    """The statements on S3 as a policy document of MinIO's.

    Left out are statements on keys and on Glue's tables, which MinIO has not, and the condition on
    the account of a bucket: here is one account, in which nobody else can own the name. What is
    said of everything is said of all of S3. Whatever else MinIO does not know, it refuses itself.
    """
    kept = [_on_s3(_of_one_account(each)) for each in statements if not _is_elsewhere(each)]
    return {"Version": "2012-10-17", "Statement": [each.to_json() for each in kept]}


def _is_elsewhere(statement: Statement) -> bool:
    return bool(statement.actions) and all(
        action.startswith(_ELSEWHERE) for action in statement.actions
    )


def _of_one_account(statement: Statement) -> Statement:
    conditions = {
        operator: {key: value for key, value in keys.items() if key != _OTHER_ACCOUNTS}
        for operator, keys in statement.conditions.items()
    }
    return replace(
        statement, conditions={operator: keys for operator, keys in conditions.items() if keys}
    )


def _on_s3(statement: Statement) -> Statement:
    actions = ("s3:*",) if statement.actions == _ALL else statement.actions
    resources = ("arn:aws:s3:::*",) if statement.resources == _ALL else statement.resources
    return replace(statement, actions=actions, resources=resources)
