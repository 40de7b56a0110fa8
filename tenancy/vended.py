"""The accounts of hard tenants that name none: vended by the environment's organization.

The number of one is not a user's to choose. Once it is vended it stands in the configuration of
the tenant's stack, ``tenancy:account_id`` in ``Pulumi.<environment>-<tenant>.yaml``, so that it is
known before that stack is previewed.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from tenancy.aws import AccountId
from tenancy.environment import Environment
from tenancy.errors import InvalidInput, Problem
from tenancy.model import Model
from tenancy.tenant import Tenant
from tenancy.tiers import Tier
from tenancy.yaml_file import read_mapping

ACCOUNT_KEY = "tenancy:account_id"
"""The key in the configuration of a tenant's stack."""


class _StackConfig(Model):
    account_id: AccountId


@dataclass(frozen=True)
class Account:
    """The account of a hard tenant. ``number``: 12 digits; ``vended``: whether it is there.

    One that is not there yet has a stand-in for a number: so what will be made in it can be
    checked, and nothing can be deployed to it.
    """

    number: str
    vended: bool


def hard_stack(environment: str, tenant: str) -> str:
    """The name of a hard tenant's stack."""
    return f"{environment}-{tenant}"


def load_vended(configurations: Iterable[Path]) -> dict[str, str]:
    """Stack -> the account that was vended for it, of all the stacks' files that name one.

    Raises:
        InvalidInput: with all that is wrong with them.
    """
    found: dict[str, str] = {}
    problems: list[Problem] = []
    for path in configurations:
        try:
            number = _read(path)
        except InvalidInput as error:
            problems += error.problems
            continue
        if number is not None:
            found[path.name.split(".")[1]] = number
    if problems:
        raise InvalidInput(problems)
    return found


def _read(path: Path) -> str | None:
    config = read_mapping(path, path.name).get("config")
    if not isinstance(config, dict) or ACCOUNT_KEY not in config:
        return None
    try:
        return _StackConfig.parse({"account_id": config[ACCOUNT_KEY]}, path.name).account_id
    except InvalidInput as error:
        field = f"config.{ACCOUNT_KEY}"
        raise InvalidInput(replace(one, field=field) for one in error.problems) from None


def account_of(tenant: Tenant, environment: Environment, vended: Mapping[str, str]) -> Account:
    """The account that the tenant lives in, in an environment that takes it."""
    if tenant.isolation.tier is not Tier.HARD:
        return Account(environment.account_id, vended=True)
    number = tenant.account_id or vended.get(hard_stack(environment.name, tenant.tenant))
    if number:
        return Account(number, vended=True)
    return Account(_stand_in(environment.name, tenant.tenant), vended=False)


def is_vended(tenant: Tenant) -> bool:
    """Whether the tenant's account is one that the organization vends."""
    return tenant.isolation.tier is Tier.HARD and tenant.account_id is None


def _stand_in(environment: str, tenant: str) -> str:
    """A number that tells the tenant's resources from others': AWS has given none like it."""
    digest = hashlib.sha256(hard_stack(environment, tenant).encode()).digest()
    return f"0000{int.from_bytes(digest[:8]) % 10**8:08d}"
