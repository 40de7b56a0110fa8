"""What is known of a context, and who decides the rest."""

import pytest

from isolation.facts import Facts, surrounding


def test_keys_are_not_case_sensitive_and_later_facts_win() -> None:
    facts = Facts({"aws:PrincipalTag/T": "a", "K": ("1", "2")}) | Facts({"k": ()})
    assert facts.values("aws:principaltag/t") == ("a",)
    assert facts.values("k") == ()
    assert facts.values("other") is None


def test_a_family_answers_for_its_other_members() -> None:
    facts = Facts({"aws:PrincipalTag/*": (), "aws:PrincipalTag/t": "a"})
    assert facts.values("aws:principaltag/t") == ("a",)
    assert facts.values("aws:principaltag/u") == ()


@pytest.mark.parametrize(
    ("key", "chosen", "around"),
    [
        ("s3:prefix", True, False),
        ("aws:requesttag/t", True, False),
        ("aws:tagkeys", True, False),
        ("kms:encryptioncontext:aws:s3:arn", True, False),
        ("sts:externalid", True, False),
        ("aws:sourceip", True, True),
        ("aws:multifactorauthpresent", True, True),
        ("kms:viaservice", True, True),
        ("aws:principaltag/t", False, True),
        ("aws:principalorgid", False, True),
        ("aws:resourcetag/t", False, True),
        ("aws:resourceorgid", False, True),
        ("s3:resourceaccount", False, False),
        ("iam:resourcetag/t", False, False),
        ("kms:resourcealiases", False, False),
    ],
)
def test_who_decides_a_key(key: str, chosen: bool, around: bool) -> None:
    """Source: IAM User Guide, "AWS global condition context keys"."""
    assert Facts({}).chosen_by_caller(key) is chosen
    assert surrounding(key) is around
