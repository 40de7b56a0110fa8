"""A path whose roles may be passed holds nothing but what tasks run as."""

from collections.abc import Iterator

from isolation.graph import Graph, Resource
from policies.pass_role import passes
from policies.rule import EstateRule, Fault, NotKnownYetError, Settings
from policies.statements import allowing, listed, principals

_ROLE = "aws:iam/role:Role"
_TASKS = "ecs-tasks.amazonaws.com"


def _find(graph: Graph, _: Settings) -> Iterator[Fault]:
    paths = {path for resource in graph.resources for path in _passed_paths(resource)}
    for role in graph.resources:
        path = str(role.inputs.get("path") or "/")
        if role.type == _ROLE and any(path.startswith(passed) for passed in paths):
            try:
                trusted = {name for one in allowing(role) for name in principals(one)}
            except NotKnownYetError:
                continue
            if trusted - {_TASKS}:
                others = ", ".join(sorted(trusted - {_TASKS}))
                yield Fault(role, f"may be passed, since it lies under {path}, but trusts {others}")


def _passed_paths(resource: Resource) -> Iterator[str]:
    """``/a/b/`` for each ``iam:PassRole`` on ``role/a/b/*``."""
    try:
        for statement in allowing(resource):
            for arn in listed(statement.get("Resource")) if passes(statement) else ():
                _, role, path = str(arn).partition(":role/")
                if role and path.endswith("/*"):
                    yield f"/{path.removesuffix('*')}"
    except NotKnownYetError:
        return


RULE = EstateRule(
    name="run-roles-alone",
    description="Under a path that iam:PassRole names there are only roles that tasks run as.",
    remedy="give the role another path",
    find=_find,
)
