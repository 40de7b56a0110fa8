"""A network: private, with named ways out and a record of what passes."""

import json
from pathlib import Path

import pytest

from onboarding.recording import Recorded
from tenancy.estate import StackPlan
from tests.components.aws.networks import depends_on, named, of_type, owner, plan, recorded

Resources = dict[str, Recorded]


@pytest.fixture(params=["prod", "prod-initech"])
def stack(request: pytest.FixtureRequest, tmp_path: Path) -> StackPlan:
    return plan(tmp_path, request.param)


@pytest.fixture
def resources(stack: StackPlan) -> Resources:
    return recorded(stack, lambda network: network)


def test_nothing_leads_to_the_internet(resources: Resources) -> None:
    kinds = {resource.type.split(":")[-1] for resource in resources.values()}
    assert not kinds & {"InternetGateway", "NatGateway", "EgressOnlyInternetGateway", "Eip"}
    assert not of_type(resources, "Route")
    for subnet in of_type(resources, "Subnet"):
        assert subnet.inputs["mapPublicIpOnLaunch"] is False


def test_every_subnet_is_of_the_plan_and_has_the_private_routes(
    stack: StackPlan, resources: Resources
) -> None:
    subnets = of_type(resources, "Subnet")
    found = {(s.inputs["availabilityZone"], s.inputs["cidrBlock"]) for s in subnets}
    assert found == {(subnet.zone, subnet.cidr) for subnet in stack.network.subnets}
    routes = {
        a.inputs["subnetId"]: a.inputs["routeTableId"]
        for a in of_type(resources, "RouteTableAssociation")
    }
    assert routes == {f"{subnet.name}-id": "net-routes-id" for subnet in subnets}


def test_names_are_resolved_to_the_endpoints(stack: StackPlan, resources: Resources) -> None:
    (vpc,) = of_type(resources, "Vpc")
    assert vpc.inputs["cidrBlock"] == stack.network.cidr
    assert vpc.inputs["enableDnsSupport"] is True
    assert vpc.inputs["enableDnsHostnames"] is True
    interfaces = [
        e for e in of_type(resources, "VpcEndpoint") if e.inputs["vpcEndpointType"] == "Interface"
    ]
    assert len(interfaces) == 6
    assert all(endpoint.inputs["privateDnsEnabled"] is True for endpoint in interfaces)


def test_the_default_group_lets_nothing_through(resources: Resources) -> None:
    (group,) = of_type(resources, "DefaultSecurityGroup")
    assert set(group.inputs) == {"vpcId"}


def test_every_endpoint_has_a_policy_and_stands_in_every_subnet_or_route_table(
    stack: StackPlan, resources: Resources
) -> None:
    endpoints = of_type(resources, "VpcEndpoint")
    region = stack.names.region
    assert {e.inputs["serviceName"] for e in endpoints} == {
        f"com.amazonaws.{region}.{service}"
        for service in ("s3", "ecr.api", "ecr.dkr", "logs", "secretsmanager", "glue", "ecs")
    }
    subnets = sorted(f"{subnet.name}-id" for subnet in of_type(resources, "Subnet"))
    for endpoint in endpoints:
        statements = json.loads(endpoint.inputs["policy"])["Statement"]
        assert statements
        if endpoint.inputs["vpcEndpointType"] == "Gateway":
            assert endpoint.inputs["routeTableIds"] == ["net-routes-id"]
        else:
            assert sorted(endpoint.inputs["subnetIds"]) == subnets
            assert endpoint.inputs["securityGroupIds"] == ["net-endpoints-group-id"]


def test_the_policies_of_a_hard_tenants_endpoints_name_no_other_tenant(tmp_path: Path) -> None:
    resources = recorded(plan(tmp_path, "prod-initech"), lambda network: network)
    text = "".join(endpoint.inputs["policy"] for endpoint in of_type(resources, "VpcEndpoint"))
    assert "initech" in text
    assert "acme" not in text
    assert "globex" not in text


def test_only_the_network_calls_the_endpoints(stack: StackPlan, resources: Resources) -> None:
    (rule,) = of_type(resources, "SecurityGroupIngressRule")
    assert rule.inputs["securityGroupId"] == "net-endpoints-group-id"
    assert rule.inputs["cidrIpv4"] == stack.network.cidr
    assert (rule.inputs["fromPort"], rule.inputs["toPort"]) == (443, 443)
    assert not of_type(resources, "SecurityGroupEgressRule")


def test_all_that_passes_is_recorded_by_a_bounded_role_of_the_flow_logs_own(
    stack: StackPlan, resources: Resources
) -> None:
    (log,) = of_type(resources, "FlowLog")
    assert log.inputs["trafficType"] == "ALL"
    assert log.inputs["vpcId"] == "net-vpc-id"
    (role,) = of_type(resources, "Role")
    (boundary,) = of_type(resources, "Policy")
    (grants,) = of_type(resources, "RolePolicy")
    (group,) = of_type(resources, "LogGroup")
    assert role.inputs["name"] == stack.names.service_role(owner(stack), "flow-logs")
    assert role.inputs["path"] == stack.names.service_path
    assert role.inputs["permissionsBoundary"] == f"arn:of:{boundary.name}"
    assert group.inputs["name"] == stack.names.log_group(owner(stack), "flow-logs")
    assert group.inputs["retentionInDays"] == 90
    assert log.inputs["iamRoleArn"] == f"arn:of:{role.name}"
    assert log.inputs["logDestination"] == f"arn:of:{group.name}"
    # Delivery starts at once, and fails without the grants.
    assert depends_on(resources, log, grants)


def test_the_claims_are_the_owners(stack: StackPlan, resources: Resources) -> None:
    claims = named(resources, "net").outputs["claims"]
    names = stack.names
    role = names.service_role_arn(owner(stack), "flow-logs")
    assert claims["principals"] == [role]
    assert claims["owns"] == [
        names.log_group_arn(owner(stack), "flow-logs"),
        role,
        names.flow_logs_boundary_arn(owner(stack)),
    ]
    assert claims["tenant"] == ("initech" if stack.hard else None)
    assert ("reason" in claims) is not stack.hard


def test_nothing_of_a_network_is_protected_since_it_holds_no_data(resources: Resources) -> None:
    assert not [resource for resource in resources.values() if resource.protect or resource.retain]
    for resource in resources.values():
        assert not resource.type.startswith("aws:") or "tenancy:aws:" in resource.parent
