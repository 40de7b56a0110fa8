"""The load balancer: internal, encrypted, and nothing for a host that it does not know."""

from pathlib import Path

import pulumi_aws as aws
import pytest

from components.aws.load_balancer import HostRoute, HostRouteArgs, LoadBalancer, LoadBalancerArgs
from components.aws.network import Network
from onboarding.recording import Recorded
from tenancy.estate import StackPlan
from tests.components.aws.networks import (
    DOMAIN,
    depends_on,
    named,
    of_type,
    owner,
    plan,
    recorded,
)

Resources = dict[str, Recorded]
CLIENTS = ("10.0.0.0/16", "172.16.0.0/24")


def built(stack: StackPlan, port: int = 19120) -> Resources:
    host = f"globex.nessie.{DOMAIN}"

    def build(network: Network) -> None:
        names, whose = stack.names, owner(stack)
        balancer = LoadBalancer("lb", LoadBalancerArgs(names, whose, network, DOMAIN, CLIENTS))
        route = HostRoute(
            "route",
            HostRouteArgs(
                balancer.parts,
                names,
                "globex",
                "nessie",
                host,
                port,
                "/q/live",
                7,
                network.parts.vpc_id,
            ),
        )
        aws.ecs.Service("service", load_balancers=[{"target_group_arn": route.target_group_arn}])

    return recorded(stack, build)


@pytest.fixture(params=["prod", "prod-initech"])
def stack(request: pytest.FixtureRequest, tmp_path: Path) -> StackPlan:
    return plan(tmp_path, request.param)


def test_it_is_internal_locked_against_deletion_and_drops_invalid_headers(
    stack: StackPlan,
) -> None:
    balancer = named(built(stack), "lb-balancer")
    assert balancer.inputs["internal"] is True
    assert balancer.inputs["dropInvalidHeaderFields"] is True
    assert balancer.inputs["enableDeletionProtection"] is stack.network.deletion_protection
    assert stack.network.deletion_protection is True
    assert balancer.inputs["name"] == stack.names.load_balancer(owner(stack))


def test_it_is_made_when_the_endpoints_stand(stack: StackPlan) -> None:
    resources = built(stack)
    balancer = named(resources, "lb-balancer")
    endpoints = of_type(resources, "VpcEndpoint")
    assert len(endpoints) == 7
    assert all(depends_on(resources, balancer, endpoint) for endpoint in endpoints)


def test_only_modern_tls_is_spoken_and_an_unknown_host_gets_404(stack: StackPlan) -> None:
    (listener,) = of_type(built(stack), "Listener")
    assert (listener.inputs["port"], listener.inputs["protocol"]) == (443, "HTTPS")
    assert listener.inputs["sslPolicy"] == "ELBSecurityPolicy-TLS13-1-2-2021-06"
    (action,) = listener.inputs["defaultActions"]
    assert (action["type"], action["fixedResponse"]["statusCode"]) == ("fixed-response", "404")


def test_the_listener_waits_for_a_certificate_of_the_owners_hosts(stack: StackPlan) -> None:
    resources = built(stack)
    (certificate,) = of_type(resources, "Certificate")
    names = {certificate.inputs["domainName"], *certificate.inputs["subjectAlternativeNames"]}
    assert certificate.inputs["validationMethod"] == "DNS"
    assert names == (
        {f"initech.nessie.{DOMAIN}", f"initech.dagster.{DOMAIN}"}
        if stack.hard
        else {f"catalog.{DOMAIN}", f"dagster.{DOMAIN}", f"*.nessie.{DOMAIN}"}
    )
    (validation,) = of_type(resources, "CertificateValidation")
    (listener,) = of_type(resources, "Listener")
    assert depends_on(resources, listener, validation)


def test_only_its_clients_call_it_and_it_calls_only_its_network(stack: StackPlan) -> None:
    resources = built(stack)
    own = "lb-group-group-id"
    callers = {
        (rule.inputs["cidrIpv4"], rule.inputs["fromPort"], rule.inputs["toPort"])
        for rule in of_type(resources, "SecurityGroupIngressRule")
        if rule.inputs["securityGroupId"] == own
    }
    assert callers == {(cidr, 443, 443) for cidr in CLIENTS}
    (called,) = of_type(resources, "SecurityGroupEgressRule")
    assert called.inputs["securityGroupId"] == own
    assert called.inputs["cidrIpv4"] == stack.network.cidr


def test_its_hosts_are_known_in_its_network_alone(stack: StackPlan) -> None:
    (zone,) = of_type(built(stack), "Zone")
    assert zone.inputs["vpcs"] == [{"vpcId": "net-vpc-id"}]
    assert zone.inputs["name"] == DOMAIN


def test_a_host_is_forwarded_to_targets_that_are_checked(stack: StackPlan) -> None:
    resources = built(stack)
    (rule,) = of_type(resources, "ListenerRule")
    assert rule.inputs["priority"] == 7
    assert rule.inputs["conditions"] == [{"hostHeader": {"values": [f"globex.nessie.{DOMAIN}"]}}]
    assert rule.inputs["actions"] == [{"type": "forward", "targetGroupArn": "arn:of:route-targets"}]
    (targets,) = of_type(resources, "TargetGroup")
    assert targets.inputs["healthCheck"]["path"] == "/q/live"
    assert targets.inputs["targetType"] == "ip"
    assert len(targets.inputs["name"]) <= 32
    (record,) = of_type(resources, "Record")
    assert (record.inputs["name"], record.inputs["type"]) == (f"globex.nessie.{DOMAIN}", "A")
    assert depends_on(resources, record, named(resources, "lb-balancer"))


def test_a_service_comes_after_the_rule_that_its_targets_need(stack: StackPlan) -> None:
    resources = built(stack)
    (rule,) = of_type(resources, "ListenerRule")
    assert depends_on(resources, named(resources, "service"), rule)


def test_targets_on_another_port_have_another_name_to_be_made_beside_the_old(
    stack: StackPlan,
) -> None:
    (one,), (other,) = (of_type(built(stack, port), "TargetGroup") for port in (19120, 8080))
    assert one.inputs["name"] != other.inputs["name"]


def test_a_route_is_claimed_by_the_tenant_that_it_leads_to(stack: StackPlan) -> None:
    resources = built(stack)
    claims = named(resources, "route").outputs["claims"]
    (targets,) = of_type(resources, "TargetGroup")
    assert claims["tenant"] == "globex"
    assert claims["owns"] == [stack.names.target_group_arn("globex", "nessie-19120")]
    assert f"targetgroup/{targets.inputs['name']}/" in claims["owns"][0]
    balancer = named(resources, "lb").outputs["claims"]
    assert balancer["tenant"] == ("initech" if stack.hard else None)
    assert balancer["owns"] == [stack.names.load_balancer_arn(owner(stack))]
