"""An environment that is not embedded: only the user's own shell says where its stacks are.

Here they are the embedded ones, as a shell after `eval "$(tenancy local env)"` has them.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable

from tests.integration.checkout import Checkout

STACK = "local"


def test_a_tenant_is_deployed_and_taken_out(new_checkout: Callable[[], Checkout]) -> None:
    checkout = new_checkout()
    checkout.shrink({"ant": "soft"})
    file = checkout.root / "Pulumi.local.yaml"
    lines = file.read_text("utf-8").splitlines(keepends=True)
    own = [line for line in lines if not line.strip().startswith(("embedded:", "takes_all_"))]
    file.write_text("".join(own), "utf-8")
    tenant = checkout.root / "tenants/ant.yaml"
    tenant.write_text(f"{tenant.read_text('utf-8')}environment: local\n", "utf-8")
    checkout.start_cloud("123456789012")
    settings = json.loads(checkout.run("env", "--json").stdout)

    def tenancy(*arguments: str) -> subprocess.CompletedProcess[str]:
        return checkout.tenancy(*arguments, "--stack", STACK, more=settings)

    up = tenancy("up", "--yes", "--json")
    assert up.returncode == 0, up.stderr
    assert "ant" in json.loads(up.stdout)["verified"]
    left = tenancy("offboard", "ant", "--to", "exported", "--yes", "--json")
    assert left.returncode == 0, left.stderr
    steps = [receipt["step"] for receipt in json.loads(left.stdout)["receipts"]]
    assert steps == ["suspended", "exported"]
    iam = checkout.client("iam")
    boundary = next(
        policy["Arn"]
        for page in iam.get_paginator("list_policies").paginate(Scope="Local")
        for policy in page["Policies"]
        if policy["PolicyName"].endswith("--ant--boundary")
    )
    version = iam.get_policy(PolicyArn=boundary)["Policy"]["DefaultVersionId"]
    told = iam.get_policy_version(PolicyArn=boundary, VersionId=version)["PolicyVersion"]
    assert [one["Effect"] for one in told["Document"]["Statement"]] == ["Deny"]
    assert tenancy("receipts", "verify", "ant").returncode == 0
