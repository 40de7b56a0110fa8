"""Which resources a property means: as the engine knows, or by the names in its value."""

from collections.abc import Iterator
from typing import Any

from isolation.graph import UNKNOWN, Graph, Resource

_NAMES = ("arn", "id", "name", "bucket", "keyId", "family")


class Links:
    """The resources of a graph, found from each other's properties."""

    def __init__(self, graph: Graph) -> None:
        self._by_urn = {resource.urn: resource for resource in graph.resources}
        self._by_name: dict[tuple[str, str], Resource] = {}
        for resource in graph.resources:
            for name in _NAMES:
                value = resource.outputs.get(name) or resource.inputs.get(name)
                if isinstance(value, str) and value != UNKNOWN:
                    self._by_name[resource.type, value] = resource

    def of(self, resource: Resource, name: str, type_: str) -> list[Resource]:
        """The resources of a type that the property ``name`` comes from or tells."""
        linked = [
            self._by_urn[urn] for urn in resource.references.get(name, ()) if urn in self._by_urn
        ]
        found = [one for one in linked if one.type == type_]
        for text in _texts(resource.inputs.get(name)):
            for form in (text, text.rpartition(":")[2]):
                if (named := self._by_name.get((type_, form))) and named not in found:
                    found.append(named)
        return found


def _texts(value: Any) -> Iterator[str]:  # noqa: ANN401 - whatever a property holds
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for each in value.values():
            yield from _texts(each)
    elif isinstance(value, list):
        for each in value:
            yield from _texts(each)
