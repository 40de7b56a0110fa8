"""What the organization that vends accounts is to be: its unit, its accounts, what they may not.

Sources: AWS Organizations User Guide, "Service control policies"; they limit every principal of an
account, its root user included, and none of the management account.
"""

from dataclasses import dataclass
from typing import ClassVar

from tenancy.environment import Environment, Organization
from tenancy.grants import Conditions, Statement
from tenancy.names import PLATFORM, Names

STACK = "org"
"""What follows the environment's name in the name of the stack of its accounts; no tenant may be
called so (``tenancy.ids``)."""

_TRAILS = (
    "cloudtrail:DeleteTrail",
    "cloudtrail:PutEventSelectors",
    "cloudtrail:PutInsightSelectors",
    "cloudtrail:StopLogging",
    "cloudtrail:UpdateTrail",
)
_PUBLIC = ("s3:PutAccountPublicAccessBlock", "s3:PutBucketPublicAccessBlock")
# The control of the role that the denials spare: whoever changes it could act as it.
_ROLE = (
    "iam:AttachRolePolicy",
    "iam:DeleteRole",
    "iam:DeleteRolePolicy",
    "iam:DetachRolePolicy",
    "iam:PutRolePermissionsBoundary",
    "iam:DeleteRolePermissionsBoundary",
    "iam:PutRolePolicy",
    "iam:UpdateAssumeRolePolicy",
    "iam:UpdateRole",
)


@dataclass(frozen=True)
class OrganizationPlan:
    """The stack of an environment's vended accounts, deployed before all others of it.

    ``members``: the tenants that get one, in the order of their files. ``left``: those of them that
    have left, whose account may leave the program too.
    """

    environment: Environment
    organization: Organization
    members: tuple[str, ...]
    left: frozenset[str] = frozenset()

    @property
    def name(self) -> str:
        """The stack's name."""
        return organization_stack(self.environment.name)

    @property
    def home(self) -> str:
        """The stack that its resources are told to be managed by."""
        return self.name

    @property
    def account_id(self) -> str:
        """The organization's management account."""
        return self.environment.account_id

    @property
    def region(self) -> str:
        """Where its provider calls; AWS Organizations is global."""
        return self.environment.region

    @property
    def names(self) -> Names:
        """The names of the environment."""
        environment = self.environment
        return Names(environment.project, environment.name, self.account_id, self.region)

    # What it has in common with the other stacks (`tenancy.estate.StackPlan`).
    hard: ClassVar[bool] = False
    shard: ClassVar[bool] = False
    owner: ClassVar[str] = PLATFORM
    tenants: ClassVar[tuple[()]] = ()
    tenant_ids: ClassVar[tuple[str, ...]] = ()
    assumed_roles: ClassVar[tuple[str, ...]] = ()


def organization_stack(environment: str) -> str:
    """The name of the stack of the environment's vended accounts."""
    return f"{environment}-{STACK}"


def account_statements(names: Names, deploy_role: str) -> tuple[Statement, ...]:
    """What nobody may do in a tenant's account, but the role that the program assumes there."""
    role = f"arn:{names.partition}:iam::*:role/{deploy_role}"
    spared: Conditions = {"ArnNotLike": {"aws:PrincipalArn": role}}
    return (
        Statement("DenyLeaving", "Deny", ("organizations:LeaveOrganization",), ("*",)),
        Statement("DenyTrailChanges", "Deny", _TRAILS, ("*",), spared),
        Statement("DenyPublicBuckets", "Deny", _PUBLIC, ("*",), spared),
        Statement("DenyDeployRoleChanges", "Deny", _ROLE, (role,), spared),
    )
