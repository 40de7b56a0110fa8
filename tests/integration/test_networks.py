"""A network in two accounts, by the real engine: made, unchanged, refreshed, changed, destroyed."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from tests.integration.checkout import Checkout

PLATFORM, TENANT = "123456789012", "210987654321"
PROGRAM = f"""
import json
import pulumi
import pulumi_aws as aws
from pulumi import ResourceOptions

TAGS = {{"tenant": "acme", "managed-by": "networks/local"}}
POLICY = json.dumps({{"Version": "2012-10-17", "Statement": [
    {{"Effect": "Allow", "Principal": "*", "Action": "s3:*", "Resource": "*"}}]}})
role = "arn:aws:iam::{TENANT}:role/OrganizationAccountAccessRole"
mine = aws.Provider("platform", region="us-east-1", allowed_account_ids=["{PLATFORM}"])
theirs = aws.Provider("tenant", region="us-east-1", allowed_account_ids=["{TENANT}"],
                      assume_roles=[aws.ProviderAssumeRoleArgs(role_arn=role)])


class Network:
    def __init__(self, name, cidr, provider):
        self.name, self.cidr, self.opts = name, cidr, ResourceOptions(provider=provider)
        second = ".".join(cidr.split(".")[:2])
        self.vpc = aws.ec2.Vpc(name, cidr_block=cidr, enable_dns_support=True,
                               enable_dns_hostnames=True, tags=TAGS, opts=self.opts)
        aws.ec2.DefaultSecurityGroup(name, vpc_id=self.vpc.id, tags=TAGS, opts=self.opts)
        self.table = aws.ec2.RouteTable(name, vpc_id=self.vpc.id, tags=TAGS, opts=self.opts)
        self.subnets = []
        for number, zone in enumerate(("us-east-1a", "us-east-1b")):
            subnet = aws.ec2.Subnet(f"{{name}}-{{zone}}", vpc_id=self.vpc.id,
                                    cidr_block=f"{{second}}.{{number}}.0/24",
                                    availability_zone=zone, map_public_ip_on_launch=False,
                                    tags=TAGS, opts=self.opts)
            aws.ec2.RouteTableAssociation(f"{{name}}-{{zone}}", subnet_id=subnet.id,
                                          route_table_id=self.table.id, opts=self.opts)
            self.subnets.append(subnet.id)
        self.group = aws.ec2.SecurityGroup(name, name=f"lake--{{name}}", description=name,
                                           vpc_id=self.vpc.id, tags=TAGS, opts=self.opts)
        self.gateway = aws.ec2.VpcEndpoint(
            f"{{name}}-s3", vpc_id=self.vpc.id, service_name="com.amazonaws.us-east-1.s3",
            vpc_endpoint_type="Gateway", policy=POLICY, route_table_ids=[self.table.id],
            tags=TAGS, opts=self.opts)
        aws.vpc.SecurityGroupEgressRule(
            name, security_group_id=self.group.id, description="S3", ip_protocol="tcp",
            from_port=443, to_port=443, prefix_list_id=self.gateway.prefix_list_id,
            tags=TAGS, opts=self.opts)
        aws.ec2.VpcEndpoint(
            f"{{name}}-glue", vpc_id=self.vpc.id, service_name="com.amazonaws.us-east-1.glue",
            vpc_endpoint_type="Interface", subnet_ids=self.subnets, private_dns_enabled=True,
            security_group_ids=[self.group.id], tags=TAGS, opts=self.opts)


platform = Network("platform", "10.20.0.0/16", mine)
tenant = Network("tenant", "10.30.0.0/16", theirs)
port = pulumi.Config().get_int("port") or 443
aws.vpc.SecurityGroupIngressRule(
    "from-tenant", security_group_id=platform.group.id, description="network of the tenant",
    ip_protocol="tcp", from_port=port, to_port=port, cidr_ipv4=tenant.cidr, tags=TAGS,
    opts=platform.opts)

asked = aws.ec2.VpcPeeringConnection(
    "peering", vpc_id=tenant.vpc.id, peer_vpc_id=platform.vpc.id, peer_owner_id="{PLATFORM}",
    peer_region="us-east-1", tags=TAGS, opts=tenant.opts)
accepted = aws.ec2.VpcPeeringConnectionAccepter(
    "peering", vpc_peering_connection_id=asked.id, auto_accept=True, tags=TAGS,
    opts=platform.opts)
for here, there in ((platform, tenant), (tenant, platform)):
    aws.ec2.Route(here.name, route_table_id=here.table.id, destination_cidr_block=there.cidr,
                  vpc_peering_connection_id=accepted.id, opts=here.opts)

flows = aws.s3.Bucket("flows", bucket="lake-flows", opts=platform.opts)
aws.ec2.FlowLog("tenant", vpc_id=tenant.vpc.id, traffic_type="ALL", log_destination_type="s3",
                log_destination=flows.arn.apply(lambda arn: f"{{arn}}/tenant/"),
                max_aggregation_interval=60, tags=TAGS, opts=tenant.opts)

balancer = aws.lb.LoadBalancer(
    "balancer", name="lake-platform", internal=True, load_balancer_type="application",
    security_groups=[platform.group.id], subnets=platform.subnets,
    drop_invalid_header_fields=True, tags=TAGS, opts=platform.opts)
certificate = aws.acm.Certificate(
    "certificate", domain_name="lake.example.com", validation_method="DNS",
    subject_alternative_names=["*.lake.example.com"], tags=TAGS, opts=platform.opts)
validated = aws.acm.CertificateValidation(
    "certificate", certificate_arn=certificate.arn, opts=platform.opts)
listener = aws.lb.Listener(
    "https", load_balancer_arn=balancer.arn, port=443, protocol="HTTPS",
    ssl_policy="ELBSecurityPolicy-TLS13-1-2-2021-06", certificate_arn=validated.certificate_arn,
    default_actions=[{{"type": "fixed-response", "fixed_response": {{
        "content_type": "text/plain", "message_body": "no", "status_code": "404"}}}}],
    tags=TAGS, opts=platform.opts)
targets = aws.lb.TargetGroup(
    "targets", name="acme-nessie", port=19120, protocol="HTTP", target_type="ip",
    vpc_id=platform.vpc.id, deregistration_delay=30,
    health_check={{"path": "/q/health", "matcher": "200", "interval": 15, "timeout": 5}},
    tags=TAGS, opts=platform.opts)
aws.lb.ListenerRule(
    "rule", listener_arn=listener.arn, priority=7,
    conditions=[{{"host_header": {{"values": ["acme.lake.example.com"]}}}}],
    actions=[{{"type": "forward", "target_group_arn": targets.arn}}], tags=TAGS,
    opts=platform.opts)
zone = aws.route53.Zone("zone", name="lake.example.com", comment="names", force_destroy=False,
                        vpcs=[{{"vpc_id": platform.vpc.id}}], tags=TAGS, opts=platform.opts)
aws.route53.Record(
    "record", zone_id=zone.zone_id, name="acme.lake.example.com", type="A", aliases=[{{
        "name": balancer.dns_name, "zone_id": balancer.zone_id, "evaluate_target_health": True}}],
    opts=platform.opts)
pulumi.export("peering", accepted.id)
pulumi.export("vpcs", [platform.vpc.id, tenant.vpc.id])
"""

Run = Callable[..., CompletedProcess[str]]


@pytest.fixture(scope="module")
def checkout(new_checkout: Callable[[], Checkout]) -> Checkout:
    checkout = new_checkout()
    checkout.start_cloud(PLATFORM, TENANT)
    return checkout


@pytest.fixture(scope="module")
def pulumi(checkout: Checkout, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """`pulumi` on a project of its own in the checkout's cloud; it must succeed."""
    folder = tmp_path_factory.mktemp("networks")
    runtime = f"{{name: python, options: {{virtualenv: {Path(sys.prefix)}}}}}"
    (folder / "Pulumi.yaml").write_text(f"name: networks\nruntime: {runtime}\n", encoding="utf-8")
    (folder / "__main__.py").write_text(PROGRAM, encoding="utf-8")

    def run(*arguments: str) -> CompletedProcess[str]:
        done = checkout.pulumi("--cwd", str(folder), *arguments)
        assert done.returncode == 0, done.stdout + done.stderr
        return done

    run("stack", "init", "local")
    return run


def test_a_network_lives_in_two_accounts(checkout: Checkout, pulumi: Run) -> None:
    pulumi("up", "--yes", "--skip-preview")
    peering = pulumi("stack", "output", "peering").stdout.strip()
    for account in (None, TENANT):
        seen = checkout.client("ec2", account).describe_vpc_peering_connections(
            VpcPeeringConnectionIds=[peering]
        )
        assert seen["VpcPeeringConnections"][0]["Status"]["Code"] == "active"
        routes = [
            route
            for table in checkout.client("ec2", account).describe_route_tables()["RouteTables"]
            for route in table["Routes"]
            if route.get("VpcPeeringConnectionId") == peering
        ]
        assert [route["State"] for route in routes] == ["active"]
    pulumi("up", "--yes", "--expect-no-changes")
    pulumi("refresh", "--yes", "--expect-no-changes")


def test_a_changed_port_is_changed_in_place(checkout: Checkout, pulumi: Run) -> None:
    pulumi("config", "set", "port", "444")
    changed = pulumi("up", "--yes", "--skip-preview").stdout
    assert "~ 1 updated" in changed
    assert "replaced" not in changed
    pulumi("refresh", "--yes", "--expect-no-changes")


def test_all_of_it_can_be_destroyed(checkout: Checkout, pulumi: Run) -> None:
    pulumi("destroy", "--yes", "--skip-preview")
    for account in (None, TENANT):
        vpcs = checkout.client("ec2", account).describe_vpcs()["Vpcs"]
        assert [vpc["IsDefault"] for vpc in vpcs] == [True]
    assert checkout.client("elbv2").describe_load_balancers()["LoadBalancers"] == []
    assert checkout.client("route53").list_hosted_zones()["HostedZones"] == []
    assert checkout.client("acm").list_certificates()["CertificateSummaryList"] == []
