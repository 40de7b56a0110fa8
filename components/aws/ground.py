"""What a service stands on: one account's network, load balancer, cluster and database."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pulumi

from tenancy.environment import Environment
from tenancy.names import Names

if TYPE_CHECKING:
    from components.aws.database import Database
    from components.aws.load_balancer import LoadBalancer
    from components.aws.network import Network
    from components.aws.service import ServiceRoles


@dataclass(frozen=True)
class Ground:
    """``owner``: ``PLATFORM``, or the one tenant whose account it is; ``roles``: of its services.

    ``priorities``: host -> that of its rule on the load balancer's listener.
    """

    names: Names
    owner: str
    network: Network
    load_balancer: LoadBalancer
    cluster_arn: pulumi.Output[str]
    database: Database
    roles: ServiceRoles
    priorities: Mapping[str, int]
    alerts_topic_arn: pulumi.Output[str]
    domain: str
    environment: Environment
