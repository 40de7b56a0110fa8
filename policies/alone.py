"""A hard tenant is alone in its account."""

from collections import defaultdict
from collections.abc import Iterator

from isolation.graph import Graph
from isolation.inventory import tags
from isolation.ownership import OF_THE_PLATFORM
from policies.rule import EstateRule, Fault, Settings

_HOMES = ("aws:s3/bucket:Bucket", "aws:iam/role:Role", "aws:rds/instance:Instance")


def _find(graph: Graph, settings: Settings) -> Iterator[Fault]:
    hard: dict[str, set[str]] = defaultdict(set)
    for resource in graph.resources:
        given = tags(resource)
        tenant = given.get(settings.tag, "platform")
        # Not by its end of a peering, say, which lies in the platform's account.
        if (
            resource.type in _HOMES
            and given.get(settings.tier_tag) == settings.alone
            and tenant not in OF_THE_PLATFORM
        ):
            hard[resource.account].add(tenant)
    told = set()
    for resource in graph.resources:
        tenant = tags(resource).get(settings.tag, "platform")
        if tenant in OF_THE_PLATFORM or not hard.get(resource.account):
            continue
        others = hard[resource.account] - {tenant}
        if others and (resource.account, tenant) not in told:
            told.add((resource.account, tenant))
            account = resource.account or "one account"
            yield Fault(resource, f"is of {tenant} in {account}, which {min(others)} has to itself")


RULE = EstateRule(
    name="hard-tenants-alone",
    description="In the account of a hard tenant there is no other tenant's resource.",
    remedy="give each hard tenant a stack with a provider bound to its own account",
    find=_find,
)
