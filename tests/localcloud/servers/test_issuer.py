"""The token issuer: tokens for who shows a client's secret, and for nobody else."""

import stat
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from localcloud.servers import issuer
from pipelines.gateway.refusal import Refused
from pipelines.gateway.tokens import Verifier
from tenancy.environment import Identity

CLIENTS = {"acme--writer": ["acme", "acme--writer"]}
URL = "https://identity.example.com"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("plane") / "issuer"


@pytest.fixture(scope="module")
def key(folder: Path) -> str:
    return issuer.prepare(folder, CLIENTS)


@pytest.fixture(scope="module")
def url(folder: Path, key: str) -> Iterator[str]:
    identity = Identity(issuer=URL, audience="lakehouse", public_key=key)
    running = issuer.start_issuer(folder, identity, folder / "log")
    yield f"http://127.0.0.1:{running.port}"
    running.process.end()


def ask(url: str, name: str, secret: str, grant: str = "client_credentials") -> httpx.Response:
    given = {"grant_type": grant, "client_id": name, "client_secret": secret}
    return httpx.post(f"{url}{issuer.TOKEN_PATH}", data=given, trust_env=False)


def secret(folder: Path, name: str) -> str:
    return issuer.read_clients(folder)[name].secret


def test_a_client_gets_a_token_of_its_own_groups(folder: Path, key: str, url: str) -> None:
    answer = ask(url, "acme--writer", secret(folder, "acme--writer"))
    token = answer.json()["access_token"]
    claims = Verifier(URL, "lakehouse", key)([f"Bearer {token}"])
    assert (claims.subject, claims.groups) == ("acme--writer", ("acme", "acme--writer"))
    for issuer_, audience in ((f"{URL}/x", "lakehouse"), (URL, "other")):
        with pytest.raises(Refused):
            Verifier(issuer_, audience, key)([f"Bearer {token}"])


@pytest.mark.parametrize(
    ("name", "given"), [("acme--writer", "wrong"), ("acme--writer", ""), ("nobody", ""), ("", "")]
)
def test_without_the_secret_there_is_no_token(
    folder: Path, url: str, name: str, given: str
) -> None:
    answer = ask(url, name, given)
    assert (answer.status_code, answer.json()) == (401, {"error": "invalid_client"})
    assert secret(folder, "acme--writer") not in answer.text


def test_other_requests_are_refused(folder: Path, url: str) -> None:
    right = secret(folder, "acme--writer")
    assert ask(url, "acme--writer", right, grant="password").status_code == 400
    assert ask(url, "x" * 20_000, right).status_code == 400


def test_a_new_client_is_known_without_a_restart_and_others_keep_their_secrets(
    folder: Path, key: str, url: str
) -> None:
    before = secret(folder, "acme--writer")
    assert issuer.prepare(folder, {**CLIENTS, "globex--run": ["globex", "globex--run"]}) == key
    assert secret(folder, "acme--writer") == before
    assert ask(url, "globex--run", secret(folder, "globex--run")).is_success


def test_its_key_and_secrets_are_for_this_user_only(folder: Path, key: str) -> None:
    for path in (folder / "key.pem", folder / "clients.json"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_its_log_holds_neither_tokens_nor_secrets(folder: Path, url: str) -> None:
    right = secret(folder, "acme--writer")
    token = ask(url, "acme--writer", right).json()["access_token"]
    log = (folder / "log").read_text()
    assert right not in log
    assert token not in log
