"""What the tenants of an account have in common: all that they are given to be built from."""

from dataclasses import dataclass

from pulumi import Output

from components.aws.ground import Ground
from components.aws.parts import LakeParts, RunParts


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
