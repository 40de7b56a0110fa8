"""The containers of ECS task definitions."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from isolation.graph import Resource
from policies.rule import known

TASK_DEFINITION = "aws:ecs/taskDefinition:TaskDefinition"


def containers(resource: Resource) -> Iterator[Mapping[str, Any]]:
    """The container definitions of a task definition, none of another resource.

    Raises ``NotKnownYetError``.
    """
    if resource.type != TASK_DEFINITION:
        return
    text = known(resource.inputs.get("containerDefinitions"))
    try:
        read = json.loads(text) if isinstance(text, str) else text
    except (ValueError, RecursionError):
        return
    if isinstance(read, list):
        yield from (one for one in read if isinstance(one, Mapping))


def environment(container: Mapping[str, Any]) -> dict[str, str]:
    """The variables whose values lie in the definition."""
    return {str(one.get("name")): str(one.get("value")) for one in container.get("environment", ())}


def is_nessie(container: Mapping[str, Any]) -> bool:
    """Whether the container runs a Nessie server, as its image is called."""
    image = str(container.get("image", "")).partition("@")[0]
    return image.rpartition("/")[2].partition(":")[0].startswith("nessie")
