"""The real S3 server MinIO, on loopback: it enforces policies of users and of buckets.

    with minio_server(folder) as server:
        server.add_user("acme-reader", {"Version": "2012-10-17", "Statement": [...]})
        boto3.client("s3", endpoint_url=server.endpoint, ...)

For a server that outlives the command that starts it, see `start_minio` and `MinioServer.stop`.
"""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from minio import MinioAdmin
from minio.credentials.providers import StaticProvider
from minio.error import MinioAdminException
from urllib3 import PoolManager
from urllib3.exceptions import HTTPError

from localcloud.errors import LocalCloudError
from localcloud.go_build import GoProgram, NotBuilt, Report, pinned_version
from localcloud.paths import Layout
from localcloud.processes import ProcessIdentity, exclusive, wait_until
from localcloud.servers.ports import free_port

MODULE = Path(__file__).parents[1] / "minio"
"""The folder with the go.mod and go.sum that pin the server and everything it is built from."""

START_PATIENCE = 60.0
"""Seconds that it may take to start; it takes about one."""

_REQUEST_PATIENCE = 10.0  # seconds
_ROOT = "local-root"


@dataclass(frozen=True)
class Keys:
    """What a client signs its requests with."""

    access_key: str
    secret_key: str = field(repr=False)


@dataclass(frozen=True)
class MinioServer:
    """A running server.

    Attributes:
        process: its process, which `stop` ends.
        port: its TCP port on 127.0.0.1.
        root: the keys of who may everything.
        log: the file of its log.
    """

    process: ProcessIdentity
    port: int
    root: Keys
    log: Path

    @property
    def endpoint(self) -> str:
        """Where S3 is; buckets are in the path, not in the host's name."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def admin(self) -> MinioAdmin:
        """MinIO's own administration, as root."""
        return MinioAdmin(
            endpoint=f"127.0.0.1:{self.port}",
            credentials=StaticProvider(self.root.access_key, self.root.secret_key),
            secure=False,
            http_client=PoolManager(retries=False, timeout=_REQUEST_PATIENCE),
        )

    def add_user(self, name: str, policy: Mapping[str, Any]) -> Keys:
        """A user who may what the policy document allows; what he was before is replaced.

        A policy has S3 actions and resources only; MinIO refuses another's as a whole.

        Args:
            name: the user's access key, and his policy's name.
            policy: the document, as of IAM.

        Raises:
            MinioAdminException: MinIO refuses the name or the policy; the text says why.
        """
        keys = Keys(name, secrets.token_urlsafe(24))
        self.admin.policy_add(name, policy=dict(policy))
        self.admin.user_add(keys.access_key, keys.secret_key)
        self.admin.policy_set(name, user=name)
        return keys

    def stop(self) -> None:
        """End it; its data stay in its folder."""
        self.process.end()


def ensure_minio(report: Report, layout: Layout | None = None) -> Path:
    """Return the path of the `minio` command, building it first if it is not there.

    Args:
        report: called with a line for the user: what is done, how long it has taken.
        layout: where `.local/bin` is; the project's own by default.

    Raises:
        LocalCloudError: it cannot be built; the text has the reason.
    """
    layout = (layout or Layout()).make()
    program = _program()
    # Its name holds the pinned version: another one's never stands in its place.
    target = layout.bin / f"{program.name}-{program.version}"
    with exclusive(
        layout.bin / f".{program.name}.lock",
        lambda: report(f"waiting for another command that builds {program.name}"),
    ):
        if not target.exists():
            try:
                program.build(report, layout, target)
            except NotBuilt as reason:
                raise LocalCloudError(
                    f"there is no {program} on this machine, and it cannot be built:\n    {reason}",
                    f"install Go {program.minimum_go} or newer (https://go.dev/dl/), see that it"
                    " reaches a module proxy (GOPROXY), and run the command again",
                ) from reason
    return target


def start_minio(
    folder: Path,
    report: Report = lambda _line: None,
    *,
    port: int = 0,
    settings: Mapping[str, str] | None = None,
) -> MinioServer:
    """Start a server that keeps its data, root keys and log in ``folder``.

    It is ready when this returns, is in a session of its own, and runs until `MinioServer.stop`. A
    later one with the same folder has the same data, users and root keys. Only one at a time may
    run with a folder.

    Args:
        folder: made when absent.
        report: called with a line for the user while the program is built.
        port: 0 for any.
        settings: variables `MINIO_...` of its configuration.

    Raises:
        LocalCloudError: it cannot be had, or does not start.
    """
    program = ensure_minio(report)
    folder.mkdir(parents=True, exist_ok=True)
    root, log, port = _root_keys(folder), folder / "minio.log", port or free_port()
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    with log.open("wb") as output:
        started = subprocess.Popen(
            [
                str(program),
                "server",
                "--address",
                f"127.0.0.1:{port}",
                # Else it looks for certificates in the user's home.
                "--certs-dir",
                str(folder / "certificates"),
                str(folder / "data"),
            ],
            env={
                **kept,
                **(settings or {}),
                "MINIO_ROOT_USER": root.access_key,
                "MINIO_ROOT_PASSWORD": root.secret_key,
                "MINIO_BROWSER": "off",
                "MINIO_UPDATE": "off",
            },
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    server = MinioServer(ProcessIdentity.of(started.pid), port, root, log)
    answered = False
    try:
        wait_until(lambda: _answers(server) or started.poll() is not None, START_PATIENCE)
        answered = started.poll() is None and _answers(server)
    finally:  # an interruption leaves nothing running, too
        if not answered:
            server.stop()
            started.wait()
    if not answered:
        raise LocalCloudError("MinIO did not start", f"read its log, {log}")
    return server


def minio_at(folder: Path, process: ProcessIdentity, port: int) -> MinioServer:
    """The server that `start_minio` started with ``folder``, found again."""
    return MinioServer(process, port, _root_keys(folder), folder / "minio.log")


@contextmanager
def minio_server(folder: Path, report: Report = lambda _line: None) -> Iterator[MinioServer]:
    """`start_minio` for a block: ready when it is entered, ended when it is left."""
    server = start_minio(folder, report)
    try:
        yield server
    finally:
        server.stop()


def _program() -> GoProgram:
    """The server as it is built: without what only debuggers read, which is a third of it."""
    version = pinned_version(MODULE, "github.com/minio/minio")
    return GoProgram(MODULE, "minio", version, "-s -w", first_time="2 to 5 minutes")


def _root_keys(folder: Path) -> Keys:
    """The folder's own; with others, a server could not read the users that it keeps."""
    place = folder / "root.secret"
    try:
        secret = place.read_text(encoding="utf-8")
    except FileNotFoundError:
        secret = secrets.token_urlsafe(24)
        draft = place.with_suffix(".part")
        draft.touch(mode=0o600)
        draft.write_text(secret, encoding="utf-8")
        draft.replace(place)
    return Keys(_ROOT, secret)


def _answers(server: MinioServer) -> bool:
    """Whether it knows its root user: its own health check is content before users are known."""
    try:
        users = json.loads(server.admin.user_list())
    except (MinioAdminException, HTTPError):
        return False
    return isinstance(users, dict)


if __name__ == "__main__":
    try:
        ensure_minio(print)
    except LocalCloudError as error:
        sys.exit(f"error: {error}")
