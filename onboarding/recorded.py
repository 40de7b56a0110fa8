"""Recorded resources as `pulumi stack export` would print them, with the ARNs that AWS would give.

So the proof and the rules see a program that nobody has deployed as they see a deployed one.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from isolation.graph import Graph
from isolation.inventory import Inventory, kind_of
from isolation.state import resources_of
from onboarding.recording import Outputs, Recorded, run_platform

Entry = dict[str, Any]
State = dict[str, Any]
_MADE = "arn:of:"
_MENTIONED = re.compile(re.escape(_MADE) + r'[^"\\\s,]+')
_TASK = "aws:ecs/taskDefinition:TaskDefinition"


def exported(recorded: Mapping[str, Recorded], stack: str) -> State:
    """What a recording of one stack would be as an exported state."""
    return {
        "version": 3,
        "deployment": {"manifest": {}, "resources": entries(recorded, stack)},
    }


def entries(recorded: Mapping[str, Recorded], stack: str) -> list[Entry]:
    """The state's entry of each resource, in the order of the recording.

    ``sourcePosition`` is the line of the program that made it, as ``file:line``.
    """
    found = [_entry(urn, one, stack) for urn, one in recorded.items()]
    graph = Graph.of(resources_of(found, stack))
    inventory = Inventory(graph)
    arns = _arns(graph, inventory)
    for entry, resource in zip(found, graph.resources, strict=True):
        arn = arns.get(f"{_MADE}{resource.name}")
        if kind_of(resource) == _TASK and arn:
            arn = arn.replace(":*", ":1")
        for side in ("inputs", "outputs"):
            entry[side] = _with_arns(entry[side], arns)
        if inventory.arn(resource):
            entry["outputs"]["arn"] = arn
    return found


def platform_outputs(stack: str, root: Path) -> Outputs:
    """What the stack of an environment's platform would export, were it deployed.

    Raises:
        ProgramError: the program failed.
    """
    recorded, told = run_platform(stack, root)
    graph = Graph.of(
        resources_of([_entry(urn, one, stack) for urn, one in recorded.items()], stack)
    )
    return _with_arns(told, _arns(graph, Inventory(graph)))


def graph_of(states: Mapping[str, State]) -> Graph:
    """The estate of some states."""
    return Graph.of(
        resource
        for name, state in states.items()
        for resource in resources_of(state["deployment"]["resources"], name)
    )


def _entry(urn: str, one: Recorded, stack: str) -> Entry:
    inputs = {name: value for name, value in one.inputs.items() if name != "code"}
    outputs = dict(one.outputs)
    if one.type.startswith("aws:"):
        outputs = {"id": f"{stack}-{one.name}-id", **inputs}
        if one.type == "aws:sns/topicSubscription:TopicSubscription":
            outputs["arn"] = f"{inputs['topic']}:{_key_id(stack, one.name)}"
        if one.type == "aws:kms/key:Key":
            outputs["keyId"] = outputs["id"] = _key_id(stack, one.name)
        if one.type == "aws:kms/alias:Alias":
            outputs["targetKeyId"] = inputs["targetKeyId"] = _key_id(stack, inputs["targetKeyId"])
    return {
        "urn": urn,
        "type": one.type,
        "custom": not one.type.startswith("tenancy:"),
        "parent": one.parent,
        "protect": one.protect,
        "provider": one.provider,
        "inputs": inputs,
        "outputs": outputs,
        "sourcePosition": one.source,
    }


def _arns(graph: Graph, inventory: Inventory) -> dict[str, str]:
    """The ARN that the recording made up of each resource -> the one that AWS would give it."""
    return {
        f"{_MADE}{resource.name}": inventory.arn(resource).replace("-??????", "-AbCdEf")
        for resource in graph.resources
        if inventory.arn(resource)
    }


def _with_arns(told: Mapping[str, Any], arns: Mapping[str, str]) -> dict[str, Any]:
    text = json.dumps(told)
    if _MADE in text:
        text = _MENTIONED.sub(lambda each: _known(each[0], arns), text)
    found: dict[str, Any] = json.loads(text)
    return found


def _known(mentioned: str, arns: Mapping[str, str]) -> str:
    """The ARN in place of the one that the recording made up, and what follows it."""
    for end in range(len(mentioned), len(_MADE), -1):
        made, rest = mentioned[:end], mentioned[end:]
        if made in arns and not re.match(r"[\w.-]", rest):
            return arns[made] + rest
    return mentioned


def _key_id(stack: str, name: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"{stack}:{name}"))
