"""Log groups, filters and alarms: what AWS limits, and what a deletion leaves."""

from __future__ import annotations

from typing import Any

import boto3
import pytest

from localcloud.aws_plugin.cloud import Cloud
from localcloud.aws_plugin.registry import handler
from localcloud.aws_plugin.resource import ResourceError
from tests.localcloud.aws_plugin.resource_examples import TAGS, Example
from tests.localcloud.aws_plugin.service_examples import SERVICES, log_group, stream
from tests.localcloud.aws_plugin.test_life import make
from tests.localcloud.aws_plugin.test_patches import refused

FILTER = "aws:cloudwatch/logMetricFilter:LogMetricFilter"


def example(kind: str) -> Example:
    return next(one for one in SERVICES if one.token.endswith(f":{kind}"))


@pytest.fixture
def logs(session: boto3.Session) -> Any:
    client: Any = session.client("logs")
    return client


def test_only_the_retention_periods_of_aws_are_taken(cloud: Cloud) -> None:
    problems = handler(log_group.token).check({"name": "g", "retentionInDays": 31})
    assert [name for name, _ in problems] == ["retentionInDays"]
    assert handler(log_group.token).check({"name": "g", "retentionInDays": 30}) == []


def test_a_filter_gives_a_default_or_dimensions_and_only_what_is_known(cloud: Cloud) -> None:
    def problems(**more: Any) -> list[str]:
        metric = {"name": "a", "namespace": "b", "value": "1", **more}
        inputs = {"name": "f", "logGroupName": "g", "pattern": "", "metricTransformation": metric}
        return [name for name, _ in handler(FILTER).check(inputs)]

    assert problems() == []
    assert problems(defaultValue="0", dimensions={"a": "$.a"}) == ["metricTransformation"]
    assert problems(colour="red") == ["metricTransformation.colour"]


def test_a_metric_filter_needs_its_group_is_replaced_and_limited(cloud: Cloud, logs: Any) -> None:
    metric = [{"metricName": "a", "metricNamespace": "b", "metricValue": "1"}]
    put: dict[str, Any] = {"filterPattern": "", "metricTransformations": metric}
    refused(
        logs.put_metric_filter,
        "ResourceNotFoundException",
        logGroupName="none",
        filterName="f",
        **put,
    )
    make(cloud, log_group)
    for number in range(100):
        logs.put_metric_filter(logGroupName="/lake/acme", filterName=f"f{number}", **put)
    logs.put_metric_filter(logGroupName="/lake/acme", filterName="f7", **put)
    listed = logs.describe_metric_filters(logGroupName="/lake/acme")["metricFilters"]
    assert len(listed) == 100
    refused(
        logs.put_metric_filter,
        "LimitExceededException",
        logGroupName="/lake/acme",
        filterName="one-more",
        **put,
    )


def test_a_third_subscription_is_refused_and_the_second_can_change(cloud: Cloud, logs: Any) -> None:
    make(cloud, log_group)
    place: dict[str, Any] = {"logGroupName": "/lake/acme", "destinationArn": stream(cloud, [])}
    for name in ("a", "b"):
        logs.put_subscription_filter(filterName=name, filterPattern="", **place)
    logs.put_subscription_filter(filterName="b", filterPattern="Denied", **place)
    call = logs.put_subscription_filter
    refused(call, "LimitExceededException", filterName="c", filterPattern="", **place)
    json_pattern = '{ $.errorCode = "AccessDenied" }'
    refused(call, "InvalidParameterException", filterName="b", filterPattern=json_pattern, **place)
    listed = logs.describe_subscription_filters(logGroupName="/lake/acme")["subscriptionFilters"]
    assert {one["filterName"]: one["filterPattern"] for one in listed} == {"a": "", "b": "Denied"}


def test_a_deleted_group_leaves_neither_tags_nor_filters(cloud: Cloud, logs: Any) -> None:
    make(cloud, example("LogMetricFilter"))
    logs.delete_log_group(logGroupName="/lake/acme")
    logs.create_log_group(logGroupName="/lake/acme", tags={"other": "one"})
    group = logs.describe_log_groups()["logGroups"][0]["logGroupArn"]
    assert logs.list_tags_for_resource(resourceArn=group)["tags"] == {"other": "one"}
    assert logs.describe_metric_filters(logGroupName="/lake/acme")["metricFilters"] == []


def test_a_group_that_skips_destruction_stays(cloud: Cloud, logs: Any) -> None:
    kept = Example(log_group.token, {**log_group.inputs, "skipDestroy": True})
    identifier, state = make(cloud, kept)
    handler(log_group.token).remove(cloud, identifier, state)
    assert len(logs.describe_log_groups()["logGroups"]) == 1


def test_a_strangers_alarm_is_not_taken_over(cloud: Cloud, session: boto3.Session) -> None:
    cloudwatch: Any = session.client("cloudwatch")
    cloudwatch.put_metric_alarm(
        AlarmName="acme-denied",
        MetricName="x",
        Namespace="y",
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanThreshold",
    )
    with pytest.raises(ResourceError, match="not of this stack"):
        make(cloud, example("MetricAlarm"))


def test_a_disabled_alarm_is_drift(cloud: Cloud, session: boto3.Session) -> None:
    alarm = example("MetricAlarm")
    identifier, state = make(cloud, alarm)
    cloudwatch: Any = session.client("cloudwatch")
    cloudwatch.disable_alarm_actions(AlarmNames=[identifier])
    resource = handler(alarm.token)
    now = resource.settle(cloud, resource.read(cloud, identifier, state) or {}, state)
    assert now["actionsEnabled"] is False
    assert state["tags"] == TAGS
    cloudwatch.delete_alarms(AlarmNames=[identifier])
    again, _ = make(
        cloud, Example(alarm.token, {**alarm.inputs, "tags": {"a": "b"}}, {}, alarm.needs)
    )
    assert (resource.read(cloud, again, {}) or {})["tags"] == {"a": "b"}
