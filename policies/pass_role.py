"""Whoever passes roles passes named ones."""

import re
from collections.abc import Iterator
from fnmatch import fnmatchcase

from isolation.graph import Resource
from policies.rule import ResourceRule, Settings
from policies.statements import Statement, allowing, listed, title

_ANY_ROLE = re.compile(r"\*|arn:[^:]+:iam::\*:(role/)?\*")


def passes(statement: Statement) -> bool:
    """Whether a statement's actions hold `iam:PassRole`."""
    actions = [str(action).lower() for action in listed(statement.get("Action"))]
    return any(fnmatchcase("iam:passrole", action) for action in actions)


def _find(resource: Resource, _: Settings) -> Iterator[str]:
    for statement in allowing(resource):
        resources = map(str, listed(statement.get("Resource")))
        anything = any(_ANY_ROLE.fullmatch(one) for one in resources)
        if passes(statement) and (anything or "NotResource" in statement):
            yield f"may pass any role: {title(statement)}"


RULE = ResourceRule(
    name="no-pass-role-on-everything",
    description="iam:PassRole is allowed on named roles or one path only, never on `*`.",
    remedy="list the roles, or a path that holds nothing else, under Resource",
    find=_find,
)
