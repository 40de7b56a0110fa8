"""The trail, its router and each tenant's view, as the engine would be told to make them."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from components.aws.audit import AuditTrail, AuditTrailArgs, TenantAudit, TenantAuditArgs
from onboarding.recording import Recorded, record
from tenancy.estate import load_estate
from tenancy.names import PLATFORM
from tests.estates import FILES, write_estate

Resources = dict[str, Recorded]
ROUTE = {
    "retention_days": 365,
    "names": [],
    "siem_queue": None,
    "topic_arn": None,
    "incidents": False,
}
ASKED = (
    "audit: {retention_days: 2555, siem: true, realtime: true, incident_response: true}\n"
    "access: {auditor: [{aws: 'arn:aws:iam::222222222222:role/auditors'}]}\n"
)


def recorded(root: Path, stack: str, *, authority: bool = False) -> Resources:
    """The stack's trail and its tenants' views, by resource name."""
    files = {"tenants/globex.yaml": FILES["tenants/globex.yaml"] + ASKED}
    plan = load_estate(write_estate(root, files)).stack(stack)

    def build() -> None:
        owner = plan.tenants[0].id if plan.hard else PLATFORM
        args = AuditTrailArgs(
            plan.names,
            owner,
            plan.tenants,
            plan.environment,
            authority,
            plan.deployers,
        )
        audit = AuditTrail("audit", args)
        for settings in plan.tenants:
            of_tenant = TenantAuditArgs(settings, owner, plan.deployers, audit.key_arn, {})
            TenantAudit(f"{settings.id}-audit", of_tenant)

    return {resource.name: resource for resource in record(build).values()}


@pytest.fixture(scope="module")
def prod(tmp_path_factory: pytest.TempPathFactory) -> Resources:
    return recorded(tmp_path_factory.mktemp("prod"), "prod", authority=True)


@pytest.fixture(scope="module")
def hard(tmp_path_factory: pytest.TempPathFactory) -> Resources:
    return recorded(tmp_path_factory.mktemp("hard"), "prod-initech")


def test_the_bucket_is_locked_for_as_long_as_any_tenant_asks(
    prod: Resources, hard: Resources
) -> None:
    for resources, days in ((prod, 2555), (hard, 365)):
        assert resources["audit-bucket-bucket"].inputs["objectLockEnabled"] is True
        rule = resources["audit-bucket-lock"].inputs["rule"]
        assert rule == {"defaultRetention": {"mode": "COMPLIANCE", "days": days}}


def test_only_bucket_and_key_are_protected_and_stay(prod: Resources) -> None:
    protected = {name for name, resource in prod.items() if resource.protect}
    assert protected == {"audit-bucket-bucket", "audit-bucket-key"}
    assert {name for name, resource in prod.items() if resource.retain} == protected


def test_each_record_has_an_encryption_context_of_its_own(prod: Resources) -> None:
    (rule,) = prod["audit-bucket-encryption"].inputs["rules"]
    assert rule["bucketKeyEnabled"] is False


def test_the_platforms_trail_is_the_organizations_and_a_tenants_is_not(
    prod: Resources, hard: Resources
) -> None:
    assert prod["audit-trail"].inputs["isOrganizationTrail"] is True
    assert hard["audit-trail"].inputs["isOrganizationTrail"] is False
    for resources in (prod, hard):
        trail = resources["audit-trail"].inputs
        assert trail["isMultiRegionTrail"]
        assert trail["enableLogFileValidation"]
        assert trail["kmsKeyId"]
        assert trail["cloudWatchLogsGroupArn"].endswith(":*")
        assert len(trail["advancedEventSelectors"]) == 4


def test_the_trail_comes_after_what_it_writes_to(prod: Resources) -> None:
    after = {urn.split("::")[-1] for urn in prod["audit-trail"].dependencies}
    assert {"audit-bucket-policy", "audit-trail-delivery-grants", "audit-trail-log"} <= after


def test_the_router_is_subscribed_once_and_after_it_may_be_called(prod: Resources) -> None:
    filters = [r for r in prod.values() if r.type.endswith(":LogSubscriptionFilter")]
    (subscription,) = filters
    assert subscription.inputs["filterPattern"] == ""
    after = {urn.split("::")[-1] for urn in subscription.dependencies}
    assert "audit-router-permission" in after
    permission = prod["audit-router-permission"].inputs
    assert permission["principal"] == "logs.amazonaws.com"
    assert permission["sourceAccount"] == "222222222222"
    assert permission["sourceArn"].endswith(":log-group:/lakehouse-prod/platform/trail:*")


def test_a_batch_that_fails_for_good_waits_in_a_queue_that_alarms(prod: Resources) -> None:
    function = prod["audit-router-function"].inputs
    assert function["deadLetterConfig"] == {"targetArn": "arn:of:audit-router-failed"}
    assert prod["audit-router-failed"].inputs["messageRetentionSeconds"] == 14 * 24 * 3600
    alarm = prod["audit-audit-router-failed-alarm"].inputs
    assert alarm["dimensions"] == {"QueueName": "lakehouse-prod--platform--audit-router-failed"}


def test_every_alarm_reaches_the_encrypted_topic_that_operators_read(prod: Resources) -> None:
    found = [r for r in prod.values() if r.type.endswith(":MetricAlarm")]
    assert len(found) == 4
    assert all(a.inputs["alarmActions"] == ["arn:of:audit-alerts"] for a in found)
    for name in ("audit-alerts", "audit-incidents", "globex-audit-realtime"):
        assert prod[name].inputs["kmsMasterKeyId"] == "arn:of:audit-bucket-key"
    operators = prod["audit-alerts-operators"].inputs
    assert (operators["protocol"], operators["endpoint"]) == ("email", "ops@example.com")


@pytest.mark.parametrize(
    ("what", "log"),
    [("access-denied", "trail"), ("cross-tenant", "audit-router")],
)
def test_what_is_counted_is_counted_where_its_alarm_looks(
    prod: Resources, what: str, log: str
) -> None:
    counted = prod[f"audit-{what}-filter"].inputs
    assert counted["logGroupName"] == f"/lakehouse-prod/platform/{log}"
    metric, alarm = counted["metricTransformation"], prod[f"audit-{what}-alarm"].inputs
    assert (metric["namespace"], metric["name"]) == (alarm["namespace"], alarm["metricName"])


def test_every_role_is_bounded_and_trusted_by_one_service_or_the_named(prod: Resources) -> None:
    roles = {r.name: r.inputs for r in prod.values() if r.type.endswith(":Role")}
    assert set(roles) == {
        "audit-audit-router",
        "audit-trail-delivery",
        "acme-audit-auditor",
        "globex-audit-auditor",
    }
    for name in ("audit-audit-router", "audit-trail-delivery"):
        assert roles[name]["permissionsBoundary"] == "arn:of:audit-boundary"
        assert roles[name]["path"] == "/lakehouse-prod/service/"
    assert (
        roles["globex-audit-auditor"]["permissionsBoundary"]
        == "arn:of:globex-audit-auditor-boundary"
    )
    assert roles["globex-audit-auditor"]["path"] == "/lakehouse-prod/tenant/"
    trusts = {
        name: json.loads(role["assumeRolePolicy"])["Statement"][0] for name, role in roles.items()
    }
    assert trusts["audit-audit-router"]["Principal"] == {"Service": ["lambda.amazonaws.com"]}
    assert trusts["audit-trail-delivery"]["Principal"] == {"Service": ["cloudtrail.amazonaws.com"]}
    assert trusts["globex-audit-auditor"]["Principal"] == {
        "AWS": ["arn:aws:iam::222222222222:role/auditors"]
    }
    assert trusts["acme-audit-auditor"]["Effect"] == "Deny"


def test_a_tenant_has_the_queue_and_topic_that_it_asked_for_and_no_other(prod: Resources) -> None:
    siem = prod["globex-audit-siem"].inputs
    assert siem["sqsManagedSseEnabled"] is True
    assert json.loads(siem["redrivePolicy"]) == {
        "deadLetterTargetArn": "arn:of:globex-audit-siem-failed",
        "maxReceiveCount": 5,
    }
    assert prod["globex-audit-realtime-contact"].inputs["endpoint"] == "a@globex.example"
    assert not [name for name in prod if name.startswith("acme-audit-") and "auditor" not in name]


def test_no_policy_of_a_tenant_names_another(prod: Resources) -> None:
    for name, resource in prod.items():
        for prop in ("policy", "assumeRolePolicy"):
            text = resource.inputs.get(prop, "")
            assert not ("globex" in name and "acme" in text), name
            assert not ("acme" in name and "globex" in text), name
            assert not (name.startswith("audit") and ("acme" in text or "globex" in text)), name


def test_claims_give_each_its_own(prod: Resources, hard: Resources) -> None:
    def claims(resources: Resources, name: str) -> dict[str, Any]:
        found: dict[str, Any] = resources[name].outputs["claims"]
        return found

    trail, view = claims(prod, "audit"), claims(prod, "globex-audit")
    assert (trail["tenant"], trail["acts_for"]) == (None, "platform")
    assert "copy" in trail["reason"]
    bucket = "arn:aws:s3:::lakehouse-prod--platform--222222222222-logs"
    assert f"{bucket}/records/globex/*" in view["owns"]
    assert not set(trail["owns"]) & set(view["owns"])
    assert view["principals"] == [
        "arn:aws:iam::222222222222:role/lakehouse-prod/tenant/lakehouse-prod--globex--auditor"
    ]
    assert len(trail["principals"]) == 2
    assert claims(hard, "audit")["tenant"] == "initech"


@pytest.fixture
def unpacked(prod: Resources, tmp_path: Path) -> Callable[[], Path]:
    """The function's archive, as Lambda lays it out."""

    def unpack() -> Path:
        archive = prod["audit-router-function"].inputs["code"]
        for name, asset in archive.assets.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(Path(asset.path).read_text() if hasattr(asset, "path") else asset.text)
        return tmp_path

    return unpack


def test_the_archive_runs_without_the_project(
    prod: Resources, unpacked: Callable[[], Path], tmp_path_factory: pytest.TempPathFactory
) -> None:
    handler = prod["audit-router-function"].inputs["handler"]
    module, _, function = handler.rpartition(".")
    program = (
        "import importlib, sys; sys.path.insert(0, '.')\n"
        f"module = importlib.import_module({module!r})\n"
        f"assert callable(module.{function})\n"
        "function = module._function()\n"
        "assert 'tenancy' not in sys.modules\n"
        "print(sorted(function._registry.read()))\n"
    )
    registry = tmp_path_factory.mktemp("registry")
    (registry / "acme.json").write_text(json.dumps({"audit": ROUTE}))
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=unpacked(),
        env={
            "AWS_DEFAULT_REGION": "us-east-1",
            "PATH": "/usr/bin",
            "TENANCY_REGISTRY": str(registry),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "['acme']\n", "")
