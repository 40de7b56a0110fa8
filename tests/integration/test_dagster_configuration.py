"""The rendered configuration, loaded by the real Dagster; and a run that is started with it."""

import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import certifi
import pytest
from dagster import (
    DagsterInstance,
    DagsterRun,
    DagsterRunStatus,
    JobDefinition,
    RunsFilter,
    reconstructable,
)
from dagster._core.launcher.base import LaunchRunContext
from dagster._core.remote_origin import (
    RegisteredCodeLocationOrigin,
    RemoteJobOrigin,
    RemoteRepositoryOrigin,
)
from dagster._core.test_utils import create_test_daemon_workspace_context
from dagster._core.workspace.load_target import PythonFileTarget
from dagster._daemon.run_coordinator.queued_run_coordinator_daemon import QueuedRunCoordinatorDaemon
from dagster._utils.tags import TagConcurrencyLimitsCounter
from dagster_postgres.run_storage import PostgresRunStorage
from moto import mock_aws

from localcloud.servers.postgresql import HOST, MASTER, PostgresqlServer, postgresql_server
from pipelines.coordinator import TenantRunCoordinator
from pipelines.database_users.users import Login, Server, set_password
from pipelines.launcher import TenantEcsRunLauncher
from tenancy.dagster import (
    DATABASE_HOST,
    DATABASE_NAME,
    DATABASE_PASSWORD,
    DATABASE_PORT,
    DATABASE_USERNAME,
    RUN_NETWORK,
    DagsterPlan,
    run_task,
)
from tenancy.database_names import database_name, logins
from tenancy.estate import load_estate
from tenancy.names import PLATFORM, RoleKind, ServiceKind
from tenancy.registry import entry, key
from tenancy.services import TaskSpec, container_definitions
from tests.estates import ENVIRONMENT, write_estate
from tests.integration.dagster_job import report

pytestmark = pytest.mark.xdist_group("dagster")

OVERRIDES_LIMIT = 8_192  # characters (Amazon ECS API Reference, RunTask)
MOST = 200  # the default of the environment's limit on tenants
ROOT = Path(__file__).parents[2]
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing"}
CROWD = {
    f"tenants/{tenant}.yaml": f"tenant: {tenant}\ncontact: a@b.example\nisolation: soft\n"
    for tenant in (f"a{number:03d}{'x' * 16}" for number in range(MOST))
}


@pytest.fixture(scope="module")
def postgresql() -> Iterator[PostgresqlServer]:
    # Not below pytest's own folder, which no other user may enter: the server is not root.
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o711)
        with postgresql_server(Path(folder)) as server:
            yield server


@pytest.fixture(scope="module", params=["prod", "prod-initech", "crowded"])
def plan(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> DagsterPlan:
    """The shared one, a hard tenant's own, and a shared one of as many tenants as there may be."""
    files: dict[str, str | None] = {}
    if request.param == "crowded":
        long = ENVIRONMENT.format(name="prod", account="222222222222").replace(
            "project: lakehouse", f"project: {'p' * 32}"
        )
        files = {"Pulumi.prod.yaml": long, **CROWD}
    stacks = load_estate(write_estate(tmp_path_factory.mktemp("estate"), files))
    stack = stacks.stack(request.param.replace("crowded", "prod"))
    owner = stack.tenants[0].id if stack.hard else PLATFORM
    return DagsterPlan(stack.names, owner, stack.tenants, stack.environment)


@pytest.fixture(scope="module")
def cloud(plan: DagsterPlan) -> Iterator[dict[str, Any]]:
    """The network for runs, in a cloud with the cluster, the registry and the tenants' tasks."""
    environment = {**CREDENTIALS, "AWS_DEFAULT_REGION": plan.names.region}
    with pytest.MonkeyPatch.context() as patch, mock_aws():
        for name, value in environment.items():
            patch.setenv(name, value)
        ecs, ec2, s3 = boto3.client("ecs"), boto3.client("ec2"), boto3.client("s3")
        registry, here = plan.names.registry_bucket(plan.owner), plan.names.region
        place: Any = {"LocationConstraint": here}
        s3.create_bucket(
            Bucket=registry,
            **({} if here == "us-east-1" else {"CreateBucketConfiguration": place}),
        )
        ecs.create_cluster(clusterName=plan.names.cluster(plan.owner))
        for settings in plan.tenants:
            s3.put_object(Bucket=registry, Key=key(settings.id), Body=entry(settings))
            spec = run_task(settings, plan.environment)
            secret = plan.names.secret_arn(plan.owner, ServiceKind.DAGSTER)
            containers = json.loads(
                container_definitions(spec, plan.names, {}, {"dagster": secret})
            )
            # The emulator wants memory on the container, though on Fargate the task's is enough.
            containers[0]["memory"] = spec.memory
            ecs.register_task_definition(
                family=plan.names.task_family(settings.id, ServiceKind.RUN),
                requiresCompatibilities=["FARGATE"],
                networkMode="awsvpc",
                cpu=str(spec.cpu),
                memory=str(spec.memory),
                taskRoleArn=plan.names.role_arn(settings.id, RoleKind.RUN),
                executionRoleArn=plan.names.run_execution_role_arn(plan.owner),
                containerDefinitions=containers,
            )
        yield {
            "subnets": [ec2.describe_subnets()["Subnets"][0]["SubnetId"]],
            "security_groups": [ec2.describe_security_groups()["SecurityGroups"][0]["GroupId"]],
        }


@dataclass(frozen=True)
class Rotated:
    """The instance's database, and its two users, of whom the second came with a rotation."""

    server: PostgresqlServer
    name: str
    passwords: tuple[str, str]

    def environment(self, spec: TaskSpec, user: int) -> dict[str, str]:
        """What a container of the task sees: its own, its secrets, what a deployment adds."""
        told = {
            DATABASE_USERNAME: logins(self.name)[user],
            DATABASE_PASSWORD: self.passwords[user],
        }
        assert spec.secrets.keys() == told.keys()
        return {
            **spec.environment,
            **told,
            DATABASE_HOST: HOST,
            DATABASE_PORT: str(self.server.port),
            DATABASE_NAME: self.name,
            "PGSSLROOTCERT": str(self.server.authority),
        }


@pytest.fixture(scope="module")
def database(plan: DagsterPlan, postgresql: PostgresqlServer) -> Rotated:
    # One server for all plans, so that the two shared ones need databases of their own.
    owner = plan.owner if plan.names.prefix == "lakehouse-prod" else "crowd"
    made = Rotated(postgresql, database_name(owner, ServiceKind.DAGSTER), ("first", "second"))
    server = Server(HOST, postgresql.port, postgresql.authority)
    for name, password in zip(logins(made.name), made.passwords, strict=True):
        set_password(server, MASTER, postgresql.password, Login(made.name, name, password))
    return made


def in_container(
    command: tuple[str, ...], environment: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    return subprocess.run(
        command,
        env={**environment, "PATH": path, "PYTHONPATH": str(ROOT)},
        cwd="/",
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


@pytest.fixture(scope="module")
def home(
    plan: DagsterPlan,
    cloud: dict[str, Any],
    database: Rotated,
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[Path, dict[str, str], str]:
    """The daemon's folder and environment, after its container's start told about its instance."""
    folder = tmp_path_factory.mktemp("home") / "dagster"
    environment = {
        **database.environment(plan.daemon, user=0),
        RUN_NETWORK: json.dumps(cloud),
        "DAGSTER_HOME": str(folder),
    }
    start, service = plan.daemon.command[:4], plan.daemon.command[4:]
    assert service[0] == "dagster-daemon"
    told = in_container((*start, "dagster", "instance", "info"), environment)
    assert told.returncode == 0, told.stderr
    return folder, environment, told.stdout


@pytest.fixture(scope="module")
def instance(home: tuple[Path, dict[str, str], str]) -> Iterator[DagsterInstance]:
    folder, environment, _ = home
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        with DagsterInstance.from_config(str(folder)) as loaded:
            yield loaded


def new_run(
    instance: DagsterInstance, tags: Mapping[str, str], status: DagsterRunStatus
) -> DagsterRun:
    job = reconstructable(report)
    origin = RemoteRepositoryOrigin(RegisteredCodeLocationOrigin("code"), "repository")
    definition = report
    assert isinstance(definition, JobDefinition)
    return instance.create_run_for_job(
        job_def=definition,
        tags=tags,
        job_code_origin=job.get_python_origin(),
        remote_job_origin=RemoteJobOrigin(origin, definition.name),
        status=status,
    )


def dequeue(instance: DagsterInstance, queued: list[str]) -> Mapping[str, int]:
    """Queue runs of the tenants, in this order, and let the daemon look at the queue once; how many
    runs of each tenant it then started.
    """
    here = PythonFileTarget(
        python_file=str(Path(__file__).with_name("dagster_job.py")),
        attribute="report",
        working_directory=str(ROOT),
        location_name="code",
    )
    with create_test_daemon_workspace_context(here, instance) as workspace:
        for tenant in queued:
            partition = {"dagster/partition": tenant}
            run = new_run(instance, partition, DagsterRunStatus.NOT_STARTED)
            instance.submit_run(run.run_id, workspace.create_request_context())
        with QueuedRunCoordinatorDaemon(interval_seconds=1) as daemon:
            failed = [error for error in daemon.run_iteration(workspace) if error]
    assert not failed
    starting = instance.get_runs(RunsFilter(statuses=[DagsterRunStatus.STARTING]))
    return Counter(run.tags["tenant"] for run in starting)


def test_the_start_of_the_container_writes_what_dagster_takes(
    plan: DagsterPlan, home: tuple[Path, dict[str, str], str]
) -> None:
    folder, _, told = home
    assert (folder / "dagster.yaml").read_text() == plan.dagster_yaml
    assert (folder / "workspace.yaml").read_text() == plan.workspace_yaml
    assert "pipelines.launcher" in told


def test_the_instance_has_the_parts_that_the_configuration_names(
    plan: DagsterPlan, instance: DagsterInstance
) -> None:
    assert isinstance(instance.run_launcher, TenantEcsRunLauncher)
    assert instance.run_launcher.secrets_tags == []
    assert isinstance(instance.run_coordinator, TenantRunCoordinator)
    assert isinstance(instance.run_storage, PostgresRunStorage)
    assert type(instance.compute_log_manager).__name__ == "NoOpComputeLogManager"
    assert instance.run_monitoring_enabled
    assert not instance.telemetry_enabled
    assert instance.get_concurrency_config().run_queue_config is not None


def test_a_tenant_at_its_limit_waits_and_no_other_does(
    plan: DagsterPlan, instance: DagsterInstance
) -> None:
    queue = instance.get_concurrency_config().run_queue_config
    assert queue is not None
    full = [DagsterRun("job", tags={"tenant": "acme"})] * plan.environment.runs_per_tenant
    counter = TagConcurrencyLimitsCounter(queue.tag_concurrency_limits, full)
    assert counter.is_blocked(full[0]) is plan.shared
    assert not counter.is_blocked(DagsterRun("job", tags={"tenant": "globex"}))
    counter = TagConcurrencyLimitsCounter(queue.tag_concurrency_limits, full[1:])
    assert not counter.is_blocked(full[0])
    assert queue.max_concurrent_runs == (-1 if plan.shared else 10)


@pytest.mark.parametrize("plan", ["prod"], indirect=True)
def test_twenty_runs_of_one_tenant_do_not_delay_anothers(
    plan: DagsterPlan, instance: DagsterInstance
) -> None:
    limit, started = plan.environment.runs_per_tenant, dequeue(instance, ["acme"] * 20 + ["globex"])
    assert started == {"acme": limit, "globex": 1}
    for run in instance.get_runs(RunsFilter(statuses=[DagsterRunStatus.STARTING])):
        instance.report_run_canceled(run)
    assert dequeue(instance, []) == {"acme": limit}


@pytest.mark.parametrize("plan", ["prod-initech"], indirect=True)
def test_without_a_limit_by_tenant_twenty_runs_of_one_delay_anothers(
    plan: DagsterPlan, instance: DagsterInstance
) -> None:
    assert dequeue(instance, ["initech"] * 20 + ["globex"]) == {"initech": 10}


def test_a_run_is_started_as_its_tenants_task_and_succeeds_with_no_more_than_that_tells(
    plan: DagsterPlan, instance: DagsterInstance, database: Rotated
) -> None:
    settings = plan.tenants[-1]
    run = new_run(instance, {"tenant": settings.id}, DagsterRunStatus.STARTING)
    instance.run_launcher.launch_run(LaunchRunContext(run, None))
    launched = instance.get_run_by_id(run.run_id)
    assert launched is not None
    ecs = boto3.client("ecs")
    cluster, arn = plan.names.cluster(plan.owner), launched.tags["ecs/task_arn"]
    (task,) = ecs.describe_tasks(cluster=cluster, tasks=[arn])["tasks"]
    family = f":task-definition/{plan.names.task_family(settings.id, ServiceKind.RUN)}:"
    assert family in task["taskDefinitionArn"]
    assert len(json.dumps(task["overrides"])) < OVERRIDES_LIMIT
    (container,) = task["overrides"]["containerOverrides"]
    environment = database.environment(run_task(settings, plan.environment), user=1)
    done = in_container(tuple(container["command"]), environment)
    finished = instance.get_run_by_id(run.run_id)
    assert finished is not None
    assert finished.status is DagsterRunStatus.SUCCESS, done.stderr
    assert f"the tenant is {settings.id}" in done.stdout


@pytest.mark.parametrize("plan", ["prod"], indirect=True)
def test_a_server_that_no_known_authority_vouches_for_is_refused(
    home: tuple[Path, dict[str, str], str],
) -> None:
    _, environment, _ = home
    # Any certificate but that of the server's authority will do.
    strangers = {**environment, "PGSSLROOTCERT": certifi.where()}
    told = in_container(("dagster", "instance", "info"), strangers)
    assert told.returncode != 0
    assert "certificate verify failed" in told.stderr
