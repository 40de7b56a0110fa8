"""Condition operators, one row a rule. Sources: IAM User Guide, "IAM JSON policy elements:
Condition operators" and "Set operators for multivalued context keys"."""

from typing import Any

import pytest

from isolation.conditions import Outcome, Test, bind
from isolation.facts import Facts
from isolation.notes import Notes
from isolation.policy import parse_policy

HOLDS, FAILS, UNKNOWN = Outcome.HOLDS, Outcome.FAILS, Outcome.UNKNOWN
ABSENT: tuple[str, ...] = ()


def _bind(operator: str, values: Any, facts: Facts, effect: str = "Allow") -> Outcome | Test:
    document = {
        "Version": "2012-10-17",
        "Statement": {
            "Effect": effect,
            "Action": "*",
            "Resource": "*",
            "Condition": {operator: {"aws:PrincipalTag/k": values}},
        },
    }
    (statement,) = parse_policy(document, "p").statements
    return bind(statement.conditions[0], statement, facts, Notes())


@pytest.mark.parametrize("effect", ["Allow", "Deny"])
@pytest.mark.parametrize(
    ("operator", "values", "given", "outcome"),
    [
        ("StringEquals", ["a", "b"], ("b",), HOLDS),
        ("StringEquals", "a", ("A",), FAILS),
        ("StringEquals", "*", ("a",), FAILS),
        ("StringEquals", "a", ABSENT, FAILS),
        ("StringNotEquals", ["a", "b"], ("b",), FAILS),
        ("StringNotEquals", ["a", "b"], ("c",), HOLDS),
        ("StringNotEquals", "a", ABSENT, HOLDS),
        ("StringEqualsIgnoreCase", "aB", ("Ab",), HOLDS),
        ("StringNotEqualsIgnoreCase", "aB", ("Ab",), FAILS),
        ("StringLike", "a*", ("ab",), HOLDS),
        ("StringLike", "a*", ("Ab",), FAILS),
        ("StringNotLike", "a*", ABSENT, HOLDS),
        ("StringNotLike", "a*", ("ab",), FAILS),
        ("StringEqualsIfExists", "a", ABSENT, HOLDS),
        ("StringEqualsIfExists", "a", ("b",), FAILS),
        ("NumericLessThan", "10", ("9",), HOLDS),
        ("NumericLessThan", "10", ("10",), FAILS),
        ("NumericLessThanEquals", "10", ("10",), HOLDS),
        ("NumericGreaterThan", "9.5", ("10",), HOLDS),
        ("NumericGreaterThanEquals", "10", ("9",), FAILS),
        ("NumericEquals", "10", ("10.0",), HOLDS),
        ("NumericNotEquals", "10", ("10.0",), FAILS),
        ("NumericNotEquals", "10", ABSENT, HOLDS),
        ("NumericEquals", "10", ABSENT, FAILS),
        ("DateLessThan", "2020-01-02T00:00:00Z", ("2020-01-01T00:00:00Z",), HOLDS),
        ("DateGreaterThan", "2020-01-02", ("2020-01-01T00:00:00Z",), FAILS),
        ("DateEquals", "1577836800", ("2020-01-01T00:00:00Z",), HOLDS),
        ("Bool", "true", ("TRUE",), HOLDS),
        ("Bool", "true", ("false",), FAILS),
        ("Bool", True, ABSENT, FAILS),
        ("BoolIfExists", "true", ABSENT, HOLDS),
        ("BinaryEquals", "QmluYXJ5", ("QmluYXJ5",), HOLDS),
        ("BinaryEquals", "QmluYXJ5", ("QmluYXJ4",), FAILS),
        ("IpAddress", ["10.0.0.0/8"], ("10.1.2.3",), HOLDS),
        ("IpAddress", "10.0.0.1", ("10.0.0.2",), FAILS),
        ("IpAddress", "10.0.0.0/8", ("2001:db8::1",), FAILS),
        ("NotIpAddress", "2001:db8::/32", ("2001:db8::1",), FAILS),
        ("NotIpAddress", "10.0.0.0/8", ABSENT, HOLDS),
        ("ArnEquals", "arn:aws:iam::*:role/a", ("arn:aws:iam::1:role/a",), HOLDS),
        ("ArnLike", "arn:aws:iam::1:*/a", ("arn:aws:iam::1:role/x/a",), HOLDS),
        ("ArnNotLike", "arn:aws:iam::1:role/*", ("arn:aws:iam::1:role/a",), FAILS),
        ("ArnNotEquals", "arn:aws:iam::1:role/*", ABSENT, HOLDS),
        ("Null", "true", ABSENT, HOLDS),
        ("Null", "true", ("",), FAILS),
        ("Null", "false", ("a",), HOLDS),
        ("Null", False, ABSENT, FAILS),
        ("ForAllValues:StringEquals", ["a", "b"], ("a", "b"), HOLDS),
        ("ForAllValues:StringEquals", ["a", "b"], ("a", "c"), FAILS),
        ("ForAllValues:StringEquals", ["a", "b"], ABSENT, HOLDS),
        ("ForAllValues:StringNotEquals", ["a"], ("a", "b"), FAILS),
        ("ForAnyValue:StringEquals", ["a", "b"], ("c", "b"), HOLDS),
        ("ForAnyValue:StringEquals", ["a", "b"], ABSENT, FAILS),
        ("ForAnyValue:StringNotEquals", ["a"], ("a", "b"), HOLDS),
        ("ForAnyValue:StringNotEquals", ["a"], ABSENT, FAILS),
        ("ForAnyValue:StringLike", "a*", ("b", "ax"), HOLDS),
    ],
)
def test_known_values_decide(
    effect: str, operator: str, values: Any, given: tuple[str, ...], outcome: Outcome
) -> None:
    facts = Facts({"aws:PrincipalTag/k": given})
    assert _bind(operator, values, facts, effect) is outcome


@pytest.mark.parametrize(
    ("effect", "operator", "given", "outcome"),
    [
        ("Allow", "StringEquals", ("a", "b"), HOLDS),
        ("Deny", "StringEquals", ("a", "b"), FAILS),
        ("Allow", "NumericNotEquals", ("1", "2"), HOLDS),
        ("Allow", "ForAnyValue:StringEqualsIfExists", ABSENT, HOLDS),
        ("Deny", "ForAnyValue:StringEqualsIfExists", ABSENT, FAILS),
    ],
)
def test_what_is_not_documented_helps_the_caller(
    effect: str, operator: str, given: tuple[str, ...], outcome: Outcome
) -> None:
    value = "1" if operator.startswith("Numeric") else "a"
    assert _bind(operator, value, Facts({"aws:PrincipalTag/k": given}), effect) is outcome


@pytest.mark.parametrize(
    ("operator", "values"),
    [
        ("StringMatches", "a"),
        ("Some:StringEquals", "a"),
        ("NullIfExists", "true"),
        ("Null", "maybe"),
        ("Null", ["true", "false"]),
        ("NumericEquals", "ten"),
        ("DateEquals", "soon"),
        ("IpAddress", "here"),
        ("BinaryEquals", "?"),
        ("ArnLike", "*"),
    ],
)
def test_what_is_not_understood_is_unknown_and_noted(operator: str, values: Any) -> None:
    document = {
        "Statement": {
            "Effect": "Allow",
            "Action": "*",
            "Resource": "*",
            "Condition": {operator: {"aws:PrincipalTag/k": values}},
        }
    }
    (statement,) = parse_policy(document, "p").statements
    notes = Notes()
    facts = Facts({"aws:PrincipalTag/k": "1"})
    assert bind(statement.conditions[0], statement, facts, notes) is UNKNOWN
    assert operator in notes.unknowns[0]


def test_a_key_that_only_the_platform_sets_is_unknown_not_free() -> None:
    assert _bind("StringEquals", "a", Facts({})) is UNKNOWN


def test_a_key_that_the_caller_can_set_is_free() -> None:
    for known, key in (
        ({"aws:PrincipalTag/k": "b"}, "aws:PrincipalTag/k"),
        ({"aws:PrincipalTag/other": "b"}, "aws:PrincipalTag/*"),
    ):
        assert isinstance(_bind("StringEquals", "a", Facts(known, free=[key])), Test)


def test_a_key_that_is_known_goes_before_a_family_that_is_free() -> None:
    pinned = Facts({"aws:PrincipalTag/k": "b"}, free=["aws:PrincipalTag/*"])
    assert _bind("StringEquals", "a", pinned) is FAILS


@pytest.mark.parametrize(
    ("effect", "operator", "value", "outcome"),
    [
        ("Allow", "StringLike", "${aws:PrincipalTag/none}", FAILS),
        ("Allow", "StringNotLike", "${aws:PrincipalTag/none}", HOLDS),
        ("Deny", "StringLike", "${aws:PrincipalTag/none}", FAILS),
        ("Deny", "StringNotLike", "${aws:PrincipalTag/none}", UNKNOWN),
        ("Allow", "StringLike", "${aws:userid}", HOLDS),
        ("Allow", "StringNotLike", "${aws:userid}", HOLDS),
        ("Deny", "StringLike", "${aws:userid}", FAILS),
        ("Deny", "StringNotLike", "${aws:userid}", FAILS),
        ("Allow", "StringEquals", "${aws:PrincipalTag/k}", HOLDS),
    ],
)
def test_a_variable_without_a_value_helps_the_caller(
    effect: str, operator: str, value: str, outcome: Outcome
) -> None:
    """Source: "IAM policy elements: Variables and tags": it may make the statement invalid."""
    facts = Facts({"aws:PrincipalTag/k": "a", "aws:PrincipalTag/*": ()})
    assert _bind(operator, value, facts, effect) is outcome
