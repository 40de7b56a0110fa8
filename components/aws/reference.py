"""What the platform's stack tells the other stacks of its environment; it is deployed first."""

from collections.abc import Mapping
from typing import Any

import pulumi
from pulumi import ResourceOptions

from tenancy.environment import Environment


class PlatformOutputs:
    """The outputs of the stack of an environment's platform, to be read in another stack."""

    def __init__(self, environment: Environment, opts: ResourceOptions | None = None) -> None:
        self._stack = f"{pulumi.get_organization()}/{pulumi.get_project()}/{environment.name}"
        self._outputs = pulumi.StackReference(self._stack, opts=opts).outputs

    def of(self, *path: str) -> pulumi.Output[Any]:
        """The output at ``path``: its name, and the keys below it. The program fails where the
        platform's stack has none.
        """
        return self._outputs.apply(lambda known: _found(known, path, self._stack))


def _found(outputs: Mapping[str, Any], path: tuple[str, ...], stack: str) -> object:
    found: object = outputs
    for key in path:
        if not isinstance(found, Mapping) or key not in found:
            raise pulumi.RunError(
                f"stack {stack} has no output {'.'.join(path)}: the platform is not deployed yet,"
                f" or by an older program\n  remedy: deploy it first, `pulumi up --stack {stack}`"
            )
        found = found[key]
    return found
