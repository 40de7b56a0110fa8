"""Cloud Map: namespaces of VPCs that exist, and services that are there once.

moto takes one private namespace for each VPC, gives it a zone of another name in no VPC that stays
when the namespace goes, and takes services of any namespace, twice too.
"""

# A wrapper has the form of what it wraps.
# ruff: noqa: ANN401, ARG001, PLR0913, PLR0917

from __future__ import annotations

from typing import Any, Final

from moto.core.exceptions import JsonRESTError
from moto.ec2.models import ec2_backends
from moto.route53.exceptions import Route53ClientError
from moto.route53.models import route53_backends
from moto.servicediscovery.exceptions import (
    ConflictingDomainExists,
    InvalidInput,
    NamespaceNotFound,
)
from moto.servicediscovery.models import Namespace, ServiceDiscoveryBackend

from localcloud.emulator.patches.wrapping import Function, around

SOA_TTL: Final = 15  # seconds; what a namespace has unless told otherwise


def _create_private_namespace(
    original: Function,
    self: Any,
    name: str,
    creator_request_id: str,
    description: str,
    vpc: str,
    tags: list[dict[str, str]],
    properties: dict[str, Any],
) -> Any:
    if vpc not in ec2_backends[self.account_id][self.region_name].vpcs:
        raise InvalidInput(f"The VPC {vpc} does not exist in {self.region_name}")
    if any((one.name, one.vpc) == (name, vpc) for one in self.namespaces.values()):
        raise JsonRESTError("NamespaceAlreadyExists", f"{vpc} has a namespace {name}")
    try:
        zone = _zones(self).create_hosted_zone(
            f"{name}.",
            private_zone=True,
            vpcid=vpc,
            vpcregion=self.region_name,
            comment=f"Created by AWS Cloud Map for the namespace {name}",
        )
    except Route53ClientError:
        raise ConflictingDomainExists(vpc) from None
    given = (properties or {}).get("DnsProperties") or {}
    namespace = Namespace(
        account_id=self.account_id,
        region=self.region_name,
        name=name,
        ns_type="DNS_PRIVATE",
        creator_request_id=creator_request_id,
        description=description,
        dns_properties={"SOA": {"TTL": SOA_TTL}, **given, "HostedZoneId": zone.resource_id},
        http_properties={"HttpName": name},
        vpc=vpc,
    )
    self.namespaces[namespace.id] = namespace
    self.tagger.tag_resource(namespace.arn, tags or [])
    return self._create_operation("CREATE_NAMESPACE", targets={"NAMESPACE": namespace.id})


def _update_private_namespace(
    original: Function, self: Any, _id: str, description: str, properties: dict[str, Any] | None
) -> Any:
    before = self.get_namespace(_id).dns_properties
    return original(
        self, _id=_id, description=description, properties={**before, **(properties or {})}
    )


def _delete_namespace(original: Function, self: Any, namespace_id: str) -> Any:
    namespace = self.get_namespace(namespace_id)
    if any(service.namespace_id == namespace_id for service in self.services.values()):
        raise JsonRESTError("ResourceInUse", f"The namespace {namespace_id} has services")
    operation = original(self, namespace_id)
    if zone := (namespace.dns_properties or {}).get("HostedZoneId"):
        _zones(self).delete_hosted_zone(zone)
    self.tagger.delete_all_tags_for_resource(namespace.arn)
    return operation


def _zones(self: Any) -> Any:
    return route53_backends[self.account_id]["aws"]


def _create_service(
    original: Function,
    self: Any,
    name: str,
    namespace_id: str | None,
    creator_request_id: str,
    description: str,
    dns_config: dict[str, Any] | None,
    *args: Any,
    service_type: str | None,
    **kwargs: Any,
) -> Any:
    namespace_id = namespace_id or (dns_config or {}).get("NamespaceId")
    if namespace_id not in self.namespaces:
        raise NamespaceNotFound(str(namespace_id))
    for other in self.services.values():
        if (other.name, other.namespace_id) == (name, namespace_id):
            raise JsonRESTError("ServiceAlreadyExists", f"{namespace_id} has a service {name}")
    if dns_config:
        # Cloud Map API Reference, DnsConfig: what these are when they are left out.
        dns_config = {"RoutingPolicy": "MULTIVALUE", **dns_config, "NamespaceId": namespace_id}
    return original(
        self,
        name,
        namespace_id,
        creator_request_id,
        description,
        dns_config,
        *args,
        service_type=service_type or ("DNS_HTTP" if dns_config else "HTTP"),
        **kwargs,
    )


def _delete_service(original: Function, self: Any, service_id: str) -> None:
    service = self.get_service(service_id)  # raises ServiceNotFound, where moto says nothing
    if service.instances:
        raise JsonRESTError("ResourceInUse", f"The service {service_id} has instances")
    original(self, service_id)
    self.tagger.delete_all_tags_for_resource(service.arn)


def patch() -> None:
    """Change moto in this process."""
    backend = ServiceDiscoveryBackend
    around(backend, "create_private_dns_namespace")(_create_private_namespace)
    around(backend, "update_private_dns_namespace")(_update_private_namespace)
    around(backend, "delete_namespace")(_delete_namespace)
    around(backend, "create_service")(_create_service)
    around(backend, "delete_service")(_delete_service)
