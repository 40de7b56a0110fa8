"""What the tenants of an account have in common: all that they are given to be built from."""

from dataclasses import dataclass, fields
from typing import Any, TypeVar

from pulumi import Output

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
    """``audit_key_arn``: of the audit trail's key. ``shared_database``: the name of the one that
    soft tenants' tables go to; None where no tenant shares one.
    """

    ground: Ground
    lake: LakeParts
    runs: RunParts
    audit_key_arn: Output[str]
    shared_database: Output[str] | None

    def to_outputs(self) -> dict[str, Any]:
        """What `commons_of_shard` makes the same of, in another stack."""
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
            "shared_database": self.shared_database,
        }


def commons_of_shard(stack: StackPlan) -> Commons:
    """What the tenants of a shard are given, as the platform's stack tells it."""
    outputs = PlatformOutputs(stack.environment)

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
    return Commons(
        ground,
        parts(LakeParts, "lake"),
        parts(RunParts, "runs"),
        outputs.of(OUTPUT, "audit_key_arn"),
        outputs.of(OUTPUT, "shared_database"),
    )
