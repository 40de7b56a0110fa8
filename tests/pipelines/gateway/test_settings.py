import json
import logging
from pathlib import Path
from typing import Any

import pytest

from pipelines.gateway.settings import Misconfigured, Settings
from pipelines.gateway.tenants import InvalidTenants, TenantsFile, read_tenants
from tenancy.estate import load_estate
from tenancy.nessie import gateway_task
from tenancy.settings import SharedNessie
from tests.estates import ENVIRONMENT, write_estate
from tests.pipelines.gateway.conftest import ENVIRON, ISSUER, TENANTS


def write(path: Path, tenants: Any) -> None:
    new = path.with_suffix(".new")
    new.write_text(json.dumps(tenants))
    new.replace(path)


def test_the_environment_of_the_deployed_task_is_understood(tmp_path: Path) -> None:
    environment = ENVIRONMENT.format(name="prod", account="222222222222")
    files = {"Pulumi.prod.yaml": environment.replace("bm8ga2V5", ISSUER.public_key)}
    stack = load_estate(write_estate(tmp_path, files)).stack("prod")
    sharing = [each for each in stack.tenants if isinstance(each.nessie, SharedNessie)]
    settings = Settings.read(gateway_task(sharing, stack.names, stack.environment).environment)
    (acme,) = settings.tenants().values()
    place = "s3://lakehouse-prod--shared--222222222222-data/acme"
    assert acme.public.metadata == f"{place}/lakehouse/metadata/"
    assert acme.public.data == f"{place}/lakehouse/data/"
    assert acme.restricted.data == f"{place}/restricted/data/"
    assert settings.port == 8080
    claims = settings.verifier([f"Bearer {ISSUER.token('acme--reader')}"])
    assert claims.groups == ("acme--reader",)
    tables = [table for each in sharing for table in each.tables]
    assert tables
    for table in tables:
        area = acme.restricted if table.restricted else acme.public
        assert area.holds(sharing[0].table_location(table))


@pytest.mark.parametrize("name", sorted(ENVIRON))
def test_what_is_missing_or_wrong_is_said(name: str) -> None:
    with pytest.raises(Misconfigured, match=name):
        Settings.read({key: value for key, value in ENVIRON.items() if key != name})


def test_tenants_come_from_one_place_and_a_key_is_a_key() -> None:
    for changed in (
        {"GATEWAY_TENANTS_FILE": "/nowhere"},
        {"GATEWAY_PUBLIC_KEY": "bm8ga2V5"},
        {"GATEWAY_PORT": "http"},
    ):
        with pytest.raises(Misconfigured):
            Settings.read({**ENVIRON, **changed})


@pytest.mark.parametrize(
    "tenants",
    [
        [],
        {"Acme": TENANTS["acme"]},
        {"acme": {}},
        {"acme": {**TENANTS["acme"], "more": "s3://lake/x/metadata/"}},
        {"acme": {**TENANTS["acme"], "warehouse": "s3://lake/acme/lakehouse/metadata"}},
        {"acme": {**TENANTS["acme"], "warehouse": "s3a://lake/acme/lakehouse/metadata/"}},
        {"acme": {**TENANTS["acme"], "warehouse": "s3://lake/acme/lakehouse/"}},
        {"acme": {**TENANTS["acme"], "warehouse": 7}},
        {"acme": TENANTS["acme"], "globex": TENANTS["acme"]},
        {"acme": {**TENANTS["acme"], "restricted": TENANTS["acme"]["warehouse"]}},
        {
            "acme": TENANTS["acme"],
            "globex": {**TENANTS["globex"], "warehouse": "s3://lake/metadata/"},
        },
    ],
)
def test_a_list_that_does_not_keep_tenants_apart_is_refused(tenants: Any) -> None:
    with pytest.raises(InvalidTenants):
        read_tenants(json.dumps(tenants))
    with pytest.raises(InvalidTenants):
        read_tenants("{")


def test_a_tenant_that_is_added_to_the_file_is_served_at_once(tmp_path: Path) -> None:
    path = tmp_path / "tenants.json"
    write(path, {"acme": TENANTS["acme"]})
    settings = Settings.read(
        {key: value for key, value in ENVIRON.items() if key != "GATEWAY_TENANTS"}
        | {"GATEWAY_TENANTS_FILE": str(path)}
    )
    assert set(settings.tenants()) == {"acme"}
    write(path, TENANTS)
    assert set(settings.tenants()) == set(TENANTS)
    write(path, {"globex": TENANTS["globex"]})
    assert set(settings.tenants()) == {"globex"}


def test_a_file_that_went_wrong_leaves_the_tenants_as_they_were(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "tenants.json"
    write(path, TENANTS)
    tenants = TenantsFile(path)
    for spoiled in (True, False):
        if spoiled:
            write(path, {"acme": {}})
        else:
            path.unlink()
        assert set(tenants()) == set(TENANTS)
        assert [r for r in caplog.records if r.levelno == logging.ERROR]
        caplog.clear()
    write(path, {"acme": TENANTS["acme"]})
    assert set(tenants()) == {"acme"}
