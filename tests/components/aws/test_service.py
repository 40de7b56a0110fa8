"""A service: bounded, reached by whom it names, watched."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from pulumi import Output

from components.aws.ground import Ground
from components.aws.load_balancer import HostRoute, HostRouteArgs, LoadBalancer, LoadBalancerArgs
from components.aws.network import Network
from components.aws.parts import DatabaseParts
from components.aws.security_group import Flow
from components.aws.service import Service, ServiceArgs, ServiceRoles, ServiceRolesArgs
from onboarding.recording import Recorded
from tenancy.estate import StackPlan
from tenancy.grants import Statement
from tenancy.names import PLATFORM
from tenancy.services import SecretKey, TaskSpec
from tests.components.aws.networks import DOMAIN, depends_on, named, of_type, plan, recorded

GRANT = Statement("Look", "Allow", ("s3:GetObject",), ("arn:aws:s3:::lake/acme/*",))


def spec(owner: str) -> TaskSpec:
    return TaskSpec(
        owner=owner,
        kind="nessie",
        image="ecr/nessie:0.99.0",
        cpu=512,
        memory=1024,
        port=19120,
        secrets={"PASSWORD": SecretKey("nessie", "password")},
    )


def resources(
    stack: StackPlan, owner: str, statements: Sequence[Statement] = (GRANT,), *, routed: bool = True
) -> dict[str, Recorded]:
    names = stack.names

    def build(network: Network) -> None:
        balancer = LoadBalancer(
            "balancer", LoadBalancerArgs(names, PLATFORM, network, DOMAIN, ["10.0.0.0/8"])
        )
        later = Output.from_input("later")
        database = DatabaseParts(Output.from_input("sg-database"), later, later)
        ground = Ground(
            names=names,
            owner=PLATFORM,
            network=network.parts,
            load_balancer=balancer.parts,
            cluster_arn=Output.from_input(names.cluster_arn(PLATFORM)),
            database=database,
            alerts_topic_arn=Output.from_input("arn:alerts"),
            domain=DOMAIN,
            environment=stack.environment,
            roles=ServiceRoles(
                "of-platform", ServiceRolesArgs(names, PLATFORM, PLATFORM, ())
            ).parts,
            priorities=stack.priorities,
        )
        route = HostRoute(
            "route",
            HostRouteArgs(
                balancer.parts,
                names,
                owner,
                "nessie",
                f"x.{DOMAIN}",
                19120,
                "/up",
                7,
                network.parts.vpc_id,
            ),
        )
        Service(
            "svc",
            ServiceArgs(
                ground,
                spec(owner),
                ServiceRoles("roles", ServiceRolesArgs(names, owner, PLATFORM, ())).parts,
                statements,
                environment={"URL": Output.from_input("jdbc:later")},
                secret_arns={"nessie": Output.from_input("arn:secret")},
                uses_database=True,
                route=route if routed else None,
                callers={"friend": "sg-friend"},
                calls=[Flow("other", 8080, group_id="sg-other")],
                reason="serves everybody",
            ),
        )

    return recorded(stack, build)


@pytest.fixture
def stack(tmp_path: Path) -> StackPlan:
    return plan(tmp_path, "prod")


@pytest.fixture
def found(stack: StackPlan) -> dict[str, Recorded]:
    return resources(stack, "acme")


def rules(found: dict[str, Recorded], kind: str) -> dict[str, tuple[Any, int, int]]:
    """Of the service's own group: description -> other side, first and last port."""
    return {
        rule.inputs["description"]: (
            rule.inputs.get("referencedSecurityGroupId") or rule.inputs.get("prefixListId"),
            rule.inputs["fromPort"],
            rule.inputs["toPort"],
        )
        for rule in of_type(found, kind)
        if rule.inputs["securityGroupId"] == "svc-group-id"
    }


def test_its_roles_are_bounded_under_the_service_path_and_only_for_tasks(
    found: dict[str, Recorded],
) -> None:
    roles = [named(found, "svc-role"), named(found, "roles-execution")]
    assert [role.inputs["name"] for role in roles] == [
        "lakehouse-prod--acme--nessie",
        "lakehouse-prod--acme--execution",
    ]
    for role in roles:
        assert role.inputs["path"] == "/lakehouse-prod/service/"
        assert role.inputs["permissionsBoundary"] == "arn:of:roles-boundary"
        (trust,) = json.loads(role.inputs["assumeRolePolicy"])["Statement"]
        assert trust["Principal"] == {"Service": ["ecs-tasks.amazonaws.com"]}
        assert trust["Condition"]["StringEquals"] == {"aws:SourceAccount": "222222222222"}
    grants = json.loads(named(found, "svc-grants").inputs["policy"])
    assert [statement["Sid"] for statement in grants["Statement"]] == ["Look"]


def test_a_role_that_may_do_nothing_has_no_policy(stack: StackPlan) -> None:
    assert "svc-grants" not in {r.name for r in resources(stack, "acme", ()).values()}


def test_the_task_runs_with_its_roles_and_gets_what_only_the_deployment_knows(
    found: dict[str, Recorded],
) -> None:
    task = named(found, "svc-definition")
    assert task.inputs["family"] == "lakehouse-prod--acme--nessie"
    assert task.inputs["taskRoleArn"] == "arn:of:svc-role"
    assert task.inputs["executionRoleArn"] == "arn:of:roles-execution"
    assert task.inputs["networkMode"] == "awsvpc"
    assert task.inputs["requiresCompatibilities"] == ["FARGATE"]
    (container,) = json.loads(task.inputs["containerDefinitions"])
    assert container["environment"] == [{"name": "URL", "value": "jdbc:later"}]
    assert container["secrets"] == [{"name": "PASSWORD", "valueFrom": "arn:secret:password::"}]
    log = named(found, "svc-log")
    assert log.inputs == {"name": "/lakehouse-prod/acme/nessie", "retentionInDays": 365}
    assert depends_on(found, task, log)


def test_the_service_is_private_and_lets_nobody_in_by_ecs_exec(found: dict[str, Recorded]) -> None:
    service = named(found, "svc-service").inputs
    assert service["enableExecuteCommand"] is False
    assert service["networkConfiguration"]["assignPublicIp"] is False
    assert service["networkConfiguration"]["securityGroups"] == ["svc-group-id"]
    assert service["deploymentCircuitBreaker"] == {"enable": True, "rollback": True}
    (balancing,) = service["loadBalancers"]
    assert balancing == {
        "targetGroupArn": "arn:of:route-targets",
        "containerName": "nessie",
        "containerPort": 19120,
    }


def test_only_who_is_named_may_call_it_and_it_calls_only_what_is_named(
    found: dict[str, Recorded],
) -> None:
    assert rules(found, "SecurityGroupIngressRule") == {
        "from friend": ("sg-friend", 19120, 19120),
        "from load-balancer": ("balancer-group-group-id", 19120, 19120),
    }
    outward = rules(found, "SecurityGroupEgressRule")
    assert set(outward) == {"to endpoints", "to s3", "to database", "to other"}
    assert outward["to database"] == ("sg-database", 5432, 5432)
    assert outward["to other"] == ("sg-other", 8080, 8080)
    assert outward["to endpoints"][1:] == outward["to s3"][1:] == (443, 443)


def test_it_is_watched_for_stopping_illness_and_errors(found: dict[str, Recorded]) -> None:
    alarms = {alarm.name: alarm.inputs for alarm in of_type(found, "MetricAlarm")}
    assert set(alarms) == {"svc-stopped", "svc-unhealthy", "svc-errors"}
    assert all(alarm["alarmActions"] == ["arn:alerts"] for alarm in alarms.values())
    stopped = alarms["svc-stopped"]
    assert stopped["dimensions"] == {
        "ClusterName": "lakehouse-prod--platform",
        "ServiceName": "lakehouse-prod--acme--nessie",
    }
    assert (stopped["comparisonOperator"], stopped["threshold"]) == ("LessThanThreshold", 1)
    assert stopped["treatMissingData"] == "breaching"
    assert set(alarms["svc-errors"]["dimensions"]) == {"TargetGroup", "LoadBalancer"}


def test_without_a_route_the_load_balancer_is_no_caller_and_is_not_watched(
    stack: StackPlan,
) -> None:
    found = resources(stack, "acme", routed=False)
    assert set(rules(found, "SecurityGroupIngressRule")) == {"from friend"}
    assert [alarm.name for alarm in of_type(found, "MetricAlarm")] == ["svc-stopped"]
    assert "loadBalancers" not in named(found, "svc-service").inputs


def test_a_tenants_service_acts_for_the_tenant(found: dict[str, Recorded]) -> None:
    (service,) = of_type(found, "aws:Service")
    claims = service.outputs["claims"]
    role = "arn:aws:iam::222222222222:role/lakehouse-prod/service/lakehouse-prod--acme--nessie"
    assert claims["tenant"] == "acme"
    assert claims["principals"] == [role]
    assert role in claims["owns"]


def test_a_platforms_service_says_why_it_reaches_several_tenants(stack: StackPlan) -> None:
    found = resources(stack, PLATFORM)
    (service,) = of_type(found, "aws:Service")
    assert service.outputs["claims"]["tenant"] is None
    assert service.outputs["claims"]["reason"] == "serves everybody"
    assert named(found, "roles").outputs["claims"]["reason"]
