"""Estates in AWS GovCloud (US) and in China: proven and violated as those elsewhere."""

import json
import re
from collections.abc import Iterable
from functools import partial
from typing import Any

import pytest
from botocore.loaders import Loader

from isolation.graph import Graph
from isolation.partitions import UNDERSTOOD, partition_of_region
from isolation.proof import Options, prove
from isolation.state import resources_of
from isolation.verdict import Answer
from onboarding.recorded import State, exported, graph_of
from policies.rule import Settings, faults
from policies.rules import RULES
from tenancy.names import partition
from tests.estates import own_estate, run_on, write_estate
from tests.isolation.more_mutations import MORE
from tests.isolation.mutations import MUTATIONS, changed
from tests.isolation.small import (
    ACCOUNT,
    LAKE,
    OTHER,
    Entry,
    allow,
    bucket,
    claims,
    deny,
    entry,
    platform,
    role,
    tenant,
    trusts,
)
from tests.isolation.test_cases import CASES
from tests.isolation.test_own_estate_shared import ESTATE
from tests.partitions import CHINA, GOVCLOUD, Elsewhere

PLACES = pytest.mark.parametrize("place", [GOVCLOUD, CHINA], ids=lambda place: place.region)
_BROKEN = [
    *((GOVCLOUD, name) for name in list(MUTATIONS)[::2]),
    *((CHINA, name) for name in list(MORE)[::8]),
]


@pytest.fixture(scope="module")
def estates(tmp_path_factory: pytest.TempPathFactory) -> dict[Elsewhere, dict[str, State]]:
    return {
        place: own_estate(tmp_path_factory.mktemp(place.region), partial(_moved, place))
        for place in (GOVCLOUD, CHINA)
    }


def _moved(place: Elsewhere, text: str) -> str:
    """A file of ours as it is elsewhere: in GovCloud no account is vended."""
    text = re.sub(r"    organization:.*\n(?:      .*\n)+", "", text)
    named = 'tenant: nevada-health\naccount_id: "345678901234"\n'
    return place.moved(text.replace("tenant: nevada-health\n", named))


@PLACES
def test_the_own_stacks_are_proven(
    estates: dict[Elsewhere, dict[str, State]], place: Elsewhere
) -> None:
    verdict = prove(graph_of(estates[place]), Options(strict=True))
    assert (verdict.counterexamples, verdict.unknowns) == ((), ())
    assert verdict.answer is Answer.PROVEN
    assert verdict.counts["tenants"] == 5


@PLACES
def test_nothing_of_the_own_stacks_is_of_another_partition(
    estates: dict[Elsewhere, dict[str, State]], place: Elsewhere
) -> None:
    named = set(re.findall(r"arn:(aws[a-z-]*):", json.dumps(estates[place])))
    assert named == {place.partition}


@PLACES
def test_every_rule_of_the_pack_holds(
    estates: dict[Elsewhere, dict[str, State]], place: Elsewhere
) -> None:
    for name, state in estates[place].items():
        graph = Graph.of(resources_of(state["deployment"]["resources"], name, whole=True))
        for rule in RULES:
            assert list(faults(rule, graph, Settings())) == [], rule.name


@PLACES
def test_all_tiers_with_shared_roles_are_proven_by_both_provers(
    tmp_path_factory: pytest.TempPathFactory, place: Elsewhere
) -> None:
    files = {**ESTATE, "tenants/initech.yaml": _HARD}
    root = write_estate(
        tmp_path_factory.mktemp("shared"), {name: place.moved(text) for name, text in files.items()}
    )
    states = {name: exported(run_on(root, name), name) for name in ("prod", "prod-initech")}
    verdict = prove(graph_of(states), Options(strict=True, cross_check=True))
    assert (verdict.answer, verdict.counterexamples, verdict.unknowns) == (Answer.PROVEN, (), ())
    assert verdict.counts["tenants"] == 4


_HARD = """\
tenant: initech
contact: a@initech.example
isolation: hard
account_id: "444444444444"
region: us-east-1
"""


@pytest.mark.parametrize(
    ("place", "name"), _BROKEN, ids=[f"{place.region}: {name}" for place, name in _BROKEN]
)
def test_every_break_is_found_with_the_right_tenants(
    estates: dict[Elsewhere, dict[str, State]], place: Elsewhere, name: str
) -> None:
    mutate, tenants = {**MORE, **MUTATIONS}[name]
    before = place.back(estates[place])
    assert place.here(before) == estates[place]
    verdict = prove(graph_of(place.here(changed(before, mutate))))
    assert verdict.answer is Answer.VIOLATED
    assert tenants <= {one for found in verdict.counterexamples for one in found.tenants}


@pytest.mark.parametrize("name", CASES)
def test_a_case_comes_out_as_elsewhere(name: str) -> None:
    make, answer, tenants = CASES[name]
    verdict = prove(_in_govcloud(make()))
    assert verdict.answer is answer
    assert tenants <= {one for found in verdict.counterexamples for one in found.tenants}
    assert not verdict.unknowns


def _in_govcloud(graph: Graph) -> Graph:
    entries = [
        {
            "urn": one.urn,
            "type": one.type,
            "inputs": dict(one.inputs),
            "outputs": dict(one.outputs),
            "provider": f"{one.provider}::id",
            "propertyDependencies": {name: list(urns) for name, urns in one.references.items()},
        }
        for one in graph.resources
    ]
    text = json.dumps(entries).replace("eu-west-1", GOVCLOUD.region)
    return _graph(GOVCLOUD.here(json.loads(text)))


def _graph(*parts: Iterable[Any]) -> Graph:
    return Graph.of(resources_of([one for part in parts for one in part], "test.json"))


# --- what tells the partition


def _small(*grants: dict[str, Any]) -> list[Entry]:
    return [*platform(*bucket("lake")), *tenant("acme", *grants), *tenant("globex")]


def _without_arns(entries: Iterable[Entry]) -> list[Entry]:
    return [
        one | {"outputs": {name: value for name, value in one["outputs"].items() if name != "arn"}}
        for one in entries
    ]


def _provided(entries: Iterable[Entry], region: str) -> list[Entry]:
    """The entries with a provider of a region, which alone tells where they are."""
    urn = "urn:pulumi:test::estate::pulumi:providers:aws::there"
    inputs = {"region": region, "allowedAccountIds": json.dumps([ACCOUNT])}
    provider = {"urn": urn, "type": "pulumi:providers:aws", "inputs": inputs}
    return [provider, *(one | {"provider": f"{urn}::id"} for one in _without_arns(entries))]


@pytest.mark.parametrize(
    ("region", "arns"),
    [("eu-west-1", "aws"), ("us-gov-east-1", "aws-us-gov"), ("cn-north-1", "aws-cn")],
)
def test_the_region_of_a_provider_tells_where_nothing_has_an_arn(region: str, arns: str) -> None:
    text = json.dumps(_small()).replace("arn:aws:", f"arn:{arns}:")
    assert prove(_graph(_provided(json.loads(text), region))).proven


def test_an_arn_of_the_same_account_tells_where_no_region_does() -> None:
    role_only, *others = GOVCLOUD.here(_small(allow("s3:GetObject", f"{LAKE}/*")))
    verdict = prove(_graph([role_only], *[_without_arns(others)]))
    assert verdict.answer is Answer.VIOLATED
    assert all(one.resource.startswith("arn:aws-us-gov:") for one in verdict.counterexamples)


@pytest.mark.parametrize("region", ["us-iso-east-1", "moon-1", ""])
def test_a_partition_that_nothing_tells_is_never_proven(region: str) -> None:
    verdict = prove(_graph(_provided(_small(), region)))
    assert not verdict.proven
    (told,) = [one for one in verdict.unknowns if "give its provider a region" in one]
    assert "partition of AWS of urn:pulumi:test::estate::aws:s3/bucket:Bucket::lake" in told


def test_a_partition_that_is_not_understood_is_never_proven() -> None:
    isolated = Elsewhere("us-iso-east-1", "aws-iso")
    verdict = prove(_graph(isolated.here(_small())))
    assert "the partition aws-iso of AWS is not understood yet" in verdict.unknowns
    assert not verdict.proven


def test_a_claim_in_another_partition_is_not_taken_for_what_the_state_has() -> None:
    verdict = prove(_graph(GOVCLOUD.here(_small()), [claims("acme", ["arn:aws:s3:::old/*"], ())]))
    assert not verdict.proven
    assert any("claims arn:aws:s3:::old/*" in one for one in verdict.unknowns)


# --- what a policy means there


@pytest.mark.parametrize(
    ("pattern", "answer"),
    [
        ("arn:aws-us-gov:s3:::lake/*", Answer.VIOLATED),
        ("arn:*:s3:::lake/*", Answer.VIOLATED),
        ("arn:aws*:s3:::lake/*", Answer.VIOLATED),
        ("arn:aws:s3:::lake/*", Answer.PROVEN),
        ("arn:aws-cn:s3:::lake/*", Answer.PROVEN),
    ],
)
def test_a_grant_reaches_what_is_in_the_partition_that_it_names(
    pattern: str, answer: Answer
) -> None:
    own = allow("s3:GetObject", f"{LAKE}/acme/*")
    entries = GOVCLOUD.here(_small(own, allow("s3:GetObject", "PLANTED")))
    text = json.dumps(entries).replace("PLANTED", pattern)
    assert prove(_graph(json.loads(text))).answer is answer


def test_a_denial_of_another_partitions_names_denies_nothing_here() -> None:
    def estate(partition: str) -> Graph:
        denial = {
            "Effect": "Deny",
            "Principal": "*",
            "Action": "s3:*",
            "Resource": "DENIED",
            "Condition": {"StringNotEquals": {"aws:PrincipalTag/tenant": "globex"}},
        }
        entries = [
            *platform(*bucket("lake", denial)),
            *tenant("acme", allow("s3:GetObject", f"{LAKE}/*")),
            *tenant("globex", allow("s3:GetObject", f"{LAKE}/globex/*")),
        ]
        text = json.dumps(GOVCLOUD.here(entries))
        return _graph(json.loads(text.replace("DENIED", f"arn:{partition}:s3:::lake/globex/*")))

    assert not any(
        one.owner == "globex" and "GetObject" in one.action
        for one in prove(estate("aws-us-gov")).counterexamples
    )
    assert any(one.owner == "globex" for one in prove(estate("aws")).counterexamples)


@pytest.mark.parametrize("service", ["s3.amazonaws.com.cn", "sns.amazonaws.com"])
def test_a_function_is_opened_to_a_service_by_its_name_in_china(service: str) -> None:
    arn = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:f"
    entries = [
        *_small(),
        entry("aws:lambda/function:Function", "f", arn=arn, name="f", tags={"tenant": "acme"}),
        entry(
            "aws:lambda/permission:Permission",
            "p",
            function="f",
            action="lambda:InvokeFunction",
            principal=service,
        ),
    ]
    verdict = prove(_graph(CHINA.here(entries)))
    assert {one.principal for one in verdict.counterexamples} == {service}


# --- two partitions at once


_HOME = Elsewhere("us-east-1", "aws")


def _both(*there: Entry, place: Elsewhere = GOVCLOUD) -> Graph:
    """Acme, which may read all objects of its lake, and hooli; globex in another place, where a
    lake lets nobody in.
    """
    here = [
        *platform(*bucket("lake")),
        *tenant("acme", allow("s3:GetObject", f"{LAKE}/*"), allow("sts:AssumeRole")),
        *tenant("hooli"),
    ]
    shut = deny("s3:*", [LAKE, f"{LAKE}/*"], Principal="*")
    lake = platform(*bucket("lake", shut, account=OTHER))
    entries = json.dumps([*lake, *tenant("globex", account=OTHER)]).replace(ACCOUNT, OTHER)
    text = json.dumps(place.here([*json.loads(entries), *there]))
    return _graph(here, json.loads(text.replace("::estate::", "::there::")))


def test_buckets_of_one_name_in_two_partitions_are_two() -> None:
    verdict = prove(_both())
    assert {one.owner for one in verdict.counterexamples} == {"hooli"}
    assert all(one.resource.startswith("arn:aws:s3:::lake/") for one in verdict.counterexamples)
    assert not verdict.unknowns


@pytest.mark.parametrize(("place", "reached"), [(_HOME, True), (GOVCLOUD, False)])
def test_a_principal_of_one_partition_does_not_act_in_another(
    place: Elsewhere, *, reached: bool
) -> None:
    trust = [trusts({"AWS": ACCOUNT})]  # acme's account, by its number only
    secrets = allow("secretsmanager:*")
    stray = role("globex-admin", secrets, trust=trust, account=OTHER, tags={"tenant": "globex"})
    verdict = prove(_both(*stray, place=place))
    became = [
        one for one in verdict.counterexamples if one.tenant == "acme" and one.owner == "globex"
    ]
    assert bool(became) is reached


def test_an_account_in_two_partitions_is_not_understood() -> None:
    there = GOVCLOUD.here([*role("stray")])
    verdict = prove(_graph(_small(), there))
    assert not verdict.proven
    assert any(f"account {ACCOUNT} is in the partitions" in one for one in verdict.unknowns)


# --- the regions


def test_every_region_is_in_the_partition_that_amazons_own_client_has_it_in() -> None:
    known = Loader().load_data("partitions")["partitions"]
    for one in known:
        for region in one["regions"]:
            if region.endswith("-global"):
                continue
            understood = one["id"] if one["id"] in UNDERSTOOD else ""
            assert partition_of_region(region) == understood, region
            assert not understood or partition(region) == understood
