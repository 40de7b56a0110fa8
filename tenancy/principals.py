"""Who may assume a tenant's roles: the `access` section of a tenant file."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import BeforeValidator, Field

from tenancy.aws import Exact, IamArn, OidcProvider
from tenancy.errors import Refusal
from tenancy.model import Model
from tenancy.references import ConfigRef

DEFAULT_AUDIENCE = "sts.amazonaws.com"
"""The audience that AWS's own tools ask identity providers for."""


class AwsPrincipal(Model):
    """One IAM role or user."""

    aws: IamArn = Field(description="ARN of the IAM role or user, exactly")
    external_id: ConfigRef | None = Field(
        default=None,
        description="Reference to the external id that the caller must present; for a principal "
        "that third parties use (IAM User Guide, 'The confused deputy problem')",
    )


class Oidc(Model):
    """What a token must say. GitHub's documentation, "OpenID Connect", has its subjects."""

    provider: OidcProvider = Field(
        default="token.actions.githubusercontent.com", description="host and path of the provider"
    )
    subject: Exact = Field(description="the token's `sub`, exactly")
    audience: Exact = Field(default=DEFAULT_AUDIENCE, description="the token's `aud`, exactly")


class OidcSubject(Model):
    """One identity of an OpenID Connect provider."""

    oidc: Oidc = Field(description="what the identity's token says")


def _either(given: object) -> object:
    """The one kind that an item is, told by its key: so that its errors are those of that kind."""
    if isinstance(given, AwsPrincipal | OidcSubject):
        return given
    if not isinstance(given, Mapping) or ("aws" in given) == ("oidc" in given):
        raise Refusal(
            "must be a mapping with exactly one of `aws` and `oidc`",
            "write `- aws: <ARN of a role>`, or `- oidc: {subject: <sub>}`; one item each",
        )
    return (AwsPrincipal if "aws" in given else OidcSubject).model_validate(given)


Principal = Annotated[AwsPrincipal | OidcSubject, BeforeValidator(_either)]


class Access(Model):
    """Who may assume each role; nobody where a list is empty."""

    reader: tuple[Principal, ...] = Field(default=(), description="who may read public columns")
    writer: tuple[Principal, ...] = Field(
        default=(), description="who may read and write all columns"
    )
    admin: tuple[Principal, ...] = Field(
        default=(), description="who may administer the tenant's data"
    )
    auditor: tuple[Principal, ...] = Field(
        default=(), description="who may read the tenant's audit records and its SIEM queue"
    )

    @property
    def oidc_subjects(self) -> tuple[OidcSubject, ...]:
        """The subjects of identity providers in any of the lists."""
        everybody = (*self.reader, *self.writer, *self.admin, *self.auditor)
        return tuple(grantee for grantee in everybody if isinstance(grantee, OidcSubject))
