"""What a user sees of `make up`: what it makes, that it makes it once, and nobody else's."""

from __future__ import annotations

import json

import psutil

from tests.integration import inventory
from tests.integration.checkout import LAST_STATE_ONLY, Checkout, Json

STACKS = ("local", "local-federal-dhs")

POLICIES = ("policy", "assumeRolePolicy")
"""Properties that hold policy documents, whatever the resource."""

UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
"""What the engine writes where a value is unknown until the update (its plugin protocol)."""

NEWCOMER = """\
tenant: initech
contact: ops@initech.example
isolation: soft
"""


def test_a_second_up_changes_nothing_and_tells_what_exists(deployed: Checkout) -> None:
    files = {stack: deployed.read(f"Pulumi.{stack}.yaml") for stack in STACKS}
    done = deployed.run("up")
    assert done.returncode == 0, done.stderr
    for wanted in (
        "acme  soft",
        "newcorp  medium",
        "federal-dhs  hard",
        "account    210987654321",
        "lakehouse-local--acme--reader",
        "lakehouse_local__newcorp__lakehouse",
        "s3://lakehouse-local--shared--123456789012-data/globex/",
        *(f"stack {stack}: 0 changes" for stack in STACKS),
    ):
        assert wanted in done.stdout
    assert "reading back" not in done.stderr, "it mended what was not broken"
    assert "\x1b[" not in done.stdout + done.stderr, "colour where there is no terminal"
    assert {stack: deployed.read(f"Pulumi.{stack}.yaml") for stack in files} == files


def test_status_and_env_tell_what_runs(deployed: Checkout) -> None:
    status = json.loads(deployed.run("status", "--json").stdout)
    assert status["cloud"]["running"]
    assert status["accounts"] == ["123456789012", "210987654321"]
    stacks = {stack["stack"]: stack for stack in status["stacks"]}
    assert set(stacks) == set(STACKS)
    assert stacks["local-federal-dhs"]["tenants"] == ["federal-dhs"]
    assert all(stack["current"] and not stack["lock"] for stack in stacks.values())
    assert f"export AWS_ENDPOINT_URL={status['cloud']['endpoint']}" in deployed.run("env").stdout


def test_a_tenant_that_is_added_changes_only_what_serves_all(deployed: Checkout) -> None:
    """Registries and shared services, whose configuration names every tenant of the stack."""
    with deployed.edited("tenants/initech.yaml", NEWCOMER):
        preview = deployed.preview("local")
    steps: dict[str, set[str]] = {}
    for step in preview["steps"]:
        steps.setdefault(step["op"], set()).add(step["urn"].rpartition("::")[2])
    assert "initech-iam-reader" in steps["create"]
    assert all("initech" in name for name in steps["create"])
    assert steps["update"] == {
        "platform-nessie-metadata-1",
        "dagster-dagster-daemon-1",
        "dagster-run-execution-1",
    }
    assert steps.keys() == {"create", "same", "update"}


def test_a_cloud_that_is_gone_is_built_again(deployed: Checkout) -> None:
    """A reboot: the states describe what no longer exists anywhere."""

    def everything() -> list[Json]:
        accounts = (None, "210987654321")
        return [inventory.account_of(deployed, account) for account in accounts]

    before = everything()
    pid = json.loads(deployed.run("status", "--json").stdout)["cloud"]["pid"]
    psutil.Process(pid).kill()
    done = deployed.tenancy("local", "up", more=LAST_STATE_ONLY)
    assert done.returncode == 0, done.stderr
    assert "the embedded cloud is a new one" in done.stderr
    assert everything() == before


def test_every_policy_document_is_known_at_preview(empty: Checkout) -> None:
    """Of a cloud where nothing exists yet: nothing can be known from an earlier deployment."""
    seen = 0
    for stack in STACKS:
        empty.pulumi("stack", "init", stack, "--no-select")
        if stack != "local":
            assert "the platform is not deployed yet" in empty.pulumi("preview", "-s", stack).stdout
            empty.told_outputs("local", vpc_id="vpc-00000001", route_table_id="rtb-00000001")
        for step in empty.preview(stack)["steps"]:
            inputs: Json = step.get("newState", {}).get("inputs", {})
            for name in POLICIES:
                if name not in inputs:
                    continue
                seen += 1
                assert isinstance(inputs[name], str), step["urn"]
                assert UNKNOWN not in inputs[name], step["urn"]
                assert json.loads(inputs[name])["Statement"], step["urn"]
    # Five tenants with four roles (trust and grants), a boundary each, buckets and keys.
    assert seen >= 5 * (4 * 2 + 1) + 4 * 2
