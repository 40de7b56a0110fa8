"""What a listener's rules look for and do: their form in programs and in the API, and when two
mean the same to a load balancer.
"""

# Actions and conditions come as a program wrote them.
# ruff: noqa: ANN401

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from localcloud.aws_plugin.resource import plain
from localcloud.aws_plugin.values import Properties, canonical

# Property: (field, member of the API's condition).
CONDITION_NAMES: Final[Mapping[str, tuple[str, str]]] = {
    "hostHeader": ("host-header", "HostHeaderConfig"),
    "httpHeader": ("http-header", "HttpHeaderConfig"),
    "httpRequestMethod": ("http-request-method", "HttpRequestMethodConfig"),
    "pathPattern": ("path-pattern", "PathPatternConfig"),
    "queryStrings": ("query-string", "QueryStringConfig"),
    "sourceIp": ("source-ip", "SourceIpConfig"),
}
# What ELB sends on when a redirect leaves it out (ELB API Reference, RedirectActionConfig).
_REDIRECT: Final = {
    "host": "#{host}",
    "path": "/#{path}",
    "port": "#{port}",
    "protocol": "#{protocol}",
    "query": "#{query}",
}


def conditions(wanted: list[Properties]) -> list[dict[str, Any]]:
    """Conditions in the API's form."""
    result = []
    for condition in wanted:
        ((name, value),) = condition.items()
        field, member = CONDITION_NAMES[name]
        if name == "queryStrings":
            value = {"values": value if isinstance(value, list) else [value]}
            value = {"Values": [_capital(pair) for pair in value["values"]]}
        else:
            value = _capital(value)
        result.append({"Field": field, member: value})
    return result


def _capital(members: Properties) -> dict[str, Any]:
    return {name[0].upper() + name[1:]: value for name, value in members.items() if value}


def properties(found: list[dict[str, Any]]) -> list[Properties]:
    """The API's conditions in the form of a program."""
    result: list[Properties] = []
    for condition in found:
        for name, (field, member) in CONDITION_NAMES.items():
            if condition.get("Field") != field:
                continue
            config = condition.get(member) or {"Values": condition.get("Values", [])}
            small = {key[0].lower() + key[1:]: value for key, value in config.items()}
            if name == "queryStrings":
                values = config["Values"]
                result.append({name: [{k.lower(): v for k, v in pair.items()} for pair in values]})
            else:
                result.append({name: small})
    return result


def same_conditions(old: Any, new: Any) -> bool:
    """All conditions must hold, and any value of each: both are sets."""
    return bool(plain(old or [], unordered=True) == plain(new or [], unordered=True))


def same_actions(old: Any, new: Any) -> bool:
    """ELB shows some actions in two ways at once, and fills in orders, weights and redirects."""
    return canonical(_actions(old)) == canonical(_actions(new))


def _actions(given: Any) -> Any:
    actions = [given] if isinstance(given, Mapping) else given or []
    ordered = [{"order": number, **action} for number, action in enumerate(actions, 1)]
    return [plain(_action(one)) for one in sorted(ordered, key=lambda one: int(one["order"]))]


def _action(action: Properties) -> Properties:
    action = dict(action)
    if action.get("redirect"):
        action["redirect"] = {**_REDIRECT, **action["redirect"]}
    if action.get("type") == "forward":
        forward = action.pop("forward", None) or {}
        single = action.pop("targetGroupArn", None)
        groups = forward.get("targetGroups") or [{"arn": single}]
        action["groups"] = sorted(
            ({"weight": 1, **group} for group in groups), key=lambda group: str(group["arn"])
        )
        if len(groups) == 1:
            action["groups"] = [groups[0]["arn"]]  # a weight among one says nothing
        if (forward.get("stickiness") or {}).get("enabled"):
            action["stickiness"] = forward["stickiness"]
    return action
