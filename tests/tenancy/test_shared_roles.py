"""Roles that soft tenants share: their trust binds each identity to one tag, within its size."""

import json
from pathlib import Path

import pytest

from tenancy.errors import InvalidInput, Kind
from tenancy.estate import StackPlan, load_estate
from tenancy.grants import PolicyKind, render
from tenancy.names import RoleKind
from tenancy.shared_roles import (
    SHARED_KINDS,
    shared_boundary_statements,
    shared_role_statements,
    shared_trust,
)
from tests.estates import FILES, write_estate

PROD = FILES["Pulumi.prod.yaml"] + "    soft_roles: shared\n"
ACCOUNT, FOREIGN = "222222222222", "333333333333"
SUBJECT = "id.example.com:sub"
SOFT = "tenant: {0}\ncontact: a@{0}.example\nisolation: {1}\n"
ACCESS = """\
access:
  reader:
    - {{aws: "arn:aws:iam::333333333333:role/{0}-analysts", external_id: config:analytics}}
    - {{aws: "arn:aws:iam::222222222222:role/{0}-staff"}}
  writer:
    - {{oidc: {{provider: id.example.com, subject: "job-of-{0}"}}}}
"""


def soft(name: str, isolation: str = "soft") -> str:
    return SOFT.format(name, isolation) + ACCESS.format(name)


def plan(root: Path, *tenants: str, prod: str = PROD, isolation: str = "soft") -> StackPlan:
    files: dict[str, str | None] = {f"tenants/{name}.yaml": None for name in ("acme", "globex")}
    files |= {f"tenants/{name}.yaml": soft(name, isolation) for name in tenants}
    files["Pulumi.prod.yaml"] = prod.replace("[token.actions", "[id.example.com, token.actions")
    return load_estate(write_estate(root, files)).stack("prod")


def test_soft_tenants_have_a_run_role_of_their_own_and_share_the_others(tmp_path: Path) -> None:
    files = {"Pulumi.prod.yaml": PROD}
    acme, globex = load_estate(write_estate(tmp_path, files)).stack("prod").tenants
    assert acme.own_roles == (RoleKind.RUN,)
    assert acme.role_arn(RoleKind.READER).endswith("/tenant/lakehouse-prod--shared--reader")
    assert acme.role_arn(RoleKind.RUN).endswith("/run/lakehouse-prod--acme--run")
    assert globex.own_roles == tuple(RoleKind)


def test_without_the_setting_and_with_a_stronger_layer_all_roles_are_own(tmp_path: Path) -> None:
    (own,) = plan(tmp_path / "a", "acme", prod=FILES["Pulumi.prod.yaml"]).tenants
    stronger = plan(tmp_path / "b", "acme", isolation="{tier: soft, iam: medium}")
    assert own.own_roles == stronger.tenants[0].own_roles == tuple(RoleKind)
    assert stronger.sharing_roles == ()


def test_every_statement_of_the_trust_pins_one_tenants_tag_and_closes_the_keys(
    tmp_path: Path,
) -> None:
    stack = plan(tmp_path, "acme", "umbrella-corp")
    for kind in (RoleKind.READER, RoleKind.WRITER):
        for statement in shared_trust(kind, stack.tenants, stack.environment.external_ids):
            tag = statement.conditions["StringEquals"]["aws:RequestTag/tenant"]
            identity = json.dumps([statement.principals, dict(statement.conditions)])
            named = {name for name in ("acme", "umbrella-corp") if f"{name}-" in identity}
            assert named <= {tag}
            assert named or statement.conditions["StringEquals"][SUBJECT] == f"job-of-{tag}"
            assert statement.conditions["ForAllValues:StringEquals"] == {"aws:TagKeys": "tenant"}
    reader = shared_trust(RoleKind.READER, stack.tenants, stack.environment.external_ids)
    foreign = [one for one in reader if FOREIGN in str(one.principals)]
    opening = [one for one in foreign if "sts:AssumeRole" in one.actions]
    assert len(opening) == 2
    assert all("sts:ExternalId" in one.conditions["StringEquals"] for one in opening)


def test_a_role_that_nobody_is_named_for_is_assumed_by_nobody(tmp_path: Path) -> None:
    (statement,) = shared_trust(RoleKind.ADMIN, plan(tmp_path, "acme").tenants, {})
    assert statement.effect == "Deny"


def test_grants_and_boundary_name_the_tag_and_no_tenant_and_fit(tmp_path: Path) -> None:
    names = plan(tmp_path, "acme").names
    boundary = render(shared_boundary_statements(names), PolicyKind.MANAGED)
    for kind in SHARED_KINDS:
        grants = render(shared_role_statements(names, kind), PolicyKind.INLINE)
        assert "acme" not in grants + boundary
        assert "-data/${aws:PrincipalTag/tenant}/lakehouse/*" in grants
        assert ("/restricted/" in grants) is (kind is not RoleKind.READER)


def test_too_many_principals_for_one_trust_policy_are_refused_with_the_remedy(
    tmp_path: Path,
) -> None:
    many = [f"tenant-{letter}{number}" for letter in "abc" for number in range(9)]
    with pytest.raises(InvalidInput) as caught:
        plan(tmp_path, *many)
    problem = next(one for one in caught.value.problems if "shared reader" in one.rule)
    assert problem.where == "Pulumi.prod.yaml"
    assert problem.field == "tenancy:environment.soft_roles"
    assert problem.kind is Kind.QUOTA
    assert "27 tenants" in problem.rule
    assert "2048" in problem.rule
    assert "iam: medium" in problem.remedy
    assert "trust_policy_characters" not in problem.remedy  # not even the raised quota would do


def test_a_raised_quota_is_used(tmp_path: Path) -> None:
    few = [f"tenant-{number}" for number in range(4)]
    with pytest.raises(InvalidInput) as caught:
        plan(tmp_path / "a", *few)
    assert all("trust_policy_characters" in one.remedy for one in caught.value.problems)
    raised = PROD + "    limits: {trust_policy_characters: 8192}\n"
    assert len(plan(tmp_path / "b", *few, prod=raised).sharing_roles) == 4


def test_a_provider_whose_tokens_carry_no_tags_is_refused(tmp_path: Path) -> None:
    github = "access: {writer: [{oidc: {subject: 'repo:a/b:ref:x'}}]}\n"
    files = {"Pulumi.prod.yaml": PROD, "tenants/acme.yaml": SOFT.format("acme", "soft") + github}
    with pytest.raises(InvalidInput) as caught:
        load_estate(write_estate(tmp_path, files))
    (problem,) = caught.value.problems
    assert problem.where == "tenants/acme.yaml"
    assert problem.field == "access.writer[0].oidc.provider"
    assert "iam: medium" in problem.remedy
