"""Nobody is allowed as everybody."""

from collections.abc import Iterator

from isolation.graph import Resource
from policies.rule import ResourceRule, Settings
from policies.statements import allowing, principals, title

# An endpoint's policy only limits what else allows, and by default names everybody.
_ONLY_LIMITS = "aws:ec2/vpcEndpoint:VpcEndpoint"


def _find(resource: Resource, _: Settings) -> Iterator[str]:
    if resource.type == _ONLY_LIMITS:
        return
    for statement in allowing(resource):
        if "NotPrincipal" in statement:
            yield f"allows everybody but some: {title(statement)}"
        elif "*" in principals(statement) and not statement.get("Condition"):
            yield f"allows everybody without a condition: {title(statement)}"


RULE = ResourceRule(
    name="no-wildcard-principal",
    description="A resource's policy names whom it allows, or asks a condition of everybody.",
    remedy="name the roles' ARNs under Principal instead of `*` or NotPrincipal",
    find=_find,
)
