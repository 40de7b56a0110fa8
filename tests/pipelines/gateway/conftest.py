"""A gateway before a stub of Nessie that writes down what it is asked."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from pipelines.gateway.app import application
from pipelines.gateway.audit import LOG
from pipelines.gateway.settings import Settings
from pipelines.registry import CATALOG, REGISTRY
from tenancy.names import RoleKind
from tenancy.nessie import groups
from tests.tokens import Issuer

ISSUER = Issuer("https://id.example.com", "lakehouse")
BUCKET = "s3://lake"
TENANTS = {
    id_: {
        "warehouse": f"{BUCKET}/{id_}/lakehouse/metadata/",
        "restricted": f"{BUCKET}/{id_}/restricted/metadata/",
    }
    for id_ in ("acme", "globex", "acme-etl")
}
ENVIRON = {
    "GATEWAY_ISSUER": ISSUER.issuer,
    "GATEWAY_AUDIENCE": ISSUER.audience,
    "GATEWAY_PUBLIC_KEY": ISSUER.public_key,
    "GATEWAY_UPSTREAM": "http://nessie.internal:19120",
    "GATEWAY_PORT": "8080",
}


def register(registry: Path, tenants: Mapping[str, Any]) -> None:
    """Make the tenants those of the registry, each file whole or not at all."""
    for gone in {file.stem for file in registry.glob("*.json")} - tenants.keys():
        (registry / f"{gone}.json").unlink()
    for id_, told in tenants.items():
        draft = registry / f"{id_}.new"
        draft.write_text(json.dumps({CATALOG: told}))
        draft.replace(registry / f"{id_}.json")


def bearer(tenant: str, kind: RoleKind = RoleKind.WRITER) -> str:
    return f"Bearer {ISSUER.token(*groups(tenant, kind))}"


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    content: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.content)


@dataclass
class Desk:
    """``asked``: what reached the stub. ``answer``: what it says."""

    audit: pytest.LogCaptureFixture
    environ: Mapping[str, str]
    asked: list[httpx.Request] = field(default_factory=list)
    answer: Callable[[httpx.Request], httpx.Response] = lambda _request: httpx.Response(
        200, json={}
    )

    def __post_init__(self) -> None:
        def stub(request: httpx.Request) -> httpx.Response:
            self.asked.append(request)
            given = self.answer(request)
            return httpx.Response(
                given.status_code, headers=given.headers, stream=httpx.ByteStream(given.content)
            )

        self.settings = Settings.read(self.environ)
        self.app = application(self.settings, httpx.MockTransport(stub))

    def call(
        self,
        method: str,
        target: str,
        body: Any = None,
        *,
        token: str | None = bearer("acme"),
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Straight by ASGI: a client would tidy up paths before it sends them.

        A list for ``body`` are the pieces in which it comes, None in it that no more come.
        """
        path, _, query = target.partition("?")
        given = {"authorization": token} if token else {}
        fields = [(k.lower().encode(), v.encode()) for k, v in {**given, **(headers or {})}.items()]
        parts = body if isinstance(body, list) else [json.dumps(body).encode()]
        scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": path,
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "headers": fields,
            "root_path": "",
        }
        incoming = [
            {"type": "http.request", "body": part, "more_body": number < len(parts)}
            for number, part in enumerate(parts, start=1)
            if part is not None
        ]
        sent: list[Any] = []

        async def receive() -> Any:
            if not incoming:
                await asyncio.Event().wait()
            return incoming.pop(0)

        async def send(message: Any) -> None:
            sent.append(message)

        asyncio.run(self.app(scope, receive, send))
        start = sent[0]
        return Answer(
            start["status"],
            {key.decode(): value.decode() for key, value in start["headers"]},
            b"".join(message.get("body", b"") for message in sent[1:]),
        )

    @property
    def lines(self) -> list[dict[str, Any]]:
        """The audit log."""
        return [json.loads(r.getMessage()) for r in self.audit.records if r.name == LOG.name]


@pytest.fixture
def registry(tmp_path: Path) -> Path:
    """Of the tenants `TENANTS`."""
    made = tmp_path / "registry"
    made.mkdir()
    register(made, TENANTS)
    return made


@pytest.fixture
def environ(registry: Path) -> dict[str, str]:
    """The gateway's."""
    return {**ENVIRON, REGISTRY: str(registry)}


@pytest.fixture
def desk(caplog: pytest.LogCaptureFixture, environ: dict[str, str]) -> Desk:
    caplog.set_level(logging.INFO)
    return Desk(caplog, environ)
