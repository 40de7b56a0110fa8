"""Nobody trusts a whole account."""

import re
from collections.abc import Iterator

from isolation.graph import Resource
from policies.rule import ResourceRule, Settings
from policies.statements import allowing, principals, title

_ACCOUNT = re.compile(r"[0-9]{12}|arn:aws[a-z-]*:iam::[0-9]{12}:root")


def _find(resource: Resource, _: Settings) -> Iterator[str]:
    if resource.type != "aws:iam/role:Role":
        return
    for statement in allowing(resource):
        for name in principals(statement):
            if _ACCOUNT.fullmatch(name):
                yield f"trusts everybody whom account {name} lets: {title(statement)}"


RULE = ResourceRule(
    name="trust-never-account-wide",
    description="A role's trust names roles, users or services, never a whole account.",
    remedy="name the ARN of the role that may assume it",
    find=_find,
)
