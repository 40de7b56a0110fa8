"""A small token issuer on loopback, which stands for the identity provider.

It knows OAuth 2.0's client credentials grant (RFC 6749, 4.4) and tells what it signs with as OpenID
Connect Discovery does, so that an S3 server can exchange its tokens too. Its tokens hold groups as
``tenancy.nessie`` reads them. Run as a program it serves a folder that `prepare` made.
"""

from __future__ import annotations

import base64
import json
import os
import re
import secrets
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import uvicorn
from joserfc import jwt
from joserfc.jwk import RSAKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from localcloud.paths import PROJECT_ROOT
from localcloud.processes import ProcessIdentity
from localcloud.servers.kept import Program, launch
from tenancy.environment import Identity

LIFETIME = 3600
"""Seconds that a token holds."""
START_PATIENCE = 30.0
"""Seconds that it may take to start; it takes one."""
HEALTH_PATH = "/health"
TOKEN_PATH = "/token"  # noqa: S105 - a path
DISCOVERY_PATH = "/.well-known/openid-configuration"

_KEYS_PATH = "/keys"
_KEY, _CLIENTS = "key.pem", "clients.json"
_LARGEST_REQUEST = 16_384  # bytes
_KEY_BITS = 2048
LISTENING = re.compile(r"Uvicorn running on http://127\.0\.0\.1:(\d+)")
"""What uvicorn logs when it listens."""


@dataclass(frozen=True)
class Client:
    """Who may have tokens: the secret that it shows, and the groups that its tokens name."""

    secret: str
    groups: Sequence[str]


@dataclass(frozen=True)
class IssuerServer:
    """A running issuer: its process, its TCP port on 127.0.0.1, and the file of its log."""

    process: ProcessIdentity
    port: int
    log: Path


def prepare(folder: Path, clients: Mapping[str, Sequence[str]]) -> str:
    """Make what is missing in ``folder``: the signing key, and a secret for each client.

    Clients that are there keep their secrets; those that are not named are gone. A running issuer
    takes the clients from then on.

    Args:
        folder: for this user's eyes only.
        clients: client id -> the groups of its tokens.

    Returns:
        the public key, base64 of its DER form, as an environment's ``identity`` names it.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    place = folder / _KEY
    if not place.exists():
        _write(place, RSAKey.generate_key(_KEY_BITS).as_pem(private=True))
    known = read_clients(folder) if (folder / _CLIENTS).exists() else {}
    content = {
        name: {
            "secret": known[name].secret if name in known else secrets.token_urlsafe(24),
            "groups": list(groups),
        }
        for name, groups in clients.items()
    }
    _write(folder / _CLIENTS, json.dumps(content, indent=2).encode())
    return base64.b64encode(_key(folder).as_der(private=False)).decode()


def read_clients(folder: Path) -> dict[str, Client]:
    """The clients that `prepare` wrote, by id."""
    given = json.loads((folder / _CLIENTS).read_text(encoding="utf-8"))
    return {name: Client(entry["secret"], entry["groups"]) for name, entry in given.items()}


def start_issuer(folder: Path, of: Identity, log: Path, port: int = 0) -> IssuerServer:
    """Start an issuer that outlives the caller; it answers when this returns.

    Args:
        folder: what `prepare` made.
        of: issuer and audience of its tokens.
        log: begun anew; it holds neither tokens nor secrets.
        port: 0 for any.

    Raises:
        LocalCloudError: it does not start.
    """
    program = Program(
        "the token issuer",
        [sys.executable, "-P", "-m", __name__, str(folder), of.issuer, of.audience, str(port)],
        {"PATH": os.environ.get("PATH", os.defpath), "PYTHONPATH": str(PROJECT_ROOT)},
        LISTENING,
        START_PATIENCE,
    )
    process, listening = launch(program, log)
    return IssuerServer(process, int(listening[1]), log)


def _application(folder: Path, issuer: str, audience: str) -> Starlette:
    key = _key(folder)

    async def health(_request: Request) -> Response:
        return PlainTextResponse("ok")

    async def discovery(request: Request) -> Response:
        here = str(request.base_url).rstrip("/")
        return JSONResponse(
            {
                "issuer": issuer,
                "jwks_uri": f"{here}{_KEYS_PATH}",
                "token_endpoint": f"{here}{TOKEN_PATH}",
                "response_types_supported": ["token"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["RS256"],
            }
        )

    async def keys(_request: Request) -> Response:
        public = {**key.as_dict(private=False), "kid": _identifier(key)}
        return JSONResponse({"keys": [{**public, "use": "sig", "alg": "RS256"}]})

    async def token(request: Request) -> Response:
        body = b""
        async for chunk in request.stream():
            body += chunk
            if len(body) > _LARGEST_REQUEST:
                return _refusal(HTTPStatus.BAD_REQUEST, "invalid_request")
        asked = dict(parse_qsl(body.decode(errors="replace")))
        if asked.get("grant_type") != "client_credentials":
            return _refusal(HTTPStatus.BAD_REQUEST, "unsupported_grant_type")
        name, secret = asked.get("client_id", ""), asked.get("client_secret", "")
        client = read_clients(folder).get(name)
        right = secrets.compare_digest(secret.encode(), client.secret.encode() if client else b"")
        if client is None or not right:
            return _refusal(HTTPStatus.UNAUTHORIZED, "invalid_client")
        now = int(time.time())
        claims = {
            "iss": issuer,
            "aud": audience,
            "sub": name,
            "groups": list(client.groups),
            "iat": now,
            "exp": now + LIFETIME,
        }
        header = {"alg": "RS256", "typ": "JWT", "kid": _identifier(key)}
        answer = {
            "access_token": jwt.encode(header, claims, key),
            "token_type": "Bearer",
            "expires_in": LIFETIME,
            "issued_token_type": "urn:ietf:params:oauth:token-type:access_token",
        }
        return JSONResponse(answer, headers={"Cache-Control": "no-store"})

    return Starlette(
        routes=[
            Route(HEALTH_PATH, health),
            Route(DISCOVERY_PATH, discovery),
            Route(_KEYS_PATH, keys),
            Route(TOKEN_PATH, token, methods=["POST"]),
        ]
    )


def _refusal(status: HTTPStatus, error: str) -> Response:
    """As RFC 6749, 5.2, has it; it repeats nothing of what was asked."""
    return JSONResponse({"error": error}, status)


def _key(folder: Path) -> RSAKey:
    return RSAKey.import_key((folder / _KEY).read_bytes())


def _identifier(key: RSAKey) -> str:
    return key.thumbprint()


def _write(place: Path, content: bytes) -> None:
    """Whole or not at all, and for this user only."""
    draft = place.with_suffix(f".{os.getpid()}")
    draft.touch(mode=0o600)
    draft.write_bytes(content)
    draft.replace(place)


def main(arguments: Sequence[str]) -> None:
    """Serve until told to end. ``arguments``: folder, issuer, audience, port."""
    folder, issuer, audience, port = arguments
    served: Any = _application(Path(folder), issuer, audience)
    uvicorn.run(served, host="127.0.0.1", port=int(port), access_log=False, server_header=False)


if __name__ == "__main__":
    main(sys.argv[1:])
