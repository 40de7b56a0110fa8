"""Resource policies, decided for one request with the facts that the emulator has.

Source: IAM User Guide, "Policy evaluation logic", "Condition operators", "Policy variables".
What cannot be decided (a condition key without a fact, an unknown operator) counts against the
caller: a Deny then holds, an Allow does not.
"""

# One rule of IAM after another.
# ruff: noqa: ANN401, C901, FBT001, FBT002, PLR0911, PLR0913, PLR0917

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from ipaddress import ip_address, ip_network
from typing import Any, Final, Literal

from localcloud.emulator.patches.callers import Caller

Verdict = Literal["deny", "allow", "silent"]
# Facts of a request: condition keys in lower case. None: known not to be in this request.
Facts = Mapping[str, str | None]
_VARIABLE: Final = re.compile(r"\$\{([^}]*)\}")


class Undecidable(Exception):
    """A condition key without a fact, or an operator that is not implemented."""


def decide(
    document: Mapping[str, Any], action: str, resource: str, who: Caller | None, facts: Facts
) -> Verdict:
    """What the policy says; ``who`` is None for an anonymous request."""
    verdict: Verdict = "silent"
    modern = document.get("Version") == "2012-10-17"  # older versions have no variables
    for statement in _listed(document.get("Statement")):
        deny = statement.get("Effect") == "Deny"
        try:
            holds = _applies(statement, action, resource, who, facts, modern)
        except Undecidable:
            holds = deny
        if holds and deny:
            return "deny"
        if holds:
            verdict = "allow"
    return verdict


def _applies(
    statement: Mapping[str, Any],
    action: str,
    resource: str,
    who: Caller | None,
    facts: Facts,
    modern: bool,
) -> bool:
    def matches(value: str, patterns: Any, *, fold: bool = False) -> bool:
        return any(_like(value, pattern, facts, modern, fold) for pattern in _listed(patterns))

    if "Action" in statement and not matches(action, statement["Action"], fold=True):
        return False
    if "NotAction" in statement and matches(action, statement["NotAction"], fold=True):
        return False
    if "Resource" in statement and not matches(resource, statement["Resource"]):
        return False
    if "NotResource" in statement and matches(resource, statement["NotResource"]):
        return False
    if "Principal" in statement and not _is(who, statement["Principal"]):
        return False
    if "NotPrincipal" in statement and _is(who, statement["NotPrincipal"]):
        return False
    conditions = statement.get("Condition") or {}
    undecided = False
    for operator, keys in conditions.items():
        for key, wanted in keys.items():
            try:
                if not _holds(operator, key.lower(), _listed(wanted), facts, modern):
                    return False  # one that surely fails settles it, whatever the others are
            except Undecidable:
                undecided = True
    if undecided:
        raise Undecidable
    return True


def _is(who: Caller | None, principals: Any) -> bool:
    if principals == "*":
        return True
    # A service's "ARN" is its name.
    if who is not None and who.arn in _listed(principals.get("Service")):
        return True
    for named in _listed(principals.get("AWS")):
        if named == "*":
            return True
        if who is not None and named in (
            who.arn,
            who.session,
            who.account,
            f"arn:aws:iam::{who.account}:root",
        ):
            return True
    return False


def _holds(operator: str, key: str, wanted: list[Any], facts: Facts, modern: bool) -> bool:
    quantifier, _, plain = operator.rpartition(":")
    if_exists = plain.endswith("IfExists")
    plain = plain.removesuffix("IfExists")
    known = key in facts or key.startswith("aws:principaltag/")
    if not known:
        raise Undecidable(key)
    value = facts.get(key)
    if plain == "Null":
        return any((value is None) == (str(flag).lower() == "true") for flag in wanted)
    negated = "Not" in plain
    if value is None:
        return if_exists or negated or quantifier == "ForAllValues"
    compare = _comparison(plain, facts, modern)
    if negated:
        return not any(compare(value, str(pattern)) for pattern in wanted)
    return any(compare(value, _text(pattern)) for pattern in wanted)


def _comparison(operator: str, facts: Facts, modern: bool) -> Callable[[str, str], bool]:
    positive = operator.replace("Not", "", 1)
    if positive in ("StringEquals", "StringEqualsIgnoreCase"):
        fold = positive.endswith("IgnoreCase")

        def equal(value: str, pattern: str) -> bool:
            return _like(value, pattern, facts, modern, fold, wild=False)

        return equal
    if positive == "StringLike":
        return lambda value, pattern: _like(value, pattern, facts, modern)
    if positive in ("ArnEquals", "ArnLike"):

        def arn(value: str, pattern: str) -> bool:
            one, other = value.split(":", 5), pattern.split(":", 5)
            return len(one) == len(other) and all(
                _like(part, piece, facts, modern) for part, piece in zip(one, other, strict=True)
            )

        return arn
    if positive == "Bool":
        return lambda value, pattern: value.lower() == pattern.lower()
    if positive == "IpAddress":
        return lambda value, pattern: ip_address(value) in ip_network(pattern, strict=False)
    numbers: dict[str, Callable[[float, float], bool]] = {
        "NumericEquals": lambda a, b: a == b,
        "NumericLessThan": lambda a, b: a < b,
        "NumericLessThanEquals": lambda a, b: a <= b,
        "NumericGreaterThan": lambda a, b: a > b,
        "NumericGreaterThanEquals": lambda a, b: a >= b,
    }
    if (number := numbers.get(positive)) is not None:
        return lambda value, pattern: number(float(value), float(pattern))
    raise Undecidable(operator)


def _like(
    value: str, pattern: str, facts: Facts, modern: bool, fold: bool = False, wild: bool = True
) -> bool:
    """Match with ``*`` and ``?``, after putting in variables, whose values are literal. A variable
    without a value matches nothing.
    """
    built, position = "", 0
    for variable in _VARIABLE.finditer(pattern) if modern else ():
        built += _glob(pattern[position : variable.start()], wild)
        position = variable.end()
        name, _, default = variable[1].partition(",")
        if name in ("*", "?", "$"):
            built += re.escape(name)
            continue
        key = name.strip().lower()
        if key not in facts and not key.startswith("aws:principaltag/"):
            raise Undecidable(key)
        found = facts.get(key)
        if found is None and default:
            found = default.strip().strip("'")
        if found is None:
            return False
        built += re.escape(found)
    built += _glob(pattern[position:], wild)
    return re.fullmatch(built, value, re.DOTALL | (re.IGNORECASE if fold else 0)) is not None


def _glob(text: str, wild: bool) -> str:
    if not wild:
        return re.escape(text)
    return "".join({"*": ".*", "?": "."}.get(one) or re.escape(one) for one in text)


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _listed(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]
