"""The launcher: the stock one obeys a run that asks for another's role, ours refuses it."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import boto3
import pytest
from dagster import DagsterInstance, DagsterRun, DagsterRunStatus
from dagster._core.code_pointer import ModuleCodePointer
from dagster._core.launcher.base import LaunchRunContext, ResumeRunContext, WorkerStatus
from dagster._core.origin import JobPythonOrigin, RepositoryPythonOrigin
from dagster._core.remote_origin import (
    RegisteredCodeLocationOrigin,
    RemoteJobOrigin,
    RemoteRepositoryOrigin,
)
from dagster._core.test_utils import instance_for_test
from dagster_aws.ecs import EcsRunLauncher
from moto import mock_aws
from moto.moto_api import state_manager

from pipelines.launcher import TenantEcsRunLauncher
from pipelines.registry import RUNS, Bucket, RegistryError
from pipelines.runs import RunRefusedError

ACCOUNT = "123456789012"
CLUSTER = "lake--platform"
BUCKET, PREFIX = "lake-registry", "tenants/"
ROLES = {tenant: f"arn:aws:iam::{ACCOUNT}:role/lake/run/{tenant}" for tenant in ("acme", "globex")}
TENANTS = {tenant: {"task_family": f"lake--{tenant}--run"} for tenant in ROLES}
GLOBEX_ROLE: dict[str, object] = {"taskRoleArn": ROLES["globex"]}
EVIL = "attacker.example/evil:1"
# Memory stands on the container because the emulator wants it there, though on Fargate the task's
# is enough.
CONTAINER: Any = {"name": "run", "image": "platform/dagster:1", "memory": 2048}


@pytest.fixture(scope="module")
def cloud() -> Iterator[Any]:
    """A client of an ECS that has the cluster and each tenant's task definition."""
    with pytest.MonkeyPatch.context() as patch, mock_aws():
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        patch.setenv("AWS_ACCESS_KEY_ID", "testing")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
        # A task goes on for as long as anybody looks at it; else the third look finds it stopped.
        forever = {"progression": "manual", "times": 1_000}
        state_manager.set_transition(model_name="ecs::task", transition=forever)
        ecs = boto3.client("ecs")
        ecs.create_cluster(clusterName=CLUSTER)
        for tenant, role in ROLES.items():
            ecs.register_task_definition(
                family=TENANTS[tenant]["task_family"],
                requiresCompatibilities=["FARGATE"],
                networkMode="awsvpc",
                cpu="1024",
                memory="2048",
                taskRoleArn=role,
                containerDefinitions=[CONTAINER],
            )
        boto3.client("s3").create_bucket(Bucket=BUCKET)
        for tenant in ROLES:
            enter(tenant, {RUNS: TENANTS[tenant]})
        yield ecs
        state_manager.unset_transition(model_name="ecs::task")


def enter(tenant: str, entry: object) -> None:
    """Put the tenant's entry into the registry."""
    boto3.client("s3").put_object(
        Bucket=BUCKET, Key=f"{PREFIX}{tenant}.json", Body=json.dumps(entry)
    )


@pytest.fixture(scope="module")
def network(cloud: Any) -> dict[str, list[str]]:
    """The subnet and group that runs belong in."""
    ec2 = boto3.client("ec2")
    return {
        "subnets": [ec2.describe_subnets()["Subnets"][0]["SubnetId"]],
        "security_groups": [ec2.describe_security_groups()["SecurityGroups"][0]["GroupId"]],
    }


@pytest.fixture(scope="module")
def instance(network: dict[str, list[str]]) -> Iterator[DagsterInstance]:
    """A Dagster with our launcher."""
    registry = f"s3://{BUCKET}/{PREFIX}"
    config = {"registry": registry, "cluster": CLUSTER, "network": json.dumps(network)}
    yield from dagster_with("pipelines.launcher", "TenantEcsRunLauncher", config)


@pytest.fixture(scope="module")
def in_cluster(network: dict[str, list[str]]) -> dict[str, Any]:
    """The stock launcher's options for the cluster and network."""
    places = {"subnets": network["subnets"], "securityGroups": network["security_groups"]}
    return {
        "secrets_tag": None,
        "use_current_ecs_task_config": False,
        "run_task_kwargs": {
            "cluster": CLUSTER,
            "launchType": "FARGATE",
            "networkConfiguration": {"awsvpcConfiguration": places},
        },
    }


@pytest.fixture(scope="module")
def stock(in_cluster: dict[str, Any]) -> Iterator[DagsterInstance]:
    """A Dagster with the launcher that ours is made from, given acme's task definition."""
    config = {"task_definition": TENANTS["acme"]["task_family"], **in_cluster}
    yield from dagster_with("dagster_aws.ecs", "EcsRunLauncher", config)


@pytest.fixture
def nothing_starts(cloud: Any) -> Iterator[None]:
    """Whatever the test does, no task runs after it that did not before."""
    before = running(cloud)
    yield
    assert running(cloud) == before


def running(cloud: Any) -> set[str]:
    return set(cloud.list_tasks(cluster=CLUSTER)["taskArns"])


def dagster_with(module: str, name: str, config: Mapping[str, object]) -> Iterator[DagsterInstance]:
    overrides = {"run_launcher": {"module": module, "class": name, "config": config}}
    with instance_for_test(overrides) as made:
        yield made


def run_of(
    instance: DagsterInstance,
    tags: Mapping[str, str],
    context: Mapping[str, object] | None = None,
) -> DagsterRun:
    """A run with the tags, of a code location with the container context."""
    repository = RepositoryPythonOrigin(
        "python", ModuleCodePointer("m", "f"), container_image=EVIL, container_context=context
    )
    run = DagsterRun(
        "job",
        status=DagsterRunStatus.STARTING,
        tags=tags,
        job_code_origin=JobPythonOrigin("job", repository),
        remote_job_origin=RemoteJobOrigin(
            RemoteRepositoryOrigin(RegisteredCodeLocationOrigin("code"), "repository"), "job"
        ),
    )
    return instance.add_run(run)


def launch(instance: DagsterInstance, run: DagsterRun) -> dict[str, Any]:
    """Launch the run; the task that then runs."""
    instance.run_launcher.launch_run(LaunchRunContext(run, None))
    launched = instance.get_run_by_id(run.run_id)
    assert launched is not None
    return task(launched.tags["ecs/task_arn"])


def task(arn: str) -> dict[str, Any]:
    described = boto3.client("ecs").describe_tasks(cluster=CLUSTER, tasks=[arn], include=["TAGS"])
    (found,) = described["tasks"]
    return dict(found)


def role_of(started: Mapping[str, Any]) -> str:
    """The role that a task acts with: the override, or what its definition says."""
    definition = boto3.client("ecs").describe_task_definition(
        taskDefinition=started["taskDefinitionArn"]
    )["taskDefinition"]
    return str(started["overrides"].get("taskRoleArn", definition.get("taskRoleArn")))


ATTACKS: dict[str, tuple[dict[str, str], dict[str, object] | None]] = {
    "role in task overrides": ({"ecs/task_overrides": json.dumps(GLOBEX_ROLE)}, None),
    "role in run_task_kwargs": (
        {"ecs/run_task_kwargs": json.dumps({"overrides": GLOBEX_ROLE})},
        None,
    ),
    "task definition in run_task_kwargs": (
        {"ecs/run_task_kwargs": json.dumps({"taskDefinition": "lake--globex--run"})},
        None,
    ),
    "task definition in the container context": (
        {},
        {"ecs": {"task_definition_arn": "lake--globex--run"}},
    ),
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_the_stock_launcher_runs_a_run_of_acme_with_the_role_of_globex(
    attack: str, stock: DagsterInstance
) -> None:
    tags, context = ATTACKS[attack]
    assert role_of(launch(stock, run_of(stock, {"tenant": "acme"}))) == ROLES["acme"]
    started = launch(stock, run_of(stock, {"tenant": "acme", **tags}, context))
    assert role_of(started) == ROLES["globex"]


def test_the_stock_launcher_registers_a_definition_with_any_role_and_image(
    cloud: Any, in_cluster: dict[str, Any]
) -> None:
    registered: dict[str, Any] = {}

    def record(params: dict[str, Any], **_: object) -> None:
        registered.update(params)
        params["containerDefinitions"][0]["memory"] = CONTAINER["memory"]

    config = {"task_definition": {"requires_compatibilities": ["FARGATE"]}, **in_cluster}
    for made in dagster_with("dagster_aws.ecs", "EcsRunLauncher", config):
        ecs = made.run_launcher.ecs  # type: ignore[attr-defined]
        ecs.meta.events.register("provide-client-params.ecs.RegisterTaskDefinition", record)
        context = {"ecs": {"task_role_arn": ROLES["globex"]}}
        launch(made, run_of(made, {"tenant": "acme"}, context))
    assert registered["taskRoleArn"] == ROLES["globex"]
    assert registered["containerDefinitions"][0]["image"] == EVIL


@pytest.mark.parametrize("tenant", ROLES)
def test_a_run_is_started_from_its_tenants_definition_alone(
    tenant: str, instance: DagsterInstance, cloud: Any
) -> None:
    before = cloud.list_task_definitions()["taskDefinitionArns"]
    run = run_of(instance, {"tenant": tenant})
    started = launch(instance, run)
    assert role_of(started) == ROLES[tenant]
    assert started["containers"][0]["image"] == "platform/dagster:1"
    assert started["launchType"] == "FARGATE"
    assert [*started["overrides"]] == ["containerOverrides"]
    (container,) = started["overrides"]["containerOverrides"]
    assert container.keys() == {"name", "command"}
    assert container["command"][-3:-1] == ["api", "execute_run"]
    assert {"key": "dagster/run_id", "value": run.run_id} in started["tags"]
    assert cloud.list_task_definitions()["taskDefinitionArns"] == before


@pytest.mark.parametrize("attack", ATTACKS)
def test_what_a_run_asks_for_is_refused(attack: str, instance: DagsterInstance, cloud: Any) -> None:
    tags, context = ATTACKS[attack]
    run = run_of(instance, {"tenant": "acme", **tags}, context)
    with pytest.raises(RunRefusedError, match=run.run_id):
        instance.run_launcher.launch_run(LaunchRunContext(run, None))
    with pytest.raises(RunRefusedError, match=run.run_id):
        instance.run_launcher.resume_run(ResumeRunContext(run, None))


@pytest.mark.parametrize(
    "tag",
    [
        "ecs/cpu",
        "ecs/memory",
        "ecs/ephemeral_storage",
        "ecs/container_overrides",
        "ecs/of_a_later_version",
    ],
)
def test_every_tag_to_ecs_is_refused(
    tag: str, instance: DagsterInstance, nothing_starts: None
) -> None:
    run = run_of(instance, {"tenant": "acme", tag: "{}"})
    with pytest.raises(RunRefusedError, match=tag):
        instance.run_launcher.launch_run(LaunchRunContext(run, None))


@pytest.mark.parametrize("context", [{"env_vars": ["A=b"]}, {"ecs": {"task_role_arn": "x"}}])
def test_every_container_context_is_refused(
    context: dict[str, object], instance: DagsterInstance, nothing_starts: None
) -> None:
    run = run_of(instance, {"tenant": "acme"}, context)
    with pytest.raises(RunRefusedError, match="container context"):
        instance.run_launcher.launch_run(LaunchRunContext(run, None))


@pytest.mark.parametrize(
    "tags",
    [{}, {"tenant": ""}, {"tenant": "acme-evil"}, {"tenant": "../acme"}, {"tenant": "acme/"}],
)
def test_a_run_of_no_known_tenant_is_refused(
    tags: dict[str, str], instance: DagsterInstance, nothing_starts: None
) -> None:
    with pytest.raises(RunRefusedError, match="tag `tenant`"):
        instance.run_launcher.launch_run(LaunchRunContext(run_of(instance, tags), None))


def test_a_tenant_is_looked_up_when_its_run_starts_and_no_list_is_asked_for(
    instance: DagsterInstance,
) -> None:
    asked: list[str] = []
    launcher = instance.run_launcher
    assert isinstance(launcher, TenantEcsRunLauncher)
    assert isinstance(launcher.registry, Bucket)
    launcher.registry.client.meta.events.register(
        "provide-client-params.s3", lambda model, **_: asked.append(model.name)
    )
    run = run_of(instance, {"tenant": "newcorp"})
    with pytest.raises(RunRefusedError, match="tag `tenant`"):
        launch(instance, run)
    enter("newcorp", {RUNS: TENANTS["acme"]})
    assert role_of(launch(instance, run)) == ROLES["acme"]
    enter("newcorp", {"audit": {}})  # as for one that is suspended
    with pytest.raises(RunRefusedError, match="tag `tenant`"):
        launch(instance, run)
    assert asked == ["GetObject"] * 3


@pytest.mark.parametrize("told", [7, {RUNS: {}}, {RUNS: {"task_family": "lake--globex--run:1"}}])
def test_an_entry_of_another_form_starts_nothing(
    told: object, instance: DagsterInstance, nothing_starts: None
) -> None:
    enter("newcorp", told)
    with pytest.raises(RegistryError, match="newcorp"):
        launch(instance, run_of(instance, {"tenant": "newcorp"}))


def test_a_run_of_one_tenants_partition_is_not_started_as_anothers_task(
    instance: DagsterInstance, nothing_starts: None
) -> None:
    run = run_of(instance, {"tenant": "acme", "dagster/partition": "globex"})
    with pytest.raises(RunRefusedError, match="its partition is `globex`"):
        instance.run_launcher.launch_run(LaunchRunContext(run, None))


@pytest.mark.parametrize(
    ("hook", "learned"),
    [
        ("_get_task_overrides", GLOBEX_ROLE),
        ("_get_container_overrides", {"command": ["sh"]}),
        ("_get_run_task_kwargs_from_run", {"taskDefinition": "lake--globex--run"}),
        ("get_cpu_and_memory_overrides", {"cpu": "16384"}),
        ("get_image_for_run", EVIL),
    ],
)
def test_what_the_stock_launcher_reads_from_a_run_does_not_count(
    hook: str, learned: object, instance: DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(EcsRunLauncher, hook, lambda *_: learned)
    started = launch(instance, run_of(instance, {"tenant": "acme"}))
    assert role_of(started) == ROLES["acme"]
    assert started["containers"][0]["image"] == "platform/dagster:1"
    (container,) = started["overrides"]["containerOverrides"]
    assert container["command"] != ["sh"]
    assert [*started["overrides"]] == ["containerOverrides"]
    assert container.keys() == {"name", "command"}


def test_a_resumed_run_is_started_as_its_tenants_task_too(instance: DagsterInstance) -> None:
    run = run_of(instance, {"tenant": "globex"})
    first = launch(instance, run)
    instance.run_launcher.resume_run(ResumeRunContext(run, None))
    resumed = instance.get_run_by_id(run.run_id)
    assert resumed is not None
    second = task(resumed.tags["ecs/task_arn"])
    assert second["taskArn"] != first["taskArn"]
    assert role_of(second) == ROLES["globex"]
    (container,) = second["overrides"]["containerOverrides"]
    assert container["command"][-2] == "resume_run"


def test_a_run_without_a_job_is_refused(instance: DagsterInstance, nothing_starts: None) -> None:
    run = instance.add_run(DagsterRun("job", tags={"tenant": "acme"}))
    with pytest.raises(RunRefusedError, match="which job"):
        instance.run_launcher.launch_run(LaunchRunContext(run, None))


def test_a_retry_that_inherits_its_parents_record_runs_as_a_task_of_its_own(
    instance: DagsterInstance,
) -> None:
    parent = run_of(instance, {"tenant": "acme"})
    first = launch(instance, parent)
    inherited = {"ecs/task_arn": first["taskArn"], "ecs/cluster": first["clusterArn"]}
    second = launch(instance, run_of(instance, {"tenant": "acme", **inherited}))
    assert second["taskArn"] != first["taskArn"]
    assert role_of(second) == ROLES["acme"]


def test_a_run_can_be_stopped_and_watched(instance: DagsterInstance) -> None:
    run = run_of(instance, {"tenant": "acme"})
    launch(instance, run)
    launched = instance.get_run_by_id(run.run_id)
    assert launched is not None
    health = instance.run_launcher.check_run_worker_health(launched)
    assert health.status is WorkerStatus.RUNNING
    assert instance.run_launcher.terminate(run.run_id)


def test_a_run_that_names_anothers_task_as_its_own_does_not_stop_it(
    instance: DagsterInstance, stock: DagsterInstance
) -> None:
    victim = launch(instance, run_of(instance, {"tenant": "globex"}))
    stopped: list[str] = []
    record = {"ecs/task_arn": victim["taskArn"], "ecs/cluster": victim["clusterArn"]}
    for dagster in (instance, stock):
        dagster.run_launcher.ecs.meta.events.register(  # type: ignore[attr-defined]
            "provide-client-params.ecs.StopTask",
            lambda params, **_: stopped.append(params["task"]),
        )
    thief = run_of(instance, {"tenant": "acme", **record})
    assert not instance.run_launcher.terminate(thief.run_id)
    health = instance.run_launcher.check_run_worker_health(thief)
    assert (health.status, stopped) == (WorkerStatus.UNKNOWN, [])
    assert stock.run_launcher.terminate(run_of(stock, {"tenant": "acme", **record}).run_id)
    assert stopped == [victim["taskArn"]]


def test_secrets_by_tag_cannot_be_configured(network: dict[str, list[str]]) -> None:
    with pytest.raises(ValueError, match="secrets_tag"):
        TenantEcsRunLauncher("/nowhere", CLUSTER, json.dumps(network), secrets_tag="dagster")


def test_the_stock_options_that_choose_a_role_are_none_of_ours() -> None:
    assert TenantEcsRunLauncher.config_type().keys() == {
        "registry",
        "cluster",
        "network",
        "secrets_tag",
    }
