"""Load balancers: drift, sameness of actions and conditions, and what is refused."""

from __future__ import annotations

from typing import Any

import boto3
import pytest

from localcloud.aws_plugin.cloud import Cloud
from localcloud.aws_plugin.lb_rules import same_actions, same_conditions
from localcloud.aws_plugin.registry import handler
from localcloud.aws_plugin.resource import ResourceError
from tests.localcloud.aws_plugin import network_examples as networks
from tests.localcloud.aws_plugin.resource_examples import TAGS
from tests.localcloud.aws_plugin.test_ec2 import create, drifted, named
from tests.localcloud.aws_plugin.test_life import make, ready
from tests.localcloud.aws_plugin.test_patches import refused

BALANCER = "aws:lb/loadBalancer:LoadBalancer"
TARGETS = "aws:lb/targetGroup:TargetGroup"
LISTENER = "aws:lb/listener:Listener"
RULE = "aws:lb/listenerRule:ListenerRule"
ANSWER = {"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "404"}}


@pytest.fixture
def elb(session: boto3.Session) -> Any:
    return session.client("elbv2")


def test_outputs_that_programs_read(cloud: Cloud) -> None:
    arn, state = make(cloud, networks.balancer)
    assert state["arn"] == arn
    assert arn.endswith(f":loadbalancer/{state['arnSuffix']}")
    assert state["dnsName"].startswith("internal-lake-nessie-")
    assert state["vpcId"] == make(cloud, networks.vpc)[0]
    assert state["zoneId"]
    targets, of_targets = make(cloud, networks.target_group)
    assert targets.endswith(f":{of_targets['arnSuffix']}")
    assert of_targets["arnSuffix"].startswith("targetgroup/lake-nessie/")


def test_settings_changed_by_hand_are_drift(cloud: Cloud, elb: Any) -> None:
    arn, state = make(cloud, networks.balancer)
    switch = {"Key": "routing.http.drop_invalid_header_fields.enabled", "Value": "false"}
    elb.modify_load_balancer_attributes(LoadBalancerArn=arn, Attributes=[switch])
    there = drifted(cloud, BALANCER, arn, state)
    assert there is not None
    assert there["dropInvalidHeaderFields"] is False
    targets, of_targets = make(cloud, networks.target_group)
    elb.modify_target_group(TargetGroupArn=targets, HealthyThresholdCount=9)
    there = drifted(cloud, TARGETS, targets, of_targets)
    assert there is not None
    assert there["healthCheck"]["healthyThreshold"] == 9


def test_an_interrupted_balancer_gets_its_settings(cloud: Cloud, elb: Any) -> None:
    example = ready(cloud, networks.balancer)
    elb.create_load_balancer(
        Name="lake-nessie",
        Scheme="internal",
        Subnets=example.inputs["subnets"],
        SecurityGroups=example.inputs["securityGroups"],
        Tags=[{"Key": key, "Value": value} for key, value in TAGS.items()],
    )
    _, state = create(cloud, BALANCER, **example.inputs)
    assert state["dropInvalidHeaderFields"] is True


def test_a_strangers_listener_on_the_port_is_refused(cloud: Cloud, elb: Any) -> None:
    example = ready(cloud, networks.listener)
    balancer = example.inputs["loadBalancerArn"]
    elb.create_listener(
        LoadBalancerArn=balancer, Port=443, Protocol="HTTP", DefaultActions=[ANSWER]
    )
    with pytest.raises(ResourceError, match="not of this stack"):
        create(cloud, LISTENER, **example.inputs)


def test_a_protected_balancer_stays(cloud: Cloud) -> None:
    example = ready(cloud, networks.balancer)
    inputs = {**example.inputs, "enableDeletionProtection": True}
    arn, state = create(cloud, BALANCER, **inputs)
    with pytest.raises(Exception, match="deletion protection"):
        handler(BALANCER).remove(cloud, arn, state)
    open_to_it = {**inputs, "enableDeletionProtection": False}
    state = handler(BALANCER).update(cloud, arn, state, open_to_it, inputs)
    handler(BALANCER).remove(cloud, arn, state)


def test_subnets_and_groups_change_in_place(cloud: Cloud) -> None:
    example = ready(cloud, networks.balancer)
    arn, state = create(cloud, BALANCER, **example.inputs)
    vpc, of_vpc = make(cloud, networks.vpc)
    subnet, _ = create(
        cloud,
        "aws:ec2/subnet:Subnet",
        "third",
        vpcId=vpc,
        cidrBlock="10.20.7.0/24",
        availabilityZone="us-east-1c",
    )
    wanted = {
        **example.inputs,
        "subnets": [subnet, *example.inputs["subnets"]],
        "securityGroups": [of_vpc["defaultSecurityGroupId"]],
    }
    changed = handler(BALANCER).differences(state, wanted, example.inputs)
    assert changed == {"subnets", "securityGroups"}
    after = handler(BALANCER).update(cloud, arn, state, wanted, example.inputs)
    assert not handler(BALANCER).differences(after, wanted, wanted)


def test_balancers_that_aws_does_not_make(cloud: Cloud, elb: Any) -> None:
    example = ready(cloud, networks.balancer)
    create(cloud, BALANCER, **example.inputs)
    subnets = example.inputs["subnets"]
    refused(
        elb.create_load_balancer, "DuplicateLoadBalancerName", Name="lake-nessie", Subnets=subnets
    )
    wrong = "InvalidConfigurationRequest"
    refused(elb.create_load_balancer, wrong, Name="one-zone", Subnets=subnets[:1])
    unknown = ["sg-0123456789abcdef0"]
    request = {"Name": "other", "Subnets": subnets, "SecurityGroups": unknown}
    refused(elb.create_load_balancer, "InvalidSecurityGroup", **request)


def test_listeners_that_aws_does_not_make(cloud: Cloud, elb: Any) -> None:
    example = ready(cloud, networks.listener)
    create(cloud, LISTENER, **example.inputs)
    base = {"LoadBalancerArn": example.inputs["loadBalancerArn"], "DefaultActions": [ANSWER]}
    refused(elb.create_listener, "DuplicateListener", Port=443, Protocol="HTTP", **base)
    refused(elb.create_listener, "CertificateNotFound", Port=444, Protocol="HTTPS", **base)
    certificate = [{"CertificateArn": example.inputs["certificateArn"]}]
    secure = {"Port": 444, "Protocol": "HTTPS", "Certificates": certificate, **base}
    refused(elb.create_listener, "SSLPolicyNotFound", SslPolicy="ELBSecurityPolicy-None", **secure)


def test_a_rules_priority_is_taken_once(cloud: Cloud, elb: Any) -> None:
    example = ready(cloud, named("ListenerRule"))
    create(cloud, RULE, **example.inputs)
    refused(
        elb.create_rule,
        "PriorityInUse",
        ListenerArn=example.inputs["listenerArn"],
        Priority=10,
        Conditions=[{"Field": "host-header", "Values": ["x"]}],
        Actions=[ANSWER],
    )
    another = {**example.inputs, "tags": {"managed-by": "someone/else"}}
    with pytest.raises(ResourceError, match="not of this stack"):
        create(cloud, RULE, "another", **another)


@pytest.mark.parametrize("name", ["a" * 33, "-a", "a-", "a_b", "internal-a"])
def test_a_balancers_name(name: str) -> None:
    inputs = {"name": name, "subnets": ["a", "b"]}
    assert [place for place, _ in handler(BALANCER).check(inputs)] == ["name"]


@pytest.mark.parametrize("name", ["a" * 33, "-a", "a-", "a.b", "a--b"])
def test_a_target_groups_name(name: str) -> None:
    inputs = {"name": name, "port": 80, "protocol": "HTTP", "vpcId": "vpc-1"}
    assert [place for place, _ in handler(TARGETS).check(inputs)] == ["name"]


def test_an_https_listener_needs_a_certificate_and_only_that_has_one() -> None:
    base = {"loadBalancerArn": "arn:x", "port": 443, "defaultActions": [networks.NOT_FOUND]}
    check = handler(LISTENER).check
    assert [name for name, _ in check({**base, "protocol": "HTTPS"})] == ["certificateArn"]
    plain = {**base, "protocol": "HTTP", "sslPolicy": "x"}
    assert [name for name, _ in check(plain)] == ["sslPolicy"]


def test_actions_are_the_same_in_either_form() -> None:
    short = [{"type": "forward", "targetGroupArn": "a"}]
    long = [
        {"type": "forward", "order": 1, "forward": {"targetGroups": [{"arn": "a", "weight": 3}]}}
    ]
    assert same_actions(short, long)
    assert not same_actions(short, [{"type": "forward", "targetGroupArn": "b"}])
    moved = [{"type": "redirect", "redirect": {"statusCode": "HTTP_301"}}]
    filled = [{"type": "redirect", "redirect": {"statusCode": "HTTP_301", "path": "/#{path}"}}]
    assert same_actions(moved, filled)
    filled[0]["redirect"]["path"] = "/"  # type: ignore[index]
    assert not same_actions(moved, filled)


def test_conditions_are_sets() -> None:
    one = [{"hostHeader": {"values": ["a", "b"]}}, {"pathPattern": {"values": ["/x"]}}]
    assert same_conditions(one, [one[1], {"hostHeader": {"values": ["b", "a"]}}])
    assert not same_conditions(one, one[:1])
