from typing import Any

import pytest

from policies.tenant_name import RULE
from tests.policies.things import found, thing


def of(tenant: object) -> dict[str, Any]:
    return thing("aws:s3/bucket:Bucket", tags={"tenant": tenant})


@pytest.mark.parametrize("tenant", ["Acme", "acme--evil", "acme_evil", "*", "acme-", "1acme", 7])
def test_a_name_outside_the_grammar_is_told(tenant: object) -> None:
    assert found(RULE, of(tenant)) == [("thing", f"is of {tenant!r}, which is no tenant's id")]


@pytest.mark.parametrize("tenant", ["acme", "colorado-state", "a1", "platform"])
def test_an_id_passes(tenant: str) -> None:
    assert found(RULE, of(tenant)) == []


def test_the_grammar_may_be_another() -> None:
    assert found(RULE, of("T-1"), tenant_id="T-[0-9]+") == []
    assert len(found(RULE, of("acme"), tenant_id="T-[0-9]+")) == 1
