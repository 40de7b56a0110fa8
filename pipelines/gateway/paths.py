"""Paths and queries, taken apart once, strictly, and put together anew."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import quote, unquote_to_bytes

from pipelines.gateway.refusal import malformed

LONGEST_NAME = 255
"""Characters of one name in a path."""

NAMESPACE_SEPARATOR = "\x1f"
"""Between the elements of a namespace (Iceberg REST specification, "namespace")."""

_LONGEST_PATH = 8192  # bytes
_BAD_ESCAPE = re.compile(rb"%(?![0-9A-Fa-f]{2})")
# Nessie separates by dots, escapes are decoded at several places, `;` starts a matrix parameter.
_NAME = re.compile(rf"[A-Za-z0-9_][A-Za-z0-9_-]{{0,{LONGEST_NAME - 1}}}")
_QUERY_VALUE = re.compile(r"[A-Za-z0-9_=+/.:@|\x1f-]{0,1024}")


def segments(raw_path: bytes) -> tuple[str, ...]:
    """The decoded parts of a path as it came over the wire, each decoded exactly once.

    Raises:
        Refused: it is too long, or a part is empty or not UTF-8 in percent-encoding.
    """
    if len(raw_path) > _LONGEST_PATH or not raw_path.startswith(b"/"):
        raise malformed("the path is too long or is none")
    return tuple(_decoded(part) for part in raw_path[1:].split(b"/"))


def _decoded(part: bytes) -> str:
    try:
        if part and not _BAD_ESCAPE.search(part):
            return unquote_to_bytes(part).decode()
    except UnicodeDecodeError:
        pass
    raise malformed("a part of the path is empty or wrongly encoded")


def name(text: object) -> str:
    """The text, which is a name that means the same to whoever decodes it.

    Raises:
        Refused: it is none.
    """
    if not isinstance(text, str) or not _NAME.fullmatch(text):
        raise malformed(
            f"a name has 1 to {LONGEST_NAME} letters, digits, underscores and hyphens,"
            " and does not start with a hyphen"
        )
    return text


def path(*parts: str) -> str:
    """A path of the decoded parts."""
    return "".join(f"/{quote(part, safe='')}" for part in parts)


def query(raw: bytes, allowed: frozenset[str]) -> Mapping[str, str]:
    """The parameters, of which each may come once.

    Raises:
        Refused: one is not allowed, comes twice or is wrongly encoded.
    """
    found: dict[str, str] = {}
    for pair in raw.split(b"&") if raw else ():
        key, equals, value = pair.partition(b"=")
        if len(value) > _LONGEST_PATH or not equals or _BAD_ESCAPE.search(pair):
            raise malformed("the query is wrongly encoded")
        try:
            named, text = key.decode("ascii"), unquote_to_bytes(value).decode()
        except UnicodeDecodeError as error:
            raise malformed("the query is wrongly encoded") from error
        if named not in allowed or named in found or not _QUERY_VALUE.fullmatch(text):
            raise malformed("a parameter of the query is not one of this call, or comes twice")
        found[named] = text
    return found
