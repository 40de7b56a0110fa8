"""AWS's own services as callers: what their calls tell, and what the roles that they use may do."""

# Moto's objects are loosely typed.
# ruff: noqa: ANN401

from __future__ import annotations

import json
from typing import Any

from moto.iam.models import iam_backends

from localcloud.emulator.patches.callers import PARTITION, Caller
from localcloud.emulator.patches.evaluation import Facts, decide


def service(name: str) -> Caller:
    """The service (``logs.amazonaws.com``) as a principal."""
    return Caller(account="", arn=name)


def facts(name: str, source_arn: str, account: str, **more: str | None) -> Facts:
    """What is known of the service's own call, for a resource of the account (IAM User Guide, "AWS
    global condition context keys").
    """
    not_of_services = ("principalarn", "principalaccount", "sourceip", "sourcevpc", "sourcevpce")
    return {
        **{f"aws:{fact}": None for fact in not_of_services},
        "aws:securetransport": "true",
        "aws:principalisawsservice": "true",
        "aws:principalservicename": name,
        "aws:sourcearn": source_arn,
        "aws:sourceaccount": account,
        **more,
    }


def trusts(role: Any, name: str, source_arn: str, account: str) -> bool:
    """Whether the service may act as the role, for a resource of the account."""
    trust = json.loads(role.assume_role_policy_document)
    known = facts(name, source_arn, account)
    return decide(trust, "sts:AssumeRole", role.arn, service(name), known) == "allow"


def may(role: Any, action: str, resource: str, known: Facts) -> bool:
    """Whether the role's own policies, within its boundary, allow the action."""
    managed: Any = iam_backends[role.account_id][PARTITION].managed_policies
    layers = [[*role.policies.values(), *map(_document, role.managed_policies.values())]]
    if boundary := role.permissions_boundary_arn:
        layers.append([_document(managed[boundary])])
    who = Caller(role.account_id, role.arn)
    for documents in layers:
        verdicts = {decide(json.loads(one), action, resource, who, known) for one in documents}
        if "deny" in verdicts or "allow" not in verdicts:
            return False
    return True


def _document(policy: Any) -> str:
    document: str = next(one.document for one in policy.versions if one.is_default)
    return document
