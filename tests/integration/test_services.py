"""Services, networks and audit that `make up` made, read back with plain boto3."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.integration import inventory
from tests.integration.checkout import Checkout, Json

PLATFORM = "123456789012"
FEDERAL = "210987654321"
SOFT = ("acme", "globex")
MEDIUM = ("colorado-state", "newcorp")
TENANTS = (*SOFT, *MEDIUM, "federal-dhs")
HARD = 1  # tenants with a network of their own
DAGSTER = ("dagster-code", "dagster-daemon", "dagster-webserver")
DOMAIN = "lakehouse.localhost"
# owner of the ground -> its account, and the services that run on it
GROUNDS = {
    "platform": (
        PLATFORM,
        {
            *(f"platform--{service}" for service in (*DAGSTER, "gateway", "nessie")),
            *(f"{tenant}--nessie" for tenant in MEDIUM),
        },
    ),
    "federal-dhs": (FEDERAL, {f"federal-dhs--{service}" for service in (*DAGSTER, "nessie")}),
}
IMAGE_LAYERS = "arn:aws:s3:::prod-us-east-1-starport-layer-bucket/*"
each_ground = pytest.mark.parametrize("owner", GROUNDS)


class Cloud:
    """One account, asked with plain boto3."""

    def __init__(self, checkout: Checkout, account: str) -> None:
        self._checkout = checkout
        self._account = None if account == PLATFORM else account

    def client(self, service: str) -> Any:
        return self._checkout.client(service, self._account)

    def pages(self, service: str, method: str, member: str, **arguments: Any) -> list[Any]:
        return inventory.pages(self.client(service), method, member, **arguments)

    def services(self, owner: str) -> dict[str, Json]:
        cluster = f"lakehouse-local--{owner}"
        arns = self.pages("ecs", "list_services", "serviceArns", cluster=cluster)
        found: dict[str, Json] = {}
        for start in range(0, len(arns), 10):
            told = self.client("ecs").describe_services(
                cluster=cluster, services=arns[start : start + 10], include=["TAGS"]
            )
            found |= {service["serviceName"]: service for service in told["services"]}
        return found

    def task(self, definition: str) -> Json:
        told = self.client("ecs").describe_task_definition(
            taskDefinition=definition, include=["TAGS"]
        )
        return {**told["taskDefinition"], "tags": told["tags"]}

    def families(self) -> set[str]:
        return set(self.pages("ecs", "list_task_definition_families", "families", status="ACTIVE"))


@pytest.fixture(scope="module")
def clouds(deployed: Checkout) -> dict[str, Cloud]:
    """Owner of the ground -> its account."""
    return {owner: Cloud(deployed, account) for owner, (account, _) in GROUNDS.items()}


def of(tenant: str, clouds: dict[str, Cloud]) -> Cloud:
    return clouds["federal-dhs" if tenant == "federal-dhs" else "platform"]


def tenant_tag(tags: list[Json], key: str = "key", value: str = "value") -> str:
    return str(inventory.plain(tags, key, value)["tenant"])


@each_ground
def test_the_services_are_those_of_the_tiers_on_fargate_and_private(
    clouds: dict[str, Cloud], owner: str
) -> None:
    cloud, (account, expected) = clouds[owner], GROUNDS[owner]
    services = cloud.services(owner)
    assert set(services) == {f"lakehouse-local--{service}" for service in expected}
    for name, service in services.items():
        assert service["launchType"] == "FARGATE"
        network = service["networkConfiguration"]["awsvpcConfiguration"]
        assert network["assignPublicIp"] == "DISABLED"
        assert len(network["subnets"]) == 2
        assert not service["enableExecuteCommand"]
        task = cloud.task(service["taskDefinition"])
        assert task["family"] == name
        whose = name.split("--")[1]
        assert tenant_tag(task["tags"]) == whose
        roles = f"arn:aws:iam::{account}:role/lakehouse-local/service/lakehouse-local--{whose}--"
        assert task["taskRoleArn"] == f"{roles}{name.split('--')[2]}"
        assert task["executionRoleArn"] == f"{roles}execution"
        (container,) = task["containerDefinitions"]
        log = container["logConfiguration"]["options"]["awslogs-group"]
        assert log == "/" + name.replace("--", "/")
        plain = [each["name"] for each in container["environment"]]
        assert not [variable for variable in plain if "password" in variable.lower()]
        for secret in container["secrets"]:
            place = f"arn:aws:secretsmanager:us-east-1:{account}:secret:lakehouse-local/{whose}/"
            assert secret["valueFrom"].startswith(place)


@each_ground
def test_each_host_leads_to_the_service_of_its_owner(clouds: dict[str, Cloud], owner: str) -> None:
    cloud = clouds[owner]
    (balancer,) = cloud.pages("elbv2", "describe_load_balancers", "LoadBalancers")
    assert balancer["Scheme"] == "internal"
    (listener,) = cloud.pages(
        "elbv2", "describe_listeners", "Listeners", LoadBalancerArn=balancer["LoadBalancerArn"]
    )
    assert (listener["Port"], listener["Protocol"]) == (443, "HTTPS")
    assert listener["DefaultActions"][0]["FixedResponseConfig"]["StatusCode"] == "404"
    served = {}
    targets = {
        registered["targetGroupArn"]: name.split("--", 1)[1]
        for name, service in cloud.services(owner).items()
        for registered in service["loadBalancers"]
    }
    for rule in cloud.client("elbv2").describe_rules(ListenerArn=listener["ListenerArn"])["Rules"]:
        if rule["IsDefault"]:
            continue
        (condition,), (action,) = rule["Conditions"], rule["Actions"]
        (host,) = condition["HostHeaderConfig"]["Values"]
        served[host] = targets[action["TargetGroupArn"]]
    expected = {
        "platform": {
            f"catalog.{DOMAIN}": "platform--gateway",
            f"dagster.{DOMAIN}": "platform--dagster-webserver",
            **{f"{tenant}.nessie.{DOMAIN}": f"{tenant}--nessie" for tenant in MEDIUM},
        },
        "federal-dhs": {
            f"federal-dhs.nessie.{DOMAIN}": "federal-dhs--nessie",
            f"federal-dhs.dagster.{DOMAIN}": "federal-dhs--dagster-webserver",
        },
    }
    assert served == expected[owner]
    zones = cloud.client("route53").list_hosted_zones()["HostedZones"]
    (zone,) = (zone for zone in zones if zone["Name"] == f"{DOMAIN}.")
    assert zone["Config"]["PrivateZone"]
    records = cloud.pages(
        "route53", "list_resource_record_sets", "ResourceRecordSets", HostedZoneId=zone["Id"]
    )
    named = {record["Name"].rstrip(".") for record in records if record["Type"] == "A"}
    assert named == set(served)


@each_ground
def test_the_databases_users_have_rotated_secrets_that_nobody_else_writes(
    clouds: dict[str, Cloud], owner: str
) -> None:
    cloud = clouds[owner]
    (instance,) = cloud.pages("rds", "describe_db_instances", "DBInstances")
    assert instance["StorageEncrypted"]
    assert instance["DeletionProtection"]
    assert not instance["PubliclyAccessible"]
    users = {
        secret["Name"]: secret
        for secret in cloud.pages("secretsmanager", "list_secrets", "SecretList")
        if secret["Name"].startswith("lakehouse-local/")
    }
    instances = {
        "platform": {
            "platform/nessie",
            "platform/dagster",
            *(f"{tenant}/nessie" for tenant in MEDIUM),
        },
        "federal-dhs": {"federal-dhs/nessie", "federal-dhs/dagster"},
    }
    assert set(users) == {f"lakehouse-local/{user}" for user in instances[owner]}
    for name, secret in users.items():
        assert secret["RotationEnabled"]
        assert secret["RotationLambdaARN"].endswith(f"lakehouse-local--{owner}--database-users")
        assert tenant_tag(secret["Tags"], "Key", "Value") == name.split("/")[1]


@each_ground
def test_the_network_has_no_way_out_but_endpoints_that_name_the_account(
    clouds: dict[str, Cloud], owner: str
) -> None:
    cloud, (account, _) = clouds[owner], GROUNDS[owner]
    (vpc,) = own_vpcs(cloud)
    gateways = cloud.pages("ec2", "describe_internet_gateways", "InternetGateways")
    attached = {each["VpcId"] for gateway in gateways for each in gateway["Attachments"]}
    assert vpc["VpcId"] not in attached
    assert cloud.pages("ec2", "describe_nat_gateways", "NatGateways", Filter=[by_vpc(vpc)]) == []
    endpoints = {
        endpoint["ServiceName"].removeprefix("com.amazonaws.us-east-1."): json.loads(
            endpoint["PolicyDocument"]
        )
        for endpoint in cloud.pages("ec2", "describe_vpc_endpoints", "VpcEndpoints", **within(vpc))
    }
    assert set(endpoints) == {"s3", "ecr.api", "ecr.dkr", "logs", "secretsmanager", "glue", "ecs"}
    for policy in endpoints.values():
        for statement in policy["Statement"]:
            if statement["Resource"] == [IMAGE_LAYERS]:  # AWS's own bucket, by URLs that ECR signs
                assert statement["Action"] == ["s3:GetObject"]
                continue
            conditions = json.dumps(statement["Condition"])
            assert f'"aws:PrincipalAccount": "{account}"' in conditions or "tenant" in conditions
    for group in cloud.pages("ec2", "describe_security_groups", "SecurityGroups", **within(vpc)):
        for rule in (*group["IpPermissions"], *group["IpPermissionsEgress"]):
            assert all(given["CidrIp"] != "0.0.0.0/0" for given in rule["IpRanges"])
            assert rule["Ipv6Ranges"] == []
    (flow_log,) = cloud.pages("ec2", "describe_flow_logs", "FlowLogs")
    assert (flow_log["ResourceId"], flow_log["TrafficType"]) == (vpc["VpcId"], "ALL")
    assert flow_log["LogDestination"].endswith(f":log-group:/lakehouse-local/{owner}/flow-logs")


def test_the_hard_tenants_endpoints_serve_that_tenant_only(clouds: dict[str, Cloud]) -> None:
    cloud = clouds["federal-dhs"]
    (vpc,) = own_vpcs(cloud)
    for endpoint in cloud.pages("ec2", "describe_vpc_endpoints", "VpcEndpoints", **within(vpc)):
        assert "federal-dhs" in endpoint["PolicyDocument"], endpoint["ServiceName"]


def test_the_hard_tenants_network_is_peered_to_the_platforms_and_no_other(
    clouds: dict[str, Cloud],
) -> None:
    platform, federal = (own_vpcs(clouds[owner])[0] for owner in GROUNDS)
    for owner in GROUNDS:
        own = platform if owner == "platform" else federal
        peerings = clouds[owner].pages(
            "ec2", "describe_vpc_peering_connections", "VpcPeeringConnections"
        )
        assert {one["Status"]["Code"] for one in peerings} == {"active"}
        assert {one["AccepterVpcInfo"]["VpcId"] for one in peerings} == {platform["VpcId"]}
        asking = {one["RequesterVpcInfo"]["VpcId"]: one["RequesterVpcInfo"] for one in peerings}
        assert federal["VpcId"] in asking
        assert len(asking) == (HARD if owner == "platform" else 1)
        others = asking.values() if owner == "platform" else [platform]
        routes = {
            route["DestinationCidrBlock"]
            for table in clouds[owner].pages(
                "ec2", "describe_route_tables", "RouteTables", **within(own)
            )
            for route in table["Routes"]
            if "DestinationCidrBlock" in route
        }
        assert routes == {own["CidrBlock"], *(other["CidrBlock"] for other in others)}


@each_ground
def test_the_trail_records_objects_into_a_bucket_that_nobody_can_erase(
    clouds: dict[str, Cloud], owner: str
) -> None:
    cloud, (account, _) = clouds[owner], GROUNDS[owner]
    trails = cloud.client("cloudtrail").describe_trails()["trailList"]
    (trail,) = (found for found in trails if found["Name"] == f"lakehouse-local.{owner}")
    assert trail["IsMultiRegionTrail"]
    assert trail["LogFileValidationEnabled"]
    assert trail["IsOrganizationTrail"] is (owner == "platform")
    selectors = cloud.client("cloudtrail").get_event_selectors(TrailName=trail["Name"])
    ((objects, *_),) = [
        [
            field
            for field in selector["FieldSelectors"]
            if field["Field"] == "resources.ARN" and "NotStartsWith" in field
        ]
        for selector in selectors["AdvancedEventSelectors"]
        if any(field["Field"] == "resources.ARN" for field in selector["FieldSelectors"])
        and any("NotStartsWith" in field for field in selector["FieldSelectors"])
    ]
    assert objects["StartsWith"] == ["arn:aws:s3:::lakehouse-local--"]
    lock = cloud.client("s3").get_object_lock_configuration(Bucket=trail["S3BucketName"])
    rule = lock["ObjectLockConfiguration"]["Rule"]["DefaultRetention"]
    assert rule == {"Mode": "COMPLIANCE", "Days": 2555}
    (subscription,) = cloud.client("logs").describe_subscription_filters(
        logGroupName=f"/lakehouse-local/{owner}/trail"
    )["subscriptionFilters"]
    router = f"arn:aws:lambda:us-east-1:{account}:function:lakehouse-local--{owner}--audit-router"
    assert subscription["destinationArn"] == router
    (denied,) = cloud.client("logs").describe_metric_filters(
        logGroupName=f"/lakehouse-local/{owner}/trail"
    )["metricFilters"]
    assert "AccessDenied" in denied["filterPattern"]


@each_ground
def test_alarms_reach_the_platforms_topic(clouds: dict[str, Cloud], owner: str) -> None:
    cloud, (account, services) = clouds[owner], GROUNDS[owner]
    alarms = {
        alarm["AlarmName"]: alarm
        for alarm in cloud.pages("cloudwatch", "describe_alarms", "MetricAlarms")
    }
    topic = f"arn:aws:sns:us-east-1:{account}:lakehouse-local--{owner}--alerts"
    for name, alarm in alarms.items():
        assert alarm["AlarmActions"] == [topic], name
    for service in services:
        assert f"lakehouse-local--{service}--stopped" in alarms
    for what in ("access-denied", "cross-tenant"):
        assert any(what in name for name in alarms), what


def owned(tenant: str, clouds: dict[str, Cloud]) -> dict[str, set[str]]:
    """What is the tenant's own, found in the cloud by its tag or told by its summary."""
    cloud = of(tenant, clouds)
    roles = inventory.identities(cloud.client("iam"))["roles"]
    tasks = {family: cloud.task(family) for family in cloud.families()}
    groups = cloud.pages("logs", "describe_log_groups", "logGroups")
    return {
        "task definitions": {
            family for family, task in tasks.items() if tenant_tag(task["tags"]) == tenant
        },
        "roles": {role["arn"] for role in roles.values() if role["tags"].get("tenant") == tenant},
        "log groups": {
            group["logGroupName"]
            for group in groups
            if cloud.client("logs")
            .list_tags_for_resource(resourceArn=group["arn"].removesuffix(":*"))["tags"]
            .get("tenant")
            == tenant
        },
    }


def test_every_tenant_has_tasks_roles_logs_hosts_and_records_of_its_own(
    deployed: Checkout, clouds: dict[str, Cloud]
) -> None:
    summaries = {tenant["tenant"]: tenant for tenant in deployed.up()["tenants"]}
    assert set(summaries) == set(TENANTS)
    seen: dict[tuple[str, str], str] = {}
    for tenant in TENANTS:
        summary = summaries[tenant]
        account = FEDERAL if tenant == "federal-dhs" else PLATFORM
        own = owned(tenant, clouds)
        assert f"lakehouse-local--{tenant}--run" in own["task definitions"]
        assert summary["runs"] == f"lakehouse-local--{tenant}--run"
        assert set(summary["roles"]) <= own["roles"]
        assert f"/lakehouse-local/{tenant}/run" in own["log groups"]
        task = of(tenant, clouds).task(summary["runs"])
        run_role = f"arn:aws:iam::{account}:role/lakehouse-local/run/lakehouse-local--{tenant}--run"
        assert task["taskRoleArn"] == run_role
        own["audit"] = {summary["audit"]}
        own["data"] = {summary["storage"]}
        # Soft tenants share the catalog's host, soft and medium ones that of Dagster.
        shared = {f"https://catalog.{DOMAIN}", f"https://dagster.{DOMAIN}"}
        own["hosts"] = set(summary["endpoints"].values()) - shared - {deployed.endpoint}
        assert len(own["hosts"]) == {"soft": 0, "medium": 1, "hard": 2}[summary["tier"]]
        for kind, things in own.items():
            for thing in things:
                assert seen.setdefault((kind, thing), tenant) == tenant, thing


def own_vpcs(cloud: Cloud) -> list[Json]:
    vpcs = cloud.pages("ec2", "describe_vpcs", "Vpcs")
    return [vpc for vpc in vpcs if not vpc["IsDefault"]]


def by_vpc(vpc: Json) -> Json:
    return {"Name": "vpc-id", "Values": [vpc["VpcId"]]}


def within(vpc: Json) -> Json:
    return {"Filters": [by_vpc(vpc)]}
