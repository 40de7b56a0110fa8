"""The catalog gateway as a process on loopback, the same program as in its container."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from localcloud.paths import PROJECT_ROOT
from localcloud.processes import ProcessIdentity
from localcloud.servers.issuer import LISTENING
from localcloud.servers.kept import Program, launch

START_PATIENCE = 30.0
"""Seconds that it may take to start; it takes one."""


@dataclass(frozen=True)
class GatewayServer:
    """A running gateway: its process, its TCP port on 127.0.0.1, and the file of its log."""

    process: ProcessIdentity
    port: int
    log: Path


def start_gateway(environment: Mapping[str, str], log: Path, port: int = 0) -> GatewayServer:
    """Start a gateway that outlives the caller; it answers when this returns.

    Args:
        environment: as `pipelines.gateway.settings.Settings.read` knows it, without where it
            listens.
        log: begun anew; its lines are the audit records of requests.
        port: 0 for any.

    Raises:
        LocalCloudError: it does not start.
    """
    here = {"GATEWAY_HOST": "127.0.0.1", "GATEWAY_PORT": str(port)}
    own = {"PATH": os.environ.get("PATH", os.defpath), "PYTHONPATH": str(PROJECT_ROOT)}
    program = Program(
        "the catalog gateway",
        [sys.executable, "-P", "-m", "pipelines.gateway"],
        {**own, **environment, **here},
        LISTENING,
        START_PATIENCE,
    )
    process, listening = launch(program, log)
    return GatewayServer(process, int(listening[1]), log)
