"""A recording engine: runs the program for one stack and keeps every registered resource.

No cloud and no engine: the SDK's mocks answer as AWS would. A program run takes some milliseconds
a resource, so tenants that are known already can be left out (``run_program``).
"""

from __future__ import annotations

import asyncio
import runpy
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn
from unittest import mock

import pulumi
from google.protobuf.json_format import MessageToDict
from pulumi.runtime import mocks, rpc, set_mocks
from pulumi.runtime.proto import resource_pb2
from pulumi.runtime.settings import SETTINGS
from pulumi.runtime.stack import wait_for_rpcs

import components.aws as lakehouse
from localcloud.paths import PROJECT_ROOT
from localcloud.program import all_ended
from onboarding.collection import without_collection
from onboarding.fingerprint import Fingerprints
from tenancy.estate import Estate

PROJECT = "tenancy"
_TENANT = "tenancy:aws:Tenant"
_MADE = {
    "aws:ec2/vpcEndpoint:VpcEndpoint": ("prefixListId",),
    "aws:lb/loadBalancer:LoadBalancer": ("dnsName", "zoneId"),
    "aws:route53/zone:Zone": ("zoneId",),
}
"""Type -> outputs that AWS makes, and that the program hands on."""
_FOR_PEERING = ("vpc_id", "route_table_id")
"""What the platform exports for stacks that need not know what it is."""
_FILE, _LIBRARIES = "file://", "/site-packages/"

Outputs = Mapping[str, Any]
"""What a stack exports."""

Wanted = Callable[[str, str | None], bool]
"""Told a tenant's id and the fingerprint of what the program gives to make it (None: there can be
none): whether to record it."""


@dataclass(frozen=True)
class Recorded:
    """One registered resource: its type token, name, inputs and options as the engine sees them.

    ``source`` is the line of the program that made it, as ``file:line`` with an absolute path;
    ``tenant`` whose component it is in, empty for what is made before any tenant.
    """

    type: str
    name: str
    inputs: dict[str, Any]
    parent: str
    protect: bool
    retain: bool
    provider: str
    dependencies: tuple[str, ...]
    outputs: dict[str, Any] = field(default_factory=dict)
    source: str = ""
    tenant: str = ""


class ProgramError(Exception):
    """The program cannot be run for a stack; ``source`` is the line of it that failed."""

    def __init__(self, stack: str, reason: str, source: str) -> None:
        super().__init__(stack, reason, source)
        self.stack, self.reason, self.source = stack, reason, source


class _Monitor(mocks.MockMonitor):
    """The SDK's mock monitor, keeping also what a test of structure needs: parent and options."""

    def __init__(self, recorded: dict[str, Recorded], stack: str, mocked: mocks.Mocks) -> None:
        super().__init__(mocked)
        self.recorded, self._stack = recorded, stack

    def make_urn(self, parent: str, type_: str, name: str) -> str:
        """Not the SDK's own, which forgets the stack in the threads that it asks from."""
        chain = f"{parent.split('::')[2]}${type_}" if parent else type_
        return f"urn:pulumi:{self._stack}::{PROJECT}::{chain}::{name}"

    def RegisterResource(  # noqa: N802 - the protocol's name
        self, request: resource_pb2.RegisterResourceRequest
    ) -> resource_pb2.RegisterResourceResponse:
        response: resource_pb2.RegisterResourceResponse
        response = super().RegisterResource(request)  # type: ignore[no-untyped-call]
        above = self.recorded.get(request.parent)
        self.recorded[response.urn] = Recorded(
            type=request.type,
            name=request.name,
            inputs=rpc.deserialize_properties(request.object),
            parent=request.parent,
            protect=request.protect,
            retain=request.retainOnDelete,
            provider=request.provider or next(iter(request.providers.values()), ""),
            dependencies=tuple(request.dependencies),
            source=_made_by(request),
            tenant=request.name if request.type == _TENANT else above.tenant if above else "",
        )
        return response

    def RegisterResourceOutputs(  # noqa: N802 - the protocol's name
        self, request: resource_pb2.RegisterResourceOutputsRequest
    ) -> object:
        # Not the SDK's own reading, which drops the nulls that the engine keeps.
        self.recorded[request.urn].outputs.update(MessageToDict(request.outputs))
        return super().RegisterResourceOutputs(request)  # type: ignore[no-untyped-call]


class _Echo(mocks.Mocks):
    """Outputs are the inputs and, as AWS would, an ARN, a key id, and what RDS makes by itself; of
    another stack ``outputs``, by its name. ``prefix`` keeps the ids of stacks apart.
    """

    def __init__(self, prefix: str, outputs: Mapping[str, Outputs]) -> None:
        self._prefix, self._outputs = prefix, outputs

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str, dict[str, Any]]:
        made: dict[str, Any] = {"arn": f"arn:of:{args.name}", "keyId": args.name}
        made |= {output: f"{args.name}:{output}" for output in _MADE.get(args.typ, ())}
        if args.typ == "aws:rds/instance:Instance":
            made["address"] = f"{args.name}.rds.example"
            made["masterUserSecrets"] = [{"secretArn": f"arn:of:{args.name}:master"}]
        if args.typ == "pulumi:pulumi:StackReference":
            stands_for = {output: f"{args.name}:{output}" for output in _FOR_PEERING}
            made["outputs"] = self._outputs.get(args.name.rpartition("/")[2], stands_for)
        return f"{self._prefix}{args.name}-id", {**made, **args.inputs}

    def call(self, args: mocks.MockCallArgs) -> NoReturn:
        msg = f"the program calls no function, and called {args.token}"
        raise NotImplementedError(msg)


def run_program(
    stack: str,
    root: Path,
    wanted: Wanted | None = None,
    outputs: Mapping[str, Outputs] | None = None,
) -> dict[str, Recorded]:
    """Every resource that the program at ``root`` registers for a stack of its estate, by URN.

    ``wanted`` chooses the tenants; what is not a tenant's is always recorded. A tenant is then
    made when the rest is complete, so that what the program gives to make it is known.
    ``outputs``: of other stacks, by name: a shard reads its platform's.

    Raises:
        ProgramError: the program failed.
    """
    return _run(stack, root, wanted, outputs or {})[0]


def run_platform(stack: str, root: Path) -> tuple[dict[str, Recorded], Outputs]:
    """What the program registers for the stack of an environment's platform but for its tenants,
    and what it exports.

    Raises:
        ProgramError: the program failed.
    """
    return _run(stack, root, lambda tenant, given: False, {})  # noqa: ARG005 - nobody's


def _run(
    stack: str, root: Path, wanted: Wanted | None, outputs: Mapping[str, Outputs]
) -> tuple[dict[str, Recorded], Outputs]:
    program = root / "__main__.py"
    offers: list[tuple[Any, ...]] = []

    def build() -> None:
        # Nothing is deployed, so an account need not be vended yet.
        with mock.patch.object(Estate, "plan", Estate.planned), ExitStack() as patched:
            if wanted is not None:
                offer = mock.patch.object(lakehouse, "Tenant", lambda *given: offers.append(given))
                patched.enter_context(offer)
            runpy.run_path(str(program))

    async def then() -> None:
        fingerprints = Fingerprints()
        for offer in offers:
            if wanted is not None and wanted(offer[0], fingerprints.of(offer)):
                lakehouse.Tenant(*offer)

    try:
        return _record(build, stack, _Echo(f"{stack}-", outputs), then)
    except Exception as error:
        raise ProgramError(stack, _reason(error), _source(error, root)) from error


def record(build: Callable[[], object], stack: str = "prod") -> dict[str, Recorded]:
    """Every resource that ``build`` registers, by URN: for one component alone."""

    async def nothing() -> None:
        pass

    return _record(build, stack, _Echo("", {}), nothing)[0]


def _record(
    build: Callable[[], object], stack: str, mocked: mocks.Mocks, then: Callable[[], Any]
) -> tuple[dict[str, Recorded], Outputs]:
    recorded: dict[str, Recorded] = {}
    exported: dict[str, Any] = {}

    async def run() -> Outputs:
        set_mocks(
            mocked,
            project=PROJECT,
            stack=stack,
            organization="organization",
            monitor=_Monitor(recorded, stack, mocked),
        )
        SETTINGS.rpc_manager.clear()  # of a run that failed
        SETTINGS.outputs.clear()
        build()
        await _quiet()
        await then()
        await _quiet()
        return await pulumi.Output.from_input(exported).future() or {}

    with without_collection(), mock.patch.object(pulumi, "export", exported.__setitem__):
        return recorded, asyncio.run(run())


async def _quiet() -> None:
    """Until nothing is under way any more, and what failed is raised."""
    await all_ended()
    await wait_for_rpcs()


def _made_by(request: resource_pb2.RegisterResourceRequest) -> str:
    """The innermost line that is the program's and not a library's."""
    for frame in request.stackTrace.frames:
        if _LIBRARIES not in frame.pc.uri and frame.pc.uri.startswith(_FILE):
            return f"{frame.pc.uri.removeprefix(_FILE)}:{frame.pc.line}"
    return ""


def _reason(error: BaseException) -> str:
    known = isinstance(error, pulumi.RunError) or not str(error)
    return str(error) or type(error).__name__ if known else f"{type(error).__name__}: {error}"


def _source(error: BaseException, root: Path) -> str:
    """The innermost line of the project itself that an error came through."""
    found, trace = "", error.__traceback__
    while trace is not None:
        file = Path(trace.tb_frame.f_code.co_filename)
        own = file.is_relative_to(root) or file.is_relative_to(PROJECT_ROOT)
        if own and _LIBRARIES not in str(file) and file != Path(__file__):
            found = f"{file}:{trace.tb_lineno}"
        trace = trace.tb_next
    return found
