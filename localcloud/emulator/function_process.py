"""The process of one invocation: calls a function's handler once. `functions` starts it by path.

It sees the standard library, the function's own files and the SDK that Lambda ships, nothing of
this project (AWS Lambda Developer Guide, "Define Lambda function handler in Python" and "Using the
Lambda context object").
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import threading
import time
import traceback
from pathlib import Path
from typing import Any


class Context:
    """What a handler gets beside the event."""

    def __init__(self, told: dict[str, Any]) -> None:
        self._ends = time.monotonic() + told["seconds"]
        self.aws_request_id = told["request_id"]
        self.invoked_function_arn = told["arn"]
        self.function_name = os.environ["AWS_LAMBDA_FUNCTION_NAME"]
        self.function_version = os.environ["AWS_LAMBDA_FUNCTION_VERSION"]
        self.memory_limit_in_mb = os.environ["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"]
        self.log_group_name = os.environ["AWS_LAMBDA_LOG_GROUP_NAME"]
        self.log_stream_name = os.environ["AWS_LAMBDA_LOG_STREAM_NAME"]
        self.identity = self.client_context = None

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until the timeout."""
        return max(0, int((self._ends - time.monotonic()) * 1000))


def _end_with(lifeline: int) -> None:
    """End when the other end of the pipe is closed: the emulator is gone, however it ended."""
    os.read(lifeline, 1)
    os._exit(1)


def _failure(error: Exception, told: dict[str, Any]) -> dict[str, Any]:
    """What Lambda answers for an exception; it is also printed, and so logged."""
    kind, message = type(error).__name__, str(error)
    if isinstance(error, ImportError):
        kind = "Runtime.ImportModuleError"
        message = f"Unable to import module '{os.environ['_HANDLER']}': {error}"
    trace = traceback.format_exception(error)
    print(f"[ERROR] {kind}: {message}\n{''.join(trace)}")  # noqa: T201 the log
    return {
        "errorMessage": message,
        "errorType": kind,
        "requestId": told["request_id"],
        "stackTrace": trace,
    }


def main() -> None:
    """Answer the event on standard input in the file that the arguments name."""
    code, libraries, answer, lifeline = sys.argv[1:]
    threading.Thread(target=_end_with, args=[int(lifeline)], daemon=True).start()
    sys.path[:] = [code, *sys.path, libraries]
    told = json.load(sys.stdin)
    try:
        module, _, name = os.environ["_HANDLER"].rpartition(".")
        handler = getattr(importlib.import_module(module.replace("/", ".")), name)
        result = json.dumps({"result": handler(told["event"], Context(told))})
    except Exception as error:  # noqa: BLE001 whatever the function's code raises
        result = json.dumps({"error": _failure(error, told)})
    Path(answer).write_text(result, encoding="utf-8")
    sys.stdout.flush()
    # Lambda freezes what a handler left running.
    os._exit(0)


if __name__ == "__main__":
    main()
