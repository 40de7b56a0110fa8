"""Roles that soft tenants share: a session acts for the tenant that its tag names.

Three roles do for all of them, where an environment says so: a set for each tenant meets the
account's limit of roles. Their grants name no tenant but the tag, and their trust lets an identity
have one tenant's tag only, so that nobody chooses.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from tenancy.access import storage_boundary_statements, storage_statements
from tenancy.environment import Environment
from tenancy.errors import Kind, Problem
from tenancy.fences import TENANT_TAG
from tenancy.grants import Conditions, Statement, merged, size
from tenancy.limit import read_limits
from tenancy.names import SHARED, Names, RoleKind
from tenancy.principals import AwsPrincipal
from tenancy.references import config_name
from tenancy.settings import SharedPrefix, TenantSettings
from tenancy.trust import NOBODY, oidc_conditions

SESSION_TAG = "tenant"
_BY_ROLE, _BY_TOKEN, _TAG = "sts:AssumeRole", "sts:AssumeRoleWithWebIdentity", "sts:TagSession"
SHARED_KINDS = (RoleKind.READER, RoleKind.WRITER, RoleKind.ADMIN)
LIMIT = "trust_policy_characters"
_WITHOUT_TAGS = frozenset({"token.actions.githubusercontent.com"})
"""Providers whose tokens cannot carry tags of a session (GitHub Docs, "OpenID Connect reference":
no claim ``https://aws.amazon.com/tags``)."""


@dataclass(frozen=True)
class _OfSession:
    """The part of the shared bucket that the tag of a session names."""

    names: Names

    @property
    def storage(self) -> SharedPrefix:
        """The tag stands where a tenant's id does."""
        names = self.names
        return SharedPrefix(names.bucket(SHARED), f"${{{TENANT_TAG}}}/", names.key_alias(SHARED))


def shared_role_statements(names: Names, kind: RoleKind) -> tuple[Statement, ...]:
    """The identity policy of a shared role.

    Files and keys only: no policy tells tables in Glue apart by a session's tag (an id's hyphens
    are underscores there), and a grant of Lake Formation knows the role, not its session.
    """
    return storage_statements(_OfSession(names), kind)


def shared_boundary_statements(
    names: Names, suspended: Sequence[str] = ()
) -> tuple[Statement, ...]:
    """The most that any session of a shared role may ever do; of a tenant that is ``suspended``,
    nothing.
    """
    allowed = storage_boundary_statements(_OfSession(names))
    if not suspended:
        return allowed
    theirs: Conditions = {"StringEquals": {TENANT_TAG: tuple(suspended)}}
    return (*allowed, Statement("DenySuspended", "Deny", ("*",), ("*",), theirs))


def shared_trust(
    kind: RoleKind, tenants: Iterable[TenantSettings], external_ids: Mapping[str, str]
) -> tuple[Statement, ...]:
    """Trust for the shared role of a kind: each identity that a tenant's ``access`` names may open
    a session with that tenant's tag, with no other and never without.
    """
    found: list[tuple[tuple[str, ...], str, tuple[str, ...], Conditions]] = []
    for settings in tenants:
        tag: Conditions = {
            "StringEquals": {f"aws:RequestTag/{SESSION_TAG}": settings.id},
            "ForAllValues:StringEquals": {"aws:TagKeys": SESSION_TAG},
        }
        by_external_id: dict[str, list[str]] = defaultdict(list)
        for grantee in getattr(settings.tenant.access, kind.value):
            if isinstance(grantee, AwsPrincipal):
                reference = grantee.external_id
                known = external_ids[config_name(reference)] if reference else ""
                by_external_id[known].append(grantee.aws)
            else:
                provider = settings.names.oidc_provider_arn(grantee.oidc.provider)
                said = merged(tag, oidc_conditions(grantee))
                found.append(((_BY_TOKEN, _TAG), "Federated", (provider,), said))
        for known, principals in by_external_id.items():
            if not known:
                found.append(((_BY_ROLE, _TAG), "AWS", tuple(principals), tag))
                continue
            # The external id is a key of sts:AssumeRole and not of sts:TagSession (Service
            # Authorization Reference, "AWS Security Token Service").
            presented = merged(tag, {"StringEquals": {"sts:ExternalId": known}})
            found.append(((_BY_ROLE,), "AWS", tuple(principals), presented))
            found.append(((_TAG,), "AWS", tuple(principals), tag))
    return tuple(
        Statement(
            f"Tenant{number}",
            "Allow",
            actions,
            principals={of: principals},
            conditions=conditions,
        )
        for number, (actions, of, principals, conditions) in enumerate(found, start=1)
    ) or (NOBODY,)


def sharing(tenants: Iterable[TenantSettings]) -> tuple[TenantSettings, ...]:
    """The tenants that have no reader, writer and admin of their own."""
    return tuple(settings for settings in tenants if RoleKind.READER not in settings.own_roles)


def shared_role_problems(
    environment: Environment, tenants: Sequence[TenantSettings]
) -> Iterator[Problem]:
    """What keeps the tenants of a stack from sharing roles."""
    members = sharing(tenants)
    for settings in members:
        yield from _without_tags(settings)
    limit = environment.limit(LIMIT)
    for kind in SHARED_KINDS:
        needed = size(shared_trust(kind, members, environment.external_ids))
        if needed > limit:
            named = sum(bool(getattr(each.tenant.access, kind.value)) for each in members)
            yield Problem(
                f"Pulumi.{environment.name}.yaml",
                "tenancy:environment.soft_roles",
                f"the shared {kind} role's trust policy would have {needed} characters, for the"
                f" principals of {named} tenants, and the account allows {limit} (IAM quotas)",
                _smaller(kind, needed),
                Kind.QUOTA,
            )


def _smaller(kind: RoleKind, needed: int) -> str:
    most = read_limits()[LIMIT].most
    own = (
        "give some of these tenants roles of their own (`isolation: {tier: soft, iam: medium}`), or"
        f" name fewer principals in `access.{kind}`"
    )
    if most is not None and needed > most:
        return own
    return f"{own}, or have the quota raised and write `limits: {{{LIMIT}: {needed}}}` or more"


def _without_tags(settings: TenantSettings) -> Iterator[Problem]:
    for kind in SHARED_KINDS:
        for index, grantee in enumerate(getattr(settings.tenant.access, kind.value)):
            if not isinstance(grantee, AwsPrincipal) and grantee.oidc.provider in _WITHOUT_TAGS:
                yield Problem(
                    f"tenants/{settings.id}.yaml",
                    f"access.{kind}[{index}].oidc.provider",
                    f"soft tenants share roles in environment {settings.names.environment}, whose"
                    f" sessions need a tag, and {grantee.oidc.provider} puts none in its tokens",
                    "give the tenant roles of its own (`isolation: {tier: soft, iam: medium}`), or"
                    " name an IAM role that passes the tag",
                )
