"""Networks to test with: what components make of the plans of the small estate."""

from collections.abc import Callable
from pathlib import Path

from components.aws.network import Network, NetworkArgs
from onboarding.recording import Recorded, record
from tenancy.estate import StackPlan, load_estate
from tenancy.names import PLATFORM
from tests.estates import write_estate

DOMAIN = "lake.example.com"


def plan(root: Path, stack: str) -> StackPlan:
    """The plan of ``prod`` (the platform) or ``prod-initech`` (a hard tenant)."""
    return load_estate(write_estate(root)).stack(stack)


def owner(stack: StackPlan) -> str:
    return stack.tenants[0].id if stack.hard else PLATFORM


def recorded(stack: StackPlan, build: Callable[[Network], object]) -> dict[str, Recorded]:
    """What a network and whatever ``build`` adds to it register."""
    return record(
        lambda: build(Network("net", NetworkArgs(stack.names, owner(stack), stack.network))),
        stack.name,
    )


def of_type(resources: dict[str, Recorded], kind: str) -> list[Recorded]:
    return [resource for resource in resources.values() if resource.type.endswith(f":{kind}")]


def named(resources: dict[str, Recorded], name: str) -> Recorded:
    (found,) = [resource for resource in resources.values() if resource.name == name]
    return found


def depends_on(resources: dict[str, Recorded], one: Recorded, other: Recorded) -> bool:
    return any(resources.get(urn) is other for urn in one.dependencies)
