"""EC2: endpoints of services in a VPC that exist and fit, and flow logs to where they say."""

# A wrapper has the form of what it wraps.
# ruff: noqa: ANN401, PLR0913, PLR0917

from __future__ import annotations

import json
from typing import Any

from moto.ec2.exceptions import (
    EC2ClientError,
    InvalidServiceName,
    RouteAlreadyExistsError,
)
from moto.ec2.models.flow_logs import FlowLogsBackend
from moto.ec2.models.vpcs import (
    AWS_ENDPOINT_SERVICES,
    COVERED_ENDPOINT_SERVICES,
    VPCBackend,
    VPCEndPoint,
)
from moto.ec2.responses.vpcs import VPCs
from moto.logs.models import logs_backends

from localcloud.emulator.patches.wrapping import Function, around

_WITH_GATEWAY = ("s3", "dynamodb")  # VPC User Guide, "Gateway endpoints"
_SERVICES = {*AWS_ENDPOINT_SERVICES, *COVERED_ENDPOINT_SERVICES}


def _create_endpoint(
    original: Function,
    self: Any,
    vpc_id: str,
    service_name: str,
    endpoint_type: str | None,
    policy_document: str | None,
    route_table_ids: list[str],
    subnet_ids: list[str] | None = None,
    *args: Any,
    security_group_ids: list[str] | None = None,
    private_dns_enabled: bool | None = None,
    **kwargs: Any,
) -> Any:
    """Refuse what AWS refuses (EC2 API Reference, CreateVpcEndpoint), and give an interface
    endpoint without groups the VPC's default one, and a name under its service's domain.
    """
    vpc = self.get_vpc(vpc_id)
    _check_service(self, service_name, endpoint_type)
    _check_parts(self, vpc_id, route_table_ids, subnet_ids or [], security_group_ids or [])
    for table in route_table_ids:
        _check_no_route(self, service_name, table)
    if endpoint_type == "Interface":
        if private_dns_enabled:
            _check_private_dns(self, vpc, service_name)
        default = self.get_default_security_group(vpc_id)
        security_group_ids = security_group_ids or [default.id]
    endpoint = original(
        self,
        vpc_id,
        service_name,
        endpoint_type,
        policy_document,
        route_table_ids,
        subnet_ids,
        *args,
        security_group_ids=security_group_ids,
        private_dns_enabled=private_dns_enabled,
        **kwargs,
    )
    service = service_name.rsplit(".", 1)[1]
    for entry in endpoint.dns_entries:
        host = entry["dns_name"].split(".")[0]
        entry["dns_name"] = f"{host}.{service}.{self.region_name}.vpce.amazonaws.com"
    return endpoint


def _check_service(self: Any, name: str, endpoint_type: str | None) -> None:
    # moto's own answer to what is offered imports all services that it has: 4 seconds.
    known = _WITH_GATEWAY if endpoint_type == "Gateway" else _SERVICES
    if name not in [f"com.amazonaws.{self.region_name}.{service}" for service in known]:
        raise InvalidServiceName(name)


def _check_parts(
    self: Any, vpc_id: str, tables: list[str], subnets: list[str], groups: list[str]
) -> None:
    """Tables, subnets and groups exist, and are of this VPC; a zone has one of the subnets."""
    zones: set[str] = set()
    for subnet_id in subnets:
        subnet = self.get_subnet(subnet_id)
        if subnet.vpc_id != vpc_id:
            raise EC2ClientError(
                "InvalidParameter", f"subnet {subnet_id} is not in the VPC {vpc_id}"
            )
        if subnet.availability_zone in zones:
            raise EC2ClientError(
                "DuplicateSubnetsInSameZone",
                f"Found another VPC endpoint subnet in the availability zone of {subnet_id}",
            )
        zones.add(subnet.availability_zone)
    for table_id in tables:
        if self.get_route_table(table_id).vpc_id != vpc_id:
            raise EC2ClientError(
                "InvalidParameter", f"route table {table_id} is not in the VPC {vpc_id}"
            )
    for group_id in groups:
        group = self.get_security_group_from_id(group_id)
        if group is None or group.vpc_id != vpc_id:
            raise EC2ClientError(
                "InvalidGroup.NotFound", f"The security group '{group_id}' does not exist"
            )


def _check_no_route(self: Any, service_name: str, table_id: str) -> None:
    for other in self.vpc_end_points.values():
        same = other.service_name == service_name and table_id in other.route_table_ids
        if same and other.state != "deleted":
            raise RouteAlreadyExistsError(service_name)


def _check_private_dns(self: Any, vpc: Any, service_name: str) -> None:
    if not (vpc.enable_dns_support and vpc.enable_dns_hostnames):
        raise EC2ClientError(
            "InvalidParameter",
            "Enabling private DNS requires both enableDnsSupport and enableDnsHostnames VPC "
            f"attributes set to true for {vpc.id}",
        )
    for other in self.vpc_end_points.values():
        same = other.vpc_id == vpc.id and other.service_name == service_name
        if same and other.private_dns_enabled and other.state != "deleted":
            raise EC2ClientError(
                "InvalidParameter",
                "private-dns-enabled cannot be set because there is already a conflicting DNS "
                f"domain for {service_name} in the VPC {vpc.id}",
            )


def _modify_endpoint(original: Function, self: Any) -> Any:
    """Moto leaves the routes as they are, and knows neither private DNS nor a policy's reset."""
    backend = self.ec2_backend
    endpoint = backend.get_vpc_end_point(self._get_param("VpcEndpointId"))
    added = self._get_param("AddRouteTableIds", [])
    _check_parts(
        backend,
        endpoint.vpc_id,
        added,
        self._get_param("AddSubnetIds", []),
        self._get_param("AddSecurityGroupIds", []),
    )
    for table_id in added:
        _check_no_route(backend, endpoint.service_name, table_id)
    private = self._get_bool_param("PrivateDnsEnabled")
    if private and not endpoint.private_dns_enabled:
        _check_private_dns(backend, backend.get_vpc(endpoint.vpc_id), endpoint.service_name)
    answer = original(self)
    if private is not None:
        endpoint.private_dns_enabled = private
    if self._get_bool_param("ResetPolicy"):
        endpoint.policy_document = json.dumps(VPCEndPoint.DEFAULT_POLICY)
    prefix_list = endpoint.destination_prefix_list_id
    for table_id in added:
        backend.create_route(
            table_id, None, gateway_id=endpoint.id, destination_prefix_list_id=prefix_list
        )
    for table_id in self._get_param("RemoveRouteTableIds", []):
        backend.delete_route(table_id, None, destination_prefix_list_id=prefix_list)
    return answer


def _create_flow_logs(
    original: Function,
    self: Any,
    resource_type: str,
    resource_ids: list[str],
    traffic_type: str,
    deliver_logs_permission_arn: str,
    log_destination_type: str,
    log_destination: str,
    *args: Any,
    **kwargs: Any,
) -> Any:
    """A destination in S3 may name a folder; one in CloudWatch is found by its ARN, too."""
    bucket = (log_destination or "").partition("/")[0]
    in_s3 = log_destination_type == "s3"
    made, failed = original(
        self,
        resource_type,
        resource_ids,
        traffic_type,
        deliver_logs_permission_arn,
        log_destination_type,
        bucket if in_s3 else log_destination,
        *args,
        **kwargs,
    )
    for flow_log in made:
        flow_log.log_destination = log_destination
        if not in_s3 and flow_log.log_group_name is None:
            group = log_destination.removesuffix(":*").split(":log-group:")[-1]
            if group in logs_backends[self.account_id][self.region_name].groups:
                flow_log.deliver_logs_status, flow_log.deliver_logs_error_message = "SUCCESS", None
    return made, failed


def patch() -> None:
    """Change moto in this process."""
    around(VPCBackend, "create_vpc_endpoint")(_create_endpoint)
    around(VPCs, "modify_vpc_endpoint")(_modify_endpoint)
    around(FlowLogsBackend, "create_flow_logs")(_create_flow_logs)
