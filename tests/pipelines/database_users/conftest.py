"""A PostgreSQL server as RDS has it, and the part that Secrets Manager plays in a rotation."""

import json
import tempfile
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws
from moto.secretsmanager.models import SecretsManagerBackend, secretsmanager_backends

from localcloud.servers.postgresql import HOST, MASTER, PostgresqlServer, postgresql_server
from pipelines.database_users import handler
from pipelines.database_users.users import Server

STEPS = ("createSecret", "setSecret", "testSecret", "finishSecret")
ACCOUNT, REGION = "123456789012", "us-east-1"
PREFIX = "lakehouse-prod"


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgresqlServer]:
    # Not pytest's own folder, which nobody else may enter: the server does not run as root.
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o711)
        with postgresql_server(Path(folder)) as server:
            yield server


@pytest.fixture
def server(postgresql: PostgresqlServer) -> Server:
    return Server(HOST, postgresql.port, postgresql.authority)


@dataclass
class SecretsManager:
    """Its own steps, which moto leaves out for a secret without a value: a rotation begins with an
    empty pending version, and then calls the function.
    """

    client: Any
    tokens: list[str] = field(default_factory=list)

    def secret(self, owner: str, kind: str = "nessie", **changed: Any) -> str:
        given = {
            "Name": f"{PREFIX}/{owner}/{kind}",
            "Tags": [{"Key": "tenant", "Value": owner}],
            **changed,
        }
        self.client.create_secret(**given)
        stored = self.stored(given["Name"])
        stored.versions.clear()
        stored.rotation_requested = stored.rotation_enabled = True
        return str(given["Name"])

    def begin(self, name: str) -> str:
        token = str(uuid.uuid4())
        stored = self.stored(name)
        stored.remove_version_stages_from_old_versions(["AWSPENDING"])
        stored.versions[token] = {
            "version_id": token,
            "version_stages": ["AWSPENDING"],
            "createdate": 0,
        }
        return token

    def rotate(self, name: str) -> None:
        token = self.begin(name)
        for step in STEPS:
            self.ask(name, token, step)

    def ask(self, name: str, token: str, step: str) -> None:
        handler.handle({"SecretId": name, "ClientRequestToken": token, "Step": step}, None)

    def value(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(
            self.client.get_secret_value(SecretId=name, VersionStage="AWSCURRENT")["SecretString"]
        )
        return found

    @staticmethod
    def stored(name: str) -> Any:
        return secretsmanager_backends[ACCOUNT][REGION].secrets[name]


def _first_current(original: Callable[..., Any]) -> Callable[..., Any]:
    """moto wants AWSCURRENT to be taken from a version even where none has it (getmoto/moto,
    issue 9451).
    """

    def move(self: Any, secret_id: str, version_stage: str, *versions: str | None) -> Any:
        secret = self.secrets[secret_id]
        if any("AWSCURRENT" in one["version_stages"] for one in secret.versions.values()):
            return original(self, secret_id, version_stage, *versions)
        secret.versions[versions[-1]]["version_stages"].append("AWSCURRENT")
        return secret.arn, secret.name

    return move


@pytest.fixture
def secrets_manager(
    postgresql: PostgresqlServer, monkeypatch: pytest.MonkeyPatch
) -> Iterator[SecretsManager]:
    move = SecretsManagerBackend.update_secret_version_stage

    def by_name(self: Any, **given: Any) -> Any:
        order = ("secret_id", "version_stage", "remove_from_version_id", "move_to_version_id")
        return _first_current(move)(self, *(given.get(name) for name in order))

    monkeypatch.setattr(SecretsManagerBackend, "update_secret_version_stage", by_name)
    with mock_aws():
        client = boto3.client("secretsmanager", REGION)
        master = {"username": MASTER, "password": postgresql.password}
        client.create_secret(Name="rds!db-1", SecretString=json.dumps(master))
        for name, value in {
            "AWS_DEFAULT_REGION": REGION,
            "DATABASE_HOST": HOST,
            "DATABASE_PORT": str(postgresql.port),
            "DATABASE_AUTHORITIES": str(postgresql.authority),
            "MASTER_SECRET": "rds!db-1",
            "SECRETS_PREFIX": f"{PREFIX}/",
            "KINDS": "nessie,dagster",
        }.items():
            monkeypatch.setenv(name, value)
        yield SecretsManager(client)
