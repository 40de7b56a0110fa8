"""The policy pack on the real engine: the local stacks pass it, a planted grant does not, and what
is configured for a rule counts.
"""

from __future__ import annotations

import re
import subprocess

import pytest

from tests.integration.checkout import Checkout
from tests.integration.planted import granting

PLANTED = granting("acme", "newcorp")


UNPROTECTED = """
aws.s3.Bucket(
    "planted", bucket="planted", tags={"owner": "acme"}, opts=ResourceOptions(provider=provider)
)
"""


def preview(checkout: Checkout, stack: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return checkout.pulumi("preview", "--stack", stack, "--policy-pack", "policies", *arguments)


@pytest.mark.parametrize("stack", ["local", "local-federal-dhs"])
def test_a_deployed_stack_passes(deployed: Checkout, stack: str) -> None:
    done = preview(deployed, stack)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Policy Violations" not in done.stdout


def test_a_stack_that_is_not_deployed_yet_passes(empty: Checkout) -> None:
    empty.pulumi("stack", "init", "local", "--no-select")
    done = preview(empty, "local")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "[mandatory]" not in done.stdout


def test_a_planted_grant_fails_with_who_what_and_where(deployed: Checkout) -> None:
    program = deployed.read("__main__.py")
    with deployed.edited("__main__.py", program + PLANTED):
        done = preview(deployed, "local")
    assert done.returncode != 0
    told = done.stdout
    for part in (
        "[mandatory]",
        "no-cross-tenant-grant",
        "planted (aws:iam/rolePolicy:RolePolicy)",
        "role/lakehouse-local/tenant/lakehouse-local--acme--reader",
        "s3:GetObject arn:aws:s3:::lakehouse-local--newcorp--123456789012-data/",
        "newcorp's",
        "by Planted (the identity policies",
        "remedy",
    ):
        assert part in told, told


def test_severity_and_tag_are_what_the_documented_file_says(deployed: Checkout) -> None:
    (example,) = re.findall(r"```json\n(.*?)```", deployed.read("docs/policies.md"), re.DOTALL)
    program = deployed.read("__main__.py")
    planted = deployed.edited("__main__.py", program + UNPROTECTED)
    with planted, deployed.edited("policies.json", example):
        done = preview(deployed, "local", "--policy-pack-config", "policies.json")
    assert done.returncode != 0
    told = set(re.findall(r"\[(advisory|mandatory)\] +(\S+) +\(\S+: ([^)]+)\)", done.stdout))
    assert ("advisory", "data-protected", "planted") in told, done.stdout
    # Every resource has the tag `tenant`, and the file asks for `owner`, which one alone has.
    untagged = {
        name for severity, rule, name in told if (severity, rule) == ("mandatory", "tagged")
    }
    assert len(untagged) > len(told) / 2
    assert "planted" not in untagged
