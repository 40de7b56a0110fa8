"""Policy documents: what AWS's grammar has is read, what it refuses is refused with its place."""

import json
from typing import Any

import pytest

from isolation.errors import PolicyError
from isolation.policy import Condition, parse_policy

STATEMENT = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}


def _document(**elements: Any) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": {**STATEMENT, **elements}}


def test_single_values_and_lists_are_alike() -> None:
    single = parse_policy(_document(), "p")
    listed = parse_policy(
        {
            "Version": "2012-10-17",
            "Statement": [{"Effect": "Allow", "Action": ["s3:GetObject"], "Resource": ["*"]}],
        },
        "p",
    )
    assert single == listed


def test_all_elements_are_read() -> None:
    document = {
        "Version": "2012-10-17",
        "Id": "x",
        "Statement": [
            {
                "Sid": "Mine",
                "Effect": "Deny",
                "NotPrincipal": {"AWS": ["1", "2"], "Service": "x.amazonaws.com"},
                "NotAction": "S3:Get*",
                "NotResource": ["a", "b"],
                "Condition": {"Bool": {"aws:SecureTransport": False}, "NumericEquals": {"K": [1]}},
            }
        ],
    }
    (statement,) = parse_policy(json.dumps(document), "p").statements
    assert str(statement) == "Mine of p"
    assert statement.effect == "Deny"
    assert statement.actions == ("s3:get*",)
    assert statement.resources == ("a", "b")
    assert statement.principals == (("AWS", "1"), ("AWS", "2"), ("Service", "x.amazonaws.com"))
    assert statement.excludes_actions
    assert statement.excludes_resources
    assert statement.excludes_principals
    assert statement.variables
    assert statement.conditions == (
        Condition("Bool", "aws:securetransport", ("false",)),
        Condition("NumericEquals", "k", ("1",)),
    )


def test_without_a_version_there_are_no_variables() -> None:
    """Source: IAM User Guide, "IAM JSON policy elements: Version"."""
    (statement,) = parse_policy({"Statement": [STATEMENT]}, "p").statements
    assert not statement.variables


def test_an_unknown_element_is_kept_by_name() -> None:
    (statement,) = parse_policy(_document(Mystery=1), "p").statements
    assert statement.unknown == ("Mystery",)


@pytest.mark.parametrize(
    ("document", "path"),
    [
        ("{", ""),
        ("[" * 100_000, ""),
        ("[]", ""),
        ('{"Statement": [], "Statement": []}', ""),
        ({"Version": "2020-01-01", "Statement": STATEMENT}, "Version"),
        ({"Statement": []}, "Statement"),
        ({}, "Statement"),
        ({"Statement": STATEMENT, "Other": 1}, "Other"),
        ({"Statement": ["x"]}, "Statement[0]"),
        ({"Statement": [STATEMENT, {**STATEMENT, "Effect": "allow"}]}, "Statement[1].Effect"),
        (_document(Action=[]), "Statement[0].Action"),
        (_document(Action=[1]), "Statement[0].Action"),
        (_document(NotAction="s3:*"), "Statement[0].Action"),
        ({"Statement": {"Effect": "Allow", "Resource": "*"}}, "Statement[0].Action"),
        (_document(Resource=""), "Statement[0].Resource"),
        (_document(NotResource="a"), "Statement[0].Resource"),
        (_document(Principal="acme"), "Statement[0].Principal"),
        (_document(Principal={"AWS": []}), "Statement[0].Principal.AWS"),
        (_document(NotPrincipal={}), "Statement[0].NotPrincipal"),
        (_document(Condition=[]), "Statement[0].Condition"),
        (_document(Condition={"Bool": "x"}), "Statement[0].Condition.Bool"),
        (_document(Condition={"Bool": {"k": {}}}), "Statement[0].Condition.Bool.k"),
        (_document(Condition={"Bool": {"k": None}}), "Statement[0].Condition.Bool.k"),
    ],
)
def test_a_malformed_document_says_where(document: Any, path: str) -> None:
    with pytest.raises(PolicyError) as caught:
        parse_policy(document, "the policy")
    assert caught.value.path == path
    assert str(caught.value).startswith("the policy: ")
