"""Flow logs: who talked to whom in a VPC, a subnet or at a network interface."""

# A class is its table, `resource` documents the methods.
# ruff: noqa: ANN401, D102, S105

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from localcloud.aws_plugin.cloud import Cloud
from localcloud.aws_plugin.ec2 import Ec2Resource
from localcloud.aws_plugin.registry import register
from localcloud.aws_plugin.resource import TAGS, Property, ResourceError, declare
from localcloud.aws_plugin.values import Properties

_OBSERVED: Final = {
    "vpcId": ("VPC", "vpc-"),
    "subnetId": ("Subnet", "subnet-"),
    "eniId": ("NetworkInterface", "eni-"),
}


def _same_destination(old: Any, new: Any) -> bool:
    """A log group's ARN is written with and without the ``:*`` that stands for its streams."""
    return str(old or "").removesuffix(":*") == str(new or "").removesuffix(":*")


@register
class FlowLog(Ec2Resource):
    """EC2 changes nothing of a flow log but its tags."""

    token = "aws:ec2/flowLog:FlowLog"
    kind = "vpc-flow-log"
    properties = declare(
        vpcId=Property(replace=True),
        subnetId=Property(replace=True),
        eniId=Property(replace=True),
        trafficType=Property(required=True, replace=True, choices=("ACCEPT", "REJECT", "ALL")),
        logDestinationType=Property(
            default="cloud-watch-logs", replace=True, choices=("cloud-watch-logs", "s3")
        ),
        logDestination=Property(required=True, replace=True, same=_same_destination),
        iamRoleArn=Property(replace=True, api="DeliverLogsPermissionArn"),
        logFormat=Property(computed=True, replace=True),
        maxAggregationInterval=Property(default=600, replace=True),
        tags=TAGS,
    )
    outputs = ("arn",)
    create_call = "create_flow_logs"
    made_path = "FlowLogIds[0]"
    read_call = "describe_flow_logs"
    read_path = "FlowLogs[0]"
    ids = "FlowLogIds"
    delete_call = "delete_flow_logs"
    delete_by = "FlowLogIds"

    def validate(self, inputs: Properties) -> Iterator[tuple[str, str]]:
        if len([name for name in _OBSERVED if inputs.get(name) is not None]) != 1:
            yield "", f"a flow log needs exactly one of {', '.join(_OBSERVED)}"
        to_logs = inputs.get("logDestinationType", "cloud-watch-logs") == "cloud-watch-logs"
        if to_logs and not inputs.get("iamRoleArn"):
            yield "iamRoleArn", "a flow log to CloudWatch needs the role that may write there"
        if not to_logs and inputs.get("iamRoleArn"):
            yield "iamRoleArn", "a flow log to S3 takes no role: the bucket's policy allows it"

    def begin(self, cloud: Cloud, inputs: Properties, tags: list[dict[str, Any]]) -> str:
        name = next(name for name in _OBSERVED if inputs.get(name) is not None)
        answer = self.call(
            cloud,
            self.create_call,
            inputs,
            TagSpecifications=tags,
            ResourceType=_OBSERVED[name][0],
            ResourceIds=[inputs[name]],
        )
        for failed in answer.get("Unsuccessful", []):
            told = failed["Error"]
            raise ResourceError(f"{failed['ResourceId']}: {told['Code']}: {told['Message']}")
        return str(answer["FlowLogIds"][0])

    def live(self, client: Any, found: Any, known: Any) -> Properties:
        live = super().live(client, found, known)
        for name, (_, prefix) in _OBSERVED.items():
            if found["ResourceId"].startswith(prefix):
                live[name] = found["ResourceId"]
        return live
