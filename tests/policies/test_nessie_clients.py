from typing import Any

import pytest

from policies.nessie_clients import RULE
from tests.policies.things import containers, found, thing

S3 = "nessie.catalog.service.s3.default-options"
SAFE = {f"{S3}.request-signing-enabled": "false", f"{S3}.client-iam.enabled": "false"}


def server(image: str = "ghcr.io/projectnessie/nessie:0.99.0", **given: str) -> dict[str, Any]:
    kind = "aws:ecs/taskDefinition:TaskDefinition"
    return thing(kind, containerDefinitions=containers(image, **given))


def test_a_server_that_gives_nothing_passes() -> None:
    assert found(RULE, server(**SAFE)) == []
    assert (
        found(
            RULE,
            server(
                **{
                    "NESSIE_" + k[7:].replace(".", "_").replace("-", "_").upper(): v
                    for k, v in SAFE.items()
                }
            ),
        )
        == []
    )


@pytest.mark.parametrize(
    "given",
    [
        {f"{S3}.request-signing-enabled": "true"},
        {f"{S3}.client-iam.enabled": "true"},
        {"nessie.catalog.service.s3.buckets.lake.request-signing-enabled": "true"},
        {"NESSIE_CATALOG_SERVICE_S3_DEFAULT_OPTIONS_CLIENT_IAM_ENABLED": "true"},
    ],
)
def test_a_server_that_signs_or_gives_credentials_is_told(given: dict[str, str]) -> None:
    assert len(found(RULE, server(**SAFE | given))) == 1


def test_signing_is_on_unless_it_is_switched_off() -> None:
    ((_, fault),) = found(RULE, server())
    assert "request signing" in fault


def test_other_containers_are_not_looked_at() -> None:
    assert found(RULE, server("lakehouse-gateway:1")) == []
