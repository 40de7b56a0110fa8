"""The program under a recording engine: what it registers for every tier, and what never."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from onboarding.recorded import exported
from onboarding.recording import Recorded
from tests.estates import FILES, run_on, write_estate

Resources = list[Recorded]
NEW_TENANT = {"tenants/umbrella.yaml": "tenant: umbrella\ncontact: a@b.example\nisolation: soft\n"}
POLICY_PROPERTIES = ("policy", "assumeRolePolicy")
TAGS = {"tenant", "tier", "environment", "managed-by"}
# What makes nothing by itself, or groups what lies below it.
SILENT = {"acme", "globex"}


@pytest.fixture(scope="module")
def prod(tmp_path_factory: pytest.TempPathFactory) -> Resources:
    """The stack of the platform, a soft tenant (acme) and a medium one (globex)."""
    return list(run_on(write_estate(tmp_path_factory.mktemp("prod")), "prod").values())


@pytest.fixture(scope="module")
def hard(tmp_path_factory: pytest.TempPathFactory) -> Resources:
    """The stack of the hard tenant (initech)."""
    return list(run_on(write_estate(tmp_path_factory.mktemp("hard")), "prod-initech").values())


def of_type(resources: Resources, kind: str) -> Resources:
    return [resource for resource in resources if resource.type.endswith(f":{kind}")]


def policies(resources: Resources) -> dict[tuple[str, str], dict[str, Any]]:
    """(resource name, property) -> policy document, for every policy there is."""
    return {
        (resource.name, name): json.loads(resource.inputs[name])
        for resource in resources
        for name in POLICY_PROPERTIES
        if name in resource.inputs
    }


def told(resource: Recorded) -> str:
    """What the engine is told of it, archives by what they hold."""

    def contents(value: Any) -> Any:
        known = (getattr(value, name, None) for name in ("assets", "path", "text"))
        return next((each for each in known if each is not None), str(value))

    told = [resource.inputs, resource.outputs, resource.protect, sorted(resource.dependencies)]
    return json.dumps(told, default=contents, sort_keys=True)


def test_every_role_is_bounded_tagged_and_trusted_by_somebody_named(
    prod: Resources, hard: Resources
) -> None:
    roles = of_type(prod + hard, "Role")
    assert {role.inputs["tags"]["tenant"] for role in roles} == {
        "acme",
        "globex",
        "initech",
        "platform",
    }
    for role in roles:
        assert role.inputs["permissionsBoundary"]
        for statement in json.loads(role.inputs["assumeRolePolicy"])["Statement"]:
            assert statement["Effect"] == "Deny" or statement["Principal"] != "*"


def test_every_taggable_resource_says_whose_it_is(prod: Resources, hard: Resources) -> None:
    taggable = [r for r in prod + hard if r.type.startswith("aws:") and "tags" in r.inputs]
    assert len({resource.type for resource in taggable}) > 30
    for resource in taggable:
        assert set(resource.inputs["tags"]) >= TAGS, resource.name
    acme = next(resource for resource in taggable if resource.name == "acme-iam-reader")
    assert acme.inputs["tags"] == {
        "tenant": "acme",
        "tier": "soft",
        "environment": "prod",
        "managed-by": "tenancy/prod",
    }


def test_only_data_and_placements_are_protected(prod: Resources, hard: Resources) -> None:
    protected = {r.type.split(":")[-1] for r in prod + hard if r.protect}
    assert protected == {"Bucket", "Instance", "Key", "Placement", "Secret"}
    for kind in protected - {"Placement"}:
        assert all(r.protect and r.retain for r in of_type(prod + hard, kind)), kind
    assert len(of_type(prod, "Placement")) == 2


def test_no_policy_of_a_tenant_names_another(prod: Resources, hard: Resources) -> None:
    tenants = {"acme", "globex", "initech"}
    for (name, prop), document in policies(prod + hard).items():
        owner = name.split("-")[0]
        if owner in tenants:
            mentioned = {tenant for tenant in tenants if tenant in json.dumps(document)}
            # A soft tenant's boundary and grants name the shared bucket, never another tenant.
            assert mentioned <= {owner}, (name, prop)


def test_an_allowed_resource_of_a_tenant_is_its_own_or_bound_by_condition(prod: Resources) -> None:
    for (name, _), document in policies(prod).items():
        for statement in document["Statement"]:
            if not name.startswith(("acme-iam", "globex-iam")) or "Resource" not in statement:
                continue
            if statement["Effect"] == "Deny":
                continue
            tenant = name.split("-")[0]
            for resource in statement["Resource"]:
                own = f"{tenant}/" in resource or f"--{tenant}--" in resource or tenant in resource
                bound = {"s3:prefix", "kms:ResourceAliases"} & {
                    key for keys in statement.get("Condition", {}).values() for key in keys
                }
                catalog = statement["Sid"] == "Tables" and not resource.endswith("*")
                location = statement["Action"] == ["s3:GetBucketLocation"]
                assert own or bound or catalog or location, (name, statement["Sid"], resource)


def test_a_reader_is_granted_nothing_restricted(prod: Resources, hard: Resources) -> None:
    documents = policies(prod + hard)
    for tenant in ("acme", "globex", "initech"):
        reader = json.dumps(documents[f"{tenant}-iam-reader-grants", "policy"])
        writer = json.dumps(documents[f"{tenant}-iam-writer-grants", "policy"])
        assert f"{tenant}/lakehouse/*" in reader
        assert "restricted" not in reader
        assert f"{tenant}/restricted/*" in writer
    readers = [r for r in of_type(prod, "Permissions") if r.name.endswith("-reader-tables")]
    for grant in readers:
        (expression,) = grant.inputs["lfTagPolicy"]["expressions"]
        assert expression["values"] == ["public"]


def test_restricted_columns_are_in_no_public_table(prod: Resources) -> None:
    tables = {t.inputs["name"]: t.inputs for t in of_type(prod, "CatalogTable")}
    columns = {
        name: [c["name"] for c in table["storageDescriptor"]["columns"]]
        for name, table in tables.items()
    }
    assert columns == {
        "acme__events": ["id", "phone"],
        "acme__events__restricted": ["id", "email"],
        "events": ["id", "phone"],
        "events__restricted": ["id", "email"],
    }
    bucket = "lakehouse-prod--shared--222222222222-data"
    places = {n: t["storageDescriptor"]["location"] for n, t in tables.items()}
    assert places["acme__events"] == f"s3://{bucket}/acme/lakehouse/data/events/"
    restricted = f"s3://{bucket}/acme/restricted/data/events__restricted/"
    assert places["acme__events__restricted"] == restricted


def test_a_shared_bucket_has_no_bucket_keys_and_an_own_one_does(prod: Resources) -> None:
    encryption = {
        resource.name: resource.inputs["rules"][0]["bucketKeyEnabled"]
        for resource in of_type(prod, "BucketServerSideEncryptionConfiguration")
    }
    assert encryption == {
        "platform-shared-encryption": False,
        "foundation-audit-bucket-encryption": False,
        "foundation-registry-bucket-encryption": True,
        "globex-storage-encryption": True,
    }


def test_every_bucket_is_private_versioned_and_cleans_up_old_uploads(prod: Resources) -> None:
    for block in of_type(prod, "BucketPublicAccessBlock"):
        flags = [value for value in block.inputs.values() if isinstance(value, bool)]
        assert flags == [True] * 4
    statuses = [v.inputs["versioningConfiguration"] for v in of_type(prod, "BucketVersioning")]
    assert statuses == [{"status": "Enabled"}] * 4
    for lifecycle in of_type(prod, "BucketLifecycleConfiguration"):
        (abort,) = [
            rule for rule in lifecycle.inputs["rules"] if "abortIncompleteMultipartUpload" in rule
        ]
        assert abort["status"] == "Enabled"
    owners = [o.inputs["rule"]["objectOwnership"] for o in of_type(prod, "BucketOwnershipControls")]
    assert owners == ["BucketOwnerEnforced"] * 4


def test_databases_come_after_lake_formation_is_closed(prod: Resources, hard: Resources) -> None:
    for resources in (prod, hard):
        (settings,) = of_type(resources, "DataLakeSettings")
        assert not settings.inputs.get("createDatabaseDefaultPermissions")
        assert not settings.inputs.get("createTableDefaultPermissions")
        for database in of_type(resources, "CatalogDatabase"):
            assert any("dataLakeSettings" in urn for urn in database.dependencies)


def test_everything_of_a_hard_tenant_is_in_its_account(hard: Resources) -> None:
    (provider,) = (found for found in of_type(hard, "aws") if found.name == "platform")
    assert json.loads(provider.inputs["allowedAccountIds"]) == ["444444444444"]
    (assumed,) = json.loads(provider.inputs["assumeRoles"])
    expected = "arn:aws:iam::444444444444:role/OrganizationAccountAccessRole"
    assert assumed["roleArn"] == expected
    elsewhere = {r.name for r in hard if "222222222222" in json.dumps(r.inputs, default=str)}
    assert elsewhere == {"of-platform", "peering-connection"}
    by_platform = {r.name for r in hard if r.provider.endswith("of-platform-id")}
    assert by_platform == {"peering-acceptance", "peering-back"}
    others = {r.provider.split("::")[-1] for r in hard if r.name not in by_platform and r.provider}
    assert others == {"prod-initech-platform-id"}


def test_every_component_of_an_owner_claims_what_it_makes(prod: Resources) -> None:
    claims = {r.name: r.outputs["claims"] for r in prod if "claims" in r.outputs}
    parts = ("iam", "storage", "catalog", "nessie", "dagster", "audit")
    assert set(claims) >= {f"{tenant}-{part}" for tenant in ("acme", "globex") for part in parts}
    silent = {
        r.name
        for r in prod
        if r.type.startswith("tenancy:")
        and "claims" not in r.outputs
        and not r.type.endswith(("Placement", "FencedBucket", "ServiceGroup"))
    }
    assert silent == SILENT
    assert claims["acme-storage"] == {
        "tenant": "acme",
        "owns": ["arn:aws:s3:::lakehouse-prod--shared--222222222222-data/acme/*"],
        "principals": [],
        "restricted": ["arn:aws:s3:::lakehouse-prod--shared--222222222222-data/acme/restricted/*"],
    }
    assert claims["platform"]["tenant"] is None
    assert claims["platform"]["acts_for"] == "platform"
    assert len(claims["globex-iam"]["principals"]) == 4


def test_a_tenant_is_entered_in_the_registry_when_all_of_it_is_there(
    prod: Resources, hard: Resources
) -> None:
    for found, tenant, owner in ((prod, "acme", "platform"), (hard, "initech", "initech")):
        (entry,) = (one for one in of_type(found, "BucketObjectv2") if one.tenant == tenant)
        assert f"--{owner}--" in entry.inputs["bucket"]
        assert entry.inputs["key"] == f"tenants/{tenant}.json"
        assert {"audit", "runs"} <= set(json.loads(entry.inputs["content"]))
        before = {urn.rpartition("::")[2] for urn in entry.dependencies}
        own = {one.name for one in found if one.tenant == tenant and one.type.startswith("aws:")}
        assert own - before == {f"{tenant}-entry"}
        fence = {f"foundation-registry-bucket-{part}" for part in ("policy", "encryption")}
        assert fence <= before


def test_no_resource_is_an_orphan(prod: Resources) -> None:
    for resource in prod:
        if resource.type.startswith("aws:"):
            assert "tenancy:aws:" in resource.parent, resource.name


def test_where_all_are_in_one_stack_a_new_tenant_changes_what_names_each(tmp_path: Path) -> None:
    before = run_on(write_estate(tmp_path / "before"), "prod")
    after = run_on(write_estate(tmp_path / "after", NEW_TENANT), "prod")
    assert set(before) < set(after)
    changed = {before[urn].name for urn in before if told(before[urn]) != told(after[urn])}
    assert changed == BY_PATTERN


def test_no_two_things_of_a_kind_have_one_name(tmp_path: Path) -> None:
    """AWS would refuse the second, or worse, take it for the first."""
    everything = "audit: {siem: true, realtime: true}\n"
    files = {name: FILES[name] + everything for name in FILES if name.startswith("tenants/")}
    for stack in ("prod", "prod-initech"):
        named: dict[tuple[str, str], str] = {}
        for resource in run_on(write_estate(tmp_path / stack, files), stack).values():
            if not resource.type.startswith("aws:"):
                continue
            for key in ("name", "identifier", "bucket", "family"):
                if name := resource.inputs.get(key):
                    scope = [
                        resource.inputs.get(s)
                        for s in ("role", "logGroupName", "databaseName", "key")
                    ]
                    kind = f"{resource.type}/{key} of {scope}"
                    assert named.setdefault((kind, str(name)), resource.name) == resource.name


BY_PATTERN = {
    "platform-nessie-metadata-1",
    "dagster-dagster-daemon-1",
    "dagster-run-execution-1",
}
"""Policies that name each tenant where all are in one stack, and go by pattern in shards."""
SHARDED = {"Pulumi.prod.yaml": FILES["Pulumi.prod.yaml"] + "    shards: 2\n"}


def test_in_shards_there_is_all_that_is_in_one_stack_and_nothing_else(tmp_path: Path) -> None:
    """Each input is the same but for the ids of what is in the same stack, which name it here."""
    whole = run_on(write_estate(tmp_path / "whole"), "prod")
    root = write_estate(tmp_path / "sharded", SHARDED)
    parts = {name: run_on(root, name) for name in ("prod", "prod-01", "prod-02")}

    def inputs(stack: str, found: dict[str, Recorded]) -> dict[tuple[str, str], str]:
        return {
            (entry["type"], entry["urn"].rpartition("::")[2]): re.sub(
                r'(?<=")prod-(0\d-)?|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}',
                "",
                json.dumps(entry["inputs"]),
            )
            for entry in exported(found, stack)["deployment"]["resources"]
            if not entry["type"].startswith(("pulumi:", "tenancy:aws:Shard"))
        }

    expected = inputs("prod", whole)
    for name, found in parts.items():
        part = inputs(name, found)
        assert part.keys() <= expected.keys(), name
        other = {key[1] for key in part if part[key] != expected[key]}
        assert other == (BY_PATTERN if name == "prod" else set()), name
        expected = {key: value for key, value in expected.items() if key not in part}
    assert not expected


@pytest.mark.parametrize("tier", ["soft", "medium"])
def test_one_tenant_more_changes_one_stack(tmp_path: Path, tier: str) -> None:
    """All that is new is in its shard and its own; nothing that was there is told otherwise."""
    new_tenant = {name: text.replace("soft", tier) for name, text in NEW_TENANT.items()}
    before = write_estate(tmp_path / "before", SHARDED)
    after = write_estate(tmp_path / "after", {**SHARDED, **new_tenant})
    changed: dict[str, set[str]] = {}
    new: dict[str, set[str]] = {}
    for stack in ("prod", "prod-01", "prod-02"):
        was, now = run_on(before, stack), run_on(after, stack)
        assert set(was) <= set(now)
        changed[stack] = {was[urn].name for urn in was if told(was[urn]) != told(now[urn])}
        new[stack] = {now[urn].tenant for urn in now.keys() - was.keys()}
    assert new == {"prod": set(), "prod-01": set(), "prod-02": {"umbrella"}}
    assert changed == {"prod": set(), "prod-01": set(), "prod-02": set()}


def test_a_shard_makes_nothing_of_the_platforms(tmp_path: Path) -> None:
    root = write_estate(tmp_path, SHARDED)
    found = [*run_on(root, "prod-01").values(), *run_on(root, "prod-02").values()]
    assert {one.inputs["tags"]["tenant"] for one in found if "tags" in one.inputs} == {
        "acme",
        "globex",
    }
    assert {one.tenant for one in found if one.type.startswith("aws:")} == {"acme", "globex"}
    assert not {one.tenant for one in run_on(root, "prod").values()} - {""}
