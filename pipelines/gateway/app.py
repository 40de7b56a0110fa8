"""The ASGI service: each request verified, checked, passed on, and written down."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from http import HTTPStatus
from urllib.parse import quote, urlencode

import httpx
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Mount, Route
from starlette.types import Receive, Scope, Send

from pipelines.gateway.answers import is_viewed, shown, shown_error
from pipelines.gateway.audit import DISCONNECTED, Record
from pipelines.gateway.bodies import Body, checked_body, read_body, touched
from pipelines.gateway.calls import Call, operation_of, read_call
from pipelines.gateway.paths import path, segments
from pipelines.gateway.refusal import Refused, error_body
from pipelines.gateway.settings import Settings
from pipelines.gateway.tenants import Tenant
from pipelines.gateway.tokens import caller
from pipelines.registry import Registry
from tenancy.nessie import GATEWAY_HEALTH_PATH

LARGEST_BODY = 8 * 1024 * 1024
"""Bytes of a request. A commit names files and schemas; it holds no data."""
LARGEST_ANSWER = 32 * 1024 * 1024
"""Bytes of an answer that is read before it is shown, which is a table's metadata."""
BODY_PATIENCE = 30.0
"""Seconds in which a client must have sent its body."""
PATIENCE = 60.0
"""Seconds from a request to its answer's first byte."""

_UPSTREAM_TIMEOUT = httpx.Timeout(30.0, connect=3.0, pool=5.0)
_CONNECTIONS = httpx.Limits(max_connections=64, max_keepalive_connections=32)
_JSON = "application/json"
_LOG = logging.getLogger(__name__)


class Gateway:
    """An ASGI application; ``client`` is how it reaches Nessie."""

    def __init__(self, settings: Settings, client: httpx.AsyncClient) -> None:
        self._settings = settings
        self._client = client

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, and write one line about it, however it ends."""
        request, record = Request(scope, receive), Record()
        try:
            async with AsyncExitStack() as stack:
                response = await self._answer(request, record, stack)
                record.status = response.status_code
                response.headers["X-Request-Id"] = record.id
                await response(scope, receive, send)
        except (ClientDisconnect, asyncio.CancelledError) as gone:
            record.status, record.reason = DISCONNECTED, "disconnected"
            if isinstance(gone, asyncio.CancelledError):
                raise
        except Exception:
            record.status, record.reason = HTTPStatus.BAD_GATEWAY, "broken off"
            raise  # so that the server cuts the connection: the answer is not whole
        finally:
            record.write(request.method)

    async def _answer(self, request: Request, record: Record, stack: AsyncExitStack) -> Response:
        """The response; ``stack`` closes what it streams from."""
        try:
            async with asyncio.timeout(PATIENCE):
                call, body = await self._checked(request, record)
                upstream = await self._ask(request, call, body)
                stack.push_async_callback(upstream.aclose)
                return await _response(call, upstream)
        except Refused as refused:
            record.reason = refused.reason
            return _error(refused.status, refused.message)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout):
            record.reason = "unreachable"  # nothing was sent, so a client may try again
            return _error(HTTPStatus.SERVICE_UNAVAILABLE, "the catalog cannot be reached")
        except (httpx.TimeoutException, TimeoutError):
            record.reason = "timeout"
            return _error(HTTPStatus.GATEWAY_TIMEOUT, "the catalog did not answer in time")
        except httpx.HTTPError:
            record.reason = "upstream"
            return _error(HTTPStatus.BAD_GATEWAY, "the catalog's answer was broken off")
        except ClientDisconnect:
            raise
        except Exception:  # noqa: BLE001 - shown to nobody, told in full to the log
            _LOG.exception("request %s", record.id)
            record.reason = "internal"
            return _error(HTTPStatus.INTERNAL_SERVER_ERROR, "the gateway failed")

    async def _checked(self, request: Request, record: Record) -> tuple[Call, Body | None]:
        settings, scope = self._settings, request.scope
        claims = record.claims = settings.verifier(request.headers.getlist("authorization"))
        bearer = record.caller = caller(claims, settings.registry.current)
        parts = segments(scope["raw_path"])
        operation = record.operation = operation_of(request.method, parts)
        call = record.call = read_call(bearer, operation, parts, scope["query_string"])
        record.names = touched(call, None)
        if not operation.has_body:
            return call, None
        raw = await _received(request)
        record.received = len(raw)
        body = checked_body(call, read_body(raw))
        record.names = touched(call, body)
        if operation.name == "create-branch" and "hash" not in body:
            body["hash"] = await self._newest(request, body["name"])
        return call, body

    async def _newest(self, request: Request, branch: str) -> str:
        """The branch's newest commit, which Nessie wants named where a branch starts."""
        response = await self._send(request, "GET", path("api", "v2", "trees", branch))
        content = await _read(response)
        if response.is_error:
            raise Refused(HTTPStatus.NOT_FOUND, "branch", "the branch to start from is not there")
        return str(json.loads(content)["reference"]["hash"])

    async def _ask(self, request: Request, call: Call, body: Body | None) -> httpx.Response:
        target = call.path
        if call.query:
            target += f"?{urlencode(call.query, quote_via=quote)}"
        content = None if body is None else json.dumps(body).encode()
        return await self._send(request, request.method, target, content)

    async def _send(
        self, request: Request, method: str, target: str, content: bytes | None = None
    ) -> httpx.Response:
        # Of the client's headers the token alone: Nessie checks it too, and others would ask for
        # credentials or signed requests (X-Iceberg-Access-Delegation) or name another host.
        headers = {
            "Authorization": request.headers["authorization"],
            "Accept": _JSON,
            "Accept-Encoding": "identity",
        }
        if content is not None:
            headers["Content-Type"] = _JSON
        asked = self._client.build_request(
            method, f"{self._settings.upstream}{target}", headers=headers, content=content
        )
        return await self._client.send(asked, stream=True)


def application(settings: Settings, transport: httpx.AsyncBaseTransport | None = None) -> Starlette:
    """The gateway and its health; ``transport`` stands for the network in tests."""
    client = httpx.AsyncClient(
        timeout=_UPSTREAM_TIMEOUT, limits=_CONNECTIONS, transport=transport, trust_env=False
    )

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        async with client, _looking(settings.registry):
            yield

    async def health(_request: Request) -> Response:
        # Of this process alone: while Nessie is away, a new gateway would not help.
        return PlainTextResponse("ok")

    return Starlette(
        routes=[Route(GATEWAY_HEALTH_PATH, health), Mount("/", Gateway(settings, client))],
        lifespan=lifespan,
    )


@asynccontextmanager
async def _looking(registry: Registry[Tenant]) -> AsyncIterator[None]:
    """Read the registry from time to time, in a thread: no request waits for it or causes it."""

    async def look() -> None:
        while True:
            await asyncio.sleep(registry.every)
            try:
                await asyncio.to_thread(registry.read)
            except Exception as error:  # noqa: BLE001 - whatever it was, the next look may do
                _LOG.error("the tenants stay as they were: %s", type(error).__name__)

    looking = asyncio.create_task(look())
    try:
        yield
    finally:
        looking.cancel()


def _error(status: int, message: str) -> Response:
    headers = {"WWW-Authenticate": "Bearer"} if status == HTTPStatus.UNAUTHORIZED else None
    return JSONResponse(error_body(status, message), status, headers)


async def _response(call: Call, upstream: httpx.Response) -> Response:
    status = upstream.status_code
    if upstream.is_error:
        status, error = shown_error(status, await _read(upstream))
        return JSONResponse(error, status)
    if not upstream.is_success:
        raise Refused(HTTPStatus.BAD_GATEWAY, "answer", "the catalog's answer is unexpected")
    if status == HTTPStatus.NO_CONTENT:
        return Response(status_code=status)
    if is_viewed(call):
        return JSONResponse(shown(call, await _read(upstream)), status)
    return StreamingResponse(upstream.aiter_raw(), status, media_type=_JSON)


async def _received(request: Request) -> bytes:
    """The request's body.

    Raises:
        Refused: it is too large, comes too slowly, or is compressed.
    """
    if request.headers.get("content-encoding", "identity") != "identity":
        raise Refused(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "encoding", "the body is compressed")
    found = bytearray()
    try:
        async with asyncio.timeout(BODY_PATIENCE):
            async for chunk in request.stream():
                found += chunk
                if len(found) > LARGEST_BODY:
                    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
                    raise Refused(status, "size", "the body is too large")
    except TimeoutError as error:
        status = HTTPStatus.REQUEST_TIMEOUT
        raise Refused(status, "slow", "the body did not come in time") from error
    return bytes(found)


async def _read(response: httpx.Response) -> bytes:
    """The whole answer of Nessie's; raises Refused when it is too large."""
    found = bytearray()
    async for chunk in response.aiter_raw():
        found += chunk
        if len(found) > LARGEST_ANSWER:
            raise Refused(HTTPStatus.BAD_GATEWAY, "answer", "the catalog's answer is too large")
    await response.aclose()
    return bytes(found)
