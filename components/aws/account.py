"""What an account and region has once: Lake Formation's settings, OIDC providers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws
from pulumi import ResourceOptions

from components.aws.parts import LakeParts
from tenancy.claims import Claims
from tenancy.names import Names


@dataclass(frozen=True)
class AccountArgs:
    """``admins``: who administers Lake Formation.

    ``oidc_audiences``: identity provider -> the audiences that it is trusted for.
    ``deployers``: the ARNs of the roles that run the program here. ``alone``: whether the account
    holds nothing else, so that what is one for the whole account is the program's to decide.
    """

    names: Names
    admins: Sequence[pulumi.Input[str]]
    oidc_audiences: Mapping[str, Sequence[str]]
    deployers: tuple[str, ...]
    alone: bool


class Account(pulumi.ComponentResource):
    """The account's governance: Lake Formation decides, and nothing is open by default.

    Its ``parts`` are outputs of the settings: what is built from them is built after the defaults
    are closed.
    """

    parts: LakeParts

    def __init__(self, name: str, args: AccountArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("tenancy:aws:Account", name, None, opts)
        child = ResourceOptions(parent=self)
        names = args.names
        # Leaving the create*DefaultPermissions out clears them: no IAMAllowedPrincipals on what is
        # made from now on (pulumi-aws, DataLakeSettings).
        settings = aws.lakeformation.DataLakeSettings(
            f"{name}-lake-formation",
            catalog_id=names.account_id,
            admins=args.admins,
            opts=child,
        )
        catalog_id = settings.catalog_id.apply(lambda given: given or names.account_id)
        self.parts = LakeParts(catalog_id)
        for provider, audiences in args.oidc_audiences.items():
            aws.iam.OpenIdConnectProvider(
                f"{name}-{provider}",
                url=f"https://{provider}",
                client_id_lists=list(audiences),
                opts=child,
            )
        if args.alone:
            aws.s3.AccountPublicAccessBlock(
                f"{name}-public-access",
                account_id=names.account_id,
                block_public_acls=True,
                block_public_policy=True,
                ignore_public_acls=True,
                restrict_public_buckets=True,
                opts=child,
            )
        claims = Claims(
            tenant=None,
            owns=(
                names.glue_arn("catalog"),
                *(names.oidc_provider_arn(provider) for provider in args.oidc_audiences),
            ),
            principals=args.deployers,
            reason="deployers run the program that makes every tenant of the account",
        )
        self.register_outputs({"claims": claims.to_json()})
