"""The gRPC ``ResourceProvider``: turns the engine's requests into calls of a type's handler."""

# The protocol's messages have no types, and documents its methods.
# ruff: noqa: ANN401, D102

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent import futures
from contextlib import contextmanager
from typing import Any, Final, NoReturn

import grpc
from botocore.exceptions import BotoCoreError, ClientError
from google.protobuf import empty_pb2
from pulumi.runtime.proto import (
    plugin_pb2,
    provider_pb2,
    provider_pb2_grpc,
    status_pb2,
)

from localcloud.aws_plugin import cloud as connection
from localcloud.aws_plugin.cloud import Cloud, ConfigurationError
from localcloud.aws_plugin.registry import handler
from localcloud.aws_plugin.resource import NotKept, Resource, ResourceError
from localcloud.aws_plugin.values import Properties, decode, encode, has_unknown

VERSION: Final = "7.51.1"  # the official provider whose types and shapes these are
LOG: Final = logging.getLogger("localcloud.aws_plugin")
_MAX_MESSAGE: Final = 400 * 1024 * 1024  # the engine's own limit (rpcutil)


def token_of(urn: str) -> str:
    """The resource type in a URN: its qualified type ends in it, after any parents'."""
    return urn.split("::")[2].rsplit("$", 1)[-1]


class Failure(Exception):
    """Ends a request with a message for the user."""


@contextmanager
def explained(what: str) -> Iterator[None]:
    """Every error that a user can meet becomes one that says where it happened."""
    try:
        yield
    except (NotKept, Failure):
        raise
    except ClientError as error:
        told = error.response.get("Error", {})
        raise Failure(
            f"{what}: {error.operation_name} was refused with {told.get('Code')}: "
            f"{told.get('Message')}"
        ) from error
    except (ResourceError, ConfigurationError, BotoCoreError, ValueError) as error:
        raise Failure(f"{what}: {error}") from error


class Provider(provider_pb2_grpc.ResourceProviderServicer):
    """One configured provider: the engine starts a process for each."""

    def __init__(self, stop: Callable[[], None]) -> None:
        self._stop = stop
        self._cloud: Cloud | None = None

    # -- the plugin itself ----------------------------------------------------------------------

    def Handshake(self, request: Any, context: grpc.ServicerContext) -> Any:
        return provider_pb2.ProviderHandshakeResponse(
            accept_secrets=True, accept_resources=False, accept_outputs=False
        )

    def Attach(self, request: Any, context: grpc.ServicerContext) -> Any:
        return empty_pb2.Empty()

    def GetPluginInfo(self, request: Any, context: grpc.ServicerContext) -> Any:
        return plugin_pb2.PluginInfo(version=VERSION)

    def GetSchema(self, request: Any, context: grpc.ServicerContext) -> Any:
        return provider_pb2.GetSchemaResponse(schema="{}")

    def Cancel(self, request: Any, context: grpc.ServicerContext) -> Any:
        # Calls under way are short: they end by themselves and are recorded.
        return empty_pb2.Empty()

    # -- configuration --------------------------------------------------------------------------

    def CheckConfig(self, request: Any, context: grpc.ServicerContext) -> Any:
        response = provider_pb2.CheckResponse(inputs=request.news)
        try:
            connection.endpoint()
            connection.settings(decode(request.news)[0])
        except ConfigurationError as error:
            response.failures.add(property="", reason=str(error))
        return response

    def DiffConfig(self, request: Any, context: grpc.ServicerContext) -> Any:
        old, _ = decode(request.old_inputs if request.old_inputs.fields else request.olds)
        new, _ = decode(request.news)
        changed = sorted(n for n in {*old, *new} - {"version"} if old.get(n) != new.get(n))
        # Nothing replaces a provider: that would replace all of its resources. Where a change
        # points at another account, allowedAccountIds and Read tell.
        return _diff_response(changed, [], delete_first=False)

    def Configure(self, request: Any, context: grpc.ServicerContext) -> Any:
        if request.HasField("args"):
            given, _ = decode(request.args)
        else:
            given = {key.split(":")[-1]: value for key, value in request.variables.items()}
        with self._answer(context, "provider aws"):
            self._cloud = connection.connect(
                {name: value for name, value in given.items() if not has_unknown(value)}
            )
        return provider_pb2.ConfigureResponse(
            acceptSecrets=True, supportsPreview=True, acceptResources=False, acceptOutputs=False
        )

    # -- functions ------------------------------------------------------------------------------

    def Invoke(self, request: Any, context: grpc.ServicerContext) -> Any:
        with self._answer(context, request.tok):
            cloud = self._ready()
            functions: dict[str, Callable[[], Properties]] = {
                "getCallerIdentity": lambda: _caller(cloud),
                "getRegion": lambda: {
                    "id": cloud.region,
                    "name": cloud.region,
                    "region": cloud.region,
                    "endpoint": f"ec2.{cloud.region}.amazonaws.com",
                },
                "getPartition": lambda: {
                    "id": cloud.partition,
                    "partition": cloud.partition,
                    "dnsSuffix": "amazonaws.com",
                    "reverseDnsPrefix": "com.amazonaws",
                },
            }
            name = request.tok.rsplit(":", 1)[-1]
            if request.tok != f"aws:index/{name}:{name}" or name not in functions:
                raise ResourceError(
                    "the embedded cloud does not have this function; it has "
                    f"{', '.join(sorted(functions))} (localcloud/aws_plugin/server.py)"
                )
            response = provider_pb2.InvokeResponse()
            getattr(response, "return").CopyFrom(encode(functions[name]()))  # a Python keyword
            return response

    # -- resources ------------------------------------------------------------------------------

    def Check(self, request: Any, context: grpc.ServicerContext) -> Any:
        response = provider_pb2.CheckResponse(inputs=request.news)
        with self._answer(context, request.urn):
            news, _ = decode(request.news)
            try:
                failures = handler(token_of(request.urn)).check(news)
            except ResourceError as error:
                failures = [("", str(error))]
            for name, reason in failures:
                response.failures.add(property=name, reason=reason)
        return response

    def Diff(self, request: Any, context: grpc.ServicerContext) -> Any:
        with self._answer(context, request.urn):
            resource = handler(token_of(request.urn))
            state, _ = decode(request.olds)
            before, _ = decode(request.old_inputs)
            wanted, _ = decode(request.news)
            changed = resource.differences(state, wanted, before)
            changed -= set(request.ignoreChanges)
            replaces = sorted(name for name in changed if resource.table[name].replace)
            return _diff_response(
                sorted(changed), replaces, delete_first=resource.delete_before_replace
            )

    def Create(self, request: Any, context: grpc.ServicerContext) -> Any:
        with self._answer(context, request.urn):
            resource, cloud = handler(token_of(request.urn)), self._ready()
            inputs, hidden = decode(request.properties)
            hidden |= resource.secret_outputs
            if request.preview:
                state = resource.preview(cloud, inputs)
                return provider_pb2.CreateResponse(properties=encode(state, hidden))
            try:
                identifier, state = resource.create(cloud, request.urn, inputs)
            except NotKept as error:
                self._partial(context, error, inputs, hidden)
            return provider_pb2.CreateResponse(id=identifier, properties=encode(state, hidden))

    def Read(self, request: Any, context: grpc.ServicerContext) -> Any:
        with self._answer(context, request.urn):
            resource, cloud = handler(token_of(request.urn)), self._ready()
            state, hidden = decode(request.properties)
            before, hidden_inputs = decode(request.inputs)
            known = {**before, **state}
            live = resource.read(cloud, request.id, known)
            if live is None:
                return provider_pb2.ReadResponse(id="", properties=encode({}))
            settled = resource.settle(cloud, live, known)
            inputs = read_inputs(resource, settled, before, imported=not request.inputs.fields)
            return provider_pb2.ReadResponse(
                id=request.id,
                properties=encode(settled, hidden | hidden_inputs | resource.secret_outputs),
                inputs=encode(inputs, hidden_inputs),
            )

    def Update(self, request: Any, context: grpc.ServicerContext) -> Any:
        with self._answer(context, request.urn):
            resource, cloud = handler(token_of(request.urn)), self._ready()
            old, hidden = decode(request.olds)
            before, _ = decode(request.old_inputs)
            inputs, hidden_inputs = decode(request.news)
            hidden |= hidden_inputs | resource.secret_outputs
            if request.preview:
                known = {n: v for n, v in old.items() if n in resource.outputs}
                state = {**resource.preview(cloud, inputs), **known}
                return provider_pb2.UpdateResponse(properties=encode(state, hidden))
            try:
                state = resource.update(cloud, request.id, old, inputs, before)
            except NotKept as error:
                self._partial(context, error, inputs, hidden)
            return provider_pb2.UpdateResponse(properties=encode(state, hidden))

    def Delete(self, request: Any, context: grpc.ServicerContext) -> Any:
        with self._answer(context, request.urn):
            resource, cloud = handler(token_of(request.urn)), self._ready()
            state, _ = decode(request.properties)
            resource.remove(cloud, request.id, state)
        return empty_pb2.Empty()

    # -- helpers --------------------------------------------------------------------------------

    def _ready(self) -> Cloud:
        if self._cloud is None:
            raise ConfigurationError("the provider was not configured")
        return self._cloud

    @contextmanager
    def _answer(self, context: grpc.ServicerContext, what: str) -> Iterator[None]:
        try:
            with explained(what.rsplit("::", 1)[-1]):
                yield
        except Failure as error:
            LOG.warning("%s: %s", what, error)
            context.abort(grpc.StatusCode.UNKNOWN, str(error))

    @staticmethod
    def _partial(
        context: grpc.ServicerContext, error: NotKept, inputs: Properties, hidden: frozenset[str]
    ) -> NoReturn:
        """Report a failure and have the engine record what exists all the same."""
        detail = provider_pb2.ErrorResourceInitFailed(
            id=error.identifier,
            properties=encode(error.state, hidden),
            inputs=encode(inputs, hidden),
            reasons=[str(error)],
        )
        status = status_pb2.Status(code=grpc.StatusCode.UNKNOWN.value[0], message=str(error))
        status.details.add().Pack(detail)
        context.set_trailing_metadata((("grpc-status-details-bin", status.SerializeToString()),))
        context.abort(grpc.StatusCode.UNKNOWN, str(error))


def read_inputs(
    resource: Resource, state: Mapping[str, Any], before: Mapping[str, Any], *, imported: bool
) -> Properties:
    """The inputs that would make this state: those that were given, with live values."""
    if not imported:
        return {
            name: value if name not in resource.table else state.get(name)
            for name, value in before.items()
        }
    return {
        name: state[name]
        for name, declared in resource.table.items()
        if name in state and name != "region" and not declared.equal(state[name], None)
    }


def _diff_response(changed: list[str], replaces: list[str], *, delete_first: bool) -> Any:
    kinds = provider_pb2.PropertyDiff
    return provider_pb2.DiffResponse(
        changes=(
            provider_pb2.DiffResponse.DIFF_SOME if changed else provider_pb2.DiffResponse.DIFF_NONE
        ),
        diffs=changed,
        replaces=replaces,
        deleteBeforeReplace=bool(replaces) and delete_first,
        detailedDiff={
            name: provider_pb2.PropertyDiff(
                kind=kinds.UPDATE_REPLACE if name in replaces else kinds.UPDATE
            )
            for name in changed
        },
        hasDetailedDiff=True,
    )


def _caller(cloud: Cloud) -> Properties:
    identity = cloud.client("sts").get_caller_identity()
    return {
        "id": identity["Account"],
        "accountId": identity["Account"],
        "arn": identity["Arn"],
        "userId": identity["UserId"],
    }


def serve(stopped: threading.Event) -> tuple[grpc.Server, int]:
    """Start serving on a free port of the loopback; returns the server and the port."""
    server = grpc.server(
        futures.ThreadPoolExecutor(max_workers=32, thread_name_prefix="request"),
        options=[
            ("grpc.max_receive_message_length", _MAX_MESSAGE),
            ("grpc.max_send_message_length", _MAX_MESSAGE),
        ],
    )
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(Provider(stopped.set), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    return server, port
