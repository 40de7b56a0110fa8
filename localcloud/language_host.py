"""A Pulumi language host for Python, for an engine that was built without the official one.

The engine starts it as `pulumi-language-python <engine address>`, reads a port from the first
line of its output and calls the gRPC service `LanguageRuntime` there (pulumi/proto/
language.proto).  It serves what `pulumi preview|up|refresh|destroy|import|install|about` and
policy packs need; code generation (`pulumi convert`, `pulumi package`) stays the official
host's, and is answered as unimplemented.

Where the official host is found it is used, never this one: see `localcloud.launchers`.
"""

from __future__ import annotations

import contextlib
import importlib.metadata
import json
import os
import queue
import select
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO, Any

import grpc
from google.protobuf import empty_pb2, json_format
from pulumi.runtime.proto import language_pb2, language_pb2_grpc, plugin_pb2

_RUNNER = Path(__file__).with_name("program.py")
_INVENTORY = Path(__file__).with_name("inventory.py")

_SHOWN = 32  # program.py's exit code for "failed, and the user has been told why"

# The engine raises gRPC's 4 MiB limit to 400 MiB on its side (rpcutil.GrpcChannelOptions).
_MESSAGE_LIMIT = 400 * 1024 * 1024

_FAREWELL = 1  # seconds for the programs that still run to be told to end


class LanguageHost(language_pb2_grpc.LanguageRuntimeServicer):
    """The service; one instance serves one engine.

    Args:
        engine: the engine's own gRPC address, "host:port", for programs to log to.
        debug: whether programs log their debug messages (`pulumi.log.debug`) to it too.
    """

    def __init__(self, engine: str, *, debug: bool = False) -> None:
        self.engine = engine
        self.debug = debug

    def Handshake(
        self,
        request: language_pb2.LanguageHandshakeRequest,
        context: grpc.ServicerContext,
    ) -> language_pb2.LanguageHandshakeResponse:
        """Learn the engine's address, where it was not an argument."""
        self.engine = request.engine_address or self.engine
        return language_pb2.LanguageHandshakeResponse()

    def GetPluginInfo(
        self, request: empty_pb2.Empty, context: grpc.ServicerContext
    ) -> plugin_pb2.PluginInfo:
        """The SDK's version: host and SDK belong together."""
        return plugin_pb2.PluginInfo(version=importlib.metadata.version("pulumi"))

    def GetRequiredPackages(
        self,
        request: language_pb2.GetRequiredPackagesRequest,
        context: grpc.ServicerContext,
    ) -> language_pb2.GetRequiredPackagesResponse:
        """The providers whose SDKs are installed beside the program."""
        return language_pb2.GetRequiredPackagesResponse(
            packages=[
                plugin_pb2.PackageDependency(
                    name=plugin["name"],
                    kind="resource",
                    version=plugin["version"],
                    server=plugin["server"],
                    parameterization=json_format.ParseDict(
                        plugin["parameterization"], plugin_pb2.PackageParameterization()
                    )
                    if plugin["parameterization"]
                    else None,
                )
                for plugin in _inventory(request.info, context)["plugins"]
            ]
        )

    def GetRequiredPlugins(
        self,
        request: language_pb2.GetRequiredPluginsRequest,
        context: grpc.ServicerContext,
    ) -> language_pb2.GetRequiredPluginsResponse:
        """What GetRequiredPackages says, in the form that older engines ask for."""
        return language_pb2.GetRequiredPluginsResponse(
            plugins=[
                plugin_pb2.PluginDependency(
                    name=plugin["name"],
                    kind="resource",
                    version=plugin["version"],
                    server=plugin["server"],
                )
                for plugin in _inventory(request.info, context)["plugins"]
            ]
        )

    def GetProgramDependencies(
        self,
        request: language_pb2.GetProgramDependenciesRequest,
        context: grpc.ServicerContext,
    ) -> language_pb2.GetProgramDependenciesResponse:
        """The packages in the program's environment; only those nobody requires, unless asked."""
        return language_pb2.GetProgramDependenciesResponse(
            dependencies=[
                language_pb2.DependencyInfo(name=package["name"], version=package["version"])
                for package in _inventory(request.info, context)["packages"]
                if request.transitiveDependencies or not package["required"]
            ]
        )

    def About(
        self, request: language_pb2.AboutRequest, context: grpc.ServicerContext
    ) -> language_pb2.AboutResponse:
        """The interpreter that programs run in."""
        inventory = _inventory(request.info, context)
        return language_pb2.AboutResponse(
            executable=inventory["executable"], version=inventory["version"]
        )

    def RuntimeOptionsPrompts(
        self, request: language_pb2.RuntimeOptionsRequest, context: grpc.ServicerContext
    ) -> language_pb2.RuntimeOptionsResponse:
        """Nothing to ask in `pulumi new`: `virtualenv` has one sensible value."""
        return language_pb2.RuntimeOptionsResponse()

    def InstallDependencies(
        self,
        request: language_pb2.InstallDependenciesRequest,
        context: grpc.ServicerContext,
    ) -> Iterator[language_pb2.InstallDependenciesResponse]:
        """Make the virtual environment if it is absent, and install requirements.txt into it."""
        root = Path(request.info.root_directory or request.directory)
        environment = _virtualenv(request.info)
        steps: list[list[str]] = []
        if environment and not _interpreter_of(environment).exists():
            steps.append([sys.executable, "-m", "venv", str(environment)])
        requirements = root / "requirements.txt"
        if requirements.exists():
            python = str(_interpreter_of(environment)) if environment else sys.executable
            steps.append([python, "-m", "pip", "install", "-r", str(requirements)])
        for step in steps:
            yield language_pb2.InstallDependenciesResponse(stdout=f"{' '.join(step)}\n".encode())
            process = subprocess.Popen(
                step,
                cwd=root,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
            )
            context.add_callback(process.terminate)
            for name, data in _output(process):
                yield language_pb2.InstallDependenciesResponse(**{name: data})
            if process.wait() != 0:
                context.abort(
                    grpc.StatusCode.INTERNAL,
                    f"{' '.join(step)} ended with exit code {process.returncode}",
                )

    def Run(
        self, request: language_pb2.RunRequest, context: grpc.ServicerContext
    ) -> language_pb2.RunResponse:
        """Run a program to its end; what it prints goes to the engine through our own output."""
        process = _start(
            _interpreter(request.info, context),
            {
                "kind": "program",
                "program": _entry_point(request.info, request.program),
                "args": list(request.args),
                "monitor": request.monitor_address,
                "engine": self.engine,
                "debug": self.debug,
                "project": request.project,
                "stack": request.stack,
                "organization": request.organization,
                "parallel": request.parallel,
                "dry_run": request.dryRun,
                "root_directory": request.info.root_directory,
                "config": dict(request.config),
                "config_secret_keys": list(request.configSecretKeys),
            },
            directory=request.pwd,
        )
        context.add_callback(process.terminate)  # no-op once it has ended
        code = process.wait()
        if code == 0:
            return language_pb2.RunResponse()
        if code == _SHOWN:
            return language_pb2.RunResponse(bail=True)
        reason = f"was ended by signal {-code}" if code < 0 else f"ended with exit code {code}"
        return language_pb2.RunResponse(error=f"the program {reason}")

    def RunPlugin(
        self, request: language_pb2.RunPluginRequest, context: grpc.ServicerContext
    ) -> Iterator[language_pb2.RunPluginResponse]:
        """Run a policy pack, or a provider written in Python, until the engine hangs up."""
        process = _start(
            _interpreter(request.info, context),
            {
                "kind": "policy" if request.kind == "analyzer" else "plugin",
                "program": _entry_point(request.info, request.program),
                "args": list(request.args),
            },
            directory=request.pwd,
            environment=dict(entry.partition("=")[::2] for entry in request.env),
            output=subprocess.PIPE,
        )
        context.add_callback(process.terminate)
        for name, data in _output(process):
            if name == "stdout":
                yield language_pb2.RunPluginResponse(stdout=data)
            else:
                yield language_pb2.RunPluginResponse(stderr=data)
        yield language_pb2.RunPluginResponse(exitcode=process.wait())


def _start(
    python: Path,
    order: dict[str, Any],
    *,
    directory: str,
    environment: dict[str, str] | None = None,
    output: int | None = None,
) -> subprocess.Popen[bytes]:
    """Start `program.py` in the interpreter `python` and hand it its order (see there)."""
    process = subprocess.Popen(
        [str(python), "-u", str(_RUNNER)],
        cwd=directory or None,
        env=_activated(python, environment or dict(os.environ)),
        stdin=subprocess.PIPE,
        stdout=output,
        stderr=output,
    )
    # A broken pipe: it ended before it read, and its exit code says so.
    if process.stdin:
        with contextlib.suppress(BrokenPipeError):
            process.stdin.write(json.dumps(order).encode() + b"\n")
            process.stdin.flush()
    return process


def _activated(python: Path, environment: dict[str, str]) -> dict[str, str]:
    """The environment as `activate` of the interpreter's virtual environment leaves it."""
    prefix = python.parent.parent
    if (prefix / "pyvenv.cfg").exists():
        environment["VIRTUAL_ENV"] = str(prefix)
        environment["PATH"] = os.pathsep.join([str(python.parent), environment.get("PATH", "")])
        environment.pop("PYTHONHOME", None)
    return environment


def _output(process: subprocess.Popen[bytes]) -> Iterator[tuple[str, bytes]]:
    """("stdout" or "stderr", line) of a process as they come, until it has closed both."""
    lines: queue.SimpleQueue[tuple[str, bytes] | None] = queue.SimpleQueue()

    def pump(name: str, stream: IO[bytes] | None) -> None:
        for line in stream or ():
            lines.put((name, line))
        lines.put(None)

    streams = {"stdout": process.stdout, "stderr": process.stderr}
    for item in streams.items():
        threading.Thread(target=pump, args=item, daemon=True).start()
    for _ in streams:  # each ends with None
        yield from iter(lines.get, None)


def _entry_point(info: language_pb2.ProgramInfo, program: str) -> str:
    """The program's absolute path: a folder with a `__main__.py`, or a file."""
    return os.path.normpath(Path(info.program_directory) / (info.entry_point or program))


def _virtualenv(info: language_pb2.ProgramInfo) -> Path | None:
    """The runtime option `virtualenv` of Pulumi.yaml, relative to that file; None when not set."""
    options = json_format.MessageToDict(info.options)
    name = options.get("virtualenv")
    return Path(os.path.normpath(Path(info.root_directory) / name)) if name else None


def _interpreter_of(environment: Path) -> Path:
    return environment / "bin" / "python"


def _interpreter(info: language_pb2.ProgramInfo, context: grpc.ServicerContext) -> Path:
    """The interpreter for a program: of its `virtualenv`, else the one that runs this host."""
    environment = _virtualenv(info)
    if environment is None:
        return Path(os.environ.get("PULUMI_PYTHON_CMD") or sys.executable)
    python = _interpreter_of(environment)
    if not python.exists():
        context.abort(
            grpc.StatusCode.FAILED_PRECONDITION,
            f"{info.root_directory}: runtime option virtualenv: there is no Python at {python}."
            f" Remedy: `pulumi install`, or make it: python3 -m venv {environment}",
        )
    return python


def _inventory(info: language_pb2.ProgramInfo, context: grpc.ServicerContext) -> dict[str, Any]:
    """What `inventory.py` finds in the program's environment."""
    result = subprocess.run(
        [str(_interpreter(info, context)), "-I", str(_INVENTORY)],
        capture_output=True,
        check=False,
    )
    if result.returncode != 0:
        context.abort(
            grpc.StatusCode.INTERNAL,
            f"cannot list installed packages: {result.stderr.decode(errors='replace')}",
        )
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def serve(engine: str, *, debug: bool) -> None:
    """Serve one engine until it hangs up, interrupts us, or is gone (see LanguageHost)."""
    # A program or a policy pack occupies a thread for as long as it runs.
    server = grpc.server(
        ThreadPoolExecutor(max_workers=64),
        options=[
            ("grpc.max_receive_message_length", _MESSAGE_LIMIT),
            ("grpc.max_send_message_length", _MESSAGE_LIMIT),
        ],
    )
    language_pb2_grpc.add_LanguageRuntimeServicer_to_server(
        LanguageHost(engine, debug=debug), server
    )
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    # The engine interrupts its plugins when it is done: the normal end, so no traceback. A signal
    # is only a byte in a pipe: a handler that takes a lock may wait for the thread it interrupted.
    interrupted, interrupt = os.pipe()
    os.set_blocking(interrupt, False)
    signal.set_wakeup_fd(interrupt)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda _signal, _frame: None)
    print(port, flush=True)  # noqa: T201  (what the engine waits for)
    # The engine holds the other end of our standard input and never writes to it.  It closes when
    # the engine ends, however it ends; nothing is left to do then.
    while interrupted not in (ready := select.select([0, interrupted], [], [])[0]):
        if ready and not os.read(0, 4096):
            break
    server.stop(grace=None).wait(_FAREWELL)
    # Not sys.exit: that waits for threads whose programs end only once this process has.
    os._exit(0)


def main() -> None:
    """Entry point of the launch script; the engine's address is the last argument.

    `pulumi --logflow -v=N` hands `-v=N` on. The engine hands `--debug` to no plugin, so it is with
    both, as `pulumi up --debug --logflow -v=1`, that a program's debug messages are shown.
    """
    serve(
        sys.argv[-1] if len(sys.argv) > 1 else "",
        debug=any(word.startswith("-v=") for word in sys.argv[1:-1]),
    )


if __name__ == "__main__":
    main()
