"""Every command and option is documented in docs/commands.md, and none that does not exist."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from onboarding.cli import app

DOCUMENT = Path(__file__).parents[2] / "docs" / "commands.md"
_HEADING = re.compile(r"^## (tenancy(?: [a-z][a-z-]*)+)(.*)$", re.MULTILINE)
_OPTION = re.compile(r"^\| `(--[a-z-]+)` \|", re.MULTILINE)


def commands(command: Any, path: str) -> Iterator[tuple[str, Any]]:
    if hasattr(command, "commands"):
        for name, below in command.commands.items():
            yield from commands(below, f"{path} {name}")
    else:
        yield path, command


def sections() -> dict[str, str]:
    parts = _HEADING.split(DOCUMENT.read_text("utf-8"))
    return dict(zip(parts[1::3], parts[3::3], strict=True))


COMMANDS = dict(commands(typer.main.get_command(app), "tenancy"))


def test_the_document_has_every_command_and_no_other() -> None:
    assert sorted(sections()) == sorted(COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_a_commands_section_has_its_options_and_no_others(name: str) -> None:
    options = {
        word
        for parameter in COMMANDS[name].params
        if parameter.param_type_name == "option" and not parameter.hidden
        for word in parameter.opts
        if word.startswith("--") and word != "--help"
    }
    assert set(_OPTION.findall(sections()[name])) == options


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_has_help_with_an_example_of_itself_and_json(name: str) -> None:
    command = COMMANDS[name]
    assert command.help
    assert f"Example: {name}" in (command.epilog or "") or f"$({name})" in (command.epilog or "")
    assert any("--json" in parameter.opts for parameter in command.params)
