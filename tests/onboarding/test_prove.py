"""`tenancy prove` as it is run: exit codes, messages, JSON, and explanations."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.isolation.small import LAKE, allow, bucket, platform, role_arn, tenant

ROOT = Path(__file__).parents[2]
Entries = list[dict[str, Any]]


def tenancy(folder: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "onboarding.cli", "prove", *map(str, arguments)],
        cwd=folder,
        env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def written(folder: Path, *parts: Entries, name: str = "state.json") -> Path:
    entries = [one for part in parts for one in part]
    path = folder / name
    path.write_text(json.dumps({"version": 3, "deployment": {"resources": entries}}), "utf-8")
    return path


SHARED = platform(*bucket("lake"))
GLOBEX = tenant("globex")
EVIL = tenant("acme", allow("s3:GetObject", f"{LAKE}/*"))


def test_a_proven_estate_exits_with_0_and_says_what_was_looked_at(tmp_path: Path) -> None:
    done = tenancy(tmp_path, written(tmp_path, SHARED, tenant("acme"), GLOBEX))
    assert done.returncode == 0
    assert done.stdout.startswith("proven: 2 tenants, 2 pairs, 2 principals")
    assert "not in the claim" in done.stdout


def test_a_violation_exits_with_1_and_tells_who_what_whose_and_where(tmp_path: Path) -> None:
    done = tenancy(tmp_path, written(tmp_path, SHARED, EVIL, GLOBEX))
    assert done.returncode == 1
    for words in (
        f"who:      {role_arn('acme')} (acts for acme)",
        "does:     s3:",
        f"to:       {LAKE}/globex/",
        "(of globex)",
        "aws:iam/rolePolicy:RolePolicy::acme-grants",
        "state.json: deployment.resources[",
        "to mend:",
        "violated: 2 tenants",
    ):
        assert words in done.stdout


def test_several_files_are_one_estate(tmp_path: Path) -> None:
    parts = [
        written(tmp_path, part, name=f"{number}.json")
        for number, part in enumerate((SHARED, EVIL, GLOBEX))
    ]
    assert tenancy(tmp_path, parts[0], parts[1]).returncode == 0
    assert tenancy(tmp_path, *parts).returncode == 1


def test_json_has_the_whole_answer(tmp_path: Path) -> None:
    done = tenancy(tmp_path, "--json", written(tmp_path, SHARED, EVIL, GLOBEX))
    found = json.loads(done.stdout)
    assert (done.returncode, found["answer"]) == (1, "violated")
    first = found["counterexamples"][0]
    assert (first["tenant"], first["owner"]) == ("acme", "globex")
    assert first["because"][0]["urn"].endswith("::acme-grants")
    assert set(found["seconds"]) == {"reading", "preparing", "deciding"}


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"deployment": {"resources": [3]}}', "\0"])
def test_what_is_no_state_exits_with_2_and_says_where(tmp_path: Path, text: str) -> None:
    path = tmp_path / "state.json"
    path.write_text(text, "utf-8")
    done = tenancy(tmp_path, path)
    assert done.returncode == 2
    assert done.stderr.count("state.json") >= 2
    assert "remedy:" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_estate_without_tenants_is_not_called_proven(tmp_path: Path) -> None:
    done = tenancy(tmp_path, written(tmp_path, bucket("lake")))
    assert done.returncode == 2
    assert "no tenant" in done.stdout


def test_without_files_and_stacks_it_says_what_to_do(tmp_path: Path) -> None:
    assert "no state file is named" in tenancy(tmp_path).stderr
    (tmp_path / "Pulumi.yaml").write_text("name: tenancy\n", "utf-8")
    done = tenancy(tmp_path)
    assert done.returncode == 2
    assert "make up" in done.stderr


def test_both_provers_can_be_asked(tmp_path: Path) -> None:
    done = tenancy(tmp_path, "--cross-check", written(tmp_path, SHARED, EVIL, GLOBEX))
    assert done.returncode == 1
    assert "disagree" not in done.stdout


def test_a_latent_pattern_is_a_warning_and_a_violation_where_one_is_strict(tmp_path: Path) -> None:
    state = written(
        tmp_path, SHARED, tenant("acme", allow("s3:GetObject", f"{LAKE}/acme*")), GLOBEX
    )
    done = tenancy(tmp_path, state)
    assert done.returncode == 0
    assert "latent: the policies of acme" in done.stdout
    assert tenancy(tmp_path, "--strict", state).returncode == 1


def test_why_tells_what_decides_between_two_tenants(tmp_path: Path) -> None:
    state = written(tmp_path, SHARED, EVIL, GLOBEX)
    done = tenancy(tmp_path, "--why", "acme", "globex", state)
    assert done.returncode == 0
    assert f"{LAKE}/globex/*: ALLOWED: s3:" in done.stdout
    assert "nothing allows it in the identity policies" in done.stdout
    unknown = tenancy(tmp_path, "--why", "acme", "nobody", state)
    assert (unknown.returncode, "no tenant is called nobody" in unknown.stderr) == (2, True)


@pytest.mark.parametrize(("key", "allowed"), [("globex/x", False), ("acme/x", True)])
def test_can_tells_whether_one_call_is_allowed(tmp_path: Path, key: str, allowed: bool) -> None:
    state = written(tmp_path, SHARED, tenant("acme"), GLOBEX)
    done = tenancy(tmp_path, "--json", "--can", "acme", "s3:GetObject", f"{LAKE}/{key}", state)
    (found,) = json.loads(done.stdout)
    assert found["allowed"] is allowed
    assert found["principal"] == role_arn("acme")
