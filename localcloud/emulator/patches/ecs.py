"""ECS: services that keep all they were given, and what AWS refuses.

moto keeps a few of a service's properties, takes target groups that no load balancer has and
registries that do not exist, and deletes a cluster with services in it.
"""

# A wrapper has the form of what it wraps.
# ruff: noqa: ANN401

from __future__ import annotations

from typing import Any, Final

from moto.core.exceptions import ServiceException
from moto.core.utils import camelcase_to_underscores
from moto.ecs.exceptions import InvalidParameterException
from moto.ecs.models import EC2ContainerServiceBackend
from moto.ecs.responses import EC2ContainerServiceResponse
from moto.elbv2.models import elbv2_backends
from moto.servicediscovery.models import servicediscovery_backends

from localcloud.emulator.patches.wrapping import Function, around

# Parameters of CreateService that moto drops; UpdateService keeps whatever it gets.
_DROPPED: Final = (
    "availabilityZoneRebalancing",
    "deploymentConfiguration",
    "enableECSManagedTags",
    "enableExecuteCommand",
    "healthCheckGracePeriodSeconds",
)


class ClusterContainsServices(ServiceException):
    """A cluster goes after its services."""

    def __init__(self) -> None:
        super().__init__(
            "ClusterContainsServicesException",
            "The Cluster cannot be deleted while Services are active.",
        )


def _create_service(original: Function, self: Any) -> Any:
    _require_load_balancers(self)
    _require_registries(self)
    answer = original(self)
    service = answer.result["service"]
    for name in _DROPPED:
        if (value := self._get_param(name)) is not None:
            setattr(service, camelcase_to_underscores(name), value)
    return answer


def _update_service(original: Function, self: Any) -> Any:
    _require_load_balancers(self)
    _require_registries(self)
    return original(self)


def _require_load_balancers(self: Any) -> None:
    elb = elbv2_backends[self.current_account][self.region]
    for one in self._get_param("loadBalancers") or []:
        arn = one.get("targetGroupArn")
        group = elb.target_groups.get(arn)
        if group is None or not group.load_balancer_arns:
            raise InvalidParameterException(
                f"The target group with targetGroupArn {arn} does not have an associated load "
                "balancer."
            )


def _require_registries(self: Any) -> None:
    discovery = servicediscovery_backends[self.current_account][self.region]
    there = {service.arn for service in discovery.services.values()}
    for one in self._get_param("serviceRegistries") or []:
        if (arn := one.get("registryArn")) not in there:
            raise InvalidParameterException(f"The service registry {arn} does not exist.")


def _delete_cluster(original: Function, self: Any, cluster_str: str) -> Any:
    name = self._get_cluster(cluster_str).name
    active = (service.status == "ACTIVE" for service in self.services.values())
    inside = (service.cluster_name == name for service in self.services.values())
    if any(both for both in zip(active, inside, strict=True) if all(both)):
        raise ClusterContainsServices
    return original(self, cluster_str)


def patch() -> None:
    """Change moto in this process."""
    around(EC2ContainerServiceResponse, "create_service")(_create_service)
    around(EC2ContainerServiceResponse, "update_service")(_update_service)
    around(EC2ContainerServiceBackend, "delete_cluster")(_delete_cluster)
