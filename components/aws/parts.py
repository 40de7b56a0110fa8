"""What the things that an account has once give to those who stand on them.

They are outputs and nothing else: of the components that make the things, or of the stack that
they are in, for tenants in another one.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from pulumi import Output


@dataclass(frozen=True)
class NetworkParts:
    """``subnet_ids`` are known when the endpoints stand."""

    vpc_id: Output[str]
    subnet_ids: Output[Sequence[str]]
    endpoints_group_id: Output[str]
    s3_prefix_list_id: Output[str]


@dataclass(frozen=True)
class BalancerParts:
    """``zone_id``: of the zone that hosts are in; ``alb_zone_id``: of the load balancer's own."""

    listener_arn: Output[str]
    group_id: Output[str]
    dns_name: Output[str]
    zone_id: Output[str]
    alb_zone_id: Output[str]


@dataclass(frozen=True)
class DatabaseParts:
    """``users_function_arn``: of the function that makes its users."""

    group_id: Output[str]
    address: Output[str]
    users_function_arn: Output[str]


@dataclass(frozen=True)
class RoleParts:
    """The boundary of an owner's services, and the role that starts them."""

    boundary_arn: Output[str]
    execution_role_arn: Output[str]


@dataclass(frozen=True)
class LakeParts:
    """The catalog, known when Lake Formation's defaults are closed."""

    catalog_id: Output[str]


@dataclass(frozen=True)
class RunParts:
    """What a Dagster's runs are started with; ``secret_arn``: its database user's."""

    execution_role_arn: Output[str]
    secret_arn: Output[str]
