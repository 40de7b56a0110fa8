"""What `make up` made, read back with plain boto3."""

from __future__ import annotations

import json

import pytest

from tests.integration import inventory
from tests.integration.checkout import Checkout, Json

PLATFORM = "123456789012"
FEDERAL = "210987654321"
KINDS = ("reader", "writer", "admin", "run")
SOFT = ("acme", "globex")
MEDIUM = ("colorado-state", "newcorp")


@pytest.fixture(scope="module")
def platform(deployed: Checkout) -> Json:
    return inventory.account_of(deployed)


@pytest.fixture(scope="module")
def federal(deployed: Checkout) -> Json:
    return inventory.account_of(deployed, FEDERAL)


def bucket(owner: str, account: str = PLATFORM) -> str:
    return f"lakehouse-local--{owner}--{account}-data"


@pytest.mark.parametrize("owner", ["shared", *MEDIUM, "federal-dhs"])
def test_a_bucket_is_private_versioned_and_under_its_own_key(
    platform: Json, federal: Json, owner: str
) -> None:
    account = FEDERAL if owner == "federal-dhs" else PLATFORM
    cloud = federal if owner == "federal-dhs" else platform
    found = cloud["buckets"][bucket(owner, account)]
    assert set(found["public"].values()) == {True}
    assert len(found["public"]) == 4
    assert found["ownership"] == {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
    assert found["versioning"] == "Enabled"
    (rule,) = found["encryption"]["Rules"]
    default = rule["ApplyServerSideEncryptionByDefault"]
    assert default["SSEAlgorithm"] == "aws:kms"
    alias = f"alias/lakehouse-local--{owner}--data"
    assert default["KMSMasterKeyID"].endswith(alias)
    # With bucket keys, the encryption context could not tell two tenants' prefixes apart.
    assert rule["BucketKeyEnabled"] is (owner != "shared")
    assert any("AbortIncompleteMultipartUpload" in rule for rule in found["lifecycle"])
    tenant = "platform" if owner == "shared" else owner
    assert found["tags"]["tenant"] == tenant
    assert [key["tags"]["tenant"] for key in cloud["keys"] if key["key"] == alias] == [tenant]


@pytest.mark.parametrize("owner", ["shared", *MEDIUM, "federal-dhs"])
def test_a_bucket_policy_denies_plain_text_and_allows_nobody(
    platform: Json, federal: Json, owner: str
) -> None:
    cloud, account = (federal, FEDERAL) if owner == "federal-dhs" else (platform, PLATFORM)
    statements = cloud["buckets"][bucket(owner, account)]["policy"]["Statement"]
    assert {statement["Effect"] for statement in statements} == {"Deny"}
    (tls,) = (s for s in statements if s["Sid"] == "DenyWithoutTls")
    assert tls["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    assert tls["Principal"] == "*"


def test_the_shared_bucket_policy_names_no_tenant(platform: Json) -> None:
    """It is of constant size: the roles' own policies tell the tenants apart."""
    text = json.dumps(platform["buckets"][bucket("shared")]["policy"])
    assert not any(tenant in text for tenant in (*SOFT, *MEDIUM))
    assert "${aws:PrincipalTag/tenant}/*" in text


@pytest.mark.parametrize("tenant", [*SOFT, *MEDIUM, "federal-dhs"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_role_is_bounded_and_trusts_exactly_whom_it_should(
    platform: Json, federal: Json, tenant: str, kind: str
) -> None:
    cloud = federal if tenant == "federal-dhs" else platform
    role = cloud["roles"][f"lakehouse-local--{tenant}--{kind}"]
    assert role["boundary"].endswith(f"/lakehouse-local--{tenant}--boundary")
    assert role["boundary"] in cloud["policies"]
    assert role["tags"]["tenant"] == tenant
    assert role["attached"] == []
    allowed = [s for s in role["trust"]["Statement"] if s["Effect"] == "Allow"]
    # Nobody may assume the roles of a tenant whose file names nobody; runs are the platform's.
    assert bool(allowed) is (tenant == "acme" or kind == "run")
    for statement in allowed:
        trusted = json.dumps(statement["Principal"])
        assert "*" not in trusted
        assert ":root" not in trusted
        assert "sts:TagSession" not in statement["Action"]
    others = {*SOFT, *MEDIUM, "federal-dhs"} - {tenant}
    grants = json.dumps(role["inline"])
    assert not any(f"/{other}/" in grants or f"--{other}--" in grants for other in others)


def test_the_readers_trust_is_its_tenants_own(platform: Json) -> None:
    (statement,) = platform["roles"]["lakehouse-local--acme--reader"]["trust"]["Statement"]
    assert statement["Principal"] == {"AWS": ["arn:aws:iam::333333333333:role/acme-analysts"]}
    assert statement["Condition"]["StringEquals"]["sts:ExternalId"] == "acme-local-5f0c1b7e"


def test_a_reader_reaches_no_restricted_object(platform: Json) -> None:
    grants = json.dumps(platform["roles"]["lakehouse-local--acme--reader"]["inline"])
    assert "/acme/lakehouse/*" in grants
    assert "restricted" not in grants
    assert "restricted" in json.dumps(platform["roles"]["lakehouse-local--acme--writer"]["inline"])


def test_databases_and_tables_are_where_their_tier_says(platform: Json, federal: Json) -> None:
    shared = platform["databases"]["lakehouse_local__shared__lakehouse"]
    assert {name.split("__")[0] for name in shared} == set(SOFT)
    for tenant in MEDIUM:
        own = platform["databases"][f"lakehouse_local__{tenant.replace('-', '_')}__lakehouse"]
        assert "event_stream" in own
        for table in own.values():
            assert table["location"].startswith(f"s3://{bucket(tenant)}/{tenant}/")
    assert list(federal["databases"]) == ["lakehouse_local__federal_dhs__lakehouse"]


def test_restricted_columns_lie_in_tables_and_prefixes_of_their_own(platform: Json) -> None:
    shared = platform["databases"]["lakehouse_local__shared__lakehouse"]
    public, restricted = shared["acme__event_stream"], shared["acme__event_stream__restricted"]
    assert "/acme/lakehouse/data/" in public["location"]
    assert "/acme/restricted/data/" in restricted["location"]
    key = public["columns"][0]
    assert set(public["columns"]) & set(restricted["columns"]) == {key}
    assert "phone" in restricted["columns"], "acme's own override"
    assert "phone" in shared["globex__event_stream"]["columns"]


def test_lake_formation_decides_alone(platform: Json, federal: Json) -> None:
    """IAMAllowedPrincipals anywhere would leave every grant without effect."""
    for cloud in (platform, federal):
        assert cloud["settings"]["CreateDatabaseDefaultPermissions"] == []
        assert cloud["settings"]["CreateTableDefaultPermissions"] == []
        principals = {grant["principal"] for grant in cloud["grants"]}
        assert "IAM_ALLOWED_PRINCIPALS" not in principals
        assert any(principal.endswith("--reader") for principal in principals)


def test_the_embedded_cloud_would_show_iam_allowed_principals(deployed: Checkout) -> None:
    """The test above can fail: under open defaults a new database gets the grant."""
    lakeformation = deployed.client("lakeformation")
    settings = lakeformation.get_data_lake_settings()["DataLakeSettings"]
    everyone = {"DataLakePrincipalIdentifier": "IAM_ALLOWED_PRINCIPALS"}
    opened = [{"Principal": everyone, "Permissions": ["ALL"]}]
    glue = deployed.client("glue")
    try:
        lakeformation.put_data_lake_settings(
            DataLakeSettings={**settings, "CreateDatabaseDefaultPermissions": opened}
        )
        glue.create_database(DatabaseInput={"Name": "open_to_all"})
        grants = inventory.lake(lakeformation)["grants"]
        principals = {g["principal"] for g in grants if "open_to_all" in json.dumps(g["resource"])}
        assert "IAM_ALLOWED_PRINCIPALS" in principals
    finally:
        glue.delete_database(Name="open_to_all")
        lakeformation.put_data_lake_settings(DataLakeSettings=settings)
    assert inventory.account_of(deployed)["settings"]["CreateDatabaseDefaultPermissions"] == []


def test_a_tenant_is_granted_its_own_tables_only(platform: Json) -> None:
    for tenant in SOFT:
        mine = [g for g in platform["grants"] if f"--{tenant}--" in g["principal"]]
        assert mine
        for grant in mine:
            assert grant["grantable"] == []
            tagged = grant["resource"].get("LFTagPolicy")
            if tagged:
                (tag,) = tagged["Expression"]
                assert tag["TagKey"] == f"tenant-{tenant}"
                if grant["principal"].endswith("--reader"):
                    assert tag["TagValues"] == ["public"]


@pytest.mark.parametrize(
    ("account", "owner", "tenants"),
    [(None, "platform", (*SOFT, *MEDIUM)), (FEDERAL, "federal-dhs", ("federal-dhs",))],
)
def test_an_accounts_registry_has_its_own_tenants(
    deployed: Checkout, account: str | None, owner: str, tenants: tuple[str, ...]
) -> None:
    s3 = deployed.client("s3", account)
    bucket = f"lakehouse-local--{owner}--{account or PLATFORM}-regs"
    keys = {one["Key"] for one in s3.list_objects_v2(Bucket=bucket)["Contents"]}
    assert keys == {f"tenants/{tenant}.json" for tenant in tenants}
    for tenant in tenants:
        found = s3.get_object(Bucket=bucket, Key=f"tenants/{tenant}.json")
        assert found["ServerSideEncryption"] == "aws:kms"
        told = json.loads(found["Body"].read())
        assert told["runs"]["task_family"] == f"lakehouse-local--{tenant}--run"
        assert ("catalog" in told) is (tenant in SOFT)


def test_a_hard_tenants_things_are_in_its_account_and_nowhere_else(
    platform: Json, federal: Json
) -> None:
    mine = "lakehouse-local--federal-dhs--"
    buckets = {f"{mine}{FEDERAL}-{kind}" for kind in ("data", "logs", "regs")}
    assert set(federal["buckets"]) == buckets
    assert all(role.startswith(mine) for role in federal["roles"])
    assert {f"{mine}{kind}" for kind in KINDS} < set(federal["roles"])
    # Secrets Manager's default key is AWS's own; it comes with the first secret.
    keys = {key["key"] for key in federal["keys"]} - {"alias/aws/secretsmanager"}
    assert keys == {f"alias/{mine}{kind}" for kind in ("data", "logs", "registry")}
    text = json.dumps(platform)
    assert "federal-dhs" not in text
    assert "federal_dhs" not in text
    assert FEDERAL not in text
    others = json.dumps(federal)
    assert not any(f"--{tenant}--" in others for tenant in (*SOFT, *MEDIUM))
