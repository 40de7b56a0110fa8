from typing import Any

import pytest

from policies.shared_nessie import RULE
from tests.policies.things import containers, found, thing

SERVICE, GROUP = "aws:ecs/service:Service", "aws:ec2/securityGroup:SecurityGroup"
INGRESS = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
TASK = "aws:ecs/taskDefinition:TaskDefinition"
TASKS = [
    thing(TASK, name, arn=f"arn:{name}", containerDefinitions=containers(f"{name}:1"))
    for name in ("nessie", "gateway")
]
GROUPS = [thing(GROUP, name, id=f"sg-{name}") for name in ("nessie", "gateway", "balancer")]


def service(name: str, tenant: str = "platform", **inputs: object) -> dict[str, Any]:
    network = {"securityGroups": [f"sg-{name}"]}
    given = {"taskDefinition": f"arn:{name}", "networkConfiguration": network, **inputs}
    return thing(SERVICE, f"{name}-service", tags={"tenant": tenant}, **given)


def told(*things: dict[str, Any]) -> list[str]:
    return [name for name, _ in found(RULE, *TASKS, *GROUPS, service("gateway"), *things)]


def test_the_gateway_alone_may_reach_it() -> None:
    source = {"securityGroupId": "sg-nessie", "referencedSecurityGroupId": "sg-gateway"}
    assert told(service("nessie"), thing(INGRESS, "rule", **source)) == []


@pytest.mark.parametrize(
    "source", [{"referencedSecurityGroupId": "sg-balancer"}, {"cidrIpv4": "10.0.0.0/16"}]
)
def test_who_else_is_let_in_is_told(source: dict[str, str]) -> None:
    rule = thing(INGRESS, "rule", securityGroupId="sg-nessie", **source)
    assert told(service("nessie"), rule) == ["rule"]
    assert told(service("nessie", tenant="acme"), rule) == []


def test_a_load_balancer_before_it_is_told() -> None:
    behind = service("nessie", loadBalancers=[{"targetGroupArn": "arn"}])
    assert told(behind) == ["nessie-service"]
