"""Onboards a tenant as a customer portal would: its file, the judgement, the update, what it got.

    python examples/onboard.py initech --tier medium --contact ops@initech.example

`onboarding.up` works on the stacks through the Automation API, in this process. The script runs in
the project's folder and prints one JSON object on standard output. The exit code is 0, or that of
`tenancy plan` for the gravest thing that speaks against the tenant, whose file is then removed.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path

from onboarding.add import NewTenant, add
from onboarding.planned import Plan
from onboarding.progress import Silence
from onboarding.up import RefusedPlan, up
from tenancy.tiers import Tier


def main() -> int:
    """Onboard the tenant that the arguments name."""
    arguments = argparse.ArgumentParser(description="Onboard a tenant.")
    arguments.add_argument("tenant")
    arguments.add_argument("--tier", choices=[tier.label for tier in Tier], default="medium")
    arguments.add_argument("--contact", required=True)
    given = arguments.parse_args()
    tier = next(tier for tier in Tier if tier.label == given.tier)

    root = Path.cwd()
    file = add(root, NewTenant(given.tenant, tier, given.contact))
    try:
        result = up(root, Silence(), lambda plan: _only(given.tenant, plan), tenant=given.tenant)
    except RefusedPlan as refused:
        file.unlink()  # nothing was deployed
        print(json.dumps({"refused": [each.to_json() for each in refused.plan.refusals]}))
        return refused.plan.exit_code
    if result.declined:
        file.unlink()
        print(json.dumps({"declined": "others would change as well"}))
        return 1
    got = next(each for each in result.tenants if each.tenant == given.tenant)
    print(json.dumps({"tenant": asdict(got), "file": str(file.relative_to(root))}))
    return 0


def _only(tenant: str, plan: Plan) -> bool:
    """The portal's own rule: nobody reads its plans, so it changes no other tenant."""
    owners = {change.tenant for stack in plan.stacks for change in stack.changes}
    return owners <= {tenant, ""}


if __name__ == "__main__":
    sys.exit(main())
