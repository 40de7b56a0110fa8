"""A Dagster on this machine: the services of `tenancy.dagster`, each as its container starts it.

Commands, configuration and environment are the tasks' own. Put in their place is only what a
machine has otherwise than the cloud: addresses, the folder of the instance, and the launcher, which
starts a process where the cloud starts a task.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from localcloud.errors import LocalCloudError
from localcloud.paths import PROJECT_ROOT
from localcloud.processes import ProcessIdentity
from localcloud.servers.kept import Program, launch
from localcloud.servers.ports import free_port
from tenancy.dagster import (
    CODE_SERVER_PORT,
    HOME,
    SCHEDULES,
    WEBSERVER_PORT,
    DagsterPlan,
)
from tenancy.registry import REGISTRY
from tenancy.services import TaskSpec

START_PATIENCE = 120.0
"""Seconds that a service may take to start; it takes 5 to 10 on two cores."""

LAUNCHER = {"module": "pipelines.process_launcher", "class": "TenantProcessRunLauncher"}
"""What stands in the place of the launcher of tasks."""

_LOOPBACK = "127.0.0.1"
_READY = {
    "dagster-code": re.compile(r"Started Dagster code proxy server"),
    "dagster-daemon": re.compile("Instance is configured with the following daemons"),
    "dagster-webserver": re.compile("Serving dagster-webserver on"),
}
_ENVIRONMENT = "environment.json"
_RUNS = "runs"
"""The folder of its tenants' runs, with the environment of each tenant's."""
_REGISTER = ("python", "-m", "pipelines.lakehouse.register")


@dataclass(frozen=True)
class Service:
    """A running one. ``port`` is 0 for the daemon, which nobody calls."""

    process: ProcessIdentity
    port: int


@dataclass(frozen=True)
class LocalDagster:
    """One Dagster: the platform's or a hard tenant's own.

    Attributes:
        plan: what it is in the cloud.
        home: the folder of its instance.
        registry: the folder of the entries of its tenants.
        logs: the folder of its services' and runs' logs.
        database: where its store is: the variables ``DAGSTER_PG_...`` and PGSSLROOTCERT.
        runs: tenant -> the environment of its runs.
    """

    plan: DagsterPlan
    home: Path
    registry: Path
    logs: Path
    database: Mapping[str, str]
    runs: Mapping[str, Mapping[str, str]]

    def environment(self, code_port: int) -> dict[str, str]:
        """Of its services. ``code_port``: where its code server listens."""
        return {
            **process_environment(),
            **self.plan.daemon.environment,
            **self.database,
            REGISTRY: str(self.registry),
            # Here a run is started by whoever sits at the machine.
            SCHEDULES: "off",
            "DAGSTER_HOME": str(self.home),
            "DAGSTER_YAML": self.dagster_yaml,
            "WORKSPACE_YAML": self.workspace_yaml(code_port),
        }

    @property
    def dagster_yaml(self) -> str:
        """The instance's configuration, with the launcher of processes."""
        document = yaml.safe_load(self.plan.dagster_yaml)
        places = {"runs": str(self.home / _RUNS), "logs": str(self.logs)}
        document["run_launcher"] = {**LAUNCHER, "config": places}
        return yaml.safe_dump(document, sort_keys=False)

    def workspace_yaml(self, code_port: int) -> str:
        """Where the code server is."""
        document = yaml.safe_load(self.plan.workspace_yaml)
        for place in document["load_from"]:
            place["grpc_server"] |= {"host": _LOOPBACK, "port": code_port}
        return yaml.safe_dump(document, sort_keys=False)

    def write(self) -> None:
        """The environments of its tenants' runs, which hold secrets."""
        runs = self.home / _RUNS
        runs.mkdir(parents=True, exist_ok=True)
        for tenant, environment in self.runs.items():
            _write(runs / f"{tenant}.json", json.dumps({**process_environment(), **environment}))
        for gone in {file.stem for file in runs.glob("*.json")} - self.runs.keys():
            (runs / f"{gone}.json").unlink()

    def start_code(self, log: Path, port: int = 0) -> Service:
        """Start the code server."""
        port = port or free_port()
        return start_service(self.plan.code_server, self.home, self.environment(port), log, port)

    def start_daemon(self, log: Path, code_port: int) -> Service:
        """Start the daemon, which ends its runs when it is ended."""
        return start_service(self.plan.daemon, self.home, self.environment(code_port), log)

    def run(self, code_port: int, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a command with the instance written down first, as the daemon's container does."""
        shell, flags, script, name, *_ = self.plan.daemon.command
        return subprocess.run(
            [shell, flags, script, name, *command],
            env=self.environment(code_port),
            capture_output=True,
            text=True,
            check=False,
        )

    def register(self, code_port: int) -> None:
        """Make its tenants partitions, if they are not known to be; and write down what other
        commands need to talk to its instance.

        Raises:
            LocalCloudError: that failed; the text has the reason.
        """
        _write(self.home / _ENVIRONMENT, json.dumps(self.environment(code_port)))
        done, wanted = self.home / "registered.json", json.dumps(sorted(self.runs))
        if done.exists() and done.read_text(encoding="utf-8") == wanted:
            return
        told = self.run(code_port, *_REGISTER)
        if told.returncode:
            reason = told.stderr.strip().rpartition("\n")[2]
            raise LocalCloudError(
                f"the tenants did not become partitions of the Dagster of {self.plan.owner}:"
                f" {reason}",
                "see that PostgreSQL runs, and start the data plane again",
            )
        _write(done, wanted)


def start_service(
    spec: TaskSpec, home: Path, environment: Mapping[str, str], log: Path, port: int = 0
) -> Service:
    """Start what the task is. ``port`` 0 where it has none.

    Raises:
        LocalCloudError: it does not start.
    """
    program = Program(
        f"{spec.kind} of {spec.owner}",
        command_here(spec, home, port),
        environment,
        _READY[spec.kind],
        START_PATIENCE,
    )
    process, _ = launch(program, log)
    return Service(process, port)


def command_here(spec: TaskSpec, home: Path, port: int) -> list[str]:
    """The command of the task, with the addresses and the folder of this machine."""
    words = {
        "0.0.0.0": _LOOPBACK,  # noqa: S104 - what is replaced
        str(WEBSERVER_PORT): str(port),
        str(CODE_SERVER_PORT): str(port),
    }
    return [words.get(word, word.replace(HOME, str(home))) for word in spec.command]


def materialize(home: Path, rounds: int) -> list[dict[str, str]]:
    """Run the job of the tenants of the Dagster in ``home``, one after the other ``rounds`` times.

    Returns:
        for each run what `pipelines.lakehouse.materialize` prints of it.

    Raises:
        LocalCloudError: runs could not be queued, or did not end.
    """
    environment = saved_environment(home)
    tenants = sorted(file.stem for file in (home / _RUNS).glob("*.json"))
    done = subprocess.run(
        ["python", "-m", "pipelines.lakehouse.materialize", f"--rounds={rounds}", *tenants],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if len(runs := done.stdout.splitlines()) < rounds * len(tenants):
        reason = done.stderr.strip().rpartition("\n")[2]
        raise LocalCloudError(
            f"the runs of {', '.join(tenants)} were not made: {reason}",
            "see that the data plane runs: `tenancy local start --data-plane`",
        )
    return [json.loads(line) for line in runs]


def saved_environment(home: Path) -> dict[str, str]:
    """Of the services of the Dagster in ``home``.

    Raises:
        OSError: there is none.
    """
    found: dict[str, str] = json.loads((home / _ENVIRONMENT).read_text(encoding="utf-8"))
    return found


def process_environment() -> dict[str, str]:
    """What a container has by its image: programs, and the project's packages."""
    programs = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    return {"PATH": programs, "PYTHONPATH": str(PROJECT_ROOT), "PYTHONUNBUFFERED": "1"}


def _write(place: Path, content: str) -> None:
    draft = place.with_name(f"{place.name}.{os.getpid()}")
    draft.touch(mode=0o600)
    draft.write_text(content, encoding="utf-8")
    draft.replace(place)
