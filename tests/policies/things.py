"""Resources to try rules on."""

import json
from typing import Any

from isolation.graph import Graph, Resource
from isolation.state import resources_of
from policies.rule import Rule, Settings, faults

PROVIDER = "urn:pulumi:prod::lake::pulumi:providers:aws::{}"


def thing(type_: str, called: str = "thing", /, **inputs: Any) -> dict[str, Any]:
    """A resource as a state has it. `account`, `protect` and `references` are its own."""
    account = inputs.pop("account", "111111111111")
    entry = {
        "urn": f"urn:pulumi:prod::lake::{type_}::{called}",
        "type": type_,
        "provider": f"{PROVIDER.format(account)}::id",
        "protect": inputs.pop("protect", False),
        "propertyDependencies": inputs.pop("references", {}),
        "account": account,
    }
    return {**entry, "inputs": inputs, "outputs": inputs}


def estate(*things: dict[str, Any]) -> Graph:
    accounts = {entry["account"] for entry in things}
    providers = [
        {
            "urn": PROVIDER.format(account),
            "type": "pulumi:providers:aws",
            "inputs": {"allowedAccountIds": json.dumps([account]), "region": "us-east-1"},
        }
        for account in sorted(accounts)
    ]
    return Graph.of(resources_of([*providers, *things], "test", whole=True))


def found(rule: Rule, *things: dict[str, Any], **settings: str) -> list[tuple[str, str]]:
    """(resource's name, what is wrong with it)."""
    return [
        (fault.resource.name if fault.resource else "", fault.text)
        for fault in faults(rule, estate(*things), Settings(**settings))
    ]


def only(*things: dict[str, Any]) -> Resource:
    """The one resource, as rules see it."""
    return estate(*things).resources[-1]


def policy(**statement: Any) -> str:
    """A document of one statement; of what is not said, it allows everything."""
    given = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"} | statement
    return json.dumps({"Version": "2012-10-17", "Statement": [given]})


def containers(image: str = "app:1", **environment: str) -> str:
    """Container definitions of one container."""
    variables = [{"name": name, "value": value} for name, value in environment.items()]
    return json.dumps([{"name": "main", "image": image, "environment": variables}])
