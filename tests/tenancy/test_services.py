"""Services as data: within ECS's limit, and roles that reach their owner's part only."""

import json
from dataclasses import replace

import pytest

from tenancy.grants import PolicyKind, Statement, render
from tenancy.names import PLATFORM, PREFIX_LIMIT, Names
from tenancy.services import (
    TASK_DEFINITION_LIMIT,
    SecretKey,
    TaskSpec,
    TaskTooLargeError,
    container_definitions,
    execution_statements,
    metric_dimensions,
    service_boundary_statements,
)

NAMES = Names("lakehouse", "prod", "222222222222", "us-east-1")
LONGEST = Names("p" * PREFIX_LIMIT, "prod", "222222222222", "ap-southeast-2")
SECRET = "arn:aws:secretsmanager:us-east-1:222222222222:secret:lakehouse-prod/acme/nessie-AbCdEf"
SPEC = TaskSpec(
    owner="acme",
    kind="nessie",
    image="222222222222.dkr.ecr.us-east-1.amazonaws.com/team/nessie:0.99.0",
    cpu=512,
    memory=1024,
    port=19120,
    environment={"MODE": "quiet"},
    secrets={"PASSWORD": SecretKey("nessie", "password")},
    health_command=("true",),
)


def container(spec: TaskSpec = SPEC) -> dict[str, object]:
    text = container_definitions(spec, NAMES, {"URL": "jdbc:x"}, {"nessie": SECRET})
    (only,) = json.loads(text)
    assert isinstance(only, dict)
    return only


def by_sid(statements: tuple[Statement, ...]) -> dict[str, Statement]:
    return {statement.sid: statement for statement in statements}


def test_a_container_gets_its_settings_and_where_its_secrets_lie() -> None:
    found = container()
    assert found["environment"] == [
        {"name": "MODE", "value": "quiet"},
        {"name": "URL", "value": "jdbc:x"},
    ]
    assert found["secrets"] == [{"name": "PASSWORD", "valueFrom": f"{SECRET}:password::"}]
    assert found["portMappings"] == [{"containerPort": 19120, "protocol": "tcp"}]


def test_a_container_cannot_write_to_its_image_nor_gain_rights() -> None:
    found = container()
    assert found["readonlyRootFilesystem"] is True
    assert found["privileged"] is False
    assert json.loads(json.dumps(found["linuxParameters"]))["capabilities"] == {"drop": ["ALL"]}
    assert container(replace(SPEC, read_only=False))["readonlyRootFilesystem"] is False


def test_a_container_logs_to_the_owners_group_without_waiting() -> None:
    assert container()["logConfiguration"] == {
        "logDriver": "awslogs",
        "options": {
            "awslogs-group": "/lakehouse-prod/acme/nessie",
            "awslogs-region": "us-east-1",
            "awslogs-stream-prefix": "nessie",
            "mode": "non-blocking",
            "max-buffer-size": "4m",
        },
    }


def test_what_is_not_asked_for_is_left_out() -> None:
    bare = container(replace(SPEC, port=None, health_command=()))
    assert not {"portMappings", "healthCheck", "command"} & bare.keys()
    assert container(replace(SPEC, command=("serve",)))["command"] == ["serve"]


def test_a_task_over_the_limit_of_ecs_is_refused() -> None:
    big = replace(SPEC, environment={"MODE": "q" * TASK_DEFINITION_LIMIT})
    with pytest.raises(TaskTooLargeError, match="nessie of acme"):
        container(big)


def test_what_starts_a_service_reads_the_owners_secrets_and_pulls_the_named_images() -> None:
    statements = by_sid(execution_statements(NAMES, "acme", [SPEC.image, SPEC.image]))
    assert statements["Secrets"].resources == (
        "arn:aws:secretsmanager:us-east-1:222222222222:secret:lakehouse-prod/acme/*",
    )
    assert statements["Secrets"].actions == ("secretsmanager:GetSecretValue",)
    assert statements["Logs"].resources == (
        "arn:aws:logs:us-east-1:222222222222:log-group:/lakehouse-prod/acme/*",
    )
    assert statements["Pull"].resources == (
        "arn:aws:ecr:us-east-1:222222222222:repository/team/nessie",
    )


def test_an_image_by_digest_names_its_repository() -> None:
    image = f"222222222222.dkr.ecr.us-east-1.amazonaws.com/nessie@sha256:{'0' * 64}"
    statements = by_sid(execution_statements(NAMES, "acme", [image]))
    assert statements["Pull"].resources == ("arn:aws:ecr:us-east-1:222222222222:repository/nessie",)


def test_an_image_from_elsewhere_needs_no_grant() -> None:
    assert set(by_sid(execution_statements(NAMES, "acme", ["registry/nessie:1"]))) == {
        "Secrets",
        "Logs",
    }


@pytest.mark.parametrize("owner", [PLATFORM, "a" * 20])
@pytest.mark.parametrize("account_owner", [PLATFORM, "a" * 20])
def test_the_longest_names_keep_the_boundary_within_its_limit(
    owner: str, account_owner: str
) -> None:
    render(service_boundary_statements(LONGEST, owner, account_owner), PolicyKind.MANAGED)


def test_the_boundary_of_a_tenants_services_names_no_other_owner() -> None:
    document = render(service_boundary_statements(NAMES, "acme", PLATFORM), PolicyKind.MANAGED)
    for foreign in ("globex", "acme-etl", "--platform", "/platform/"):
        assert foreign not in document
    statements = by_sid(service_boundary_statements(NAMES, "acme", PLATFORM))
    assert statements["Storage"].resources == (
        "arn:aws:s3:::lakehouse-prod--shared--222222222222-data/acme/*",
        "arn:aws:s3:::lakehouse-prod--acme--222222222222-data",
        "arn:aws:s3:::lakehouse-prod--acme--222222222222-data/acme/*",
        "arn:aws:s3:::lakehouse-prod--acme--222222222222-logs",
        "arn:aws:s3:::lakehouse-prod--acme--222222222222-logs/*",
    )
    assert statements["DenyForeignStorage"].not_resources == statements["Storage"].resources
    assert statements["PassRuns"].resources == (
        "arn:aws:iam::222222222222:role/lakehouse-prod/run/lakehouse-prod--acme--run",
        "arn:aws:iam::222222222222:role/lakehouse-prod/run/lakehouse-prod--acme--run-execution",
    )


def test_only_who_owns_the_account_gets_at_the_databases_master() -> None:
    master = "secret:rds!db-*"
    assert master not in str(service_boundary_statements(NAMES, "acme", PLATFORM))
    assert master in str(service_boundary_statements(NAMES, "acme", "acme"))
    assert master in str(service_boundary_statements(NAMES, PLATFORM, PLATFORM))


def test_no_service_changes_what_fences_it() -> None:
    for owner in (PLATFORM, "acme"):
        deny = by_sid(service_boundary_statements(NAMES, owner, PLATFORM))["DenyControlPlane"]
        assert deny.resources == ("*",)
        services = {action.split(":")[0] for action in deny.not_actions}
        assert not services & {"sts", "lakeformation", "cloudtrail", "organizations", "glue"}
        assert [a for a in deny.not_actions if a.startswith("iam:")] == ["iam:PassRole"]


@pytest.mark.parametrize("owner", [PLATFORM, "acme"])
def test_no_pattern_has_a_star_in_its_middle(owner: str) -> None:
    for statement in (
        *service_boundary_statements(NAMES, owner, PLATFORM),
        *execution_statements(NAMES, owner, [SPEC.image]),
    ):
        for resource in (*statement.resources, *statement.not_resources):
            assert "*" not in resource[:-1], (statement.sid, resource)


def test_a_metric_names_a_target_group_and_its_load_balancer_by_the_end_of_their_arns() -> None:
    prefix = "arn:aws:elasticloadbalancing:us-east-1:222222222222"
    assert metric_dimensions(
        f"{prefix}:targetgroup/acme/73e2d6bc24d8a067",
        f"{prefix}:listener/app/lake/50dc6c495c0c9188/f2f7dc8efc522ab2",
    ) == {
        "TargetGroup": "targetgroup/acme/73e2d6bc24d8a067",
        "LoadBalancer": "app/lake/50dc6c495c0c9188",
    }
