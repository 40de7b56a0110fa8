"""Nessie's configuration as data; what the real server makes of it is tested with that server."""

import json
import re
from pathlib import Path

import pytest

from tenancy.access import metadata_statements
from tenancy.estate import StackPlan, load_estate
from tenancy.grants import PolicyKind, Statement, paged, render
from tenancy.names import RoleKind
from tenancy.nessie import (
    SHARED_WAREHOUSE,
    authorization_rules,
    gateway_task,
    group,
    nessie_properties,
    nessie_task,
    shared_key_statement,
    shared_metadata_statement,
)
from tenancy.settings import OwnNessie, SharedNessie, TenantSettings
from tests.estates import ENVIRONMENT, write_estate

MANAGED_POLICIES_OF_A_ROLE = 10  # IAM User Guide, "IAM and AWS STS quotas"
MOST = 200  # the default of the environment's limit on tenants


@pytest.fixture
def stack(tmp_path: Path) -> StackPlan:
    return load_estate(write_estate(tmp_path)).stack("prod")


@pytest.fixture(scope="module")
def crowd(tmp_path_factory: pytest.TempPathFactory) -> StackPlan:
    """As many soft tenants as a stack takes, with the longest names."""
    name = "abcdefghijkl"
    ids = [f"a{number:03d}{'x' * 16}" for number in range(MOST)]
    files = {
        "Pulumi.prod.yaml": None,
        f"Pulumi.{name}.yaml": ENVIRONMENT.format(name=name, account="222222222222").replace(
            "project: lakehouse", f"project: {'p' * 32}"
        ),
        **{f"tenants/{tenant}.yaml": None for tenant in ("acme", "globex", "initech")},
        **{
            f"tenants/{tenant}.yaml": f"tenant: {tenant}\ncontact: a@b.example\n"
            f"environment: {name}\nisolation: soft\n"
            for tenant in ids
        },
    }
    return load_estate(write_estate(tmp_path_factory.mktemp("crowd"), files)).stack(name)


def sharing(stack: StackPlan) -> list[TenantSettings]:
    return [each for each in stack.tenants if isinstance(each.nessie, SharedNessie)]


def suspended(root: Path, tenant: str) -> StackPlan:
    text = f"tenant: {tenant}\ncontact: a@b.example\nisolation: soft\noffboarding: suspended\n"
    return load_estate(write_estate(root, {f"tenants/{tenant}.yaml": text})).stack("prod")


def alone(stack: StackPlan) -> TenantSettings:
    (only,) = (each for each in stack.tenants if isinstance(each.nessie, OwnNessie))
    return only


def properties(stack: StackPlan, *, shared: bool) -> dict[str, str]:
    tenant = None if shared else alone(stack)
    return nessie_properties(tenant, stack.names, stack.environment.identity)


def test_a_tenants_groups_are_told_from_every_other_tenants() -> None:
    assert group("acme", RoleKind.WRITER) == "acme--writer"
    ids = ("acme", "acme-etl", "acme2")
    assert len({group(tenant, kind) for tenant in ids for kind in RoleKind}) == 12


@pytest.mark.parametrize("shared", [True, False])
def test_a_server_checks_tokens_and_asks_its_rules(stack: StackPlan, *, shared: bool) -> None:
    found = properties(stack, shared=shared)
    assert found["nessie.server.authentication.enabled"] == "true"
    assert found["nessie.server.authorization.enabled"] == "true"
    assert found["quarkus.oidc.public-key"] == stack.environment.identity.public_key
    assert found["quarkus.oidc.token.issuer"] == "https://id.example.com"
    assert found["quarkus.oidc.token.audience"] == "lakehouse"


@pytest.mark.parametrize("shared", [True, False])
def test_a_server_signs_nothing_and_lends_no_credentials(stack: StackPlan, *, shared: bool) -> None:
    found = properties(stack, shared=shared)
    s3 = "nessie.catalog.service.s3.default-options"
    assert found[f"{s3}.request-signing-enabled"] == "false"
    assert found[f"{s3}.client-iam.enabled"] == "false"
    assert not [name for name in found if "secret" in name or "access-key" in name]


def test_a_tenants_own_server_knows_that_tenant_and_the_shared_one_knows_none(
    stack: StackPlan,
) -> None:
    shared, own = properties(stack, shared=True), properties(stack, shared=False)
    warehouse = "nessie.catalog.warehouses.{}.location"
    place = "s3://lakehouse-prod--{}--222222222222-data/"
    assert shared[warehouse.format(SHARED_WAREHOUSE)] == place.format("shared")
    metadata = f"{place.format('globex')}globex/lakehouse/metadata/"
    assert own[warehouse.format("globex")] == metadata
    assert own["nessie.catalog.default-warehouse"] == "globex"
    assert "nessie.catalog.default-warehouse" not in shared
    # So a tenant that is new, or gone, does not change it.
    assert "globex" not in json.dumps(shared)
    assert "acme" not in json.dumps(shared)
    assert "acme" not in json.dumps(own)


def alternatives(text: str) -> list[str]:
    """What is joined by ``||`` outside of any bracket."""
    found, depth, start = [], 0, 0
    for place, character in enumerate(text):
        depth += (character == "(") - (character == ")")
        if depth == 0 and text.startswith("||", place):
            found.append(text[start:place])
            start = place + 2
    return [*found, text[start:]]


@pytest.mark.parametrize(("tenant", "candidates"), [("acme", "['acme']"), (None, "roles")])
def test_every_way_of_the_rule_asks_for_a_group_of_the_tenants_role(
    tenant: str | None, candidates: str
) -> None:
    (rule,) = authorization_rules(tenant).values()
    chosen, body = rule.removesuffix(")").split(".exists(t, ")
    assert chosen == candidates
    ways = alternatives(body)
    assert len(ways) == 5
    for way in ways:
        assert re.search(r" && \((?:t \+ '--\w+' in roles(?: \|\| )?)+\) && ", way), way
        assert way.count("op in [") == 1


def test_the_database_password_comes_from_a_secret_alone(stack: StackPlan) -> None:
    task = nessie_task(None, stack.names, stack.environment)
    assert set(task.secrets) == {
        "quarkus.datasource.postgresql.username",
        "quarkus.datasource.postgresql.password",
    }
    assert not task.secrets.keys() & task.environment.keys()


def test_the_gateway_is_told_where_the_registry_is_and_of_no_tenant(stack: StackPlan) -> None:
    task = gateway_task(stack.names, stack.environment)
    registry = "s3://lakehouse-prod--platform--222222222222-regs/tenants/"
    assert task.environment["TENANCY_REGISTRY"] == registry
    assert "acme" not in str(task)
    assert task.environment["GATEWAY_UPSTREAM"] == "http://nessie.lakehouse-prod.internal:19120"
    assert task.secrets == {}


def test_a_tenants_own_nessie_reaches_that_tenants_metadata_and_no_data(stack: StackPlan) -> None:
    objects, key = metadata_statements(alone(stack))
    bucket = "arn:aws:s3:::lakehouse-prod--globex--222222222222-data"
    assert objects.resources == (
        f"{bucket}/globex/lakehouse/metadata/*",
        f"{bucket}/globex/restricted/metadata/*",
    )
    assert set(objects.actions) == {"s3:GetObject", "s3:PutObject", "s3:DeleteObject"}
    assert key.conditions["ForAnyValue:StringEquals"] == {
        "kms:ResourceAliases": "alias/lakehouse-prod--globex--data"
    }


def test_the_shared_nessie_reaches_the_metadata_of_its_tenants_only(stack: StackPlan) -> None:
    statement = shared_metadata_statement(stack.names, sharing(stack))
    bucket = "arn:aws:s3:::lakehouse-prod--shared--222222222222-data"
    assert statement.resources == (
        f"{bucket}/acme/lakehouse/metadata/*",
        f"{bucket}/acme/restricted/metadata/*",
    )
    key = shared_key_statement(stack.names)
    assert key.conditions["ForAnyValue:StringEquals"] == {
        "kms:ResourceAliases": "alias/lakehouse-prod--shared--data"
    }
    assert key.conditions["StringLike"] == {"kms:EncryptionContext:aws:s3:arn": f"{bucket}/*"}


def test_a_full_stack_still_fits_the_policies_of_one_role(crowd: StackPlan) -> None:
    tenants = sharing(crowd)
    assert len(tenants) == MOST
    pages = paged(shared_metadata_statement(crowd.names, tenants), PolicyKind.MANAGED)
    assert len(pages) <= MANAGED_POLICIES_OF_A_ROLE
    for page in pages:
        render([page], PolicyKind.MANAGED)


def test_pages_are_few_and_hold_everything_in_order() -> None:
    arns = tuple(f"arn:aws:s3:::lake/tenant-{number}/*" for number in range(1000))
    statement = Statement("Many", "Allow", ("s3:GetObject",), arns, {"Null": {"x": "true"}})
    pages = paged(statement, PolicyKind.MANAGED)
    assert tuple(arn for page in pages for arn in page.resources) == arns
    sizes = [len(render([page], PolicyKind.MANAGED)) for page in pages]
    assert all(size > PolicyKind.MANAGED.limit - 50 for size in sizes[:-1])
    assert {(page.sid, page.actions, str(page.conditions)) for page in pages} == {
        ("Many", ("s3:GetObject",), str(statement.conditions))
    }


def test_nothing_to_name_makes_no_page() -> None:
    assert paged(Statement("None", "Allow", ("s3:GetObject",)), PolicyKind.MANAGED) == ()
