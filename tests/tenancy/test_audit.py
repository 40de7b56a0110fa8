"""The audit as data: what is recorded, who may write and read it, and that nobody erases it."""

from pathlib import Path
from typing import Any

import pytest

from localcloud.emulator.patches.evaluation import decide
from tenancy.audit import alarms, event_selectors, retention_days
from tenancy.audit_fence import AuditFence, queue_statements, topic_statements
from tenancy.audit_roles import (
    auditor_boundary_statements,
    auditor_statements,
    delivery_statements,
    router_statements,
    service_trust,
    writers_boundary_statements,
)
from tenancy.errors import InvalidInput
from tenancy.estate import load_estate
from tenancy.fences import platform_principals
from tenancy.grants import PolicyKind, Statement, render
from tenancy.names import PLATFORM, Names
from tenancy.registry import audit_route
from tenancy.settings import AuditView, OwnTrail, TenantSettings
from tests.estates import ENVIRONMENT, FILES, write_estate

NAMES = Names("lakehouse", "prod", "222222222222", "us-east-1")
DEPLOYER = "arn:aws:iam::222222222222:role/deployer"
ROUTER = (
    "arn:aws:iam::222222222222:role/lakehouse-prod/service/lakehouse-prod--platform--audit-router"
)
ADMIN = "arn:aws:iam::222222222222:role/lakehouse-prod/platform/lakehouse-prod--platform--admin"
AUDITOR = "arn:aws:iam::222222222222:role/lakehouse-prod/tenant/lakehouse-prod--acme--auditor"
BUCKET = "arn:aws:s3:::lakehouse-prod--platform--222222222222-logs"
REGISTRY = "arn:aws:s3:::lakehouse-prod--platform--222222222222-regs"
FENCE = AuditFence(NAMES, PLATFORM, (DEPLOYER,))
LONG = "a" * 20


def settings_of(root: Path, audit: str = "{}", tier: str = "medium") -> TenantSettings:
    text = FILES["tenants/globex.yaml"] + f"isolation: {tier}\naudit: {audit}\n"
    plan = load_estate(write_estate(root, {"tenants/globex.yaml": text})).stack("prod")
    return next(settings for settings in plan.tenants if settings.id == "globex")


def denied(
    statements: tuple[Statement, ...],
    action: str,
    resource: str,
    who: str,
    *,
    tenant: str | None = None,
    **facts: str,
) -> bool:
    """Whether a resource policy denies a call, whatever its caller is granted."""
    document = {"Version": "2012-10-17", "Statement": [s.to_json() for s in statements]}
    known: dict[str, str | None] = {
        "aws:securetransport": "true",
        "aws:principalisawsservice": "false",
        "aws:principalarn": who,
        "aws:principaltag/tenant": tenant,
        "s3:prefix": None,
        **{name.replace("_", ":"): value for name, value in facts.items()},
    }
    return decide(document, action, resource, None, known) == "deny"


def bucket_denies(action: str, key: str | None, who: str, tenant: str | None = None) -> bool:
    resource = BUCKET if key is None else f"{BUCKET}/{key}"
    return denied(FENCE.bucket_statements(), action, resource, who, tenant=tenant)


RECORD = "records/acme/2026/11/24/1.json"


def test_the_router_appends_records_and_does_nothing_else() -> None:
    assert not bucket_denies("s3:PutObject", RECORD, ROUTER)
    assert not bucket_denies("s3:PutObjectRetention", RECORD, ROUTER)
    assert bucket_denies("s3:PutObject", "AWSLogs/222222222222/x.json.gz", ROUTER)
    assert bucket_denies("s3:GetObject", RECORD, ROUTER)
    assert bucket_denies("s3:ListBucket", None, ROUTER)
    assert bucket_denies("s3:PutBucketPolicy", None, ROUTER)


@pytest.mark.parametrize("who", [ADMIN, DEPLOYER, AUDITOR])
@pytest.mark.parametrize("key", [RECORD, "AWSLogs/222222222222/x.json.gz"])
def test_nobody_else_writes_a_record(who: str, key: str) -> None:
    for action in ("s3:PutObject", "s3:PutObjectTagging", "s3:PutObjectLegalHold"):
        assert bucket_denies(action, key, who, tenant="acme")


@pytest.mark.parametrize("who", [ROUTER, ADMIN, DEPLOYER, AUDITOR])
def test_nobody_erases_a_record_nor_gets_around_its_retention(who: str) -> None:
    for action in ("s3:DeleteObject", "s3:DeleteObjectVersion", "s3:BypassGovernanceRetention"):
        assert bucket_denies(action, RECORD, who, tenant="acme")


def test_not_even_a_service_of_aws_erases_a_record() -> None:
    statements = FENCE.bucket_statements()
    service = {"aws:principalisawsservice": "true"}
    document = {"Version": "2012-10-17", "Statement": [s.to_json() for s in statements]}
    facts: dict[str, str | None] = {
        "aws:securetransport": "true",
        "aws:principalarn": None,
        **service,
    }
    verdict = decide(document, "s3:DeleteObjectVersion", f"{BUCKET}/{RECORD}", None, facts)
    assert verdict == "deny"


def test_an_auditor_reads_the_records_of_its_own_tenant_only() -> None:
    assert not bucket_denies("s3:GetObject", RECORD, AUDITOR, tenant="acme")
    for key in ("records/globex/x", "records/acmex/x", "records/platform/x", "AWSLogs/x", "acme/x"):
        assert bucket_denies("s3:GetObject", key, AUDITOR, tenant="acme"), key
    assert bucket_denies("s3:GetObject", RECORD, AUDITOR, tenant=None)
    assert not bucket_denies("s3:GetObject", "records/globex/x", ADMIN)


@pytest.mark.parametrize(
    ("prefix", "refused"), [("records/acme/", False), ("records/globex/", True), ("", True)]
)
def test_an_auditor_lists_the_records_of_its_own_tenant_only(prefix: str, refused: bool) -> None:
    statements = FENCE.bucket_statements()
    facts = {"s3_prefix": prefix}
    found = denied(statements, "s3:ListBucket", BUCKET, AUDITOR, tenant="acme", **facts)
    assert found is refused


def test_only_the_deployer_configures_the_bucket() -> None:
    for action in ("s3:PutBucketPolicy", "s3:PutBucketObjectLockConfiguration", "s3:DeleteBucket"):
        assert bucket_denies(action, None, ADMIN)
        assert bucket_denies(action, None, AUDITOR, tenant="acme")
        assert not bucket_denies(action, None, DEPLOYER)


def test_cloudtrail_writes_from_this_trail_only_and_is_not_denied() -> None:
    (looks, appends), statements = FENCE.bucket_statements()[:2], FENCE.bucket_statements()
    trail = "arn:aws:cloudtrail:us-east-1:222222222222:trail/lakehouse-prod.platform"
    for statement in (looks, appends):
        assert statement.effect == "Allow"
        assert statement.principals == {"Service": ("cloudtrail.amazonaws.com",)}
        assert statement.conditions["StringEquals"]["aws:SourceArn"] == trail
    assert appends.resources == (f"{BUCKET}/AWSLogs/*",)
    document = {"Version": "2012-10-17", "Statement": [s.to_json() for s in statements]}
    service = {
        "aws:securetransport": "true",
        "aws:principalisawsservice": "true",
        "aws:principalarn": None,
        "aws:sourcearn": trail,
        "s3:prefix": None,
    }
    for action, resource in (
        ("s3:GetBucketAcl", BUCKET),
        ("s3:PutObject", f"{BUCKET}/AWSLogs/o-1/222222222222/CloudTrail/x.json.gz"),
    ):
        assert decide(document, action, resource, None, service) != "deny"


def test_plain_http_is_denied_even_to_the_router() -> None:
    plain = dict.fromkeys(["aws:securetransport"], "false")
    document = {
        "Version": "2012-10-17",
        "Statement": [s.to_json() for s in FENCE.bucket_statements()],
    }
    facts = {"aws:principalarn": ROUTER, "aws:principalisawsservice": "false", **plain}
    assert decide(document, "s3:PutObject", f"{BUCKET}/{RECORD}", None, facts) == "deny"


def test_the_key_decrypts_a_tenants_own_records_only() -> None:
    def refused(key: str, tenant: str | None) -> bool:
        context = {"kms:encryptioncontext:aws:s3:arn": f"{BUCKET}/{key}"}
        document = {
            "Version": "2012-10-17",
            "Statement": [s.to_json() for s in FENCE.key_statements()],
        }
        facts: dict[str, str | None] = {
            "aws:principalarn": AUDITOR,
            "aws:principalisawsservice": "false",
            "aws:principaltag/tenant": tenant,
            **context,
        }
        return decide(document, "kms:Decrypt", "key", None, facts) == "deny"

    assert not refused(RECORD, "acme")
    assert refused("records/globex/x", "acme")
    assert refused(RECORD, None)


def test_a_topic_takes_alarms_of_this_account_and_the_router_and_nobody_else() -> None:
    topic = NAMES.topic_arn(PLATFORM, "alerts")
    statements = topic_statements(NAMES, PLATFORM, topic, alarms=True)
    assert not denied(statements, "sns:Publish", topic, ROUTER)
    for who in (ADMIN, DEPLOYER, AUDITOR):
        assert denied(statements, "sns:Publish", topic, who)
    (allowed,) = [s for s in statements if s.effect == "Allow"]
    assert allowed.principals == {"Service": ("cloudwatch.amazonaws.com",)}
    assert allowed.conditions["StringEquals"] == {"aws:SourceAccount": "222222222222"}
    quiet = topic_statements(NAMES, PLATFORM, topic, alarms=False)
    assert {s.effect for s in quiet} == {"Deny"}


def test_a_siem_queue_is_filled_by_the_router_and_read_by_the_auditor() -> None:
    queue = NAMES.queue_arn("acme", "siem")
    readers = (*platform_principals(NAMES, (DEPLOYER,)), AUDITOR)
    statements = queue_statements(NAMES, PLATFORM, queue, readers)
    other = AUDITOR.replace("acme", "globex")
    assert not denied(statements, "sqs:SendMessage", queue, ROUTER)
    assert denied(statements, "sqs:SendMessage", queue, AUDITOR)
    assert not denied(statements, "sqs:ReceiveMessage", queue, AUDITOR)
    assert denied(statements, "sqs:ReceiveMessage", queue, other)
    assert denied(statements, "sqs:DeleteMessage", queue, ROUTER)


def test_the_trail_records_all_but_what_would_echo() -> None:
    """The router writes the audit bucket and reads the registry, for each batch of records."""
    management, objects, own, registry = event_selectors(NAMES, PLATFORM)
    assert management["field_selectors"] == [{"field": "eventCategory", "equals": ["Management"]}]
    (arns,) = [s for s in objects["field_selectors"] if s["field"] == "resources.ARN"]
    assert arns["starts_withs"] == ["arn:aws:s3:::lakehouse-prod--"]
    assert arns["not_starts_withs"] == [BUCKET, REGISTRY]
    fields = {s["field"]: s for s in own["field_selectors"]}
    assert fields["resources.ARN"]["starts_withs"] == [BUCKET]
    assert fields["eventName"]["not_equals"] == ["PutObject"]
    fields = {s["field"]: s for s in registry["field_selectors"]}
    assert fields["resources.ARN"]["starts_withs"] == [REGISTRY]
    assert fields["readOnly"]["equals"] == ["false"]


def test_files_of_the_trail_are_kept_for_the_most_demanding_tenant(tmp_path: Path) -> None:
    assert retention_days([]) == 365
    assert retention_days([settings_of(tmp_path / "a", "{retention_days: 30}")]) == 365
    tenants = [settings_of(tmp_path / "b", "{retention_days: 2555}"), settings_of(tmp_path / "c")]
    assert retention_days(tenants) == 2555


def test_a_trail_that_falls_silent_alarms() -> None:
    silent = next(alarm for alarm in alarms(NAMES, PLATFORM) if alarm.kind == "trail-silent")
    assert (silent.missing, silent.comparison) == ("breaching", "LessThanThreshold")
    assert silent.dimensions == {"LogGroupName": "/lakehouse-prod/platform/trail"}


def test_a_service_is_trusted_for_one_resource_of_this_account() -> None:
    (statement,) = service_trust("lambda", NAMES, "arn:of:function")
    assert statement.conditions == {
        "StringEquals": {"aws:SourceAccount": "222222222222"},
        "ArnEquals": {"aws:SourceArn": "arn:of:function"},
    }


def test_the_router_neither_reads_nor_deletes_nor_decrypts_records() -> None:
    for statement in router_statements(NAMES, PLATFORM):
        reads = [a for a in statement.actions if a.startswith(("s3:Get", "s3:List", "s3:Delete"))]
        assert not reads or all(arn.startswith(REGISTRY) for arn in statement.resources)
        assert not [action for action in statement.actions if action.startswith("sns:Sub")]
        if "kms:Decrypt" in statement.actions:
            bound = statement.conditions["StringEquals"]
            assert bound["kms:ViaService"] == "sns.us-east-1.amazonaws.com" or (
                bound["kms:EncryptionContext:aws:s3:arn"] == REGISTRY
            )


def test_an_auditor_is_granted_its_tenants_prefix_alone(tmp_path: Path) -> None:
    settings = settings_of(tmp_path)
    assert settings.audit == AuditView(
        "lakehouse-prod--platform--222222222222-logs",
        "records/globex/",
        "alias/lakehouse-prod--platform--logs",
    )
    by_sid = {statement.sid: statement for statement in auditor_statements(settings)}
    assert by_sid["Records"].resources == (f"{BUCKET}/records/globex/*",)
    assert by_sid["Listing"].conditions["StringLike"] == {"s3:prefix": "records/globex/*"}
    context = by_sid["Key"].conditions["StringLike"]
    assert context == {"kms:EncryptionContext:aws:s3:arn": f"{BUCKET}/records/globex/*"}
    assert "Siem" not in by_sid


def test_a_siem_reads_one_queue(tmp_path: Path) -> None:
    siem = auditor_statements(settings_of(tmp_path, "{siem: true}"))[-1]
    assert siem.resources == ("arn:aws:sqs:us-east-1:222222222222:lakehouse-prod--globex--siem",)


def test_a_boundary_denies_all_that_is_not_granted(tmp_path: Path) -> None:
    auditor = auditor_boundary_statements(settings_of(tmp_path, "{siem: true}"))
    assert auditor[-2].not_resources == (BUCKET, f"{BUCKET}/records/globex/*")
    writers = writers_boundary_statements(NAMES, PLATFORM)
    assert writers[-2].not_resources == (f"{BUCKET}/records/*", REGISTRY, f"{REGISTRY}/tenants/*")
    for *grants, storage, rest in (auditor, writers):
        assert (storage.effect, storage.actions) == ("Deny", ("s3:*",))
        assert set(rest.not_actions) == {action for grant in grants for action in grant.actions}
        assert (rest.effect, rest.resources) == ("Deny", ("*",))


def test_a_hard_tenants_records_lie_in_its_own_account(tmp_path: Path) -> None:
    (settings,) = load_estate(write_estate(tmp_path)).stack("prod-initech").tenants
    assert settings.audit == OwnTrail(
        "lakehouse-prod--initech--444444444444-logs",
        "records/initech/",
        "alias/lakehouse-prod--initech--logs",
    )


def test_the_longest_names_keep_every_policy_within_its_limit(tmp_path: Path) -> None:
    changed = {
        "Pulumi.prod.yaml": None,
        "Pulumi.abcdefghijkl.yaml": ENVIRONMENT.format(name="abcdefghijkl", account="2" * 12)
        .replace("project: lakehouse", f"project: {'p' * 32}")
        .replace("region: us-east-1", "region: ap-southeast-2"),
        **{f"tenants/{name}.yaml": None for name in ("acme", "globex", "initech")},
        f"tenants/{LONG}.yaml": f"tenant: {LONG}\ncontact: a@b.example\nenvironment: abcdefghijkl\n"
        "audit: {siem: true}\n",
    }
    (settings,) = load_estate(write_estate(tmp_path, changed)).stack("abcdefghijkl").tenants
    names = settings.names
    fence = AuditFence(names, LONG, (DEPLOYER, ADMIN))
    queue, topic = names.queue_arn(LONG, "siem"), names.topic_arn(LONG, "realtime")
    render(fence.bucket_statements(), PolicyKind.BUCKET)
    render(fence.key_statements(), PolicyKind.KEY)
    render(queue_statements(names, LONG, queue, (DEPLOYER, ADMIN, AUDITOR)), PolicyKind.QUEUE)
    render(topic_statements(names, LONG, topic, alarms=True), PolicyKind.TOPIC)
    render(router_statements(names, LONG), PolicyKind.INLINE)
    render(delivery_statements(names, LONG), PolicyKind.INLINE)
    render(writers_boundary_statements(names, LONG), PolicyKind.MANAGED)
    render(auditor_statements(settings), PolicyKind.INLINE)
    render(auditor_boundary_statements(settings), PolicyKind.MANAGED)


def test_the_router_is_told_what_each_tenant_asked_for(tmp_path: Path) -> None:
    asked = "{retention_days: 2555, siem: true, realtime: true, incident_response: true}"
    tenant: dict[str, Any] = audit_route(settings_of(tmp_path, asked))
    assert tenant["retention_days"] == 2555
    assert tenant["siem_queue"] == "lakehouse-prod--globex--siem"
    assert tenant["topic_arn"].endswith(":lakehouse-prod--globex--realtime")
    assert tenant["incidents"] is True


def test_one_auditor_of_two_tenants_is_refused(tmp_path: Path) -> None:
    access = "access: {auditor: [{aws: 'arn:aws:iam::222222222222:role/auditors'}]}\n"
    shared = {f"tenants/{t}.yaml": FILES[f"tenants/{t}.yaml"] + access for t in ("acme", "globex")}
    with pytest.raises(InvalidInput, match=r"access\.auditor\[0\].*would reach two"):
        load_estate(write_estate(tmp_path, shared))
