"""Pulumi properties to API parameters and back, guided by botocore's own service models.

Pulumi writes ``applyServerSideEncryptionByDefault.kmsMasterKeyId``, the S3 API
``ApplyServerSideEncryptionByDefault.KMSMasterKeyID``. The names agree but for case, for a plural
here and there (``tags``/``Tag``, ``clientIdLists``/``ClientIDList``), and for true exceptions,
which a handler gives as ``renames`` (property name to API name). What matches nothing is an error
that names the path: a property is never dropped in silence.
"""

# Property values are anything; one kind of shape after another.
# ruff: noqa: ANN401, C901, PLR0911, PLR2004

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from botocore.model import ListShape, MapShape, Shape, StructureShape

_WORDS = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|[0-9]+")


class MappingError(ValueError):
    """A property that the API has no place for, or a value of the wrong kind."""


def camel(api_name: str) -> str:
    """``SSEKMSKeyId`` as Pulumi would write it where nothing better is known: ``ssekmsKeyId``."""
    first, *rest = _WORDS.findall(api_name) or [api_name]
    return str(first.lower() + "".join(word.lower().capitalize() for word in rest))


def _key(name: str) -> str:
    """A name without case, separators and plural endings, for comparing."""
    flat = re.sub(r"[^a-z0-9]", "", name.lower())
    for ending, instead in (("lists", ""), ("list", ""), ("ies", "y"), ("ses", "s"), ("s", "")):
        if flat.endswith(ending) and len(flat) > len(ending):
            return flat[: -len(ending)] + instead
    return flat


def member_name(name: str, shape: StructureShape, renames: Mapping[str, str]) -> str | None:
    """The member of an API structure that a property means; None when there is none."""
    if (given := renames.get(name)) is not None:
        return given if given in shape.members else None
    by_case = {member.lower(): member for member in shape.members}
    if (exact := by_case.get(name.lower())) is not None:
        return exact
    near = [member for member in shape.members if _key(member) == _key(name)]
    return near[0] if len(near) == 1 else None


def pair_names(shape: Shape) -> tuple[str, str] | None:
    """``("Key", "Value")`` for a list of key/value structures, as tags are; else None."""
    if not isinstance(shape, ListShape) or not isinstance(shape.member, StructureShape):
        return None
    members = list(shape.member.members)
    keys = [m for m in members if m.lower() in ("key", "tagkey")]
    values = [m for m in members if m.lower() in ("value", "tagvalue")]
    return (keys[0], values[0]) if len(members) == 2 and keys and values else None


def to_api(value: Any, shape: Shape, renames: Mapping[str, str], path: str = "") -> Any:
    """The API's form of a property's value.

    Raises MappingError for a name without a place in the API, or a value of the wrong kind.
    """
    if isinstance(shape, StructureShape):
        if not isinstance(value, Mapping):
            raise MappingError(f"{path}: an object is needed, not {type(value).__name__}")
        result: dict[str, Any] = {}
        for name, item in value.items():
            if item is None:
                continue
            member = member_name(name, shape, renames)
            if member is None:
                known = ", ".join(sorted(camel(m) for m in shape.members))
                raise MappingError(f"{path}.{name}: unknown here; known are {known}")
            result[member] = to_api(item, shape.members[member], renames, f"{path}.{name}")
        return result
    if isinstance(shape, ListShape):
        pair = pair_names(shape)
        if pair and isinstance(value, Mapping):
            return [{pair[0]: str(k), pair[1]: str(v)} for k, v in value.items()]
        if isinstance(value, Mapping) and isinstance(shape.member, StructureShape):
            value = [value]  # Pulumi writes a list of at most one as the object itself
        if not isinstance(value, list):
            raise MappingError(f"{path}: a list is needed, not {type(value).__name__}")
        return [
            to_api(item, shape.member, renames, f"{path}[{index}]")
            for index, item in enumerate(value)
        ]
    if isinstance(shape, MapShape):
        if not isinstance(value, Mapping):
            raise MappingError(f"{path}: an object is needed, not {type(value).__name__}")
        return {k: to_api(v, shape.value, renames, f"{path}.{k}") for k, v in value.items()}
    return _scalar(value, shape, path)


def _scalar(value: Any, shape: Shape, path: str) -> Any:
    kind = shape.type_name
    try:
        if kind in ("integer", "long"):
            return int(value)
        if kind in ("float", "double"):
            return float(value)
        if kind == "boolean":
            if isinstance(value, bool):
                return value
            return {"true": True, "false": False}[str(value).lower()]
        if kind == "string":
            if isinstance(value, Mapping | list):
                return json.dumps(value)
            return str(value).lower() if isinstance(value, bool) else str(value)
    except (KeyError, TypeError, ValueError):
        raise MappingError(f"{path}: {value!r} is not of the API's type {kind}") from None
    return value  # blobs and timestamps go as they are


def from_api(value: Any, shape: Shape, renames: Mapping[str, str], like: Any = None) -> Any:
    """The property form of what the API answered; names are taken from ``like`` (what the program
    wrote) where it has them, since the API cannot tell ``tag`` from ``tags``.
    """
    if isinstance(shape, StructureShape) and isinstance(value, Mapping):
        back = {api: name for name, api in renames.items()}
        wrote: dict[str, str] = {}
        for name in like if isinstance(like, Mapping) else ():
            if (member := member_name(name, shape, renames)) is not None:
                wrote[member] = name
        result = {}
        for member, item in value.items():
            if member not in shape.members or item is None:
                continue
            name = wrote.get(member) or back.get(member) or camel(member)
            inner = like.get(name) if isinstance(like, Mapping) else None
            result[name] = from_api(item, shape.members[member], renames, inner)
        return result
    if isinstance(shape, ListShape) and isinstance(value, list):
        pair = pair_names(shape)
        if pair and not isinstance(like, list):
            return {item[pair[0]]: item.get(pair[1], "") for item in value}
        if isinstance(like, Mapping) and len(value) == 1:
            return from_api(value[0], shape.member, renames, like)
        wrote_items = like if isinstance(like, list) else []
        return [
            from_api(item, shape.member, renames, wrote_items[i] if i < len(wrote_items) else None)
            for i, item in enumerate(value)
        ]
    if isinstance(shape, MapShape) and isinstance(value, Mapping):
        return {key: from_api(item, shape.value, renames) for key, item in value.items()}
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%dT%H:%M:%SZ")
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return value
