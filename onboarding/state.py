"""What a stack's exported state says, read from the shape that `pulumi stack export` prints."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

PLACEMENT_TYPE = "tenancy:aws:Placement"
TENANT_TYPE = "tenancy:aws:Tenant"
STACK_TYPE = "pulumi:pulumi:Stack"


def split_urn(urn: str) -> tuple[str, str]:
    """The type and name in a URN: `urn:pulumi:<stack>::<project>::<types joined by $>::<name>`.

    A name may contain `::` itself, a type may not.
    """
    _, _, types, name = urn.split("::", 3)
    return types.rpartition("$")[2], name


@dataclass(frozen=True)
class Resource:
    """One resource of a state.

    Attributes:
        custom: whether it stands for a thing in the cloud, and is not a mere group of others.
        outputs: its outputs as the state has them (secrets stay enciphered).
    """

    urn: str
    type: str
    name: str
    parent: str
    custom: bool
    outputs: Mapping[str, Any]


@dataclass(frozen=True)
class StackState:
    """One stack's state.

    Attributes:
        resources: in the order of the state: a parent before its children.
        pending: `creating <URN>` and such, for operations that began and never were recorded.
        updated: when the state was last written, ISO 8601; empty when never.
    """

    resources: tuple[Resource, ...] = ()
    pending: tuple[str, ...] = ()
    updated: str = ""

    @classmethod
    def of(cls, exported: Mapping[str, Any]) -> StackState:
        """Read what `pulumi stack export` printed."""
        deployment = exported.get("deployment") or {}
        return cls(
            tuple(_resource(entry) for entry in deployment.get("resources") or ()),
            tuple(
                f"{operation['type']} {operation['resource']['urn']}"
                for operation in deployment.get("pending_operations") or ()
            ),
            (deployment.get("manifest") or {}).get("time", ""),
        )

    def of_type(self, token: str) -> tuple[Resource, ...]:
        """The resources whose type is `token`."""
        return tuple(resource for resource in self.resources if resource.type == token)

    @property
    def outputs(self) -> Mapping[str, Any]:
        """What the stack tells other stacks."""
        return next((root.outputs for root in self.of_type(STACK_TYPE)), {})

    @property
    def in_cloud(self) -> tuple[Resource, ...]:
        """The resources that are something in the cloud; providers are settings, not things."""
        return tuple(
            resource
            for resource in self.resources
            if resource.custom and not resource.type.startswith("pulumi:providers:")
        )

    def below(self, urn: str) -> tuple[Resource, ...]:
        """The things in the cloud whose chain of parents leads to `urn`."""
        inside = {urn}
        for resource in self.resources:
            if resource.parent in inside:
                inside.add(resource.urn)
        return tuple(r for r in self.in_cloud if r.urn in inside)


def _resource(entry: Mapping[str, Any]) -> Resource:
    token, name = split_urn(entry["urn"])
    return Resource(
        urn=entry["urn"],
        type=token,
        name=name,
        parent=entry.get("parent", ""),
        custom=bool(entry.get("custom")),
        outputs=entry.get("outputs") or {},
    )
