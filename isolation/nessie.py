"""A shared Nessie stands behind a gateway that binds each caller to its tenant.

Nessie reads and signs whatever its own role reaches, for whoever may call it. So where that role
reaches several tenants, only a gateway may call it.
"""

import json
from collections import defaultdict
from collections.abc import Iterator

from isolation.classes import Classes
from isolation.estate import Estate
from isolation.graph import Resource
from isolation.inventory import tags, value, values
from isolation.verdict import Counterexample, Place

_DEFINITION = "aws:ecs/taskDefinition:TaskDefinition"
_GROUP = "aws:ec2/securityGroup:SecurityGroup"
_ROLE = "aws:iam/role:Role"
_SERVICE = "aws:ecs/service:Service"
_ADDRESSES = ("cidrIpv4", "cidrIpv6", "prefixListId")
_INGRESS = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"


def nessies(estate: Estate, classes: Classes) -> Iterator[Counterexample]:
    """Services that run Nessie as a role of the platform, and are open to more than a gateway."""
    services = [
        service for service in estate.inventory.of(_SERVICE) if _runs_as_platform(estate, service)
    ]
    definitions = _definitions(estate, services)
    groups: dict[str, set[str]] = defaultdict(set)  # security group -> what runs in it
    for service in services:
        for group in _groups(estate, service):
            groups[group] |= _images(estate, service, definitions)
    for service in services:
        if "nessie" not in _images(estate, service, definitions):
            continue
        tenants = _reached(estate, service, classes)
        if len(tenants) < 2:  # noqa: PLR2004 - shared by several
            continue
        for text, urn, place in _openings(estate, service, groups):
            for owner in tenants:
                yield Counterexample(
                    rule="a shared Nessie can be called without the gateway",
                    principal=service.urn,
                    tenant=None,
                    action="calls Nessie, which reads and signs for all",
                    resource=f"what {owner} has in the shared Nessie",
                    owner=owner,
                    because=(Place(text, urn, place),),
                    remedy="let only the catalog gateway's security group reach the shared Nessie",
                )


def _runs_as_platform(estate: Estate, service: Resource) -> bool:
    """Whether it is no tenant's own service, as far as that is known."""
    return estate.ownership.tenant_of_tags(tags(service)) is None


def _definitions(estate: Estate, services: list[Resource]) -> dict[str, set[str]]:
    """URN of a task definition -> the names of its images, without registry and version."""
    found: dict[str, set[str]] = {}
    for resource in (
        one
        for service in services
        for one in estate.inventory.meant(service, "taskDefinition", _DEFINITION)
        if isinstance(one, Resource)
    ):
        names: set[str] = set()
        for given in values(resource, "containerDefinitions"):
            try:
                containers = json.loads(given) if isinstance(given, str) else given
            except (ValueError, RecursionError):
                containers = []
            for one in containers if isinstance(containers, list) else []:
                image = one.get("image") if isinstance(one, dict) else None
                if isinstance(image, str):
                    names.add(image.rpartition("/")[2].partition(":")[0].partition("@")[0])
        found[resource.urn] = {
            kind for kind in ("nessie", "gateway") for name in names if kind in name
        } or names
    return found


def _images(estate: Estate, service: Resource, definitions: dict[str, set[str]]) -> set[str]:
    found = estate.inventory.meant(service, "taskDefinition", _DEFINITION)
    return {
        name for one in found if isinstance(one, Resource) for name in definitions.get(one.urn, ())
    }


def _groups(estate: Estate, service: Resource) -> set[str]:
    found = set()
    for network in values(service, "networkConfiguration"):
        given = network.get("securityGroups") if isinstance(network, dict) else None
        for one in given if isinstance(given, list) else []:
            group = estate.inventory.find(_GROUP, one, service)
            found.add(group.urn if group is not None else str(one))
    return found


def _reached(estate: Estate, service: Resource, classes: Classes) -> tuple[str, ...]:
    """The tenants whose objects the policies of its role name, if the role is the platform's."""
    roles = [
        role
        for definition in estate.inventory.meant(service, "taskDefinition", _DEFINITION)
        if isinstance(definition, Resource)
        for role in estate.inventory.meant(definition, "taskRoleArn", _ROLE)
    ]
    arns = {role if isinstance(role, str) else estate.inventory.arn(role) for role in roles}
    actors = [actor for arn in arns for actor in estate.roles_named(arn) if actor.tenant is None]
    if not actors:
        return ()
    objects = [
        thing for thing in classes.everything() if thing.tenant is not None and "/" in thing.arn
    ]
    found: dict[str, None] = {}
    for actor in actors:
        for document in actor.identity or ():
            for statement in document.policy.allows:
                for thing in objects:
                    if statement.resources_near(thing.target.heads):
                        found[str(thing.tenant)] = None
    return classes.expanded(found)


def _openings(
    estate: Estate, service: Resource, groups: dict[str, set[str]]
) -> Iterator[tuple[str, str, str]]:
    """What lets anybody but a gateway call a service."""
    for given in values(service, "loadBalancers"):
        if given:
            yield "loadBalancers", service.urn, service.place
            break
    own = _groups(estate, service)
    if not own:
        yield "it has no security group", service.urn, service.place
    for rule in estate.inventory.of(_INGRESS):
        guarded = estate.inventory.find(_GROUP, value(rule, "securityGroupId"), rule)
        if guarded is None or guarded.urn not in own:
            continue
        source = estate.inventory.find(_GROUP, value(rule, "referencedSecurityGroupId"), rule)
        others = any(values(rule, name) for name in _ADDRESSES)
        if others or source is None or groups.get(source.urn) != {"gateway"}:
            yield "its security group lets in more than the gateway", rule.urn, rule.place
    for urn in own:
        group = estate.inventory.by_urn.get(urn)
        if group is not None and any(values(group, "ingress")):
            yield "its security group lets in more than the gateway", group.urn, group.place
