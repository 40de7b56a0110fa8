"""`tenancy check`: what holds, what does not and where that stands, and what is recorded again."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from textwrap import indent
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest

from onboarding.check import Checked, Outcome, check
from onboarding.progress import Silence
from onboarding.sarif import sarif
from tenancy.shards import home
from tests.estates import FILES, ROOT, write_estate
from tests.integration.planted import granting

# Each runs the whole program, in processes of its own.
pytestmark = [pytest.mark.integration, pytest.mark.xdist_group("check")]

SCHEMA = json.loads(Path(__file__).with_name("sarif-2.1.0.json").read_text("utf-8"))
GRANT = """
    aws.iam.Role(
        "acme-planted",
        name="lakehouse-prod--acme--planted",
        assume_role_policy='{"Version": "2012-10-17", "Statement": [{"Effect": "Allow",'
        ' "Principal": {"AWS": "arn:aws:iam::222222222222:role/lakehouse-prod--acme--reader"},'
        ' "Action": "sts:AssumeRole"}]}',
        inline_policies=[{"name": "planted", "policy": '{"Version": "2012-10-17", "Statement":'
        ' [{"Sid": "Planted", "Effect": "Allow", "Action": "glue:GetTables", "Resource": "*"}]}'}],
        tags={"tenant": "acme", "tier": "soft"},
        opts=ResourceOptions(provider=provider),
    )
"""
OPEN = """
aws.vpc.SecurityGroupIngressRule(
    "open",
    security_group_id="sg-1",
    ip_protocol="tcp",
    from_port=22,
    to_port=22,
    cidr_ipv4="0.0.0.0/0",
    opts=ResourceOptions(provider=provider),
)
"""


def project(root: Path, more: str = "", changed: dict[str, str | None] | None = None) -> Path:
    """The small estate with the program, which may do something more at its end."""
    write_estate(root, changed)
    (root / "Pulumi.yaml").write_text("name: tenancy\nruntime: python\n", "utf-8")
    (root / "__main__.py").write_text((ROOT / "__main__.py").read_text("utf-8") + more, "utf-8")
    return root


def tenancy(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "onboarding.cli", "check", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


@pytest.fixture(autouse=True)
def _code_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Checked]:
    """A project that was checked once."""
    os.environ["PYTHONPATH"] = str(ROOT)
    root = project(tmp_path_factory.mktemp("sound"))
    return root, check(root, Silence())


def told(checked: Checked, root: Path) -> list[dict[str, Any]]:
    """The results as SARIF, which is as the standard says."""
    document = json.loads(json.dumps(sarif(checked, root)))
    jsonschema.validate(document, SCHEMA)
    (run,) = document["runs"]
    for result in run["results"]:
        assert run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == result["ruleId"]
    return list(run["results"])


def places(result: dict[str, Any]) -> list[tuple[str, int]]:
    located = [*result["locations"], *result.get("relatedLocations", [])]
    physical = [one["physicalLocation"] for one in located]
    return [(one["artifactLocation"]["uri"], one["region"]["startLine"]) for one in physical]


def line_of(file: Path, text: str) -> int:
    lines = file.read_text("utf-8").splitlines()
    return next(number for number, line in enumerate(lines, 1) if text in line)


def test_all_tiers_together_hold_and_are_proved_across_stacks(sound: tuple[Path, Checked]) -> None:
    root, checked = sound
    assert checked.findings == ()
    assert checked.outcome is Outcome.HOLDS
    assert told(checked, root) == []
    assert checked.counts["stacks"] == 2
    assert checked.proofs["prod"].counts["tenants"] == 3
    assert checked.proofs["prod"].proven
    assert checked.counts["recorded"] == 3


def test_what_has_not_changed_is_not_recorded_again_and_the_answer_is_the_same(
    sound: tuple[Path, Checked],
) -> None:
    root, first = sound
    again = check(root, Silence())
    assert again.counts["recorded"] == 0
    assert again.proofs["prod"].counts == first.proofs["prod"].counts
    override = "access_overrides: {events: {phone: restricted}}\n"
    (root / "tenants/acme.yaml").write_text(FILES["tenants/acme.yaml"] + override, "utf-8")
    changed, fresh = check(root, Silence()), check(root, Silence(), fresh=True)
    assert (changed.counts["recorded"], fresh.counts["recorded"]) == (1, 3)
    assert changed.proofs["prod"].counts == fresh.proofs["prod"].counts
    assert changed.counts["resources"] == fresh.counts["resources"]


def test_what_was_recorded_hides_no_change_of_the_program(sound: tuple[Path, Checked]) -> None:
    root, _ = sound
    program = root / "__main__.py"
    text = program.read_text("utf-8")
    program.write_text(text + "if not stack.hard:" + GRANT, "utf-8")
    checked = check(root, Silence())
    program.write_text(text, "utf-8")
    assert checked.outcome is Outcome.VIOLATED
    assert {"acme", "globex"} <= {name for one in checked.findings for name in one.tenants}
    assert check(root, Silence()).outcome is Outcome.HOLDS


def test_a_recording_that_was_cut_short_is_made_again(sound: tuple[Path, Checked]) -> None:
    root, _ = sound
    check(root, Silence())
    for part in (root / ".local/check").glob("*.part"):
        part.write_text(part.read_text("utf-8")[:-9], "utf-8")
    checked = check(root, Silence())
    assert checked.outcome is Outcome.HOLDS
    assert checked.counts["recorded"] == 3
    assert check(root, Silence()).counts["recorded"] == 0


def test_a_planted_grant_across_tenants_is_told_at_the_tenants_file_and_the_programs_line(
    tmp_path: Path,
) -> None:
    root = project(tmp_path, "if not stack.hard:" + GRANT)
    done = tenancy(root, "--sarif", "findings.sarif")
    assert done.returncode == 1
    assert "violated: 3 tenants in 2 stacks" in done.stdout
    assert "lakehouse-prod--acme--planted" in done.stdout
    assert "glue:GetTables" in done.stdout
    assert "recording 2 stacks" in done.stderr
    document = json.loads((root / "findings.sarif").read_text("utf-8"))
    jsonschema.validate(document, SCHEMA)
    results = [
        one for one in document["runs"][0]["results"] if one["ruleId"] == "no-cross-tenant-grant"
    ]
    across = next(one for one in results if one["properties"]["tenants"] == ["acme", "globex"])
    at = places(across)
    assert at[0] == ("tenants/acme.yaml", 1)
    assert ("__main__.py", line_of(root / "__main__.py", "aws.iam.Role(")) in at
    assert "Planted" in across["message"]["text"]


def test_a_violated_rule_is_told_at_the_programs_line(tmp_path: Path) -> None:
    root = project(tmp_path, OPEN)
    checked = check(root, Silence())
    assert checked.outcome is Outcome.VIOLATED
    results = told(checked, root)
    assert {one["ruleId"] for one in results} == {"no-open-security-group"}
    line = line_of(root / "__main__.py", "aws.vpc.SecurityGroupIngressRule(")
    assert {("__main__.py", line)} <= {at for one in results for at in places(one)}
    assert {places(one)[0] for one in results} == {
        ("Pulumi.prod.yaml", 2),
        ("tenants/initech.yaml", 1),
    }


def test_a_bad_file_is_told_at_its_line_and_exits_with_2(tmp_path: Path) -> None:
    text = "# one of ours\ntenant: acme\ncontact: a@acme.example\nisolation: softest\n"
    root = project(tmp_path, changed={"tenants/acme.yaml": text})
    done = tenancy(root, "--format", "sarif")
    assert done.returncode == 2
    document = json.loads(done.stdout)
    jsonschema.validate(document, SCHEMA)
    (result,) = document["runs"][0]["results"]
    assert result["ruleId"] == "valid-input"
    assert "softest" in result["message"]["text"]
    assert places(result) == [("tenants/acme.yaml", 4)]
    assert "Traceback" not in done.stderr


def test_a_program_that_fails_is_told_at_its_line(tmp_path: Path) -> None:
    root = project(tmp_path, "\nraise LookupError('no such thing')\n")
    checked = check(root, Silence())
    assert checked.outcome is Outcome.UNDECIDED
    line = line_of(root / "__main__.py", "raise LookupError")
    for result in told(checked, root):
        assert result["ruleId"] == "program-runs"
        assert "LookupError: no such thing" in result["message"]["text"]
        assert places(result) == [("__main__.py", line)]
    assert checked.proofs == {}


def test_a_program_that_uses_the_tenants_it_makes_is_checked_as_it_stands(tmp_path: Path) -> None:
    root = project(tmp_path)
    program = root / "__main__.py"
    text = program.read_text("utf-8")
    program.write_text(
        re.sub(
            r"( +)(lakehouse\.Tenant\(.*)",
            r"\1made = \2\n\1pulumi.export(settings.id, made.urn)",
            text,
        ),
        "utf-8",
    )
    checked = check(root, Silence())
    assert checked.outcome is Outcome.HOLDS
    assert checked.counts["recorded"] == 3
    assert check(root, Silence()).outcome is Outcome.HOLDS


def test_help_teaches_with_an_example_and_the_exit_codes(tmp_path: Path) -> None:
    done = tenancy(tmp_path, "--help")
    assert done.returncode == 0
    for words in ("tenancy check --sarif", "--json", "0 it holds", "1 it is violated", "2 bad"):
        assert words in done.stdout


def test_json_has_findings_verdict_and_times(tmp_path: Path) -> None:
    done = tenancy(project(tmp_path, changed={"tenants/initech.yaml": None}), "--json")
    assert done.returncode == 0
    found = json.loads(done.stdout)
    assert found["answer"] == "holds"
    assert found["proofs"]["prod"]["answer"] == "proven"
    assert set(found["seconds"]) == {"reading", "recording", "rules", "proof"}


ACROSS = f'\nif stack.name == "prod-02":{indent(granting("acme", "stark"), " " * 4)}'
SHARDED: dict[str, str | None] = {
    "Pulumi.prod.yaml": FILES["Pulumi.prod.yaml"] + "    shards: 2\n",
    "tenants/stark.yaml": "tenant: stark\ncontact: h@stark.example\n",
}


def test_shards_are_proven_as_one_estate_and_what_is_planted_across_is_found(
    tmp_path: Path,
) -> None:
    whole = check(
        project(
            tmp_path / "whole", changed={**SHARDED, "Pulumi.prod.yaml": FILES["Pulumi.prod.yaml"]}
        ),
        Silence(),
    )
    sound = check(project(tmp_path / "sound", changed=SHARDED), Silence())
    assert sound.outcome is Outcome.HOLDS, sound.findings
    assert sound.counts["stacks"] == whole.counts["stacks"] + 2
    assert sound.proofs["prod"].counts["tenants"] == 4
    assert sound.proofs["prod"].counts["pairs"] == whole.proofs["prod"].counts["pairs"]
    homes = {name: home("prod", 2, name) for name in ("acme", "stark")}
    assert homes == {"acme": "prod-02", "stark": "prod-01"}
    planted = check(project(tmp_path / "planted", ACROSS, SHARDED), Silence())
    assert planted.outcome is Outcome.VIOLATED
    assert any(
        set(one.tenants) == {"acme", "stark"} and "::planted" in one.urn for one in planted.findings
    )
