"""Amazon RDS. The emulator starts no database: an endpoint answers nobody."""

# A class is its table, `resource` documents the methods.
# ruff: noqa: ANN401, D101, D102, S105

from __future__ import annotations

import re
from typing import Any, Final

from botocore.exceptions import ClientError

from localcloud.aws_plugin.cloud import Cloud
from localcloud.aws_plugin.registry import register
from localcloud.aws_plugin.resource import (
    TAGS,
    ApiResource,
    Property,
    ResourceError,
    Tagging,
    declare,
    is_absent,
    plain,
)
from localcloud.aws_plugin.upsert import Upsert
from localcloud.aws_plugin.values import Properties

TAGGING: Final = Tagging(
    "add_tags_to_resource", "remove_tags_from_resource", "list_tags_for_resource", "ResourceName"
)
DESCRIPTION: Final = Property(default="Managed by Pulumi", replace=True)


def named(kind: str, name: Any) -> list[tuple[str, str]]:
    """What RDS would say of a group's name (CreateDBSubnetGroup, CreateDBParameterGroup)."""
    if isinstance(name, str) and not re.fullmatch(r"[a-z](?!.*--)[a-z0-9._-]{0,254}", name):
        return [("name", f"a {kind}'s name is of lower-case letters, digits, - . _, no --")]
    return []


@register
class SubnetGroup(Upsert):
    token = "aws:rds/subnetGroup:SubnetGroup"
    service = "rds"
    id_format = "{name}"
    properties = declare(
        name=Property(required=True, replace=True, api="DBSubnetGroupName"),
        description=Property(default="Managed by Pulumi", api="DBSubnetGroupDescription"),
        subnetIds=Property(required=True, unordered=True),
        tags=TAGS,
    )
    outputs = ("arn", "vpcId")
    create_call = "create_db_subnet_group"
    update_call = "modify_db_subnet_group"
    read_call = "describe_db_subnet_groups"
    read_path = "DBSubnetGroups[0]"
    delete_call = "delete_db_subnet_group"
    tagging = TAGGING

    def validate(self, inputs: Properties) -> list[tuple[str, str]]:
        return named("subnet group", inputs["name"])

    def complete(self, cloud: Cloud, inputs: Properties) -> Properties:
        return {"description": "Managed by Pulumi", **inputs}

    def predict(self, cloud: Cloud, inputs: Properties) -> Properties:
        region, name = inputs.get("region") or cloud.region, inputs["name"]
        return {"arn": cloud.arn("rds", f"subgrp:{name}", region=region, account=cloud.account)}

    def live(self, client: Any, found: Any, known: Any) -> Properties:
        return {
            **super().live(client, found, known),
            "arn": found["DBSubnetGroupArn"],
            "subnetIds": [subnet["SubnetIdentifier"] for subnet in found["Subnets"]],
        }


def _twenties(parameters: list[Any]) -> list[list[Any]]:
    """In the portions that a call takes (ModifyDBParameterGroup: at most 20)."""
    return [parameters[start : start + 20] for start in range(0, len(parameters), 20)]


def _same_parameters(one: Any, other: Any) -> bool:
    def normal(parameters: Any) -> Any:
        full = [{"applyMethod": "immediate", **parameter} for parameter in parameters or []]
        return plain(full, unordered=True)

    return bool(normal(one) == normal(other))


@register
class ParameterGroup(ApiResource):
    token = "aws:rds/parameterGroup:ParameterGroup"
    service = "rds"
    id_format = "{name}"
    properties = declare(
        name=Property(required=True, replace=True, api="DBParameterGroupName"),
        description=DESCRIPTION,
        family=Property(required=True, replace=True, api="DBParameterGroupFamily"),
        parameters=Property(by_hand=True, same=_same_parameters),
        skipDestroy=Property(default=False, by_hand=True, write_only=True),
        tags=TAGS,
    )
    outputs = ("arn",)
    create_call = "create_db_parameter_group"
    read_call = "describe_db_parameter_groups"
    read_path = "DBParameterGroups[0]"
    delete_call = "delete_db_parameter_group"
    tagging = TAGGING

    def validate(self, inputs: Properties) -> list[tuple[str, str]]:
        wrong = named("parameter group", inputs["name"])
        for parameter in inputs.get("parameters") or []:
            if unknown := set(parameter) - {"name", "value", "applyMethod"}:
                wrong.append(("parameters", f"unknown here: {', '.join(sorted(unknown))}"))
        return wrong

    def complete(self, cloud: Cloud, inputs: Properties) -> Properties:
        return {"description": "Managed by Pulumi", **inputs}

    def predict(self, cloud: Cloud, inputs: Properties) -> Properties:
        region, name = inputs.get("region") or cloud.region, inputs["name"]
        return {"arn": cloud.arn("rds", f"pg:{name}", region=region, account=cloud.account)}

    def make(self, cloud: Cloud, urn: str, inputs: Properties) -> str:
        name = super().make(cloud, urn, inputs)
        self._set(cloud, inputs, [])
        return name

    def _set(self, cloud: Cloud, inputs: Properties, before: list[Any]) -> None:
        """Set the wanted parameters and reset those that are wanted no more."""
        rds, name = self.client(cloud, inputs), inputs["name"]
        wanted = {one["name"]: one for one in inputs.get("parameters") or []}
        for some in _twenties(list(wanted.values())):
            rds.modify_db_parameter_group(
                DBParameterGroupName=name,
                Parameters=[
                    {
                        "ParameterName": one["name"],
                        "ParameterValue": str(one["value"]),
                        "ApplyMethod": one.get("applyMethod") or "immediate",
                    }
                    for one in some
                ],
            )
        for gone in _twenties([one for one in before if one["name"] not in wanted]):
            rds.reset_db_parameter_group(
                DBParameterGroupName=name,
                Parameters=[
                    {"ParameterName": one["name"], "ApplyMethod": one["applyMethod"]}
                    for one in gone
                ],
            )

    def live(self, client: Any, found: Any, known: Any) -> Properties:
        pages = client.get_paginator("describe_db_parameters").paginate(
            DBParameterGroupName=found["DBParameterGroupName"], Source="user"
        )
        return {
            **super().live(client, found, known),
            "arn": found["DBParameterGroupArn"],
            "parameters": [
                {
                    "name": one["ParameterName"],
                    "value": one["ParameterValue"],
                    "applyMethod": one["ApplyMethod"],
                }
                for page in pages
                for one in page["Parameters"]
            ],
        }

    def change(
        self, cloud: Cloud, identifier: str, state: Properties, inputs: Properties, what: set[str]
    ) -> None:
        if "parameters" in what:
            there = self.read(cloud, identifier, inputs) or {}
            self._set(cloud, inputs, there.get("parameters") or [])
        super().change(cloud, identifier, state, inputs, what & {"tags"})

    def remove(self, cloud: Cloud, identifier: str, state: Properties) -> None:
        if not state.get("skipDestroy"):
            super().remove(cloud, identifier, state)


def _same_version(wanted: Any, there: Any) -> bool:
    """``16`` asks for any 16.x, and AWS chooses the minor version."""
    one, other = sorted((str(wanted or ""), str(there or "")), key=len)
    return bool(one) and (one == other or other.startswith(f"{one}."))


# Properties that tell how to change or delete, and are of no instance.
_HOW: Final = Property(default=False, by_hand=True, write_only=True)


@register
class Instance(ApiResource):
    """A database whose master password RDS keeps in a secret of its own: none passes here."""

    token = "aws:rds/instance:Instance"
    service = "rds"
    id_format = "{identifier}"
    properties = declare(
        identifier=Property(required=True, replace=True, api="DBInstanceIdentifier"),
        allocatedStorage=Property(required=True),
        allowMajorVersionUpgrade=Property(default=False, write_only=True),
        applyImmediately=_HOW,
        autoMinorVersionUpgrade=Property(default=True),
        availabilityZone=Property(computed=True, replace=True),
        backupRetentionPeriod=Property(computed=True),
        backupWindow=Property(computed=True, api="PreferredBackupWindow"),
        caCertIdentifier=Property(computed=True, api="CACertificateIdentifier"),
        copyTagsToSnapshot=Property(default=False),
        dbName=Property(replace=True),
        dbSubnetGroupName=Property(computed=True),
        deleteAutomatedBackups=Property(default=True, by_hand=True, write_only=True),
        deletionProtection=Property(default=False),
        enabledCloudwatchLogsExports=Property(
            unordered=True, by_hand=True, api="EnableCloudwatchLogsExports"
        ),
        engine=Property(required=True, replace=True),
        engineVersion=Property(computed=True, same=_same_version),
        finalSnapshotIdentifier=Property(by_hand=True, write_only=True),
        iamDatabaseAuthenticationEnabled=Property(
            default=False, api="EnableIAMDatabaseAuthentication"
        ),
        instanceClass=Property(required=True, api="DBInstanceClass"),
        iops=Property(computed=True),
        kmsKeyId=Property(computed=True, replace=True),
        licenseModel=Property(computed=True),
        maintenanceWindow=Property(
            computed=True,
            api="PreferredMaintenanceWindow",
            same=lambda one, other: str(one).lower() == str(other).lower(),
        ),
        manageMasterUserPassword=Property(),
        masterUserSecretKmsKeyId=Property(computed=True),
        maxAllocatedStorage=Property(default=0),
        monitoringInterval=Property(default=0),
        monitoringRoleArn=Property(),
        multiAz=Property(default=False, api="MultiAZ"),
        optionGroupName=Property(computed=True),
        parameterGroupName=Property(computed=True, api="DBParameterGroupName"),
        performanceInsightsEnabled=Property(default=False, api="EnablePerformanceInsights"),
        performanceInsightsKmsKeyId=Property(computed=True, api="PerformanceInsightsKMSKeyId"),
        performanceInsightsRetentionPeriod=Property(computed=True),
        port=Property(computed=True, replace=True),
        publiclyAccessible=Property(default=False),
        skipFinalSnapshot=_HOW,
        storageEncrypted=Property(default=False, replace=True),
        storageThroughput=Property(computed=True),
        storageType=Property(computed=True),
        username=Property(required=True, replace=True, api="MasterUsername"),
        vpcSecurityGroupIds=Property(computed=True, unordered=True),
        tags=TAGS,
    )
    outputs = (
        "arn",
        "address",
        "endpoint",
        "engineVersionActual",
        "hostedZoneId",
        "masterUserSecrets",
        "resourceId",
        "status",
    )
    create_call = "create_db_instance"
    update_call = "modify_db_instance"
    read_call = "describe_db_instances"
    read_path = "DBInstances[0]"
    tagging = TAGGING

    def validate(self, inputs: Properties) -> list[tuple[str, str]]:
        wrong = []
        # RDS API Reference, CreateDBInstance: DBInstanceIdentifier.
        pattern = r"[a-z](?!.*--)[a-z0-9-]{0,62}(?<!-)"
        if isinstance(name := inputs["identifier"], str) and not re.fullmatch(pattern, name):
            told = "1 to 63 lower-case letters, digits and hyphens; a letter first, no hyphen last,"
            wrong.append(("identifier", f"{told} and no two hyphens in a row"))
        if inputs.get("manageMasterUserPassword") is not True:
            told = "must be true: a password of the program's would lie in the state"
            wrong.append(("manageMasterUserPassword", told))
        return wrong

    def predict(self, cloud: Cloud, inputs: Properties) -> Properties:
        region, name = inputs.get("region") or cloud.region, inputs["identifier"]
        return {"arn": cloud.arn("rds", f"db:{name}", region=region, account=cloud.account)}

    def call(self, cloud: Cloud, call: str, values: Any, **fixed: Any) -> Any:
        if call == self.create_call and (exports := values.get("enabledCloudwatchLogsExports")):
            fixed["EnableCloudwatchLogsExports"] = exports
        return super().call(cloud, call, values, **fixed)

    def live(self, client: Any, found: Any, known: Any) -> Properties:
        endpoint, secret = found["Endpoint"], found.get("MasterUserSecret")
        live = {
            **super().live(client, found, known),
            "arn": found["DBInstanceArn"],
            "address": endpoint["Address"],
            "endpoint": f"{endpoint['Address']}:{endpoint['Port']}",
            "port": endpoint["Port"],
            "hostedZoneId": endpoint.get("HostedZoneId"),
            "engineVersionActual": found["EngineVersion"],
            "resourceId": found["DbiResourceId"],
            "status": found["DBInstanceStatus"],
            "dbSubnetGroupName": found.get("DBSubnetGroup", {}).get("DBSubnetGroupName"),
            "enabledCloudwatchLogsExports": found.get("EnabledCloudwatchLogsExports"),
            "iamDatabaseAuthenticationEnabled": found.get("IAMDatabaseAuthenticationEnabled"),
            "performanceInsightsEnabled": found.get("PerformanceInsightsEnabled"),
            "optionGroupName": found["OptionGroupMemberships"][0]["OptionGroupName"],
            "parameterGroupName": found["DBParameterGroups"][0]["DBParameterGroupName"],
            "vpcSecurityGroupIds": [
                group["VpcSecurityGroupId"] for group in found["VpcSecurityGroups"]
            ],
        }
        if secret:
            live["manageMasterUserPassword"] = True
            live["masterUserSecretKmsKeyId"] = secret["KmsKeyId"]
            live["masterUserSecrets"] = [
                {
                    "kmsKeyId": secret["KmsKeyId"],
                    "secretArn": secret["SecretArn"],
                    "secretStatus": secret["SecretStatus"],
                }
            ]
        return live

    def change(
        self, cloud: Cloud, identifier: str, state: Properties, inputs: Properties, what: set[str]
    ) -> None:
        if "tags" in what:
            self.change_tags(cloud, {**inputs, **state}, inputs)
        if not what - {"tags"}:
            return
        fixed: dict[str, Any] = {"ApplyImmediately": True}  # the emulator has no window to wait for
        if "enabledCloudwatchLogsExports" in what:
            old = set(state.get("enabledCloudwatchLogsExports") or [])
            new = set(inputs.get("enabledCloudwatchLogsExports") or [])
            fixed["CloudwatchLogsExportConfiguration"] = {
                "EnableLogTypes": sorted(new - old),
                "DisableLogTypes": sorted(old - new),
            }
        # What is as it was stays unsaid: a version named again would be an upgrade. What goes
        # back to its default is said.
        values = {
            name: self.table[name].default if inputs.get(name) is None else inputs[name]
            for name in what - {"tags"}
        }
        key = {"identifier": identifier, "region": inputs.get("region")}
        self.call(cloud, "modify_db_instance", {**values, **key}, **fixed)

    def remove(self, cloud: Cloud, identifier: str, state: Properties) -> None:
        how: dict[str, Any] = {
            "DeleteAutomatedBackups": state.get("deleteAutomatedBackups") is not False
        }
        if state.get("skipFinalSnapshot"):
            how["SkipFinalSnapshot"] = True
        elif snapshot := state.get("finalSnapshotIdentifier"):
            how["FinalDBSnapshotIdentifier"] = snapshot
        elif self.read(cloud, identifier, state) is not None:
            raise ResourceError(
                f"the database {identifier} was not deleted: its last state would be lost. Give "
                "a finalSnapshotIdentifier, or set skipFinalSnapshot, and apply that first"
            )
        try:
            self.client(cloud, state).delete_db_instance(DBInstanceIdentifier=identifier, **how)
        except ClientError as error:
            if not is_absent(error):
                raise
