"""No secret stands in a program in plain text."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from isolation.graph import Resource
from policies.containers import containers, environment
from policies.rule import ResourceRule, Settings, known

_NAMED_SO = re.compile(r"(?:^|[._-])(?:password|passwd|secret|token|api[._-]?key|access[._-]?key)$")
_LITERALS = {
    "aws:rds/instance:Instance": ("password",),
    "aws:rds/cluster:Cluster": ("masterPassword",),
    "aws:ssm/parameter:Parameter": ("insecureValue",),
}


def _find(resource: Resource, _: Settings) -> Iterator[str]:
    for name in _LITERALS.get(resource.type, ()):
        if resource.inputs.get(name):
            yield f"is given its `{name}`, which then lies in the state"
    given: list[Mapping[str, Any]] = [environment(container) for container in containers(resource)]
    if resource.type == "aws:lambda/function:Function":
        given.append(_variables(resource))
    for variables in given:
        for name, value in variables.items():
            if _NAMED_SO.search(name.lower()) and not _refers(known(value)):
                yield f"has a secret in plain text: the variable {name}"


def _refers(value: object) -> bool:
    """Whether the value only tells where the secret lies, or there is none."""
    return not value or str(value).startswith("arn:")


def _variables(function: Resource) -> Mapping[str, Any]:
    settings = known(function.inputs.get("environment"))
    found = known(settings.get("variables")) if isinstance(settings, Mapping) else None
    return found if isinstance(found, Mapping) else {}


RULE = ResourceRule(
    name="no-plain-secret",
    description="Passwords, tokens and keys are references to a secret store.",
    remedy="let AWS make it (manage_master_user_password), or refer to a secret under `secrets`",
    find=_find,
)
