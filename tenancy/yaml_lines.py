"""Where in a YAML file a field stands, for messages and reports that point at it."""

import re
from pathlib import Path

import yaml

_STEP = re.compile(r"\[(\d+)\]|([^.\[\]]+)")
_SETTINGS = ("config", "tenancy:environment")
"""What the fields of an environment's file lie below."""


def line_of(file: Path, field: str) -> int:
    """The line, from 1, of a field such as ``access.reader[0].aws``; of what it would be in, where
    it is missing; 1 where the file cannot be read.
    """
    try:
        node = yaml.SafeLoader(file.read_text("utf-8")).get_single_node()
    except yaml.MarkedYAMLError as error:
        return error.problem_mark.line + 1 if error.problem_mark else 1
    except (yaml.YAMLError, OSError, ValueError, LookupError, ArithmeticError, RecursionError):
        return 1
    line = 1
    steps: list[str | int] = [int(index) if index else name for index, name in _STEP.findall(field)]
    if isinstance(node, yaml.MappingNode) and _child(node, _SETTINGS[0]) is not None:
        steps = [*_SETTINGS, *(steps[1:] if steps[:1] == list(_SETTINGS[:1]) else steps)]
    for step in steps:
        found = _child(node, step)
        if found is None:
            break
        line, node = found
    return line


def _child(node: yaml.Node | None, step: str | int) -> tuple[int, yaml.Node] | None:
    if isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
        return node.value[step].start_mark.line + 1, node.value[step]
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.value == str(step):
                return key.start_mark.line + 1, value
    return None
