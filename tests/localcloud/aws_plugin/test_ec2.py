"""Networks: what drifts, what is refused, and two accounts that peer."""

from __future__ import annotations

import json
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from localcloud.aws_plugin import cloud as connection
from localcloud.aws_plugin.cloud import Cloud
from localcloud.aws_plugin.registry import handler
from localcloud.aws_plugin.resource import URN_TAG, ResourceError, urn_tag
from localcloud.aws_plugin.values import UNKNOWN, Properties
from tests.localcloud.aws_plugin import network_examples as networks
from tests.localcloud.aws_plugin.resource_examples import ACCOUNT, TAGS, Example
from tests.localcloud.aws_plugin.test_life import make, open_account, ready, urn
from tests.localcloud.aws_plugin.test_patches import refused

TENANT = "222222222222"
VPC = "aws:ec2/vpc:Vpc"
SUBNET = "aws:ec2/subnet:Subnet"
GROUP = "aws:ec2/securityGroup:SecurityGroup"
DEFAULT_GROUP = "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup"
INGRESS = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
PEERING = "aws:ec2/vpcPeeringConnection:VpcPeeringConnection"
ACCEPTER = "aws:ec2/vpcPeeringConnectionAccepter:VpcPeeringConnectionAccepter"
ROUTE = "aws:ec2/route:Route"
S3 = "com.amazonaws.us-east-1.s3"


def named(kind: str, name: str = "it") -> Example:
    return next(
        one for one in networks.NETWORKS if one.token.endswith(f":{kind}") and one.name == name
    )


def create(cloud: Cloud, token: str, name: str = "it", /, **inputs: Any) -> tuple[str, Properties]:
    assert handler(token).check(inputs) == []
    return handler(token).create(cloud, urn(token, name), inputs)


def drifted(cloud: Cloud, token: str, identifier: str, state: Properties) -> Properties | None:
    live = handler(token).read(cloud, identifier, state)
    return None if live is None else handler(token).settle(cloud, live, state)


@pytest.fixture
def ec2(session: boto3.Session) -> Any:
    return session.client("ec2")


@pytest.fixture
def vpc(cloud: Cloud) -> str:
    return make(cloud, networks.vpc)[0]


# -- what a program gets --------------------------------------------------------------------


def test_a_vpc_shows_what_it_was_born_with(cloud: Cloud, ec2: Any) -> None:
    identifier, state = make(cloud, networks.vpc)
    groups = ec2.describe_security_groups(GroupIds=[state["defaultSecurityGroupId"]])
    assert groups["SecurityGroups"][0]["VpcId"] == identifier
    tables = ec2.describe_route_tables(RouteTableIds=[state["mainRouteTableId"]])
    assert tables["RouteTables"][0]["VpcId"] == identifier
    assert state["arn"] == f"arn:aws:ec2:us-east-1:{ACCOUNT}:vpc/{identifier}"
    assert state["ownerId"] == ACCOUNT


def test_tags_are_there_with_the_resource_and_the_urns_is_hidden(cloud: Cloud, ec2: Any) -> None:
    identifier, state = make(cloud, networks.vpc)
    there = ec2.describe_vpcs(VpcIds=[identifier])["Vpcs"][0]["Tags"]
    assert {tag["Key"]: tag["Value"] for tag in there} == {**TAGS, URN_TAG: urn_tag(urn(VPC))}
    assert state["tags"] == TAGS


def test_a_vpc_interrupted_before_its_attributes_is_completed(cloud: Cloud, ec2: Any) -> None:
    given = {**TAGS, URN_TAG: urn_tag(urn(VPC))}
    tags = [{"Key": key, "Value": value} for key, value in given.items()]
    made = ec2.create_vpc(
        CidrBlock="10.20.0.0/16", TagSpecifications=[{"ResourceType": "vpc", "Tags": tags}]
    )["Vpc"]["VpcId"]
    identifier, state = make(cloud, networks.vpc)
    assert identifier == made
    assert state["enableDnsHostnames"] is True


def test_what_was_deleted_is_not_adopted(cloud: Cloud) -> None:
    identifier, state = make(cloud, networks.vpc)
    handler(VPC).remove(cloud, identifier, state)
    assert make(cloud, networks.vpc)[0] != identifier


def test_a_new_group_lets_nothing_in_or_out(cloud: Cloud, ec2: Any) -> None:
    identifier, _ = make(cloud, networks.group)
    filters = [{"Name": "group-id", "Values": [identifier]}]
    assert ec2.describe_security_group_rules(Filters=filters)["SecurityGroupRules"] == []


def test_adopting_a_group_keeps_the_rules_of_programs(cloud: Cloud, ec2: Any) -> None:
    rule, _ = make(cloud, named("SecurityGroupEgressRule", "all"))
    make(cloud, networks.group)
    found = ec2.describe_security_group_rules(SecurityGroupRuleIds=[rule])
    assert found["SecurityGroupRules"][0]["CidrIpv4"] == "0.0.0.0/0"


def test_the_default_group_loses_its_rules_and_those_put_in_by_hand_are_drift(
    cloud: Cloud, ec2: Any, vpc: str
) -> None:
    filters = [{"Name": "vpc-id", "Values": [vpc]}]
    (group,) = ec2.describe_security_groups(Filters=filters)["SecurityGroups"]
    assert group["IpPermissions"]
    assert group["IpPermissionsEgress"]
    identifier, state = create(cloud, DEFAULT_GROUP, vpcId=vpc, tags=TAGS)
    assert identifier == group["GroupId"]
    (group,) = ec2.describe_security_groups(Filters=filters)["SecurityGroups"]
    assert not group["IpPermissions"]
    assert not group["IpPermissionsEgress"]
    ec2.authorize_security_group_ingress(
        GroupId=identifier, IpProtocol="tcp", FromPort=22, ToPort=22, CidrIp="0.0.0.0/0"
    )
    there = drifted(cloud, DEFAULT_GROUP, identifier, state)
    assert there is not None
    (rule,) = there["ingress"]
    assert rule["cidrBlocks"] == ["0.0.0.0/0"]
    inputs = {"vpcId": vpc, "tags": TAGS}
    assert handler(DEFAULT_GROUP).differences(there, inputs, inputs) == {"ingress"}
    handler(DEFAULT_GROUP).update(cloud, identifier, there, inputs, inputs)
    (group,) = ec2.describe_security_groups(Filters=filters)["SecurityGroups"]
    assert not group["IpPermissions"]


def test_what_was_changed_by_hand_is_drift(cloud: Cloud, ec2: Any) -> None:
    subnet, subnet_state = make(cloud, networks.subnet)
    ec2.modify_subnet_attribute(SubnetId=subnet, MapPublicIpOnLaunch={"Value": True})
    there = drifted(cloud, SUBNET, subnet, subnet_state)
    assert there is not None
    assert there["mapPublicIpOnLaunch"] is True
    rule, rule_state = make(cloud, named("SecurityGroupIngressRule", "range"))
    ec2.revoke_security_group_ingress(
        GroupId=rule_state["securityGroupId"], SecurityGroupRuleIds=[rule]
    )
    assert drifted(cloud, INGRESS, rule, rule_state) is None


def test_an_endpoints_policy_is_compared_as_a_document(cloud: Cloud, ec2: Any) -> None:
    example = named("VpcEndpoint", "gateway")
    identifier, state = make(cloud, example)
    document = json.loads(state["policy"])
    document["Statement"][0]["Action"] = [document["Statement"][0]["Action"]]
    ec2.modify_vpc_endpoint(VpcEndpointId=identifier, PolicyDocument=json.dumps(document, indent=1))
    assert drifted(cloud, example.token, identifier, state) == state
    ec2.modify_vpc_endpoint(VpcEndpointId=identifier, ResetPolicy=True)
    assert drifted(cloud, example.token, identifier, state) != state


def test_a_gateway_endpoint_is_a_route_in_its_tables(cloud: Cloud, ec2: Any) -> None:
    example = ready(cloud, named("VpcEndpoint", "gateway"))
    identifier, state = create(cloud, example.token, **example.inputs)
    (table,) = example.inputs["routeTableIds"]

    def routes() -> list[str]:
        listed = ec2.describe_route_tables(RouteTableIds=[table])["RouteTables"][0]["Routes"]
        return [one["DestinationPrefixListId"] for one in listed if one["GatewayId"] == identifier]

    assert routes() == [state["prefixListId"]]
    without = {**example.inputs, "routeTableIds": []}
    emptied = handler(example.token).update(cloud, identifier, state, without, example.inputs)
    assert routes() == []
    handler(example.token).update(cloud, identifier, emptied, example.inputs, without)
    assert routes() == [state["prefixListId"]]
    handler(example.token).remove(cloud, identifier, state)
    assert routes() == []


def test_an_interface_without_groups_gets_the_vpcs_default_one(cloud: Cloud, vpc: str) -> None:
    subnet, _ = make(cloud, networks.subnet)
    _, state = create(
        cloud,
        "aws:ec2/vpcEndpoint:VpcEndpoint",
        vpcId=vpc,
        serviceName="com.amazonaws.us-east-1.kms",
        vpcEndpointType="Interface",
        subnetIds=[subnet],
    )
    assert state["securityGroupIds"] == [make(cloud, networks.vpc)[1]["defaultSecurityGroupId"]]
    assert state["privateDnsEnabled"] is False
    assert state["dnsEntries"][0]["dnsName"].endswith(".kms.us-east-1.vpce.amazonaws.com")


def test_a_flow_log_to_a_bucket_of_another_account(cloud: Cloud, session: boto3.Session) -> None:
    tenant = in_account(session, TENANT)
    session.client("s3").create_bucket(Bucket="audit")
    vpc, _ = create(tenant, VPC, cidrBlock="10.40.0.0/16")
    flow = "aws:ec2/flowLog:FlowLog"
    to: dict[str, Any] = {"logDestinationType": "s3", "trafficType": "ALL", "vpcId": vpc}
    create(tenant, flow, logDestination="arn:aws:s3:::audit/flows/", **to)
    with pytest.raises(ResourceError, match="does not exist"):
        create(tenant, flow, "other", logDestination="arn:aws:s3:::nowhere", **to)


# -- replacement ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        ("Vpc", {"cidrBlock": "10.99.0.0/16"}),
        ("Subnet", {"availabilityZone": "us-east-1c"}),
        ("SecurityGroup", {"description": "other"}),
        ("VpcPeeringConnection", {"peerVpcId": UNKNOWN}),
        ("RouteTable", {"vpcId": UNKNOWN}),
    ],
)
def test_what_cannot_be_changed_replaces(cloud: Cloud, kind: str, change: dict[str, Any]) -> None:
    example = ready(cloud, named(kind))
    resource = handler(example.token)
    _, state = create(cloud, example.token, **example.inputs)
    changed = resource.differences(state, {**example.inputs, **change}, example.inputs)
    assert changed == set(change)
    assert all(resource.table[name].replace for name in changed)


def test_a_rule_keeps_its_id_when_its_range_or_port_changes() -> None:
    table = handler(INGRESS).table
    assert not any(table[name].replace for name in ("cidrIpv4", "fromPort", "toPort", "ipProtocol"))
    assert table["referencedSecurityGroupId"].replace


# -- two accounts ---------------------------------------------------------------------------


def in_account(session: boto3.Session, account: str) -> Cloud:
    open_account(session, account)
    role = f"arn:aws:iam::{account}:role/OrganizationAccountAccessRole"
    return connection.connect(
        {"region": "us-east-1", "assumeRoles": json.dumps([{"roleArn": role}])}
    )


def test_two_accounts_peer_and_each_has_its_own_tags(cloud: Cloud, session: boto3.Session) -> None:
    tenant = in_account(session, TENANT)
    mine, _ = create(tenant, VPC, cidrBlock="10.40.0.0/16")
    platform, _ = create(cloud, VPC, cidrBlock="10.50.0.0/16")
    asked, state = create(
        tenant, PEERING, vpcId=mine, peerVpcId=platform, peerOwnerId=ACCOUNT, tags={"of": "tenant"}
    )
    assert state["acceptStatus"] == "pending-acceptance"
    with pytest.raises(ClientError, match="OperationNotPermitted"):
        tenant.client("ec2").accept_vpc_peering_connection(VpcPeeringConnectionId=asked)
    accepter = {"vpcPeeringConnectionId": asked, "autoAccept": True, "tags": {"of": "platform"}}
    accepted, other = create(cloud, ACCEPTER, **accepter)
    assert accepted == asked
    assert other["acceptStatus"] == "active"
    assert (other["peerOwnerId"], other["peerVpcId"], other["vpcId"]) == (TENANT, mine, platform)
    seen = tenant.client("ec2").describe_vpc_peering_connections(VpcPeeringConnectionIds=[asked])
    (connection_seen,) = seen["VpcPeeringConnections"]
    assert connection_seen["Status"]["Code"] == "active"
    there = drifted(tenant, PEERING, asked, state)
    assert there is not None
    assert there["tags"] == {"of": "tenant"}
    assert there["acceptStatus"] == "active"
    table, _ = create(tenant, "aws:ec2/routeTable:RouteTable", vpcId=mine)
    _, route = create(
        tenant,
        ROUTE,
        routeTableId=table,
        destinationCidrBlock="10.50.0.0/16",
        vpcPeeringConnectionId=asked,
    )
    assert route["state"] == "active"
    handler(ACCEPTER).remove(cloud, asked, other)
    assert drifted(tenant, PEERING, asked, state) is not None
    handler(PEERING).remove(tenant, asked, state)
    assert drifted(cloud, ACCEPTER, asked, other) is None
    assert drifted(tenant, PEERING, asked, state) is None


def test_a_route_leads_nowhere_until_the_peering_is_accepted(cloud: Cloud, ec2: Any) -> None:
    example = ready(cloud, named("Route"))
    identifier, state = create(cloud, ROUTE, **example.inputs)
    assert state["state"] == "blackhole"
    ec2.accept_vpc_peering_connection(
        VpcPeeringConnectionId=example.inputs["vpcPeeringConnectionId"]
    )
    there = drifted(cloud, ROUTE, identifier, state)
    assert there is not None
    assert there["state"] == "active"


def test_an_accepter_needs_a_request_to_its_account(cloud: Cloud) -> None:
    with pytest.raises(ResourceError, match="no peering connection"):
        create(cloud, ACCEPTER, vpcPeeringConnectionId="pcx-0123456789abcdef0", autoAccept=True)


def test_a_peering_accepted_at_once(cloud: Cloud) -> None:
    example = ready(cloud, networks.peering)
    _, state = create(cloud, PEERING, **example.inputs, autoAccept=True)
    assert state["acceptStatus"] == "active"


def test_vpcs_of_overlapping_ranges_do_not_peer(cloud: Cloud) -> None:
    one, _ = create(cloud, VPC, "one", cidrBlock="10.60.0.0/16")
    two, _ = create(cloud, VPC, "two", cidrBlock="10.60.128.0/17")
    with pytest.raises(ResourceError, match="overlap"):
        create(cloud, PEERING, vpcId=one, peerVpcId=two)


def test_two_vpcs_peer_once(cloud: Cloud, ec2: Any) -> None:
    example = ready(cloud, networks.peering)
    create(cloud, PEERING, **example.inputs)
    refused(
        ec2.create_vpc_peering_connection,
        "VpcPeeringConnectionAlreadyExists",
        VpcId=example.inputs["peerVpcId"],
        PeerVpcId=example.inputs["vpcId"],
    )


# -- what AWS refuses -----------------------------------------------------------------------


def test_routes_need_a_peering_of_their_vpc(cloud: Cloud, ec2: Any) -> None:
    example = ready(cloud, named("Route"))
    other, _ = create(cloud, VPC, "third", cidrBlock="10.70.0.0/16")
    table, _ = create(cloud, "aws:ec2/routeTable:RouteTable", "third", vpcId=other)
    to = {"DestinationCidrBlock": "10.30.0.0/16", "RouteTableId": table}
    gone = "InvalidVpcPeeringConnectionId.NotFound"
    refused(ec2.create_route, gone, **to, VpcPeeringConnectionId="pcx-0123456789abcdef0")
    peering = example.inputs["vpcPeeringConnectionId"]
    refused(ec2.create_route, gone, **to, VpcPeeringConnectionId=peering)
    ec2.delete_vpc_peering_connection(VpcPeeringConnectionId=peering)
    to["RouteTableId"] = example.inputs["routeTableId"]
    refused(ec2.create_route, gone, **to, VpcPeeringConnectionId=peering)


@pytest.mark.parametrize(
    ("cidr", "zone", "code"),
    [
        ("10.21.0.0/24", "us-east-1a", "InvalidSubnet.Range"),
        ("10.20.0.128/25", "us-east-1a", "InvalidSubnet.Conflict"),
        ("10.20.9.0/29", "us-east-1a", "InvalidSubnet.Range"),
        ("10.20.9.0/24", "us-west-2a", "InvalidParameterValue"),
    ],
)
def test_subnets_that_do_not_fit(cloud: Cloud, ec2: Any, cidr: str, zone: str, code: str) -> None:
    make(cloud, networks.subnet)
    vpc, _ = make(cloud, networks.vpc)
    refused(ec2.create_subnet, code, VpcId=vpc, CidrBlock=cidr, AvailabilityZone=zone)


def test_a_subnet_gives_no_public_addresses_by_itself(cloud: Cloud, vpc: str) -> None:
    _, state = create(
        cloud, SUBNET, vpcId=vpc, cidrBlock="10.20.4.0/24", availabilityZone="us-east-1e"
    )
    assert state["mapPublicIpOnLaunch"] is False


def test_a_subnet_has_one_route_table(cloud: Cloud, ec2: Any) -> None:
    example = ready(cloud, named("RouteTableAssociation"))
    create(cloud, example.token, **example.inputs)
    vpc, _ = make(cloud, networks.vpc)
    other, _ = create(cloud, "aws:ec2/routeTable:RouteTable", "other", vpcId=vpc)
    subnet = example.inputs["subnetId"]
    taken = "Resource.AlreadyAssociated"
    refused(ec2.associate_route_table, taken, RouteTableId=other, SubnetId=subnet)


def test_what_is_in_use_is_not_deleted(cloud: Cloud, ec2: Any) -> None:
    make(cloud, named("VpcEndpoint", "interface"))
    make(cloud, named("SecurityGroupIngressRule", "group"))
    group, _ = make(cloud, networks.group)
    vpc, _ = make(cloud, networks.vpc)
    subnet, _ = make(cloud, networks.subnet)
    for call, request in (
        (ec2.delete_subnet, {"SubnetId": subnet}),
        (ec2.delete_security_group, {"GroupId": group}),
        (ec2.delete_vpc, {"VpcId": vpc}),
    ):
        refused(call, "DependencyViolation", **request)


def test_a_vpc_is_not_deleted_while_it_holds_a_group_or_an_endpoint(
    cloud: Cloud, ec2: Any, vpc: str
) -> None:
    group, _ = make(cloud, networks.group)
    refused(ec2.delete_vpc, "DependencyViolation", VpcId=vpc)
    ec2.delete_security_group(GroupId=group)
    made = ec2.create_vpc_endpoint(VpcId=vpc, ServiceName=S3, VpcEndpointType="Gateway")
    refused(ec2.delete_vpc, "DependencyViolation", VpcId=vpc)
    ec2.delete_vpc_endpoints(VpcEndpointIds=[made["VpcEndpoint"]["VpcEndpointId"]])
    ec2.delete_vpc(VpcId=vpc)


def test_a_group_that_another_names_is_not_deleted(cloud: Cloud, ec2: Any, vpc: str) -> None:
    group, _ = make(cloud, networks.group)
    other, _ = create(cloud, GROUP, "other", name="other", vpcId=vpc, revokeRulesOnDelete=True)
    ports: dict[str, Any] = {"ipProtocol": "tcp", "fromPort": 1, "toPort": 2}
    create(cloud, INGRESS, securityGroupId=other, referencedSecurityGroupId=group, **ports)
    refused(ec2.delete_security_group, "DependencyViolation", GroupId=group)
    handler(GROUP).remove(cloud, other, {"revokeRulesOnDelete": True})
    ec2.delete_security_group(GroupId=group)


def test_a_rule_is_there_once_whatever_its_description_says(cloud: Cloud, ec2: Any) -> None:
    group, _ = make(cloud, networks.group)
    pair = {"UserIdGroupPairs": [{"GroupId": group, "Description": "one"}]}
    permission: dict[str, Any] = {"IpProtocol": "tcp", "FromPort": 1, "ToPort": 2, **pair}
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[permission])
    permission["UserIdGroupPairs"][0]["Description"] = "two"
    refused(
        ec2.authorize_security_group_ingress,
        "InvalidPermission.Duplicate",
        GroupId=group,
        IpPermissions=[permission],
    )


def test_endpoints_that_aws_does_not_make(cloud: Cloud, ec2: Any) -> None:
    vpc, _ = make(cloud, networks.vpc)
    subnet, _ = make(cloud, networks.subnet)
    table, _ = make(cloud, networks.route_table)
    interface: dict[str, Any] = {"VpcId": vpc, "VpcEndpointType": "Interface"}
    create_endpoint, glue = ec2.create_vpc_endpoint, "com.amazonaws.us-east-1.glue"
    west = "com.amazonaws.us-west-2.glue"
    refused(create_endpoint, "InvalidServiceName", ServiceName=west, **interface)
    gateway = {"VpcId": vpc, "VpcEndpointType": "Gateway"}
    refused(create_endpoint, "InvalidServiceName", ServiceName=glue, **gateway)
    create_endpoint(ServiceName=S3, RouteTableIds=[table], **gateway)
    refused(create_endpoint, "RouteAlreadyExists", ServiceName=S3, RouteTableIds=[table], **gateway)
    same_zone = ec2.create_subnet(
        VpcId=vpc, CidrBlock="10.20.5.0/24", AvailabilityZone="us-east-1a"
    )["Subnet"]["SubnetId"]
    twice = {"ServiceName": glue, "SubnetIds": [subnet, same_zone], **interface}
    refused(create_endpoint, "DuplicateSubnetsInSameZone", **twice)
    create_endpoint(ServiceName=glue, PrivateDnsEnabled=True, **interface)
    private = {"PrivateDnsEnabled": True, **interface}
    refused(create_endpoint, "InvalidParameter", ServiceName=glue, **private)
    ec2.modify_vpc_attribute(VpcId=vpc, EnableDnsHostnames={"Value": False})
    kms = "com.amazonaws.us-east-1.kms"
    refused(create_endpoint, "InvalidParameter", ServiceName=kms, **private)
    foreign = {"SecurityGroupIds": ["sg-0123456789abcdef0"], **interface}
    refused(create_endpoint, "InvalidGroup.NotFound", ServiceName=kms, **foreign)


@pytest.mark.parametrize(
    ("token", "inputs", "place"),
    [
        (VPC, {"cidrBlock": "10.0.0.1/16"}, "cidrBlock"),
        (VPC, {"cidrBlock": "10.0.0.0/16", "ipv6CidrBlock": "::/56"}, "ipv6CidrBlock"),
        (GROUP, {"name": "sg-mine", "vpcId": "vpc-1"}, "name"),
        (GROUP, {"name": "x", "vpcId": "vpc-1", "description": "it's"}, "description"),
        (GROUP, {"name": "x", "vpcId": "vpc-1", "ingress": [{}]}, "ingress"),
        (DEFAULT_GROUP, {"vpcId": "vpc-1", "egress": [{"protocol": "-1"}]}, "egress"),
        (INGRESS, {"securityGroupId": "sg-1", "ipProtocol": "-1"}, ""),
        (
            INGRESS,
            {
                "securityGroupId": "sg-1",
                "ipProtocol": "-1",
                "fromPort": 0,
                "toPort": 0,
                "cidrIpv4": "10.0.0.0/8",
            },
            "fromPort",
        ),
        (
            INGRESS,
            {
                "securityGroupId": "sg-1",
                "ipProtocol": "tcp",
                "cidrIpv4": "10.0.0.0/8",
                "prefixListId": "pl-1",
                "fromPort": 1,
                "toPort": 1,
            },
            "",
        ),
        (ROUTE, {"routeTableId": "rtb-1", "destinationCidrBlock": "10.0.0.0/8"}, ""),
        (
            "aws:ec2/vpcEndpoint:VpcEndpoint",
            {"vpcId": "vpc-1", "serviceName": S3, "subnetIds": ["subnet-1"]},
            "subnetIds",
        ),
        (
            "aws:ec2/flowLog:FlowLog",
            {"vpcId": "vpc-1", "trafficType": "ALL", "logDestination": "arn:x"},
            "iamRoleArn",
        ),
    ],
)
def test_bad_inputs_are_named_at_preview(token: str, inputs: dict[str, Any], place: str) -> None:
    assert [name for name, _ in handler(token).check(inputs)] == [place]
