"""What a service stands on: one account's network, load balancer, cluster and database."""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi

from components.aws.parts import BalancerParts, DatabaseParts, NetworkParts, RoleParts
from tenancy.environment import Environment
from tenancy.names import Names


@dataclass(frozen=True)
class Ground:
    """``owner``: ``PLATFORM``, or the one tenant whose account it is; ``roles``: of its services.

    ``priorities``: host -> that of its rule on the load balancer's listener.
    """

    names: Names
    owner: str
    network: NetworkParts
    load_balancer: BalancerParts
    cluster_arn: pulumi.Output[str]
    database: DatabaseParts
    roles: RoleParts
    priorities: Mapping[str, int]
    alerts_topic_arn: pulumi.Output[str]
    domain: str
    environment: Environment
