"""Opens the stacks of a scope: the engine, the backend that holds them, the cloud they are in.

The embedded stacks are in a backend and cloud of this machine's own; others are where the user's
own environment says (`pulumi login`, AWS credentials), which is left as it is.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from localcloud import shell
from localcloud.emulator import lifecycle
from localcloud.engine import ensure_engine
from localcloud.launchers import install_launchers
from localcloud.paths import Layout
from localcloud.processes import exclusive
from onboarding import backend
from onboarding.deployed import Deployments
from onboarding.engine import Engine
from onboarding.progress import Reporter
from onboarding.scope import Scope

NO_CLOUD = "http://127.0.0.1:1"
"""Where no cloud answers: for calls of the engine that need none and must reach none."""


@dataclass(frozen=True)
class Opened:
    """The stacks of a scope, open to one command.

    Attributes:
        engine: in the environment of their backend.
        deployments: which embedded cloud each was deployed to; None for stacks elsewhere.
    """

    root: Path
    scope: Scope
    engine: Engine
    layout: Layout
    deployments: Deployments | None

    def enter_cloud(self) -> str:
        """Let the engine reach the embedded cloud, if it runs: it is not started.

        Returns:
            its instance; empty where none runs, or where the stacks are in another cloud.
        """
        if not self.scope.embedded:
            return ""
        install_launchers(self.engine.command, self.layout)
        found = lifecycle.status(self.layout)
        if not found.running or not found.endpoint or not found.instance:
            return ""
        shell.enter(self.root, found.endpoint)
        return found.instance


@contextmanager
def opened(
    root: Path, scope: Scope, reporter: Reporter, *, reading: bool = False
) -> Iterator[Opened]:
    """Open the stacks; of the embedded ones, one command at a time works on them, others wait.

    Args:
        root: the project.
        scope: the stacks.
        reporter: where progress goes.
        reading: for one that only reads states: it does not wait.

    Raises:
        LocalCloudError: no engine could be had.
    """
    layout = Layout(root).make()
    if not scope.embedded:
        found = shutil.which("pulumi")
        command = Path(found) if found else ensure_engine(reporter.say, layout)
        yield Opened(root, scope, Engine(command, root, layout.logs), layout, None)
        return
    with nullcontext() if reading else alone(layout.home, reporter):
        engine = Engine(ensure_engine(reporter.say, layout), root, layout.logs)
        shell.enter(root, NO_CLOUD)
        backend.drop_torn_attributes(layout.state)
        yield Opened(root, scope, engine, layout, deployments(layout))


def alone(folder: Path, reporter: Reporter) -> AbstractContextManager[None]:
    """Let one command at a time work on what is kept in the folder; others wait, and say so."""
    return exclusive(
        folder / "lock", lambda: reporter.say("waiting for another tenancy command to end")
    )


def deployments(layout: Layout) -> Deployments:
    """The record of which embedded cloud each stack was deployed to."""
    return Deployments(layout.state / "deployed.json")
