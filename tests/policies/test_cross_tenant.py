from typing import Any

from isolation.graph import UNKNOWN
from policies.cross_tenant import RULE
from tests.policies.things import found, policy, thing


def lake(resource: str) -> list[dict[str, Any]]:
    """Two tenants with a bucket and a role each; acme's role may read `resource`."""
    things: list[dict[str, Any]] = []
    for tenant in ("acme", "globex"):
        tags = {"tenant": tenant}
        arn = f"arn:aws:iam::111111111111:role/{tenant}"
        trust = policy(
            Action="sts:AssumeRole",
            Principal={"Service": "ecs-tasks.amazonaws.com"},
            Condition={"StringEquals": {"aws:SourceAccount": "111111111111"}},
        )
        things += [
            thing(
                "aws:s3/bucket:Bucket",
                f"{tenant}-lake",
                bucket=f"{tenant}-lake",
                arn=f"arn:aws:s3:::{tenant}-lake",
                tags=tags,
            ),
            thing(
                "aws:iam/role:Role", tenant, name=tenant, arn=arn, tags=tags, assumeRolePolicy=trust
            ),
        ]
    grant = policy(Sid="Read", Resource=resource)
    return [*things, thing("aws:iam/rolePolicy:RolePolicy", "grant", role="acme", policy=grant)]


def test_what_a_tenant_reads_of_its_own_passes() -> None:
    assert found(RULE, *lake("arn:aws:s3:::acme-lake/*")) == []


def test_a_grant_on_anothers_is_told_with_who_what_whose_and_the_statement() -> None:
    told = found(RULE, *lake("arn:aws:s3:::globex-lake/*"))
    assert told
    name, fault = told[0]
    assert name == "grant"
    for part in ("role/acme", "s3:GetObject", "arn:aws:s3:::globex-lake/", "globex's", "Read"):
        assert part in fault


def test_what_is_not_understood_proves_nothing() -> None:
    things = lake("arn:aws:s3:::acme-lake/*")
    things[-1] = thing("aws:iam/rolePolicy:RolePolicy", "grant", role="acme", policy=UNKNOWN)
    assert any("not understood" in fault for _, fault in found(RULE, *things))


def test_a_stack_without_tenants_claims_nothing() -> None:
    assert found(RULE, thing("aws:s3/bucket:Bucket", bucket="mine")) == []
