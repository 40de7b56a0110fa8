"""Looks from outside, with boto3, whether what a tenant was given is there.

The engine tells what its plugin told it; this asks the cloud itself, as a tenant's tools will.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

from onboarding.sessions import session_in
from onboarding.summary import TenantSummary
from tenancy.estate import StackPlan


@dataclass(frozen=True)
class Verified:
    """What was looked for and found.

    Attributes:
        tenant: id.
        found: `role <name>`, `bucket <name>`, `database <name>`.
    """

    tenant: str
    found: tuple[str, ...]


Clients = Callable[[str], Any]
"""Service -> its client."""


class Missing(Exception):
    """The engine says that it was made, and the cloud does not have it."""


def prepare(region: str) -> None:
    """Read AWS's descriptions of what `verify` asks, once for all sessions: seconds, beforehand."""
    session = session_in(region, (), "tenancy-verify")
    for service in ("iam", "s3", "glue"):
        session.client(service)


def verify(tenants: Iterable[TenantSummary], stacks: Iterable[StackPlan]) -> tuple[Verified, ...]:
    """Ask the cloud for the roles, bucket and databases of each tenant.

    The process's environment must be that of the cloud; a hard tenant's account is entered by the
    role that deploys it.

    Raises:
        Missing: with everything that is not there, or cannot be asked for.
    """
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 - as for boto3

    verified = []
    missing: list[str] = []
    there = list(tenants)
    for plan in stacks:
        # Entered where something is asked for: a stack may have no tenant.
        session = cache(partial(session_in, plan.region, plan.assumed_roles, "tenancy-verify"))
        client = cache(partial(_client, session))
        for tenant in (each for each in there if each.stack == plan.name):
            found = []
            for what, ask in _looks(tenant):
                try:
                    ask(client)
                except (ClientError, BotoCoreError) as error:
                    missing.append(f"{tenant.tenant}: {what}: {error}")
                else:
                    found.append(what)
            verified.append(Verified(tenant.tenant, tuple(found)))
    if missing:
        raise Missing(
            "the update ended well, but from outside this is not to be found:\n  "
            + "\n  ".join(missing)
            + "\n  remedy: look for who removed it, then `tenancy drift`, and `tenancy up` again"
        )
    return tuple(verified)


def _looks(tenant: TenantSummary) -> Iterator[tuple[str, Callable[[Clients], object]]]:
    """What to look for, and the call that fails where it is not there."""
    for arn in tenant.roles:
        yield f"role {_last(arn)}", partial(_role, _last(arn))
    bucket = tenant.storage.removeprefix("s3://").partition("/")[0]
    yield f"bucket {bucket}", lambda client: client("s3").head_bucket(Bucket=bucket)
    for name in tenant.databases:
        yield f"database {name}", partial(_database, name)


def _role(name: str, client: Clients) -> object:
    return client("iam").get_role(RoleName=name)


def _database(name: str, client: Clients) -> object:
    return client("glue").get_database(Name=name)


def _last(arn: str) -> str:
    return arn.rpartition("/")[2]


def _client(session: Callable[[], Any], service: str) -> Any:  # noqa: ANN401 - boto3 has no common type
    return session().client(service)
