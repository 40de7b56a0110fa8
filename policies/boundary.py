"""Every role has a permissions boundary."""

from collections.abc import Iterator

from isolation.graph import Resource
from policies.rule import ResourceRule, Settings

_SERVICE_LINKED = "/aws-service-role/"


def _find(resource: Resource, _: Settings) -> Iterator[str]:
    path = str(resource.inputs.get("path", ""))
    if resource.type != "aws:iam/role:Role" or path.startswith(_SERVICE_LINKED):
        return
    # A boundary that is not known yet is one all the same: the program gives it.
    if not resource.inputs.get("permissionsBoundary"):
        yield "has no permissions boundary"


RULE = ResourceRule(
    name="boundary-on-every-role",
    description="Every IAM role has a permissions boundary, so that no grant exceeds it.",
    remedy="set `permissions_boundary` to the ARN of the boundary's policy",
    find=_find,
)
