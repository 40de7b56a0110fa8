"""CloudWatch Logs and alarms: filters that are replaced and limited, deletions that leave nothing.

moto adds a metric filter again at every put, takes it for a log group that is not there, refuses
to change the second subscription filter, subscribes functions that do not permit it, delivers every
event whatever the filter's pattern says, and keeps the tags of what was deleted for its successor.
"""

# A wrapper has the form of what it wraps.
# ruff: noqa: ANN401

from __future__ import annotations

from typing import Any, Final

from moto.awslambda.models import lambda_backends
from moto.cloudwatch.models import CloudWatchBackend
from moto.logs.exceptions import (
    InvalidParameterException,
    LimitExceededException,
    ResourceNotFoundException,
)
from moto.logs.models import LogGroup, LogsBackend, LogStream
from moto.logs.responses import LogsResponse
from moto.logs.utils import EventMessageFilter, UnsupportedFilterPattern

from localcloud.emulator.patches.awslambda import permits
from localcloud.emulator.patches.wrapping import Function, added, around

SERVICE: Final = "logs.amazonaws.com"
# CloudWatch Logs User Guide, "CloudWatch Logs quotas".
METRIC_FILTERS: Final = 100
SUBSCRIPTION_FILTERS: Final = 2


def _put_metric_filter(
    original: Function, self: Any, name: str, pattern: str, group: str, *args: Any
) -> None:
    if group not in self.groups:
        raise ResourceNotFoundException
    there = self.filters.get_matching_filters(log_group_name=group)
    if len({one["filterName"] for one in there} - {name}) >= METRIC_FILTERS:
        raise LimitExceededException
    self.filters.delete_filter(name, group)
    original(self, name, pattern, group, *args)


def _permit_subscription(  # noqa: PLR0913, PLR0917 moto's own signature
    original: Function,
    self: Any,
    log_group_name: str,
    filter_name: str,
    filter_pattern: str,
    destination_arn: str,
    role_arn: str,
) -> None:
    if log_group_name in self.groups and destination_arn.split(":")[2:3] == ["lambda"]:
        function = lambda_backends[self.account_id][self.region_name].get_function_by_arn(
            destination_arn
        )
        source = f"{self.groups[log_group_name].arn.removesuffix(':*')}:*"
        if function is None or not permits(function, SERVICE, source):
            raise InvalidParameterException(
                "Could not execute the lambda function. Make sure you have given CloudWatch Logs "
                "permission to execute your function."
            )
    original(self, log_group_name, filter_name, filter_pattern, destination_arn, role_arn)


def _put_subscription_filter(
    original: Function, self: Any, filter_name: str, pattern: str, *args: Any
) -> None:
    known = EventMessageFilter(pattern.strip()).filter_type
    if pattern.strip() and isinstance(known, UnsupportedFilterPattern):
        # Delivering everything instead would be a silent lie.
        raise InvalidParameterException(
            f"The embedded cloud evaluates words and quoted phrases only, not {pattern!r}"
        )
    if len(self.subscription_filters.keys() - {filter_name}) >= SUBSCRIPTION_FILTERS:
        raise LimitExceededException
    self.subscription_filters.pop(filter_name, None)
    original(self, filter_name, pattern, *args)


def _send_log_events(original: Function, self: Any, **request: Any) -> None:
    """Only what the pattern matches; the ids of events are texts, as AWS documents them."""
    pattern = self.log_group.subscription_filters[request["filter_name"]].filter_pattern
    matches = EventMessageFilter(pattern.strip()).matches
    events = [
        {**event, "id": f"{event['id']:056d}"}
        for event in request["log_events"]
        if matches(event["message"])
    ]
    if events:
        original(self, **{**request, "log_events": events})


def _delete_log_group(original: Function, self: Any, log_group_name: str) -> None:
    group = self.groups.get(log_group_name)
    original(self, log_group_name)
    self.tagger.delete_all_tags_for_resource(group.arn)
    for one in self.filters.get_matching_filters(log_group_name=log_group_name):
        self.filters.delete_filter(one["filterName"], log_group_name)


def _associate_kms_key(self: Any) -> str:
    _group(self).kms_key_id = self._get_param("kmsKeyId")
    return ""


def _disassociate_kms_key(self: Any) -> str:
    _group(self).kms_key_id = None
    return ""


def _group(self: Any) -> LogGroup:
    group = self.logs_backend.groups.get(self._get_param("logGroupName"))
    if group is None:
        raise ResourceNotFoundException
    found: LogGroup = group
    return found


def _delete_alarms(original: Function, self: Any, alarm_names: list[str]) -> None:
    arns = [self.alarms[name].alarm_arn for name in alarm_names if name in self.alarms]
    original(self, alarm_names)
    for arn in arns:
        self.tagger.delete_all_tags_for_resource(arn)


def patch() -> None:
    """Change moto in this process."""
    around(LogsBackend, "put_metric_filter")(_put_metric_filter)
    around(LogsBackend, "delete_log_group")(_delete_log_group)
    around(LogsBackend, "put_subscription_filter")(_permit_subscription)
    around(LogGroup, "put_subscription_filter")(_put_subscription_filter)
    around(LogStream, "_send_log_events")(_send_log_events)
    added(LogsResponse, "associate_kms_key", _associate_kms_key)
    added(LogsResponse, "disassociate_kms_key", _disassociate_kms_key)
    around(CloudWatchBackend, "delete_alarms")(_delete_alarms)
