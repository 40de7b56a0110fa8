"""How AWS writes accounts, regions and principals, as types of fields.

Facts are from the IAM User Guide, "IAM identifiers" and "IAM and AWS STS quotas".
"""

import re
from typing import Annotated

from pydantic import AfterValidator, Field

from tenancy.errors import Refusal
from tenancy.model import refuse_non_text, safe

_ACCOUNT = re.compile(r"[0-9]{12}")
_REGION = re.compile(r"(?:us-gov|[a-z]{2})-[a-z]+-[0-9]")
# Path up to 512 characters and name up to 64, both of these characters.
_IAM = re.compile(
    r"arn:aws(?:-us-gov|-cn)?:iam::[0-9]{12}:(role|user)(?:/[A-Za-z0-9+=,.@_-]{1,128}){0,8}"
    r"/[A-Za-z0-9+=,.@_-]{1,64}"
)
_PROVIDER = re.compile(r"(?:[a-z0-9-]+\.)+[a-z]{2,}(?:/[A-Za-z0-9._~-]+)*")
_WILD = re.compile(r"[*?]|\$\{")

_EXAMPLE = "arn:aws:iam::123456789012:role/acme-analysts"


def _account_id(given: str) -> str:
    if _ACCOUNT.fullmatch(given):
        return given
    raise Refusal("an AWS account id has exactly 12 digits", 'write it in quotes: "123456789012"')


def _region(given: str) -> str:
    if _REGION.fullmatch(given):
        return given
    raise Refusal(f"`{safe(given)}` is not the name of an AWS region", "write e.g. `us-east-1`")


def _iam_arn(given: str) -> str:
    if _WILD.search(given):
        raise Refusal(
            "a principal must be exact, and this one holds a wildcard or variable that others "
            "could come to match",
            "name each role or user by its full ARN",
        )
    if re.fullmatch(r"[0-9]{12}|arn:[^:]*:iam::[0-9]*:root", given):
        raise Refusal(
            "an account as a principal (`root`) stands for everybody in it whom its own "
            "administrators choose",
            f"name the role or user, e.g. `{_EXAMPLE}`",
        )
    if ":assumed-role/" in given:
        raise Refusal(
            "a role session is not a lasting principal", "name the role that the session is of"
        )
    if not _IAM.fullmatch(given):
        raise Refusal(
            "must be the ARN of an IAM role or user: arn:aws:iam::<12 digits>:role/<path and name>",
            f"write e.g. `{_EXAMPLE}`",
        )
    return given


def _iam_role_arn(given: str) -> str:
    if ":user/" in _iam_arn(given):
        raise Refusal("must be a role: users have lasting keys", f"write e.g. `{_EXAMPLE}`")
    return given


def _provider(given: str) -> str:
    # IAM API, CreateOpenIDConnectProvider: a URL of at most 255 characters, without port or query.
    if _PROVIDER.fullmatch(given) and len(given) <= 255 - len("https://"):
        return given
    raise Refusal(
        "must be the host and path of an OIDC provider, without `https://`, port or wildcard",
        "write e.g. `token.actions.githubusercontent.com`",
    )


def _exact(given: str) -> str:
    if _WILD.search(given):
        raise Refusal(
            "must be exact: a wildcard lets in whoever can choose a matching name",
            "write the whole subject, e.g. `repo:acme/lake:environment:prod`",
        )
    if not re.fullmatch(r"[\x21-\x7e]{1,255}", given):
        raise Refusal("must be 1 to 255 printable characters without spaces", "write it in full")
    return given


AccountId = Annotated[
    str,
    refuse_non_text('put the 12 digits in quotes: account_id: "123456789012"'),
    AfterValidator(_account_id),
    Field(json_schema_extra={"pattern": f"^{_ACCOUNT.pattern}$"}),
]
Region = Annotated[
    str, AfterValidator(_region), Field(json_schema_extra={"pattern": f"^{_REGION.pattern}$"})
]
IamArn = Annotated[
    str, AfterValidator(_iam_arn), Field(json_schema_extra={"pattern": f"^{_IAM.pattern}$"})
]
"""The ARN of one role or user, exactly."""

IamRoleArn = Annotated[str, AfterValidator(_iam_role_arn)]
"""The ARN of one role, exactly."""

OidcProvider = Annotated[
    str, AfterValidator(_provider), Field(json_schema_extra={"pattern": f"^{_PROVIDER.pattern}$"})
]
"""Host and path of an OpenID Connect provider."""

Exact = Annotated[
    str,
    AfterValidator(_exact),
    Field(json_schema_extra={"pattern": r"^[!-~]{1,255}$", "not": {"pattern": r"[*?]|\$\{"}}),
]
"""Text that a token must hold exactly."""
