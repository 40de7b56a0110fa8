from typing import Any

from policies.alone import RULE
from tests.policies.things import found, thing


def of(tenant: str, tier: str, account: str = "111111111111") -> dict[str, Any]:
    tags = {"tenant": tenant, "tier": tier}
    return thing("aws:s3/bucket:Bucket", tenant, account=account, tags=tags)


def test_another_in_the_account_of_a_hard_tenant_is_told() -> None:
    for tier in ("soft", "medium", "hard"):
        told = found(RULE, of("acme", "hard"), of("globex", tier))
        assert "globex" in [name for name, _ in told]


def test_a_hard_tenant_beside_the_platforms_own_things_passes() -> None:
    assert found(RULE, of("acme", "hard"), of("platform", "hard")) == []
    assert found(RULE, of("acme", "hard"), of("globex", "hard", "222222222222")) == []
    assert found(RULE, of("acme", "soft"), of("globex", "medium")) == []
