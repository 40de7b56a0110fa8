"""`pulumi refresh` finds what was changed behind the program's back, and only that."""

from __future__ import annotations

import json

import pytest

from tests.integration.checkout import Checkout

BUCKET = "lakehouse-local--newcorp--123456789012-data"


def drift(checkout: Checkout, stack: str) -> dict[str, str]:
    """Name to operation of what a refresh would change."""
    done = checkout.pulumi("refresh", "--preview-only", "--json", "--stack", stack)
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(done.stdout)
    assert found["changeSummary"]["same"] > 40
    return {
        step["urn"].rpartition("::")[2]: step["op"]
        for step in found["steps"]
        if step["op"] != "same"
        and not (step["op"] == "refresh" and step.get("oldState", {}) == step.get("newState", {}))
    }


@pytest.mark.parametrize("stack", ["local", "local-federal-dhs"])
def test_a_refresh_right_after_a_deployment_finds_nothing(deployed: Checkout, stack: str) -> None:
    assert drift(deployed, stack) == {}


def test_a_bucket_policy_that_was_changed_by_hand_is_found_and_mended(deployed: Checkout) -> None:
    s3 = deployed.client("s3")
    wanted = json.loads(s3.get_bucket_policy(Bucket=BUCKET)["Policy"])
    opened = {**wanted, "Statement": wanted["Statement"][1:]}
    s3.put_bucket_policy(Bucket=BUCKET, Policy=json.dumps(opened))
    ((name, op),) = drift(deployed, "local").items()
    assert op == "update"
    assert name.startswith("newcorp-storage")

    refreshed = deployed.pulumi("refresh", "--yes", "--stack", "local")
    assert refreshed.returncode == 0, refreshed.stderr
    mended = deployed.pulumi("up", "--yes", "--stack", "local")
    assert mended.returncode == 0, mended.stderr
    assert "~ 1 updated" in mended.stdout
    assert json.loads(s3.get_bucket_policy(Bucket=BUCKET)["Policy"]) == wanted
    assert drift(deployed, "local") == {}
