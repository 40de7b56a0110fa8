"""`tenancy up` on the real engine: a new tenant, a refusal, a portal, two at once."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable

import pytest

from onboarding.opened import alone
from onboarding.progress import Silence
from tests.integration import inventory
from tests.integration.checkout import Checkout
from tests.integration.planted import granting

pytestmark = pytest.mark.xdist_group("up")

STACK = "local"
TURNS = 10
GRANT = granting("ant", "bee")


@pytest.fixture(scope="module")
def small(new_checkout: Callable[[], Checkout]) -> Checkout:
    checkout = new_checkout()
    checkout.shrink({"ant": "soft", "bee": "medium"})
    checkout.up()
    return checkout


def test_two_at_once_ten_times_leave_a_state_that_is_whole(small: Checkout) -> None:
    """Each first time the file has changed, and one of the two finds the other's update done.

    Both are held up by a third command until both wait, so they start to work at the same moment.
    """
    file = "tenants/ant.yaml"
    text = small.read(file)
    for turn in range(TURNS):
        contact = f"ops{turn // 5}@ant.example"
        (small.root / file).write_text(text.replace("ops@ant.example", contact), "utf-8")
        with alone(small.root / ".local", Silence()):
            both = [start(small), start(small)]
            for each in both:
                assert each.stderr is not None
                told = each.stderr.readline()
                assert f"waiting for another tenancy command to end: process {os.getpid()}" in told
        said = [each.communicate(timeout=120)[1] for each in both]
        assert [each.returncode for each in both] == [0, 0], said
    (small.root / file).write_text(text, "utf-8")
    small.up()
    entries = small.export(STACK)
    assert not entries.get("pending_operations")
    urns = [entry["urn"] for entry in entries["resources"]]
    assert len(urns) == len(set(urns))
    planned = json.loads(small.tenancy("plan", "--json").stdout)
    assert [stack["changes"] for stack in planned["stacks"]] == [[]]


def test_a_new_tenant_is_made_and_verified_and_no_other_is_touched(small: Checkout) -> None:
    assert small.tenancy("add", "cat", "--tier", "medium").returncode == 0
    assert small.tenancy("plan").returncode == 0
    before = small.resources(STACK)
    done = small.tenancy("up", "--yes", "--json")
    assert done.returncode == 0, done.stderr
    assert "local: preview" not in done.stderr, "the plan's preview still holds"
    result = json.loads(done.stdout)
    (stack,) = result["stacks"]
    assert stack["changes"]["create"] > 20
    verified = result["verified"]["cat"]
    assert [each.split()[0] for each in verified] == ["role"] * 5 + ["bucket", "database"]
    after = small.resources(STACK)
    for urn, entry in before.items():
        if "::ant" in urn or "::bee" in urn:
            assert after[urn].get("outputs") == entry.get("outputs"), urn
    assert {"cat"} == {t["tenant"] for t in result["tenants"]} - {"ant", "bee"}


def test_without_a_change_no_update_is_made(small: Checkout) -> None:
    small.up()
    before = small.logs()
    result = small.up()
    assert result["stacks"][0]["changes"].keys() == {"same"}
    assert small.logs() == before, "the engine was called"
    assert {each["tenant"] for each in result["tenants"]} >= {"ant", "bee"}


def test_a_cross_tenant_grant_is_refused_by_its_code_and_nothing_is_deployed(
    small: Checkout,
) -> None:
    before = inventory.account_of(small), small.logs().get("local-up.log")
    with small.edited("__main__.py", small.read("__main__.py") + GRANT):
        done = small.tenancy("up", "--yes")
    assert done.returncode == 3, done.stderr
    assert "may s3:GetObject" in done.stderr.replace("\n", " ")
    assert "remedy:" in done.stderr
    assert "nothing was deployed" in done.stderr
    assert (inventory.account_of(small), small.logs().get("local-up.log")) == before


def test_without_a_terminal_an_update_needs_yes(small: Checkout) -> None:
    done = small.tenancy("up")
    assert done.returncode == 2
    assert "--yes" in done.stderr


def test_a_portal_onboards_a_tenant_by_the_api(small: Checkout) -> None:
    command = [small.command[0], "examples/onboard.py"]
    arguments = ["dog", "--tier", "soft", "--contact", "d@dog.example"]
    done = subprocess.run(
        [*command, *arguments],
        cwd=small.root,
        env=small.environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    got = json.loads(done.stdout)
    assert got["file"] == "tenants/dog.yaml"
    assert got["tenant"]["storage"].endswith("--shared--123456789012-data/dog/")
    assert len(got["tenant"]["roles"]) == 5


def start(checkout: Checkout) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*checkout.command, "up", "--yes", "--json"],
        cwd=checkout.root,
        env=checkout.environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
