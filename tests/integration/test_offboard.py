"""Tenants of each tier come to a small estate and leave it, killed on the way 25 times.

Whatever was killed, the next run goes on, no account is made twice, and whoever stays is as before.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from functools import cached_property
from typing import Any

import psutil
import pytest
import yaml

from tests.integration.checkout import Checkout, Json
from tests.integration.test_kill import locks, processes_of

pytestmark = pytest.mark.xdist_group("offboard")

PLATFORM = "123456789012"
TENANTS = {"ant": "soft", "bee": "medium", "cat": "hard", "dog": "soft"}
SEED = 11
PREFIX = "lakehouse-local"
LONGEST = 9
"""Seconds until a run is killed at the latest, on a machine that does nothing else."""
HELP = 0.45
"""Seconds that `tenancy --help` takes on it."""

LATER = """
import sys
from datetime import timedelta
from pathlib import Path
from rich.console import Console
from onboarding import offboard
from onboarding.progress import reporter_for
from tenancy.leaving import Leaving
clock = lambda: offboard.utc_now() + timedelta(days=31)
report = reporter_for(Console(stderr=True))
offboard.offboard(Path.cwd(), sys.argv[1], Leaving.DESTROYED, report, clock=clock)
"""
"""What the command does, a month from now: a clock is given to the API, never to the command."""


class Estate:
    """Four tenants, two of whom share a bucket, with an object of two versions each."""

    def __init__(self, checkout: Checkout) -> None:
        self.checkout = checkout
        self.python = str(checkout.root / ".venv" / "bin" / "python")
        self.random = random.Random(SEED)
        self.kills = 0
        began = time.monotonic()
        self.checkout.tenancy("--help")
        self.slowness = (time.monotonic() - began) / HELP

    @cached_property
    def cat(self) -> str:
        """The number of the account that was vended."""
        told = yaml.safe_load(self.checkout.read("Pulumi.local-cat.yaml"))
        return str(told["config"]["tenancy:account_id"])

    def place(self, tenant: str) -> tuple[Any, str, str]:
        """A client of S3 that may, the bucket, and the prefix."""
        account = self.cat if tenant == "cat" else None
        owner = "shared" if TENANTS[tenant] == "soft" else tenant
        bucket = f"{PREFIX}--{owner}--{account or PLATFORM}-data"
        return self.checkout.client("s3", account), bucket, f"{tenant}/"

    def put(self, tenant: str) -> None:
        s3, bucket, prefix = self.place(tenant)
        for content in (b"one", b"two"):
            s3.put_object(
                Bucket=bucket,
                Key=f"{prefix}lakehouse/data/event_stream/part.parquet",
                Body=content + tenant.encode(),
                ServerSideEncryption="aws:kms",
            )

    def versions(self, tenant: str) -> list[str]:
        s3, bucket, prefix = self.place(tenant)
        try:
            told = s3.list_object_versions(Bucket=bucket, Prefix=prefix)
        except s3.exceptions.NoSuchBucket:
            return []
        return [one["VersionId"] for one in told.get("Versions", [])]

    def receipts(self, tenant: str) -> Json:
        done = self.checkout.tenancy("receipts", "verify", tenant, "--json")
        assert done.returncode == 0, done.stderr
        result: Json = json.loads(done.stdout)
        return result

    def steps(self, tenant: str) -> list[str]:
        return [receipt["step"] for receipt in self.receipts(tenant)["receipts"]]

    def kill(self, command: list[str], times: int) -> None:
        """Run it and kill it at a random moment: its process group, or all that it started too."""
        longest = LONGEST * self.slowness
        while times:
            began = time.monotonic()
            process = subprocess.Popen(
                command,
                cwd=self.checkout.root,
                env=self.checkout.environment,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
            try:
                assert process.wait(self.random.uniform(0.1, 1) * longest) == 0
            except subprocess.TimeoutExpired:
                started = psutil.Process(process.pid).children(recursive=True)
                os.killpg(process.pid, signal.SIGKILL)
                if self.random.random() < 0.5:  # else the engine goes on, and the next run waits
                    for one in started:
                        with suppress(psutil.NoSuchProcess):
                            one.kill()
                process.wait()
                times -= 1
                self.kills += 1
            else:  # it had ended: there is less left to do than it was given time for
                longest = 0.9 * (time.monotonic() - began)

    def end(self, tenant: str, *, kills: int) -> None:
        """Destroy what is due, killed on the way."""
        command = [self.python, "-c", LATER, tenant]
        self.kill(command, kills)
        assert len(self.versions("dog")) == 2
        done = subprocess.run(
            command,
            cwd=self.checkout.root,
            env=self.checkout.environment,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, done.stderr

    def as_before(self) -> None:
        """Who stays has all that it had, in a proven estate, and nothing is left of other runs."""
        assert len(self.versions("dog")) == 2
        proved = self.checkout.tenancy("prove", "--strict", "--json")
        assert proved.returncode == 0, proved.stdout + proved.stderr
        assert locks(self.checkout) == []
        assert processes_of(self.checkout) == []


@pytest.fixture(scope="module")
def estate(new_checkout: Callable[[], Checkout]) -> Estate:
    checkout = new_checkout()
    for path in [
        *checkout.root.glob("tenants/*.yaml"),
        *checkout.root.glob("table-templates/*.yaml"),
        *checkout.root.glob("Pulumi.local-*.yaml"),
    ]:
        if path.stem != "event_stream":
            path.unlink()
    for tenant, tier in TENANTS.items():
        more = "region: us-east-1\n" if tier == "hard" else ""
        text = f"tenant: {tenant}\ncontact: ops@{tenant}.example\nisolation: {tier}\n{more}"
        (checkout.root / "tenants" / f"{tenant}.yaml").write_text(text, encoding="utf-8")
    made = Estate(checkout)
    made.kill([*made.checkout.command, "up", "--yes"], 6)
    checkout.up()
    for tenant in TENANTS:
        made.put(tenant)
    return made


def test_an_account_is_vended_once_limited_and_kept(estate: Estate) -> None:
    """The tenant's own stack knows it before its preview, so a second time changes nothing."""
    checkout, number = estate.checkout, estate.cat
    client = checkout.client("organizations")
    listed = client.list_accounts()["Accounts"]
    named = [one["Id"] for one in listed if one["Name"] == f"{PREFIX}--cat"]
    assert named == [number]
    (parent,) = client.list_parents(ChildId=number)["Parents"]
    policies = client.list_policies_for_target(
        TargetId=parent["Id"], Filter="SERVICE_CONTROL_POLICY"
    )["Policies"]
    (own,) = (one["Id"] for one in policies if one["Name"] == f"{PREFIX}--tenants")
    content = json.loads(client.describe_policy(PolicyId=own)["Policy"]["Content"])
    denied = {action for one in content["Statement"] for action in one["Action"]}
    assert {one["Effect"] for one in content["Statement"]} == {"Deny"}
    assert denied >= {
        "organizations:LeaveOrganization",
        "cloudtrail:StopLogging",
        "s3:PutAccountPublicAccessBlock",
    }
    own_stack = checkout.resources("local-cat")
    (block,) = (one for one in own_stack.values() if "AccountPublicAccessBlock" in one["type"])
    assert block["outputs"]["accountId"] == number
    assert block["outputs"]["restrictPublicBuckets"] is True
    (anchor,) = (urn for urn in own_stack if "Placement::" in urn)
    assert f"account={number}" in anchor
    (account,) = (
        one
        for one in checkout.resources("local-org").values()
        if one["type"] == "aws:organizations/account:Account"
    )
    assert (account["protect"], account["retainOnDelete"]) == (True, True)
    assert account["inputs"]["closeOnDeletion"] is False
    pack = checkout.pulumi("preview", "--stack", "local-org", "--policy-pack", "policies")
    assert pack.returncode == 0, pack.stdout + pack.stderr
    assert "Policy Violations" not in pack.stdout
    for stack in ("local-org", "local-cat"):
        assert set(checkout.preview(stack)["changeSummary"]) == {"same"}


def test_what_changes_for_vended_accounts_is_planned_before_the_other_stacks(
    estate: Estate,
) -> None:
    file, denied = "tenancy/organization.py", '"s3:PutAccountPublicAccessBlock"'
    text = estate.checkout.read(file).replace(denied, f'{denied}, "s3:PutBucketAcl"')
    with estate.checkout.edited(file, text):
        planned = json.loads(estate.checkout.tenancy("plan", "--json").stdout)
    first, *others = planned["stacks"]
    (change,) = first["changes"]
    assert (first["stack"], change["op"], change["tenant"]) == ("local-org", "update", "")
    assert (change["type"], change["properties"]) == (
        "aws:organizations/policy:Policy",
        ["content"],
    )
    assert others
    assert not any(stack["changes"] for stack in others)


def test_an_update_that_is_killed_loses_nothing_and_converges(estate: Estate) -> None:
    path = estate.checkout.root / "tenants" / "dog.yaml"
    path.write_text(path.read_text().replace("ops@dog", "all@dog"))
    before = {tenant: estate.versions(tenant) for tenant in TENANTS}
    estate.kill([*estate.checkout.command, "up", "--yes"], 3)
    estate.checkout.up()
    assert {tenant: estate.versions(tenant) for tenant in TENANTS} == before
    again = estate.checkout.up()
    assert all(one["changes"].keys() == {"same"} for one in again["stacks"])
    estate.as_before()


def test_nothing_happens_until_the_tenants_id_is_typed(estate: Estate) -> None:
    before = estate.checkout.read("tenants/ant.yaml")
    done = estate.checkout.tenancy("offboard", "ant", given="dog\n")
    assert done.returncode == 2, done.stderr
    assert "id was not typed" in done.stderr
    assert estate.checkout.read("tenants/ant.yaml") == before
    assert not (estate.checkout.root / "receipts").exists()


@pytest.mark.parametrize(("tenant", "kills"), [("ant", 3), ("bee", 2), ("cat", 3)])
def test_a_tenant_is_denied_written_down_and_kept_until_the_date(
    estate: Estate, tenant: str, kills: int
) -> None:
    if tenant == "bee":
        path = estate.checkout.root / "tenants" / "bee.yaml"
        path.write_text(path.read_text() + "legal_hold: a case before the court\n")
        held = estate.checkout.tenancy("offboard", "bee", "--to", "destroyed", "--yes")
        assert held.returncode == 2, held.stderr
        assert "a case before the court" in held.stderr
        assert estate.steps("bee") == ["suspended", "exported"]
        path.write_text(path.read_text().replace("legal_hold: a case before the court\n", ""))
    estate.kill([*estate.checkout.command, "offboard", tenant, "--to", "destroyed", "--yes"], kills)
    done = estate.checkout.tenancy("offboard", tenant, "--to", "destroyed", "--yes", "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert (told["state"], bool(told["due"])) == ("exported", True)
    assert estate.steps(tenant) == ["suspended", "exported", "destruction-scheduled"]
    again = estate.checkout.tenancy("offboard", tenant, "--to", "destroyed", "--yes", "--json")
    assert json.loads(again.stdout) == told, "a second time did something"
    assert len(estate.versions(tenant)) == 2, "data went before its date"
    folder = estate.checkout.root / "receipts" / "local" / tenant
    manifest = json.loads((folder / "manifest.json").read_text())
    assert {one["version"] for one in manifest["objects"]} == set(estate.versions(tenant))
    assert all(len(one["sha256"]) == 64 for one in manifest["objects"])
    assert any(one["name"].endswith("event_stream") for one in manifest["tables"])
    account = estate.cat if tenant == "cat" else PLATFORM
    iam = estate.checkout.client("iam", estate.cat if tenant == "cat" else None)
    arn = f"arn:aws:iam::{account}:policy/{PREFIX}/boundary/{PREFIX}--{tenant}--boundary"
    version = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
    document = iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]["Document"]
    (statement,) = document["Statement"]
    assert (statement["Effect"], statement["Action"]) == ("Deny", ["*"])


def test_a_hold_after_the_decision_takes_it_back(estate: Estate) -> None:
    kms = estate.checkout.client("kms")
    alias = f"alias/{PREFIX}--bee--data"
    assert kms.describe_key(KeyId=alias)["KeyMetadata"]["KeyState"] == "PendingDeletion"
    path = estate.checkout.root / "tenants" / "bee.yaml"
    before = path.read_text()
    path.write_text(before + "legal_hold: true\n")
    held = estate.checkout.tenancy("offboard", "bee", "--to", "destroyed", "--yes")
    assert held.returncode == 2, held.stderr
    assert "taken back" in held.stderr
    assert kms.describe_key(KeyId=alias)["KeyMetadata"]["KeyState"] == "Enabled"
    path.write_text(before)
    assert estate.checkout.tenancy("offboard", "bee", "--to", "destroyed", "--yes").returncode == 0
    assert estate.steps("bee")[-2:] == ["destruction-held", "destruction-scheduled"]


def test_a_file_that_is_taken_away_before_the_end_is_refused(estate: Estate) -> None:
    with estate.checkout.edited("tenants/ant.yaml", None):
        told = estate.checkout.refused_up()
    assert "tenancy offboard ant" in told
    text = estate.checkout.read("tenants/ant.yaml")
    with estate.checkout.edited("tenants/ant.yaml", text.replace("exported", "destroyed")):
        assert "tenancy offboard ant" in estate.checkout.refused_up()


@pytest.mark.parametrize(("tenant", "kills"), [("ant", 3), ("bee", 2), ("cat", 3)])
def test_a_tenant_is_destroyed_after_the_date_and_nobody_else_is(
    estate: Estate, tenant: str, kills: int
) -> None:
    estate.end(tenant, kills=kills)
    assert estate.receipts(tenant)["state"] == "destroyed"
    assert estate.steps(tenant)[-2:] == ["emptied", "destroyed"]
    assert estate.versions(tenant) == []
    estate.as_before()


def test_what_must_be_kept_is_kept(estate: Estate) -> None:
    s3 = estate.checkout.client("s3", estate.cat)
    logs = f"{PREFIX}--cat--{estate.cat}-logs"
    assert [one["Name"] for one in s3.list_buckets()["Buckets"]] == [logs]
    assert s3.get_bucket_policy(Bucket=logs)["Policy"]
    assert s3.get_public_access_block(Bucket=logs)
    organizations = estate.checkout.client("organizations")
    account = organizations.describe_account(AccountId=estate.cat)["Account"]
    assert account["Status"] == "ACTIVE"
    kept = estate.receipts("bee")["receipts"][-1]["facts"]["kept"]
    assert kept["nessie_database_removal"][0].startswith("DROP DATABASE IF EXISTS nessie_bee ")


def test_no_account_was_made_twice(estate: Estate) -> None:
    listed = estate.checkout.client("organizations").list_accounts()["Accounts"]
    assert [one["Id"] for one in listed if one["Name"] == f"{PREFIX}--cat"] == [estate.cat]
    assert estate.kills == 25


def test_the_files_may_go_then_and_the_estate_is_at_rest(estate: Estate) -> None:
    for tenant in ("ant", "bee"):
        (estate.checkout.root / "tenants" / f"{tenant}.yaml").unlink()
    done = estate.checkout.up()
    assert {one["stack"]: one["changes"].keys() for one in done["stacks"]} == {
        "local": {"same"},
        "local-org": {"same"},
    }
