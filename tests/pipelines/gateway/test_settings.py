import asyncio
import logging
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from localcloud.processes import wait_until
from onboarding import local_registry
from pipelines.gateway.app import application
from pipelines.gateway.settings import Misconfigured, Settings
from pipelines.gateway.tenants import Area, read_tenant
from pipelines.registry import REGISTRY
from tenancy.estate import load_estate
from tenancy.nessie import gateway_task
from tenancy.settings import SharedNessie
from tests.estates import ENVIRONMENT, write_estate
from tests.pipelines.gateway.conftest import ENVIRON, ISSUER, TENANTS, Desk, bearer, register

ACME = TENANTS["acme"]
NEWCORP = {name: place.replace("acme", "newcorp") for name, place in ACME.items()}
PATIENCE = 10.0  # seconds
LISTED = "/iceberg/v1/main%7Cglobex/namespaces"


def test_the_environment_of_the_deployed_task_is_understood(tmp_path: Path) -> None:
    environment = ENVIRONMENT.format(name="prod", account="222222222222")
    files = {"Pulumi.prod.yaml": environment.replace("bm8ga2V5", ISSUER.public_key)}
    stack = load_estate(write_estate(tmp_path, files)).stack("prod")
    sharing = [each for each in stack.tenants if isinstance(each.nessie, SharedNessie)]
    told = gateway_task(stack.names, stack.environment).environment
    local_registry.write(tmp_path / "registry", stack.tenants)
    settings = Settings.read({**told, REGISTRY: str(tmp_path / "registry")})
    (acme,) = settings.registry.current.values()
    place = "s3://lakehouse-prod--shared--222222222222-data/acme"
    assert acme.public.metadata == f"{place}/lakehouse/metadata/"
    assert acme.public.data == f"{place}/lakehouse/data/"
    assert acme.restricted.data == f"{place}/restricted/data/"
    assert settings.port == 8080
    assert told["AWS_DEFAULT_REGION"] == stack.region
    claims = settings.verifier([f"Bearer {ISSUER.token('acme--reader')}"])
    assert claims.groups == ("acme--reader",)
    tables = [table for each in sharing for table in each.tables]
    assert tables
    for table in tables:
        area = acme.restricted if table.restricted else acme.public
        assert area.holds(sharing[0].table_location(table))


@pytest.mark.parametrize("name", sorted({*ENVIRON, REGISTRY}))
def test_what_is_missing_or_wrong_is_said(name: str, environ: dict[str, str]) -> None:
    del environ[name]
    with pytest.raises(Misconfigured, match=name):
        Settings.read(environ)


@pytest.mark.parametrize(
    "changed",
    [
        {REGISTRY: "/nowhere"},
        {REGISTRY: "s3://lake"},
        {"GATEWAY_PUBLIC_KEY": "bm8ga2V5"},
        {"GATEWAY_PORT": "http"},
    ],
)
def test_a_registry_must_be_there_and_a_key_be_a_key(
    changed: dict[str, str], environ: dict[str, str]
) -> None:
    with pytest.raises(Misconfigured):
        Settings.read(environ | changed)


@pytest.mark.parametrize(
    "told",
    [
        [],
        None,
        {},
        {**ACME, "more": "s3://lake/acme/x/metadata/"},
        {**ACME, "warehouse": "s3://lake/acme/lakehouse/metadata"},
        {**ACME, "warehouse": "s3a://lake/acme/lakehouse/metadata/"},
        {**ACME, "warehouse": "s3://lake/acme/lakehouse/"},
        {**ACME, "warehouse": "s3://lake/acme/../globex/metadata/"},
        {**ACME, "warehouse": "s3://lake/acme-etl/lakehouse/metadata/"},
        {**ACME, "warehouse": "s3://lake/globex/acme/metadata/"},
        {**ACME, "warehouse": "s3://lake/metadata/"},
        {**ACME, "warehouse": 7},
        {**ACME, "restricted": ACME["warehouse"]},
        {**ACME, "restricted": "s3://lake/acme/lakehouse/deeper/metadata/"},
        TENANTS["globex"],
    ],
)
def test_an_entry_that_leaves_its_tenants_own_prefix_takes_out_that_tenant_alone(
    told: Any, environ: dict[str, str], registry: Path, caplog: pytest.LogCaptureFixture
) -> None:
    register(registry, {**TENANTS, "acme": told})
    assert set(Settings.read(environ).registry.current) == {"globex", "acme-etl"}
    (said,) = [each.getMessage() for each in caplog.records if each.levelno == logging.ERROR]
    assert "acme" in said
    assert "lake" not in said


PIECES = st.sampled_from(["s3://lake", "s3://other", "acme", "acme-etl", "metadata", "data", "x"])
PLACES = st.lists(PIECES, min_size=1, max_size=5).map(lambda parts: "/".join([*parts, "metadata/"]))
ENTRIES = st.fixed_dictionaries({"warehouse": PLACES, "restricted": PLACES})


@given(ENTRIES, ENTRIES)
def test_no_two_tenants_areas_touch_whatever_their_entries_say(one: Any, other: Any) -> None:
    areas: list[Area] = []
    for id_, told in (("acme", one), ("acme-etl", other)):
        try:
            tenant = read_tenant(id_, told)
        except ValueError:
            continue
        areas += [tenant.public, tenant.restricted]
    for number, area in enumerate(areas):
        for further in areas[number + 1 :]:
            for place in (area.metadata, area.data):
                assert not further.holds(place.rstrip("/"))
            for place in (further.metadata, further.data):
                assert not area.holds(place.rstrip("/"))


def serve_until(desk: Desk, done: Callable[[], bool]) -> None:
    """Have another gateway of the same settings run until it is so."""
    running = application(desk.settings)

    async def serve() -> None:
        async with running.router.lifespan_context(running):
            assert await asyncio.to_thread(wait_until, done, PATIENCE)

    asyncio.run(serve())


def test_the_gateway_looks_for_tenants_by_itself_and_for_no_request(
    desk: Desk, registry: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = desk.settings.registry
    look = Mock(wraps=found.read)
    monkeypatch.setattr(found, "every", 0.02)
    monkeypatch.setattr(found, "read", look)
    desk.answer = lambda _request: httpx.Response(200, json={"namespaces": []})
    register(registry, {"acme": TENANTS["acme"], "newcorp": NEWCORP})
    for _ in range(5):
        assert desk.call("GET", LISTED, token=bearer("globex")).status == 200
        assert desk.call("GET", LISTED, token=bearer("newcorp")).status == 403
    assert not look.called
    serve_until(desk, lambda: set(found.current) == {"acme", "newcorp"})
    assert desk.call("GET", LISTED, token=bearer("globex")).status == 403
    assert desk.lines[-1]["reason"] == "no tenant"


def test_a_look_that_fails_is_not_the_last(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    found = desk.settings.registry
    look = Mock(side_effect=RuntimeError("secret"))
    monkeypatch.setattr(found, "every", 0.01)
    monkeypatch.setattr(found, "read", look)
    serve_until(desk, lambda: look.call_count > 2)
    assert "RuntimeError" in caplog.text
    assert "secret" not in caplog.text
    assert set(found.current) == set(TENANTS)


def test_a_slow_registry_makes_no_request_wait(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    found = desk.settings.registry
    reading, go_on, read = threading.Event(), threading.Event(), threading.Event()

    def hang() -> None:
        reading.set()
        go_on.wait(2)
        read.set()

    monkeypatch.setattr(found, "every", 0.01)
    monkeypatch.setattr(found, "read", hang)

    async def serve() -> None:
        async with desk.app.router.lifespan_context(desk.app):
            await asyncio.to_thread(reading.wait, PATIENCE)
            assert not read.is_set()
            go_on.set()

    asyncio.run(serve())
