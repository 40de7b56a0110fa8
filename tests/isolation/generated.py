"""Strategies that generate cases: policies of all kinds over a tiny alphabet."""

from typing import Any

from hypothesis import strategies as st

from isolation.policy import Policy, parse_policy
from isolation.principals import Kind, Principal
from isolation.targets import Target, Values
from tests.isolation import brute

HEAD = "arn:aws:s3:::"
ACTIONS = ("s3:GetObject", "s3:PutObject", "s3:ListBucket", "s3:Zzz")
"""Two on objects, one on buckets, one that no documentation has."""

_VERSIONS = st.sampled_from(["2012-10-17", "2012-10-17", "2008-10-17"])
_PIECES = st.sampled_from(
    [
        "a",
        "b",
        "/",
        "a/",
        "*",
        "*",
        "?",
        "${aws:PrincipalTag/t}",
        "${*}",
        "${aws:PrincipalTag/u, 'b'}",
    ]
)
_TEXTS = st.lists(_PIECES, max_size=4).map("".join)
_RESOURCES = st.one_of(
    st.sampled_from(
        ["*", HEAD + "*", "arn:*", HEAD + "a/*", HEAD + "a", HEAD + "a/b", HEAD + "b/*"]
    ),
    _TEXTS.map(lambda text: HEAD + "a" + text),
)
_ACTIONS = st.sampled_from(
    [
        "s3:*",
        "*",
        "s3:Get*",
        "s3:GetObject",
        "S3:putobject",
        "s3:?utObject",
        "s3:List*",
        "s3:Z*",
        "s3:ListBucket",
        "s3:zzz",
        "kms:*",
    ]
)


def _some(values: st.SearchStrategy[str]) -> st.SearchStrategy[Any]:
    return st.one_of(values, st.lists(values, min_size=1, max_size=3))


_QUANTIFIERS = st.sampled_from(["ForAllValues:", "ForAnyValue:"])
_MATCHING = st.sampled_from(
    [
        "StringEquals",
        "StringNotEquals",
        "StringLike",
        "StringNotLike",
        "StringEqualsIgnoreCase",
        "StringNotEqualsIgnoreCase",
    ]
)
_SINGLE = st.builds(
    lambda operator, suffix, key, values: (operator + suffix, key, values),
    _MATCHING,
    st.sampled_from(["", "", "IfExists"]),
    st.sampled_from(["s3:prefix", "s3:Prefix", "aws:RequestTag/t", "aws:PrincipalTag/t"]),
    _some(st.one_of(st.sampled_from(["", "a", "a/*", "A"]), _TEXTS)),
)
_SET = st.builds(
    lambda quantifier, operator, values: (quantifier + operator, "aws:TagKeys", values),
    _QUANTIFIERS,
    _MATCHING,
    _some(st.sampled_from(["a", "b", "*", "?"])),
)
_FIXED = st.sampled_from(
    [
        ("Null", "s3:prefix", "true"),
        ("Null", "s3:prefix", "false"),
        ("Null", "aws:PrincipalTag/t", "true"),
        ("Null", "aws:TagKeys", "false"),
        ("Bool", "aws:RequestTag/t", "true"),
        ("StringEquals", "s3:ResourceAccount", brute.ACCOUNT),
        ("ArnLike", "aws:PrincipalArn", "arn:aws:iam::*:role/ac*"),
        ("ArnNotEquals", "aws:PrincipalArn", brute.ROLE),
    ]
)


def _block(conditions: list[tuple[str, str, Any]]) -> dict[str, Any]:
    block: dict[str, Any] = {}
    for operator, key, values in conditions:
        block.setdefault(operator, {})[key] = values
    return block


_CONDITIONS = st.one_of(
    st.just([]), st.just([]), st.lists(st.one_of(_SINGLE, _SET, _FIXED), min_size=1, max_size=2)
).map(_block)
_EFFECTS = st.sampled_from(["Allow", "Deny"])
_PRINCIPALS = st.one_of(
    st.just("*"),
    st.fixed_dictionaries(
        {
            "AWS": _some(
                st.sampled_from(
                    [
                        "*",
                        brute.ROLE,
                        brute.SESSION,
                        brute.ACCOUNT,
                        f"arn:aws:iam::{brute.ACCOUNT}:root",
                        "arn:aws:iam::222222222222:root",
                        f"arn:aws:iam::{brute.ACCOUNT}:role/other",
                    ]
                )
            )
        }
    ),
)


@st.composite
def _statements(draw: st.DrawFn, *, named: bool) -> dict[str, Any]:
    effect = draw(_EFFECTS)
    negated = st.sampled_from(["", "", "", "Not"])
    statement = {
        "Effect": effect,
        draw(negated) + "Action": draw(_some(_ACTIONS)),
        draw(negated) + "Resource": draw(_some(_RESOURCES)),
    }
    if named:
        # An Allow with NotPrincipal allows the world, which would drown everything else.
        prefix = draw(negated) if effect == "Deny" else ""
        statement[prefix + "Principal"] = draw(_PRINCIPALS)
    conditions = draw(_CONDITIONS)
    return statement | ({"Condition": conditions} if conditions else {})


def documents(*, named: bool = False, most: int = 3) -> st.SearchStrategy[dict[str, Any]]:
    """Policy documents; ``named`` ones have principals."""
    return st.fixed_dictionaries(
        {
            "Version": _VERSIONS,
            "Statement": st.lists(_statements(named=named), min_size=1, max_size=most),
        }
    )


_BROAD = st.sampled_from([{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}, None])


def broad(*, named: bool = False, most: int = 3) -> st.SearchStrategy[dict[str, Any]]:
    """Documents that often allow all that their denials leave."""

    def add(document: dict[str, Any], first: dict[str, Any] | None) -> dict[str, Any]:
        more = [] if first is None else [{**first, **({"Principal": "*"} if named else {})}]
        return {**document, "Statement": [*more, *document["Statement"]]}

    return st.builds(add, documents(named=named, most=most), _BROAD)


def _tuples(strategy: st.SearchStrategy[Any], most: int) -> st.SearchStrategy[tuple[Any, ...]]:
    return st.lists(strategy, max_size=most).map(tuple)


CASES = st.builds(
    brute.Case,
    target_account=st.sampled_from([brute.ACCOUNT, brute.ACCOUNT, "222222222222"]),
    identity=_tuples(broad(), 2),
    boundary=st.one_of(st.none(), st.none(), broad()),
    session=st.one_of(st.just(()), st.just(()), _tuples(broad(), 1)),
    guardrails=st.one_of(st.just(()), st.just(()), _tuples(_tuples(broad(), 2), 1)),
    resource=st.one_of(st.just(()), _tuples(broad(named=True), 1)),
    must_allow=st.sampled_from([False, False, True]),
    tags=st.sampled_from([{"t": "a"}, {"t": "b"}, {}]),
)

RESOURCES = st.sampled_from(
    [("a/*",), ("a/b*", "b/*"), ("a",), ("?/a*",), ("*",), ("a", "a/?"), ("a/*b",)]
).map(lambda texts: tuple(HEAD + text for text in texts))

CONTEXTS = st.sampled_from(
    [
        {},
        {},
        {"s3:prefix": Values(("", "a", "a/*"), or_missing=True)},
        {"aws:RequestTag/t": Values(("a*",))},
    ]
)


def _parsed(given: tuple[dict[str, Any], ...], name: str) -> tuple[Policy, ...]:
    return tuple(parse_policy(document, f"{name} {n}") for n, document in enumerate(given))


def principal_of(case: brute.Case) -> Principal:
    """The case's role, as the provers take it."""
    boundary = case.boundary
    return Principal(
        brute.ROLE,
        Kind.ROLE,
        identity=_parsed(case.identity, "identity"),  # type: ignore[arg-type]
        boundary=parse_policy(boundary, "boundary") if boundary else None,
        session=_parsed(case.session, "session"),  # type: ignore[arg-type]
        guardrails=tuple(_parsed(level, "guardrail") for level in case.guardrails),  # type: ignore[arg-type]
        facts={
            "aws:PrincipalTag/*": (),
            **{f"aws:PrincipalTag/{k}": v for k, v in case.tags.items()},
        },
    )


def target_of(case: brute.Case, resources: tuple[str, ...], context: dict[str, Values]) -> Target:
    """The case's resources, as the provers take them."""
    return Target(
        resources,
        case.target_account,
        actions=ACTIONS,
        policies=_parsed(case.resource, "resource"),  # type: ignore[arg-type]
        policy_must_allow=case.must_allow,
        context=context,
    )
