"""Start, find and stop the emulator's process.

The record `cloud.json` says which process it is.  It is a claim, never trusted by itself: the
process must be the same one (pid and start time) and must answer with the same instance id.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from localcloud.errors import LocalCloudError
from localcloud.paths import PROJECT_ROOT, Layout
from localcloud.processes import ProcessIdentity, exclusive, wait_until

START_PATIENCE = 60.0
"""Seconds that the emulator may take to answer; it takes 2 to 3 on an idle machine."""

# Servers that this process started.  They are meant to outlive it; forgetting the handle of a
# running one would make Python warn.
_started: list[subprocess.Popen[bytes]] = []

_LOG_LIMIT = 5_000_000  # bytes; past that, the next start begins the log anew


@dataclass(frozen=True)
class Record:
    """What `cloud.json` holds: which process serves the embedded cloud, and where.

    Attributes:
        process: the server.
        port: its TCP port on 127.0.0.1.
        instance: a random id of this process; the cloud's content lives and dies with it.
        started: when, in seconds since 1970.
        code: a digest of the code that it runs; empty when it was not told.
    """

    process: ProcessIdentity
    port: int
    instance: str
    started: float
    code: str = ""

    @property
    def endpoint(self) -> str:
        """The URL to give AWS clients."""
        return f"http://127.0.0.1:{self.port}"

    def write(self, directory: Path) -> None:
        """Replace the record in `directory`; a reader sees the old one or the new one, whole."""
        content = {
            **asdict(self.process),
            "port": self.port,
            "instance": self.instance,
            "started": self.started,
            "code": self.code,
        }
        draft = directory / f"cloud.json.{os.getpid()}"
        draft.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
        draft.replace(directory / "cloud.json")

    @classmethod
    def read(cls, directory: Path) -> Record | None:
        """The record in `directory`; None when there is none, or none that can be read."""
        try:
            content = json.loads((directory / "cloud.json").read_text(encoding="utf-8"))
            return cls(
                process=ProcessIdentity(int(content["pid"]), float(content["create_time"])),
                port=int(content["port"]),
                instance=str(content["instance"]),
                started=float(content["started"]),
                code=str(content.get("code", "")),
            )
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def answers(self) -> bool:
        """Whether the recorded process runs and serves the recorded cloud."""
        if self.process.process() is None:
            return False
        try:
            answer = _call(self.endpoint + "/tenancy/instance")
            return bool(answer["instance"] == self.instance)
        except (OSError, ValueError, KeyError):
            return False


@dataclass(frozen=True)
class Cloud:
    """A running embedded cloud.

    Attributes:
        endpoint: the URL to give AWS clients, such as "http://127.0.0.1:38211".
        instance: id of this cloud; a different id means that everything in it was lost.
        fresh: whether this call started it, so that it is empty.
    """

    endpoint: str
    instance: str
    fresh: bool

    def open_account(self, account: str) -> str:
        """Open a member account as AWS Organizations does; again is harmless.

        Args:
            account: twelve digits.

        Returns:
            the ARN of the account's OrganizationAccountAccessRole.
        """
        url = f"{self.endpoint}/tenancy/accounts/{account}"
        return str(_call(url, method="POST")["role"])


@dataclass(frozen=True)
class Status:
    """What is known of the embedded cloud.

    Attributes:
        running: whether it answers.
        endpoint, pid, instance, started: of the last one that was started, None if none was.
    """

    running: bool
    endpoint: str | None = None
    pid: int | None = None
    instance: str | None = None
    started: float | None = None


def ensure(report: Callable[[str], None], layout: Layout | None = None) -> Cloud:
    """Return the running cloud, starting one when there is none (any more).

    Two commands at once get the same cloud.

    Args:
        report: called with a line for the user when something takes a while or is noteworthy.
        layout: where the record lies; the project's own `.local` by default.

    Raises:
        LocalCloudError: when it does not start; the text holds the end of its log.
    """
    layout = (layout or Layout()).make()
    lock = layout.cloud / "lock"
    with exclusive(lock, lambda: report("waiting for another command that starts the cloud")):
        before = Record.read(layout.cloud)
        if before and before.answers():
            if before.code != code():
                report(
                    "the embedded cloud runs code from before an update of the project, and may"
                    " not do what the stacks need now; `make down`, then `make up`, makes all anew"
                    " on the code of now, without what was put into it by hand"
                )
            return Cloud(before.endpoint, before.instance, fresh=False)
        if before:
            # A server that runs but no longer answers would keep the port; one that is gone (a
            # reboot) is not there to end.
            before.process.end()
            report("the embedded cloud no longer runs, and what was in it is gone: starting anew")
        else:
            report("starting the embedded cloud")
        now = _start(layout, preferred_port=before.port if before else 0)
        report(f"embedded cloud at {now.endpoint}")
        return Cloud(now.endpoint, now.instance, fresh=True)


def status(layout: Layout | None = None) -> Status:
    """What is known of the embedded cloud, without starting it."""
    record = Record.read((layout or Layout()).cloud)
    if record is None:
        return Status(running=False)
    return Status(
        running=record.answers(),
        endpoint=record.endpoint,
        pid=record.process.pid,
        instance=record.instance,
        started=record.started,
    )


def stop(layout: Layout | None = None) -> bool:
    """End the embedded cloud, and with it everything in it.

    The record stays, since the next start prefers the same port: what was printed stays true.

    Returns:
        whether there was one running.
    """
    layout = layout or Layout()
    with exclusive(layout.cloud / "lock"):
        record = Record.read(layout.cloud)
        return record.process.end() if record else False


def code() -> str:
    """A digest of the emulator's code, as it is on disk now."""
    found = hashlib.sha256()
    folder = Path(__file__).parent
    for file in sorted(folder.rglob("*.py")):
        found.update(f"{file.relative_to(folder)}:{file.stat().st_size}\n".encode())
        found.update(file.read_bytes())
    return found.hexdigest()


def _start(layout: Layout, preferred_port: int) -> Record:
    """Start the server's process and wait until it answers."""
    log_path = layout.cloud / "cloud.log"
    keep = log_path.exists() and log_path.stat().st_size < _LOG_LIMIT
    with log_path.open("ab" if keep else "wb") as log:
        log.write(f"--- started {time.strftime('%Y-%m-%dT%H:%M:%S%z')}\n".encode())
        log.flush()
        server = subprocess.Popen(
            [
                *(sys.executable, "-P", "-m", "localcloud.emulator.server"),
                *("--directory", str(layout.cloud), "--port", str(preferred_port)),
            ],
            cwd=layout.cloud,
            env=_server_environment(),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            # Its own session: a Ctrl-C or a kill of the command's process group spares it.
            start_new_session=True,
        )

    def ready() -> bool:
        if server.poll() is not None:
            return True
        record = Record.read(layout.cloud)
        return record is not None and record.process.pid == server.pid and record.answers()

    answered = wait_until(ready, START_PATIENCE)
    record = Record.read(layout.cloud)
    if answered and server.poll() is None and record:
        _started.append(server)
        return record
    server.kill()
    server.wait()
    tail = log_path.read_text(encoding="utf-8", errors="replace").splitlines()[-15:]
    raise LocalCloudError(
        "the embedded cloud did not start. The end of its log:\n    " + "\n    ".join(tail),
        f"read {log_path}; free memory or ports if they ran out, then run the command again",
    )


def _server_environment() -> dict[str, str]:
    """The environment of the server: the user's, without what would change how moto behaves."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("AWS_", "MOTO_", "S3_IGNORE_"))
    }
    # The package is importable from the checkout even where it is not installed.
    kept["PYTHONPATH"] = os.pathsep.join(filter(None, [str(PROJECT_ROOT), kept.get("PYTHONPATH")]))
    return kept


def _call(url: str, method: str = "GET", patience: float = 10.0) -> dict[str, Any]:
    """One request to the emulator's own interface; raises OSError or ValueError when it fails."""
    request = urllib.request.Request(url, method=method)  # noqa: S310  (our own http: URL)
    # No proxy: the emulator is on this machine whatever HTTP_PROXY says.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request, timeout=patience) as answer:
        content = json.load(answer)
    if not isinstance(content, dict):
        raise ValueError(f"{url} answered no object")  # noqa: TRY004  (as for bad JSON)
    return content
