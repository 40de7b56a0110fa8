"""Which stacks the options --stack and --tenant mean."""

from __future__ import annotations

from pathlib import Path

import pytest

from onboarding.scope import scope_of
from tenancy.errors import InvalidInput
from tenancy.estate import Estate, load_estate
from tests.estates import ENVIRONMENT, FILES, write_estate

VENDED = "    organization: {parent: r-root, email: 'aws+{tenant}@lake.example'}\n"


def environment(name: str, region: str) -> str:
    """One in the account of `prod`, as another region allows."""
    text = ENVIRONMENT.format(name=name, account="222222222222")
    return text.replace("    region: us-east-1", f"    region: {region}")


LOCAL = environment("local", "us-west-1") + "    embedded: true\n    takes_all_tenants: true\n"


@pytest.fixture(scope="module")
def estate(tmp_path_factory: pytest.TempPathFactory) -> Estate:
    stage = environment("stage", "us-west-2")
    files = {"Pulumi.local.yaml": LOCAL, "Pulumi.stage.yaml": stage}
    return load_estate(write_estate(tmp_path_factory.mktemp("estate"), files))


def test_without_options_it_is_the_embedded_environment(estate: Estate) -> None:
    scope = scope_of(estate)
    assert scope.embedded
    assert scope.chosen == ("local", "local-initech")
    assert scope.neighbours == ()  # real accounts of the same digits are others


def test_an_environments_name_means_its_stacks_the_platforms_first(estate: Estate) -> None:
    scope = scope_of(estate, "prod")
    assert not scope.embedded
    assert scope.chosen == ("prod", "prod-initech")
    assert [plan.name for plan in scope.neighbours] == ["stage"]


def test_a_hard_tenants_stack_is_chosen_alone_and_judged_with_the_others(estate: Estate) -> None:
    scope = scope_of(estate, "prod-initech")
    assert scope.chosen == ("prod-initech",)
    assert [plan.name for plan in scope.stacks] == ["prod", "prod-initech"]


@pytest.mark.parametrize(("tenant", "stack"), [("acme", "prod"), ("initech", "prod-initech")])
def test_a_tenant_chooses_the_stack_that_it_is_in(estate: Estate, tenant: str, stack: str) -> None:
    assert scope_of(estate, "prod", tenant).chosen == (stack,)


def test_an_unknown_stack_or_tenant_is_refused_with_the_probable_one(estate: Estate) -> None:
    with pytest.raises(InvalidInput, match="describe no stack nowhere"):
        scope_of(estate, "nowhere")
    with pytest.raises(InvalidInput, match="acme"):
        scope_of(estate, "prod", "acmee")


def test_without_an_embedded_environment_a_stack_must_be_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="--stack prod"):
        scope_of(load_estate(write_estate(tmp_path)))


@pytest.mark.parametrize(
    ("stack", "tenant", "vending"),
    [
        ("prod", "", True),
        ("prod", "acme", False),
        ("prod", "initech", True),
        ("prod-initech", "", True),
    ],
)
def test_accounts_are_vended_for_all_or_for_who_gets_one(
    tmp_path: Path, stack: str, tenant: str, *, vending: bool
) -> None:
    prod = f"{FILES['Pulumi.prod.yaml']}{VENDED}"
    initech = "tenant: initech\ncontact: i@initech.example\nisolation: hard\nregion: us-west-2\n"
    files = {"Pulumi.prod.yaml": prod, "tenants/initech.yaml": initech}
    scope = scope_of(load_estate(write_estate(tmp_path, files)), stack, tenant)
    assert scope.organization is not None
    assert scope.vending is vending


def test_the_account_of_who_has_left_is_still_kept_in_order(tmp_path: Path) -> None:
    prod = f"{FILES['Pulumi.prod.yaml']}{VENDED}"
    initech = (
        "tenant: initech\ncontact: i@initech.example\nisolation: hard\nregion: us-west-2\n"
        "offboarding: destroyed\n"
    )
    files = {"Pulumi.prod.yaml": prod, "tenants/initech.yaml": initech}
    scope = scope_of(load_estate(write_estate(tmp_path, files)), "prod")
    assert scope.chosen == ("prod",)
    assert scope.vending
