"""Writes down the account that was vended for a tenant, in the configuration of its stack."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import yaml

from onboarding.errors import Refused
from onboarding.state import StackState
from tenancy.errors import Problem
from tenancy.organization import OrganizationPlan
from tenancy.vended import ACCOUNT_KEY, hard_stack, load_vended

VENDED_TYPE = "tenancy:aws:VendedAccount"


def vended_in(state: StackState) -> dict[str, str]:
    """Tenant -> its account, as the state of an organization's stack has them."""
    outputs = (resource.outputs for resource in state.of_type(VENDED_TYPE))
    return {told["tenant"]: told["account_id"] for told in outputs if "account_id" in told}


def write_down(root: Path, plan: OrganizationPlan, vended: Mapping[str, str]) -> tuple[str, ...]:
    """Make each tenant's stack file tell its account.

    Returns:
        the files that were written; none where all told it already.

    Raises:
        Refused: a file tells another account than the one that was vended.
    """
    files = {tenant: _file(plan, tenant) for tenant in plan.members if tenant in vended}
    known = load_vended(root / file for file in files.values() if (root / file).is_file())
    problems = [
        Problem(
            file,
            f"config.{ACCOUNT_KEY}",
            f"it says {known[stack]}, and stack {plan.name} vended {vended[tenant]} for the tenant",
            f'write "{vended[tenant]}" there; if the tenant is deployed in {known[stack]}, put that'
            f" account back into {plan.name} instead",
        )
        for tenant, file in files.items()
        if known.get(stack := hard_stack(plan.environment.name, tenant), vended[tenant])
        != vended[tenant]
    ]
    if problems:
        raise Refused(problems)
    new = {
        file: vended[tenant]
        for tenant, file in files.items()
        if hard_stack(plan.environment.name, tenant) not in known
    }
    for file, account in new.items():
        _write(root / file, account)
    return tuple(new)


def _file(plan: OrganizationPlan, tenant: str) -> str:
    return f"Pulumi.{hard_stack(plan.environment.name, tenant)}.yaml"


def _write(path: Path, account: str) -> None:
    """Add the account; the rest of the file, such as the salt that the engine writes, stays."""
    before = path.read_text(encoding="utf-8") if path.is_file() else ""
    line = f"  {ACCOUNT_KEY}: {json.dumps(account)}\n"
    if (yaml.safe_load(before) or {}).get("config"):
        text = before.replace("config:\n", f"config:\n{line}", 1)
    else:
        text = f"{before.rstrip()}\n" if before.strip() else ""
        text += f"config: # vended by the organization\n{line}"
    draft = path.with_name(f"{path.name}.draft")
    draft.write_text(text, encoding="utf-8")
    draft.replace(path)
