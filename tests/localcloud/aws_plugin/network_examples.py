"""As `resource_examples`, of networks: VPCs, load balancers, names and certificates."""

from __future__ import annotations

from typing import Any

from localcloud.aws_plugin.cloud import Cloud
from tests.localcloud.aws_plugin.resource_examples import ACCOUNT, TAGS, Example, of, policy

MORE_TAGS = {**TAGS, "tier": "hard", "x": "y"}
ROLE = f"arn:aws:iam::{ACCOUNT}:role/flow-logs"


def one(kind: str, *args: Any, **kwargs: Any) -> Example:
    """An example of the type ``ec2.Vpc``."""
    module, name = kind.split(".")
    return Example(f"aws:{module}/{name[0].lower()}{name[1:]}:{name}", *args, **kwargs)


def listed(action: str) -> str:
    return policy(Effect="Allow", Principal="*", Action=action, Resource="*")


def prefix_list(cloud: Cloud, _: Any) -> str:
    """The id of the addresses of S3."""
    named = [{"Name": "prefix-list-name", "Values": ["com.amazonaws.us-east-1.s3"]}]
    found = cloud.client("ec2").describe_prefix_lists(Filters=named)["PrefixLists"]
    return str(next(one["PrefixListId"] for one in found if one["PrefixListName"].endswith(".s3")))


def bucket(name: str) -> Any:
    """The ARN of a folder in a bucket; the bucket is there after."""

    def make(cloud: Cloud, _: Any) -> str:
        cloud.client("s3").create_bucket(Bucket=name)
        return f"arn:aws:s3:::{name}/flow-logs/"

    return make


vpc = one(
    "ec2.Vpc",
    {"cidrBlock": "10.20.0.0/16", "enableDnsHostnames": True, "tags": TAGS},
    {"enableDnsHostnames": False, "enableDnsSupport": False, "tags": MORE_TAGS},
)
peer_vpc = one("ec2.Vpc", {"cidrBlock": "10.30.0.0/16", "tags": TAGS}, name="peer")
subnet = one(
    "ec2.Subnet",
    {
        "vpcId": of(0),
        "cidrBlock": "10.20.0.0/24",
        "availabilityZone": "us-east-1a",
        "mapPublicIpOnLaunch": False,
        "tags": TAGS,
    },
    {"mapPublicIpOnLaunch": True},
    (vpc,),
)
other_subnet = one(
    "ec2.Subnet",
    {
        "vpcId": of(0),
        "cidrBlock": "10.20.1.0/24",
        "availabilityZone": "us-east-1b",
        "mapPublicIpOnLaunch": True,
        "tags": TAGS,
    },
    {"tags": MORE_TAGS},
    (vpc,),
    name="other",
)
route_table = one(
    "ec2.RouteTable", {"vpcId": of(0), "tags": TAGS}, {"tags": MORE_TAGS}, needs=(vpc,)
)
group = one(
    "ec2.SecurityGroup",
    {"name": "lake--acme", "description": "of acme (own)", "vpcId": of(0), "tags": TAGS},
    {"tags": MORE_TAGS},
    (vpc,),
)
peering = one(
    "ec2.VpcPeeringConnection",
    {"vpcId": of(0), "peerVpcId": of(1), "peerOwnerId": ACCOUNT, "tags": TAGS},
    {"tags": MORE_TAGS, "autoAccept": True},
    (vpc, peer_vpc),
)
balancer = one(
    "lb.LoadBalancer",
    {
        "name": "lake-nessie",
        "internal": True,
        "loadBalancerType": "application",
        "subnets": [of(2), of(1)],
        "securityGroups": [of(3)],
        "dropInvalidHeaderFields": True,
        "enableDeletionProtection": False,
        "idleTimeout": 120,
        "tags": TAGS,
    },
    {"dropInvalidHeaderFields": False, "enableHttp2": False, "tags": MORE_TAGS},
    (vpc, subnet, other_subnet, group),
)
target_group = one(
    "lb.TargetGroup",
    {
        "name": "lake-nessie",
        "port": 19120,
        "protocol": "HTTP",
        "targetType": "ip",
        "vpcId": of(0),
        "healthCheck": {"path": "/q/health", "matcher": "200-299", "interval": 20},
        "deregistrationDelay": 30,
        "tags": TAGS,
    },
    {"healthCheck": {"path": "/up", "timeout": 4}, "deregistrationDelay": 60, "tags": MORE_TAGS},
    (vpc,),
)
certificate = one(
    "acm.Certificate",
    {
        "domainName": "lake.example.com",
        "subjectAlternativeNames": ["*.lake.example.com", "a.example.com"],
        "validationMethod": "DNS",
        "tags": TAGS,
    },
    {"tags": {"managed-by": "lake/local", "x": "y"}},
)
NOT_FOUND = {
    "type": "fixed-response",
    "fixedResponse": {"contentType": "text/plain", "messageBody": "no", "statusCode": "404"},
}
listener = one(
    "lb.Listener",
    {
        "loadBalancerArn": of(0),
        "port": 443,
        "protocol": "HTTPS",
        "sslPolicy": "ELBSecurityPolicy-TLS13-1-2-2021-06",
        "certificateArn": of(1),
        "defaultActions": [NOT_FOUND],
        "tags": TAGS,
    },
    {
        "port": 8443,
        "defaultActions": [{"type": "redirect", "redirect": {"statusCode": "HTTP_301"}}],
        "tags": MORE_TAGS,
    },
    (balancer, certificate),
)
zone = one(
    "route53.Zone",
    {"name": "lake.internal", "vpcs": [{"vpcId": of(0)}], "comment": "names", "tags": TAGS},
    {"comment": "other", "vpcs": [{"vpcId": of(1)}], "tags": MORE_TAGS},
    (vpc, peer_vpc),
)


def rule(kind: str, name: str, inputs: dict[str, Any], change: dict[str, Any]) -> Example:
    base = {"securityGroupId": of(0), "tags": TAGS}
    return one(f"vpc.SecurityGroup{kind}Rule", {**base, **inputs}, change, (group,), name=name)


def action(**forward: Any) -> dict[str, Any]:
    return {"type": "forward", **forward}


NETWORKS = (
    vpc,
    subnet,
    other_subnet,
    route_table,
    group,
    peering,
    balancer,
    target_group,
    certificate,
    listener,
    zone,
    one(
        "ec2.Route",
        {
            "routeTableId": of(0),
            "destinationCidrBlock": "10.30.0.0/16",
            "vpcPeeringConnectionId": of(1),
        },
        needs=(route_table, peering),
    ),
    one(
        "ec2.RouteTableAssociation",
        {"routeTableId": of(0), "subnetId": of(1)},
        needs=(route_table, subnet),
    ),
    one(
        "ec2.DefaultSecurityGroup",
        {"vpcId": of(0), "tags": TAGS},
        {"tags": MORE_TAGS},
        (vpc,),
        stays=True,
    ),
    rule(
        "Ingress",
        "range",
        {"cidrIpv4": "10.0.0.0/8", "ipProtocol": "tcp", "fromPort": 443, "toPort": 443},
        {"cidrIpv4": "10.20.0.0/16", "toPort": 444, "description": "TLS", "tags": MORE_TAGS},
    ),
    rule(
        "Ingress",
        "group",
        {
            "referencedSecurityGroupId": of(0),
            "description": "each other",
            "ipProtocol": "tcp",
            "fromPort": 5432,
            "toPort": 5432,
        },
        {"description": "databases", "fromPort": 5433, "toPort": 5434},
    ),
    rule("Egress", "all", {"cidrIpv4": "0.0.0.0/0", "ipProtocol": "-1"}, {"description": "out"}),
    rule(
        "Egress",
        "list",
        {
            "prefixListId": prefix_list,
            "description": "S3",
            "ipProtocol": "tcp",
            "fromPort": 443,
            "toPort": 443,
        },
        {"description": "buckets"},
    ),
    one(
        "ec2.VpcEndpoint",
        {
            "vpcId": of(0),
            "serviceName": "com.amazonaws.us-east-1.s3",
            "vpcEndpointType": "Gateway",
            "policy": listed(action="s3:*"),
            "routeTableIds": [of(1)],
            "tags": TAGS,
        },
        {"policy": listed(action="s3:GetObject"), "routeTableIds": [], "tags": MORE_TAGS},
        (vpc, route_table),
        name="gateway",
    ),
    one(
        "ec2.VpcEndpoint",
        {
            "vpcId": of(0),
            "serviceName": "com.amazonaws.us-east-1.glue",
            "vpcEndpointType": "Interface",
            "subnetIds": [of(1), of(2)],
            "securityGroupIds": [of(3)],
            "privateDnsEnabled": True,
            "tags": TAGS,
        },
        {"subnetIds": [of(2)], "privateDnsEnabled": False, "policy": listed(action="glue:*")},
        (vpc, subnet, other_subnet, group),
        name="interface",
    ),
    one(
        "ec2.VpcPeeringConnectionAccepter",
        {"vpcPeeringConnectionId": of(0), "autoAccept": True, "tags": TAGS},
        {"tags": MORE_TAGS},
        (peering,),
        stays=True,
    ),
    one(
        "ec2.FlowLog",
        {
            "vpcId": of(0),
            "trafficType": "ALL",
            "logDestinationType": "cloud-watch-logs",
            "logDestination": f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:/flow/acme",
            "iamRoleArn": ROLE,
            "maxAggregationInterval": 60,
            "tags": TAGS,
        },
        {"tags": MORE_TAGS},
        (vpc,),
        name="to-logs",
    ),
    one(
        "ec2.FlowLog",
        {
            "subnetId": of(0),
            "trafficType": "REJECT",
            "logDestinationType": "s3",
            "logDestination": bucket("lake-flow-logs"),
            "tags": TAGS,
        },
        {"tags": MORE_TAGS},
        (subnet,),
        name="to-s3",
    ),
    one(
        "lb.Listener",
        {
            "loadBalancerArn": of(0),
            "port": 80,
            "protocol": "HTTP",
            "defaultActions": [action(targetGroupArn=of(1))],
            "tags": TAGS,
        },
        {"defaultActions": [NOT_FOUND]},
        (balancer, target_group),
        name="plain",
    ),
    one(
        "lb.ListenerRule",
        {
            "listenerArn": of(0),
            "priority": 10,
            "conditions": [
                {"hostHeader": {"values": ["acme.lake.internal", "a.lake.internal"]}},
                {"queryStrings": [{"key": "v", "value": "2"}]},
                {"httpHeader": {"httpHeaderName": "x-tenant", "values": ["acme"]}},
            ],
            "actions": [action(targetGroupArn=of(1))],
            "tags": TAGS,
        },
        {
            "priority": 20,
            "conditions": [{"pathPattern": {"values": ["/acme/*"]}}],
            "actions": [action(forward={"targetGroups": [{"arn": of(1), "weight": 2}]}, order=1)],
            "tags": MORE_TAGS,
        },
        (listener, target_group),
    ),
    one(
        "route53.Record",
        {
            "zoneId": of(0),
            "name": "acme",
            "type": "A",
            "aliases": [
                {
                    "name": of(1, "dnsName"),
                    "zoneId": of(1, "zoneId"),
                    "evaluateTargetHealth": True,
                }
            ],
        },
        {
            "aliases": [
                {
                    "name": of(1, "dnsName"),
                    "zoneId": of(1, "zoneId"),
                    "evaluateTargetHealth": False,
                }
            ],
        },
        (zone, balancer),
        name="alias",
    ),
    one(
        "route53.Record",
        {
            "zoneId": of(0),
            "name": "db.lake.internal",
            "type": "CNAME",
            "ttl": 60,
            "records": ["db.example.com"],
        },
        {"ttl": 300, "records": ["other.example.com"]},
        (zone,),
        name="values",
    ),
    one(
        "acm.CertificateValidation",
        {"certificateArn": of(0)},
        needs=(certificate,),
        stays=True,
    ),
)
