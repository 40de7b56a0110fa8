"""Amazon CloudWatch: log groups, their filters, and alarms.

The emulator keeps events, and delivers them through subscriptions; it does not count metrics from
metric filters, and never raises an alarm.
"""

# A class is its table, `resource` documents the methods.
# ruff: noqa: ANN401, D101, D102, S105

from __future__ import annotations

from typing import Any, Final

from localcloud.aws_plugin.cloud import Cloud
from localcloud.aws_plugin.registry import register
from localcloud.aws_plugin.resource import (
    TAGS,
    ApiResource,
    Property,
    Tagging,
    declare,
    plain,
)
from localcloud.aws_plugin.upsert import Upsert
from localcloud.aws_plugin.values import Properties

# CloudWatch Logs API Reference, PutRetentionPolicy; 0 is Pulumi's "never expires".
RETENTION_DAYS: Final = frozenset(
    {0, 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731}
    | {1096, 1827, 2192, 2557, 2922, 3288, 3653}
)
GROUP: Final = Property(required=True, replace=True)


@register
class LogGroup(ApiResource):
    token = "aws:cloudwatch/logGroup:LogGroup"
    service = "logs"
    id_format = "{name}"
    properties = declare(
        name=Property(required=True, replace=True, api="logGroupName"),
        retentionInDays=Property(default=0, by_hand=True),
        kmsKeyId=Property(),
        logGroupClass=Property(default="STANDARD", replace=True, choices=("STANDARD",)),
        skipDestroy=Property(default=False, by_hand=True, write_only=True),
        tags=TAGS,
    )
    outputs = ("arn",)
    create_call = "create_log_group"
    read_call = "describe_log_groups"
    read_path = "logGroups[?logGroupName=='{name}'] | [0]"
    delete_call = "delete_log_group"
    tagging = Tagging("tag_resource", "untag_resource", "list_tags_for_resource", "resourceArn")

    def validate(self, inputs: Properties) -> list[tuple[str, str]]:
        days = inputs.get("retentionInDays") or 0
        if isinstance(days, int) and days not in RETENTION_DAYS:
            allowed = ", ".join(map(str, sorted(RETENTION_DAYS)))
            return [("retentionInDays", f"{days} is not one of {allowed}")]
        return []

    def predict(self, cloud: Cloud, inputs: Properties) -> Properties:
        region = inputs.get("region") or cloud.region
        group = f"log-group:{inputs['name']}"
        return {"arn": cloud.arn("logs", group, region=region, account=cloud.account)}

    def key(self, identifier: str, known: Any) -> Properties:
        return {**super().key(identifier, known), "logGroupNamePrefix": identifier}

    def live(self, client: Any, found: Any, known: Any) -> Properties:
        return {
            **super().live(client, found, known),
            "arn": found["arn"].removesuffix(":*"),
            "retentionInDays": found.get("retentionInDays", 0),
        }

    def make(self, cloud: Cloud, urn: str, inputs: Properties) -> str:
        name = super().make(cloud, urn, inputs)
        self._retain(cloud, inputs)
        return name

    def _retain(self, cloud: Cloud, inputs: Properties) -> None:
        logs, group = self.client(cloud, inputs), {"logGroupName": inputs["name"]}
        if days := int(inputs.get("retentionInDays") or 0):
            logs.put_retention_policy(**group, retentionInDays=days)
        else:
            logs.delete_retention_policy(**group)

    def change(
        self, cloud: Cloud, identifier: str, state: Properties, inputs: Properties, what: set[str]
    ) -> None:
        logs, group = self.client(cloud, inputs), {"logGroupName": identifier}
        if "retentionInDays" in what:
            self._retain(cloud, inputs)
        if "kmsKeyId" in what:
            if key := inputs.get("kmsKeyId"):
                logs.associate_kms_key(**group, kmsKeyId=key)
            else:
                logs.disassociate_kms_key(**group)
        super().change(cloud, identifier, state, inputs, what & {"tags"})

    def remove(self, cloud: Cloud, identifier: str, state: Properties) -> None:
        if not state.get("skipDestroy"):
            super().remove(cloud, identifier, state)


_TRANSFORMATION: Final = {
    "name": "metricName",
    "namespace": "metricNamespace",
    "value": "metricValue",
    "defaultValue": "defaultValue",
    "dimensions": "dimensions",
    "unit": "unit",
}


def _same_transformation(one: Any, other: Any) -> bool:
    """Pulumi writes the default value as a text, the API as a number; the unit None is none."""

    def normal(value: Any) -> Any:
        value = dict(value or {})
        if value.get("defaultValue") not in (None, ""):
            value["defaultValue"] = float(value["defaultValue"])
        if value.get("unit") == "None":
            del value["unit"]
        return plain(value)

    return bool(normal(one) == normal(other))


@register
class LogMetricFilter(ApiResource):
    token = "aws:cloudwatch/logMetricFilter:LogMetricFilter"
    service = "logs"
    id_format = "{logGroupName}:{name}"
    properties = declare(
        name=Property(required=True, replace=True, api="filterName"),
        logGroupName=GROUP,
        pattern=Property(default="", api="filterPattern"),
        # By hand: `name` inside it is another parameter than the filter's name.
        metricTransformation=Property(required=True, by_hand=True, same=_same_transformation),
    )
    create_call = update_call = "put_metric_filter"
    read_call = "describe_metric_filters"
    read_path = "metricFilters[?filterName=='{name}'] | [0]"
    delete_call = "delete_metric_filter"

    def validate(self, inputs: Properties) -> list[tuple[str, str]]:
        given = inputs["metricTransformation"]
        if not isinstance(given, dict):
            return []
        where = "metricTransformation"
        wrong = [
            (f"{where}.{name}", f"unknown; known are {', '.join(sorted(_TRANSFORMATION))}")
            for name in sorted(set(given) - set(_TRANSFORMATION))
        ]
        wrong += [
            (f"{where}.{name}", "needed")
            for name in ("name", "namespace", "value")
            if not given.get(name)
        ]
        if given.get("dimensions") and given.get("defaultValue") is not None:
            wrong.append((where, "CloudWatch takes dimensions or a defaultValue, not both"))
        return wrong

    def call(self, cloud: Cloud, call: str, values: Any, **fixed: Any) -> Any:
        if call == self.create_call:
            given = values["metricTransformation"]
            wanted = {_TRANSFORMATION[name]: value for name, value in given.items()}
            if wanted.get("defaultValue") is not None:
                wanted["defaultValue"] = float(wanted["defaultValue"])
            # The API has no default for the pattern; an empty one matches every event.
            values = {**values, "pattern": values.get("pattern") or ""}
            fixed["metricTransformations"] = [
                {name: value for name, value in wanted.items() if value is not None}
            ]
        return super().call(cloud, call, values, **fixed)

    def live(self, client: Any, found: Any, known: Any) -> Properties:
        there = found["metricTransformations"][0]
        return {
            **super().live(client, found, known),
            "metricTransformation": {
                name: str(there[api]) if name == "defaultValue" else there[api]
                for name, api in _TRANSFORMATION.items()
                if there.get(api) is not None
            },
        }


@register
class LogSubscriptionFilter(ApiResource):
    token = "aws:cloudwatch/logSubscriptionFilter:LogSubscriptionFilter"
    service = "logs"
    id_format = "{logGroup}|{name}"
    properties = declare(
        name=Property(required=True, replace=True, api="filterName"),
        logGroup=Property(required=True, replace=True, api="logGroupName"),
        filterPattern=Property(default=""),
        destinationArn=Property(required=True),
        roleArn=Property(),
        distribution=Property(default="ByLogStream", choices=("ByLogStream",)),
    )
    create_call = update_call = "put_subscription_filter"
    read_call = "describe_subscription_filters"
    read_path = "subscriptionFilters[?filterName=='{name}'] | [0]"
    delete_call = "delete_subscription_filter"

    def call(self, cloud: Cloud, call: str, values: Any, **fixed: Any) -> Any:
        if call == self.create_call:
            values = {**values, "filterPattern": values.get("filterPattern") or ""}
        return super().call(cloud, call, values, **fixed)


def _same_number(one: Any, other: Any) -> bool:
    return None not in (one, other) and float(one) == float(other)


@register
class MetricAlarm(Upsert):
    token = "aws:cloudwatch/metricAlarm:MetricAlarm"
    service = "cloudwatch"
    id_format = "{name}"
    properties = declare(
        name=Property(required=True, replace=True, api="AlarmName"),
        actionsEnabled=Property(default=True),
        alarmActions=Property(unordered=True),
        alarmDescription=Property(),
        comparisonOperator=Property(required=True),
        datapointsToAlarm=Property(),
        # By hand: a map here, a list of names and values there.
        dimensions=Property(by_hand=True),
        evaluateLowSampleCountPercentiles=Property(),
        evaluationPeriods=Property(required=True),
        extendedStatistic=Property(),
        insufficientDataActions=Property(unordered=True),
        metricName=Property(required=True),
        namespace=Property(required=True),
        okActions=Property(unordered=True),
        period=Property(required=True),
        statistic=Property(),
        threshold=Property(required=True, same=_same_number),
        treatMissingData=Property(default="missing"),
        unit=Property(),
        tags=TAGS,
    )
    outputs = ("arn",)
    create_call = update_call = "put_metric_alarm"
    read_call = "describe_alarms"
    read_path = "MetricAlarms[0]"
    delete_call = "delete_alarms"
    tagging = Tagging("tag_resource", "untag_resource", "list_tags_for_resource", "ResourceARN")

    def validate(self, inputs: Properties) -> list[tuple[str, str]]:
        if bool(inputs.get("statistic")) == bool(inputs.get("extendedStatistic")):
            return [("statistic", "an alarm needs a statistic or an extendedStatistic, one")]
        return []

    def predict(self, cloud: Cloud, inputs: Properties) -> Properties:
        region = inputs.get("region") or cloud.region
        alarm = f"alarm:{inputs['name']}"
        return {"arn": cloud.arn("cloudwatch", alarm, region=region, account=cloud.account)}

    def call(self, cloud: Cloud, call: str, values: Any, **fixed: Any) -> Any:
        if call == self.create_call:
            given = values.get("dimensions") or {}
            fixed["Dimensions"] = [{"Name": name, "Value": given[name]} for name in sorted(given)]
            values = {"treatMissingData": "missing", "actionsEnabled": True, **values}
        else:
            fixed["AlarmNames"] = [values["name"]]
        return super().call(cloud, call, values, **fixed)

    def live(self, client: Any, found: Any, known: Any) -> Properties:
        there = {item["Name"]: item["Value"] for item in found.get("Dimensions") or []}
        return {
            **super().live(client, found, known),
            "arn": found["AlarmArn"],
            "dimensions": there,
        }
