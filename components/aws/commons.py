"""What the tenants of an account have in common: all that they are given to be built from."""

from dataclasses import dataclass, fields
from typing import Any, TypeVar

import pulumi
from pulumi import Output, ResourceOptions

from components.aws.ground import Ground
from components.aws.parts import (
    BalancerParts,
    DatabaseParts,
    LakeParts,
    NetworkParts,
    RoleParts,
    RunParts,
)
from components.aws.reference import PlatformOutputs
from tenancy.estate import StackPlan
from tenancy.names import PLATFORM

Parts = TypeVar("Parts", NetworkParts, BalancerParts, DatabaseParts, RoleParts, LakeParts, RunParts)

OUTPUT = "commons"
"""The output of the platform's stack that shards read."""


@dataclass(frozen=True)
class Commons:
    """``audit_key_arn``: of the audit trail's key. ``registry_bucket``: the name of the one that
    tenants are told in. ``shared_database``: the name of the one that soft tenants' tables go to;
    None where no tenant shares one.
    """

    ground: Ground
    lake: LakeParts
    runs: RunParts
    audit_key_arn: Output[str]
    registry_bucket: Output[str]
    shared_database: Output[str] | None

    def to_outputs(self) -> dict[str, Any]:
        """What `Shard` makes the same of, in another stack."""
        ground = self.ground
        return {
            "network": vars(ground.network),
            "load_balancer": vars(ground.load_balancer),
            "database": vars(ground.database),
            "roles": vars(ground.roles),
            "cluster_arn": ground.cluster_arn,
            "alerts_topic_arn": ground.alerts_topic_arn,
            "lake": vars(self.lake),
            "runs": vars(self.runs),
            "audit_key_arn": self.audit_key_arn,
            "registry_bucket": self.registry_bucket,
            "shared_database": self.shared_database,
        }


@dataclass(frozen=True)
class ShardArgs:
    """``stack``: the plan of the shard."""

    stack: StackPlan


class Shard(pulumi.ComponentResource):
    """What the tenants of a shard are given, as the platform's stack tells it. It also says of the
    stack that it is a shard, so that nobody looks in it for what an account has once.
    """

    commons: Commons

    def __init__(self, name: str, args: ShardArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("tenancy:aws:Shard", name, None, opts)
        stack = args.stack
        outputs = PlatformOutputs(stack.environment, ResourceOptions(parent=self))

        def parts(kind: type[Parts], name: str) -> Parts:
            return kind(**{one.name: outputs.of(OUTPUT, name, one.name) for one in fields(kind)})

        ground = Ground(
            names=stack.names,
            owner=PLATFORM,
            network=parts(NetworkParts, "network"),
            load_balancer=parts(BalancerParts, "load_balancer"),
            cluster_arn=outputs.of(OUTPUT, "cluster_arn"),
            database=parts(DatabaseParts, "database"),
            roles=parts(RoleParts, "roles"),
            priorities=stack.priorities,
            alerts_topic_arn=outputs.of(OUTPUT, "alerts_topic_arn"),
            domain=stack.environment.domain,
            environment=stack.environment,
        )
        self.commons = Commons(
            ground,
            parts(LakeParts, "lake"),
            parts(RunParts, "runs"),
            outputs.of(OUTPUT, "audit_key_arn"),
            outputs.of(OUTPUT, "registry_bucket"),
            outputs.of(OUTPUT, "shared_database"),
        )
        self.register_outputs({})
