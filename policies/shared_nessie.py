"""A Nessie that several tenants share is reached through the gateway only."""

from collections.abc import Iterator

from isolation.graph import Graph, Resource
from isolation.inventory import tags
from isolation.ownership import OF_THE_PLATFORM
from policies.containers import TASK_DEFINITION, containers, is_nessie
from policies.links import Links
from policies.rule import EstateRule, Fault, NotKnownYetError, Settings

_SERVICE, _GROUP = "aws:ecs/service:Service", "aws:ec2/securityGroup:SecurityGroup"
_INGRESS = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"


def _find(graph: Graph, settings: Settings) -> Iterator[Fault]:
    links = Links(graph)
    services = [one for one in graph.resources if one.type == _SERVICE]
    ingress = [one for one in graph.resources if one.type == _INGRESS]
    groups = {one.urn: links.of(one, "networkConfiguration", _GROUP) for one in services}
    of_services = {group.urn for found in groups.values() for group in found}
    for service in services:
        if tags(service).get(settings.tag) not in OF_THE_PLATFORM or not _runs_nessie(
            links, service
        ):
            continue
        if service.inputs.get("loadBalancers"):
            yield Fault(service, "is behind a load balancer, past the gateway")
        mine = {group.urn for group in groups[service.urn]}
        for rule in ingress:
            if mine.isdisjoint(one.urn for one in links.of(rule, "securityGroupId", _GROUP)):
                continue
            sources = links.of(rule, "referencedSecurityGroupId", _GROUP)
            if not sources or any(source.urn not in of_services for source in sources):
                yield Fault(rule, f"lets others than the gateway to {service.name}")


def _runs_nessie(links: Links, service: Resource) -> bool:
    try:
        return any(
            is_nessie(container)
            for task in links.of(service, "taskDefinition", TASK_DEFINITION)
            for container in containers(task)
        )
    except NotKnownYetError:
        return False


RULE = EstateRule(
    name="shared-nessie-behind-the-gateway",
    description="The platform's Nessie has no load balancer, and lets in services' groups only.",
    remedy="take it off the load balancer, and let in the gateway's security group alone",
    find=_find,
)
