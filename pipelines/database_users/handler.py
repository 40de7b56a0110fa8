"""The Lambda function: rotates the secrets of a database's users, by Secrets Manager's four steps.

The first rotation makes the user and its database. Any step may be repeated, and a rotation that
broke off goes on where it was (Secrets Manager User Guide, "Lambda rotation functions"). No message
and no log holds a password.
"""

from __future__ import annotations

import json
import os
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from pipelines.database_users.users import Login, Refused, Server, check_password, set_password
from tenancy.database_names import database_name, logins

CURRENT, PENDING = "AWSCURRENT", "AWSPENDING"
OWNER_TAG = "tenant"
PASSWORD_BYTES = 32

_SECRET_NAME = re.compile(r"(?:.+/)?(?P<owner>[a-z][a-z0-9-]*)/(?P<kind>[a-z][a-z0-9-]*)")


@dataclass(frozen=True)
class Settings:
    """Which server, and whose users. ``secrets_prefix`` starts the names of their secrets, which
    end with ``<owner>/<kind>``; ``kinds``: of services that have users.
    """

    server: Server
    master_secret: str
    secrets_prefix: str
    kinds: tuple[str, ...]

    @classmethod
    def read(cls, environment: Mapping[str, str]) -> Settings:
        """As the function's environment says."""
        return cls(
            server=Server(
                environment["DATABASE_HOST"],
                int(environment["DATABASE_PORT"]),
                Path(__file__).parent / environment["DATABASE_AUTHORITIES"],
            ),
            master_secret=environment["MASTER_SECRET"],
            secrets_prefix=environment["SECRETS_PREFIX"],
            kinds=tuple(environment["KINDS"].split(",")),
        )


class Rotation:
    """One secret, in one rotation: the version ``token`` becomes the current one."""

    def __init__(self, client: Any, settings: Settings, secret: str, token: str) -> None:  # noqa: ANN401 - boto3 makes its clients
        self._client, self._settings = client, settings
        self._secret, self._token = secret, token
        described = client.describe_secret(SecretId=secret)
        self._database = self._database_of(described)
        self._versions: Mapping[str, list[str]] = described.get("VersionIdsToStages", {})
        if not described.get("RotationEnabled"):
            raise Refused(f"{described['Name']} is not rotated")
        stages = self._versions.get(token, [])
        if PENDING not in stages and CURRENT not in stages:
            raise Refused(f"{token} is no version of {described['Name']} that is pending")
        # A secret's first version may be both from the start, and is not made yet.
        self.finished = CURRENT in stages and PENDING not in stages

    def run(self, step: str) -> None:
        """Carry out one of the steps; nothing is left to do where the rotation has ended."""
        steps = {
            "createSecret": self.create,
            "setSecret": self.set,
            "testSecret": self.test,
            "finishSecret": self.finish,
        }
        if step not in steps:
            raise Refused(f"there is no step {step}")
        if not self.finished:
            steps[step]()

    def create(self) -> None:
        """Keep a new password for the user that is not the current one."""
        if self._value(VersionId=self._token) is not None:
            return
        current = self._value(VersionStage=CURRENT) or {}
        first, second = logins(self._database)
        server = self._settings.server
        value = {
            "username": second if current.get("username") == first else first,
            "password": secrets.token_urlsafe(PASSWORD_BYTES),
            "host": server.host,
            "port": server.port,
            "dbname": self._database,
        }
        self._client.put_secret_value(
            SecretId=self._secret,
            ClientRequestToken=self._token,
            SecretString=json.dumps(value),
            VersionStages=[PENDING],
        )

    def set(self) -> None:
        """Give the user that password in the database."""
        answer = self._client.get_secret_value(SecretId=self._settings.master_secret)
        master = json.loads(answer["SecretString"])
        set_password(self._settings.server, master["username"], master["password"], self._pending())

    def test(self) -> None:
        """Come in with it."""
        check_password(self._settings.server, self._pending())

    def finish(self) -> None:
        """From now on it is the one that is given out."""
        current = next((one for one, stages in self._versions.items() if CURRENT in stages), None)
        if current == self._token:
            return
        moved = {} if current is None else {"RemoveFromVersionId": current}
        self._client.update_secret_version_stage(
            SecretId=self._secret, VersionStage=CURRENT, MoveToVersionId=self._token, **moved
        )

    def _database_of(self, described: Mapping[str, Any]) -> str:
        """The database whose users the secret is of: told by its name, which its tag confirms."""
        name, prefix = described["Name"], self._settings.secrets_prefix
        parts = _SECRET_NAME.fullmatch(name)
        tags = {tag["Key"]: tag["Value"] for tag in described.get("Tags", [])}
        if (
            parts is None
            or not name.startswith(prefix)
            or parts["kind"] not in self._settings.kinds
            or tags.get(OWNER_TAG) != parts["owner"]
        ):
            raise Refused(f"{name} is not the secret of a user of this database")
        return database_name(parts["owner"], parts["kind"])

    def _pending(self) -> Login:
        value, server = self._value(VersionId=self._token), self._settings.server
        if value is None:
            raise Refused("the new version has no value yet")
        where = (value.get("host"), value.get("port"), value.get("dbname"))
        if where != (server.host, server.port, self._database):
            raise Refused("the new version was not written by this function")
        return Login(self._database, value["username"], value["password"])

    def _value(self, **version: str) -> dict[str, Any] | None:
        try:
            answer = self._client.get_secret_value(SecretId=self._secret, **version)
        except ClientError as error:
            if error.response["Error"]["Code"] == "ResourceNotFoundException":
                return None
            raise
        value: dict[str, Any] = json.loads(answer["SecretString"])
        return value


def handle(event: Mapping[str, str], _context: object) -> None:
    """Carry out the step that Secrets Manager asks for; a failure raises, and it asks again."""
    client = boto3.client("secretsmanager", config=Config(connect_timeout=5, read_timeout=10))
    secret, token = event["SecretId"], event["ClientRequestToken"]
    Rotation(client, Settings.read(os.environ), secret, token).run(event["Step"])
