"""RDS: instances with ids of their own, groups that survive a change, and what AWS refuses.

moto gives every instance the same resource id (IAM names a database user by it), drops a subnet
group when it is modified, deletes groups that are in use, cannot reset a parameter, and knows
nothing of performance insights.
"""

# A wrapper has the form of what it wraps.
# ruff: noqa: ANN401

from __future__ import annotations

import base64
import hashlib
from typing import Any, Final

from moto.core.responses import ActionResult
from moto.rds.exceptions import DBParameterGroupNotFoundError, RDSClientError
from moto.rds.models import DBInstance, RDSBackend
from moto.rds.responses import RDSResponse

from localcloud.emulator.patches.wrapping import Function, added, around

_ZONES: Final = 2  # RDS User Guide, "Working with a DB instance in a VPC"


def _init_instance(original: Function, self: Any, backend: Any, *args: Any, **kwargs: Any) -> None:
    original(self, backend, *args, **kwargs)
    place = f"{backend.account_id}:{backend.region_name}:{self.db_instance_identifier}"
    born = f"{place}:{self.created}"
    digest = base64.b32encode(hashlib.sha256(born.encode()).digest()).decode()
    self.dbi_resource_id = f"db-{digest[:26]}"
    _watch(self, kwargs)


def _update_instance(original: Function, self: Any, **kwargs: Any) -> None:
    original(self, **kwargs)
    _watch(self, kwargs)


def _watch(instance: Any, given: dict[str, Any]) -> None:
    enabled = given.get("enable_performance_insights")
    if enabled is not None:
        instance.performance_insights_enabled = enabled
    for name in ("performance_insights_kms_key_id", "performance_insights_retention_period"):
        if given.get(name) is not None:
            setattr(instance, name, given[name])


def _cover(subnets: list[Any]) -> None:
    if len({subnet.availability_zone for subnet in subnets}) < _ZONES:
        raise RDSClientError(
            "DBSubnetGroupDoesNotCoverEnoughAZs",
            "The DB subnet group doesn't meet Availability Zone (AZ) coverage requirement. "
            f"Add subnets to cover at least {_ZONES} AZs.",
        )


def _create_subnet_group(
    original: Function, self: Any, name: str, description: str, subnets: list[Any], *args: Any
) -> Any:
    _cover(subnets)
    return original(self, name, description, subnets, *args)


def _modify_subnet_group(
    original: Function, self: Any, name: str, description: str, subnets: list[Any]
) -> Any:
    self.describe_db_subnet_groups(name)  # raises when it is absent; moto answers 500 then
    _cover(subnets)
    group = original(self, name, description, subnets)
    self.subnet_groups[name] = group
    return group


def _delete_subnet_group(original: Function, self: Any, name: str) -> Any:
    for database in self.databases.values():
        group = getattr(database, "db_subnet_group", None)
        if group is not None and group.name == name:
            raise RDSClientError(
                "InvalidDBSubnetGroupStateFault",
                f"Cannot delete the subnet group '{name}' because at least one database instance: "
                f"{database.db_instance_identifier} is still using it.",
            )
    return original(self, name)


def _delete_parameter_group(original: Function, self: Any, name: str) -> Any:
    if any(one.db_parameter_group_name == name for one in self.databases.values()):
        raise RDSClientError(
            "InvalidDBParameterGroupState",
            "One or more database instances are still members of this parameter group "
            f"{name}, so the group cannot be deleted",
        )
    return original(self, name)


def _reset_parameters(self: Any) -> ActionResult:
    name = self.params.get("DBParameterGroupName")
    group = self.backend.db_parameter_groups.get(name)
    if group is None:
        raise DBParameterGroupNotFoundError(name)
    for parameter in self.params.get("Parameters", []):
        group.parameters.pop(parameter["ParameterName"], None)
    return ActionResult({"DBParameterGroupName": name})


def patch() -> None:
    """Change moto in this process."""
    around(DBInstance, "__init__")(_init_instance)
    around(DBInstance, "update")(_update_instance)
    around(RDSBackend, "create_subnet_group")(_create_subnet_group)
    around(RDSBackend, "modify_db_subnet_group")(_modify_subnet_group)
    around(RDSBackend, "delete_subnet_group")(_delete_subnet_group)
    around(RDSBackend, "delete_db_parameter_group")(_delete_parameter_group)
    added(RDSResponse, "reset_db_parameter_group", _reset_parameters)
