"""Roles that soft tenants share, on the real engine: previewed within the policy pack, and made."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.integration.checkout import Checkout, Json

ENVIRONMENT = "Pulumi.local.yaml"
TENANT = "tenants/acme.yaml"
PLATFORM = "123456789012"
PREFIX = "lakehouse-local"
MADE = pytest.mark.xdist_group("shared-roles")
TENANTS = ("ant", "bee")
OWN = """\
tenant: {0}
contact: ops@{0}.example
isolation: soft
access:
  reader:
    - aws: arn:aws:iam::123456789012:role/staff-of-{0}
"""


def with_shared_roles(checkout: Checkout) -> str:
    """The environment's file, saying that soft tenants share roles."""
    return checkout.read(ENVIRONMENT).replace(
        "    embedded: true", "    soft_roles: shared\n    embedded: true"
    )


@contextmanager
def sharing(checkout: Checkout) -> Iterator[None]:
    """Soft tenants share roles; acme, whose writer is one of GitHub's jobs, is named otherwise."""
    tenant, _, rest = checkout.read(TENANT).partition("    - oidc:\n")
    others = rest[rest.index("  admin:") :]
    jobs = "    - {aws: 'arn:aws:iam::333333333333:role/acme-jobs', external_id: config:acme}\n"
    shared = with_shared_roles(checkout)
    with checkout.edited(ENVIRONMENT, shared), checkout.edited(TENANT, tenant + jobs + others):
        yield


def test_a_deployed_stack_may_turn_to_shared_roles_within_the_pack(deployed: Checkout) -> None:
    with sharing(deployed):
        done = deployed.pulumi("preview", "--stack", "local", "--policy-pack", "policies", "--diff")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "acme-iam-reader" in done.stdout  # which would go


def test_a_setting_that_cannot_be_is_refused_before_any_engine_call(deployed: Checkout) -> None:
    with deployed.edited(ENVIRONMENT, with_shared_roles(deployed)):
        told = deployed.refused_up(code=2)
    assert "tenants/acme.yaml: access.writer[0].oidc.provider" in told
    assert "iam: medium" in told


@pytest.fixture(scope="module")
def made(new_checkout: Callable[[], Checkout]) -> Checkout:
    """Two soft tenants that share roles, deployed."""
    checkout = new_checkout()
    checkout.shrink(dict.fromkeys(TENANTS, "soft"))
    for environment in ("dev", "prod"):
        (checkout.root / f"Pulumi.{environment}.yaml").unlink()
    for tenant in TENANTS:
        (checkout.root / "tenants" / f"{tenant}.yaml").write_text(OWN.format(tenant), "utf-8")
    (checkout.root / ENVIRONMENT).write_text(with_shared_roles(checkout), "utf-8")
    checkout.up()
    return checkout


def roles(checkout: Checkout) -> dict[str, Json]:
    """The tenants' roles in the cloud: whose and which -> the role."""
    found = checkout.client("iam").list_roles(PathPrefix=f"/{PREFIX}/tenant/")["Roles"]
    return {role["RoleName"].removeprefix(f"{PREFIX}--"): role for role in found}


@MADE
def test_there_is_one_role_of_each_kind_for_all_soft_tenants(made: Checkout) -> None:
    kinds = {name.rpartition("--")[2] for name in roles(made) if name.startswith("shared--")}
    assert kinds == {"reader", "writer", "admin"}
    of_one = {name for name in roles(made) if name.startswith(TENANTS)}
    assert {name.rpartition("--")[2] for name in of_one} == {"auditor"}


@MADE
def test_its_trust_binds_each_identity_to_the_tag_of_its_tenant(made: Checkout) -> None:
    trust: Any = roles(made)["shared--reader"]["AssumeRolePolicyDocument"]
    bound = {
        tenant: [
            statement
            for statement in trust["Statement"]
            if f"role/staff-of-{tenant}" in json.dumps(statement["Principal"])
        ]
        for tenant in TENANTS
    }
    for tenant, statements in bound.items():
        assert statements, trust
        for statement in statements:
            condition = statement["Condition"]
            assert condition["StringEquals"]["aws:RequestTag/tenant"] == tenant
            assert condition["ForAllValues:StringEquals"]["aws:TagKeys"] in ("tenant", ["tenant"])


@MADE
def test_what_it_may_goes_by_the_tag_and_names_no_tenant(made: Checkout) -> None:
    iam = made.client("iam")
    name = f"{PREFIX}--shared--reader"
    boundary = iam.get_role(RoleName=name)["Role"]["PermissionsBoundary"]["PermissionsBoundaryArn"]
    version = iam.get_policy(PolicyArn=boundary)["Policy"]["DefaultVersionId"]
    texts = [
        iam.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"]
        for policy in iam.list_role_policies(RoleName=name)["PolicyNames"]
    ]
    bounds = iam.get_policy_version(PolicyArn=boundary, VersionId=version)["PolicyVersion"]
    for text in map(json.dumps, [*texts, bounds["Document"]]):
        assert "${aws:PrincipalTag/tenant}" in text
        assert not any(f"{tenant}/" in text or f"{tenant}--" in text for tenant in TENANTS)
    assert texts


@MADE
def test_the_state_is_proven_and_without_the_bound_tag_it_is_not(made: Checkout) -> None:
    done = made.tenancy("prove", "--strict", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    told = json.loads(done.stdout)
    assert (told["answer"], told["counts"]["tenants"]) == ("proven", len(TENANTS))
    state = made.pulumi("stack", "export", "--stack", "local").stdout
    unbound = state.replace("aws:RequestTag/tenant", "aws:RequestTag/team")
    assert unbound != state
    file = made.root / "unbound.json"
    file.write_text(unbound, "utf-8")
    assert made.tenancy("prove", file.name).returncode == 1
