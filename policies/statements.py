"""The statements of the policy documents that a resource carries."""

import json
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from isolation.graph import Resource
from policies.rule import known

_DOCUMENTS = ("policy", "policyDocument", "assumeRolePolicy", "resourcePolicy", "accessPolicy")

Statement = Mapping[str, Any]


def statements(resource: Resource) -> Iterator[Statement]:
    """Every statement, of whatever effect.

    Raises ``NotKnownYetError`` for a document that is not known. One that is no JSON has none:
    AWS refuses it, and the proof says that it is not understood.
    """
    inputs = resource.inputs
    documents = [inputs[name] for name in _DOCUMENTS if name in inputs]
    documents += [inline.get("policy") for inline in listed(inputs.get("inlinePolicies"))]
    for document in documents:
        text = known(document)
        read = _read(text) if isinstance(text, str) else text
        if isinstance(read, Mapping):
            yield from (one for one in listed(read.get("Statement")) if isinstance(one, Mapping))


@lru_cache(maxsize=1 << 14)
def _read(text: str) -> object:
    """A document as JSON, which several rules look at; None if it is none."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def allowing(resource: Resource) -> Iterator[Statement]:
    """The statements that allow."""
    return (one for one in statements(resource) if one.get("Effect") == "Allow")


def listed(value: object) -> list[Any]:
    """A policy's element as the list that it may be written as.

    Raises ``NotKnownYetError`` for one that is not known.
    """
    found = known(value)
    if found is None:
        return []
    return [known(one) for one in found] if isinstance(found, list) else [found]


def principals(statement: Statement) -> list[str]:
    """Every name under Principal, of whatever kind."""
    given = statement.get("Principal")
    if isinstance(given, Mapping):
        return [str(name) for names in given.values() for name in listed(names)]
    return [str(name) for name in listed(given)]


def title(statement: Statement) -> str:
    """How a message names a statement."""
    return f"statement {statement.get('Sid') or json.dumps(dict(statement), sort_keys=True)}"
