"""An estate as data: the resources of one or more stacks, wherever they were read.

A state file, a recorded run of a program and the resources of a preview all come to this.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
"""What the Pulumi engine writes for a value that is known only after an update
(``sdk/go/common/resource/plugin/rpc.go``, ``UnknownStringValue``)."""

_NOTHING: Mapping[str, Any] = {}


@dataclass(frozen=True, slots=True)
class Resource:
    """One resource, as the engine knows it.

    ``inputs`` is what the program asks for and ``outputs`` what the cloud said; one may be empty.
    ``account`` and ``region`` are those of its provider, where they are known; ``provider`` is that
    one's URN. ``references``
    tells for a property which resources (URNs) its value comes from: so a value that is not known
    yet still says what it will be. ``place`` is where a reader finds it, for messages.
    ``protected``: the engine refuses to delete it.
    """

    urn: str
    type: str
    inputs: Mapping[str, Any] = field(default_factory=lambda: _NOTHING)
    outputs: Mapping[str, Any] = field(default_factory=lambda: _NOTHING)
    parent: str = ""
    account: str = ""
    region: str = ""
    provider: str = ""
    references: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: _NOTHING)
    place: str = ""
    protected: bool = False

    @property
    def name(self) -> str:
        """The name that the program gave it."""
        return self.urn.split("::", 3)[-1]


@dataclass(frozen=True, slots=True)
class Graph:
    """All resources of an estate, in any order; several stacks make one estate."""

    resources: tuple[Resource, ...]

    @classmethod
    def of(cls, resources: Iterable[Resource]) -> "Graph":
        """A graph of resources."""
        return cls(tuple(resources))
