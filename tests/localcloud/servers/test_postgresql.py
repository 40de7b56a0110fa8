"""The PostgreSQL server: ready, apart, and as strict as the one of RDS."""

import os
import platform
import ssl
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from pg8000.exceptions import DatabaseError, InterfaceError
from pg8000.native import Connection

from localcloud.errors import LocalCloudError
from localcloud.servers.postgresql import HOST, MASTER, PostgresqlServer, postgresql_server

pytestmark = [pytest.mark.integration, pytest.mark.xdist_group("postgresql")]


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as made:
        Path(made).chmod(0o711)
        yield Path(made) / "postgresql"


def connect(server: PostgresqlServer) -> "closing[Connection]":
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(server.authority)
    return closing(
        Connection(
            MASTER,
            host=HOST,
            port=server.port,
            database="postgres",
            password=server.password,
            ssl_context=context,
        )
    )


def test_it_keeps_its_data_and_ends_with_the_block(folder: Path) -> None:
    with postgresql_server(folder) as server:
        with connect(server) as connection:
            connection.run("CREATE DATABASE kept")
        assert server.process.process() is not None
    assert server.process.process() is None
    with postgresql_server(folder) as again:
        assert (again.password, again.authority) == (server.password, server.authority)
        with connect(again) as connection:
            assert connection.run("SELECT 1 FROM pg_database WHERE datname = 'kept'") == [[1]]


def test_one_that_was_killed_starts_again_with_what_was_committed(folder: Path) -> None:
    with postgresql_server(folder) as server:
        left = connect(server)
        left.thing.run("CREATE DATABASE survives")  # type: ignore[attr-defined]
        process = server.process.process()
        assert process is not None
        process.kill()
        server.process.end()  # waits until it is gone
        # While a client still holds on to what worked for it.
        with postgresql_server(folder) as again, connect(again) as connection:
            found = connection.run("SELECT 1 FROM pg_database WHERE datname = 'survives'")
            assert found == [[1]]


def test_a_client_that_stays_does_not_keep_it_from_ending(folder: Path) -> None:
    with postgresql_server(folder) as server:
        left = connect(server)
        left.thing.run("SELECT 1")  # type: ignore[attr-defined]
    assert server.process.process() is None
    with pytest.raises((InterfaceError, DatabaseError)):
        left.thing.run("SELECT 1")  # type: ignore[attr-defined]


def test_the_master_is_no_superuser_and_nobody_comes_in_without_tls(folder: Path) -> None:
    with postgresql_server(folder) as server:
        with connect(server) as connection:
            rights = "rolsuper, rolcreatedb, rolcreaterole"
            found = connection.run(f"SELECT {rights} FROM pg_roles WHERE rolname = '{MASTER}'")
            assert found == [[False, True, True]]
            assert connection.run("SHOW ssl") == [["on"]]
        with pytest.raises(DatabaseError, match="no encryption"):
            Connection(
                MASTER,
                host=HOST,
                port=server.port,
                database="postgres",
                password=server.password,
                ssl_context=False,
            )


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs it as another user")
def test_a_folder_that_its_user_cannot_enter_is_refused(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    with pytest.raises(LocalCloudError, match="cannot enter"), postgresql_server(closed):
        pass


def test_a_machine_without_a_build_is_told_so(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(platform, "system", lambda: "Plan9")
    with (
        pytest.raises(LocalCloudError, match="no PostgreSQL for Plan9"),
        postgresql_server(folder / "other"),
    ):
        pass
