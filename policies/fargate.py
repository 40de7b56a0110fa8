"""Tenants' code shares no machine."""

from collections.abc import Iterator

from isolation.graph import Resource
from policies.containers import TASK_DEFINITION
from policies.rule import ResourceRule, Settings, known
from policies.statements import listed

_SERVICE = "aws:ecs/service:Service"
_PROVIDERS = ("FARGATE", "FARGATE_SPOT")


def _find(resource: Resource, _: Settings) -> Iterator[str]:
    if resource.type == TASK_DEFINITION:
        if listed(resource.inputs.get("requiresCompatibilities")) != ["FARGATE"]:
            yield "may run elsewhere than on Fargate"
    elif resource.type == _SERVICE:
        strategies = listed(resource.inputs.get("capacityProviderStrategies"))
        providers = [known(one.get("capacityProvider")) for one in strategies]
        on_fargate = known(resource.inputs.get("launchType")) == "FARGATE" or (
            providers and all(provider in _PROVIDERS for provider in providers)
        )
        if not on_fargate:
            yield "runs elsewhere than on Fargate"


RULE = ResourceRule(
    name="fargate-only",
    description="Every task runs on Fargate, whose tasks share neither kernel nor credentials.",
    remedy="set launch_type, or requires_compatibilities, to FARGATE",
    find=_find,
)
