"""Reading a YAML file into plain data, with every way that it can go wrong told in words.

PyYAML reads YAML 1.1: ``no`` is false, ``012`` is ten, ``1:30`` is ninety, ``2024-01-01`` is a
date. Nothing is guessed back: a field that wants text refuses such a value and says to quote it.
Its messages quote the line at fault, which may hold a secret, so none of them is passed on.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from tenancy.errors import InvalidInput, Problem

LARGEST = 256 * 1024
"""Bytes. Far above any real file, and low enough that reading one is never felt."""

_TAG = "tag:yaml.org,2002:"
_PLAIN = frozenset(
    _TAG + kind
    for kind in "str int float bool null timestamp map seq".split()  # noqa: SIM905
)

_SYNTAX = {
    "cannot start any token": (
        "a character (a tab, `@`, `` ` `` or `%`) stands where none may",
        "indent with spaces, never tabs, and put values with special characters in quotes",
    ),
    "mapping values are not allowed": (
        "a second `: ` in one line, or a key that is indented too far",
        "put a value that holds `: ` in quotes, and align the keys of one mapping",
    ),
    "could not find expected ':'": (
        "a key without a `:`",
        "write `key: value`, with a space after the colon",
    ),
    "found undefined alias": (
        "`*` starts an alias, and there is no such anchor",
        "put a value that starts with `*` in quotes",
    ),
    "expected a single document": (
        "a second document begins (`---`)",
        "keep one document a file",
    ),
    "end of stream": (
        "the file ends inside a quoted text or a bracket",
        "close the quote or bracket",
    ),
}
_OTHER_SYNTAX = (
    "this is not YAML",
    "check indentation, quotes and brackets on this line and the one before",
)


def shown(path: Path) -> str:
    """The file as its author knows it: its folder and name, ``tenants/acme.yaml``."""
    return f"{path.parent.name}/{path.name}" if path.parent.name else path.name


def read_mapping(path: Path, where: str | None = None) -> dict[str, Any]:
    """The mapping that the file holds: keys are text, values plain data.

    ``where`` names the file in messages; without it, ``shown(path)`` does.

    Raises:
        InvalidInput: the file is missing, unreadable, too large, not UTF-8, not YAML, empty, not
            a mapping, or has duplicate or non-text keys.
    """
    where = where or shown(path)
    text = _text(path, where)
    loader = yaml.SafeLoader("")
    try:
        loader = yaml.SafeLoader(text)
        root = loader.get_single_node()
    except yaml.YAMLError as error:
        raise InvalidInput(_syntax_problem(error, text, where)) from None
    except RecursionError:
        raise _invalid(where, "is nested too deeply", "keep to the keys of the schema") from None
    except (ValueError, LookupError, ArithmeticError):  # PyYAML lets some escapes through
        raise _invalid(where, "has an escape that stands for no character", "mend it") from None
    if root is None:
        raise _invalid(where, "is empty", "write at least the required keys")
    if not isinstance(root, yaml.MappingNode):
        raise _invalid(
            where, "must be a mapping, one `key: value` a line", "start with `tenant: <id>`"
        )
    problems = [Problem(where, "", rule, remedy) for rule, remedy in _faults(loader, root)]
    if problems:
        raise InvalidInput(problems)
    data: dict[str, Any] = loader.construct_document(root)
    return data


def _text(path: Path, where: str) -> str:
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        raise _invalid(where, "there is no such file", "check the name") from None
    except OSError as error:
        reason = error.strerror or "unknown reason"
        raise _invalid(where, f"cannot be read: {reason}", "check its permissions") from None
    if len(raw) > LARGEST:
        raise _invalid(where, f"is larger than {LARGEST // 1024} KiB", "split or shorten it")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise _invalid(where, f"line {line}: is not UTF-8", "save the file as UTF-8") from None


def _invalid(where: str, rule: str, remedy: str) -> InvalidInput:
    return InvalidInput(Problem(where, "", rule, remedy))


def _syntax_problem(error: yaml.YAMLError, text: str, where: str) -> Problem:
    if isinstance(error, yaml.reader.ReaderError):
        line = text.count("\n", 0, error.position) + 1
        rule, remedy = "a control character", "remove it"
    else:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark else 1
        said = str(getattr(error, "problem", "")) + str(getattr(error, "context", ""))
        rule, remedy = next((v for k, v in _SYNTAX.items() if k in said), _OTHER_SYNTAX)
    return Problem(where, "", f"line {line}: {rule}", remedy)


def _faults(loader: yaml.SafeLoader, root: yaml.Node) -> Iterator[tuple[str, str]]:
    """What is well-formed YAML and still not plain data: rule and remedy, in file order."""
    seen: set[int] = set()  # aliases make it a graph
    todo = [root]
    while todo:
        node = todo.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        line = f"line {node.start_mark.line + 1}"
        if node.tag not in _PLAIN:
            yield f"{line}: a YAML tag or `=`, which is not plain data", "write the plain value"
        elif isinstance(node, yaml.MappingNode):
            yield from _key_faults(node)
            todo.extend(value for _, value in reversed(node.value))
        elif isinstance(node, yaml.SequenceNode):
            todo.extend(reversed(node.value))
        elif not _readable(loader, node):
            yield f"{line}: looks like a number or date, and is none", "put it in quotes"


def _key_faults(mapping: yaml.MappingNode) -> Iterator[tuple[str, str]]:
    first: dict[str, int] = {}
    for key, _ in mapping.value:
        line = key.start_mark.line + 1
        if key.tag == _TAG + "merge":
            yield f"line {line}: merge keys (`<<`) are not supported", "write the keys out"
        elif key.tag != _TAG + "str" or not isinstance(key, yaml.ScalarNode):
            rule = (
                "a key must be text, and YAML reads this one as something else (`on` and `no` are "
                "true and false, digits a number)"
            )
            yield f"line {line}: {rule}", "put the key in quotes"
        elif key.value in first:
            yield (
                f"line {line}: duplicate key `{key.value}`, first on line {first[key.value]}",
                "keep one of the two",
            )
        else:
            first[key.value] = line


def _readable(loader: yaml.SafeLoader, scalar: yaml.Node) -> bool:
    """Whether the scalar is what its form or tag promises (``2024-13-45`` is no date)."""
    try:
        str(loader.construct_object(scalar)).encode()
    except (yaml.YAMLError, ValueError, LookupError, ArithmeticError, AttributeError, TypeError):
        return False
    return True
