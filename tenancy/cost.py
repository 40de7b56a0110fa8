"""What each owner's resources cost by being there, before anything is stored, sent or run.

Left out is what depends on use: objects and requests, traffic, log volume, data events, runs.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field

PRICES = Path(__file__).with_name("prices") / "aws.yaml"

_MIB_PER_GB = 1024
_UNITS_PER_VCPU = 1024

Inputs = Mapping[str, Any]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class FargatePrices(_Table):
    """Per hour of a running task."""

    vcpu_hour: Decimal
    gb_hour: Decimal


class PostgresqlPrices(_Table):
    """``class_hour``: instance class -> price of an hour in one zone."""

    class_hour: dict[str, Decimal]
    gp3_gb_month: Decimal


class Prices(_Table):
    """List prices of one region, in ``currency``."""

    currency: str
    region: str
    hours_per_month: int = Field(gt=0)
    fargate: FargatePrices
    postgresql: PostgresqlPrices
    load_balancer_hour: Decimal
    interface_endpoint_hour: Decimal
    key_month: Decimal
    secret_month: Decimal
    alarm_month: Decimal
    metric_month: Decimal
    hosted_zone_month: Decimal

    @classmethod
    def read(cls, path: Path = PRICES) -> "Prices":
        """The prices of a data file.

        Raises:
            pydantic.ValidationError: a price is missing, unknown or no number.
        """
        # As text, so that no price passes through a binary fraction.
        return cls.model_validate(yaml.load(path.read_text("utf-8"), Loader=yaml.BaseLoader))  # noqa: S506 - BaseLoader makes texts only


def prices_of(region: str) -> Prices | None:
    """The list prices of a region; None where none are known."""
    known = Prices.read()
    return known if known.region == region else None


def unpriced(region: str) -> str:
    """What is told of a region without prices."""
    return (
        f"no cost is estimated: no list prices of {region} are known, only those of"
        f" {Prices.read().region} (price_region)"
    )


@dataclass(frozen=True)
class Resource:
    """A resource of the program: its Pulumi type and inputs, as the engine is told them."""

    type: str
    inputs: Inputs


def monthly(resources: Iterable[Resource], prices: Prices) -> dict[str, dict[str, Decimal]]:
    """Owner (of the tag ``tenant``) -> what it pays for -> ``prices.currency`` a month."""
    known = list(resources)
    # A service and the task definition that it runs have one name.
    tasks = {r.inputs["family"]: r.inputs for r in known if r.type == _TASK}
    # A metric filter has no tags; its log group has.
    groups = {r.inputs["name"]: _tagged(r.inputs) for r in known if r.type == _LOG_GROUP}
    found: dict[str, dict[str, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    for resource in known:
        if resource.type == _SERVICE:
            item, price = "Fargate", _tasks(resource.inputs, tasks, prices)
        elif resource.type in _BY_TYPE:
            item, priced = _BY_TYPE[resource.type]
            price = priced(resource.inputs, prices)
        else:
            continue
        owner = _tagged(resource.inputs) or groups.get(resource.inputs.get("logGroupName"), "")
        found[owner][item] += price
    return {owner: dict(items) for owner, items in found.items()}


_SERVICE = "aws:ecs/service:Service"
_TASK = "aws:ecs/taskDefinition:TaskDefinition"
_LOG_GROUP = "aws:cloudwatch/logGroup:LogGroup"


def _tagged(inputs: Inputs) -> str:
    return str(inputs.get("tags", {}).get("tenant", ""))


def _tasks(service: Inputs, tasks: Mapping[str, Inputs], prices: Prices) -> Decimal:
    task, fargate = tasks.get(service["name"]), prices.fargate
    if task is None:  # of a deployment that stopped half-way: it runs nothing
        return Decimal(0)
    hour = (
        Decimal(task["cpu"]) / _UNITS_PER_VCPU * fargate.vcpu_hour
        + Decimal(task["memory"]) / _MIB_PER_GB * fargate.gb_hour
    )
    return int(service["desiredCount"]) * hour * prices.hours_per_month


def _database(instance: Inputs, prices: Prices) -> Decimal:
    hour = prices.postgresql.class_hour[instance["instanceClass"]]
    storage = int(instance["allocatedStorage"]) * prices.postgresql.gp3_gb_month
    zones = 2 if instance["multiAz"] else 1
    # RDS keeps the master's password in a secret of its own.
    return (hour * prices.hours_per_month + storage) * zones + prices.secret_month


def _endpoint(endpoint: Inputs, prices: Prices) -> Decimal:
    zones = len(endpoint.get("subnetIds") or ())  # a gateway endpoint has none, and is free
    return zones * prices.interface_endpoint_hour * prices.hours_per_month


_BY_TYPE: Mapping[str, tuple[str, Callable[[Inputs, Prices], Decimal]]] = {
    "aws:rds/instance:Instance": ("PostgreSQL", _database),
    "aws:ec2/vpcEndpoint:VpcEndpoint": ("interface endpoints", _endpoint),
    "aws:lb/loadBalancer:LoadBalancer": (
        "load balancer",
        lambda _, prices: prices.load_balancer_hour * prices.hours_per_month,
    ),
    "aws:kms/key:Key": ("keys", lambda _, prices: prices.key_month),
    "aws:secretsmanager/secret:Secret": ("secrets", lambda _, prices: prices.secret_month),
    "aws:cloudwatch/metricAlarm:MetricAlarm": ("alarms", lambda _, prices: prices.alarm_month),
    "aws:cloudwatch/logMetricFilter:LogMetricFilter": (
        "metrics",
        lambda _, prices: prices.metric_month,
    ),
    "aws:route53/zone:Zone": ("zones", lambda _, prices: prices.hosted_zone_month),
    "aws:servicediscovery/privateDnsNamespace:PrivateDnsNamespace": (
        "zones",
        lambda _, prices: prices.hosted_zone_month,
    ),
}
