"""The catalog of every tenant: shared behind its gateway, or a service of the tenant's own."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pulumi import Output

from components.aws.account import Account, AccountArgs
from components.aws.database import Database, DatabaseArgs
from components.aws.ground import Ground
from components.aws.load_balancer import LoadBalancer, LoadBalancerArgs
from components.aws.nessie import SharedNessie, SharedNessieArgs, TenantNessie, TenantNessieArgs
from components.aws.network import Network
from components.aws.platform import Platform, PlatformArgs
from components.aws.service import ServiceRoles, ServiceRolesArgs
from onboarding.recording import Recorded
from tenancy.estate import StackPlan
from tenancy.settings import SharedNessie as Shares
from tenancy.settings import TenantSettings
from tests.components.aws.networks import DOMAIN, named, of_type, owner, plan, recorded

Resources = dict[str, Recorded]
ROLES = "arn:aws:iam::222222222222:role/lakehouse-prod/service/"
BUCKET = "arn:aws:s3:::lakehouse-prod--shared--222222222222-data"


def built(stack: StackPlan, build: Callable[[Ground], object]) -> Resources:
    """What ``build`` registers on the stack's ground."""

    def on(network: Network) -> None:
        names, whose = stack.names, owner(stack)
        build(
            Ground(
                names=names,
                owner=whose,
                network=network.parts,
                load_balancer=LoadBalancer(
                    "lb", LoadBalancerArgs(names, whose, network, DOMAIN, ["10.0.0.0/8"])
                ).parts,
                cluster_arn=Output.from_input(names.cluster_arn(whose)),
                database=Database("db", DatabaseArgs(names, whose, network, "arn:alerts")).parts,
                alerts_topic_arn=Output.from_input("arn:alerts"),
                domain=DOMAIN,
                environment=stack.environment,
                roles=ServiceRoles("roles", ServiceRolesArgs(names, whose, whose, ())).parts,
                priorities=stack.priorities,
            )
        )

    return recorded(stack, on)


def of_tenant(stack: StackPlan, tenant: str) -> Resources:
    (settings,) = (each for each in stack.tenants if each.id == tenant)
    return built(
        stack,
        lambda ground: TenantNessie(tenant, TenantNessieArgs(settings, ground)),
    )


def sharing(stack: StackPlan) -> list[TenantSettings]:
    return [each for each in stack.tenants if isinstance(each.nessie, Shares)]


@pytest.fixture
def prod(tmp_path: Path) -> StackPlan:
    return plan(tmp_path, "prod")


@pytest.fixture
def shared(prod: StackPlan) -> Resources:
    return built(
        prod,
        lambda ground: SharedNessie("shared", SharedNessieArgs(ground, sharing(prod))),
    )


def container(resources: Resources, definition: str) -> dict[str, Any]:
    text = named(resources, definition).inputs["containerDefinitions"]
    (only,) = json.loads(text)
    assert isinstance(only, dict)
    return only


def environment(resources: Resources, definition: str) -> dict[str, str]:
    return {e["name"]: e["value"] for e in container(resources, definition)["environment"]}


def test_only_the_gateway_may_call_the_shared_nessie(shared: Resources) -> None:
    callers = [
        (rule.inputs["referencedSecurityGroupId"], rule.inputs["fromPort"], rule.inputs["toPort"])
        for rule in of_type(shared, "SecurityGroupIngressRule")
        if rule.inputs["securityGroupId"] == "shared-nessie-group-id"
    ]
    assert callers == [("shared-gateway-group-id", 19120, 19120)]
    assert "loadBalancers" not in named(shared, "shared-nessie-service").inputs


def test_the_gateway_alone_has_a_host_and_finds_the_shared_nessie_by_name(
    prod: StackPlan, shared: Resources
) -> None:
    (rule,) = of_type(shared, "ListenerRule")
    assert rule.inputs["conditions"][0]["hostHeader"]["values"] == [f"catalog.{DOMAIN}"]
    assert rule.inputs["priority"] == prod.priorities[f"catalog.{DOMAIN}"]
    upstream = environment(shared, "shared-gateway-definition")["GATEWAY_UPSTREAM"]
    namespace = named(shared, "shared-names").inputs["name"]
    host = f"{named(shared, 'shared-registry').inputs['name']}.{namespace}"
    assert upstream == f"http://{host}:19120"
    registries = named(shared, "shared-nessie-service").inputs["serviceRegistries"]
    assert registries == {"registryArn": "arn:of:shared-registry"}


def test_the_shared_nessie_may_touch_metadata_of_soft_tenants_and_the_gateway_the_registry(
    shared: Resources,
) -> None:
    (page,) = (p for p in of_type(shared, "Policy") if p.name.startswith("shared-metadata"))
    (statement,) = json.loads(page.inputs["policy"])["Statement"]
    assert statement["Resource"] == [
        f"{BUCKET}/acme/lakehouse/metadata/*",
        f"{BUCKET}/acme/restricted/metadata/*",
    ]
    (attached,) = of_type(shared, "RolePolicyAttachment")
    assert attached.inputs["policyArn"] == "arn:of:shared-metadata-1"
    policies = {policy.name for policy in of_type(shared, "RolePolicy")}
    assert "shared-nessie-grants" in policies
    gateway = json.loads(named(shared, "shared-gateway-grants").inputs["policy"])["Statement"]
    assert [one["Sid"] for one in gateway] == ["Registry", "RegistryList", "RegistryKey"]


def test_the_database_is_named_in_the_task_and_its_password_is_not(shared: Resources) -> None:
    definition = container(shared, "shared-nessie-definition")
    url = environment(shared, "shared-nessie-definition")["quarkus.datasource.postgresql.jdbc.url"]
    assert url.startswith("jdbc:postgresql://")
    secrets = {secret["name"]: secret["valueFrom"] for secret in definition["secrets"]}
    password = secrets["quarkus.datasource.postgresql.password"]
    assert password.endswith(":password::")


def test_platform_services_say_why_they_reach_several_tenants(shared: Resources) -> None:
    acting = {
        principal: service.outputs["claims"]["reason"]
        for service in of_type(shared, "aws:Service")
        for principal in service.outputs["claims"]["principals"]
    }
    assert set(acting) == {
        f"{ROLES}lakehouse-prod--platform--nessie",
        f"{ROLES}lakehouse-prod--platform--gateway",
    }
    assert all(acting.values())


def test_the_shared_buckets_fence_lets_the_shared_nessie_through_and_no_other_service(
    prod: StackPlan,
) -> None:
    names = prod.names

    def build(ground: Ground) -> None:
        account = Account("account", AccountArgs(names, (), {}, (), alone=False))
        Platform("platform", PlatformArgs(names, account.parts, ground, prod.tenants, ()))

    resources = built(prod, build)
    statements = json.loads(named(resources, "platform-shared-policy").inputs["policy"])
    passing = {
        tuple(statement["Condition"]["ArnNotLike"]["aws:PrincipalArn"])
        for statement in statements["Statement"]
        if "ArnNotLike" in statement.get("Condition", {})
    }
    assert passing == {(names.platform_roles_arn, f"{ROLES}lakehouse-prod--platform--nessie")}


def test_a_soft_tenant_has_a_namespace_behind_the_gateway_and_no_service(prod: StackPlan) -> None:
    resources = of_tenant(prod, "acme")
    assert not of_type(resources, "aws:Service")
    (nessie,) = of_type(resources, "TenantNessie")
    outputs = dict(nessie.outputs)
    claims = outputs.pop("claims")
    assert outputs == {
        "host": f"catalog.{DOMAIN}",
        "namespace": "acme",
        "warehouse": "s3://lakehouse-prod--shared--222222222222-data/acme/lakehouse/metadata/",
        "log_group": "/lakehouse-prod/platform/gateway",
    }
    assert claims["tenant"] == "acme"
    assert claims["principals"] == []


@pytest.mark.parametrize(
    ("name", "tenant", "account", "region"),
    [
        ("prod", "globex", "222222222222", "us-east-1"),
        ("prod-initech", "initech", "444444444444", "us-west-2"),
    ],
)
def test_a_stronger_tenant_has_a_service_role_host_user_and_log_of_its_own(
    tmp_path: Path, name: str, tenant: str, account: str, region: str
) -> None:
    stack = plan(tmp_path, name)
    resources = of_tenant(stack, tenant)
    role = named(resources, f"{tenant}-role").inputs
    assert role["name"] == f"lakehouse-prod--{tenant}--nessie"
    bounded_by = "roles" if stack.hard else f"{tenant}-roles"
    assert role["permissionsBoundary"] == f"arn:of:{bounded_by}-boundary"
    (rule,) = of_type(resources, "ListenerRule")
    host = f"{tenant}.nessie.{DOMAIN}"
    assert rule.inputs["conditions"][0]["hostHeader"]["values"] == [host]
    assert rule.inputs["priority"] == stack.priorities[host]
    definition = f"{tenant}-definition"
    logs = container(resources, definition)["logConfiguration"]["options"]
    assert logs["awslogs-group"] == f"/lakehouse-prod/{tenant}/nessie"
    assert logs["awslogs-region"] == region
    bucket = f"lakehouse-prod--{tenant}--{account}-data"
    found = environment(resources, definition)
    warehouse = found[f"nessie.catalog.warehouses.{tenant}.location"]
    assert warehouse == f"s3://{bucket}/{tenant}/lakehouse/metadata/"
    assert len(of_type(resources, "DatabaseUser")) == 1
    (service,) = of_type(resources, "aws:Service")
    assert service.outputs["claims"]["tenant"] == tenant
    (nessie,) = of_type(resources, "TenantNessie")
    assert nessie.outputs["host"] == host
    assert nessie.outputs["log_group"] == f"/lakehouse-prod/{tenant}/nessie"


@pytest.mark.parametrize(("name", "tenant"), [("prod", "globex"), ("prod-initech", "initech")])
def test_nothing_of_a_tenants_own_nessie_names_another_tenant(
    tmp_path: Path, name: str, tenant: str
) -> None:
    resources = of_tenant(plan(tmp_path, name), tenant)
    foreign = {"acme", "globex", "initech"} - {tenant}
    for resource in resources.values():
        text = json.dumps(resource.inputs, default=str)
        assert not [other for other in foreign if other in text], resource.name


def test_without_soft_tenants_the_shared_nessie_reaches_nothing(prod: StackPlan) -> None:
    resources = built(
        prod,
        lambda ground: SharedNessie("shared", SharedNessieArgs(ground, ())),
    )
    assert not of_type(resources, "RolePolicyAttachment")
