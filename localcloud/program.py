"""What the language host starts: one Python process per program or policy pack.

It runs by path, in the interpreter of the program's own virtual environment, which holds the
Pulumi SDK and need not hold this project: nothing here may import from `localcloud`.

Standard input carries one line of JSON that says what to run, and stays open from then on: when
it closes, the language host is gone and so is the engine, and this process ends rather than
living on as an orphan.

    {"kind": "program", "program": "/dir", "args": [], "project": ..., "stack": ..., ...}
    {"kind": "policy", "program": "/dir/of/PulumiPolicy.yaml", "args": [<engine address>]}
    {"kind": "plugin", "program": "/dir", "args": [...]}
"""

from __future__ import annotations

import asyncio
import atexit
import gc
import json
import logging
import os
import runpy
import signal
import sys
import threading
import traceback
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pulumi.runtime.proto.engine_pb2 import LogRequest
    from pulumi.runtime.proto.engine_pb2_grpc import EngineStub
    from pulumi.runtime.proto.resource_pb2 import RegisterResourceRequest, RegisterResourceResponse
    from pulumi.runtime.proto.resource_pb2_grpc import ResourceMonitorStub

SHOWN = 32
"""Exit code that means: failed, and the user has already been told why."""


def main() -> None:
    """Read the order on standard input and carry it out; does not return."""
    order = json.loads(sys.stdin.buffer.readline())
    # What a program makes stays to its end. To look for garbage in it is a fifth of a preview, and
    # finds none: a program of 500 resources takes the same 200 MB either way.
    gc.disable()
    ended: list[int] = []
    atexit.register(_end_at_once, ended)  # the first: it is called when all others were
    threading.Thread(target=_end_with_host, daemon=True).start()
    # The engine interrupts its plugins' process groups when it is done with them.  The host ends
    # this process in its own time; a KeyboardInterrupt here would be shown as an error.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    program = Path(order["program"])
    # Instead of this file's folder, the program's: also for imports that an `apply` makes late.
    sys.path[0] = str(program if program.is_dir() else program.parent)
    if order["kind"] == "program":
        sys.argv = [str(program), *order["args"]]
        ended.append(run_program(order))
        sys.exit(ended[0])
    elif order["kind"] == "policy":
        sys.argv = ["pulumi.policy", *order["args"], str(program)]
        runpy.run_module("pulumi.policy", run_name="__main__", alter_sys=True)
    else:
        sys.argv = [str(program), *order["args"]]
        runpy.run_path(str(program), run_name="__main__")


def _end_at_once(ended: list[int]) -> None:
    """End with the exit code of the program that ended, if one did.

    The interpreter would take apart all that the program made, a fifth of a preview's time, where
    the end of the process frees it at once.
    """
    if ended:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(ended[0])


def _end_with_host() -> None:
    """Wait for standard input to close, then end this process at once."""
    # Not sys.stdin: a thread that holds its lock makes the interpreter abort at its end.
    while os.read(0, 4096):
        pass
    os._exit(1)


def run_program(order: dict[str, Any]) -> int:
    """Run a Pulumi program against the engine that waits for it; returns the exit code."""
    # Not sooner: until `main` has replaced it, this file's folder is first on the import path,
    # and its modules would stand in for others of their names.
    import pulumi  # noqa: PLC0415
    import pulumi.runtime  # noqa: PLC0415

    pulumi.runtime.set_all_config(order["config"], order["config_secret_keys"])
    settings = pulumi.runtime.Settings(
        monitor=order["monitor"],
        engine=order["engine"],
        project=order["project"],
        stack=order["stack"],
        parallel=order["parallel"],
        dry_run=order["dry_run"],
        organization=order["organization"],
        root_directory=order["root_directory"],
    )
    if not order["debug"]:
        _drop_debug(settings.engine)
    _drop_traces(settings.monitor)
    pulumi.runtime.configure(settings)
    # A failed program leaves futures behind that nobody awaits.  asyncio would report each of
    # them, and bury the one error that matters.
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    # Each resource in flight holds up to a few blocking calls to the engine.
    executor = ThreadPoolExecutor(max_workers=4 * max(order["parallel"], 1))
    loop.set_default_executor(executor)

    async def run() -> None:
        runpy.run_path(order["program"], run_name="__main__")
        await all_ended()

    try:
        loop.run_until_complete(pulumi.runtime.run_in_stack(run))
    except pulumi.RunError as error:
        pulumi.log.error(str(error))
        return SHOWN
    except Exception as error:  # noqa: BLE001  (whatever a program may raise, it is told)
        trace = "".join(
            traceback.format_exception(type(error), error, own_frames(error.__traceback__))
        )
        pulumi.log.error(f"Program failed with an unhandled exception:\n{trace}")
        return SHOWN
    finally:
        executor.shutdown(wait=True)
        loop.close()
        sys.stdout.flush()
        sys.stderr.flush()
    return 0


async def all_ended() -> None:
    """Until nothing is under way any more, or something failed; the SDK then tells what.

    The SDK's own wait looks at all outstanding outputs again after each that is there: with
    hundreds of resources that is a fifth of the program's work.
    """
    own = asyncio.current_task()
    while pending := asyncio.all_tasks() - {own}:
        _, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_EXCEPTION)
        if pending:
            break


def _drop_debug(engine: EngineStub) -> None:
    """Tell the engine no debug messages (severity 0 in pulumi/proto/engine.proto).

    The SDK sends many for each resource and waits for the engine to take each: a tenth of a
    preview, for what the engine then shows nobody.
    """
    tell = engine.Log

    def log(request: LogRequest) -> None:
        if request.severity:
            tell(request)

    engine.Log = log  # type: ignore[assignment]  # it is only called


def _drop_traces(monitor: ResourceMonitorStub) -> None:
    """Send the line of the program that makes a resource, and not the stack that led to it.

    The state keeps it for each resource, and nobody reads it: mostly frames of asyncio, the SDK
    and this file, with this machine's paths. It is a quarter of a state, and the engine writes the
    whole state twice for each change.
    """
    register = monitor.RegisterResource

    def without_trace(request: RegisterResourceRequest) -> RegisterResourceResponse:
        request.ClearField("stackTrace")
        answer: RegisterResourceResponse = register(request)
        return answer

    monitor.RegisterResource = without_trace  # type: ignore[assignment]  # it is only called


def own_frames(trace: TracebackType | None) -> TracebackType | None:
    """The traceback from the program's own first frame on, without what led to it.

    Frames above `__main__.py` are the host's and the SDK's: they tell the user nothing.  A
    traceback without such a frame (an error in an `apply`) comes back whole.
    """
    frame = trace
    while frame is not None:
        names = frame.tb_frame.f_globals
        if names.get("__name__") == "__main__" and names.get("__file__") != __file__:
            return frame
        frame = frame.tb_next
    return trace


if __name__ == "__main__":
    main()
