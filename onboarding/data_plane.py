"""The data plane on this machine: real servers, configured by the code that the stacks deploy.

Every server is a process of its own that outlives the command, found again by its record and ended
by its id. What is running and configured as it should be is left alone, so `start` also brings back
what was killed, and serves a tenant that is new. No display, no exits.
"""

from __future__ import annotations

import json
import math
import os
import secrets
import shutil
import socket
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from functools import cached_property, partial
from http import HTTPStatus
from pathlib import Path
from typing import Any

import boto3
import httpx
from botocore.config import Config

from localcloud.errors import LocalCloudError
from localcloud.paths import Layout
from localcloud.processes import exclusive
from localcloud.servers import issuer
from localcloud.servers.gateway import start_gateway
from localcloud.servers.kept import Kept, Running, ensure
from localcloud.servers.minio import MinioServer, minio_at, start_minio
from localcloud.servers.minio_policies import minio_policy
from localcloud.servers.nessie import start_nessie
from localcloud.servers.ports import free_port
from localcloud.servers.postgresql import (
    HOST,
    MASTER,
    PostgresqlServer,
    postgresql_at,
    start_postgresql,
    stop_postgresql,
)
from onboarding import local_dagster, local_registry
from onboarding.local import local_plans
from onboarding.local_dagster import LocalDagster
from onboarding.opened import alone
from onboarding.progress import Reporter
from pipelines.database_users.users import Login, Server, set_password
from pipelines.registry import Folder
from tenancy.access import boundary_statements, metadata_statements, role_statements
from tenancy.dagster import (
    CLIENT_ID,
    CLIENT_SECRET,
    DATABASE_HOST,
    DATABASE_NAME,
    DATABASE_PASSWORD,
    DATABASE_PORT,
    DATABASE_USERNAME,
    LAKEHOUSE,
    TOKEN_URL,
    WEBSERVER_HEALTH_PATH,
    DagsterPlan,
    run_task,
)
from tenancy.database_names import database_name, logins
from tenancy.environment import Environment, Identity
from tenancy.estate import StackPlan, load_estate
from tenancy.grants import Statement
from tenancy.lake import TenantLake, description, lake_of
from tenancy.leaving import SUSPENDED
from tenancy.names import PLATFORM, RoleKind, ServiceKind
from tenancy.nessie import (
    DATABASE_URL,
    GATEWAY_HEALTH_PATH,
    NESSIE_HEALTH_PATH,
    gateway_task,
    groups,
    jdbc_url,
    nessie_task,
    shared_metadata_statement,
)
from tenancy.registry import REGISTRY
from tenancy.settings import SharedNessie, TenantSettings

_DATASOURCE = "quarkus.datasource.postgresql"
_S3 = "nessie.catalog.service.s3.default-options"
_PATIENCE = 5.0  # seconds that a health check may take
_STARTING_AT_ONCE = 2  # servers on a Java machine, each of which keeps a core busy as it starts
_CONNECTIONS = "8"  # of a Nessie to PostgreSQL, which takes 100 in all
_POSTGRESQL = "postgresql"
_NEEDED = frozenset({"minio", _POSTGRESQL, "issuer"})


@dataclass(frozen=True)
class ServerStatus:
    """One server: its name, process id and URL, and whether it runs and answers."""

    name: str
    pid: int
    url: str
    running: bool


@dataclass(frozen=True)
class DataPlane:
    """What runs, and where.

    Attributes:
        description: the file that ``pipelines.catalog.Lakehouse.read`` reads.
    """

    servers: tuple[ServerStatus, ...]
    tenants: tuple[str, ...]
    description: str

    def to_json(self) -> dict[str, object]:
        """For machines."""
        return asdict(self)


@dataclass(frozen=True)
class Place:
    """Where the data plane of a project keeps what it makes."""

    folder: Path

    @classmethod
    def of(cls, root: Path) -> Place:
        """Of the project in ``root``."""
        return cls(Layout(root).home / "data-plane")

    @property
    def description(self) -> Path:
        """What pipelines read: where catalogs and storage are. No secret is in it."""
        return self.folder / "data-plane.json"

    @property
    def issuer(self) -> Path:
        """The issuer's key and its clients' secrets."""
        return self.folder / "issuer"

    @property
    def postgresql(self) -> Path:
        """PostgreSQL's programs and data."""
        return self.folder / "postgresql"

    @property
    def minio(self) -> Path:
        """The objects."""
        return self.folder / "minio"

    @property
    def secrets(self) -> Path:
        """Passwords that servers know of each other, by name."""
        return self.folder / "secrets.json"

    def registry(self, owner: str) -> Path:
        """What those read who serve the tenants in the account of ``owner``."""
        return self.folder / "registry" / owner

    def dagster(self, owner: str) -> Path:
        """The instance of the Dagster of ``owner``."""
        return self.folder / "dagster" / owner

    def record(self, server: str) -> Path:
        """Which process the server is."""
        return self.folder / "servers" / f"{server}.json"

    def log(self, server: str) -> Path:
        """What the server says."""
        return self.folder / "logs" / f"{server}.log"

    def make(self) -> Place:
        """Create the folders that are not there yet; PostgreSQL's user may enter the first."""
        for folder in (self.record("x").parent, self.log("x").parent):
            folder.mkdir(parents=True, exist_ok=True)
        return self


def _serving(root: Path) -> tuple[StackPlan, ...]:
    """The local stacks that services are in, the platform's first; in shards there are none."""
    return tuple(plan for plan in local_plans(load_estate(root)) if not plan.shard)


def start(root: Path, reporter: Reporter) -> DataPlane:
    """Start what does not run, for the tenants as their files are now.

    Raises:
        InvalidInput: the files cannot be used.
        LocalCloudError: a server cannot be had, or does not start.
    """
    plans = _serving(root)
    place = Place.of(root).make()
    with alone(place.folder, reporter):
        _Start(plans, place, Layout(root).make(), reporter)()
    return status(root)


def stop(root: Path, *, clear: bool = False) -> bool:
    """End every server; with ``clear`` also delete what they kept.

    The issuer's key goes with it: no token outlives the data plane.

    Returns:
        whether there was one running.
    """
    place = Place.of(root)
    if not place.folder.exists():
        return False
    with exclusive(place.folder / "lock"), ThreadPoolExecutor() as pool:
        servers = dict(_kept(place))
        needing = [name for name in servers if name not in _NEEDED]
        # Whoever needs others ends before them.
        ended = [
            done
            for names in (needing, _NEEDED & servers.keys())
            for done in pool.map(lambda name: _end(name, servers[name]), names)
        ]
        shutil.rmtree(place.issuer, ignore_errors=True)
        place.description.unlink(missing_ok=True)
        if clear:
            shutil.rmtree(place.folder, ignore_errors=True)
    return any(ended)


def status(root: Path) -> DataPlane:
    """What runs; starts and changes nothing."""
    place = Place.of(root)
    try:
        tenants = tuple(json.loads(place.description.read_text(encoding="utf-8"))["lakes"])
    except OSError:
        tenants = ()
    return DataPlane(
        tuple(
            ServerStatus(
                name,
                kept.process.pid,
                _address(name, kept.port),
                kept.process.process() is not None,
            )
            for name, kept in _kept(place)
        ),
        tenants,
        str(place.description),
    )


def _address(server: str, port: int) -> str:
    if server == _POSTGRESQL:
        return f"{HOST}:{port}"
    return f"http://127.0.0.1:{port}" if port else "no port"


def token(root: Path, tenant: str, kind: RoleKind) -> str:
    """A token of the local issuer for a tenant's role, as the bearer itself would get it.

    Raises:
        LocalCloudError: the data plane does not run, or does not know the tenant.
    """
    place, name = Place.of(root), client_id(tenant, kind)
    record = Kept.read(place.record("issuer"))
    try:
        client = issuer.read_clients(place.issuer)[name]
        answer = httpx.post(
            f"http://127.0.0.1:{record.port if record else 0}{issuer.TOKEN_PATH}",
            data={
                "grant_type": "client_credentials",
                "client_id": name,
                "client_secret": client.secret,
            },
            timeout=_PATIENCE,
            trust_env=False,
        )
        return str(answer.raise_for_status().json()["access_token"])
    except (OSError, KeyError, httpx.HTTPError) as error:
        raise LocalCloudError(
            f"no token can be had for {name}: {type(error).__name__}",
            "run `tenancy local start --data-plane`, which also takes in new tenants",
        ) from error


def materialize(root: Path, rounds: int) -> list[dict[str, str]]:
    """Have each Dagster run the job of each of its tenants, ``rounds`` times; how each run fared.

    Raises:
        LocalCloudError: the data plane does not run, or runs could not be made.
    """
    homes = sorted(Place.of(root).dagster("x").parent.iterdir())
    with ThreadPoolExecutor() as pool:
        found = list(pool.map(lambda home: local_dagster.materialize(home, rounds), homes))
    return [run for runs in found for run in runs]


def webserver(root: Path, owner: str, reporter: Reporter) -> str:
    """Start the web interface of the Dagster of ``owner``, and give its URL; `stop` ends it too.

    Raises:
        LocalCloudError: the data plane does not run, or there is no such Dagster.
    """
    place, plans = Place.of(root), {plan.owner: plan for plan in _serving(root)}
    home, name = place.dagster(owner), f"dagster-webserver-{owner}"
    if owner not in plans or not home.exists():
        known = ", ".join(sorted(plans))
        raise LocalCloudError(
            f"no Dagster of {owner} runs here",
            f"run `tenancy local start --data-plane`; owners of one are: {known}",
        )
    plan = plans[owner]
    spec = DagsterPlan(plan.names, owner, plan.served, plan.environment).webserver
    environment = local_dagster.saved_environment(home)

    def begin(port: int) -> Running:
        reporter.say(f"starting {name}")
        log = place.log(name)
        return local_dagster.start_service(spec, home, environment, log, port or free_port())

    with alone(place.folder, reporter):
        well = partial(_answers, path=WEBSERVER_HEALTH_PATH)
        return _address(name, ensure(place.record(name), environment, begin, well).port)


def client_id(tenant: str, kind: RoleKind) -> str:
    """The issuer's name for who acts as a tenant's role."""
    return f"{tenant}--{kind}"


def _end(name: str, kept: Kept) -> bool:
    end = stop_postgresql if name == _POSTGRESQL else type(kept.process).end
    return end(kept.process)


def _kept(place: Place) -> Iterator[tuple[str, Kept]]:
    """The servers that there are records of: those first that need others."""
    names = sorted(
        (path.stem for path in place.record("x").parent.glob("*.json")),
        key=lambda name: (name != "gateway", name in _NEEDED, name),
    )
    for name in names:
        kept = Kept.read(place.record(name))
        if kept is not None:
            yield name, kept


class _Start:
    """One start, of all servers in their order."""

    def __init__(
        self, plans: tuple[StackPlan, ...], place: Place, layout: Layout, reporter: Reporter
    ) -> None:
        self._plans, self._place, self._layout = plans, place, layout
        self._reporter = reporter
        self._tenants = [settings for plan in plans for settings in plan.served]
        self._registered = -math.inf

    def __call__(self) -> None:
        self._issuer()
        minio, postgresql = self._minio(), self._postgresql()
        self._grant(minio)
        nessies = self._nessies(minio, postgresql)
        lakes = self._lakes(nessies, self._gateways(nessies))
        _replace(
            self._place.description,
            json.dumps(self._told(lakes.values(), minio), indent=2),
        )
        # In this thread: two that make a secret at a time would lose one.
        databases = {
            plan.owner: self._instance_store(postgresql, plan.owner) for plan in self._plans
        }
        with ThreadPoolExecutor(_STARTING_AT_ONCE) as pool:
            begun = [
                pool.submit(self._dagster, plan, databases[plan.owner], minio, lakes)
                for plan in self._plans
            ]
        for done in begun:
            done.result()
        # Until whoever reads the registry must have seen it.
        time.sleep(max(0.0, self._registered + 2 * Folder.every - time.monotonic()))

    # --- identity

    @cached_property
    def _identity(self) -> Identity:
        """The environment's, with the key of the local issuer."""
        clients = {
            client_id(settings.id, kind): groups(settings.id, kind)
            for settings in self._tenants
            for kind in RoleKind
        }
        key = issuer.prepare(self._place.issuer, clients)
        return self._plans[0].environment.identity.model_copy(update={"public_key": key})

    def _environment(self, plan: StackPlan) -> Environment:
        return plan.environment.model_copy(update={"identity": self._identity})

    @cached_property
    def _issuer_url(self) -> str:
        identity = self._identity
        log = self._place.log("issuer")
        kept = self._ensure(
            "issuer",
            identity.model_dump(),
            lambda port: issuer.start_issuer(self._place.issuer, identity, log, port),
            issuer.HEALTH_PATH,
        )
        return f"http://127.0.0.1:{kept.port}"

    def _issuer(self) -> None:
        _ = self._issuer_url

    # --- storage

    def _minio(self) -> MinioServer:
        folder = self._place.minio
        # A token is exchanged for the policies that are called like its groups.
        settings = {
            "MINIO_IDENTITY_OPENID_CONFIG_URL": f"{self._issuer_url}{issuer.DISCOVERY_PATH}",
            "MINIO_IDENTITY_OPENID_CLIENT_ID": self._identity.audience,
            "MINIO_IDENTITY_OPENID_CLAIM_NAME": "groups",
        }
        kept = self._ensure(
            "minio",
            {**settings, "key": self._identity.public_key},
            lambda port: start_minio(folder, self._reporter.say, port=port, settings=settings),
            "/minio/health/live",
        )
        return minio_at(folder, kept.process, kept.port)

    def _grant(self, minio: MinioServer) -> None:
        """Buckets, and to each role of each tenant what the program grants it."""
        client = boto3.client(
            "s3",
            endpoint_url=minio.endpoint,
            region_name=self._plans[0].region,
            aws_access_key_id=minio.root.access_key,
            aws_secret_access_key=minio.root.secret_key,
            config=Config(s3={"addressing_style": "path"}),
        )
        there = {bucket["Name"] for bucket in client.list_buckets()["Buckets"]}
        for bucket in {settings.storage.bucket for settings in self._tenants} - there:
            client.create_bucket(Bucket=bucket)
        for settings in self._tenants:
            denials = [each for each in boundary_statements(settings) if each.effect == "Deny"]
            for kind in RoleKind:
                grants = (*role_statements(settings, kind), *denials)
                minio.admin.policy_add(
                    client_id(settings.id, kind), policy=minio_policy(_on_storage(grants))
                )

    def _storage_user(
        self, minio: MinioServer, owner: str, statements: tuple[Statement, ...]
    ) -> dict[str, str]:
        """The keys that a Nessie acts with, which may what its role in the program may."""
        name, secret = f"nessie-{owner}", self._secret(f"minio:nessie-{owner}")
        minio.admin.policy_add(name, policy=minio_policy(statements))
        minio.admin.user_add(name, secret)
        attached = json.loads(minio.admin.user_info(name)).get("policyName")
        if attached != name:
            minio.admin.policy_set(name, user=name)
        return {"AWS_ACCESS_KEY_ID": name, "AWS_SECRET_ACCESS_KEY": secret}

    # --- catalogs

    def _postgresql(self) -> PostgresqlServer:
        folder = self._place.postgresql
        kept = self._ensure(
            _POSTGRESQL, {}, lambda port: start_postgresql(folder, port), lambda _port: True
        )
        return postgresql_at(folder, kept.process, kept.port)

    def _login(self, server: PostgresqlServer, owner: str, kind: ServiceKind) -> Login:
        database = database_name(owner, kind)
        user = logins(database)[0]
        login = Login(database, user, self._secret(f"postgresql:{user}"))
        set_password(Server(HOST, server.port, server.authority), MASTER, server.password, login)
        return login

    def _nessies(self, minio: MinioServer, postgresql: PostgresqlServer) -> Mapping[str, str]:
        """Owner -> URL: the platform's, which soft tenants share, and each other tenant's."""
        starts: dict[str, Callable[[], Kept]] = {}
        for plan in self._plans:
            shared = [each for each in plan.served if isinstance(each.nessie, SharedNessie)]
            owners: list[tuple[TenantSettings | None, tuple[Statement, ...]]] = [
                (each, SUSPENDED if each.suspended else metadata_statements(each))
                for each in plan.served
                if each not in shared
            ]
            if shared:
                owners.append((None, (shared_metadata_statement(plan.names, shared),)))
            for tenant, grants in owners:
                owner = tenant.id if tenant else PLATFORM
                properties = {
                    **nessie_task(tenant, plan.names, self._environment(plan)).environment,
                    **self._version_store(postgresql, owner),
                    f"{_S3}.endpoint": minio.endpoint,
                    f"{_S3}.path-style-access": "true",
                    **self._storage_user(minio, owner, grants),
                }
                name = f"nessie-{owner}"
                begin = partial(start_nessie, properties, self._place.log(name))
                starts[owner] = partial(self._ensure, name, properties, begin, NESSIE_HEALTH_PATH)
        with ThreadPoolExecutor(_STARTING_AT_ONCE) as pool:
            found = {owner: pool.submit(begin) for owner, begin in starts.items()}
        return {owner: f"http://127.0.0.1:{done.result().port}" for owner, done in found.items()}

    def _version_store(self, postgresql: PostgresqlServer, owner: str) -> dict[str, str]:
        """The properties that name a Nessie's database, and its user there."""
        login = self._login(postgresql, owner, ServiceKind.NESSIE)
        authority = str(postgresql.authority)
        return {
            DATABASE_URL: jdbc_url(HOST, postgresql.port, login.database, authority),
            f"{_DATASOURCE}.username": login.name,
            f"{_DATASOURCE}.password": login.password,
            f"{_DATASOURCE}.jdbc.max-size": _CONNECTIONS,
        }

    def _gateways(self, nessies: Mapping[str, str]) -> str:
        """The URL of the gateway before the shared Nessie; empty where nobody shares one."""
        plan = self._plans[0]
        if not any(isinstance(each.nessie, SharedNessie) for each in plan.served):
            return ""
        registry = self._place.registry(PLATFORM)
        registry.mkdir(parents=True, exist_ok=True)
        environment = {
            **gateway_task(plan.names, self._environment(plan)).environment,
            REGISTRY: str(registry),
            "GATEWAY_UPSTREAM": nessies[PLATFORM],
        }
        kept = self._ensure(
            "gateway",
            environment,
            lambda port: start_gateway(environment, self._place.log("gateway"), port),
            GATEWAY_HEALTH_PATH,
        )
        return f"http://127.0.0.1:{kept.port}"

    # --- what pipelines are told

    def _lakes(self, nessies: Mapping[str, str], gateway: str) -> Mapping[str, TenantLake]:
        """Of the tenants for whom anybody acts."""
        found = {}
        for settings in self._tenants:
            if settings.suspended:
                continue
            shared = isinstance(settings.nessie, SharedNessie)
            url = gateway if shared else nessies[settings.id]
            found[settings.id] = lake_of(settings, f"{url}/iceberg")
        return found

    def _told(self, lakes: Iterable[TenantLake], minio: MinioServer) -> dict[str, Any]:
        return description(lakes, self._identity, self._plans[0].region, minio.endpoint)

    # --- pipelines

    def _instance_store(self, postgresql: PostgresqlServer, owner: str) -> dict[str, str]:
        """The variables that name the database of a Dagster."""
        login = self._login(postgresql, owner, ServiceKind.DAGSTER)
        return {
            DATABASE_HOST: HOST,
            DATABASE_PORT: str(postgresql.port),
            DATABASE_NAME: login.database,
            DATABASE_USERNAME: login.name,
            DATABASE_PASSWORD: login.password,
            "PGSSLROOTCERT": str(postgresql.authority),
        }

    def _dagster(
        self,
        plan: StackPlan,
        database: Mapping[str, str],
        minio: MinioServer,
        lakes: Mapping[str, TenantLake],
    ) -> None:
        """Services of the plan's one Dagster, whose tenants are partitions when this returns."""
        owner = plan.owner
        environment = self._environment(plan)
        clients = issuer.read_clients(self._place.issuer)
        runs = {
            settings.id: {
                **run_task(settings, environment).environment,
                **database,
                LAKEHOUSE: json.dumps(self._told([lakes[settings.id]], minio)),
                TOKEN_URL: f"{self._issuer_url}{issuer.TOKEN_PATH}",
                CLIENT_ID: client_id(settings.id, RoleKind.RUN),
                CLIENT_SECRET: clients[client_id(settings.id, RoleKind.RUN)].secret,
            }
            for settings in plan.served
            if settings.id in lakes
        }
        dagster = LocalDagster(
            DagsterPlan(plan.names, owner, plan.served, environment),
            self._place.dagster(owner),
            self._place.registry(owner),
            self._place.log("x").parent,
            database,
            runs,
        )
        dagster.write()
        # Last: who is in it is served from now on, and what its runs start with is there.
        if local_registry.write(dagster.registry, plan.served):
            self._registered = time.monotonic()
        begin, log = dagster.start_code, self._place.log(f"dagster-code-{owner}")
        code = self._ensure(
            f"dagster-code-{owner}", dagster.environment(0), partial(begin, log), _listens
        )
        dagster.register(code.port)
        log = self._place.log(f"dagster-daemon-{owner}")
        self._ensure(
            f"dagster-daemon-{owner}",
            dagster.environment(code.port),
            lambda _port: dagster.start_daemon(log, code.port),
            lambda _port: True,
        )

    # --- helpers

    def _ensure(
        self,
        name: str,
        configuration: object,
        begin: Callable[[int], Running],
        health: str | Callable[[int], bool],
    ) -> Kept:
        def said(port: int) -> Running:
            self._reporter.say(f"starting {name}")
            return begin(port)

        well = partial(_answers, path=health) if isinstance(health, str) else health
        return ensure(self._place.record(name), configuration, said, well)

    def _secret(self, name: str) -> str:
        """A password that is made once, and stays over restarts."""
        place = self._place.secrets
        known: dict[str, str] = json.loads(place.read_text()) if place.exists() else {}
        if name not in known:
            known[name] = secrets.token_urlsafe(24)
            _replace(place, json.dumps(known, indent=2), mode=0o600)
        return known[name]


def _on_storage(statements: tuple[Statement, ...]) -> Iterator[Statement]:
    """Without the boundary's denial of the control plane, of which there is none here."""
    return (each for each in statements if not each.not_actions)


def _answers(port: int, path: str) -> bool:
    try:
        answer = httpx.get(f"http://127.0.0.1:{port}{path}", timeout=_PATIENCE, trust_env=False)
    except httpx.HTTPError:
        return False
    return answer.status_code == HTTPStatus.OK


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), _PATIENCE).close()
    except OSError:
        return False
    return True


def _replace(place: Path, content: str, mode: int = 0o644) -> None:
    """Whole or not at all; a file that says it already stays as it is."""
    if place.exists() and place.read_text(encoding="utf-8") == content:
        return
    draft = place.with_name(f"{place.name}.{os.getpid()}")
    draft.touch(mode=mode)
    draft.write_text(content, encoding="utf-8")
    draft.replace(place)
