"""Dagster, as the engine would be told to make it: who may start what, and reach whom."""

import json
from dataclasses import replace
from typing import Any

import pytest
from pulumi import Output

from components.aws.dagster import Dagster, DagsterArgs, TenantDagster, TenantDagsterArgs
from components.aws.ground import Ground
from components.aws.load_balancer import LoadBalancer, LoadBalancerArgs
from components.aws.network import Network
from components.aws.parts import DatabaseParts
from components.aws.service import ServiceRoles, ServiceRolesArgs
from onboarding.recording import Recorded
from tenancy.environment import TokenEndpoint
from tenancy.estate import StackPlan
from tenancy.names import RoleKind
from tenancy.network import listener_priorities
from tests.components.aws.networks import DOMAIN, named, of_type, owner, plan, recorded

REGISTRY = {"Registry", "RegistryList", "RegistryKey"}
"""The statements that let a service read the registry."""

Resources = dict[str, Recorded]
SERVICES = ("code", "webserver", "daemon")


def resources(stack: StackPlan) -> Resources:
    """The stack's Dagster, and the part of each of its tenants."""
    names = stack.names

    def build(network: Network) -> None:
        balancer = LoadBalancer(
            "balancer", LoadBalancerArgs(names, owner(stack), network, DOMAIN, ["10.0.0.0/8"])
        )
        database = DatabaseParts(
            group_id=Output.from_input("sg-database"),
            address=Output.from_input("database.internal"),
            users_function_arn=Output.from_input("arn:users"),
        )
        ground = Ground(
            names=names,
            owner=owner(stack),
            network=network.parts,
            load_balancer=balancer.parts,
            cluster_arn=Output.from_input(names.cluster_arn(owner(stack))),
            database=database,
            alerts_topic_arn=Output.from_input("arn:alerts"),
            domain=DOMAIN,
            environment=stack.environment,
            roles=ServiceRoles(
                "roles", ServiceRolesArgs(names, owner(stack), owner(stack), ())
            ).parts,
            priorities=stack.priorities,
        )
        dagster = Dagster("dagster", DagsterArgs(ground, stack.tenants))
        for settings in stack.tenants:
            role = names.role_arn(settings.id, RoleKind.RUN)
            args = TenantDagsterArgs(settings, ground, dagster.parts, role)
            TenantDagster(f"{settings.id}-dagster", args)

    return recorded(stack, build)


@pytest.fixture(scope="module")
def prod(tmp_path_factory: pytest.TempPathFactory) -> Resources:
    """The platform's, with acme (soft) and globex (medium)."""
    return resources(plan(tmp_path_factory.mktemp("prod"), "prod"))


@pytest.fixture(scope="module")
def hard(tmp_path_factory: pytest.TempPathFactory) -> Resources:
    """That of initech (hard)."""
    return resources(plan(tmp_path_factory.mktemp("hard"), "prod-initech"))


@pytest.fixture(scope="module")
def with_tokens(tmp_path_factory: pytest.TempPathFactory) -> Resources:
    """The platform's, where the environment says where runs get their tokens."""
    stack = plan(tmp_path_factory.mktemp("tokens"), "prod")
    endpoint = {"url": "https://id.example.com/token", "network": "10.9.0.0/24"}
    given = TokenEndpoint.model_validate(endpoint)
    environment = stack.environment.model_copy(update={"token_endpoint": given})
    return resources(replace(stack, environment=environment))


def container(found: Resources, task: str) -> dict[str, Any]:
    (only,) = json.loads(named(found, f"{task}-definition").inputs["containerDefinitions"])
    return dict(only)


def environment(found: Resources, task: str) -> dict[str, str]:
    return {entry["name"]: entry["value"] for entry in container(found, task)["environment"]}


def statements(found: Resources, name: str) -> dict[str, dict[str, Any]]:
    policy = json.loads(named(found, name).inputs["policy"])
    return {statement["Sid"]: statement for statement in policy["Statement"]}


def rules(found: Resources, kind: str, group: str) -> dict[str, tuple[Any, int]]:
    """Of a group: description -> other side and port."""
    return {
        rule.inputs["description"]: (
            rule.inputs.get("referencedSecurityGroupId") or rule.inputs.get("prefixListId"),
            rule.inputs["fromPort"],
        )
        for rule in of_type(found, kind)
        if rule.inputs["securityGroupId"] == group
    }


def test_each_tenant_has_one_task_definition_with_its_own_role_and_log(
    prod: Resources, hard: Resources
) -> None:
    definitions = [
        (found, resource.inputs)
        for found in (prod, hard)
        for resource in of_type(found, "TaskDefinition")
        if resource.inputs["family"].endswith("--run")
    ]
    assert sorted(inputs["family"] for _, inputs in definitions) == [
        f"lakehouse-prod--{tenant}--run" for tenant in ("acme", "globex", "initech")
    ]
    for found, inputs in definitions:
        tenant = inputs["family"].split("--")[1]
        assert inputs["taskRoleArn"].endswith(
            f":role/lakehouse-prod/run/lakehouse-prod--{tenant}--run"
        )
        assert inputs["executionRoleArn"] == "arn:of:dagster-run-execution"
        log = container(found, f"{tenant}-dagster-run")["logConfiguration"]["options"]
        assert log["awslogs-group"] == f"/lakehouse-prod/{tenant}/run"
        assert environment(found, f"{tenant}-dagster-run")["TENANT"] == tenant


def test_a_run_reaches_the_database_of_its_dagster_by_the_secret_of_its_user(
    prod: Resources, hard: Resources
) -> None:
    for found, task in (
        (prod, "acme-dagster-run"),
        (prod, "dagster-daemon"),
        (hard, "dagster-code"),
    ):
        told = environment(found, task)
        assert told["DAGSTER_PG_HOST"] == "database.internal"
        assert told["DAGSTER_PG_PORT"] == "5432"
        assert told["DAGSTER_PG_DB"]
        secrets = {entry["name"]: entry["valueFrom"] for entry in container(found, task)["secrets"]}
        assert secrets.keys() == {"DAGSTER_PG_USERNAME", "DAGSTER_PG_PASSWORD"}
        assert all(
            reference.endswith(("username::", "password::")) for reference in secrets.values()
        )


def test_only_the_daemon_starts_runs_and_passes_roles(prod: Resources, hard: Resources) -> None:
    for found in (prod, hard):
        powerful = {
            resource.name
            for resource in found.values()
            if resource.type.endswith((":Policy", ":RolePolicy"))
            and resource.name.startswith("dagster")
            and {"ecs:RunTask", "iam:PassRole"} & set(resource.inputs["policy"].split('"'))
        }
        assert powerful == {"dagster-daemon-grants", "dagster-dagster-daemon-1"}
        attached = named(found, "dagster-dagster-daemon-1-attached").inputs
        assert attached["role"].endswith("--dagster-daemon")
        assert attached["policyArn"] == "arn:of:dagster-dagster-daemon-1"
    start = statements(prod, "dagster-dagster-daemon-1")["Start"]
    assert [arn.rsplit("/", 1)[1] for arn in start["Resource"]] == [
        "lakehouse-prod--acme--run:*",
        "lakehouse-prod--globex--run:*",
    ]


def test_nothing_here_registers_definitions_reads_data_or_lets_anybody_in(
    prod: Resources, hard: Resources
) -> None:
    for found in (prod, hard):
        for resource in found.values():
            if resource.name.startswith("dagster") and "policy" in resource.inputs:
                for statement in json.loads(resource.inputs["policy"])["Statement"]:
                    if statement["Sid"] in REGISTRY:
                        continue
                    text = json.dumps(statement)
                    for word in (
                        "RegisterTaskDefinition",
                        "ExecuteCommand",
                        "s3:",
                        "kms:",
                        "glue:",
                    ):
                        assert word not in text, resource.name
        for service in of_type(found, "ecs/service:Service"):
            assert service.inputs["enableExecuteCommand"] is False


def test_what_starts_runs_lies_under_the_run_path_in_the_owners_boundary(prod: Resources) -> None:
    role = named(prod, "dagster-run-execution").inputs
    assert role["path"] == "/lakehouse-prod/run/"
    assert role["name"] == "lakehouse-prod--platform--run-execution"
    assert role["permissionsBoundary"] == "arn:of:roles-boundary"
    assert set(statements(prod, "dagster-run-execution-grants")) == {"Secret"}
    logs = statements(prod, "dagster-run-execution-1")["RunLogs"]
    assert [arn.split("log-group:")[1] for arn in logs["Resource"]] == [
        "/lakehouse-prod/acme/*",
        "/lakehouse-prod/globex/*",
    ]


def test_the_shared_webserver_may_do_nothing_and_the_code_server_reads_the_registry(
    prod: Resources,
) -> None:
    granted = {resource.inputs["role"] for resource in of_type(prod, "RolePolicy")}
    assert {role for role in granted if "webserver" in role} == set()
    assert "dagster-webserver-grants" not in {resource.name for resource in prod.values()}
    code = statements(prod, "dagster-code-grants")
    assert set(code) == REGISTRY
    assert {tuple(one["Action"]) for one in code.values()} == {
        ("s3:GetObject",),
        ("s3:ListBucket",),
        ("kms:Decrypt",),
    }


def test_a_hard_tenants_webserver_may_stop_runs_in_its_cluster(hard: Resources) -> None:
    (watch,) = statements(hard, "dagster-webserver-grants").values()
    assert watch["Action"] == ["ecs:DescribeTasks", "ecs:StopTask"]
    (cluster,) = watch["Condition"]["ArnEquals"].values()
    assert cluster.endswith("444444444444:cluster/lakehouse-prod--initech")


def test_nobody_but_webserver_and_daemon_calls_the_code_server(prod: Resources) -> None:
    assert rules(prod, "SecurityGroupIngressRule", "dagster-code-group-id") == {
        "from webserver": ("dagster-webserver-group-id", 4000),
        "from daemon": ("dagster-daemon-group-id", 4000),
    }
    assert rules(prod, "SecurityGroupIngressRule", "dagster-daemon-group-id") == {}
    assert set(rules(prod, "SecurityGroupIngressRule", "dagster-webserver-group-id")) == {
        "from load-balancer"
    }


def test_no_run_is_called_and_a_run_calls_catalog_database_and_endpoints(prod: Resources) -> None:
    assert rules(prod, "SecurityGroupIngressRule", "dagster-runs-group-id") == {}
    outward = rules(prod, "SecurityGroupEgressRule", "dagster-runs-group-id")
    assert {name: port for name, (_, port) in outward.items()} == {
        "to endpoints": 443,
        "to s3": 443,
        "to catalog": 443,
        "to database": 5432,
    }
    assert outward["to catalog"][0] == "balancer-group-group-id"


@pytest.mark.parametrize("service", SERVICES)
def test_each_service_knows_where_runs_go(service: str, prod: Resources) -> None:
    told = json.loads(environment(prod, f"dagster-{service}")["TENANCY_RUN_NETWORK"])
    assert told["security_groups"] == ["dagster-runs-group-id"]
    assert len(told["subnets"]) == 2


def test_the_code_server_is_found_by_the_name_that_the_workspace_has(prod: Resources) -> None:
    namespace = named(prod, "dagster-names").inputs["name"]
    host = f"{named(prod, 'dagster-registry').inputs['name']}.{namespace}"
    assert f"host: {host}\n" in environment(prod, "dagster-webserver")["WORKSPACE_YAML"]
    service = named(prod, "dagster-code-service").inputs
    assert service["serviceRegistries"] == {"registryArn": "arn:of:dagster-registry"}


def test_each_dagster_has_its_host_at_the_load_balancer(prod: Resources, hard: Resources) -> None:
    for found, host in ((prod, f"dagster.{DOMAIN}"), (hard, f"initech.dagster.{DOMAIN}")):
        rule = named(found, "dagster-route-rule").inputs
        assert rule["conditions"] == [{"hostHeader": {"values": [host]}}]
        assert (
            rule["priority"]
            == listener_priorities([f"catalog.{DOMAIN}", f"globex.nessie.{DOMAIN}", host])[host]
        )
        checked = named(found, "dagster-route-targets").inputs["healthCheck"]
        assert checked["path"] == "/server_info"
        assert named(found, "dagster").outputs["host"] == host


def test_the_shared_one_acts_for_the_platform_and_says_why(prod: Resources) -> None:
    for name in ("dagster", *(f"dagster-{service}" for service in SERVICES)):
        (component,) = [
            r
            for r in prod.values()
            if r.name == name and "claims" in r.outputs and r.outputs["claims"]["principals"]
        ]
        claims = component.outputs["claims"]
        assert (claims["tenant"], claims["acts_for"]) == (None, "platform")
        assert claims["reason"]


def test_a_hard_tenants_own_acts_for_it(hard: Resources) -> None:
    claims = [
        r.outputs["claims"]
        for r in hard.values()
        if r.name.startswith("dagster") and "claims" in r.outputs
    ]
    assert {claim["tenant"] for claim in claims} == {"initech"}
    principals = {principal for claim in claims for principal in claim["principals"]}
    assert {principal.rsplit("--", 1)[1] for principal in principals} == {
        "run-execution",
        "dagster-code",
        "dagster-daemon",
        "dagster-webserver",
    }


def test_a_tenant_says_where_its_runs_are_looked_at(prod: Resources) -> None:
    assert named(prod, "acme-dagster").outputs["host"] == f"dagster.{DOMAIN}"


def test_only_the_secret_of_the_database_user_is_protected(prod: Resources) -> None:
    dagster = [r for r in prod.values() if "dagster" in r.name]
    assert {r.name for r in dagster if r.protect or r.retain} == {"dagster-user-secret"}


def test_a_run_has_the_client_of_its_own_tenant_by_reference_and_a_way_to_the_endpoint(
    with_tokens: Resources, prod: Resources
) -> None:
    for tenant in ("acme", "globex"):
        task = f"{tenant}-dagster-run"
        assert environment(with_tokens, task)["TENANCY_TOKEN_URL"] == "https://id.example.com/token"
        given = {one["name"]: one["valueFrom"] for one in container(with_tokens, task)["secrets"]}
        client = f"arn:of:{tenant}-dagster-client"
        assert given["TENANCY_CLIENT_ID"] == f"{client}:client_id::"
        assert given["TENANCY_CLIENT_SECRET"] == f"{client}:client_secret::"
        secret = named(with_tokens, f"{tenant}-dagster-client").inputs
        assert secret["name"] == f"lakehouse-prod/{tenant}/run"
        claims = named(with_tokens, f"{tenant}-dagster").outputs["claims"]
        assert f"secret:lakehouse-prod/{tenant}/run-??????" in str(claims)
        for other in {"acme", "globex"} - {tenant}:
            assert other not in str(given)
    assert not of_type(with_tokens, "SecretVersion")
    outward = rules(with_tokens, "SecurityGroupEgressRule", "dagster-runs-group-id")
    assert outward["to identity"][1] == 443
    (way,) = [
        resource.inputs
        for resource in of_type(with_tokens, "SecurityGroupEgressRule")
        if resource.inputs["description"] == "to identity"
    ]
    assert way["cidrIpv4"] == "10.9.0.0/24"
    assert "to identity" not in rules(prod, "SecurityGroupEgressRule", "dagster-runs-group-id")
    assert "TENANCY_TOKEN_URL" not in environment(prod, "acme-dagster-run")


def test_what_starts_runs_reads_the_clients_of_its_tenants_and_no_service_does(
    with_tokens: Resources,
) -> None:
    clients = {
        resource.inputs["name"]: json.loads(resource.inputs["policy"])["Statement"]
        for resource in of_type(with_tokens, "Policy")
        if "RunClients" in str(resource.inputs["policy"])
    }
    ((statement,),) = clients.values()
    assert statement["Action"] == ["secretsmanager:GetSecretValue"]
    assert [arn.rpartition(":secret:")[2] for arn in statement["Resource"]] == [
        f"lakehouse-prod/{tenant}/run-??????" for tenant in ("acme", "globex")
    ]
    (attached,) = [
        resource.inputs["role"]
        for resource in of_type(with_tokens, "RolePolicyAttachment")
        if "run-clients" in resource.name
    ]
    assert attached == named(with_tokens, "dagster-run-execution").inputs["name"]
