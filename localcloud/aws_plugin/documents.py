"""JSON policy documents: are two the same, and would AWS take this one?

Sources: the IAM JSON policy grammar; the quotas pages of IAM (white space is not counted), S3 and
KMS. Comparison follows what the official provider does: lists of actions, resources, principals
and statements are sets, one string equals a list of that string, a number or boolean in a
condition equals its text.
"""

# Documents are anything; one rule after another.
# ruff: noqa: ANN401, PLR0911

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Final


@dataclass(frozen=True)
class Kind:
    """What a document is for. ``limit`` is in characters; ``compact`` limits leave white space
    uncounted. ``principal`` and ``resource`` say whether a statement must (True) or must not
    (False) carry that element; None leaves it open.
    """

    name: str
    limit: int
    compact: bool
    principal: bool | None
    resource: bool | None


TRUST: Final = Kind("role trust policy", 2048, compact=True, principal=True, resource=False)
INLINE: Final = Kind("inline role policy", 10240, compact=True, principal=False, resource=True)
MANAGED: Final = Kind("managed policy", 6144, compact=True, principal=False, resource=True)
BUCKET: Final = Kind("bucket policy", 20 * 1024, compact=False, principal=True, resource=True)
KEY: Final = Kind("key policy", 32 * 1024, compact=False, principal=True, resource=True)
RESOURCE_POLICY: Final = Kind(
    "resource policy", 20 * 1024, compact=False, principal=True, resource=None
)
ENDPOINT: Final = Kind("VPC endpoint policy", 20480, compact=False, principal=True, resource=True)


def problem(text: Any, kind: Kind) -> str | None:
    """Why AWS would refuse this document, or None."""
    if not isinstance(text, str):
        return f"the {kind.name} must be a JSON string"
    try:
        document = json.loads(text)
    except ValueError as error:
        return f"the {kind.name} is not JSON: {error}"
    if not isinstance(document, dict):
        return f"the {kind.name} must be a JSON object"
    if unknown := set(document) - {"Version", "Id", "Statement"}:
        return f"the {kind.name} has unknown elements: {', '.join(sorted(unknown))}"
    if document.get("Version", "2008-10-17") not in ("2012-10-17", "2008-10-17"):
        return f"the {kind.name} has an unknown Version {document['Version']!r}; use 2012-10-17"
    size = len(json.dumps(document, separators=(",", ":"))) if kind.compact else len(text.encode())
    if size > kind.limit:
        return f"the {kind.name} has {size} characters, more than the {kind.limit} that AWS takes"
    statements = _listed(document.get("Statement"))
    if not statements:
        return f"the {kind.name} has no Statement"
    for number, statement in enumerate(statements, 1):
        if rule := _statement_problem(statement, kind):
            return f"statement {number} of the {kind.name} {rule}"
    return None


def _statement_problem(statement: Any, kind: Kind) -> str | None:
    if not isinstance(statement, dict):
        return "is not an object"
    known = {"Sid", "Effect", "Condition"}
    known |= {n + e for n in ("", "Not") for e in ("Principal", "Action", "Resource")}
    if unknown := set(statement) - known:
        return f"has unknown elements: {', '.join(sorted(unknown))}"
    if statement.get("Effect") not in ("Allow", "Deny"):
        return "needs Effect Allow or Deny"
    wanted = {"Action": True, "Principal": kind.principal, "Resource": kind.resource}
    for element, must in wanted.items():
        present = [name for name in (element, f"Not{element}") if name in statement]
        if len(present) > 1:
            return f"has both {element} and Not{element}"
        if must and not present:
            return f"needs {element} or Not{element}"
        if must is False and present:
            return f"must not have {present[0]}"
        if present and statement[present[0]] in ("", [], {}):
            return f"has an empty {present[0]}"
    if not isinstance(statement.get("Condition", {}), dict):
        return "has a Condition that is not an object"
    return None


def same(one: Any, other: Any) -> bool:
    """Whether two JSON documents mean the same; text that is not JSON is compared as text."""
    if one == other:
        return True
    try:
        return bool(_canonical(json.loads(one)) == _canonical(json.loads(other)))
    except (TypeError, ValueError):
        return False


def _canonical(document: Any) -> Any:
    if not isinstance(document, dict) or "Statement" not in document:
        return document
    statements = [_canonical_statement(item) for item in _listed(document["Statement"])]
    return {**document, "Statement": _sorted(statements)}


def _canonical_statement(statement: Any) -> Any:
    if not isinstance(statement, dict):
        return statement
    plain: dict[str, Any] = {}
    for element, value in statement.items():
        if element == "Condition" and isinstance(value, dict):
            plain[element] = {
                operator: {key.lower(): _texts(wanted) for key, wanted in keys.items()}
                for operator, keys in value.items()
            }
        elif element in ("Principal", "NotPrincipal"):
            everyone = {"AWS": value} if isinstance(value, str) else value
            plain[element] = {key: _texts(names) for key, names in everyone.items()}
        elif element in ("Action", "NotAction"):
            plain[element] = sorted({str(item).lower() for item in _listed(value)})
        elif element in ("Resource", "NotResource"):
            plain[element] = _texts(value)
        elif not (element == "Sid" and value == ""):
            plain[element] = value
    return plain


def _texts(value: Any) -> list[str]:
    return sorted({str(v).lower() if isinstance(v, bool) else str(v) for v in _listed(value)})


def _listed(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _sorted(values: list[Any]) -> list[Any]:
    return sorted(values, key=lambda value: json.dumps(value, sort_keys=True))
