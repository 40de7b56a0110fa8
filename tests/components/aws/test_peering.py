"""The peering: between a hard tenant's network and the platform's, both ways, and no further."""

from pathlib import Path

import pulumi_aws as aws
import pytest

from components.aws.network import Network
from components.aws.peering import Peering, PeeringArgs
from onboarding.recording import Recorded
from tests.components.aws.networks import depends_on, named, of_type, plan, recorded

PLATFORM_STACK = "organization/tenancy/prod"


@pytest.fixture
def resources(tmp_path: Path) -> dict[str, Recorded]:
    stack = plan(tmp_path, "prod-initech")

    def build(network: Network) -> None:
        provider = aws.Provider("of-platform", region="us-east-1")
        Peering("peering", PeeringArgs(network, stack.environment, provider))

    return recorded(stack, build)


def test_the_tenant_asks_and_the_platform_accepts(resources: dict[str, Recorded]) -> None:
    asked = named(resources, "peering-connection")
    assert asked.inputs == {
        "vpcId": "net-vpc-id",
        "peerVpcId": f"{PLATFORM_STACK}:vpc_id",
        "peerOwnerId": "222222222222",
        "peerRegion": "us-east-1",
    }
    accepted = named(resources, "peering-acceptance")
    assert accepted.inputs["vpcPeeringConnectionId"] == "peering-connection-id"
    assert accepted.inputs["autoAccept"] is True


def test_what_lies_in_the_platforms_account_is_made_with_its_provider(
    resources: dict[str, Recorded],
) -> None:
    by_platform = {r.name for r in resources.values() if "of-platform" in r.provider}
    assert by_platform == {"peering-acceptance", "peering-back"}


def test_each_network_has_a_route_to_the_other_and_to_no_third(
    resources: dict[str, Recorded],
) -> None:
    routes = {
        route.inputs["routeTableId"]: route.inputs["destinationCidrBlock"]
        for route in of_type(resources, "Route")
    }
    assert routes == {
        "net-routes-id": "10.0.0.0/16",
        f"{PLATFORM_STACK}:route_table_id": "10.112.48.0/20",
    }


def test_routes_come_after_the_acceptance(resources: dict[str, Recorded]) -> None:
    accepted = named(resources, "peering-acceptance")
    for route in of_type(resources, "Route"):
        assert route.inputs["vpcPeeringConnectionId"] == "peering-connection-id"
        assert depends_on(resources, route, accepted)
