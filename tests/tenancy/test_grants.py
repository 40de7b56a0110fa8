"""Rendering: exactly what IAM's grammar has, within the size that AWS accepts."""

import json

import pytest

from tenancy.grants import PolicyKind, PolicyTooLargeError, Statement, merged, render


def test_absent_elements_are_left_out() -> None:
    statement = Statement("A", "Allow", ("s3:GetObject",), ("arn:aws:s3:::b/*",))
    rendered = json.loads(render([statement], PolicyKind.INLINE))
    assert rendered == {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "A",
                "Effect": "Allow",
                "Action": ["s3:GetObject"],
                "Resource": ["arn:aws:s3:::b/*"],
            }
        ],
    }


def test_principals_keep_their_type() -> None:
    everybody = Statement("A", "Deny", ("s3:*",), ("*",), principals="*")
    service = Statement("B", "Allow", ("sts:AssumeRole",), principals={"Service": ("x.aws",)})
    assert everybody.to_json()["Principal"] == "*"
    assert service.to_json()["Principal"] == {"Service": ["x.aws"]}


def test_merged_conditions_keep_the_keys_of_each_operator() -> None:
    one = {"StringEquals": {"a": "1"}}
    other = {"StringEquals": {"b": "2"}, "Null": {"c": "true"}}
    assert merged(one, other) == {
        "StringEquals": {"a": "1", "b": "2"},
        "Null": {"c": "true"},
    }


@pytest.mark.parametrize("kind", list(PolicyKind))
def test_a_policy_over_its_limit_is_refused(kind: PolicyKind) -> None:
    statement = Statement("A", "Allow", ("s3:GetObject",), ("arn:aws:s3:::b/*",) * 3000)
    with pytest.raises(PolicyTooLargeError, match=str(kind.limit)):
        render([statement], kind)
