"""Strings as AWS matches them. Sources: IAM User Guide, pages named in each test."""

import pytest

from isolation.facts import Facts
from isolation.patterns import (
    EVERYTHING,
    Pattern,
    Unresolved,
    arn_like,
    glob,
    ignoring_case,
    parse,
    plain,
    resolve,
    resource,
)


def _tokens(text: str, facts: Facts | None = None, *, variables: bool = True) -> Pattern:
    parts = parse(text, wildcards=True, variables=variables)
    tokens = resolve(parts, facts or Facts({}), widen=False)
    assert not isinstance(tokens, Unresolved), tokens
    return plain(tokens)


def _arn(text: str) -> Pattern | None:
    tokens = resolve(parse(text, wildcards=True, variables=True), Facts({}), widen=False)
    assert not isinstance(tokens, Unresolved)
    return arn_like(tokens)


@pytest.mark.parametrize(
    ("pattern", "text", "matches"),
    [
        ("a*", "a", True),
        ("a*", "a/b:c/d", True),
        ("a*", "ba", False),
        ("a?c", "abc", True),
        ("a?c", "ac", False),
        ("a?c", "abbc", False),
        ("*a*b", "xxaxxb", True),
        ("*a*b", "xxbxxa", False),
        ("a**", "a", True),
        ("*", "", True),
        ("", "", True),
        ("", "a", False),
        ("A", "a", False),
        ("a\n*", "a\n\n", True),
        ("a.c", "abc", False),
    ],
)
def test_wildcards(pattern: str, text: str, matches: bool) -> None:
    """Source: "IAM JSON policy elements: Resource", wildcards."""
    assert glob(pattern).matches(text) is matches


@pytest.mark.parametrize(
    ("text", "value"), [("a${*}b", "a*b"), ("a${?}b", "a?b"), ("a${$}{x}", "a${x}")]
)
def test_escapes_are_literal(text: str, value: str) -> None:
    """Source: "IAM policy elements: Variables and tags", special characters."""
    pattern = _tokens(text)
    assert pattern.matches(value)
    assert not pattern.matches(value.replace("*", "x").replace("?", "x").replace("$", "x"))


def test_a_variable_stands_for_its_value_literally() -> None:
    facts = Facts({"aws:PrincipalTag/tenant": "ac*e"})
    pattern = _tokens("lake/${aws:principaltag/Tenant}/*", facts)
    assert pattern.matches("lake/ac*e/x")
    assert not pattern.matches("lake/acme/x")


def test_before_2012_variables_and_escapes_are_text() -> None:
    """Source: "IAM policy elements: Variables and tags": only in Version 2012-10-17."""
    assert _tokens("${aws:username}", variables=False).matches("${aws:username}")
    assert _tokens("${*}", variables=False).matches("${anything}")


def test_a_default_stands_for_an_absent_value() -> None:
    facts = Facts({"aws:PrincipalTag/*": ()})
    assert _tokens("a/${aws:PrincipalTag/team, 'none'}", facts).matches("a/none")
    given = Facts({"aws:PrincipalTag/team": "t"})
    assert _tokens("a/${aws:PrincipalTag/team, 'none'}", given).matches("a/t")


@pytest.mark.parametrize("text", ["${aws:userid", "${a${b}}", "${,}", "${aws:userid}"])
def test_what_is_not_known_stands_for_all_or_for_nothing(text: str) -> None:
    parts = parse(f"x/{text}", wildcards=True, variables=True)
    assert resolve(parts, Facts({}), widen=False) is Unresolved.UNKNOWN
    wide = resolve(parts, Facts({}), widen=True)
    assert not isinstance(wide, Unresolved)
    assert plain(wide).matches("x/whatever" + ("}" if text.endswith("}}") else ""))


def test_an_absent_value_is_no_pattern_even_where_the_unknown_is_everything() -> None:
    parts = parse("x/${aws:PrincipalTag/t}", wildcards=True, variables=True)
    assert resolve(parts, Facts({"aws:PrincipalTag/*": ()}), widen=True) is Unresolved.ABSENT


@pytest.mark.parametrize(
    ("pattern", "text", "matches"),
    [
        ("arn:aws:iam::*:role/*", "arn:aws:iam::1:role/a", True),
        ("arn:aws:iam::*:role/*", "arn:aws:iam::1:x:role/a", False),
        ("arn:aws:iam::?:role/a", "arn:aws:iam:::::role/a", False),
        ("arn:aws:s3:::b/*", "arn:aws:s3:::b/x:y", True),
        ("arn:*:*:*:*:*", "arn:aws:s3:::b", True),
        ("arn:aws:s3*:::b", "arn:aws:s3:::b", True),
    ],
)
def test_arn_operators_compare_six_components(pattern: str, text: str, matches: bool) -> None:
    """Source: "Condition operators", ARN: each of the six components is checked separately."""
    compiled = _arn(pattern)
    assert compiled is not None
    assert compiled.matches(text) is matches


@pytest.mark.parametrize("text", ["*", "arn:aws:iam::*", "acme"])
def test_an_arn_pattern_without_six_components_is_not_understood(text: str) -> None:
    assert _arn(text) is None


def test_a_resource_is_read_wide_or_narrow() -> None:
    """Source: "Resource": a `*` that ends a component may cross colons; others are not to."""
    tokens = resolve(parse("arn:aws:a*b:*", wildcards=True, variables=True), Facts({}), widen=False)
    assert not isinstance(tokens, Unresolved)
    crossing = "arn:aws:a:b:r:1:x"
    assert resource(tokens).matches(crossing)
    assert not resource(tokens, narrow=True).matches(crossing)
    assert resource(tokens, narrow=True).matches("arn:aws:axb:r:1:x")


def test_case_can_be_ignored() -> None:
    assert ignoring_case(tuple("AbÄ1")).matches("aBä1")
    assert not ignoring_case(tuple("AbÄ1")).matches("aBä2")


def test_everything_is_everything() -> None:
    assert EVERYTHING.matches("")
    assert EVERYTHING.matches("a:/*")
    assert glob("*") == EVERYTHING


def test_many_stars_cost_no_more_than_their_number() -> None:
    assert not glob("*a" * 40 + "b").matches("a" * 5_000)
