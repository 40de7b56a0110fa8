"""The examples call what exists: each command of the workflow is one that `tenancy` understands."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from typing import Any

import pytest
import typer
import yaml

from onboarding.cli import app
from tests.estates import ROOT

WORKFLOW = yaml.safe_load((ROOT / "examples/github-actions.yml").read_text("utf-8"))


def lines() -> Iterator[str]:
    for job in WORKFLOW["jobs"].values():
        yield from (step["run"] for step in job["steps"] if "run" in step)


TENANCY = [
    line.partition("tenancy ")[2].partition(" >")[0] for line in lines() if "tenancy" in line
]


@pytest.mark.parametrize("line", TENANCY)
def test_a_workflows_command_is_understood(line: str) -> None:
    command: Any = typer.main.get_command(app)
    words = shlex.split(line)
    while hasattr(command, "commands"):
        command = command.commands[words.pop(0)]
    command.make_context(command.name, words)  # raises for what it does not know


def test_a_workflows_make_targets_exist() -> None:
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
    used = [line.split()[1] for line in lines() if line.startswith("make ")]
    assert used
    assert set(used) <= set(targets)


def test_the_workflow_plans_requests_and_deploys_merges() -> None:
    assert set(WORKFLOW["jobs"]) == {"plan", "deploy"}
    assert [line.split()[0] for line in TENANCY] == ["plan", "up", "drift"]
