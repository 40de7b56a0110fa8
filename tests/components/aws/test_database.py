"""The database: private, encrypted, kept; its users' secrets are filled by the function alone."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any, cast

import pytest
from pulumi import AssetArchive, FileAsset, Output

from components.aws.archive import installed
from components.aws.database import Database, DatabaseArgs, DatabaseUser, DatabaseUserArgs
from components.aws.network import Network
from components.aws.parts import DatabaseParts
from onboarding.recording import Recorded
from tenancy.database import database_users_statements
from tenancy.database_names import database_name
from tenancy.estate import StackPlan, load_estate
from tenancy.grants import PolicyKind, render
from tenancy.names import Names, ServiceKind
from tests.components.aws.networks import depends_on, named, of_type, owner, plan, recorded
from tests.estates import FILES, write_estate

Resources = dict[str, Recorded]


def built(stack: StackPlan, user: str) -> Resources:
    def build(network: Network) -> None:
        alerts = Output.from_input("arn:alerts")
        args = DatabaseArgs(stack.names, owner(stack), network, alerts)
        database = Database("db", args)
        made = DatabaseUser(
            "user", DatabaseUserArgs(database.parts, stack.names, user, ServiceKind.NESSIE)
        )
        assert made.database_name == database_name(user, "nessie")

    return recorded(stack, build)


@pytest.fixture
def prod(tmp_path: Path) -> Resources:
    return built(plan(tmp_path, "prod"), "globex")


@pytest.fixture
def hard(tmp_path: Path) -> Resources:
    return built(plan(tmp_path, "prod-initech"), "initech")


def rules(found: Resources, kind: str, group: str) -> dict[str, Any]:
    """Of one group: description -> other side and ports."""
    return {
        rule.inputs["description"]: (
            rule.inputs.get("referencedSecurityGroupId") or rule.inputs.get("cidrIpv4"),
            rule.inputs["fromPort"],
            rule.inputs["toPort"],
        )
        for rule in of_type(found, kind)
        if rule.inputs["securityGroupId"] == group
    }


def test_the_instance_is_private_encrypted_backed_up_and_kept(prod: Resources) -> None:
    instance = named(prod, "db-instance")
    assert (instance.protect, instance.retain) == (True, True)
    inputs = instance.inputs
    assert inputs["identifier"] == "lakehouse-prod-platform-db"
    assert inputs["storageEncrypted"] is True
    assert inputs["publiclyAccessible"] is False
    assert inputs["deletionProtection"] is True
    assert inputs["skipFinalSnapshot"] is False
    assert inputs["finalSnapshotIdentifier"]
    assert inputs["backupRetentionPeriod"] == 35
    assert inputs["multiAz"] is True
    assert inputs["vpcSecurityGroupIds"] == ["db-group-group-id"]
    assert depends_on(prod, instance, named(prod, "db-parameters"))


def test_its_master_password_is_rds_own_affair(prod: Resources) -> None:
    inputs = named(prod, "db-instance").inputs
    assert inputs["manageMasterUserPassword"] is True
    assert "password" not in inputs


def test_it_takes_tls_and_scram_only(prod: Resources) -> None:
    parameters = named(prod, "db-parameters").inputs
    assert parameters["family"] == "postgres17"
    assert named(prod, "db-instance").inputs["engineVersion"] == "17"
    values = {one["name"]: one["value"] for one in parameters["parameters"]}
    assert values["rds.force_ssl"] == "1"
    assert values["rds.accepted_password_auth_method"] == "scram"


def test_only_its_own_network_reaches_its_one_port(prod: Resources) -> None:
    inward = rules(prod, "SecurityGroupIngressRule", "db-group-group-id")
    assert inward == {"from network": ("10.0.0.0/16", 5432, 5432)}
    assert rules(prod, "SecurityGroupEgressRule", "db-group-group-id") == {}


def test_the_function_reaches_the_database_and_awss_endpoints_only(prod: Resources) -> None:
    assert rules(prod, "SecurityGroupIngressRule", "db-users-group-id") == {}
    outward = rules(prod, "SecurityGroupEgressRule", "db-users-group-id")
    assert outward == {
        "to database": ("db-group-group-id", 5432, 5432),
        "to endpoints": ("net-endpoints-group-id", 443, 443),
    }


def test_the_functions_role_is_bounded_by_its_own_grants_and_only_for_that_function(
    prod: Resources,
) -> None:
    role = named(prod, "db-users-role").inputs
    assert role["name"] == "lakehouse-prod--platform--database-users"
    assert role["path"] == "/lakehouse-prod/service/"
    assert role["permissionsBoundary"] == "arn:of:db-users-boundary"
    (trust,) = json.loads(role["assumeRolePolicy"])["Statement"]
    assert trust["Principal"] == {"Service": ["lambda.amazonaws.com"]}
    assert trust["Condition"]["ArnEquals"]["aws:SourceArn"].endswith("--platform--database-users")
    grants = named(prod, "db-users-grants").inputs["policy"]
    assert grants == named(prod, "db-users-boundary").inputs["policy"]


def test_the_function_is_told_where_everything_is_and_no_password(prod: Resources) -> None:
    function = named(prod, "db-users-function")
    assert function.inputs["environment"]["variables"] == {
        "DATABASE_HOST": "db-instance.rds.example",
        "DATABASE_PORT": "5432",
        "DATABASE_AUTHORITIES": "authorities/us-east-1.pem",
        "MASTER_SECRET": "arn:of:db-instance:master",
        "SECRETS_PREFIX": "lakehouse-prod/",
        "KINDS": "nessie,dagster",
    }
    assert len(function.inputs["vpcConfig"]["subnetIds"]) == 2
    assert function.inputs["loggingConfig"]["logGroup"] == "/lakehouse-prod/platform/database-users"
    assert depends_on(prod, function, named(prod, "db-users-grants"))


def test_secrets_manager_alone_may_call_it_for_secrets_of_its_own(
    prod: Resources, hard: Resources
) -> None:
    for found, secrets in ((prod, "lakehouse-prod/*"), (hard, "lakehouse-prod/initech/*")):
        permission = named(found, "db-users-permission").inputs
        assert permission["principal"] == "secretsmanager.amazonaws.com"
        assert permission["sourceArn"].endswith(f":secret:{secrets}")
    assert named(prod, "db-users-permission").inputs["sourceAccount"] == "222222222222"
    assert named(hard, "db-users-permission").inputs["sourceAccount"] == "444444444444"


def test_a_users_secret_is_kept_and_has_no_value_of_the_programs(prod: Resources) -> None:
    secret = named(prod, "user-secret")
    assert (secret.protect, secret.retain) == (True, True)
    assert secret.inputs["name"] == "lakehouse-prod/globex/nessie"
    assert of_type(prod, "SecretVersion") == []
    rotation = named(prod, "user-rotation")
    assert rotation.inputs["rotateImmediately"] is True
    assert rotation.inputs["rotationLambdaArn"] == "arn:of:db-users-function"
    # Secrets Manager refuses a function that it may not call.
    assert depends_on(prod, rotation, named(prod, "db-users-permission"))


def test_somebody_is_told_when_it_fails(prod: Resources) -> None:
    alarms = {alarm.name: alarm.inputs for alarm in of_type(prod, "MetricAlarm")}
    assert set(alarms) == {"db-failed-alarm", "db-disk-alarm"}
    assert all(alarm["alarmActions"] == ["arn:alerts"] for alarm in alarms.values())


def test_the_platforms_database_is_the_platforms_and_a_users_secret_its_tenants(
    prod: Resources, hard: Resources
) -> None:
    claims = named(prod, "db").outputs["claims"]
    assert claims["tenant"] is None
    assert claims["reason"]
    (role,) = claims["principals"]
    assert role in claims["owns"]
    assert named(hard, "db").outputs["claims"]["tenant"] == "initech"
    assert named(prod, "user").outputs["claims"] == {
        "tenant": "globex",
        "owns": [
            "arn:aws:secretsmanager:us-east-1:222222222222:secret:lakehouse-prod/globex/nessie-??????"
        ],
        "principals": [],
    }


def test_no_users_are_made_for_other_services() -> None:
    names = Names("lakehouse", "prod", "222222222222", "us-east-1")
    database = cast("DatabaseParts", None)  # it is not looked at
    with pytest.raises(ValueError, match="no users are made for gateway"):
        DatabaseUserArgs(database, names, "acme", ServiceKind.GATEWAY)


def unpacked(archive: AssetArchive, folder: Path) -> Path:
    for place, asset in archive.assets.items():
        assert isinstance(asset, FileAsset)
        path = folder / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(Path(asset.path).read_bytes())
    return folder


def test_the_archive_holds_all_that_the_function_imports(prod: Resources, tmp_path: Path) -> None:
    code = named(prod, "db-users-function").inputs["code"]
    folder = unpacked(code, tmp_path / "unpacked")
    # Nothing of this environment is on the path; boto3 is the runtime's.
    program = (
        "import sys, types\n"
        f"sys.path.insert(0, {str(folder)!r})\n"
        "for name in ('boto3', 'botocore', 'botocore.config', 'botocore.exceptions'):\n"
        "    sys.modules[name] = types.ModuleType(name)\n"
        "sys.modules['botocore.config'].Config = 0\n"
        "sys.modules['botocore.exceptions'].ClientError = 0\n"
        "from pipelines.database_users.handler import handle\n"
        "print(handle.__module__)\n"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", program], capture_output=True, text=True, check=False
    )
    assert (done.stdout.strip(), done.stderr) == ("pipelines.database_users.handler", "")
    assert (folder / "pipelines/database_users/authorities/us-east-1.pem").exists()
    assert len(list(folder.rglob("LICENSE*"))) >= 4


def test_a_region_without_authorities_is_warned_of(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    initech = FILES["tenants/initech.yaml"].replace("us-west-2", "mx-central-1")
    stack = load_estate(write_estate(tmp_path, {"tenants/initech.yaml": initech})).stack(
        "prod-initech"
    )
    found = built(stack, "initech")
    assert "authorities/mx-central-1.pem" in caplog.text
    code = named(found, "db-users-function").inputs["code"]
    assert not [place for place in code.assets if place.endswith(".pem")]


def test_the_installers_own_files_change_no_archive() -> None:
    names = {Path(place).name for place in installed("pg8000")}
    assert {"native.py", "METADATA", "LICENSE"} <= names
    assert not {"RECORD", "INSTALLER", "REQUESTED"} & names


def test_the_grants_are_those_that_were_decided(tmp_path: Path) -> None:
    stack = plan(tmp_path, "prod-initech")
    found = built(stack, "initech")
    decided = render(database_users_statements(stack.names, "initech"), PolicyKind.INLINE)
    assert named(found, "db-users-grants").inputs["policy"] == decided
