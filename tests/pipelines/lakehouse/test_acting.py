"""A run is its token's tenant: nothing else, and nobody without one."""

import json
import logging
import time
from typing import Any

import httpx
import pytest

from pipelines.audit import LOG
from pipelines.gateway.refusal import Refused
from pipelines.lakehouse.acting import Acting, CannotActError, ForeignPartitionError
from tenancy.dagster import CLIENT_ID, CLIENT_SECRET, LAKEHOUSE, TOKEN_URL
from tenancy.names import RoleKind
from tenancy.nessie import groups
from tests.tokens import Issuer

ISSUER = Issuer("https://id.example.com", "lakehouse")
LAKES: dict[str, Any] = {
    tenant: {
        "tenant": tenant,
        "tier": "soft",
        "catalog": "http://127.0.0.1:1/iceberg",
        "bucket": "b",
        "prefix": f"{tenant}/",
        "namespaces": {},
        "tables": [],
    }
    for tenant in ("acme", "globex")
}
SECRET = "not-a-secret-of-anybody"


def environment(*tenants: str) -> dict[str, str]:
    told: dict[str, Any] = {
        "identity": {
            "issuer": ISSUER.issuer,
            "audience": ISSUER.audience,
            "public_key": ISSUER.public_key,
        },
        "s3": {"endpoint": "", "region": "us-east-1"},
        "lakes": {tenant: LAKES[tenant] for tenant in tenants},
    }
    return {
        LAKEHOUSE: json.dumps(told),
        TOKEN_URL: "http://127.0.0.1:1/token",
        CLIENT_ID: "somebody",
        CLIENT_SECRET: SECRET,
    }


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the identity provider answers, and what it was asked."""
    found: dict[str, Any] = {"token": ISSUER.token(*groups("acme", RoleKind.RUN)), "times": 0}

    def post(url: str, **asked: Any) -> httpx.Response:
        found["asked"] = asked["data"]
        found["times"] += 1
        status, body = found.get("answer", (200, {"access_token": found["token"]}))
        return httpx.Response(status, json=body, request=httpx.Request("POST", url))

    monkeypatch.setattr(httpx, "post", post)
    return found


def test_the_tenant_is_the_tokens(given: dict[str, Any]) -> None:
    assert Acting(environment("acme")).catalog("acme").tenant == "acme"
    assert given["asked"]["client_secret"] == SECRET


def test_one_token_serves_a_run_until_it_is_about_to_end(given: dict[str, Any]) -> None:
    acting, now = Acting(environment("acme")), int(time.time())
    assert acting.catalog("acme") is acting.catalog("acme")
    assert given["times"] == 1
    acting = Acting(environment("acme"))
    long, short = given["token"], ISSUER.token(*groups("acme", RoleKind.RUN), exp=now + 300)
    given["token"] = short
    assert acting.catalog("acme").ends == now + 300
    given["token"] = long
    assert acting.catalog("acme").ends > now + 300
    assert given["times"] == 3


def test_anothers_partition_is_refused_and_in_the_audit_log(
    given: dict[str, Any], caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(LOG, "propagate", True)
    caplog.set_level(logging.INFO, LOG.name)
    with pytest.raises(ForeignPartitionError, match="acts for acme, and the partition is globex"):
        Acting(environment("acme")).catalog("globex")
    said = {record.message for record in caplog.records if record.name == LOG.name}
    (line,) = map(json.loads, said)
    assert (line["tenant"], line["identity"], line["table"]) == ("acme", "somebody", "globex")
    assert line["outcome"] == "refused"


def test_a_token_of_a_tenant_that_the_task_was_not_told_of_is_refused(
    given: dict[str, Any],
) -> None:
    with pytest.raises(Refused):
        Acting(environment("globex")).catalog("globex")


def test_a_forged_token_is_refused(given: dict[str, Any]) -> None:
    stranger = Issuer(ISSUER.issuer, ISSUER.audience)
    given["token"] = stranger.token(*groups("acme", RoleKind.RUN))
    with pytest.raises(Refused):
        Acting(environment("acme")).catalog("acme")


@pytest.mark.parametrize("answer", [(401, {"error": SECRET}), (200, {"other": SECRET})])
def test_without_a_token_the_run_says_so_and_tells_no_secret(
    given: dict[str, Any], answer: tuple[int, dict[str, str]]
) -> None:
    given["answer"] = answer
    with pytest.raises(CannotActError, match="no token can be had") as error:
        Acting(environment("acme")).catalog("acme")
    assert SECRET not in str(error.value)


def test_outside_a_tenants_task_nobody_is_acted_for() -> None:
    with pytest.raises(CannotActError, match=LAKEHOUSE):
        Acting({}).catalog("acme")
