"""A real PostgreSQL server, on loopback, whose master user may no more than the one of RDS."""

from __future__ import annotations

import datetime as dt
import os
import platform
import pwd
import re
import secrets
import shutil
import signal
import stat
import subprocess
import tarfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

import psutil
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from localcloud.errors import LocalCloudError
from localcloud.processes import ProcessIdentity, wait_until
from localcloud.servers.kept import Program, launch
from localcloud.servers.maven import MavenFile
from localcloud.servers.ports import free_port

VERSION = "17.6.0"
"""The major version that the stacks ask RDS for. Older than RDS's newest minor one, which is enough
to see what a statement does.
"""

HOST = "localhost"
"""The name that the server's certificate is for."""

MASTER = "master"

START_PATIENCE = 60.0
"""Seconds that it may take to start; it takes less than one."""

# The owner of the system's tables, as on RDS. It has no password: nobody can be it.
_OWNER = "rdsadmin"
_READY = re.compile("database system is ready to accept connections")
_CERTIFICATE_LASTS = dt.timedelta(days=3650)
# As with rds.force_ssl, and with rds.accepted_password_auth_method=scram.
_HOST_RULES = "hostssl all all 127.0.0.1/32 scram-sha-256\n"
# What RDS gives its master user (RDS User Guide, "Master user account privileges"), and whose
# databases it finds there.
_AS_ON_RDS = (
    "CREATE ROLE {master} LOGIN CREATEDB CREATEROLE PASSWORD '{password}'",
    "ALTER DATABASE postgres OWNER TO {master}",
    "ALTER DATABASE template1 OWNER TO {master}",
)
# (system, machine) as Python's `platform` names them -> the archive's name for it, and its hash.
_BUILDS = {
    ("Linux", "x86_64"): (
        "linux-amd64",
        "23da5a044b4fb7a5a081a45008c95749c873305328d73f86aefd56922ce1d29d",
    ),
    ("Linux", "aarch64"): (
        "linux-arm64v8",
        "84427ea54a5238247924ef3b0f940e7d027e58760f19d7325242e50d22fa014a",
    ),
    ("Darwin", "x86_64"): (
        "darwin-amd64",
        "f1d6d39896ca48e65d6dbcb492d809df0d4952c65299de8af6e08d2208eae3e0",
    ),
    ("Darwin", "arm64"): (
        "darwin-arm64v8",
        "e87ee36767dee4f00f829d7a52e4a216e2fdebe5934c5683730940aabe570721",
    ),
}


@dataclass(frozen=True)
class PostgresqlServer:
    """A running server: its process, TCP port on 127.0.0.1, and the file of its log.

    It takes connections to ``HOST`` over TLS only, with a certificate that ``authority`` (a PEM
    file) vouches for. ``password`` is that of ``MASTER``, who may make users and databases and is
    no superuser.
    """

    process: ProcessIdentity
    port: int
    authority: Path
    password: str
    log: Path


def start_postgresql(folder: Path, port: int = 0) -> PostgresqlServer:
    """Start a server that outlives the caller, and keeps its programs, data, certificate and log in
    ``folder``; it is ready when this returns.

    A later one with the same folder has the same data, authority and password. It does not run as
    root: for root it runs as the user `nobody`, who must be able to reach ``folder``. ``port`` 0 is
    any.

    Raises:
        LocalCloudError: it cannot be had, or does not start.
    """
    folder = folder.resolve()
    installation = _Installation(folder, _account())
    installation.prepare()
    port = port or free_port()
    installation.forget_killed()
    process = installation.start(port)
    return postgresql_at(folder, process, port)


def postgresql_at(folder: Path, process: ProcessIdentity, port: int) -> PostgresqlServer:
    """The server that `start_postgresql` started in ``folder``, found again."""
    there = _Installation(folder.resolve(), None)
    return PostgresqlServer(process, port, there.authority, there.password.read_text(), there.log)


def stop_postgresql(process: ProcessIdentity) -> bool:
    """End the server, without waiting for clients to leave as it would for SIGTERM (PostgreSQL,
    "Shutting Down the Server"); whether there was one.
    """
    return process.end(START_PATIENCE, by=signal.SIGINT)


@contextmanager
def postgresql_server(folder: Path) -> Iterator[PostgresqlServer]:
    """A server as of `start_postgresql`, which is ended when the block is left."""
    running = start_postgresql(folder)
    try:
        yield running
    finally:
        stop_postgresql(running.process)


@dataclass(frozen=True)
class _Installation:
    """What lies in the folder. ``account``: whom the server runs as, None for the caller."""

    folder: Path
    account: pwd.struct_passwd | None

    @property
    def programs(self) -> Path:
        return self.folder / f"postgresql-{VERSION}"

    @property
    def data(self) -> Path:
        return self.folder / f"data-{VERSION.partition('.')[0]}"

    @property
    def authority(self) -> Path:
        return self.folder / "authority.pem"

    @property
    def password(self) -> Path:
        return self.folder / "master.password"

    def prepare(self) -> None:
        """Make what is missing, each part whole or not at all."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self._require_reach()
        if not self.programs.exists():
            self._unpack()
        if not self.data.exists():
            self._initialize()

    @property
    def log(self) -> Path:
        return self.folder / "postgresql.log"

    def forget_killed(self) -> None:
        """Remove the lock of a server that was killed and that nobody has reaped: for PostgreSQL
        it still runs. Whoever worked for it must be gone first, or two would write the same files.
        """
        lock = self.data / "postmaster.pid"
        if not lock.exists() or not _is_zombie(int(lock.read_text().splitlines()[0])):
            return
        wait_until(lambda: not _working_in(self.data), START_PATIENCE)
        if not _working_in(self.data):
            lock.unlink(missing_ok=True)

    def start(self, port: int) -> ProcessIdentity:
        options = {
            "port": port,
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": "",
            "hba_file": self.data / "hosts.conf",
            "ssl": "on",
            "ssl_cert_file": self.data / "server.pem",
            "ssl_key_file": self.data / "server.key",
        }
        environment, account = self._as_account
        program = Program(
            "PostgreSQL",
            [
                str(self.programs / "bin" / "postgres"),
                "-D",
                str(self.data),
                *(word for name, value in options.items() for word in ("-c", f"{name}={value}")),
            ],
            environment,
            _READY,
            START_PATIENCE,
            account,
        )
        process, _ = launch(program, self.log)
        return process

    @property
    def _as_account(self) -> tuple[dict[str, str], dict[str, Any]]:
        """For a subprocess: only what it needs of the environment, and not as root."""
        environment, given = {"PATH": os.environ.get("PATH", os.defpath)}, {"cwd": "/"}
        if self.account is None:
            return environment, given
        user = {
            "user": self.account.pw_uid,
            "group": self.account.pw_gid,
            "extra_groups": [],
        }
        return environment, {**given, **user}

    def _require_reach(self) -> None:
        if self.account is None:
            return
        for place in (self.folder, *self.folder.parents):
            if not place.stat().st_mode & stat.S_IXOTH:
                raise LocalCloudError(
                    f"PostgreSQL does not run as root, and the user {self.account.pw_name}"
                    f" cannot enter {place}",
                    "give it a folder that everybody may enter (chmod o+x), or be another user",
                )

    def _unpack(self) -> None:
        system, machine = platform.system(), platform.machine()
        build = _BUILDS.get((system, machine))
        if build is None:
            raise LocalCloudError(
                f"there is no PostgreSQL for {system} on {machine}",
                f"use one of: {', '.join(' on '.join(known) for known in _BUILDS)}",
            )
        name, sha256 = build
        jar = MavenFile(
            "io.zonky.test.postgres", f"embedded-postgres-binaries-{name}", VERSION, "", sha256
        ).fetch()
        draft = self._draft(self.programs)
        with zipfile.ZipFile(jar) as outer:
            (packed,) = [each for each in outer.namelist() if each.endswith(".txz")]
            with outer.open(packed) as inner, tarfile.open(fileobj=inner, mode="r|xz") as archive:
                archive.extractall(draft, filter="data")
        draft.rename(self.programs)

    def _initialize(self) -> None:
        draft = self._draft(self.data)
        draft.mkdir(mode=0o700)
        self._own(draft)
        self._run("initdb", "-D", str(draft), "-U", _OWNER, "-A", "reject", "-E", "UTF8")
        password = secrets.token_urlsafe(24)
        statements = ";\n".join(_AS_ON_RDS).format(master=MASTER, password=password)
        self._run("postgres", "--single", "-j", "-D", str(draft), "postgres", said=statements)
        (draft / "hosts.conf").write_text(_HOST_RULES)
        self._certify(draft)
        for path in draft.iterdir():
            self._own(path)
        self.password.touch(mode=0o600)
        self.password.write_text(password)
        draft.rename(self.data)

    def _run(self, program: str, *arguments: str, said: str = "") -> None:
        environment, account = self._as_account
        done = subprocess.run(
            [str(self.programs / "bin" / program), *arguments],
            input=f"{said};\n\n" if said else "",
            capture_output=True,
            text=True,
            check=False,
            env=environment,
            **account,
        )
        # A single-user server ends with 0 whatever a statement did.
        if done.returncode or "ERROR:" in done.stderr:
            raise LocalCloudError(f"{program} failed: {done.stderr.strip()}", "read what it says")

    def _draft(self, wanted: Path) -> Path:
        """A place beside ``wanted`` for what is not whole yet, without what a kill left there."""
        draft = wanted.with_name(f"{wanted.name}.part")
        shutil.rmtree(draft, ignore_errors=True)
        return draft

    def _own(self, path: Path) -> None:
        if self.account is not None:
            os.chown(path, self.account.pw_uid, self.account.pw_gid)

    def _certify(self, draft: Path) -> None:
        """An authority, whose key is thrown away, and the one certificate that it ever signs."""
        authority_key = ec.generate_private_key(ec.SECP256R1())
        key = ec.generate_private_key(ec.SECP256R1())
        issuer, server = _name("local PostgreSQL authority"), _name(HOST)
        authority = (
            _certificate(issuer, issuer, authority_key.public_key())
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .sign(authority_key, hashes.SHA256())
        )
        names = [x509.DNSName(HOST), x509.IPAddress(IPv4Address("127.0.0.1"))]
        certificate = (
            _certificate(issuer, server, key.public_key())
            .add_extension(x509.SubjectAlternativeName(names), critical=False)
            .sign(authority_key, hashes.SHA256())
        )
        self.authority.write_bytes(authority.public_bytes(Encoding.PEM))
        (draft / "server.pem").write_bytes(certificate.public_bytes(Encoding.PEM))
        private = draft / "server.key"
        private.touch(mode=0o600)
        private.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))


def _is_zombie(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def _working_in(folder: Path) -> bool:
    return any(process.info["cwd"] == str(folder) for process in psutil.process_iter(["cwd"]))


def _account() -> pwd.struct_passwd | None:
    return pwd.getpwnam("nobody") if os.geteuid() == 0 else None


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _certificate(
    issuer: x509.Name, subject: x509.Name, key: ec.EllipticCurvePublicKey
) -> x509.CertificateBuilder:
    now = dt.datetime.now(dt.UTC)
    return (
        x509.CertificateBuilder()
        .issuer_name(issuer)
        .subject_name(subject)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + _CERTIFICATE_LASTS)
    )
