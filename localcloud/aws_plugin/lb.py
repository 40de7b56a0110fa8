"""Elastic Load Balancing, version 2: application load balancers and their targets."""

# A class is its table, `resource` documents the methods.
# ruff: noqa: ANN401, D101, D102, S105

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Final

from botocore.exceptions import ClientError

from localcloud.aws_plugin.cloud import Cloud
from localcloud.aws_plugin.registry import register
from localcloud.aws_plugin.resource import (
    TAGS,
    ApiResource,
    Property,
    declare,
    is_absent,
    plain,
    tag_map,
)
from localcloud.aws_plugin.values import Properties, has_unknown

# ELB API Reference, CreateLoadBalancer and CreateTargetGroup: at most 32 letters, digits and
# hyphens, none of those first or last. Target groups also refuse two in a row (moto has the
# answer of AWS on it, in `create_target_group`).
_NAME: Final = re.compile(r"(?!-)[a-zA-Z0-9-]{1,32}(?<!-)")


class Balancing(ApiResource):
    """A resource whose id is its ARN. It has a key of its own among its kind (a name, a port or a
    priority), by which `twin` finds what an interrupted run made.

    shown: the member of the reading call's answer that lists it; arns: that call's parameter.
    attributes: which properties are settings that calls of their own write, by their key there.
    """

    service = "elbv2"
    id_format = "{id}"
    shown: ClassVar[str]
    arns: ClassVar[str]
    attributes: ClassVar[Mapping[str, str]] = {}
    attribute_calls: ClassVar[tuple[str, str]]  # reading and writing them
    by: ClassVar[str]  # the parameter for the ARN in the other calls

    def twin(self, client: Any, inputs: Properties) -> Any:
        """What is there under this resource's own key, as the API describes it; else None."""
        raise NotImplementedError

    def request(self, inputs: Properties) -> dict[str, Any]:
        """Parameters of the creating and the changing call that matching names does not find."""
        return {}

    def make(self, cloud: Cloud, urn: str, inputs: Properties) -> str:
        client = self.client(cloud, inputs)
        if (found := self.twin(client, inputs)) is not None:
            self.adopt(cloud, identifier := str(found[self.by]), inputs, untagged=False)
            return identifier
        answer = self.call(cloud, self.create_call, inputs, **self.request(inputs))
        made = str(answer[self.shown][0][self.by])
        later = {
            name
            for name in self.attributes
            if inputs.get(name) is not None
            and not self.properties[name].equal(self.properties[name].default, inputs[name])
        }
        self.write_attributes(client, made, inputs, later)
        return made

    def read(self, cloud: Cloud, identifier: str, known: Properties) -> Properties | None:
        client = self.client(cloud, known)
        try:
            found = getattr(client, self.read_call)(**{self.arns: [identifier]})[self.shown][0]
            live = {"arn": identifier, **self.live(client, found, known)}
            tags = client.describe_tags(ResourceArns=[identifier])["TagDescriptions"]
        except ClientError as error:
            if is_absent(error):
                return None
            raise
        return {**live, "tags": tag_map(tags[0]["Tags"])}

    def read_attributes(self, client: Any, identifier: str) -> Properties:
        """The settings that have calls of their own; one that is not shown has its default."""
        answer = getattr(client, self.attribute_calls[0])(**{self.by: identifier})
        there = {one["Key"]: one["Value"] for one in answer["Attributes"]}
        return {name: self.setting(name, there.get(key)) for name, key in self.attributes.items()}

    def setting(self, name: str, text: str | None) -> Any:
        """An attribute's text as the property's value."""
        default = self.properties[name].default
        if text in (None, ""):
            return default
        return text == "true" if isinstance(default, bool) else text

    def write_attributes(
        self, client: Any, identifier: str, inputs: Properties, what: set[str]
    ) -> None:
        """Write those settings in ``what``."""
        written = []
        for name in sorted(what & set(self.attributes)):
            value = inputs.get(name)
            value = self.properties[name].default if value is None else value
            text = str(value).lower() if isinstance(value, bool) else str(value)
            written.append({"Key": self.attributes[name], "Value": text})
        if written:
            call = getattr(client, self.attribute_calls[1])
            call(**{self.by: identifier, "Attributes": written})

    def change(
        self, cloud: Cloud, identifier: str, state: Properties, inputs: Properties, what: set[str]
    ) -> None:
        client = self.client(cloud, inputs)
        if "tags" in what:
            new = inputs.get("tags") or {}
            if gone := sorted(set(state.get("tags") or {}) - set(new)):
                client.remove_tags(ResourceArns=[identifier], TagKeys=gone)
            if new:
                tags = [{"Key": key, "Value": value} for key, value in new.items()]
                client.add_tags(ResourceArns=[identifier], Tags=tags)
        self.write_attributes(client, identifier, inputs, what)
        if rest := what - {"tags"} - set(self.attributes):
            self.modify(cloud, identifier, inputs, rest)

    def modify(self, cloud: Cloud, identifier: str, inputs: Properties, what: set[str]) -> None:
        """Change what is neither a tag nor a setting."""
        assert self.update_call is not None  # noqa: S101
        self.call(cloud, self.update_call, inputs, **{self.by: identifier, **self.request(inputs)})

    def remove(self, cloud: Cloud, identifier: str, state: Properties) -> None:
        try:
            getattr(self.client(cloud, state), self.delete_call)(**{self.by: identifier})
        except ClientError as error:
            if not is_absent(error):
                raise


def _bad_name(inputs: Properties) -> Iterator[tuple[str, str]]:
    if not has_unknown(inputs["name"]) and not _NAME.fullmatch(inputs["name"]):
        yield "name", "1 to 32 letters, digits and hyphens, no hyphen first or last"


def _found_by_name(describe: Any, shown: str, name: str) -> Any:
    try:
        return describe(Names=[name])[shown][0]
    except ClientError as error:
        if is_absent(error):
            return None
        raise


@register
class LoadBalancer(Balancing):
    token = "aws:lb/loadBalancer:LoadBalancer"
    properties = declare(
        name=Property(required=True, replace=True),
        internal=Property(default=False, replace=True),
        loadBalancerType=Property(
            default="application", replace=True, api="Type", choices=("application",)
        ),
        subnets=Property(required=True, unordered=True),
        securityGroups=Property(computed=True, unordered=True),
        ipAddressType=Property(default="ipv4"),
        clientKeepAlive=Property(default=3600),
        desyncMitigationMode=Property(default="defensive"),
        dropInvalidHeaderFields=Property(default=False),
        enableDeletionProtection=Property(default=False),
        enableHttp2=Property(default=True),
        enableTlsVersionAndCipherSuiteHeaders=Property(default=False),
        enableWafFailOpen=Property(default=False),
        enableXffClientPort=Property(default=False),
        idleTimeout=Property(default=60),
        preserveHostHeader=Property(default=False),
        xffHeaderProcessingMode=Property(default="append"),
        tags=TAGS,
    )
    outputs = ("arn", "arnSuffix", "dnsName", "vpcId", "zoneId")
    renames: ClassVar[Mapping[str, str]] = {"dnsName": "DNSName"}
    create_call = "create_load_balancer"
    read_call = "describe_load_balancers"
    delete_call = "delete_load_balancer"
    shown = "LoadBalancers"
    arns = "LoadBalancerArns"
    by = "LoadBalancerArn"
    attribute_calls = ("describe_load_balancer_attributes", "modify_load_balancer_attributes")
    attributes: ClassVar[Mapping[str, str]] = {
        "clientKeepAlive": "client_keep_alive.seconds",
        "desyncMitigationMode": "routing.http.desync_mitigation_mode",
        "dropInvalidHeaderFields": "routing.http.drop_invalid_header_fields.enabled",
        "enableDeletionProtection": "deletion_protection.enabled",
        "enableHttp2": "routing.http2.enabled",
        "enableTlsVersionAndCipherSuiteHeaders": (
            "routing.http.x_amzn_tls_version_and_cipher_suite.enabled"
        ),
        "enableWafFailOpen": "waf.fail_open.enabled",
        "enableXffClientPort": "routing.http.xff_client_port.enabled",
        "idleTimeout": "idle_timeout.timeout_seconds",
        "preserveHostHeader": "routing.http.preserve_host_header.enabled",
        "xffHeaderProcessingMode": "routing.http.xff_header_processing.mode",
    }

    def validate(self, inputs: Properties) -> Iterator[tuple[str, str]]:
        yield from _bad_name(inputs)
        if str(inputs["name"]).startswith("internal-"):
            yield "name", "AWS keeps names that start with internal- to itself"

    def twin(self, client: Any, inputs: Properties) -> Any:
        return _found_by_name(client.describe_load_balancers, self.shown, inputs["name"])

    def request(self, inputs: Properties) -> dict[str, Any]:
        return {"Scheme": "internal" if inputs.get("internal") else "internet-facing"}

    def live(self, client: Any, found: Any, known: Any) -> Properties:
        arn = found["LoadBalancerArn"]
        return {
            "name": found["LoadBalancerName"],
            "internal": found["Scheme"] == "internal",
            "loadBalancerType": found["Type"],
            "subnets": [zone["SubnetId"] for zone in found["AvailabilityZones"]],
            "securityGroups": found["SecurityGroups"],
            "ipAddressType": found["IpAddressType"],
            "arnSuffix": arn.split(":loadbalancer/")[1],
            "dnsName": found["DNSName"],
            "vpcId": found["VpcId"],
            "zoneId": found["CanonicalHostedZoneId"],
            **self.read_attributes(client, arn),
        }

    def modify(self, cloud: Cloud, identifier: str, inputs: Properties, what: set[str]) -> None:
        client = self.client(cloud, inputs)
        if "securityGroups" in what:
            groups = inputs.get("securityGroups") or []
            client.set_security_groups(LoadBalancerArn=identifier, SecurityGroups=groups)
        if "subnets" in what:
            client.set_subnets(LoadBalancerArn=identifier, Subnets=inputs["subnets"])
        if "ipAddressType" in what:
            kind = inputs.get("ipAddressType") or "ipv4"
            client.set_ip_address_type(LoadBalancerArn=identifier, IpAddressType=kind)


# The official provider's defaults of the block, and those of ELB for what it leaves open
# (an HTTP or HTTPS target group).
_HEALTH: Final[Properties] = {
    "enabled": True,
    "healthyThreshold": 3,
    "interval": 30,
    "matcher": "200",
    "path": "/",
    "port": "traffic-port",
    "protocol": "HTTP",
    "timeout": 5,
    "unhealthyThreshold": 3,
}


def _same_health_check(old: Any, new: Any) -> bool:
    return bool(plain({**_HEALTH, **(old or {})}) == plain({**_HEALTH, **(new or {})}))


@register
class TargetGroup(Balancing):
    token = "aws:lb/targetGroup:TargetGroup"
    properties = declare(
        name=Property(required=True, replace=True),
        port=Property(required=True, replace=True),
        protocol=Property(required=True, replace=True, choices=("HTTP", "HTTPS")),
        protocolVersion=Property(default="HTTP1", replace=True),
        vpcId=Property(required=True, replace=True),
        targetType=Property(default="instance", replace=True, choices=("instance", "ip")),
        ipAddressType=Property(default="ipv4", replace=True),
        healthCheck=Property(default={}, by_hand=True, same=_same_health_check),
        deregistrationDelay=Property(default=300),
        loadBalancingAlgorithmType=Property(default="round_robin"),
        loadBalancingCrossZoneEnabled=Property(default="use_load_balancer_configuration"),
        slowStart=Property(default=0),
        tags=TAGS,
    )
    outputs = ("arn", "arnSuffix")
    create_call = "create_target_group"
    read_call = "describe_target_groups"
    update_call = "modify_target_group"
    delete_call = "delete_target_group"
    shown = "TargetGroups"
    arns = "TargetGroupArns"
    by = "TargetGroupArn"
    attribute_calls = ("describe_target_group_attributes", "modify_target_group_attributes")
    attributes: ClassVar[Mapping[str, str]] = {
        "deregistrationDelay": "deregistration_delay.timeout_seconds",
        "loadBalancingAlgorithmType": "load_balancing.algorithm.type",
        "loadBalancingCrossZoneEnabled": "load_balancing.cross_zone.enabled",
        "slowStart": "slow_start.duration_seconds",
    }

    def validate(self, inputs: Properties) -> Iterator[tuple[str, str]]:
        yield from _bad_name(inputs)
        if "--" in str(inputs["name"]):
            yield "name", "a target group's name must not have two hyphens in a row"
        given = inputs.get("healthCheck") or {}
        if not has_unknown(given) and (unknown := set(given) - set(_HEALTH)):
            yield "healthCheck", f"unknown here: {', '.join(sorted(unknown))}"

    def twin(self, client: Any, inputs: Properties) -> Any:
        return _found_by_name(client.describe_target_groups, self.shown, inputs["name"])

    def request(self, inputs: Properties) -> dict[str, Any]:
        check = {**_HEALTH, **(inputs.get("healthCheck") or {})}
        return {
            "HealthCheckEnabled": check["enabled"],
            "HealthCheckIntervalSeconds": int(check["interval"]),
            "HealthCheckPath": check["path"],
            "HealthCheckPort": str(check["port"]),
            "HealthCheckProtocol": check["protocol"],
            "HealthCheckTimeoutSeconds": int(check["timeout"]),
            "HealthyThresholdCount": int(check["healthyThreshold"]),
            "UnhealthyThresholdCount": int(check["unhealthyThreshold"]),
            "Matcher": {"HttpCode": str(check["matcher"])},
        }

    def live(self, client: Any, found: Any, known: Any) -> Properties:
        arn = found["TargetGroupArn"]
        return {
            **super().live(client, found, known),
            "name": found["TargetGroupName"],
            "arnSuffix": arn.rsplit(":", 1)[1],
            "healthCheck": {
                "enabled": found["HealthCheckEnabled"],
                "healthyThreshold": found["HealthyThresholdCount"],
                "interval": found["HealthCheckIntervalSeconds"],
                "matcher": found["Matcher"]["HttpCode"],
                "path": found["HealthCheckPath"],
                "port": found["HealthCheckPort"],
                "protocol": found["HealthCheckProtocol"],
                "timeout": found["HealthCheckTimeoutSeconds"],
                "unhealthyThreshold": found["UnhealthyThresholdCount"],
            },
            **self.read_attributes(client, arn),
        }
