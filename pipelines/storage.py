"""Storage credentials of whoever a token was made out to: its own role's, and nobody else's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import boto3
from botocore import UNSIGNED
from botocore.config import Config

_CONNECT, _READ = 3, 10  # seconds


@dataclass(frozen=True)
class Storage:
    """Where S3 is. ``endpoint`` is empty on AWS, where a task acts with the role that it was
    started with, and asks for nothing more.
    """

    endpoint: str
    region: str

    def properties(self, token: str) -> dict[str, str]:
        """What an Iceberg client must be told to reach storage as the token's bearer.

        Elsewhere than on AWS the token is exchanged (AWS STS API, AssumeRoleWithWebIdentity); what
        the credentials may do follows from the token's groups, and they end with it.

        Raises:
            botocore.exceptions.ClientError: the token is not accepted.
        """
        found = {"s3.region": self.region}
        if not self.endpoint:
            return found
        # Typed for AWS, where a role must be named.
        sts: Any = boto3.client(
            "sts",
            endpoint_url=self.endpoint,
            region_name=self.region,
            config=Config(
                signature_version=UNSIGNED,
                # No role is named: the server finds it by the token.
                parameter_validation=False,
                connect_timeout=_CONNECT,
                read_timeout=_READ,
            ),
        )
        given = sts.assume_role_with_web_identity(WebIdentityToken=token)["Credentials"]
        return found | {
            "s3.endpoint": self.endpoint,
            "s3.access-key-id": given["AccessKeyId"],
            "s3.secret-access-key": given["SecretAccessKey"],
            "s3.session-token": given["SessionToken"],
        }
