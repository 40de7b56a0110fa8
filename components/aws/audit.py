"""The audit trail of an account, the router of its records, and each tenant's view of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pulumi
import pulumi_aws as aws
from pulumi import AssetArchive, FileAsset, ResourceOptions, StringAsset

from components.aws.bucket import FencedBucket, FencedBucketArgs
from tenancy.audit import (
    ALERTS,
    INCIDENTS,
    LOG_RETENTION_DAYS,
    METRIC_FILTERS,
    REALTIME,
    ROUTER_FAILED,
    SIEM,
    SIEM_FAILED,
    TRAIL,
    TRAIL_DELIVERY,
    alarms,
    event_selectors,
    metric_namespace,
    retention_days,
    router_arn,
)
from tenancy.audit_fence import AuditFence, queue_statements, topic_statements
from tenancy.audit_roles import (
    auditor_boundary_statements,
    auditor_statements,
    delivery_statements,
    router_statements,
    service_trust,
    writers_boundary_statements,
)
from tenancy.audit_routes import routes
from tenancy.claims import Claims
from tenancy.environment import Environment
from tenancy.fences import platform_principals
from tenancy.grants import PolicyKind, Statement, render
from tenancy.names import PLATFORM, Names, RoleKind, ServiceKind
from tenancy.registry import REGISTRY
from tenancy.settings import RECORDS, TenantSettings
from tenancy.trust import access_trust

_PIPELINES = Path(__file__).parents[2] / "pipelines"
ROUTER_CODE = (*sorted((_PIPELINES / "audit_router").glob("*.py")), _PIPELINES / "registry.py")
"""What the router's function holds, which runs without the rest of the project."""
ROUTER_TIMEOUT = 300  # seconds; a batch has at most some hundred records, of some 30 ms each
KEEP_MESSAGES = 1_209_600  # seconds: 14 days, the longest that SQS keeps a message
ATTEMPTS_OF_SIEM = 5


@dataclass(frozen=True)
class AuditTrailArgs:
    """``owner``: the platform, or the hard tenant whose account it is; ``tenants``: who is there.

    ``authority``: whether the trail records every account of the organization.
    ``deployers``: the ARNs of the roles that run the program here.
    """

    names: Names
    owner: str
    tenants: Sequence[TenantSettings]
    environment: Environment
    authority: bool
    deployers: tuple[str, ...]


class AuditTrail(pulumi.ComponentResource):
    """One trail, into a bucket that nobody can erase, with alarms and a router of its records."""

    bucket: str
    key_arn: pulumi.Output[str]
    alerts_topic_arn: pulumi.Output[str]

    def __init__(
        self, name: str, args: AuditTrailArgs, opts: ResourceOptions | None = None
    ) -> None:
        super().__init__("tenancy:aws:AuditTrail", name, None, opts)
        self._name, self._args = name, args
        self._child = ResourceOptions(parent=self)
        names, owner = args.names, args.owner
        fence = AuditFence(names, owner, args.deployers)
        self.bucket = fence.bucket
        # Bucket keys off: the encryption context is then the record's ARN, which tells tenants
        # apart.
        bucket = FencedBucket(
            f"{name}-bucket",
            FencedBucketArgs(
                fence,
                names.audit_key_alias(owner),
                bucket_keys=False,
                lock_days=retention_days(args.tenants),
            ),
            self._child,
        )
        self.key_arn = bucket.key_arn
        self.alerts_topic_arn = self._topic(ALERTS, alarms=True)
        self._topic(INCIDENTS, alarms=False)
        self._boundary_arn = _boundary(
            self,
            f"{name}-boundary",
            names,
            names.audit_boundary(owner),
            f"The most that those who write the audit of {owner} may ever do",
            writers_boundary_statements(names, owner),
        )
        events = self._trail(bucket)
        self._alarms({TRAIL: events, ServiceKind.AUDIT_ROUTER: self._router(events)})
        self.register_outputs({"claims": self._claims().to_json()})

    def _topic(self, kind: str, *, alarms: bool) -> pulumi.Output[str]:
        names, owner = self._args.names, self._args.owner
        policy = topic_statements(names, owner, names.topic_arn(owner, kind), alarms=alarms)
        topic = aws.sns.Topic(
            f"{self._name}-{kind}",
            name=names.topic(owner, kind),
            kms_master_key_id=self.key_arn,
            policy=render(policy, PolicyKind.TOPIC),
            opts=self._child,
        )
        aws.sns.TopicSubscription(
            f"{self._name}-{kind}-operators",
            topic=topic.arn,
            protocol="email",
            endpoint=self._args.environment.alert_email,
            opts=self._child,
        )
        arn: pulumi.Output[str] = topic.arn
        return arn

    def _trail(self, bucket: FencedBucket) -> aws.cloudwatch.LogGroup:
        """The trail, and the log group that its events come to."""
        args, names, owner = self._args, self._args.names, self._args.owner
        events = self._log_group(TRAIL)
        delivery, delivers = self._role(
            TRAIL_DELIVERY,
            service_trust("cloudtrail", names, names.trail_arn(owner)),
            delivery_statements(names, owner),
        )
        aws.cloudtrail.Trail(
            f"{self._name}-trail",
            name=names.trail(owner),
            s3_bucket_name=self.bucket,
            kms_key_id=self.key_arn,
            is_multi_region_trail=True,
            include_global_service_events=True,
            is_organization_trail=args.authority,
            enable_log_file_validation=True,
            enable_logging=True,
            cloud_watch_logs_group_arn=pulumi.Output.concat(events.arn, ":*"),
            cloud_watch_logs_role_arn=delivery.arn,
            advanced_event_selectors=event_selectors(names, owner),
            opts=ResourceOptions(parent=self, depends_on=[bucket, delivers]),
        )
        return events

    def _router(self, events: aws.cloudwatch.LogGroup) -> aws.cloudwatch.LogGroup:
        """The function that routes the records of ``events``; its own log group."""
        names, owner, kind = self._args.names, self._args.owner, ServiceKind.AUDIT_ROUTER
        name = f"{self._name}-router"
        role, grants = self._role(
            kind,
            service_trust("lambda", names, names.function_arn(owner, kind)),
            router_statements(names, owner),
        )
        failed = _queue(
            self,
            f"{name}-failed",
            names.topic(owner, ROUTER_FAILED),
            queue_statements(
                names,
                owner,
                names.queue_arn(owner, ROUTER_FAILED),
                platform_principals(names, self._args.deployers),
            ),
        )
        log = self._log_group(kind)
        code = {
            f"pipelines/{path.relative_to(_PIPELINES)}": FileAsset(str(path))
            for path in ROUTER_CODE
        }
        document = StringAsset(routes(names, owner))
        function = aws.lambda_.Function(
            f"{name}-function",
            name=names.task_family(owner, kind),
            description="Gives each tenant the CloudTrail records about it",
            runtime="python3.13",
            handler="pipelines.audit_router.handler.handle",
            code=AssetArchive({**code, "pipelines/audit_router/routes.json": document}),
            environment={"variables": {REGISTRY: names.registry_url(owner)}},
            role=role.arn,
            timeout=ROUTER_TIMEOUT,
            memory_size=512,  # a cold start reads every tenant, at a third of a core
            dead_letter_config={"target_arn": failed.arn},
            logging_config={"log_format": "Text", "log_group": log.name},
            # Lambda refuses a dead-letter queue that the role may not send to yet.
            opts=ResourceOptions(parent=self, depends_on=[grants]),
        )
        aws.lambda_.FunctionEventInvokeConfig(
            f"{name}-retries",
            function_name=function.name,
            maximum_retry_attempts=2,
            maximum_event_age_in_seconds=21_600,
            opts=self._child,
        )
        permission = aws.lambda_.Permission(
            f"{name}-permission",
            statement_id="TrailEvents",
            function=function.name,
            action="lambda:InvokeFunction",
            principal=names.logs_principal,
            source_account=names.account_id,
            source_arn=f"{names.log_group_arn(owner, TRAIL)}:*",
            opts=self._child,
        )
        aws.cloudwatch.LogSubscriptionFilter(
            f"{name}-subscription",
            name="router",
            log_group=events.name,
            filter_pattern="",
            destination_arn=function.arn,
            # CloudWatch Logs tries the function before it takes the subscription.
            opts=ResourceOptions(parent=self, depends_on=[permission]),
        )
        return log

    def _alarms(self, logs: Mapping[str, aws.cloudwatch.LogGroup]) -> None:
        names, owner = self._args.names, self._args.owner
        for counted in METRIC_FILTERS:
            aws.cloudwatch.LogMetricFilter(
                f"{self._name}-{counted.metric}-filter",
                name=counted.metric,
                log_group_name=logs[counted.log].name,
                pattern=counted.pattern,
                metric_transformation={
                    "name": counted.metric,
                    "namespace": metric_namespace(names, owner),
                    "value": "1",
                    "default_value": "0",
                },
                opts=self._child,
            )
        for alarm in alarms(names, owner):
            aws.cloudwatch.MetricAlarm(
                f"{self._name}-{alarm.kind}-alarm",
                name=names.topic(owner, alarm.kind),
                alarm_description=alarm.description,
                namespace=alarm.namespace,
                metric_name=alarm.metric,
                dimensions=alarm.dimensions,
                statistic=alarm.statistic,
                period=alarm.period,
                evaluation_periods=1,
                threshold=alarm.threshold,
                comparison_operator=alarm.comparison,
                treat_missing_data=alarm.missing,
                alarm_actions=[self.alerts_topic_arn],
                opts=self._child,
            )

    def _log_group(self, kind: str) -> aws.cloudwatch.LogGroup:
        # Encrypted with CloudWatch's own key: each use of one of ours would be another event.
        return aws.cloudwatch.LogGroup(
            f"{self._name}-{kind}-log",
            name=self._args.names.log_group(self._args.owner, kind),
            retention_in_days=LOG_RETENTION_DAYS,
            opts=self._child,
        )

    def _role(
        self, kind: str, trust: Sequence[Statement], grants: Sequence[Statement]
    ) -> tuple[aws.iam.Role, aws.iam.RolePolicy]:
        names, owner = self._args.names, self._args.owner
        return _role(
            self,
            f"{self._name}-{kind}",
            names.service_role(owner, kind),
            names.service_path,
            f"{kind} of {owner}",
            self._boundary_arn,
            trust,
            grants,
        )

    def _claims(self) -> Claims:
        names, owner = self._args.names, self._args.owner
        roles = (router_arn(names, owner), names.service_role_arn(owner, TRAIL_DELIVERY))
        return Claims(
            tenant=None if owner == PLATFORM else owner,
            owns=(
                names.bucket_arn(self.bucket),
                names.objects_arn(self.bucket, "AWSLogs/"),
                names.objects_arn(self.bucket, f"{RECORDS}{owner}/"),
                names.audit_key_alias_arn(owner),
                names.trail_arn(owner),
                names.function_arn(owner, ServiceKind.AUDIT_ROUTER),
                *(names.log_group_arn(owner, kind) for kind in (TRAIL, ServiceKind.AUDIT_ROUTER)),
                *(names.topic_arn(owner, kind) for kind in (ALERTS, INCIDENTS)),
                names.queue_arn(owner, ROUTER_FAILED),
                names.audit_boundary_arn(owner),
                *roles,
            ),
            principals=roles,
            reason="CloudTrail and the router append what each tenant did to its records, and read"
            " none; "
            + ("this trail is" if self._args.authority else "no trail is yet")
            + " the organization's, of which that of a hard tenant's account is a copy",
        )


@dataclass(frozen=True)
class TenantAuditArgs:
    """``owner``: of the account; ``deployers``: the ARNs of the roles that run the program there.

    ``key_arn``: of its audit trail's key. ``external_ids`` resolves the references in the tenant's
    ``access``.
    """

    settings: TenantSettings
    owner: str
    deployers: tuple[str, ...]
    key_arn: pulumi.Input[str]
    external_ids: Mapping[str, str]


class TenantAudit(pulumi.ComponentResource):
    """A tenant's view: who reads its records, its SIEM's queue, its contact's alerts."""

    def __init__(
        self, name: str, args: TenantAuditArgs, opts: ResourceOptions | None = None
    ) -> None:
        super().__init__("tenancy:aws:TenantAudit", name, None, opts)
        child = ResourceOptions(parent=self)
        settings, names, tenant = args.settings, args.settings.names, args.settings.id
        audit = settings.tenant.audit
        auditor = names.auditor_role_arn(tenant)
        boundary_arn = _boundary(
            self,
            f"{name}-auditor-boundary",
            names,
            names.auditor_boundary(tenant),
            f"The most that an auditor of {tenant} may ever do",
            auditor_boundary_statements(settings),
        )
        _role(
            self,
            f"{name}-auditor",
            names.service_role(tenant, "auditor"),
            names.role_path(tenant, RoleKind.READER),
            f"auditor of {tenant}",
            boundary_arn,
            access_trust(settings.tenant.access.auditor, names, args.external_ids),
            auditor_statements(settings),
        )
        owns = [
            names.objects_arn(settings.audit.bucket, settings.audit.prefix),
            auditor,
            names.auditor_boundary_arn(tenant),
        ]
        if audit.siem:
            readers = (*platform_principals(names, args.deployers), auditor)
            arns = {kind: names.queue_arn(tenant, kind) for kind in (SIEM_FAILED, SIEM)}
            policies = {
                kind: queue_statements(names, args.owner, arn, readers)
                for kind, arn in arns.items()
            }
            failed = _queue(
                self, f"{name}-siem-failed", names.topic(tenant, SIEM_FAILED), policies[SIEM_FAILED]
            )
            redrive = pulumi.Output.json_dumps(
                {"deadLetterTargetArn": failed.arn, "maxReceiveCount": ATTEMPTS_OF_SIEM}
            )
            _queue(self, f"{name}-siem", names.topic(tenant, SIEM), policies[SIEM], redrive)
            owns += arns.values()
        if audit.realtime:
            arn = names.topic_arn(tenant, REALTIME)
            policy = topic_statements(names, args.owner, arn, alarms=False)
            topic = aws.sns.Topic(
                f"{name}-realtime",
                name=names.topic(tenant, REALTIME),
                kms_master_key_id=args.key_arn,
                policy=render(policy, PolicyKind.TOPIC),
                opts=child,
            )
            aws.sns.TopicSubscription(
                f"{name}-realtime-contact",
                topic=topic.arn,
                protocol="email",
                endpoint=settings.tenant.contact,
                opts=child,
            )
            owns.append(arn)
        claims = Claims(tenant=tenant, owns=tuple(owns), principals=(auditor,))
        self.register_outputs({"claims": claims.to_json()})


def _queue(
    parent: pulumi.Resource,
    name: str,
    queue: str,
    policy: Sequence[Statement],
    redrive_policy: pulumi.Input[str] | None = None,
) -> aws.sqs.Queue:
    # Encrypted by SQS itself: each use of a key of ours would be another event of the trail.
    return aws.sqs.Queue(
        name,
        name=queue,
        policy=render(policy, PolicyKind.QUEUE),
        sqs_managed_sse_enabled=True,
        message_retention_seconds=KEEP_MESSAGES,
        redrive_policy=redrive_policy,
        opts=ResourceOptions(parent=parent),
    )


def _boundary(  # noqa: PLR0913, PLR0917 - a policy is all of these
    parent: pulumi.Resource,
    name: str,
    names: Names,
    policy_name: str,
    description: str,
    statements: Sequence[Statement],
) -> pulumi.Output[str]:
    policy = aws.iam.Policy(
        name,
        name=policy_name,
        path=names.boundary_path,
        description=description,
        policy=render(statements, PolicyKind.MANAGED),
        opts=ResourceOptions(parent=parent),
    )
    arn: pulumi.Output[str] = policy.arn
    return arn


def _role(  # noqa: PLR0913, PLR0917 - a role is all of these
    parent: pulumi.Resource,
    name: str,
    role_name: str,
    path: str,
    description: str,
    boundary_arn: pulumi.Input[str],
    trust: Sequence[Statement],
    grants: Sequence[Statement],
) -> tuple[aws.iam.Role, aws.iam.RolePolicy]:
    role = aws.iam.Role(
        name,
        name=role_name,
        path=path,
        description=description,
        assume_role_policy=render(trust, PolicyKind.TRUST),
        permissions_boundary=boundary_arn,
        opts=ResourceOptions(parent=parent),
    )
    policy = aws.iam.RolePolicy(
        f"{name}-grants",
        name="grants",
        role=role.name,
        policy=render(grants, PolicyKind.INLINE),
        opts=ResourceOptions(parent=parent),
    )
    return role, policy
