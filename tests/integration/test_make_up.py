"""What a user sees of `make up`: what it makes, that it makes it once, and nobody else's."""

from __future__ import annotations

import json

import psutil
import yaml

from tests.integration import inventory
from tests.integration.checkout import Checkout, Json

STACKS = ("local", "local-federal-dhs")
VENDED = ("local-org", "local-nevada-health")
"""The stack that vends the account of a tenant which names none, and that tenant's."""

POLICIES = ("policy", "assumeRolePolicy")
"""Properties that hold policy documents, whatever the resource."""

UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
"""What the engine writes where a value is unknown until the update (its plugin protocol)."""

NEWCOMER = """\
tenant: initech
contact: ops@initech.example
isolation: soft
"""


def vended_account(checkout: Checkout) -> str:
    """The account that nevada-health's stack file tells."""
    told = yaml.safe_load(checkout.read("Pulumi.local-nevada-health.yaml"))
    return str(told["config"]["tenancy:account_id"])


def test_a_second_up_changes_nothing_and_tells_what_exists(deployed: Checkout) -> None:
    files = {stack: deployed.read(f"Pulumi.{stack}.yaml") for stack in (*STACKS, *VENDED)}
    done = deployed.run("up")
    assert done.returncode == 0, done.stderr
    for wanted in (
        "acme  soft",
        "newcorp  medium",
        "federal-dhs  hard",
        "account    210987654321",
        "nevada-health  hard",
        "lakehouse-local--acme--reader",
        "lakehouse_local__newcorp__lakehouse",
        "s3://lakehouse-local--shared--123456789012-data/globex/",
        *(f"stack {stack}: 0 changes" for stack in (*STACKS, *VENDED)),
    ):
        assert wanted in done.stdout
    assert "local: preview" in done.stderr
    assert "reading back" not in done.stderr, "it mended what was not broken"
    assert "\x1b[" not in done.stdout + done.stderr, "colour where there is no terminal"
    assert {stack: deployed.read(f"Pulumi.{stack}.yaml") for stack in files} == files


def test_status_and_env_tell_what_runs(deployed: Checkout) -> None:
    status = json.loads(deployed.run("status", "--json").stdout)
    assert status["cloud"]["running"]
    vended = vended_account(deployed)
    assert status["accounts"] == sorted(["123456789012", "210987654321", vended])
    stacks = {stack["stack"]: stack for stack in status["stacks"]}
    assert set(stacks) == {*STACKS, *VENDED}
    assert stacks["local-federal-dhs"]["tenants"] == ["federal-dhs"]
    assert all(stack["current"] and not stack["lock"] for stack in stacks.values())
    assert f"export AWS_ENDPOINT_URL={status['cloud']['endpoint']}" in deployed.run("env").stdout


def test_an_account_is_vended_once_limited_and_kept(deployed: Checkout) -> None:
    """The tenant's own stack knows it before its preview; another tenant's is nobody's."""
    number = vended_account(deployed)
    client = deployed.client("organizations")
    listed = client.list_accounts()["Accounts"]
    named = [one["Id"] for one in listed if one["Name"] == "lakehouse-local--nevada-health"]
    assert named == [number]
    (parent,) = client.list_parents(ChildId=number)["Parents"]
    policies = client.list_policies_for_target(
        TargetId=parent["Id"], Filter="SERVICE_CONTROL_POLICY"
    )["Policies"]
    (own,) = (one["Id"] for one in policies if one["Name"] == "lakehouse-local--tenants")
    content = json.loads(client.describe_policy(PolicyId=own)["Policy"]["Content"])
    denied = {action for one in content["Statement"] for action in one["Action"]}
    assert {one["Effect"] for one in content["Statement"]} == {"Deny"}
    assert denied >= {
        "organizations:LeaveOrganization",
        "cloudtrail:StopLogging",
        "s3:PutAccountPublicAccessBlock",
    }
    own_stack = deployed.resources("local-nevada-health")
    (block,) = (one for one in own_stack.values() if "AccountPublicAccessBlock" in one["type"])
    assert block["outputs"]["accountId"] == number
    assert block["outputs"]["restrictPublicBuckets"] is True
    for urn, entry in deployed.resources("local-org").items():
        if entry["type"] == "aws:organizations/account:Account":
            assert (entry["protect"], entry["retainOnDelete"]) == (True, True), urn
            assert entry["inputs"]["closeOnDeletion"] is False
    (anchor,) = (urn for urn in own_stack if "Placement::" in urn)
    assert f"account={number}" in anchor


def test_a_tenant_that_is_added_changes_only_what_serves_all(deployed: Checkout) -> None:
    """Registries and shared services, whose configuration names every tenant of the stack."""
    with deployed.edited("tenants/initech.yaml", NEWCOMER):
        preview = deployed.preview("local")
    steps: dict[str, set[str]] = {}
    for step in preview["steps"]:
        steps.setdefault(step["op"], set()).add(step["urn"].rpartition("::")[2])
    assert "initech-iam-reader" in steps["create"]
    assert all("initech" in name for name in steps["create"])
    services = {
        "platform-nessie-gateway",
        *(f"dagster-{service}" for service in ("code", "webserver", "daemon")),
    }
    assert steps["replace"] == {f"{service}-definition" for service in services}
    assert steps["update"] == {
        "account-tenant-tag",
        "platform-nessie-metadata-1",
        "dagster-dagster-daemon-1",
        "dagster-run-execution-1",
        "foundation-audit-router-function",
        *(f"{service}-service" for service in services),
    }
    assert steps.keys() == {"create", "replace", "same", "update"}


def test_a_cloud_that_is_gone_is_built_again(deployed: Checkout) -> None:
    """A reboot: the states describe what no longer exists anywhere."""

    def everything() -> list[Json]:
        accounts = (None, "210987654321", vended_account(deployed))
        return [inventory.account_of(deployed, account) for account in accounts]

    before = everything()
    pid = json.loads(deployed.run("status", "--json").stdout)["cloud"]["pid"]
    psutil.Process(pid).kill()
    done = deployed.run("up")
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
