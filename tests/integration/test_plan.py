"""`tenancy plan`, `status` and `drift` on the real engine: a new tenant, each refusal, a change."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.integration import inventory
from tests.integration.checkout import Checkout, Json
from tests.integration.planted import granting

pytestmark = pytest.mark.xdist_group("plan")

STACK = "local"
GRANT = granting("ant", "bee")
NAMESAKE = """
aws.s3.Bucket(
    "namesake",
    bucket=names.bucket("bee"),
    tags={"tenant": "bee", "tier": "medium", "environment": "local", "managed-by": "test"},
    opts=ResourceOptions(provider=provider, protect=True),
)
"""


@pytest.fixture(scope="module")
def small(new_checkout: Callable[[], Checkout]) -> Checkout:
    checkout = new_checkout()
    checkout.shrink({"ant": "soft", "bee": "medium"})
    planned = plan(checkout)
    (stack,) = planned["stacks"]
    assert (stack["stack"], stack["new"], planned["exit_code"]) == (STACK, True, 0)
    checkout.up()
    return checkout


def plan(checkout: Checkout, code: int = 0) -> Json:
    """`tenancy plan --json`, which must end with the code; it changes nothing."""
    done = checkout.tenancy("plan", "--json")
    assert done.returncode == code, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    found: Json = json.loads(done.stdout)
    assert found["exit_code"] == code
    return found


def changes(planned: Json) -> dict[str, set[str]]:
    """Owner -> what would become of its things; empty for the platform."""
    found: dict[str, set[str]] = {}
    for stack in planned["stacks"]:
        for change in stack["changes"]:
            found.setdefault(change["tenant"], set()).add(change["op"])
    return found


def test_a_new_tenant_is_planned_with_its_cost_and_no_other_is_touched(small: Checkout) -> None:
    newcomer = "tenant: cat\ncontact: c@cat.example\nisolation: medium\n"
    with small.edited("tenants/cat.yaml", newcomer):
        planned = plan(small)
        again = small.tenancy("plan", "--markdown")
    found = changes(planned)
    assert found.pop("cat") == {"create"}
    assert found.keys() <= {""}, "the engine would touch other tenants"
    assert planned["verdict"]["answer"] == "proven"
    costs = {each["owner"]: each for each in planned["costs"]["owners"]}
    assert (costs["cat"]["today"], costs["cat"]["planned"]) == ("0", costs["bee"]["planned"])
    assert costs["bee"]["today"] == costs["bee"]["planned"]
    assert again.returncode == 0, again.stderr
    assert again.stdout.startswith("## Plan: ")
    assert "| local | cat | " in again.stdout
    assert "local: preview" not in again.stderr, "the preview still holds"


@pytest.mark.parametrize(
    ("code", "edit", "told"),
    [
        pytest.param(3, ("__main__.py", "", GRANT), "may s3:GetObject", id="cross-tenant grant"),
        pytest.param(4, ("__main__.py", "", NAMESAKE), "is also the name of", id="name collision"),
        pytest.param(
            5,
            (
                "Pulumi.local.yaml",
                "    embedded:",
                "    limits: {buckets_per_account: 2}\n    embedded:",
            ),
            "S3 buckets, of at most 2",
            id="quota overrun",
        ),
        pytest.param(
            6,
            ("Pulumi.local.yaml", "    project: lakehouse", "    project: laketown"),
            "what it holds would be lost",
            id="replacement of what holds data",
        ),
    ],
)
def test_what_speaks_against_an_update_is_refused_by_its_code_and_nothing_is_changed(
    small: Checkout, code: int, edit: tuple[str, str, str], told: str
) -> None:
    file, old, new = edit
    before = inventory.account_of(small)
    content = small.read(file)
    assert old in content
    changed = content.replace(old, new, 1) if old else content + new
    with small.edited(file, changed):
        planned = plan(small, code)
    (refusal, *_) = (each for each in planned["refusals"] if each["code"] == code)
    assert told in refusal["rule"]
    assert refusal["remedy"]
    assert inventory.account_of(small) == before


def test_a_removed_tenant_is_refused_as_a_loss_of_data(small: Checkout) -> None:
    with small.edited("tenants/ant.yaml", None):
        planned = plan(small, 6)
    assert planned["refusals"][0]["where"] == "tenants/ant.yaml"


def test_what_was_changed_behind_the_states_back_is_drift_and_is_proved_on(small: Checkout) -> None:
    s3 = small.client("s3")
    bucket = "lakehouse-local--bee--123456789012-data"
    wanted = s3.get_bucket_policy(Bucket=bucket)["Policy"]
    reader = "arn:aws:iam::123456789012:role/lakehouse-local/tenant/lakehouse-local--ant--reader"
    grant = {
        "Effect": "Allow",
        "Principal": {"AWS": reader},
        "Action": "s3:GetObject",
        "Resource": f"arn:aws:s3:::{bucket}/*",
    }
    s3.put_bucket_policy(
        Bucket=bucket, Policy=json.dumps({"Version": "2012-10-17", "Statement": [grant]})
    )
    done = small.tenancy("drift", "--json")
    assert done.returncode == 1, done.stderr
    found = json.loads(done.stdout)
    (difference,) = found["differences"]
    assert (difference["owner"], difference["what"]) == ("bee", "changed")
    assert difference["properties"] == ["policy"]
    # The reader's boundary holds off what the bucket now grants.
    assert found["verdict"]["answer"] == "proven"
    told = {row["tenant"]: row["differs"] for row in status(small)["rows"]}
    assert (told["bee"], told["ant"]) == (1, 0)
    s3.put_bucket_policy(Bucket=bucket, Policy=wanted)


def status(checkout: Checkout) -> Json:
    done = checkout.tenancy("status", "--json")
    assert done.returncode == 0, done.stderr
    found: Json = json.loads(done.stdout)
    return found


def test_another_environment_is_planned_in_the_users_own_backend(
    small: Checkout, tmp_path: Path
) -> None:
    """Nothing of it is deployed: no cloud is asked, and the embedded one's state is left alone."""
    users = {
        "PULUMI_BACKEND_URL": f"file://{tmp_path}",
        "PULUMI_CONFIG_PASSPHRASE": "the user's",
        "PATH": f"{small.root}/.local/bin:{small.environment['PATH']}",
    }
    found = {}
    for command in ("plan", "status"):
        done = small.tenancy(command, "--stack", "prod", "--json", more=users)
        assert done.returncode == 0, done.stdout + done.stderr
        found[command] = json.loads(done.stdout)
    (stack,) = found["plan"]["stacks"]
    assert (stack["stack"], stack["new"]) == ("prod", True)
    assert changes(found["plan"])["bee"] == {"create"}
    assert not any(row["deployed"] for row in found["status"]["rows"])
