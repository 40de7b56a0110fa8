"""A user and its database, on a PostgreSQL server that it shares with others."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from pg8000.native import Connection, identifier, literal

from pipelines.database_users.scram import verifier
from tenancy.database_names import logins

CONNECT_SECONDS = 10
STATEMENT_SECONDS = 30
MAINTENANCE = "postgres"
"""The database that every server has."""

# One of these functions at a time may change the server's users; any number that is ours alone.
_LOCK = 0x7465_6E61_6E63_79


class Refused(Exception):
    """A request that is not to be carried out, or cannot be; it never holds a password."""


@dataclass(frozen=True)
class Server:
    """``authorities``: the PEM file of those who may vouch for the server's certificate."""

    host: str
    port: int
    authorities: Path

    @contextmanager
    def connect(self, user: str, password: str, database: str) -> Iterator[Connection]:
        """A connection over TLS, to the server of that name and no other (sslmode=verify-full)."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        try:
            context.load_verify_locations(self.authorities)
        except FileNotFoundError:
            raise Refused(
                f"there are no certificates to check {self.host} with: {self.authorities.name} is"
                " missing in the function's archive"
            ) from None
        with closing(
            Connection(
                user,
                host=self.host,
                port=self.port,
                database=database,
                password=password,
                ssl_context=context,
                timeout=CONNECT_SECONDS + STATEMENT_SECONDS,
                application_name="database-users",
            )
        ) as connection:
            yield connection


@dataclass(frozen=True)
class Login:
    """One of the two users of ``database``, with its password."""

    database: str
    name: str
    password: str


def set_password(server: Server, master: str, master_password: str, login: Login) -> None:
    """Let ``login`` in, to its database only; whatever of it is not there yet is made.

    Each statement says how it shall be, so that it may be run again, whole or after it was cut
    short at any place. Role and database belong to the master: no user can open its database to
    another. What the two users of a database make belongs to the role that both are.
    """
    if login.name not in logins(login.database):
        raise Refused(f"{login.name} is not a user of the database {login.database}")
    if master in (login.database, *logins(login.database)):
        raise Refused(f"{master} is the master's name, which no user may have")
    role, name = identifier(login.database), identifier(login.name)
    with server.connect(master, master_password, MAINTENANCE) as connection:
        connection.run(f"SET statement_timeout = {STATEMENT_SECONDS * 1000}")
        connection.run("SELECT pg_advisory_lock(:lock)", lock=_LOCK)
        _close_to_public(connection)
        there = _roles(connection, login)
        if login.database not in there:
            connection.run(f"CREATE ROLE {role} NOLOGIN")
        if login.name not in there:
            connection.run(f"CREATE ROLE {name} LOGIN")
        connection.run(f"GRANT {role} TO {name}")
        connection.run(f"ALTER ROLE {name} SET role TO {literal(login.database)}")
        if not connection.run(
            "SELECT 1 FROM pg_database WHERE datname = :name", name=login.database
        ):
            connection.run(f"CREATE DATABASE {role} TEMPLATE template0 ALLOW_CONNECTIONS false")
        connection.run(f"REVOKE ALL ON DATABASE {role} FROM PUBLIC")
        connection.run(f"ALTER DATABASE {role} ALLOW_CONNECTIONS true")
        connection.run(f"GRANT CONNECT, TEMPORARY ON DATABASE {role} TO {role}")
        with server.connect(master, master_password, login.database) as inside:
            inside.run("REVOKE ALL ON SCHEMA public FROM PUBLIC")
            inside.run(f"GRANT USAGE, CREATE ON SCHEMA public TO {role}")
        # Last: until all of the above holds, the user cannot come in.
        connection.run(f"ALTER ROLE {name} PASSWORD {literal(verifier(login.password))}")


def check_password(server: Server, login: Login) -> None:
    """Come in as ``login`` and see that it is who and where it should be.

    Raises:
        Refused: it is another role, or in another database.
        pg8000.exceptions.Error: the server does not let it in.
    """
    with server.connect(login.name, login.password, login.database) as connection:
        ((role, database),) = connection.run("SELECT current_user, current_database()")
    if (role, database) != (login.database, login.database):
        raise Refused(f"{login.name} acts as {role} in {database}, not as {login.database}")


def _roles(connection: Connection, login: Login) -> set[str]:
    rows = connection.run(
        "SELECT rolname FROM pg_roles WHERE rolname IN (:role, :name)",
        role=login.database,
        name=login.name,
    )
    return {row[0] for row in rows}


def _close_to_public(connection: Connection) -> None:
    """Nobody connects to a database for being a user of the server, which is the default."""
    rows = connection.run(
        "SELECT datname FROM pg_database WHERE pg_get_userbyid(datdba) = current_user AND"
        " (datacl IS NULL OR EXISTS (SELECT FROM aclexplode(datacl) WHERE grantee = 0))"
    )
    for row in rows:
        connection.run(f"REVOKE ALL ON DATABASE {identifier(row[0])} FROM PUBLIC")
