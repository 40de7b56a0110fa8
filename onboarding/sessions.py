"""boto3 where a stack's things are: in its account, by the roles that deploy it there."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import TYPE_CHECKING, Any

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
    entered = session(region_name=region)
    for role in roles:
        given = entered.client("sts").assume_role(RoleArn=role, RoleSessionName=name)["Credentials"]
        entered = session(
            aws_access_key_id=given["AccessKeyId"],
            aws_secret_access_key=given["SecretAccessKey"],
            aws_session_token=given["SessionToken"],
            region_name=region,
        )
    return entered


def session(**settings: str) -> boto3.Session:
    """A session of these settings of boto3's. All share what they read of AWS's descriptions."""
    import boto3  # noqa: PLC0415 - every command would wait for it
    import botocore.session  # noqa: PLC0415

    core = botocore.session.get_session()
    core.register_component("data_loader", _loader())
    return boto3.Session(botocore_session=core, **settings)


@cache
def _loader() -> Any:  # noqa: ANN401 - botocore has no types
    """What reads the descriptions of AWS: a session of its own would read all of them again."""
    import botocore.session  # noqa: PLC0415

    return botocore.session.get_session().get_component("data_loader")
