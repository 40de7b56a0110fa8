"""The command itself: help, exit codes, and that it says things well."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from pulumi.automation.events import EngineEvent

from onboarding.errors import Diagnosis, OperationFailed
from onboarding.events import Record, Step, changed

COMMANDS = ("up", "down", "env", "status", "engine")


def tenancy(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "onboarding.cli", *arguments],
        cwd=folder,
        env={"PYTHONPATH": str(Path(__file__).parents[2]), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_an_example_and_prints_json(command: str) -> None:
    done = tenancy(Path(__file__).parents[2], "local", command, "--help")
    assert done.returncode == 0
    assert f"tenancy local {command}" in done.stdout.partition("Example:")[2]
    assert "--json" in done.stdout


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("tenancy pl", "plan"),
        ("tenancy plan --tenant fed", "federal-dhs"),
        ("tenancy up --st", "--stack"),
    ],
)
def test_a_shell_completes_commands_options_and_tenants(words: str, told: str) -> None:
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [Path(sys.executable).with_name("tenancy")],
        cwd=root,
        env={
            "PATH": "/usr/bin:/bin",
            "COMP_WORDS": words,
            "COMP_CWORD": str(words.count(" ")),
            "_TENANCY_COMPLETE": "complete_bash",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert told in done.stdout.split()


def test_an_unknown_option_is_bad_input() -> None:
    assert tenancy(Path.cwd(), "local", "up", "--nonsense").returncode == 2


def test_a_folder_that_is_no_project_is_refused(tmp_path: Path) -> None:
    done = tenancy(tmp_path, "local", "up")
    assert done.returncode == 2
    assert "no Pulumi.yaml" in done.stderr
    assert "remedy: " in done.stderr
    assert "Traceback" not in done.stderr


def test_env_without_a_cloud_is_an_error_that_eval_does_not_run(tmp_path: Path) -> None:
    (tmp_path / "Pulumi.yaml").write_text("name: tenancy\n", encoding="utf-8")
    done = tenancy(tmp_path, "local", "env")
    assert done.returncode == 1
    assert done.stdout == ""
    assert "make up" in done.stderr


def test_status_and_down_of_a_project_that_was_never_up_are_fine(tmp_path: Path) -> None:
    (tmp_path / "Pulumi.yaml").write_text("name: tenancy\n", encoding="utf-8")
    status = tenancy(tmp_path, "local", "status")
    assert (status.returncode, status.stderr) == (0, "")
    assert "not running" in status.stdout
    down = tenancy(tmp_path, "local", "down", "--clear")
    assert (down.returncode, down.stderr) == (0, "")


def test_a_failure_tells_urn_message_and_log() -> None:
    failure = OperationFailed("local", "up", (Diagnosis("urn:x", "it broke"),), "/logs/up.log")
    assert str(failure) == (
        "stack local: up failed\n  urn:x\n    it broke\n"
        "  everything that the engine said: /logs/up.log\n"
        "  remedy: mend that and run this again: it goes on from where it stopped"
    )


@pytest.mark.parametrize(
    ("message", "told"),
    [
        ("operation error IAM: CreateRole, api error AccessDenied: no", "the role that deploys"),
        ("api error EntityAlreadyExists: Role with name x already exists.", "pulumi import"),
        ("api error Throttling: Rate exceeded", "in a minute"),
        ("api error LimitExceeded: Cannot exceed quota for RolesPerAccount", "raise the quota"),
        ("the stack is currently locked by 1 lock(s)", "pulumi cancel"),
    ],
)
def test_a_failure_tells_what_to_do_about_it(message: str, told: str) -> None:
    failure = OperationFailed("prod", "up", (Diagnosis("urn:x", message),), "log")
    assert told in str(failure).partition("remedy: ")[2]


def test_events_become_steps_errors_and_counts() -> None:
    urn = "urn:pulumi:local::tenancy::aws:iam/role:Role::acme-iam-reader"
    creation: dict[str, Any] = {"metadata": {"op": "create", "urn": urn}}
    error: dict[str, Any] = {"urn": urn, "message": "error: no\n", "severity": "error"}
    steps: list[Step] = []
    record = Record()
    events: list[dict[str, Any]] = [
        {"preludeEvent": {"config": {}}},
        {"resourcePreEvent": creation},
        {"resOutputsEvent": creation},
        {"diagnosticEvent": error},
        {"diagnosticEvent": error},
        {"diagnosticEvent": {"message": "told", "severity": "debug"}},
        {"summaryEvent": {"resourceChanges": {"create": 1, "same": 4}}},
    ]
    for event in events:
        record.take(EngineEvent.from_json(event), steps.append)
    assert [(step.op, step.name, step.done) for step in steps] == [
        ("create", "acme-iam-reader", False),
        ("create", "acme-iam-reader", True),
    ]
    assert record.diagnoses == [Diagnosis(urn, "no")]
    assert changed(record.changes) == 1
