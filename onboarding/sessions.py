"""boto3 where a stack's things are: in its account, by the roles that deploy it there."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import boto3


def session_in(region: str, roles: Iterable[str], name: str) -> boto3.Session:
    """A session in the region, by the process's own credentials or those of the last role.

    Args:
        region: such as `us-east-1`.
        roles: ARNs, assumed one after another.
        name: what the account's records call the session.

    Raises:
        ClientError: a role may not be assumed.
    """
    import boto3  # noqa: PLC0415 - every command would wait for it

    session = boto3.Session(region_name=region)
    for role in roles:
        given = session.client("sts").assume_role(RoleArn=role, RoleSessionName=name)["Credentials"]
        session = boto3.Session(
            aws_access_key_id=given["AccessKeyId"],
            aws_secret_access_key=given["SecretAccessKey"],
            aws_session_token=given["SessionToken"],
            region_name=region,
        )
    return session
