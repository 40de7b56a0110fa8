"""The project's policies on S3 in the words of MinIO, and what of them it has no words for.

MinIO evaluates policies as IAM does, with these differences:

- **Bucket policies** it asks about anonymous callers only. The fences of buckets are all denials
  for everybody, and a denial counts wherever it stands, so they become a part of each user's
  policy. What one denies by ``NotResource`` is within its bucket; so the other buckets are added.
- **Permission boundaries** it has none, but sessions that a policy limits as well: a user has the
  boundary and the fences, and a role of his is a session with the role's grants. Either way only
  what both allow is allowed.
- **Tags of principals** (``aws:PrincipalTag/tenant``) it has none. A user is called what the tag
  would say, and ``aws:username``, in a session too, stands for the tag. So a caller *without* the
  tag, whom the fences deny all, cannot be made here.
- **Accounts** it has none: the bucket of another account (``s3:ResourceAccount``) cannot be made
  here, and no platform's role (``aws:PrincipalArn``), which the fences let through.
- **TLS** the server of the tests has none: the denial of calls without it is left out.
- **Other services** it has none: statements on KMS and Glue are left out.
- ``StringNotEqualsIfExists`` it does not know: the key must be there, and differ.

Whatever else a policy may say is refused here, so that no part of a grant is lost in silence.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

Json = dict[str, Any]

_TAG = "aws:PrincipalTag/tenant"
_NAME = "aws:username"


class _DeniesNothingHere(Exception):
    """A denial is of callers or calls that cannot be made in MinIO."""


def grants(document: Json, account: str) -> Json:
    """A policy of a user or session that decides on S3 as ``document`` does for a role of the
    account (12 digits).

    Raises:
        ValueError: it says what has no words in MinIO.
    """
    return _document(_translated(each, account) for each in document["Statement"])


def fence(document: Json, account: str, others: Iterable[str]) -> Json:
    """The same of a bucket policy that denies only. ``others``: the ARNs of all other buckets."""
    found = []
    for given in document["Statement"]:
        if (given["Effect"], given["Principal"]) != ("Deny", "*"):
            raise ValueError(f"only a denial for everybody can be a part of a user's: {given}")
        statement = _translated(given, account)
        if statement and "NotResource" in statement:
            elsewhere = [arn for other in others for arn in (other, f"{other}/*")]
            statement["NotResource"] = [*statement["NotResource"], *elsewhere]
        found.append(statement)
    return _document(found)


def together(*documents: Json) -> Json:
    """One policy of all their statements."""
    return _document(each for document in documents for each in document["Statement"])


def _document(statements: Iterable[Json | None]) -> Json:
    return {"Version": "2012-10-17", "Statement": [each for each in statements if each]}


def _translated(given: Json, account: str) -> Json | None:
    """The statement, or None where it decides nothing here."""
    actions = given.get("Action", [])
    if actions and not any(each.startswith("s3:") for each in actions):
        return None
    if given["Effect"] == "Deny" and "s3:*" in given.get("NotAction", []):
        return None
    conditions: dict[str, Json] = {}
    try:
        for operator, keys in given.get("Condition", {}).items():
            for key, value in keys.items():
                for name, test in _condition(operator, key, value, account).items():
                    conditions.setdefault(name, {}).update(test)
    except _DeniesNothingHere:
        if given["Effect"] != "Deny":
            raise ValueError(f"MinIO cannot be asked what it allows: {given}") from None
        return None
    statement: Json = {
        name: _named(given[name])
        for name in ("Effect", "Action", "NotAction", "Resource", "NotResource")
        if name in given
    }
    return {**statement, "Condition": conditions} if conditions else statement


def _condition(operator: str, key: str, value: Any, account: str) -> Json:
    """Conditions that hold in MinIO where the given one does in AWS."""
    match operator, key, value:
        case ("Bool", "aws:SecureTransport", "false") | ("Null", "aws:PrincipalTag/tenant", "true"):
            raise _DeniesNothingHere
        case "StringEquals", "s3:ResourceAccount", str() if value == account:
            return {}
        case "ArnNotLike", "aws:PrincipalArn", _:
            return {}
        case "StringNotEquals", "aws:PrincipalTag/tenant", _:
            return {operator: {_NAME: value}}
        case "StringNotEqualsIfExists", "s3:x-amz-server-side-encryption", _:
            return {"Null": {key: "false"}, "StringNotEquals": {key: value}}
        case (("StringLike" | "StringNotLike"), "s3:prefix", _):
            return {operator: {key: _named(value)}}
    raise ValueError(f"MinIO has no words for {operator} {key} {value}")


def _named(value: Any) -> Any:
    """Texts with the user's name in the tag's place."""
    if isinstance(value, list):
        return [_named(each) for each in value]
    named: str = value.replace(f"${{{_TAG}}}", f"${{{_NAME}}}")
    if "PrincipalTag" in named:
        raise ValueError(f"MinIO has no tag but the name: {value}")
    return named
