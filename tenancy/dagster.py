"""Dagster as the platform runs it: its configuration, its tasks, and what their roles may do.

One Dagster serves the soft and medium tenants; a hard tenant has its own. Either way a run is a
task of its own, started by the daemon from a task definition that this program made for the run's
tenant, with the tenant's run role in it. Nothing registers task definitions and nothing uses ECS
Exec; webserver, daemon and code server read no data.

The image (``images.dagster``) is the platform's: it holds the package ``pipelines``, the packages
``dagster``, ``dagster-aws``, ``dagster-postgres`` and ``dagster-webserver``, a shell, and the
certificates of RDS's authorities at `DATABASE_AUTHORITIES`.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import yaml

from tenancy.environment import Environment
from tenancy.grants import Statement
from tenancy.lake import description, lake_of
from tenancy.names import PLATFORM, Names, RoleKind, ServiceKind
from tenancy.registry import REGISTRY
from tenancy.registry_fence import registry_statements
from tenancy.services import WRITE_LOGS, SecretKey, TaskSpec, pull_statements
from tenancy.settings import TenantSettings

WEBSERVER_PORT = 3000
WEBSERVER_HEALTH_PATH = "/server_info"
CODE_SERVER_PORT = 4000

RUN_NETWORK = "TENANCY_RUN_NETWORK"
"""The environment variable with the JSON object ``{"subnets": [...], "security_groups": [...]}``
that runs are started in; known when it is deployed."""
DATABASE_HOST = "DAGSTER_PG_HOST"
DATABASE_PORT = "DAGSTER_PG_PORT"
DATABASE_NAME = "DAGSTER_PG_DB"
DATABASE_USERNAME = "DAGSTER_PG_USERNAME"
DATABASE_PASSWORD = "DAGSTER_PG_PASSWORD"  # noqa: S105 - the name of a variable

SCHEDULES = "TENANCY_SCHEDULES"
"""Where this environment variable of the code server is ``off``, schedules wait to be turned on."""
LAKEHOUSE = "TENANCY_LAKEHOUSE"
"""The environment variable of a run with `tenancy.lake.description`, of its tenant alone."""
TOKEN_URL = "TENANCY_TOKEN_URL"  # noqa: S105 - the name of a variable
CLIENT_ID = "TENANCY_CLIENT_ID"
CLIENT_SECRET = "TENANCY_CLIENT_SECRET"  # noqa: S105 - the name of a variable

CODE_LOCATION = "lakehouse"
CODE_MODULE = "pipelines.definitions"
HOME = "/tmp/dagster"  # noqa: S108 - in a container of its own, gone with it
DATABASE_AUTHORITIES = "/etc/ssl/certs/rds-global-bundle.pem"
RUN_START_SECONDS = 600
"""How long a run may take to start: Fargate has to find a place and to pull the image."""

_NO_LIMIT = -1
_EVERY = "*"
_SECRETS: Mapping[str, SecretKey] = {
    DATABASE_USERNAME: SecretKey(ServiceKind.DAGSTER, "username"),
    DATABASE_PASSWORD: SecretKey(ServiceKind.DAGSTER, "password"),
}
_CLIENT: Mapping[str, SecretKey] = {
    CLIENT_ID: SecretKey(ServiceKind.RUN, "client_id"),
    CLIENT_SECRET: SecretKey(ServiceKind.RUN, "client_secret"),
}
"""The client at the identity provider that a tenant's runs are: a secret of the tenant's own, whose
value the provider's administrators write, so that it passes through neither program nor state.
"""
_CONFIGURE = """\
mkdir -p "$DAGSTER_HOME"
printf %s "$DAGSTER_YAML" >"$DAGSTER_HOME/dagster.yaml"
printf %s "$WORKSPACE_YAML" >"$DAGSTER_HOME/workspace.yaml"
exec "$@"
"""


@dataclass(frozen=True)
class DagsterPlan:
    """One Dagster: the platform's, or a hard tenant's own (``owner``), and whom it serves."""

    names: Names
    owner: str
    tenants: Sequence[TenantSettings]
    environment: Environment

    @property
    def shared(self) -> bool:
        """Whether several tenants' runs are in it."""
        return self.owner == PLATFORM

    @property
    def dagster_yaml(self) -> str:
        """The text of ``dagster.yaml``.

        In the shared one each tenant has the same limit on its runs, soft or medium, by one rule
        for all of them, and there is no limit on the sum, which would let one tenant's runs wait
        for another's. One rule, because the configuration travels in the command of every run,
        which ECS holds to 8,192 characters (Amazon ECS API Reference, RunTask): a rule for each
        tenant would not fit at a hundred. A tenant's own has Dagster's own limit on all runs.

        What steps print goes to the tenant's own log group, by their container; the webserver,
        which others look at, does not show it.
        """
        queue: dict[str, object] = {}
        if self.shared:
            per_tenant = {
                "key": "tenant",
                "value": {"applyLimitPerUniqueValue": True},
                "limit": self.environment.runs_per_tenant,
            }
            queue = {"max_concurrent_runs": _NO_LIMIT, "tag_concurrency_limits": [per_tenant]}
        return _yaml(
            {
                "storage": {
                    "postgres": {
                        "postgres_db": {
                            "username": {"env": DATABASE_USERNAME},
                            "password": {"env": DATABASE_PASSWORD},
                            "hostname": {"env": DATABASE_HOST},
                            "port": {"env": DATABASE_PORT},
                            "db_name": {"env": DATABASE_NAME},
                            # The driver that dagster-postgres comes with: SQLAlchemy 2.1 would
                            # take another for plain `postgresql`.
                            "scheme": "postgresql+psycopg2",
                            # Against the certificates that PGSSLROOTCERT names.
                            "params": {"sslmode": "verify-full"},
                        }
                    }
                },
                "run_coordinator": {
                    "module": "pipelines.coordinator",
                    "class": "TenantRunCoordinator",
                    "config": queue,
                },
                "run_launcher": {
                    "module": "pipelines.launcher",
                    "class": "TenantEcsRunLauncher",
                    "config": {
                        "registry": {"env": REGISTRY},
                        "cluster": self.names.cluster(self.owner),
                        "network": {"env": RUN_NETWORK},
                        "secrets_tag": None,
                    },
                },
                "run_monitoring": {
                    "enabled": True,
                    "start_timeout_seconds": RUN_START_SECONDS,
                    # A run that died is seen to have failed; whoever owns it decides on a retry.
                    "max_resume_run_attempts": 0,
                },
                "compute_logs": {
                    "module": "dagster._core.storage.noop_compute_log_manager",
                    "class": "NoOpComputeLogManager",
                },
                "telemetry": {"enabled": False},
                # No invitation to a newsletter over what is to be looked at.
                "nux": {"enabled": False},
            }
        )

    @property
    def workspace_yaml(self) -> str:
        """The text of ``workspace.yaml``: where the code server is."""
        server = {
            "host": self.names.code_server_host,
            "port": CODE_SERVER_PORT,
            "location_name": CODE_LOCATION,
        }
        return _yaml({"load_from": [{"grpc_server": server}]})

    @property
    def webserver(self) -> TaskSpec:
        """The web interface. It asks nobody who they are: who reaches the load balancer sees it.

        The shared one is therefore for looking only. Users of a tenant's catalog come through the
        same load balancer, so with the rest of it one tenant could start, stop and delete
        another's runs.
        """
        command = ["dagster-webserver", "-h", "0.0.0.0", "-p", str(WEBSERVER_PORT)]  # noqa: S104
        if self.shared:
            command.append("--read-only")
        return self._with_instance(ServiceKind.DAGSTER_WEBSERVER, command, WEBSERVER_PORT)

    @property
    def daemon(self) -> TaskSpec:
        """What takes runs from the queue and starts them. There must be one; it has no port."""
        return self._with_instance(ServiceKind.DAGSTER_DAEMON, ["dagster-daemon", "run"], None)

    @property
    def code_server(self) -> TaskSpec:
        """What holds the definitions of jobs, schedules and sensors, for the other two alone.

        They send it their instance with each question, so it has no configuration itself.
        """
        port = str(CODE_SERVER_PORT)
        return TaskSpec(
            owner=self.owner,
            kind=ServiceKind.DAGSTER_CODE,
            image=self.environment.images.dagster,
            cpu=512,
            memory=2048,
            port=CODE_SERVER_PORT,
            environment=self._environment(),
            secrets=_SECRETS,
            command=(
                *("dagster", "code-server", "start", "-h", "0.0.0.0", "-p", port),  # noqa: S104
                *("-m", CODE_MODULE, "--location-name", CODE_LOCATION),
            ),
            health_command=(
                *("python", "-c"),
                f"import socket; socket.create_connection(('127.0.0.1', {port}), 3)",
            ),
            # It makes a socket below /tmp.
            read_only=False,
        )

    @property
    def code_statements(self) -> tuple[Statement, ...]:
        """The code server, which makes a partition of each tenant, is told them by the registry."""
        return registry_statements(self.names, self.owner)

    @property
    def webserver_statements(self) -> tuple[Statement, ...]:
        """Nothing for the shared one, which only shows; a tenant's own also stops runs."""
        return () if self.shared else (self._watch(),)

    @property
    def daemon_statements(self) -> tuple[Statement, ...]:
        """What the daemon may do beside `start_statement`: tag the tasks that it starts, watch
        them, pass to ECS what runs act with, and read in the registry which task a tenant's are. It
        reads no data.
        """
        names, owner = self.names, self.owner
        roles = (
            (names.any_run_role_arn,)
            if self.shared
            else (names.role_arn(owner, RoleKind.RUN), names.run_execution_role_arn(owner))
        )
        return (
            Statement(
                "TagNewTasks",
                "Allow",
                ("ecs:TagResource",),
                (names.tasks_arn(owner),),
                {"StringEquals": {"ecs:CreateAction": "RunTask"}},
            ),
            self._watch(),
            Statement(
                "PassRuns",
                "Allow",
                ("iam:PassRole",),
                roles,
                {"StringEquals": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}},
            ),
            *registry_statements(names, owner),
        )

    @property
    def start_statement(self) -> Statement:
        """To start exactly the tenants' runs, in the one cluster; of any size (see ``paged``)."""
        return Statement(
            "Start",
            "Allow",
            ("ecs:RunTask",),
            tuple(self.names.task_definitions_arn(one, ServiceKind.RUN) for one in self._named),
            {
                "ArnEquals": {"ecs:cluster": self.names.cluster_arn(self.owner)},
                "BoolIfExists": {"ecs:enable-execute-command": "false"},
            },
        )

    @property
    def run_execution_statements(self) -> tuple[Statement, ...]:
        """What ECS does to start a run, beside `run_log_statement`: pull the image, and read the
        credentials of this Dagster's database user.
        """
        return (
            Statement(
                "Secret",
                "Allow",
                ("secretsmanager:GetSecretValue",),
                (self.names.secret_arn(self.owner, ServiceKind.DAGSTER),),
            ),
            *pull_statements(self.names, (self.environment.images.dagster,)),
        )

    @property
    def run_log_statement(self) -> Statement:
        """To write the logs of the tenants' runs; of any size (see ``paged``)."""
        names = self.names
        groups = tuple(
            f"{names.log_group_arn(one, ServiceKind.RUN)}:*"
            if one == _EVERY
            else names.log_groups_arn(one)
            for one in self._named
        )
        return Statement("RunLogs", "Allow", WRITE_LOGS, groups)

    @property
    def run_client_statement(self) -> Statement | None:
        """To give each tenant's runs the credentials of their client, by their task definitions;
        of any size (see ``paged``). None where there is no endpoint that asks for them.
        """
        if self.environment.token_endpoint is None:
            return None
        secrets = tuple(self.names.secret_arn(one, ServiceKind.RUN) for one in self._named)
        return Statement("RunClients", "Allow", ("secretsmanager:GetSecretValue",), secrets)

    @property
    def _named(self) -> tuple[str, ...]:
        """The tenants that policies name; where they are in shards, a pattern for all of them, so
        that one more changes nothing here.
        """
        if self.shared and self.environment.shards:
            return (_EVERY,)
        return tuple(each.id for each in self.tenants)

    def _watch(self) -> Statement:
        """To see how a run fares, and to stop it."""
        return Statement(
            "Watch",
            "Allow",
            ("ecs:DescribeTasks", "ecs:StopTask"),
            (self.names.tasks_arn(self.owner),),
            {"ArnEquals": {"ecs:cluster": self.names.cluster_arn(self.owner)}},
        )

    def _with_instance(
        self, kind: ServiceKind, command: Sequence[str], port: int | None
    ) -> TaskSpec:
        """A service with a configuration, which its container writes down before it starts."""
        return TaskSpec(
            owner=self.owner,
            kind=kind,
            image=self.environment.images.dagster,
            cpu=512,
            memory=2048,
            port=port,
            environment={
                **self._environment(),
                "DAGSTER_HOME": HOME,
                "DAGSTER_YAML": self.dagster_yaml,
                "WORKSPACE_YAML": self.workspace_yaml,
            },
            secrets=_SECRETS,
            command=("sh", "-ec", _CONFIGURE, kind, *command, "-w", f"{HOME}/workspace.yaml"),
            # DAGSTER_HOME is written.
            read_only=False,
        )

    def _environment(self) -> dict[str, str]:
        return {REGISTRY: self.names.registry_url(self.owner), **_at_database(self.names)}


def run_task(settings: TenantSettings, environment: Environment) -> TaskSpec:
    """A run of the tenant. The daemon adds the command and nothing else."""
    names = settings.names
    lake = lake_of(settings, f"https://{settings.network.host}/iceberg")
    told = description([lake], environment.identity, names.region)
    endpoint = environment.token_endpoint
    return TaskSpec(
        owner=settings.id,
        kind=ServiceKind.RUN,
        image=environment.images.dagster,
        cpu=1024,
        memory=4096,
        environment={
            **_at_database(names),
            "TENANT": settings.id,
            LAKEHOUSE: json.dumps(told, separators=(",", ":")),
            "GLUE_DATABASE": settings.catalog.database,
            "GLUE_TABLE_PREFIX": settings.catalog.table_prefix,
            **({TOKEN_URL: endpoint.url} if endpoint else {}),
        },
        secrets={**_SECRETS, **(_CLIENT if endpoint else {})},
        # A step hands values to the next by files below /tmp.
        read_only=False,
    )


def _at_database(names: Names) -> dict[str, str]:
    return {"AWS_DEFAULT_REGION": names.region, "PGSSLROOTCERT": DATABASE_AUTHORITIES}


def _yaml(document: Mapping[str, object]) -> str:
    return yaml.safe_dump(document, sort_keys=False)
