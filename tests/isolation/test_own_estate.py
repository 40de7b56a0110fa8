"""The project's own output, all tiers together: proven, and violated by each deliberate break."""

from pathlib import Path

import pytest

from isolation.proof import Options, prove, prove_fences
from isolation.verdict import Answer
from onboarding.recorded import State, exported, graph_of
from tests.estates import own_estate, run_on, write_estate
from tests.isolation.more_mutations import MORE
from tests.isolation.mutations import MUTATIONS, add, changed, policy


@pytest.fixture(scope="module")
def states(tmp_path_factory: pytest.TempPathFactory) -> dict[str, State]:
    return own_estate(tmp_path_factory.mktemp("estate"))


def test_the_local_stacks_are_proven(states: dict[str, State]) -> None:
    verdict = prove(graph_of(states), Options(strict=True))
    assert verdict.counterexamples == ()
    assert verdict.unknowns == ()
    assert verdict.answer is Answer.PROVEN
    assert verdict.counts["tenants"] == 5


def test_a_soft_a_medium_and_a_hard_tenant_together_are_proven_by_both_provers(
    tmp_path: Path,
) -> None:
    root = write_estate(tmp_path)
    stacks = {name: exported(run_on(root, name), name) for name in ("prod", "prod-initech")}
    verdict = prove(graph_of(stacks), Options(strict=True, cross_check=True))
    assert (verdict.answer, verdict.counterexamples, verdict.unknowns) == (Answer.PROVEN, (), ())
    assert verdict.counts["tenants"] == 3


def test_the_trusted_base_is_listed_with_reasons(states: dict[str, State]) -> None:
    trusted = {one.principal.rpartition("--")[2]: one for one in prove(graph_of(states)).trusted}
    assert {"dagster-daemon", "nessie", "audit-router", "admin"} <= set(trusted)
    assert all(one.reason and one.reaches and one.tenants for one in trusted.values())
    assert set(trusted["nessie"].tenants) == {"acme", "globex"}
    assert not {"gateway", "dagster-webserver", "dagster-code"} & set(trusted)


def test_the_fence_alone_keeps_a_tenant_from_the_registry_and_that_is_told(
    states: dict[str, State],
) -> None:
    planted = {
        "Effect": "Allow",
        "Action": ["s3:PutObject", "s3:GetObject", "s3:ListBucket"],
        "Resource": "arn:aws:s3:::lakehouse-local--platform--123456789012-regs*",
    }
    grant = policy("aws:iam/rolePolicy:RolePolicy", "acme-iam-admin-grants", add(**planted))
    verdict, held_off = prove_fences(graph_of(changed(states, grant)))
    assert verdict.answer is Answer.PROVEN
    assert {one.tenant for one in held_off} == {"acme"}
    assert all("--platform--123456789012-regs" in one.resource for one in held_off)


@pytest.mark.parametrize("name", [*MUTATIONS, *MORE])
def test_every_break_is_found_with_the_right_tenants(states: dict[str, State], name: str) -> None:
    mutate, tenants = {**MORE, **MUTATIONS}[name]
    verdict = prove(graph_of(changed(states, mutate)))
    assert verdict.answer is Answer.VIOLATED
    concerned = {one for found in verdict.counterexamples for one in found.tenants}
    assert tenants <= concerned
    for found in verdict.counterexamples:
        assert found.principal
        assert found.action
        assert found.resource
        assert found.remedy
        assert found.because
        assert all(place.text for place in found.because)
