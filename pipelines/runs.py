"""Whose run it is, and what a run may not ask for: one rule for the queue and for the launchers.

A run's partition is its tenant. The tag ``tenant`` follows from it and is nobody's to choose: the
queue limits runs by it, and the launcher chooses the task by it.
"""

import re

from dagster import DagsterRun
from dagster._core.storage.tags import PARTITION_NAME_TAG

from pipelines.registry import RUNS, Section, is_tenant_id

TENANT_TAG = "tenant"
"""The run tag that says whose run it is; `pipelines.lakehouse.partitions` sets it."""

# Amazon ECS API Reference, RegisterTaskDefinition; so it is neither a revision nor an ARN.
_FAMILY = re.compile(r"[A-Za-z0-9_-]{1,255}")
_ECS_TAGS = "ecs/"
# The launcher writes these on a run that it started, and a retry inherits them. It is no order,
# and is checked before it is believed (`TenantEcsRunLauncher._get_run_tags`).
_RECORDS = frozenset({"ecs/task_arn", "ecs/cluster"})


def _task_family(tenant: str, told: object) -> str:
    family = told.get("task_family") if isinstance(told, dict) else None
    if not isinstance(family, str) or not _FAMILY.fullmatch(family):
        raise ValueError(f"{tenant}: names no task family")
    return family


TASK_FAMILY = Section(RUNS, _task_family)
"""What the registry says of a tenant's runs: the family of their task definition."""


class RunRefusedError(Exception):
    """A run asks for what is not its own to choose, or says of no known tenant that it is its."""


def partition_tenant(run: DagsterRun) -> str:
    """The tenant that the run's one partition names.

    Raises:
        RunRefusedError: it has none, so that only its caller could say whose it is; or its tag
            says another.
    """
    partition = run.tags.get(PARTITION_NAME_TAG)
    if not partition:
        raise RunRefusedError(
            f"run {run.run_id} is of no one partition, and a run's partition says whose it is;"
            " start it for one partition of `tenant`"
        )
    _require_agreement(run, partition)
    return partition


def launched_tenant(run: DagsterRun) -> str:
    """The id of the tenant as whose task the run is to be started, if there is such a tenant.

    Raises:
        RunRefusedError: its tags or its code location ask for what they may not, or they name what
            can be no tenant.
    """
    asked = sorted(tag for tag in run.tags if tag.startswith(_ECS_TAGS) and tag not in _RECORDS)
    if asked:
        raise RunRefusedError(
            f"run {run.run_id} has the tags {', '.join(asked)}: what a run is started with is"
            " in its tenant's task definition"
        )
    origin = run.job_code_origin
    if origin is not None and origin.repository_origin.container_context:
        raise RunRefusedError(
            f"the code location of run {run.run_id} has a container context: what a run is"
            " started with is in its tenant's task definition"
        )
    tenant = run.tags.get(TENANT_TAG)
    if tenant is None or not is_tenant_id(tenant):
        raise no_tenant_of(run)
    _require_agreement(run, run.tags.get(PARTITION_NAME_TAG, tenant))
    return tenant


def no_tenant_of(run: DagsterRun) -> RunRefusedError:
    """What a run is refused with that is of no tenant here."""
    tenant = run.tags.get(TENANT_TAG)
    said = f"`{tenant}`, which no tenant here is called" if tenant else "nothing"
    return RunRefusedError(
        f"the tag `{TENANT_TAG}` of run {run.run_id} says {said}; the code location must"
        " set it to the tenant whose data the run works on"
    )


def _require_agreement(run: DagsterRun, partition: str) -> None:
    tenant = run.tags.get(TENANT_TAG, partition)
    if tenant != partition:
        raise RunRefusedError(
            f"the tag `{TENANT_TAG}` of run {run.run_id} says `{tenant}` and its partition is"
            f" `{partition}`; leave the tag out, it follows from the partition"
        )
