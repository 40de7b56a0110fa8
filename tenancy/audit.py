"""The audit trail as data: what it records, how long it is kept, and which alarms watch it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tenancy.names import Names, ServiceKind
from tenancy.settings import TenantSettings

TRAIL = "trail"
"""The kind of the log group that the trail also delivers to; the router subscribes to it."""

TRAIL_DELIVERY = "trail-delivery"
"""The kind of the role that CloudTrail writes to that log group with."""

ALERTS = "alerts"
INCIDENTS = "incidents"
REALTIME = "realtime"
"""A tenant's own topic; in its own account there is one of the trail's alerts beside it."""

SIEM = "siem"
SIEM_FAILED = "siem-failed"
ROUTER_FAILED = "audit-router-failed"

LEAST_RETENTION_DAYS = 365
LOG_RETENTION_DAYS = 30
"""The log groups are the way to the router; what is kept lies in the bucket."""

ACCESS_DENIED = '{ ($.errorCode = "*UnauthorizedOperation") || ($.errorCode = "AccessDenied*") }'
"""CIS AWS Foundations Benchmark, "unauthorized API calls"; it alarms from the first one on."""


CROSS_TENANT = "cross-tenant"
ALERTED = '{ $.alert = "cross-tenant access" }'
"""The line that the router logs for each alert (``pipelines/audit_router/alerts.py``)."""


@dataclass(frozen=True)
class MetricFilter:
    """What is counted: the events of the log group of kind ``log`` that match ``pattern``
    (CloudWatch Logs User Guide, "Filter pattern syntax for metric filters").
    """

    metric: str
    log: str
    pattern: str


METRIC_FILTERS = (
    MetricFilter("access-denied", TRAIL, ACCESS_DENIED),
    MetricFilter(CROSS_TENANT, ServiceKind.AUDIT_ROUTER, ALERTED),
)


def retention_days(tenants: Sequence[TenantSettings]) -> int:
    """Days that the trail's own files are kept: what the most demanding tenant asks for."""
    asked = (settings.tenant.audit.retention_days for settings in tenants)
    return max([LEAST_RETENTION_DAYS, *asked])


def event_selectors(names: Names, owner: str) -> list[dict[str, Any]]:
    """Management events, KMS's among them, and every call on an object of the environment.

    Of the audit bucket what is written is left out, and of the registry what is read: the router
    writes the one and reads the other, so each record would make another. CloudTrail User Guide,
    "Advanced event selectors": a trail selects S3 objects by how their ARN starts.
    """
    audit_bucket = names.bucket_arn(names.audit_bucket(owner))
    registry = names.bucket_arn(names.registry_bucket(owner))
    objects = [_equals("eventCategory", "Data"), _equals("resources.type", "AWS::S3::Object")]
    return [
        {
            "name": "Management events",
            "field_selectors": [_equals("eventCategory", "Management")],
        },
        {
            "name": "Objects of the environment",
            "field_selectors": [
                *objects,
                {
                    "field": "resources.ARN",
                    "starts_withs": [names.bucket_arn(f"{names.prefix}--")],
                    "not_starts_withs": [audit_bucket, registry],
                },
            ],
        },
        {
            "name": "Audit records, but their writing",
            "field_selectors": [
                *objects,
                {"field": "resources.ARN", "starts_withs": [audit_bucket]},
                {"field": "eventName", "not_equals": ["PutObject"]},
            ],
        },
        {
            "name": "Registry, but its reading",
            "field_selectors": [
                *objects,
                {"field": "resources.ARN", "starts_withs": [registry]},
                _equals("readOnly", "false"),
            ],
        },
    ]


def _equals(field: str, value: str) -> dict[str, Any]:
    return {"field": field, "equals": [value]}


@dataclass(frozen=True)
class Alarm:
    """A CloudWatch alarm. ``period`` in seconds; ``missing``: what no data means."""

    kind: str
    description: str
    namespace: str
    metric: str
    dimensions: dict[str, str]
    statistic: str
    period: int
    comparison: str
    missing: str
    threshold: int = 1


def metric_namespace(names: Names, owner: str) -> str:
    """The CloudWatch namespace of the metrics that ``METRIC_FILTERS`` count into."""
    return f"{names.prefix}/{owner}/audit"


def alarms(names: Names, owner: str) -> tuple[Alarm, ...]:
    """What is worth waking up for: refusals, trespass, records not routed, and silence."""
    return (
        Alarm(
            "access-denied",
            "A call was refused",
            metric_namespace(names, owner),
            "access-denied",
            {},
            "Sum",
            300,
            "GreaterThanOrEqualToThreshold",
            "notBreaching",
        ),
        Alarm(
            CROSS_TENANT,
            "A tenant's role reached for what is another's: the alert says who, what and whose",
            metric_namespace(names, owner),
            CROSS_TENANT,
            {},
            "Sum",
            300,
            "GreaterThanOrEqualToThreshold",
            "notBreaching",
        ),
        Alarm(
            ROUTER_FAILED,
            "Audit records wait that could not be routed: send them to the router again",
            "AWS/SQS",
            "ApproximateNumberOfMessagesVisible",
            {"QueueName": names.topic(owner, ROUTER_FAILED)},
            "Maximum",
            300,
            "GreaterThanOrEqualToThreshold",
            "notBreaching",
        ),
        Alarm(
            "trail-silent",
            "No event came for an hour: somebody may have stopped the trail",
            "AWS/Logs",
            "IncomingLogEvents",
            {"LogGroupName": names.log_group(owner, TRAIL)},
            "Sum",
            3_600,
            "LessThanThreshold",
            "breaching",
        ),
    )


def router_arn(names: Names, owner: str) -> str:
    """The ARN of the role that routes records: the one writer of ``records/``."""
    return names.service_role_arn(owner, ServiceKind.AUDIT_ROUTER)
