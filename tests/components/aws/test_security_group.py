"""Security groups: named flows only, and never an open range."""

from pathlib import Path

import pytest

from components.aws.network import Network
from components.aws.security_group import Flow, ServiceGroup, ServiceGroupArgs
from onboarding.recording import Recorded
from tests.components.aws.networks import depends_on, named, of_type, owner, plan, recorded


@pytest.fixture
def resources(tmp_path: Path) -> dict[str, Recorded]:
    stack = plan(tmp_path, "prod")

    def build(network: Network) -> None:
        group = ServiceGroup(
            "nessie",
            ServiceGroupArgs(
                stack.names,
                owner(stack),
                "nessie",
                network.parts.vpc_id,
                ingress=[Flow("gateway", 19120, group_id="sg-gateway")],
                egress=[
                    Flow("endpoints", 443, group_id=network.parts.endpoints_group_id),
                    Flow("s3", 443, prefix_list_id="pl-s3"),
                    Flow("others", 1024, cidr="10.0.0.0/16", last_port=2048),
                ],
            ),
        )
        ServiceGroup(
            "caller",
            ServiceGroupArgs(
                stack.names,
                owner(stack),
                "caller",
                network.parts.vpc_id,
                egress=[Flow("nessie", 19120, group_id=group.group_id)],
            ),
        )

    return recorded(stack, build)


def test_a_group_lets_through_its_flows_and_no_other(resources: dict[str, Recorded]) -> None:
    rules = [
        rule
        for kind in ("SecurityGroupIngressRule", "SecurityGroupEgressRule")
        for rule in of_type(resources, kind)
        if rule.inputs["securityGroupId"] == "nessie-group-id"
    ]
    sides = ("referencedSecurityGroupId", "prefixListId", "cidrIpv4")
    found = {
        rule.name: (
            *(rule.inputs[side] for side in sides if side in rule.inputs),
            rule.inputs["fromPort"],
            rule.inputs["toPort"],
        )
        for rule in rules
    }
    assert found == {
        "nessie-from-gateway": ("sg-gateway", 19120, 19120),
        "nessie-to-endpoints": ("net-endpoints-group-id", 443, 443),
        "nessie-to-s3": ("pl-s3", 443, 443),
        "nessie-to-others": ("10.0.0.0/16", 1024, 2048),
    }
    assert {rule.inputs["ipProtocol"] for rule in rules} == {"tcp"}


def test_a_group_has_no_rules_of_its_own_beside_them(resources: dict[str, Recorded]) -> None:
    group = named(resources, "nessie-group")
    assert not {"ingress", "egress"} & group.inputs.keys()
    assert group.inputs["name"] == "lakehouse-prod--platform--nessie"


def test_what_uses_a_group_comes_after_its_rules(resources: dict[str, Recorded]) -> None:
    user = named(resources, "caller-to-nessie")
    for rule in ("nessie-to-endpoints", "nessie-from-gateway"):
        assert depends_on(resources, user, named(resources, rule))


@pytest.mark.parametrize("cidr", ["0.0.0.0/0", "10.0.0.0/7", "8.8.8.0/24"])
def test_a_range_that_is_not_private_is_refused(cidr: str) -> None:
    with pytest.raises(ValueError, match=f"is open to {cidr}"):
        Flow("all", 443, cidr=cidr)


def test_a_flow_has_one_other_side() -> None:
    with pytest.raises(ValueError, match="needs one other side"):
        Flow("nobody", 443)
    with pytest.raises(ValueError, match="needs one other side"):
        Flow("two", 443, group_id="sg-1", cidr="10.0.0.0/16")
