"""Who may assume a role: from a tenant's ``access``, for runs and for the platform."""

from collections.abc import Mapping, Sequence

from tenancy.grants import Conditions, Statement
from tenancy.names import Names
from tenancy.principals import AwsPrincipal, OidcSubject
from tenancy.references import config_name

NOBODY = Statement("NobodyYet", "Deny", ("sts:AssumeRole",), principals="*")
"""A role must have a trust policy; this one holds until ``access`` names somebody."""


def access_trust(
    grantees: Sequence[AwsPrincipal | OidcSubject],
    names: Names,
    external_ids: Mapping[str, str],
) -> tuple[Statement, ...]:
    """Trust for a reader, writer or admin role.

    ``external_ids`` resolves the references of ``AwsPrincipal.external_id``. No statement grants
    ``sts:TagSession``, so that nobody can choose the tenant tag of a session.
    """
    statements = tuple(
        _aws(number, grantee, external_ids)
        if isinstance(grantee, AwsPrincipal)
        else _oidc(number, grantee, names)
        for number, grantee in enumerate(grantees, start=1)
    )
    return statements or (NOBODY,)


def run_trust(names: Names) -> tuple[Statement, ...]:
    """Trust for a run role: ECS tasks of this account and region, nobody's confused deputy."""
    return (
        Statement(
            "EcsTasks",
            "Allow",
            ("sts:AssumeRole",),
            principals={"Service": ("ecs-tasks.amazonaws.com",)},
            conditions={
                "StringEquals": {"aws:SourceAccount": names.account_id},
                "ArnLike": {"aws:SourceArn": names.any_task_arn},
            },
        ),
    )


def platform_admin_trust(principals: Sequence[str]) -> tuple[Statement, ...]:
    """Trust for the platform's administrators, with MFA."""
    if not principals:
        return (NOBODY,)
    return (
        Statement(
            "AdministratorsWithMfa",
            "Allow",
            ("sts:AssumeRole",),
            principals={"AWS": tuple(principals)},
            conditions={"Bool": {"aws:MultiFactorAuthPresent": "true"}},
        ),
    )


def _aws(number: int, grantee: AwsPrincipal, external_ids: Mapping[str, str]) -> Statement:
    reference = grantee.external_id
    return Statement(
        f"Aws{number}",
        "Allow",
        ("sts:AssumeRole",),
        principals={"AWS": (grantee.aws,)},
        conditions=(
            {"StringEquals": {"sts:ExternalId": external_ids[config_name(reference)]}}
            if reference
            else {}
        ),
    )


def _oidc(number: int, grantee: OidcSubject, names: Names) -> Statement:
    return Statement(
        f"Oidc{number}",
        "Allow",
        ("sts:AssumeRoleWithWebIdentity",),
        principals={"Federated": (names.oidc_provider_arn(grantee.oidc.provider),)},
        conditions=oidc_conditions(grantee),
    )


def oidc_conditions(grantee: OidcSubject) -> Conditions:
    """What a token must say to be the identity's."""
    oidc = grantee.oidc
    return {
        "StringEquals": {
            f"{oidc.provider}:sub": oidc.subject,
            f"{oidc.provider}:aud": oidc.audience,
        }
    }
