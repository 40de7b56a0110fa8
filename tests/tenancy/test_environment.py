"""Environments, as stack configuration describes them."""

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml

from tenancy.classification import Classification
from tenancy.environment import CONFIG_KEY, Environment, load_environment
from tenancy.errors import InvalidInput
from tenancy.tenant import Tenant

ROOT = Path(__file__).parents[2]
LOCAL: dict[str, Any] = yaml.safe_load((ROOT / "Pulumi.local.yaml").read_text())["config"][
    CONFIG_KEY
]


@pytest.mark.parametrize(
    ("name", "account"),
    [("local", "123456789012"), ("dev", "111111111111"), ("prod", "222222222222")],
)
def test_the_environments_of_the_repository_are_read(name: str, account: str) -> None:
    environment = load_environment(ROOT / f"Pulumi.{name}.yaml")
    assert environment is not None
    assert (environment.name, environment.account_id) == (name, account)
    assert environment.project == "lakehouse"
    assert environment.embedded == environment.takes_all_tenants == (name == "local")
    assert environment.max_classification is Classification.CONFIDENTIAL
    assert "acme" in environment.external_ids


def test_an_environment_takes_its_own_tenants_and_the_embedded_one_all() -> None:
    tenant = Tenant.parse({"tenant": "acme", "contact": "a@b.co"}, "tenants/acme.yaml")
    environments = [load_environment(ROOT / f"Pulumi.{n}.yaml") for n in ("local", "dev", "prod")]
    assert [e and e.takes(tenant) for e in environments] == [True, False, True]


@pytest.mark.parametrize("text", ["config: {}\n", "encryptionsalt: v1\n", "config: {a:b: c}\n"])
def test_a_stack_file_may_describe_no_environment(tmp_path: Path, text: str) -> None:
    path = tmp_path / "Pulumi.local-federal-dhs.yaml"
    path.write_text(text)
    assert load_environment(path) is None


def changed(path: str, value: object) -> dict[str, Any]:
    data = copy.deepcopy(LOCAL)
    *folders, key = path.split(".")
    place = data
    for folder in folders:
        place = place[folder]
    place[key] = value
    return data


ACCOUNT = "arn:aws:iam::123456789012"


@pytest.mark.parametrize(
    ("path", "value", "field", "rule"),
    [
        ("project", "Lake_House", "project", "not a project name"),
        ("project", "a" * 33, "project", "at most 32"),
        ("name", "pre-prod", "name", "2 to 12"),
        ("name", "prod", "name", "file is called Pulumi.local.yaml"),
        ("region", "us_east_1", "region", "AWS region"),
        ("account_id", 123456789012, "account_id", "must be text"),
        ("account_id", "12", "account_id", "12 digits"),
        ("regoin", "us-east-1", "regoin", "not a known key"),
        ("deployers", [], "deployers", "at least 1"),
        ("deployers", [f"{ACCOUNT}:role/*"], "deployers[0]", "wildcard"),
        ("deployers", [f"{ACCOUNT}:user/me"], "deployers[0]", "must be a role"),
        ("platform_admins", [f"{ACCOUNT}:root"], "platform_admins[0]", "account as a principal"),
        ("platform_admins", ["123456789012"], "platform_admins[0]", "account as a principal"),
        ("deploy_role", f"{ACCOUNT}:role/x", "deploy_role", "not its ARN"),
        ("oidc_providers", ["https://a.example"], "oidc_providers[0]", "without `https://`"),
        ("oidc_providers", ["*.example.com"], "oidc_providers[0]", "wildcard"),
        ("external_ids.acme", "a b", "external_ids.acme", "2 to 1224"),
        ("network.platform", "10.0.0.1/16", "network.platform", "no host bits"),
        ("network.platform", "8.8.0.0/16", "network.platform", "RFC 1918"),
        ("network.platform", "10.0.0.0/8", "network.platform", "/16 to a /28"),
        ("network.tenants", "10.0.0.0/12", "network.tenants", "overlaps"),
        ("images.nessie", "projectnessie/nessie", "images.nessie", "pinned"),
        ("images.nessie", "projectnessie/nessie:latest", "images.nessie", "pinned"),
        ("domain", "Lake House", "domain", "domain name"),
        ("alert_email", "me", "alert_email", "e-mail"),
        ("limits", {"roles_per_account": 0}, "limits.roles_per_account", "at least 1"),
        ("limits", {"role": 5}, "limits.role", "not a known key"),
        ("limits", {"trails_per_region": 6}, "limits.trails_per_region", "at most 5"),
        ("max_classification", "SECRET", "max_classification", "not a classification"),
        ("embedded", False, "takes_all_tenants", "only the embedded cloud"),
        ("embedded", "yes", "embedded", "must be true or false"),
    ],
)
def test_a_bad_environment_is_refused(path: str, value: object, field: str, rule: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        Environment.parse(changed(path, value), "Pulumi.local.yaml", "Pulumi.local.yaml")
    (problem,) = caught.value.problems
    assert problem.field == field
    assert rule in problem.rule
    assert problem.remedy


@pytest.mark.parametrize(
    "image", ["nessie:0.99.0", f"a/b@sha256:{'0' * 64}", "host.example:5000/a:1"]
)
def test_pinned_images_are_accepted(image: str) -> None:
    data = changed("images.nessie", image)
    assert Environment.parse(data, "Pulumi.local.yaml").images.nessie == image


def test_an_environment_that_is_no_mapping_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "Pulumi.prod.yaml"
    path.write_text(f"config: {{'{CONFIG_KEY}': prod}}\n")
    with pytest.raises(InvalidInput, match="must be a mapping"):
        load_environment(path)
