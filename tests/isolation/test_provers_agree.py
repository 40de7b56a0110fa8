"""Automaton, cvc5 and brute force give one answer on generated policies."""

import re
from collections.abc import Iterator
from itertools import product

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from isolation import second
from isolation.evaluation import decide
from isolation.problem import pose
from isolation.solver import Witness
from isolation.targets import Values
from tests.isolation import brute
from tests.isolation.generated import (
    ACTIONS,
    CASES,
    CONTEXTS,
    HEAD,
    RESOURCES,
    principal_of,
    target_of,
)

_OBJECT = re.compile(re.escape(HEAD) + "[^/]+/.+")
_BUCKET = re.compile(re.escape(HEAD) + "[^/]+")
_FORMS = {"s3:GetObject": _OBJECT, "s3:PutObject": _OBJECT, "s3:ListBucket": _BUCKET}
# `c` stands for all characters that no pattern names.
_NAMES = ["".join(letters) for n in range(1, 4) for letters in product("ab/c*", repeat=n)]
_STRINGS = [HEAD + name for name in (*_NAMES, "a/ab", "a/ba", "a//b", "aa/b", "a/bc", "a/b/")]
_VALUES: dict[str, list[tuple[str, ...]]] = {
    "s3:prefix": [(), ("",), ("a",), ("b",), ("c",), ("a/",), ("a/b",), ("ab",), ("A",)],
    "aws:requesttag/t": [(), ("a",), ("b",), ("c",), ("",), ("TRUE",), ("a/",), ("A",)],
    "aws:tagkeys": [(), ("a",), ("b",), ("c",), ("a", "b"), ("b", "cc"), ("cc",)],
}
_MOST = 1_500


def _matches(text: str, patterns: tuple[str, ...]) -> bool:
    return any(
        re.fullmatch(re.escape(one).replace(r"\*", ".*").replace(r"\?", "."), text)
        for one in patterns
    )


def _contexts(action: str, mentioned: str, asked: dict[str, Values]) -> Iterator[brute.Context]:
    asked = {key.lower(): values for key, values in asked.items()}
    choices = []
    for key, values in _VALUES.items():
        known = action in ("s3:ListBucket", "s3:Zzz") or key != "s3:prefix"
        used = known and (key in mentioned or key in asked)
        choices.append([(key, value) for value in (values if used else [()])])
    for chosen in product(*choices):
        context = dict(chosen)
        if all(
            _matches(context[key][0], values.patterns) if context[key] else values.or_missing
            for key, values in asked.items()
        ):
            yield {key: values for key, values in context.items() if values}


def _requests(
    case: brute.Case, resources: tuple[str, ...], asked: dict[str, Values]
) -> Iterator[brute.Request]:
    mentioned = repr(case).lower()
    for action in ACTIONS:
        strings = [
            text
            for text in _STRINGS
            if _matches(text, resources)
            and (action not in _FORMS or _FORMS[action].fullmatch(text))
        ]
        contexts = list(_contexts(action, mentioned, asked))
        for number, (text, context) in enumerate(product(strings, contexts)):
            if number >= _MOST // len(ACTIONS):
                break
            yield brute.Request(action, text, context)


def _as_request(witness: Witness) -> brute.Request:
    context = {key: values for key, values in witness.context.items() if values}
    return brute.Request(witness.actions[0], witness.resource, context)


@settings(max_examples=250, deadline=None, suppress_health_check=list(HealthCheck))
@given(CASES, RESOURCES, CONTEXTS)
def test_what_one_finds_all_find(
    case: brute.Case, resources: tuple[str, ...], context: dict[str, Values]
) -> None:
    principal, target = principal_of(case), target_of(case, resources, context)
    decision = decide(principal, target)
    assert decision.undecided is None
    found = next((r for r in _requests(case, resources, context) if brute.allowed(case, r)), None)
    if decision.allowed is None:
        assert found is None
    else:
        request = _as_request(decision.allowed)
        assert brute.allowed(case, request), request
        assert _matches(request.resource, resources)
    assert second.reaches(pose(principal, target)) == (decision.allowed is not None)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(CASES, st.sampled_from(["s3:*", "*", "s3:Get*"]))
def test_both_provers_agree_on_actions_that_nobody_listed(case: brute.Case, action: str) -> None:
    principal = principal_of(case)
    target = target_of(case, (HEAD + "a/*",), {})
    wide = type(target)(
        target.resources, target.account, actions=(action,), policies=target.policies
    )
    decision = decide(principal, wide)
    assert second.reaches(pose(principal, wide)) == (decision.allowed is not None)
