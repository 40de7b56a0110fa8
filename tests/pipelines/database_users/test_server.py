"""Which server a password is sent to: the one of that name, vouched for, and no other."""

import socket
import ssl
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID

from localcloud.servers.postgresql import MASTER, PostgresqlServer
from pipelines.database_users.users import Refused, Server

AUTHORITIES = Path(__file__).parents[3] / "pipelines" / "database_users" / "authorities"


def come_in(server: Server, postgresql: PostgresqlServer) -> None:
    with server.connect(MASTER, postgresql.password, "postgres"):
        pass


def test_a_server_that_another_authority_vouches_for_gets_no_password(
    server: Server, postgresql: PostgresqlServer
) -> None:
    stranger = replace(server, authorities=AUTHORITIES / "us-east-1.pem")
    with pytest.raises(ssl.SSLCertVerificationError):
        come_in(stranger, postgresql)
    come_in(server, postgresql)


def test_a_server_with_a_certificate_for_another_name_gets_no_password(
    server: Server, postgresql: PostgresqlServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect = socket.create_connection

    def redirected(address: tuple[str, int], *rest: Any, **given: Any) -> socket.socket:
        return connect(("127.0.0.1", address[1]), *rest, **given)

    monkeypatch.setattr(socket, "create_connection", redirected)
    with pytest.raises(ssl.SSLCertVerificationError, match=r"database\.example"):
        come_in(replace(server, host="database.example"), postgresql)


def test_without_an_authority_nothing_is_sent(server: Server, postgresql: PostgresqlServer) -> None:
    with pytest.raises(Refused, match="us-moon-1"):
        come_in(replace(server, authorities=Path("us-moon-1.pem")), postgresql)


@pytest.mark.parametrize("path", sorted(AUTHORITIES.glob("*.pem")), ids=lambda path: path.stem)
def test_the_authority_of_a_region_is_that_regions_and_stays_valid(path: Path) -> None:
    (certificate,) = x509.load_pem_x509_certificates(path.read_bytes())
    (name,) = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    assert name.value == f"Amazon RDS {path.stem} Root CA RSA2048 G1"
    certificate.verify_directly_issued_by(certificate)
    assert certificate.not_valid_after_utc > datetime.now(UTC) + timedelta(days=365)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(path)
    assert context.cert_store_stats()["x509_ca"] == 1
