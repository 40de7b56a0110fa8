"""Which types the embedded cloud knows.

Adding a type: a class as `resource` shows, in the module of its service, under ``@register``; a
new service's module goes into ``_SERVICES``.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import Final, TypeVar

from localcloud.aws_plugin.resource import Resource, ResourceError

_SERVICES: Final = (
    "acm",
    "cloudtrail",
    "cloudwatch",
    "ec2",
    "ec2_endpoints",
    "ec2_flow_logs",
    "ec2_groups",
    "ec2_peering",
    "ec2_routes",
    "ecs",
    "glue",
    "iam",
    "kms",
    "lakeformation",
    "lambda_functions",
    "lb",
    "lb_listeners",
    "organizations",
    "rds",
    "route53",
    "s3",
    "secretsmanager",
    "servicediscovery",
    "sns",
    "sqs",
    "vpc",
)
_TYPES: Final[dict[str, Resource]] = {}
T = TypeVar("T", bound=Resource)


def register(cls: type[T]) -> type[T]:
    """Make a type known under its token."""
    if cls.token in _TYPES:
        raise ValueError(f"{cls.token} is registered twice")
    _TYPES[cls.token] = cls()
    return cls


@cache
def types() -> dict[str, Resource]:
    """All known types by token."""
    for service in _SERVICES:
        import_module(f"localcloud.aws_plugin.{service}")
    return _TYPES


def handler(token: str) -> Resource:
    """The type's handler. Raises ResourceError, naming the type and what to do, without one."""
    if (found := types().get(token)) is not None:
        return found
    service = token.split(":")[1].partition("/")[0] if token.startswith("aws:") else "its_service"
    raise ResourceError(
        f"the embedded cloud has no handler for the type {token}. Add one to "
        f"localcloud/aws_plugin/{service}.py (localcloud/aws_plugin/resource.py shows how), or "
        f"deploy with the official provider. Known types: {', '.join(sorted(types()))}"
    )
