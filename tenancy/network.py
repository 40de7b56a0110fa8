"""Networks, decided: whose range is which, what subnets and ways out a network has."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network

from tenancy.allotment import allot
from tenancy.endpoints import Endpoint, Perimeter
from tenancy.environment import Environment
from tenancy.grants import Statement
from tenancy.names import Names

PLANNED_PREFIX = 20
"""The size of a range that the planner gives: 4,096 addresses."""

SMALLEST_PREFIX = 23
"""The smallest range of a network: an eighth is a /26 then, which holds a load balancer (a /27 with
8 free addresses, Elastic Load Balancing User Guide, "Subnets for your load balancer"), endpoints,
services and runs."""

FLOW_LOGS = "flow-logs"

_ZONES = 8
_LISTENER_PRIORITIES = 50_000  # Elastic Load Balancing API, CreateRule: 1 to 50000
_REGISTRY = re.compile(r"([0-9]{12})\.dkr\.ecr\.")


@dataclass(frozen=True)
class Subnet:
    """``zone`` is an availability zone, such as ``us-east-1a``; ``cidr`` its part of the range."""

    zone: str
    cidr: str


@dataclass(frozen=True)
class NetworkPlan:
    """One private network. ``deletion_protection``: whether its load balancer must be unlocked
    before it can be deleted.
    """

    cidr: str
    subnets: tuple[Subnet, ...]
    gateway: Endpoint
    interfaces: tuple[Endpoint, ...]
    deletion_protection: bool


def plan_network(
    names: Names, owner: str, cidr: IPv4Network, environment: Environment
) -> NetworkPlan:
    """The network of the platform, or of a hard tenant, in the account and region of ``names``.

    Each possible zone has its eighth by its letter, so that a zone more moves no subnet.
    """
    eighths = list(cidr.subnets(prefixlen_diff=3))
    images = environment.images
    registries = {names.account_id}
    registries.update(
        *(_REGISTRY.findall(i) for i in (images.nessie, images.dagster, images.gateway))
    )
    perimeter = Perimeter(names, owner, sorted(registries))
    return NetworkPlan(
        cidr=str(cidr),
        subnets=tuple(
            Subnet(f"{names.region}{letter}", str(eighths[ord(letter) - ord("a")]))
            for letter in sorted(environment.network.zones)
        ),
        gateway=perimeter.s3,
        interfaces=perimeter.interfaces,
        deletion_protection=not environment.embedded,
    )


def plan_ranges(
    pool: IPv4Network, tenants: Mapping[str, IPv4Network | None]
) -> dict[str, IPv4Network]:
    """Every hard tenant's range: what its file says, or a planned one of the pool.

    Written ranges come first. A planned one moves only when a written range or another tenant
    comes to need its place (`allot`); for a deployed tenant the guard refuses that, and asks to
    write the range down.

    Raises:
        NoRoomError: the pool has no free /20 left.
    """
    written = {tenant: cidr for tenant, cidr in tenants.items() if cidr}
    size = 1 << (32 - PLANNED_PREFIX)
    first = int(pool.network_address)
    taken = {
        (address - first) // size
        for cidr in written.values()
        if cidr.subnet_of(pool)
        for address in range(int(cidr.network_address), int(cidr.broadcast_address) + 1, size)
    }
    places = allot(tenants.keys() - written.keys(), pool.num_addresses // size, taken)
    return written | {
        tenant: IPv4Network((first + place * size, PLANNED_PREFIX))
        for tenant, place in places.items()
    }


def listener_priorities(hosts: Iterable[str]) -> dict[str, int]:
    """A listener rule's priority for each host, 1 to 50000: all differ, and a host keeps its own
    when others come or go, but where two want the same (`allot`). Hosts exclude one another, so
    the order means nothing.
    """
    return {host: place + 1 for host, place in allot(hosts, _LISTENER_PRIORITIES).items()}


def flow_log_statements(names: Names, owner: str) -> tuple[Statement, ...]:
    """What the flow logs' role may do, which is its boundary as well: append to its log group."""
    group = names.log_group_arn(owner, FLOW_LOGS)
    actions = (
        # Amazon VPC User Guide, "IAM role for publishing flow logs to CloudWatch Logs", but the
        # creation of the group, which is there.
        "logs:CreateLogStream",
        "logs:PutLogEvents",
        "logs:DescribeLogGroups",
        "logs:DescribeLogStreams",
    )
    return (
        Statement("Append", "Allow", actions, (group, f"{group}:*")),
        Statement("DenyElse", "Deny", not_actions=actions, resources=("*",)),
    )


def flow_log_trust(names: Names) -> tuple[Statement, ...]:
    """Trust for the flow logs' role: flow logs of this account and region, and no others."""
    return (
        Statement(
            "FlowLogs",
            "Allow",
            ("sts:AssumeRole",),
            principals={"Service": ("vpc-flow-logs.amazonaws.com",)},
            conditions={
                "StringEquals": {"aws:SourceAccount": names.account_id},
                "ArnLike": {"aws:SourceArn": names.any_flow_log_arn},
            },
        ),
    )
