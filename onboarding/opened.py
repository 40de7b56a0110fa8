"""Opens the stacks of a scope: the engine, the backend that holds them, the cloud they are in.

The embedded stacks are in a backend and cloud of this machine's own; others are where the user's
own environment says (`pulumi login`, AWS credentials), which is left as it is.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

import yaml

from localcloud import shell
from localcloud.emulator import lifecycle
from localcloud.emulator.lifecycle import Cloud
from localcloud.engine import ensure_engine
from localcloud.errors import LocalCloudError
from localcloud.launchers import install_launchers
from localcloud.paths import Layout
from localcloud.processes import exclusive
from onboarding import orphans
from onboarding.busy import Holder, when_free
from onboarding.deploy import Target
from onboarding.deployed import Deployments
from onboarding.engine import Engine
from onboarding.progress import Reporter
from onboarding.scope import Scope
from onboarding.state_files import StateFiles
from tenancy.names import partition

NO_CLOUD = "http://127.0.0.1:1"
"""Where no cloud answers: for calls of the engine that need none and must reach none."""


@dataclass(frozen=True)
class Opened:
    """The stacks of a scope, open to one command.

    Attributes:
        target: without a cloud until `start_cloud`.
    """

    root: Path
    scope: Scope
    target: Target
    layout: Layout
    reporter: Reporter

    def running_cloud(self) -> Target:
        """With the embedded cloud if it runs; it is not started. Other clouds just are there."""
        if not self.scope.embedded:
            return self.target
        install_launchers(self.target.engine.command, self.layout)
        found = lifecycle.status(self.layout)
        if not found.running or not found.endpoint or not found.instance:
            return self.target
        return self._entered(Cloud(found.endpoint, found.instance, fresh=False))

    def start_cloud(self) -> Target:
        """With the embedded cloud, which is started where it does not run.

        Raises:
            LocalCloudError: it does not start, or has no such regions.
        """
        if not self.scope.embedded:
            return self.target
        _require_emulated(self.scope)
        install_launchers(self.target.engine.command, self.layout)
        cloud = lifecycle.ensure(self.reporter.say, self.layout)
        return self._entered(cloud)

    def _entered(self, cloud: Cloud) -> Target:
        shell.enter(self.root, cloud.endpoint)
        of = self.target
        return Target(of.engine, of.project, of.layout, cloud, of.deployments)


def _require_emulated(scope: Scope) -> None:
    region = scope.stacks[0].environment.region
    there, here = partition(shell.REGION), partition(region)
    if here != there:
        raise LocalCloudError(
            f"the embedded cloud has the partition {there} of AWS only, and {region} is in {here}",
            "deploy it to AWS, without `embedded`; or give the embedded environment a region such"
            f" as {shell.REGION}; `tenancy check`, `plan` and `prove` work in any",
        )


@contextmanager
def opened(
    root: Path, scope: Scope, reporter: Reporter, *, reading: bool = False
) -> Iterator[Opened]:
    """Open the stacks; one command at a time works on stacks from this folder, others wait.

    Args:
        root: the project.
        scope: the stacks.
        reporter: where progress goes.
        reading: for one that only reads states: it does not wait.

    Raises:
        LocalCloudError: no engine could be had.
        Busy: an engine whose command was killed goes on and on.
    """
    layout = Layout(root).make()
    with nullcontext() if reading else alone(layout.home, reporter):
        command, project = ensure_engine(reporter.say, layout), project_name(root)
        if scope.embedded:
            if not reading:
                wait_for_survivors(layout.backend, reporter)
            shell.enter(root, NO_CLOUD)
            engine = Engine(command, root, layout.logs, StateFiles(layout.state, project))
            target = Target(engine, project, layout, None, deployments(layout))
        else:
            target = Target(Engine(command, root, layout.logs), project, None, None, None)
        yield Opened(root, scope, target, layout, reporter)


def wait_for_survivors(backend: str, reporter: Reporter) -> None:
    """Wait for engines whose commands were killed; for a command that is alone.

    One that has just started has no lock on its stack yet, by which it could be known later.

    Raises:
        Busy: one goes on and on.
    """

    def look() -> tuple[None, Holder | None]:
        pids = [engine.pid for engine in orphans.find_engines(backend)]
        return None, Holder(pids[0], f"process {pids[0]}, whose command is gone") if pids else None

    when_free(look, "the backend of the local stacks", reporter.say)


@contextmanager
def alone(folder: Path, reporter: Reporter) -> Iterator[None]:
    """Let one command at a time work on what the folder keeps; others wait, and say for whom."""
    path = folder / "lock"

    def waiting() -> None:
        holder = path.read_text(encoding="utf-8").strip()
        reporter.say(f"waiting for another tenancy command to end{holder and f': {holder}'}")

    with exclusive(path, waiting):
        since = time.strftime("%H:%M:%S")
        path.write_text(f"process {os.getpid()}, since {since}\n", encoding="utf-8")
        yield


def deployments(layout: Layout) -> Deployments:
    """The record of what was deployed to which embedded cloud."""
    return Deployments(layout.state / "deployed.json")


def project_name(root: Path) -> str:
    """The Pulumi project's name."""
    name = yaml.safe_load((root / "Pulumi.yaml").read_text(encoding="utf-8"))["name"]
    return str(name)
