"""Listeners of application load balancers, and the rules by which they choose among targets."""

# A class is its table, `resource` documents the methods.
# ruff: noqa: ANN401, D101, D102, S105

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from localcloud.aws_plugin import lb_rules
from localcloud.aws_plugin.cloud import Cloud
from localcloud.aws_plugin.lb import Balancing
from localcloud.aws_plugin.lb_rules import CONDITION_NAMES, same_actions, same_conditions
from localcloud.aws_plugin.registry import register
from localcloud.aws_plugin.resource import TAGS, Property, declare
from localcloud.aws_plugin.values import Properties, has_unknown

_ACTION_NAMES: Final = {
    "fixedResponse": "FixedResponseConfig",
    "redirect": "RedirectConfig",
    "forward": "ForwardConfig",
    "arn": "TargetGroupArn",
    "stickiness": "TargetGroupStickinessConfig",
    "duration": "DurationSeconds",
}
_SECURE: Final = "HTTPS"


@register
class Listener(Balancing):
    token = "aws:lb/listener:Listener"
    properties = declare(
        loadBalancerArn=Property(required=True, replace=True),
        port=Property(required=True),
        protocol=Property(required=True, choices=("HTTP", _SECURE)),
        sslPolicy=Property(computed=True),
        certificateArn=Property(by_hand=True),
        defaultActions=Property(required=True, names=_ACTION_NAMES, same=same_actions),
        tags=TAGS,
    )
    outputs = ("arn",)
    create_call = "create_listener"
    read_call = "describe_listeners"
    update_call = "modify_listener"
    delete_call = "delete_listener"
    shown = "Listeners"
    arns = "ListenerArns"
    by = "ListenerArn"

    def validate(self, inputs: Properties) -> Iterator[tuple[str, str]]:
        secure = inputs["protocol"] == _SECURE
        for name in ("certificateArn", "sslPolicy"):
            if not secure and inputs.get(name) is not None:
                yield name, f"only an {_SECURE} listener has one"
        if secure and inputs.get("certificateArn") is None:
            yield "certificateArn", f"an {_SECURE} listener needs one"

    def twin(self, client: Any, inputs: Properties) -> Any:
        pages = client.get_paginator("describe_listeners").paginate(
            LoadBalancerArn=inputs["loadBalancerArn"]
        )
        found = (one for page in pages for one in page["Listeners"])
        return next((one for one in found if one["Port"] == int(inputs["port"])), None)

    def request(self, inputs: Properties) -> dict[str, Any]:
        certificate = inputs.get("certificateArn")
        return {"Certificates": [{"CertificateArn": certificate}]} if certificate else {}

    def live(self, client: Any, found: Any, known: Any) -> Properties:
        live = super().live(client, found, known)
        if found["Protocol"] != _SECURE:
            return {**live, "sslPolicy": None}  # moto gives one to every listener
        return {**live, "certificateArn": found["Certificates"][0]["CertificateArn"]}


@register
class ListenerRule(Balancing):
    """ELB can pick a rule's priority; here the program says it: it decides which is asked first."""

    token = "aws:lb/listenerRule:ListenerRule"
    properties = declare(
        listenerArn=Property(required=True, replace=True),
        priority=Property(required=True),
        conditions=Property(required=True, by_hand=True, same=same_conditions),
        actions=Property(required=True, names=_ACTION_NAMES, same=same_actions),
        tags=TAGS,
    )
    outputs = ("arn",)
    create_call = "create_rule"
    read_call = "describe_rules"
    update_call = "modify_rule"
    delete_call = "delete_rule"
    shown = "Rules"
    arns = "RuleArns"
    by = "RuleArn"

    def validate(self, inputs: Properties) -> Iterator[tuple[str, str]]:
        if has_unknown(inputs["conditions"]):
            return
        for condition in inputs["conditions"]:
            if len(condition) != 1 or set(condition) - set(CONDITION_NAMES):
                yield "conditions", f"each is exactly one of {', '.join(CONDITION_NAMES)}"

    def twin(self, client: Any, inputs: Properties) -> Any:
        pages = client.get_paginator("describe_rules").paginate(ListenerArn=inputs["listenerArn"])
        found = (one for page in pages for one in page["Rules"])
        return next((one for one in found if one["Priority"] == str(inputs["priority"])), None)

    def request(self, inputs: Properties) -> dict[str, Any]:
        return {"Conditions": lb_rules.conditions(inputs["conditions"])}

    def live(self, client: Any, found: Any, known: Any) -> Properties:
        listener = found["RuleArn"].replace(":listener-rule/", ":listener/").rsplit("/", 1)[0]
        return {
            **super().live(client, found, known),
            "listenerArn": listener,
            "priority": int(found["Priority"]),
            "conditions": lb_rules.properties(found["Conditions"]),
        }

    def modify(self, cloud: Cloud, identifier: str, inputs: Properties, what: set[str]) -> None:
        if "priority" in what:
            ranked = [{"RuleArn": identifier, "Priority": int(inputs["priority"])}]
            self.client(cloud, inputs).set_rule_priorities(RulePriorities=ranked)
        if what - {"priority"}:
            super().modify(cloud, identifier, inputs, what)
