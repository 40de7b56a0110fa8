"""Lambda's work: runs a function's code, each time in a process of its own, as the function's role.

Other than in AWS: every version of Python that a function names is the emulator's own, no process
serves twice, memory and concurrency are not limited, and retries wait seconds instead of minutes.

Sources: AWS Lambda Developer Guide, "Working with Lambda environment variables" (defined ones),
"Understanding retry behavior in Lambda", "Error handling for asynchronous invocations" (attempts,
ages) and "Adding a dead-letter queue" (what a message there carries).
"""

# Moto's functions are loosely typed.
# ruff: noqa: ANN401

from __future__ import annotations

import base64
import io
import json
import logging
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import uuid
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.metadata import distribution
from pathlib import Path
from typing import Any, Final

from moto.iam.models import iam_backends
from moto.logs.models import logs_backends
from moto.sns.models import sns_backends
from moto.sqs.models import sqs_backends
from moto.sts.models import sts_backends

from localcloud.emulator import function_process
from localcloud.emulator.patches import services
from localcloud.emulator.patches.callers import PARTITION, role_by_arn
from localcloud.emulator.patches.evaluation import Facts

LOG: Final = logging.getLogger(__name__)
SERVICE: Final = "lambda.amazonaws.com"
AT_ONCE: Final = 4
"""Asynchronous events worked on at one time."""
RETRIES_AFTER: Final = (1.0, 2.0)
"""Seconds before the second and the third attempt; of AWS these are minutes."""
RETRIES: Final = 2
EVENT_AGE: Final = 21_600  # seconds
LOG_TAIL: Final = 4096  # bytes
_MESSAGE_LETTERS: Final = 1024  # of an error, in a dead letter
# What Lambda does for a function, as its role, the function's code does not do.
OF_LAMBDA_ITSELF: Final[Facts] = {
    "aws:securetransport": "true",
    "lambda:sourcefunctionarn": None,
}
LETTERS: Final = {"sqs": "sqs:SendMessage", "sns": "sns:Publish"}
"""What a role needs for a dead-letter target, by its service."""


class CannotRun(Exception):
    """The function cannot be started; the text says why."""


@dataclass(frozen=True)
class Outcome:
    """What an invocation answered, as JSON, and what it printed. ``error``: it failed."""

    payload: bytes
    error: bool
    log: str


class Runner:
    """Runs functions of the emulator at ``endpoint``, with files of its own in ``directory``.

    ``turn`` is held while the emulator's content is read or changed, as each request does.
    """

    def __init__(self, directory: Path, endpoint: str, turn: threading.Lock) -> None:
        self._directory, self._endpoint, self._turn = directory, endpoint, turn
        self._unpacking = threading.Lock()
        self._events = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="event")
        self._stopping = threading.Event()
        self._running: set[subprocess.Popen[bytes]] = set()
        self._starting = threading.Lock()
        shutil.rmtree(directory, ignore_errors=True)
        directory.mkdir(parents=True)
        self._libraries = _libraries(directory / "libraries")

    def invoke(self, function: Any, event: str) -> Outcome:
        """Run the function and wait for its answer.

        Raises:
            CannotRun: its role cannot be assumed, or the emulator ends.
        """
        return self._run(function, event, str(uuid.uuid4()))

    def submit(self, function: Any, event: str) -> None:
        """Run the function soon, and again when it fails; then the event is a dead letter."""
        with suppress(RuntimeError):  # the emulator ends
            self._events.submit(self._attempt, function, event, str(uuid.uuid4()))

    def stop(self) -> None:
        """End every process, and take no event any more. Those that wait are lost, as the cloud."""
        self._stopping.set()
        self._events.shutdown(wait=False, cancel_futures=True)
        with self._starting:
            for process in self._running:
                _kill(process)

    def _attempt(self, function: Any, event: str, request: str) -> None:
        """As Lambda works on an asynchronous event."""
        config = function.event_invoke_config[0].config if function.event_invoke_config else {}
        retries = config.get("MaximumRetryAttempts", RETRIES)
        ends = time.monotonic() + config.get("MaximumEventAgeInSeconds", EVENT_AGE)
        told = "Runtime.Unknown"
        for wait in (0.0, *RETRIES_AFTER[:retries]):
            if self._stopping.wait(wait) or time.monotonic() > ends:
                break
            try:
                outcome = self._run(function, event, request)
            except CannotRun as error:
                told = str(error)
                LOG.warning("%s: %s", function.function_arn, error)
            except Exception as error:
                told = str(error)
                LOG.exception("%s was not run", function.function_arn)
            else:
                if not outcome.error:
                    return
                told = str(json.loads(outcome.payload).get("errorMessage", ""))
        if not self._stopping.is_set():
            self._bury(function, event, request, told)

    def _bury(self, function: Any, event: str, request: str, told: str) -> None:
        """Send the event to the dead-letter target, if there is one."""
        target = function.dead_letter_target
        if not target:
            LOG.warning("%s lost an event: %s", function.function_arn, told)
            return
        service, region, account, name = target.split(":", 5)[2:6]
        attributes = {
            "RequestID": ("String", request),
            "ErrorCode": ("Number", "200"),
            "ErrorMessage": ("String", told[:_MESSAGE_LETTERS] or "none"),
        }
        try:
            with self._turn:
                role = role_by_arn(function.role)
                if not services.may(role, LETTERS[service], target, OF_LAMBDA_ITSELF):
                    raise CannotRun(f"the role may not {LETTERS[service]}")  # noqa: TRY301
                if service == "sqs":
                    queues: Any = sqs_backends[account][region]
                    queues.send_message(
                        name,
                        event,
                        message_attributes={
                            key: {"DataType": kind, "StringValue": value}
                            for key, (kind, value) in attributes.items()
                        },
                    )
                else:
                    topics: Any = sns_backends[account][region]
                    topics.publish(
                        event,
                        arn=target,
                        message_attributes={
                            key: {"Type": kind, "Value": value}
                            for key, (kind, value) in attributes.items()
                        },
                    )
        except Exception:
            LOG.exception("%s lost an event: %s", function.function_arn, told)

    def _run(self, function: Any, event: str, request: str) -> Outcome:
        began, now = time.monotonic(), time.gmtime()
        stream = time.strftime("%Y/%m/%d/", now) + f"[{function.version}]{uuid.uuid4().hex}"
        code = self._unpacked(function)
        told = {
            "event": json.loads(event),
            "request_id": request,
            "arn": function.function_arn,
            "seconds": function.timeout,
        }
        with (
            self._session(function) as keys,
            tempfile.TemporaryDirectory(dir=self._directory, prefix="run-") as own,
        ):
            answer = Path(own, "answer.json")
            environment = {
                **_environment(function, stream),
                **function.environment_vars,
                **keys,
                "AWS_ENDPOINT_URL": self._endpoint,
                "HOME": own,
                "TMPDIR": own,
            }
            printed, problem = self._process(
                [str(code), str(self._libraries), str(answer)],
                environment,
                json.dumps(told).encode(),
                function.timeout,
            )
            problem = problem and f"RequestId: {request} Error: {problem}"
            given = None if problem else json.loads(answer.read_text(encoding="utf-8"))
        milliseconds = (time.monotonic() - began) * 1000
        log = (
            f"START RequestId: {request} Version: {function.version}\n{printed.rstrip()}\n"
            + (f"{problem}\n" if problem else "")
            + f"END RequestId: {request}\n"
            f"REPORT RequestId: {request} Duration: {milliseconds:.0f} ms"
        )
        self._log(function, stream, log)
        if given is None:
            given = {"error": {"errorMessage": problem, "errorType": "Runtime.ExitError"}}
        body = given.get("error", given.get("result"))
        return Outcome(json.dumps(body).encode(), "error" in given, log)

    def _process(
        self, arguments: list[str], environment: dict[str, str], event: bytes, seconds: float
    ) -> tuple[str, str]:
        """What the process printed, and what was wrong with it; "" for nothing."""
        command = [sys.executable, "-I", "-S", str(function_process.__file__), *arguments]
        # It ends by itself once nobody holds the other end.
        lifeline, held = os.pipe()
        try:
            with self._starting:
                if self._stopping.is_set():
                    raise CannotRun("the embedded cloud is stopping")
                process = subprocess.Popen(
                    [*command, str(lifeline)],
                    cwd=arguments[0],
                    env=environment,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                    pass_fds=[lifeline],
                    # A group of its own, so that what it starts ends with it.
                    start_new_session=True,
                )
                self._running.add(process)
            problem = ""
            try:
                printed, _ = process.communicate(event, timeout=seconds)
            except subprocess.TimeoutExpired:
                _kill(process)
                printed, _ = process.communicate()
                problem = f"Task timed out after {seconds:.2f} seconds"
            else:
                if process.returncode or not Path(arguments[2]).exists():
                    problem = f"Runtime exited with exit status {process.returncode}"
            finally:
                with self._starting:
                    self._running.discard(process)
        finally:
            os.close(lifeline)
            os.close(held)
        return printed.decode(errors="replace"), problem

    @contextmanager
    def _session(self, function: Any) -> Iterator[dict[str, str]]:
        """Credentials of the function's role, for as long as the invocation lasts."""
        account, arn = function.account_id, function.function_arn
        sessions: Any = sts_backends[account][PARTITION]
        with self._turn:
            role = role_by_arn(function.role)
            if role is None or not services.trusts(role, SERVICE, arn, account):
                raise CannotRun("The role defined for the function cannot be assumed by Lambda.")
            session = sessions.assume_role(
                region_name=function.region,
                role_session_name=function.function_name,
                role_arn=function.role,
                policy=None,
                duration=3600,
                external_id=None,
            )
        try:
            yield {
                "AWS_ACCESS_KEY_ID": session.access_key_id,
                "AWS_SECRET_ACCESS_KEY": session.secret_access_key,
                "AWS_SESSION_TOKEN": session.session_token,
            }
        finally:
            with self._turn, suppress(ValueError):  # the cloud was emptied meanwhile
                keys: Any = iam_backends[account][PARTITION].access_keys
                keys.pop(session.access_key_id, None)
                sessions.assumed_roles.remove(session)

    def _unpacked(self, function: Any) -> Path:
        """The folder of the function's files, unpacked once for each content."""
        place = self._directory / base64.b64decode(function.code_sha_256).hex()
        with self._unpacking:
            if not place.exists():
                draft = place.with_suffix(".draft")
                with zipfile.ZipFile(io.BytesIO(function.code_bytes)) as packed:
                    packed.extractall(draft)
                draft.rename(place)
        return place

    def _log(self, function: Any, stream: str, log: str) -> None:
        """Write to the function's log group, as far as its role may."""
        group, account, region = function.logs_group_name, function.account_id, function.region
        arn = f"arn:{PARTITION}:logs:{region}:{account}:log-group:{group}"
        with self._turn:
            logs: Any = logs_backends[account][region]
            role = role_by_arn(function.role)
            place = f"{arn}:log-stream:{stream}"
            needed = {"logs:CreateLogStream": place, "logs:PutLogEvents": place}
            if group not in logs.groups:
                needed["logs:CreateLogGroup"] = arn
            for action, resource in needed.items():
                if role is None or not services.may(role, action, resource, OF_LAMBDA_ITSELF):
                    LOG.warning("%s cannot log: its role may not %s", function.function_arn, action)
                    return
            if group not in logs.groups:
                logs.create_log_group(group, {})
            logs.create_log_stream(group, stream)
            now = int(time.time() * 1000)
            lines = [line for line in log.splitlines() if line.strip()]
            logs.put_log_events(group, stream, [{"timestamp": now, "message": x} for x in lines])


def _environment(function: Any, stream: str) -> dict[str, str]:
    """What every function finds there."""
    return {
        "AWS_DEFAULT_REGION": function.region,
        "AWS_EXECUTION_ENV": f"AWS_Lambda_{function.run_time}",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory_size),
        "AWS_LAMBDA_FUNCTION_NAME": function.function_name,
        "AWS_LAMBDA_FUNCTION_VERSION": str(function.version),
        "AWS_LAMBDA_LOG_GROUP_NAME": function.logs_group_name,
        "AWS_LAMBDA_LOG_STREAM_NAME": stream,
        "AWS_REGION": function.region,
        "LANG": "C.UTF-8",
        "PATH": os.defpath,
        "TZ": ":UTC",
        "_HANDLER": function.handler,
    }


def _kill(process: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def _libraries(folder: Path) -> Path:
    """A folder with the SDK that Lambda ships, which is installed here, and nothing else."""
    folder.mkdir()
    wanted, seen = ["boto3"], set()
    while wanted:
        found = distribution(wanted.pop())
        seen.add(found.name)
        for file in found.files or ():
            top = file.parts[0]
            if top != ".." and not (folder / top).exists():
                (folder / top).symlink_to(str(found.locate_file(top)))
        for line in found.requires or ():
            name = re.match(r"[A-Za-z0-9._-]+", line)
            if name and "extra ==" not in line and name[0] not in seen:
                wanted.append(name[0])
    return folder
