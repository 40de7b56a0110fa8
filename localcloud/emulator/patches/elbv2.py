"""Load balancers: names and ports that are taken, balancers in two zones, listeners with an issued
certificate, and protection from deletion, none of which moto checks.
"""

# A wrapper has the form of what it wraps.
# ruff: noqa: ANN401, PLR0913, PLR0917

from __future__ import annotations

from typing import Any

from moto.acm.models import acm_backends
from moto.elbv2.exceptions import (
    DuplicateListenerError,
    DuplicateLoadBalancerName,
    ELBClientError,
)
from moto.elbv2.models import ELBv2Backend
from moto.elbv2.ssl_policies import SSL_POLICIES

from localcloud.emulator.patches.wrapping import Function, around

ZONES = 2  # at least: Application Load Balancers guide, "Subnets for your load balancer"


def _create_load_balancer(
    original: Function,
    self: Any,
    name: str,
    security_groups: list[str],
    subnet_ids: list[str],
    *args: Any,
    **kwargs: Any,
) -> Any:
    if any(one.name == name for one in self.load_balancers.values()):
        raise DuplicateLoadBalancerName
    if (kwargs.get("loadbalancer_type") or "application") != "application":
        return original(self, name, security_groups, subnet_ids, *args, **kwargs)
    subnets = [self.ec2_backend.get_subnet(subnet) for subnet in subnet_ids]
    vpcs = {subnet.vpc_id for subnet in subnets}
    zones = [subnet.availability_zone for subnet in subnets]
    if len(vpcs) > 1 or len(set(zones)) < max(ZONES, len(zones)):
        raise ELBClientError(
            "InvalidConfigurationRequest",
            "Subnets of one VPC in at least two different Availability Zones must be specified, "
            "and at most one of each",
        )
    for group_id in security_groups:
        group = self.ec2_backend.get_security_group_from_id(group_id)
        if group is None or group.vpc_id not in vpcs:
            raise ELBClientError(
                "InvalidSecurityGroup", f"Security group {group_id} does not exist in the VPC"
            )
    default = [self.ec2_backend.get_default_security_group(vpc).id for vpc in vpcs]
    made = original(self, name, security_groups or default, subnet_ids, *args, **kwargs)
    # The names of two accounts' balancers differ, and say which are internal.
    prefix = "internal-" if made.scheme == "internal" else ""
    number = int(made.arn.rsplit("/", 1)[1], 16) % 10**10
    made.dns_name = f"{prefix}{name}-{number:010d}.{self.region_name}.elb.amazonaws.com"
    return made


def _delete_load_balancer(original: Function, self: Any, arn: str) -> Any:
    balancer = self.load_balancers.get(arn)
    if balancer is not None and balancer.attrs.get("deletion_protection.enabled") == "true":
        raise ELBClientError(
            "OperationNotPermitted",
            f"Load balancer '{arn}' cannot be deleted because deletion protection is enabled",
        )
    return original(self, arn)


def _create_listener(
    original: Function,
    self: Any,
    load_balancer_arn: str,
    protocol: str,
    port: str,
    ssl_policy: str,
    certificate: str | None,
    *args: Any,
    **kwargs: Any,
) -> Any:
    balancer = self.load_balancers.get(load_balancer_arn)
    if balancer and str(port) in [str(one.port) for one in balancer.listeners.values()]:
        raise DuplicateListenerError
    _check_certificate(self, protocol, certificate)
    if ssl_policy not in SSL_POLICIES:
        raise ELBClientError("SSLPolicyNotFound", f"SSL policy {ssl_policy} not found")
    return original(
        self, load_balancer_arn, protocol, port, ssl_policy, certificate, *args, **kwargs
    )


def _check_certificate(self: Any, protocol: str | None, arn: str | None) -> None:
    if protocol == "HTTPS" and not arn:
        raise ELBClientError(
            "CertificateNotFound", "A certificate must be specified for HTTPS listeners"
        )
    if arn and ":acm:" in arn:
        known = acm_backends[self.account_id][self.region_name]._certificates  # noqa: SLF001
        if (
            arn in known
            and acm_backends[self.account_id][self.region_name].get_certificate(arn).status
            != "ISSUED"
        ):
            raise ELBClientError(
                "UnsupportedCertificate", f"The certificate '{arn}' must be issued"
            )


def patch() -> None:
    """Change moto in this process."""
    around(ELBv2Backend, "create_load_balancer")(_create_load_balancer)
    around(ELBv2Backend, "delete_load_balancer")(_delete_load_balancer)
    around(ELBv2Backend, "create_listener")(_create_listener)
