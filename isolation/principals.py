"""Who makes a call, and whether a resource's policy names them.

Sources, IAM User Guide: "AWS JSON policy elements: Principal", "... NotPrincipal", "AWS global
condition context keys" (which keys say who calls).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, IntEnum
from functools import cached_property

from isolation.facts import Facts, Given
from isolation.notes import Notes
from isolation.partitions import partition_of
from isolation.patterns import glob
from isolation.policy import Policy, Statement

Level = tuple[Policy, ...]
"""Policies of which at least one must allow; all their denials count."""


class Kind(Enum):
    """What a principal is; the value is what ``aws:PrincipalType`` says."""

    USER = "User"
    ROLE = "AssumedRole"
    ROOT = "Account"
    SERVICE = "Service"
    FEDERATED = "FederatedUser"
    ANONYMOUS = "Anonymous"


SOURCE_OWNER = "aws:SourceOwner"
"""The account for which a service publishes to a topic (SNS Developer Guide, "aws:SourceAccount
versus aws:SourceOwner"). The policy that SNS gives a topic by default lets in everybody with it, so
a call of the account itself may have it too, with that account: which is documented nowhere."""

_OF_AN_ACCOUNT = (Kind.USER, Kind.ROLE, Kind.ROOT)


@dataclass(frozen=True, eq=False)
class Principal:
    """A caller, with every policy that hangs on it.

    ``arn`` is the ARN of the user, role (whose session calls) or account root, the name of a
    service (``ecs-tasks.amazonaws.com``), or the provider of a federated identity. ``identity`` is
    None where the policies are unknown, as in a foreign account: then they count as allowing all.
    ``guardrails`` are levels that must each allow: service control policies from the root of the
    organization down, and the policy of a VPC endpoint that is the only way out. ``facts`` are
    condition keys of the caller beyond those that follow from the ARN, its tags first of all;
    ``free`` are those that it can choose itself.

    Raises ``ValueError`` for a user, role or root whose ARN is none.
    """

    arn: str
    kind: Kind
    identity: tuple[Policy, ...] | None = ()
    boundary: Policy | None = None
    session: tuple[Policy, ...] = ()
    guardrails: tuple[Level, ...] = ()
    facts: Given = field(default_factory=dict)
    free: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        _ = self.account

    @cached_property
    def account(self) -> str:
        """The twelve digits; empty for a principal of no account."""
        return account_of(self.arn) if self.of_an_account else ""

    @property
    def of_an_account(self) -> bool:
        """Whether it is a user, a role or a root, which identity policies govern."""
        return self.kind in _OF_AN_ACCOUNT

    @cached_property
    def allowed_services(self) -> frozenset[str] | None:
        """The services of which its identity policies allow any action; None if it may be any."""
        if self.identity is None or self.kind is Kind.ROOT:
            return None
        found = [one.services for policy in self.identity for one in policy.allows]
        known = [one for one in found if one is not None]
        return frozenset().union(*known) if len(known) == len(found) else None

    @cached_property
    def context(self) -> Facts:
        """The condition keys that the caller decides."""
        known: dict[str, str | tuple[str, ...]] = {
            "aws:PrincipalType": self.kind.value,
            "aws:PrincipalIsAWSService": str(self.kind is Kind.SERVICE).lower(),
        }
        if self.of_an_account:
            known |= {
                "aws:PrincipalArn": self.arn,
                "aws:PrincipalAccount": self.account,
                "kms:CallerAccount": self.account,
                SOURCE_OWNER: self.account,
            }
        elif self.kind is not Kind.SERVICE:
            known[SOURCE_OWNER] = ()
        if self.kind is Kind.USER:
            known["aws:username"] = self.name
        elif self.kind is not Kind.FEDERATED:
            known["aws:username"] = ()
        if self.kind is Kind.SERVICE:
            known["aws:PrincipalServiceName"] = self.arn
        if self.kind is Kind.ANONYMOUS:
            known |= {"aws:PrincipalArn": (), "aws:PrincipalAccount": (), "aws:PrincipalTag/*": ()}
        unsure = (SOURCE_OWNER,) if self.of_an_account else ()
        return Facts({**known, **self.facts}, self.free, unsure)

    @property
    def name(self) -> str:
        """The last part of the ARN, without its path."""
        return self.arn.rpartition("/")[2]

    @cached_property
    def partition(self) -> str:
        """The partition of AWS that it is in; empty for a principal of no account."""
        return partition_of(self.arn) if self.of_an_account else ""

    @cached_property
    def account_names(self) -> tuple[str, ...]:
        """How a policy writes its account."""
        return (self.account, f"arn:{self.partition}:iam::{self.account}:root")

    @cached_property
    def session_heads(self) -> tuple[str, ...]:
        """How the ARNs of its sessions start; who opens a session chooses its name."""
        sts = self.account_names[1].replace(":iam:", ":sts:").removesuffix("root")
        if self.kind is Kind.ROLE:
            return (f"{sts}assumed-role/{self.name}/",)
        return (f"{sts}federated-user/",) if self.kind is Kind.USER else ()


def account_of(arn: str) -> str:
    """The account in an ARN. Raises ``ValueError`` for what is no ARN."""
    components = arn.split(":", maxsplit=5)
    if components[0] != "arn" or len(components) != 6:  # noqa: PLR2004 - an ARN's
        raise ValueError(f"{arn} is no ARN")
    return components[4]


class Naming(IntEnum):
    """How a resource's policy names a caller, from least to most.

    ACCOUNT delegates to the account's own policies; ROLE grants, within boundary and session
    policy; DIRECT (a user, a session, a service, everybody) grants beyond both.
    """

    NOT = 0
    ACCOUNT = 1
    ROLE = 2
    DIRECT = 3


def naming(statement: Statement, principal: Principal, notes: Notes) -> Naming:
    """How an Allow of a resource's policy names the caller, in doubt the most."""
    if statement.principals is None:
        notes.unknown(f"{statement} names no principal")
        return Naming.DIRECT
    if statement.excludes_principals:
        notes.assumed(f"{statement} allows all but whom it names")
        own = principal.kind is Kind.USER and ("AWS", principal.arn) in statement.principals
        return Naming.NOT if own else Naming.DIRECT
    return max(_names(kind, name, principal, notes) for kind, name in statement.principals)


def denied(statement: Statement, principal: Principal, notes: Notes) -> bool:
    """Whether a Deny of a resource's policy surely concerns the caller."""
    if statement.principals is None:
        notes.unknown(f"{statement} names no principal")
        return False
    if statement.excludes_principals:
        return not any(_names(kind, name, principal, notes) for kind, name in statement.principals)
    return any(_surely(kind, name, principal) for kind, name in statement.principals)


_TYPES: Mapping[Kind, str] = {Kind.SERVICE: "Service", Kind.FEDERATED: "Federated"}
_EVERYBODY = (("*", "*"), ("AWS", "*"))


def _surely(kind: str, name: str, principal: Principal) -> bool:
    if (kind, name) in _EVERYBODY:
        return True
    if kind == "AWS" and principal.of_an_account:
        return name in (*principal.account_names, principal.arn)
    return (kind, name) == (_TYPES.get(principal.kind), principal.arn)


def _names(kind: str, name: str, principal: Principal, notes: Notes) -> Naming:
    if (kind, name) in _EVERYBODY:
        return Naming.DIRECT
    if kind == "AWS":
        return _names_of_account(name, principal, notes) if principal.of_an_account else Naming.NOT
    if kind == "CanonicalUser":
        # An account's canonical id is nowhere in its ARNs (S3 User Guide, "Principals").
        notes.unknown(f"which account the canonical user {name} is")
        return Naming.ACCOUNT if principal.of_an_account else Naming.NOT
    if kind in _TYPES.values():
        return Naming.DIRECT if _surely(kind, name, principal) else Naming.NOT
    notes.unknown(f"principals of type {kind}")
    return Naming.DIRECT


def _names_of_account(name: str, principal: Principal, notes: Notes) -> Naming:
    own = Naming.ROLE if principal.kind is Kind.ROLE else Naming.DIRECT
    if name == principal.arn:
        return own
    if name in principal.account_names:
        return Naming.DIRECT if principal.kind is Kind.ROOT else Naming.ACCOUNT
    if name.startswith(principal.session_heads or "-"):
        notes.assumed(f"{principal.arn} can have a session named {name}")
        return Naming.DIRECT
    if not name.startswith("arn:") and not name.isdigit():
        notes.unknown(f"whom the id {name} stands for")
        return Naming.DIRECT
    if ("*" in name or "?" in name) and glob(name).matches(principal.arn):
        notes.unknown(f"the wildcard in the principal {name}, which AWS refuses")
        return own
    return Naming.NOT
