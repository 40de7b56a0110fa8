from typing import Any

import pytest

from policies.security_group import RULE
from tests.policies.things import found, thing

INGRESS = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
EGRESS = "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule"
GROUP = "aws:ec2/securityGroup:SecurityGroup"


@pytest.mark.parametrize(
    ("kind", "inputs"),
    [
        (INGRESS, {"cidrIpv4": "0.0.0.0/0"}),
        (INGRESS, {"cidrIpv6": "::/0"}),
        (EGRESS, {"cidrIpv4": "0.0.0.0/0"}),
        (GROUP, {"ingress": [{"cidrBlocks": ["10.0.0.0/8", "0.0.0.0/0"]}]}),
        (GROUP, {"egress": [{"ipv6CidrBlocks": ["::/0"]}]}),
    ],
)
def test_an_open_range_is_told(kind: str, inputs: dict[str, Any]) -> None:
    ((_, fault),) = found(RULE, thing(kind, **inputs))
    assert "is open to" in fault


def test_a_named_range_and_a_group_pass() -> None:
    group = thing(INGRESS, "group", referencedSecurityGroupId="sg-1")
    assert found(RULE, thing(INGRESS, cidrIpv4="10.0.0.0/16"), group) == []
