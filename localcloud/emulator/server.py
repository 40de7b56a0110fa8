"""The emulator's process: `python -m localcloud.emulator.server --directory D [--port P]`.

It serves every AWS API that moto knows on one port of the loopback interface, and beside them,
for requests without an AWS signature (those of AWS clients carry one):

    GET  /tenancy/instance        -> {"instance": uuid, "pid": n, "accounts": ["123456789012"]}
    POST /tenancy/accounts/<id>   -> opens an account, with the role that AWS Organizations makes

Nothing here is authenticated: it is a fake cloud, and bound to 127.0.0.1 only.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import signal
import socket
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from types import FrameType
from typing import Any, Final

from moto.moto_server.werkzeug_app import (
    DomainDispatcherApplication,
    MotoRequestHandler,
    create_backend_app,
)
from werkzeug.serving import make_server

from localcloud import garbage
from localcloud.emulator import organization, patches
from localcloud.emulator.functions import Runner
from localcloud.emulator.lifecycle import Record, code
from localcloud.emulator.patches import awslambda
from localcloud.processes import ProcessIdentity

MANAGEMENT_ACCOUNT = "123456789012"
"""The account that callers without a session of another account act in (moto's default)."""

Environ = dict[str, Any]
StartResponse = Callable[..., Any]
Application = Callable[[Environ, StartResponse], Iterable[bytes]]


class Control:
    """The few requests that are about the emulator itself rather than about AWS."""

    def __init__(self, instance: str) -> None:
        self.instance = instance
        organization.found(MANAGEMENT_ACCOUNT)

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """WSGI: answer one request under /tenancy/."""
        method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"]
        account = re.fullmatch(r"/tenancy/accounts/([0-9]{12})", path, re.ASCII)
        if method == "GET" and path == "/tenancy/instance":
            status, body = "200 OK", self.describe()
        elif method == "POST" and account:
            status, body = "200 OK", self.open_account(account[1])
        else:
            status, body = "404 Not Found", {"error": f"no {method} {path} here"}
        payload = json.dumps(body).encode()
        headers = [
            ("Content-Type", "application/json"),
            ("Content-Length", str(len(payload))),
        ]
        start_response(status, headers)
        return [payload]

    def describe(self) -> dict[str, Any]:
        """Which emulator this is: another `instance` is another, empty, cloud."""
        return {
            "instance": self.instance,
            "pid": os.getpid(),
            "accounts": list(organization.members(MANAGEMENT_ACCOUNT)),
        }

    def open_account(self, account: str) -> dict[str, Any]:
        """Make the account a member, with its access role, unless it is one."""
        role = organization.give_access_role(MANAGEMENT_ACCOUNT, account)
        organization.join(MANAGEMENT_ACCOUNT, account)
        return {"account": account, "role": role}


_INVOCATION: Final = re.compile(r"/[0-9-]+/functions/[^/]+/(invocations|invoke-async/?)")


def application(instance: str, one_at_a_time: threading.Lock) -> Application:
    """The whole server as one WSGI application: control requests, and AWS by moto.

    AWS calls run one at a time: moto's backends are plain dictionaries without locks, and the
    engine sends many calls at once.  Python would not run them in parallel anyway.  Those that
    wait for something else do not hold up the others: for a message, or for a function, which
    calls back.
    """
    control, aws = Control(instance), DomainDispatcherApplication(create_backend_app)

    def serve(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        unsigned = "HTTP_AUTHORIZATION" not in environ
        waits = environ.get("HTTP_X_AMZ_TARGET", "").endswith(".ReceiveMessage") or (
            _INVOCATION.fullmatch(environ["PATH_INFO"]) is not None
        )
        turn: AbstractContextManager[object] = nullcontext() if waits else one_at_a_time
        with turn:
            if unsigned and environ["PATH_INFO"].startswith("/tenancy/"):
                return control(environ, start_response)
            answer: Iterable[bytes] = aws(environ, start_response)
            return answer

    return serve


class RequestHandler(MotoRequestHandler):
    """Logs what the emulator itself got wrong, and no request that went well.

    Each call has a connection of its own: werkzeug does not keep them alive, and that costs 0.3
    of the 3 to 5 milliseconds that a call takes.
    """

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Log only server errors: a deployment makes thousands of calls."""
        if str(code).startswith("5"):
            super().log_request(code, size)


def _listen(preferred: int) -> socket.socket:
    """A listening loopback socket, on the preferred port if it is free (0: any)."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", preferred))
    except OSError:
        listener.bind(("127.0.0.1", 0))
    listener.listen(128)
    return listener


def _end(_signal: int, _frame: FrameType | None) -> None:
    sys.exit(0)


def main() -> None:
    """Serve until told to end; write the record that `lifecycle` reads once the port is open."""
    arguments = argparse.ArgumentParser(description="The AWS emulator of the local stacks")
    arguments.add_argument("--directory", type=Path, required=True, help="where the record goes")
    arguments.add_argument("--port", type=int, default=0, help="preferred port (0: any free one)")
    options = arguments.parse_args()

    garbage.look_rarely()
    signal.signal(signal.SIGTERM, _end)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a Ctrl-C is meant for the command, not for us
    told = code()  # at once after it was loaded
    patches.apply()

    listener = _listen(options.port)
    port: int = listener.getsockname()[1]
    # moto calls itself at this port for a few services.
    os.environ["MOTO_PORT"] = str(port)
    instance, turn = str(uuid.uuid4()), threading.Lock()
    runner = Runner(options.directory / "functions", f"http://127.0.0.1:{port}", turn)
    awslambda.run_with(runner)
    server = make_server(
        "127.0.0.1",
        port,
        application(instance, turn),
        threaded=True,
        request_handler=RequestHandler,
        fd=listener.fileno(),
    )
    Record(
        process=ProcessIdentity.of(os.getpid()),
        port=port,
        instance=instance,
        started=time.time(),
        code=told,
    ).write(options.directory)
    try:
        server.serve_forever()
    finally:
        runner.stop()


if __name__ == "__main__":
    main()
