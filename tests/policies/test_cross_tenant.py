from pathlib import Path
from typing import Any

from isolation.graph import UNKNOWN, Graph
from isolation.proof import HELD_OFF
from isolation.state import resources_of
from onboarding.recorded import exported
from policies.cross_tenant import RULE
from policies.rule import Fault, Settings, faults
from tests.estates import FILES, run_on, write_estate
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


def test_a_grant_that_only_a_boundary_holds_off_is_told() -> None:
    arn = "arn:aws:iam::111111111111:policy/boundary"
    own = policy(Resource="arn:aws:s3:::acme-lake/*")
    boundary = thing("aws:iam/policy:Policy", "boundary", name="boundary", arn=arn, policy=own)
    things = [*lake("arn:aws:s3:::globex-lake/*"), boundary]
    for one in things:
        if one["type"] == "aws:iam/role:Role":
            one["inputs"]["permissionsBoundary"] = arn
    (told, *_) = found(RULE, *things)
    assert told[0] == "grant"
    assert HELD_OFF in told[1]


def test_a_shared_key_that_is_not_known_yet_is_known_by_what_its_value_comes_from() -> None:
    """Before the first update a key has no id, and tenants' parts of a bucket are told by it."""
    condition = {"StringLike": {"kms:EncryptionContext:aws:s3:arn": "arn:aws:s3:::lake/acme/*"}}
    key = thing(
        "aws:kms/key:Key",
        "key",
        arn=UNKNOWN,
        keyId=UNKNOWN,
        tags={"tenant": "platform"},
        policy=policy(Action="kms:*", Principal={"AWS": "arn:aws:iam::111111111111:root"}),
    )
    rules = [{"applyServerSideEncryptionByDefault": {"kmsMasterKeyId": UNKNOWN}}]
    encryption = thing(
        "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
        bucket="lake",
        rules=rules,
        references={"rules": [key["urn"]]},
    )
    claims = [
        thing(
            "some:component:Part",
            tenant,
            claims={
                "tenant": tenant,
                "owns": [f"arn:aws:s3:::lake/{tenant}/*"],
                "principals": [f"arn:aws:iam::111111111111:role/{tenant}"],
            },
        )
        for tenant in ("acme", "globex")
    ]
    platform = thing(
        "some:component:Part",
        "platform",
        claims={"tenant": None, "owns": ["arn:aws:s3:::lake"], "principals": [], "reason": "x"},
    )
    bucket = thing("aws:s3/bucket:Bucket", "lake", bucket="lake", arn="arn:aws:s3:::lake")
    roles = [one for one in lake("*") if one["type"] == "aws:iam/role:Role"]
    use = policy(Action="kms:Decrypt", Condition=condition)
    grant = thing("aws:iam/rolePolicy:RolePolicy", "grant", role="acme", policy=use)
    given = [bucket, key, *roles, grant, *claims, platform]
    assert found(RULE, *given, encryption) == []
    encryption["propertyDependencies"] = {}
    assert found(RULE, *given, encryption)


def test_a_shard_is_not_blamed_for_what_its_platforms_stack_has(tmp_path: Path) -> None:
    """It has tables, and no settings that keep Lake Formation from letting everybody in."""
    sharded = FILES["Pulumi.prod.yaml"] + "    shards: 2\n"
    recorded = run_on(write_estate(tmp_path, {"Pulumi.prod.yaml": sharded}), "prod-02")
    entries = exported(recorded, "prod-02")["deployment"]["resources"]

    def told(*entries: dict[str, Any]) -> list[Fault]:
        graph = Graph.of(resources_of(entries, "prod-02", whole=True))
        return list(faults(RULE, graph, Settings()))

    assert told(*entries) == []
    unmarked = [entry for entry in entries if entry["type"] != "tenancy:aws:Shard"]
    assert any("IAM_ALLOWED_PRINCIPALS" in fault.text for fault in told(*unmarked))


def test_a_grant_that_is_planted_in_a_shard_is_told_by_the_pack(tmp_path: Path) -> None:
    sharded = FILES["Pulumi.prod.yaml"] + "    shards: 2\n"
    recorded = run_on(write_estate(tmp_path, {"Pulumi.prod.yaml": sharded}), "prod-02")
    entries = exported(recorded, "prod-02")["deployment"]["resources"]
    grants = next(entry for entry in entries if entry["urn"].endswith("acme-iam-reader-grants"))
    lake = "arn:aws:s3:::lakehouse-prod--globex--222222222222-data/*"
    inputs = {**grants["inputs"], "name": "planted", "policy": policy(Resource=lake)}
    planted = {**grants, "urn": f"{grants['urn']}-planted", "inputs": inputs, "outputs": inputs}
    graph = Graph.of(resources_of([*entries, planted], "prod-02", whole=True))
    (fault,) = faults(RULE, graph, Settings())
    assert fault.resource
    assert fault.resource.name.endswith("-planted")
