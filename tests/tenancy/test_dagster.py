"""Dagster as data; what the real one makes of the files is tested with that one."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from tenancy.access import BOUNDED_SERVICES
from tenancy.dagster import DagsterPlan, run_task
from tenancy.environment import TokenEndpoint
from tenancy.estate import StackPlan, load_estate
from tenancy.grants import PolicyKind, Statement, paged, render
from tenancy.names import PLATFORM, RoleKind
from tenancy.registry import registration
from tenancy.registry_fence import registry_statements
from tenancy.services import container_definitions, service_boundary_statements
from tenancy.settings import OwnDagster, SharedDagster
from tests.estates import ENVIRONMENT, write_estate

MOST = 200  # the default of the environment's limit on tenants
MANAGED_POLICIES_OF_A_ROLE = 10  # IAM User Guide, "IAM and AWS STS quotas"
ACCOUNT = "222222222222"


def dagster_of(stack: StackPlan) -> DagsterPlan:
    owner = stack.tenants[0].id if stack.hard else PLATFORM
    return DagsterPlan(stack.names, owner, stack.tenants, stack.environment)


@pytest.fixture
def shared(tmp_path: Path) -> DagsterPlan:
    """The platform's, for acme (soft) and globex (medium)."""
    return dagster_of(load_estate(write_estate(tmp_path)).stack("prod"))


@pytest.fixture
def own(tmp_path: Path) -> DagsterPlan:
    """That of initech (hard)."""
    return dagster_of(load_estate(write_estate(tmp_path)).stack("prod-initech"))


@pytest.fixture(scope="module")
def crowd(tmp_path_factory: pytest.TempPathFactory) -> DagsterPlan:
    """For as many tenants as a stack takes, with the longest names."""
    name = "abcdefghijkl"
    files = {
        "Pulumi.prod.yaml": None,
        f"Pulumi.{name}.yaml": ENVIRONMENT.format(name=name, account=ACCOUNT)
        .replace("project: lakehouse", f"project: {'p' * 32}")
        .replace("region: us-east-1", "region: ap-southeast-2"),
        **{f"tenants/{tenant}.yaml": None for tenant in ("acme", "globex", "initech")},
        **{
            f"tenants/{tenant}.yaml": f"tenant: {tenant}\ncontact: a@b.example\n"
            f"environment: {name}\nisolation: soft\n"
            for tenant in (f"a{number:03d}{'x' * 16}" for number in range(MOST))
        },
    }
    return dagster_of(
        load_estate(write_estate(tmp_path_factory.mktemp("crowd"), files)).stack(name)
    )


def configuration(plan: DagsterPlan) -> dict[str, Any]:
    return dict(yaml.safe_load(plan.dagster_yaml))


def by_sid(statements: tuple[Statement, ...]) -> dict[str, Statement]:
    return {statement.sid: statement for statement in statements}


def test_each_tenant_of_the_shared_one_has_the_same_limit_by_one_rule(shared: DagsterPlan) -> None:
    assert configuration(shared)["run_coordinator"]["config"] == {
        "max_concurrent_runs": -1,
        "tag_concurrency_limits": [
            {"key": "tenant", "value": {"applyLimitPerUniqueValue": True}, "limit": 5}
        ],
    }


def test_a_tenants_own_has_no_limit_by_tenant(own: DagsterPlan) -> None:
    assert configuration(own)["run_coordinator"]["config"] == {}


def test_the_configuration_is_as_long_for_two_hundred_tenants_as_for_none(
    crowd: DagsterPlan,
) -> None:
    assert crowd.dagster_yaml == replace(crowd, tenants=()).dagster_yaml
    assert "xxx" not in crowd.dagster_yaml


@pytest.mark.parametrize("plan", ["shared", "own"])
def test_runs_are_queued_by_the_coordinator_of_the_platform(
    plan: str, request: pytest.FixtureRequest
) -> None:
    coordinator = configuration(request.getfixturevalue(plan))["run_coordinator"]
    named = (coordinator["module"], coordinator["class"])
    assert named == ("pipelines.coordinator", "TenantRunCoordinator")


@pytest.mark.parametrize("plan", ["shared", "own"])
def test_runs_are_started_by_the_launcher_of_the_platform_without_secrets_by_tag(
    plan: str, request: pytest.FixtureRequest
) -> None:
    launcher = configuration(request.getfixturevalue(plan))["run_launcher"]
    assert (launcher["module"], launcher["class"]) == ("pipelines.launcher", "TenantEcsRunLauncher")
    assert launcher["config"]["secrets_tag"] is None
    assert launcher["config"]["registry"] == {"env": "TENANCY_REGISTRY"}


def test_no_credential_stands_in_the_configuration(shared: DagsterPlan) -> None:
    database = configuration(shared)["storage"]["postgres"]["postgres_db"]
    assert {key: value["env"] for key, value in database.items() if "env" in value} == {
        "username": "DAGSTER_PG_USERNAME",
        "password": "DAGSTER_PG_PASSWORD",
        "hostname": "DAGSTER_PG_HOST",
        "port": "DAGSTER_PG_PORT",
        "db_name": "DAGSTER_PG_DB",
    }
    assert database["params"] == {"sslmode": "verify-full"}


def test_a_registration_says_what_a_dagster_must_know_of_a_tenant(
    shared: DagsterPlan, own: DagsterPlan
) -> None:
    assert [registration(settings) for settings in (*shared.tenants, *own.tenants)] == [
        {"tier": "soft", "task_family": "lakehouse-prod--acme--run", "run_limit": 5},
        {"tier": "medium", "task_family": "lakehouse-prod--globex--run", "run_limit": 5},
        {"tier": "hard", "task_family": "lakehouse-prod--initech--run", "run_limit": None},
    ]


def test_soft_and_medium_tenants_share_a_host_and_a_hard_one_has_its_own(
    shared: DagsterPlan, own: DagsterPlan
) -> None:
    pipelines = [settings.pipelines for settings in (*shared.tenants, *own.tenants)]
    assert pipelines == [
        SharedDagster("dagster.lake.example.com", 5),
        SharedDagster("dagster.lake.example.com", 5),
        OwnDagster("initech.dagster.lake.example.com"),
    ]


def test_services_and_only_they_know_where_the_registry_is(
    shared: DagsterPlan, own: DagsterPlan
) -> None:
    for plan in (shared, own):
        url = f"s3://{plan.names.registry_bucket(plan.owner)}/tenants/"
        for spec in (plan.webserver, plan.daemon, plan.code_server):
            assert spec.environment["TENANCY_REGISTRY"] == url
            assert not any(f"--{each.id}--run" in str(spec) for each in plan.tenants)
    for spec in (shared.webserver, shared.daemon, shared.code_server):
        assert set(spec.secrets) == {"DAGSTER_PG_USERNAME", "DAGSTER_PG_PASSWORD"}
        assert {secret.kind for secret in spec.secrets.values()} == {"dagster"}
    for settings in shared.tenants:
        assert "TENANCY_REGISTRY" not in run_task(settings, shared.environment).environment


def test_the_shared_webserver_is_for_looking_and_a_tenants_own_is_not(
    shared: DagsterPlan, own: DagsterPlan
) -> None:
    assert "--read-only" in shared.webserver.command
    assert shared.webserver_statements == ()
    assert "--read-only" not in own.webserver.command
    assert [each.sid for each in own.webserver_statements] == ["Watch"]


def test_a_run_is_told_of_its_tenants_places_and_of_no_others(
    shared: DagsterPlan, own: DagsterPlan
) -> None:
    acme, globex = (run_task(settings, shared.environment) for settings in shared.tenants)
    initech = run_task(own.tenants[0], own.environment)
    told = [json.loads(spec.environment["TENANCY_LAKEHOUSE"]) for spec in (acme, globex)]
    lakes = [one["lakes"][tenant] for one, tenant in zip(told, ("acme", "globex"), strict=True)]
    assert lakes[0]["catalog"] == "https://catalog.lake.example.com/iceberg"
    assert lakes[1]["catalog"] == "https://globex.nessie.lake.example.com/iceberg"
    bucket = f"lakehouse-prod--shared--{ACCOUNT}-data"
    assert lakes[0]["namespaces"]["acme"] == f"s3://{bucket}/acme/lakehouse/metadata/"
    assert (lakes[0]["bucket"], lakes[0]["prefix"]) == (bucket, "acme/")
    assert told[0]["s3"] == {"endpoint": "", "region": "us-east-1"}
    assert acme.environment["GLUE_TABLE_PREFIX"] == "acme__"
    for spec in (acme, globex, initech):
        others = {"acme", "globex", "initech"} - {spec.owner}
        assert spec.environment["TENANT"] == spec.owner
        assert not any(other in json.dumps(dict(spec.environment)) for other in others)


def test_the_daemon_starts_exactly_its_tenants_runs_in_its_cluster_and_not_for_exec(
    shared: DagsterPlan,
) -> None:
    start = shared.start_statement
    families = f"arn:aws:ecs:us-east-1:{ACCOUNT}:task-definition/lakehouse-prod--{{}}--run:*"
    assert start.actions == ("ecs:RunTask",)
    assert start.resources == (families.format("acme"), families.format("globex"))
    assert start.conditions == {
        "ArnEquals": {
            "ecs:cluster": f"arn:aws:ecs:us-east-1:{ACCOUNT}:cluster/lakehouse-prod--platform"
        },
        "BoolIfExists": {"ecs:enable-execute-command": "false"},
    }


def test_the_daemon_passes_the_run_path_to_tasks_and_nothing_else(
    shared: DagsterPlan, own: DagsterPlan
) -> None:
    passed = by_sid(shared.daemon_statements)["PassRuns"]
    assert passed.resources == (f"arn:aws:iam::{ACCOUNT}:role/lakehouse-prod/run/*",)
    for plan in (shared, own):
        passed = by_sid(plan.daemon_statements)["PassRuns"]
        assert passed.actions == ("iam:PassRole",)
        assert passed.conditions == {
            "StringEquals": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}
        }
    names = own.names
    assert passed.resources == (
        names.role_arn("initech", RoleKind.RUN),
        names.run_execution_role_arn("initech"),
    )


def test_no_service_reads_data_or_registers_task_definitions(
    shared: DagsterPlan, own: DagsterPlan
) -> None:
    for plan in (shared, own):
        for statement in (
            *plan.webserver_statements,
            *plan.daemon_statements,
            plan.start_statement,
        ):
            if statement in registry_statements(plan.names, plan.owner):
                continue
            assert set(statement.actions) <= {
                "ecs:RunTask",
                "ecs:TagResource",
                "ecs:DescribeTasks",
                "ecs:StopTask",
                "iam:PassRole",
            }


def test_what_starts_runs_reads_one_secret_and_writes_the_logs_of_runs_tenants(
    shared: DagsterPlan,
) -> None:
    (secret, *_) = shared.run_execution_statements
    assert secret.actions == ("secretsmanager:GetSecretValue",)
    (arn,) = secret.resources
    assert arn.endswith("secret:lakehouse-prod/platform/dagster-??????")
    groups = f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:/lakehouse-prod/{{}}/*"
    assert shared.run_log_statement.resources == (groups.format("acme"), groups.format("globex"))


def test_the_boundary_of_services_holds_all_that_a_dagster_is_granted(
    shared: DagsterPlan, own: DagsterPlan
) -> None:
    for plan in (shared, own):
        boundary = service_boundary_statements(plan.names, plan.owner, plan.owner)
        allowed = {a for s in boundary if s.effect == "Allow" for a in s.actions}
        (denied,) = [s for s in boundary if s.sid == "DenyControlPlane"]
        for statement in (
            *plan.daemon_statements,
            *plan.webserver_statements,
            *plan.run_execution_statements,
            plan.start_statement,
            plan.run_log_statement,
        ):
            for action in statement.actions:
                service = f"{action.split(':')[0]}:*"
                assert {action, service} & allowed, action
                assert {action, service} & set(denied.not_actions), action


def test_a_run_needs_nothing_that_its_tenants_boundary_denies(shared: DagsterPlan) -> None:
    """Its log and its secrets are the business of the role that starts it."""
    assert BOUNDED_SERVICES == ("s3:*", "kms:*", "glue:*")
    for settings in shared.tenants:
        assert not run_task(settings, shared.environment).health_command


def test_the_shared_one_fits_what_aws_takes_with_the_longest_names(crowd: DagsterPlan) -> None:
    arns = dict.fromkeys(("dagster",), f"arn:aws:secretsmanager:ap-southeast-2:{ACCOUNT}:secret:x")
    for spec in (crowd.webserver, crowd.daemon, crowd.code_server):
        container_definitions(spec, crowd.names, {}, arns)
    render(crowd.daemon_statements, PolicyKind.INLINE)
    render(crowd.run_execution_statements, PolicyKind.INLINE)
    for statement in (crowd.start_statement, crowd.run_log_statement):
        pages = paged(statement, PolicyKind.MANAGED)
        assert sum(len(page.resources) for page in pages) == MOST
        assert 1 < len(pages) <= MANAGED_POLICIES_OF_A_ROLE
        for page in pages:
            render([page], PolicyKind.MANAGED)


def test_what_starts_runs_takes_its_tenants_clients_beside_their_logs(crowd: DagsterPlan) -> None:
    assert crowd.run_client_statement is None
    endpoint = TokenEndpoint.model_validate(
        {"url": "https://id.example.com/token", "network": "10.9.0.0/24"}
    )
    environment = crowd.environment.model_copy(update={"token_endpoint": endpoint})
    clients = replace(crowd, environment=environment).run_client_statement
    assert clients is not None
    assert len(clients.resources) == MOST
    pages = [
        page
        for statement in (clients, crowd.run_log_statement)
        for page in paged(statement, PolicyKind.MANAGED)
    ]
    assert len(pages) <= MANAGED_POLICIES_OF_A_ROLE


def test_no_two_tenants_have_a_run_family_or_log_in_common(crowd: DagsterPlan) -> None:
    families = [registration(settings)["task_family"] for settings in crowd.tenants]
    assert len(set(families)) == len(set(crowd.run_log_statement.resources)) == MOST
