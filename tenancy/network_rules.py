"""Rules on the networks of one environment: its ranges, hosts and peerings."""

from collections.abc import Iterator, Mapping, Sequence
from ipaddress import IPv4Network

from tenancy.allotment import NoRoomError
from tenancy.environment import Environment
from tenancy.errors import Kind, Problem
from tenancy.network import (
    PLANNED_PREFIX,
    SMALLEST_PREFIX,
    plan_ranges,
)
from tenancy.tenant import Tenant
from tenancy.tiers import Layer, Tier

_SHARED_HOSTS = 2
"""The catalog gateway's and the shared Dagster's."""


def written_ranges(tenants: Sequence[Tenant]) -> dict[str, IPv4Network | None]:
    """The hard tenants, each with the range that its file gives."""
    return {t.tenant: t.cidr for t in tenants if t.isolation.tier is Tier.HARD}


def network_problems(environment: Environment, tenants: Sequence[Tenant]) -> list[Problem]:
    """What is wrong with the networks of an environment that takes ``tenants``."""
    ranges = written_ranges(tenants)
    wrong = list(_written(environment, ranges))
    return [
        *_platform(environment),
        *wrong,
        *([] if wrong else _room(environment, ranges)),
        *_peerings(environment, len(ranges)),
        *_hosts(environment, tenants),
    ]


def _too_small(cidr: IPv4Network) -> str | None:
    if cidr.prefixlen <= SMALLEST_PREFIX:
        return None
    return (
        f"{cidr} is too small: every possible zone has an eighth of a network, which must be a"
        " /26 to hold a load balancer, endpoints, services and runs"
    )


def _platform(environment: Environment) -> Iterator[Problem]:
    if rule := _too_small(environment.network.platform):
        yield Problem(
            f"Pulumi.{environment.name}.yaml",
            "tenancy:environment.network.platform",
            rule,
            f"write a /16 to a /{SMALLEST_PREFIX}",
        )


def _written(
    environment: Environment, ranges: Mapping[str, IPv4Network | None]
) -> Iterator[Problem]:
    pool = environment.network.tenants
    seen: dict[str, IPv4Network] = {}
    for tenant, cidr in ranges.items():
        if cidr is None:
            continue
        where = f"tenants/{tenant}.yaml"
        if rule := _too_small(cidr):
            yield Problem(where, "cidr", rule, f"write a /16 to a /{SMALLEST_PREFIX} of {pool}")
        if not cidr.subnet_of(pool):
            yield Problem(
                where,
                "cidr",
                f"{cidr} is not within {pool}, the pool of environment {environment.name}",
                f"write a part of {pool}, or leave `cidr` out to have one planned",
            )
        for other, others in seen.items():
            if cidr.overlaps(others):
                yield Problem(
                    where,
                    "cidr",
                    f"{cidr} overlaps with {others}, the `cidr` of tenant {other}: both are peered"
                    " to the platform's network, which could not tell them apart",
                    "give each tenant a range of its own, or leave `cidr` out to have one planned",
                )
        seen[tenant] = cidr


def _room(environment: Environment, ranges: Mapping[str, IPv4Network | None]) -> Iterator[Problem]:
    pool = environment.network.tenants
    try:
        plan_ranges(pool, ranges)
    except NoRoomError:
        planned = sum(cidr is None for cidr in ranges.values())
        yield Problem(
            f"Pulumi.{environment.name}.yaml",
            "tenancy:environment.network.tenants",
            f"{pool} has too few free /{PLANNED_PREFIX} for the {planned} hard tenants that a range"
            " is planned for",
            "write a larger pool that holds this one, or give tenants a smaller `cidr` of it, down"
            f" to a /{SMALLEST_PREFIX}",
        )


def _peerings(environment: Environment, hard: int) -> Iterator[Problem]:
    limit = environment.limit("peerings_per_vpc")
    if hard > limit:
        yield Problem(
            f"Pulumi.{environment.name}.yaml",
            "tenancy:environment.limits.peerings_per_vpc",
            f"environment {environment.name} has {hard} hard tenants, each peered to its one"
            f" network, which may have {limit} peerings",
            "have AWS raise the quota, to 125 at most, and write it here; or give an environment"
            " of their own to some",
            Kind.QUOTA,
        )


def _hosts(environment: Environment, tenants: Sequence[Tenant]) -> Iterator[Problem]:
    own = sum(tenant.isolation.layer(Layer.NETWORK) is Tier.MEDIUM for tenant in tenants)
    room = environment.limit("target_groups_per_load_balancer")  # of which each host has one
    if own + _SHARED_HOSTS > room:
        yield Problem(
            f"Pulumi.{environment.name}.yaml",
            "tenancy:environment.name",
            f"environment {environment.name} has {own} tenants with a host of their own, and its"
            f" load balancer has room for {room - _SHARED_HOSTS}, a quota that"
            " AWS does not raise",
            "give an environment of their own to some, or make some soft or hard",
            Kind.QUOTA,
        )
