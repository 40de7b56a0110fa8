"""Errors say where, what, which rule, and the remedy."""

import pytest

from tenancy.errors import InvalidInput, Problem, did_you_mean, suggestion


def test_a_problem_prints_file_field_rule_and_remedy() -> None:
    problem = Problem("tenants/acme.yaml", "audit.siem", "must be true or false", "write true")
    text = "tenants/acme.yaml: audit.siem: must be true or false\n  remedy: write true"
    assert str(InvalidInput(problem)) == text


def test_a_problem_of_the_whole_file_has_no_field() -> None:
    assert (
        str(Problem("a.yaml", "", "is empty", "fill it")) == "a.yaml: is empty\n  remedy: fill it"
    )


def test_all_problems_are_kept_and_printed() -> None:
    problems = tuple(Problem("a.yaml", field, "rule", "remedy") for field in "xy")
    invalid = InvalidInput(iter(problems))
    assert invalid.problems == problems
    assert str(invalid).count("remedy:") == 2


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("isolaton", "isolation"),
        ("ISOLATION", "isolation"),
        ("classification_level", "classification"),
        ("zzz", None),
        ("", None),
    ],
)
def test_a_misspelt_word_is_recognised(given: str, meant: str | None) -> None:
    assert did_you_mean(given, ["isolation", "classification", "audit"]) == meant


def test_without_a_near_word_all_are_named() -> None:
    assert suggestion("zzz", ["b", "a"]) == "known here: a, b"
    assert suggestion("zzz", []) == "none is known here: remove it"
