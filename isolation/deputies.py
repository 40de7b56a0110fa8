"""Services that act for others: for whose resource they call is what a policy asks them.

A service is called by whoever uses it, and tells the resource for which it acts. So it is asked
about as acting for somebody's elsewhere, by whatever ARN a policy would take for one, and as acting
for each tenant's resource that a policy names.

Source: IAM User Guide, "The confused deputy problem", "Cross-service confused deputy prevention".
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import chain

from isolation.actors import Actor
from isolation.inventory import Inventory, is_arn
from isolation.ownership import Ownership
from isolation.policy import Policy
from isolation.principals import SOURCE_OWNER, Kind

ELSEWHERE = "000000000000"
"""An account that is nobody's whom an estate knows."""
_ARN_KEY = "aws:sourcearn"
_ACCOUNT_KEYS = ("aws:sourceaccount", SOURCE_OWNER.lower())
_ACCOUNT, _REST = 4, 5  # the components of an ARN


def services(
    name: str, given: Iterable[Policy], ownership: Ownership, inventory: Inventory
) -> Iterator[Actor]:
    """A service as the deputy of those whom policies let it act for."""
    policies, accounts = tuple(given), inventory.accounts
    stranger = Actor(
        name,
        Kind.SERVICE,
        "",
        facts={
            "aws:SourceAccount": ELSEWHERE,
            SOURCE_OWNER: ELSEWHERE,
            "aws:SourceOrgID": "o-of-another",
            "aws:SourceOrgPaths": "o-of-another/r-1/",
        },
        stranger=True,
    )
    for partition in inventory.partitions:
        another = f"arn:{partition}:any:::of-another"
        yield replace(stranger, facts={**stranger.facts, "aws:SourceArn": another})
    named = (_asked(key, name, policies) for key in _ACCOUNT_KEYS)
    for account in dict.fromkeys(chain.from_iterable(named)):
        if account not in accounts and not set(account) & set("*?$"):
            told = {"aws:SourceAccount": account, SOURCE_OWNER: account}
            yield replace(stranger, facts=told, session=f"for account {account}")
    for source in dict.fromkeys(_asked(_ARN_KEY, name, policies)):
        foreign = _of_another(source)
        if foreign:
            yield replace(
                stranger,
                facts={**stranger.facts, "aws:SourceArn": foreign},
                session=f"for {foreign} of any account",
            )
        for tenant in {claim.tenant for claim in ownership.owners(source)} - {None}:
            yield Actor(
                name,
                Kind.SERVICE,
                "",
                tenant=tenant,
                facts={"aws:SourceArn": source, **_account(source)},
                session=f"for {source}",
            )


def _asked(key: str, name: str, policies: Iterable[Policy]) -> Iterator[str]:
    """The values that statements which allow the service ask of a key."""
    for policy in policies:
        for statement in policy.allows:
            if ("Service", name) in (statement.principals or ()):
                for condition in statement.conditions:
                    if condition.key == key:
                        yield from condition.values


def _of_another(source: str) -> str:
    """An ARN of an account elsewhere that a pattern matches; empty where it names the account."""
    parts = source.split(":", _REST)
    if len(parts) <= _REST:
        return f"arn:aws:any::{ELSEWHERE}:x" if source.strip("*?") == "" else ""
    account, rest = parts[_ACCOUNT], parts[_REST]
    if account and not set(account) & set("*?"):
        return ""
    if not account and not set(rest) & set("*?"):
        return ""  # a bucket by its name, which is one's own in all the world
    parts[_ACCOUNT] = ELSEWHERE if account else ""
    found = [part.replace("*", "x").replace("?", "x") for part in parts]
    return ":".join(found)


def _account(source: str) -> dict[str, str]:
    account = source.split(":", _REST)[_ACCOUNT] if is_arn(source) else ""
    return {"aws:SourceAccount": account, SOURCE_OWNER: account} if account else {}
