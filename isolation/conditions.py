"""Condition blocks: decided where the context is known, else a test on a key that stays free.

Sources, IAM User Guide: "IAM JSON policy elements: Condition operators" (operators, missing keys,
``...IfExists``, ``Null``), "Set operators for multivalued context keys". What is not understood is
assumed to hold on an Allow and to fail on a Deny.
"""

import base64
import binascii
import operator
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from ipaddress import ip_address, ip_network

from isolation.facts import Facts, surrounding
from isolation.notes import Notes
from isolation.patterns import (
    EVERYTHING,
    Part,
    Pattern,
    Text,
    Unresolved,
    arn_like,
    ignoring_case,
    parse,
    plain,
    resolve,
)
from isolation.policy import Condition, Statement


class Outcome(Enum):
    """What is known of a condition before the request is made."""

    HOLDS = "holds"
    FAILS = "fails"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Test:
    """A condition on a key whose values a caller chooses.

    It holds if every value (or one, unless ``every``) matches one of ``patterns`` (or none of
    them, if ``negated``); ``if_missing`` tells whether it holds without the key. ``several`` tells
    that the policy speaks of a key with several values.
    """

    __test__ = False  # not one of pytest's

    key: str
    patterns: tuple[Pattern, ...]
    negated: bool
    every: bool
    if_missing: bool
    several: bool = False


@dataclass(frozen=True, slots=True)
class _Operator:
    """An operator's name taken apart."""

    base: str
    quantifier: str
    if_exists: bool

    def every(self, statement: Statement) -> bool:
        """Whether all values of the key must pass.

        What a plain operator does with several values is not documented: so the caller's wish.
        """
        if self.quantifier:
            return self.quantifier == "forallvalues"
        return statement.effect == "Deny"

    def if_missing(self, statement: Statement, *, negated: bool) -> bool:
        if self.quantifier == "forallvalues":
            return True
        if self.quantifier == "foranyvalue":
            # Whether IfExists counts within ForAnyValue is not documented.
            return self.if_exists and statement.effect == "Allow"
        return self.if_exists or negated


_NAME = re.compile(r"(?:(ForAllValues|ForAnyValue):)?([A-Za-z]+?)(IfExists)?", re.IGNORECASE)


# Operator -> how its values are read, whether they have wildcards, whether it is negated.
_MATCHING: dict[str, tuple[Callable[[Text], Pattern | None], bool, bool]] = {
    "stringequals": (plain, False, False),
    "stringnotequals": (plain, False, True),
    "stringequalsignorecase": (ignoring_case, False, False),
    "stringnotequalsignorecase": (ignoring_case, False, True),
    "stringlike": (plain, True, False),
    "stringnotlike": (plain, True, True),
    "arnequals": (arn_like, True, False),
    "arnlike": (arn_like, True, False),
    "arnnotequals": (arn_like, True, True),
    "arnnotlike": (arn_like, True, True),
    "bool": (ignoring_case, False, False),
}


def _number(text: str) -> float:
    return float(text)


def _date(text: str) -> float:
    if re.fullmatch(r"[0-9]+(?:\.[0-9]+)?", text):
        return float(text)
    moment = datetime.fromisoformat(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _same_bytes(given: str, expected: str) -> bool:
    return base64.b64decode(given, validate=True) == base64.b64decode(expected, validate=True)


def _in_range(given: str, expected: str) -> bool:
    address, network = ip_address(given), ip_network(expected, strict=False)
    return address.version == network.version and address in network


_Comparison = Callable[[str, str], bool]


def _ordered(read: Callable[[str], float], compare: Callable[[float, float], bool]) -> _Comparison:
    return lambda given, expected: compare(read(given), read(expected))


# Operator -> comparison of a value with one of the policy's, whether it is negated.
_COMPARING: dict[str, tuple[_Comparison, bool]] = {
    "binaryequals": (_same_bytes, False),
    "ipaddress": (_in_range, False),
    "notipaddress": (_in_range, True),
} | {
    f"{kind}{name}": (_ordered(read, compare), negated)
    for kind, read in (("numeric", _number), ("date", _date))
    for name, compare, negated in (
        ("equals", operator.eq, False),
        ("notequals", operator.eq, True),
        ("lessthan", operator.lt, False),
        ("lessthanequals", operator.le, False),
        ("greaterthan", operator.gt, False),
        ("greaterthanequals", operator.ge, False),
    )
}


def bind(condition: Condition, statement: Statement, facts: Facts, notes: Notes) -> Outcome | Test:
    """What a condition of ``statement`` comes to, given the facts."""
    parsed = _NAME.fullmatch(condition.operator)
    if parsed is None:
        return _not_understood(condition, statement, notes)
    quantifier, base, if_exists = parsed.groups(default="")
    given = _Operator(base.lower(), quantifier.lower(), bool(if_exists))
    if given.base == "null" and not if_exists:
        return _null(condition, statement, facts, notes)
    if given.base in _MATCHING:
        return _matching(condition, given, statement, facts, notes)
    if given.base in _COMPARING:
        return _comparing(condition, given, statement, facts, notes)
    return _not_understood(condition, statement, notes)


def _not_understood(condition: Condition, statement: Statement, notes: Notes) -> Outcome:
    notes.unknown(f"condition {condition} of {statement} is not understood")
    return Outcome.UNKNOWN


def _null(condition: Condition, statement: Statement, facts: Facts, notes: Notes) -> Outcome | Test:
    if condition.values in (("true",), ("false",)):
        absent = condition.values == ("true",)
        test = Test(
            condition.key,
            () if absent else (EVERYTHING,),
            negated=False,
            every=False,
            if_missing=absent,
        )
        return _decide(test, statement, facts, notes)
    return _not_understood(condition, statement, notes)


def _matching(
    condition: Condition, given: _Operator, statement: Statement, facts: Facts, notes: Notes
) -> Outcome | Test:
    compile_, wildcards, negated = _MATCHING[given.base]
    texts = [
        parse(value, wildcards=wildcards, variables=statement.variables)
        for value in condition.values
    ]
    resolved = resolved_patterns(texts, statement, facts, notes, negated=negated)
    if resolved is None:
        return Outcome.UNKNOWN
    patterns = [compile_(text) for text in resolved]
    if None in patterns:
        return _not_understood(condition, statement, notes)
    test = Test(
        condition.key,
        tuple(pattern for pattern in patterns if pattern is not None),
        negated=negated,
        every=given.every(statement),
        if_missing=given.if_missing(statement, negated=negated),
        several=bool(given.quantifier),
    )
    return _decide(test, statement, facts, notes)


def resolved_patterns(
    texts: Iterable[tuple[Part, ...]],
    statement: Statement,
    facts: Facts,
    notes: Notes,
    *,
    negated: bool,
) -> list[Text] | None:
    """Texts of a statement with their variables' values; None if a Deny cannot be relied on.

    A text whose variable is absent matches nothing. Where its value is not known it stands for
    all or for nothing, whichever lets a caller do more.
    """
    widen = (statement.effect == "Allow") != negated
    found: list[Text] = []
    for parts in texts:
        text = resolve(parts, facts, widen=widen)
        if not isinstance(text, Unresolved):
            found.append(text)
        elif statement.effect == "Deny" and negated:
            # "This might cause the entire statement to be invalid" (IAM User Guide, "Variables").
            notes.unknown(f"a variable of {statement} has no value for this caller")
            return None
    return found


def _decide(test: Test, statement: Statement, facts: Facts, notes: Notes) -> Outcome | Test:
    values = facts.values(test.key)
    if values is None:
        return test if _free(test.key, statement, facts, notes) else Outcome.UNKNOWN
    matched = [any(pattern.matches(value) for pattern in test.patterns) for value in values]
    return _known(test, matched, statement, facts, notes)


def _known(
    test: Test, matched: list[bool], statement: Statement, facts: Facts, notes: Notes
) -> Outcome:
    """The outcome with known values; where they may be missing, the one that lets a caller do more.

    ``matched``: of each value whether it is one that the condition names.
    """
    found = _outcome(test, matched)
    if facts.may_be_missing(test.key) and found is not _outcome(test, []):
        notes.assumed(f"a caller can meet, or avoid, what {statement} says of {test.key}")
        return Outcome.HOLDS if statement.effect == "Allow" else Outcome.FAILS
    return found


def _outcome(test: Test, matched: list[bool]) -> Outcome:
    if not matched:
        holds = test.if_missing
    else:
        results = [one != test.negated for one in matched]
        holds = all(results) if test.every else any(results)
    return Outcome.HOLDS if holds else Outcome.FAILS


def _free(key: str, statement: Statement, facts: Facts, notes: Notes) -> bool:
    """Whether a key that is not known is the caller's to choose; says so in the notes."""
    if not facts.chosen_by_caller(key):
        notes.unknown(f"the value of {key} in {statement} is not known")
        return False
    if surrounding(key):
        notes.assumed(f"a caller can meet, or avoid, what {statement} says of {key}")
    return True


def _comparing(
    condition: Condition, given: _Operator, statement: Statement, facts: Facts, notes: Notes
) -> Outcome:
    compare, negated = _COMPARING[given.base]
    values = facts.values(condition.key)
    if values is None:
        if _free(condition.key, statement, facts, notes):
            notes.assumed(f"a caller can meet, or avoid, {condition} of {statement}")
        return Outcome.UNKNOWN
    test = Test(
        condition.key,
        (),
        negated=negated,
        every=given.every(statement),
        if_missing=given.if_missing(statement, negated=negated),
    )
    try:
        matched = [any(compare(value, one) for one in condition.values) for value in values]
        return _known(test, matched, statement, facts, notes)
    except (ValueError, OverflowError, binascii.Error):
        return _not_understood(condition, statement, notes)
