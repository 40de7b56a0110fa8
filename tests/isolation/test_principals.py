"""How a resource's policy names a caller. Source: IAM User Guide, "Principal", "NotPrincipal"."""

from typing import Any

import pytest

from isolation.notes import Notes
from isolation.policy import Statement, parse_policy
from isolation.principals import Kind, Naming, Principal, denied, naming

ACCOUNT = "111111111111"
ROLE = Principal(f"arn:aws:iam::{ACCOUNT}:role/path/acme", Kind.ROLE)
USER = Principal(f"arn:aws:iam::{ACCOUNT}:user/path/ann", Kind.USER)
ROOT = Principal(f"arn:aws:iam::{ACCOUNT}:root", Kind.ROOT)
ECS = Principal("ecs-tasks.amazonaws.com", Kind.SERVICE)
OIDC = Principal(f"arn:aws:iam::{ACCOUNT}:oidc-provider/x", Kind.FEDERATED)
NOBODY = Principal("*", Kind.ANONYMOUS)


def _statement(effect: str, element: str, principal: Any) -> Statement:
    document = {"Statement": {"Effect": effect, element: principal, "Action": "*", "Resource": "*"}}
    return parse_policy(document, "p").statements[0]


@pytest.mark.parametrize(
    ("principal", "given", "expected"),
    [
        (ROLE, "*", Naming.DIRECT),
        (ROLE, {"AWS": "*"}, Naming.DIRECT),
        (ROLE, {"AWS": ACCOUNT}, Naming.ACCOUNT),
        (ROLE, {"AWS": ROOT.arn}, Naming.ACCOUNT),
        (ROLE, {"AWS": ROLE.arn}, Naming.ROLE),
        (ROLE, {"AWS": [ACCOUNT, ROLE.arn]}, Naming.ROLE),
        (ROLE, {"AWS": f"arn:aws:sts::{ACCOUNT}:assumed-role/acme/any"}, Naming.DIRECT),
        (ROLE, {"AWS": f"arn:aws:sts::{ACCOUNT}:assumed-role/acme-etl/any"}, Naming.NOT),
        (ROLE, {"AWS": f"arn:aws:iam::{ACCOUNT}:role/acme"}, Naming.NOT),
        (ROLE, {"AWS": "222222222222"}, Naming.NOT),
        (ROLE, {"AWS": "AROAEXAMPLE"}, Naming.DIRECT),
        (ROLE, {"AWS": f"arn:aws:iam::{ACCOUNT}:role/*"}, Naming.ROLE),
        (ROLE, {"CanonicalUser": "79a5"}, Naming.ACCOUNT),
        (ROLE, {"Service": "ecs-tasks.amazonaws.com"}, Naming.NOT),
        (ROLE, {"Novel": "x"}, Naming.DIRECT),
        (USER, {"AWS": USER.arn}, Naming.DIRECT),
        (USER, {"AWS": ROOT.arn}, Naming.ACCOUNT),
        (USER, {"AWS": f"arn:aws:sts::{ACCOUNT}:federated-user/x"}, Naming.DIRECT),
        (ROOT, {"AWS": ACCOUNT}, Naming.DIRECT),
        (ECS, {"Service": "ecs-tasks.amazonaws.com"}, Naming.DIRECT),
        (ECS, {"Service": "ecs.amazonaws.com"}, Naming.NOT),
        (ECS, {"AWS": ACCOUNT}, Naming.NOT),
        (OIDC, {"Federated": OIDC.arn}, Naming.DIRECT),
        (OIDC, {"AWS": OIDC.arn}, Naming.NOT),
        (NOBODY, "*", Naming.DIRECT),
        (NOBODY, {"AWS": "*"}, Naming.DIRECT),
        (NOBODY, {"AWS": ACCOUNT}, Naming.NOT),
    ],
)
def test_an_allow_names_a_caller(principal: Principal, given: Any, expected: Naming) -> None:
    assert naming(_statement("Allow", "Principal", given), principal, Notes()) is expected


@pytest.mark.parametrize(
    ("principal", "given", "expected"),
    [
        (ROLE, "*", True),
        (ROLE, {"AWS": ACCOUNT}, True),
        (ROLE, {"AWS": ROLE.arn}, True),
        (ROLE, {"AWS": f"arn:aws:sts::{ACCOUNT}:assumed-role/acme/one"}, False),
        (ROLE, {"AWS": "AROAEXAMPLE"}, False),
        (ROLE, {"AWS": f"arn:aws:iam::{ACCOUNT}:role/*"}, False),
        (ROLE, {"CanonicalUser": "79a5"}, False),
        (USER, {"AWS": ROLE.arn}, False),
        (ECS, {"Service": "ecs-tasks.amazonaws.com"}, True),
        (ECS, "*", True),
        (NOBODY, {"AWS": ACCOUNT}, False),
    ],
)
def test_a_deny_concerns_a_caller_only_surely(
    principal: Principal, given: Any, expected: bool
) -> None:
    assert denied(_statement("Deny", "Principal", given), principal, Notes()) is expected


@pytest.mark.parametrize(
    ("principal", "given", "expected"),
    [
        (ROLE, {"AWS": ROLE.arn}, False),
        (ROLE, {"AWS": ACCOUNT}, False),
        (ROLE, {"AWS": f"arn:aws:sts::{ACCOUNT}:assumed-role/acme/one"}, False),
        (ROLE, {"AWS": USER.arn}, True),
        (NOBODY, {"AWS": ACCOUNT}, True),
    ],
)
def test_a_deny_of_all_but_some_spares_whom_it_might_name(
    principal: Principal, given: Any, expected: bool
) -> None:
    assert denied(_statement("Deny", "NotPrincipal", given), principal, Notes()) is expected


def test_an_allow_of_all_but_some_allows_the_world() -> None:
    statement = _statement("Allow", "NotPrincipal", {"AWS": [ROLE.arn, USER.arn]})
    assert naming(statement, NOBODY, Notes()) is Naming.DIRECT
    assert naming(statement, ROLE, Notes()) is Naming.DIRECT  # its session may not be named
    assert naming(statement, USER, Notes()) is Naming.NOT


def test_a_resource_policy_without_principal_counts_for_the_caller() -> None:
    document = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    allow = parse_policy({"Statement": document}, "p").statements[0]
    deny = parse_policy({"Statement": {**document, "Effect": "Deny"}}, "p").statements[0]
    assert naming(allow, ROLE, Notes()) is Naming.DIRECT
    assert not denied(deny, ROLE, Notes())


def test_the_arn_tells_who_calls() -> None:
    assert ROLE.context.values("aws:principalarn") == (ROLE.arn,)
    assert ROLE.context.values("aws:principalaccount") == (ACCOUNT,)
    assert ROLE.context.values("aws:username") == ()
    assert USER.context.values("aws:username") == ("ann",)
    assert ROLE.context.values("aws:principaltag/t") is None
    assert NOBODY.context.values("aws:principaltag/t") == ()
    assert ECS.context.values("aws:principalisawsservice") == ("true",)


@pytest.mark.parametrize("arn", ["acme", "arn:aws:iam", "aws:arn:iam::1:role/a"])
def test_a_role_without_an_arn_is_refused(arn: str) -> None:
    with pytest.raises(ValueError, match="no ARN"):
        Principal(arn, Kind.ROLE)
