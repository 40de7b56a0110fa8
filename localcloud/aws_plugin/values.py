"""The engine's property values on the wire, as plain Python.

A property bag travels as a protobuf ``Struct`` in which special values are marked by well-known
strings (pulumi ``sdk/go/common/resource/plugin/rpc.go``). ``decode`` gives plain dictionaries with
``UNKNOWN`` for what a preview cannot know yet, and the names of the top-level properties that hold
a secret; ``encode`` marks those again, so that a secret that came in never leaves in the clear.
"""

# Property values are anything; one kind after another.
# ruff: noqa: ANN401, C901, PLR0911, S105

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, Final

from google.protobuf import struct_pb2

from localcloud.aws_plugin.archives import ARCHIVE, ASSET, Bundle

_UNKNOWN_MARK: Final = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
_UNKNOWN_MARKS: Final = frozenset(
    {
        _UNKNOWN_MARK,
        "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",  # boolean
        "3eeb2bf0-c639-47a8-9e75-3b44932eb421",  # number
        "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",  # array
        "030794c1-ac77-496b-92df-f27374a8bd58",  # asset
        "e48ece36-62e2-4504-bad9-02848725956a",  # archive
        "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",  # object
    }
)
_SIGNATURE_KEY: Final = "4dabf18193072939515e22adb298388d"
_SECRET: Final = "1b47061264138c4ac30d75fd1eb44270"
_OUTPUT: Final = "d0e6a833031e9bbcd3f4e8bde6ca49a4"
_RESOURCE: Final = "5cf8f73096256a8f31e491e813e4eb8e"


class Unknown:
    """The one value that stands for "known only after the update"."""

    def __repr__(self) -> str:
        return "<unknown until applied>"


UNKNOWN: Final = Unknown()
Properties = dict[str, Any]


def decode(struct: struct_pb2.Struct) -> tuple[Properties, frozenset[str]]:
    """The plain properties, and the names of those that hold a secret at any depth."""
    secrets: set[str] = set()
    plain: Properties = {}
    for name, value in struct.fields.items():
        found: list[bool] = []
        plain[name] = _plain(value, found)
        if found:
            secrets.add(name)
    return plain, frozenset(secrets)


def _plain(value: struct_pb2.Value, secret: list[bool]) -> Any:
    kind = value.WhichOneof("kind")
    if kind == "string_value":
        return UNKNOWN if value.string_value in _UNKNOWN_MARKS else value.string_value
    if kind == "number_value":
        number = value.number_value
        return int(number) if number.is_integer() else number
    if kind == "bool_value":
        return value.bool_value
    if kind == "list_value":
        return [_plain(item, secret) for item in value.list_value.values]
    if kind == "struct_value":
        fields = value.struct_value.fields
        signature = fields[_SIGNATURE_KEY].string_value if _SIGNATURE_KEY in fields else ""
        if not signature:
            return {key: _plain(item, secret) for key, item in fields.items()}
        if signature == _SECRET:
            secret.append(True)
            return _plain(fields["value"], secret)
        if signature == _OUTPUT:
            if "secret" in fields and fields["secret"].bool_value:
                secret.append(True)
            return _plain(fields["value"], secret) if "value" in fields else UNKNOWN
        if signature == _RESOURCE:
            return _plain(fields["id"], secret) if "id" in fields else UNKNOWN
        if signature in (ASSET, ARCHIVE):
            given = {name: _plain(item, secret) for name, item in fields.items()}
            del given[_SIGNATURE_KEY]
            return Bundle(signature, given)
        raise ValueError(f"a value of an unknown kind was given: {signature}")
    return None


def encode(properties: Mapping[str, Any], secrets: Iterable[str] = ()) -> struct_pb2.Struct:
    """The wire form; a property named in ``secrets`` is marked secret. ``None`` is left out."""
    struct = struct_pb2.Struct()
    hidden = frozenset(secrets)
    for name, value in properties.items():
        if value is None:
            continue
        target = struct.fields[name]
        if name in hidden:
            target.struct_value.fields[_SIGNATURE_KEY].string_value = _SECRET
            target = target.struct_value.fields["value"]
        _wire(target, value)
    return struct


def _wire(target: struct_pb2.Value, value: Any) -> None:
    if value is UNKNOWN:
        target.string_value = _UNKNOWN_MARK
    elif value is None:
        target.null_value = struct_pb2.NULL_VALUE
    elif isinstance(value, bool):
        target.bool_value = value
    elif isinstance(value, int | float):
        target.number_value = value
    elif isinstance(value, str):
        target.string_value = value
    elif isinstance(value, Bundle):
        _wire(target, {_SIGNATURE_KEY: value.signature, **value.fields})
    elif isinstance(value, Mapping):
        target.struct_value.SetInParent()
        for key, item in value.items():
            _wire(target.struct_value.fields[str(key)], item)
    elif isinstance(value, list | tuple):
        target.list_value.SetInParent()
        for item in value:
            _wire(target.list_value.values.add(), item)
    else:
        raise TypeError(f"no wire form for a {type(value).__name__}")


def has_unknown(value: Any) -> bool:
    """Whether the value holds an unknown at any depth."""
    if isinstance(value, Bundle):
        return has_unknown(value.fields)
    if isinstance(value, Mapping):
        return any(map(has_unknown, value.values()))
    if isinstance(value, list | tuple):
        return any(map(has_unknown, value))
    return value is UNKNOWN


def has_bundle(value: Any) -> bool:
    """Whether the value holds an asset or an archive at any depth."""
    if isinstance(value, Mapping):
        return any(map(has_bundle, value.values()))
    if isinstance(value, list | tuple):
        return any(map(has_bundle, value))
    return isinstance(value, Bundle)


def canonical(value: Any) -> str:
    """A text that is the same for equal values: the engine's maps come in no fixed order."""
    return json.dumps(value, default=repr, sort_keys=True)
