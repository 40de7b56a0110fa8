"""All rules together: documented, told apart, and kept by the program itself."""

import json
from pathlib import Path

import pytest

from isolation.graph import UNKNOWN, Graph
from isolation.state import resources_of
from policies.rule import Fault, NotKnownYetError, ResourceRule, Settings, faults, message
from policies.rules import RULES
from tests.estates import own_estate
from tests.policies.things import only, thing

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Graph:
    states = own_estate(tmp_path_factory.mktemp("own"))
    return Graph.of(
        resource
        for name, state in states.items()
        for resource in resources_of(state["deployment"]["resources"], name, whole=True)
    )


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: str(rule.name))
def test_the_program_keeps_every_rule_in_every_local_stack(own: Graph, rule: ResourceRule) -> None:
    told = [message(rule, fault) for fault in faults(rule, own, Settings())]
    assert not told, "\n".join(told)


def test_every_rule_is_documented_and_has_a_module_and_a_test_of_its_own() -> None:
    document = (ROOT / "docs" / "policies.md").read_text("utf-8")
    assert [rule.name for rule in RULES if f"`{rule.name}`" not in document] == []
    assert len({rule.name for rule in RULES}) == len(RULES)
    around = {"__init__", "__main__", "containers", "links", "pack", "rule", "rules", "statements"}
    modules = {path.stem for path in (ROOT / "policies").glob("*.py")} - around
    assert len(modules) == len(RULES)
    tests = {path.stem.removeprefix("test_") for path in Path(__file__).parent.glob("test_*.py")}
    assert modules <= tests


def test_a_message_says_who_where_which_rule_and_the_remedy() -> None:
    (rule,) = (rule for rule in RULES if rule.name == "boundary-on-every-role")
    resource = only(thing("aws:iam/role:Role", "acme-reader"))
    told = message(rule, Fault(resource, "has no permissions boundary"))
    for part in ("acme-reader (aws:iam/role:Role) has no", resource.urn, rule.name, rule.remedy):
        assert part in told


def test_a_document_that_is_not_known_yet_is_left_to_the_update() -> None:
    waiting = set()
    resource = only(thing("aws:s3/bucketPolicy:BucketPolicy", policy=UNKNOWN))
    for rule in RULES:
        if isinstance(rule, ResourceRule):
            try:
                assert list(rule.find(resource, Settings())) == []
            except NotKnownYetError:
                waiting.add(rule.name)
    assert waiting == {"no-wildcard-principal", "no-pass-role-on-everything"}


def test_no_rule_trips_over_a_document_that_is_no_policy() -> None:
    for document in ("{", "[]", "null", json.dumps({"Statement": [1, None, {}]}), "[" * 9_999):
        resource = only(thing("aws:iam/role:Role", assumeRolePolicy=document, policy=document))
        for rule in RULES:
            list(faults(rule, Graph.of([resource]), Settings()))
