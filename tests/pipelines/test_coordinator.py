"""The queue's entry: whose run it is follows from its partition, whatever its caller says."""

from collections.abc import Iterator, Mapping

import pytest
from dagster import DagsterInstance, DagsterRun, DagsterRunStatus
from dagster._core.remote_origin import (
    RegisteredCodeLocationOrigin,
    RemoteJobOrigin,
    RemoteRepositoryOrigin,
)
from dagster._core.run_coordinator import SubmitRunContext
from dagster._core.test_utils import create_test_daemon_workspace_context, instance_for_test
from dagster._core.workspace.context import WorkspaceRequestContext
from dagster._core.workspace.load_target import EmptyWorkspaceTarget

from pipelines.runs import RunRefusedError

ORIGIN = RemoteJobOrigin(
    RemoteRepositoryOrigin(RegisteredCodeLocationOrigin("code"), "repository"), "job"
)


@pytest.fixture(scope="module")
def instance() -> Iterator[DagsterInstance]:
    queue = {"module": "pipelines.coordinator", "class": "TenantRunCoordinator"}
    with instance_for_test({"run_coordinator": queue}) as made:
        yield made


@pytest.fixture(scope="module")
def workspace(instance: DagsterInstance) -> Iterator[WorkspaceRequestContext]:
    with create_test_daemon_workspace_context(EmptyWorkspaceTarget(), instance) as process:
        yield process.create_request_context()


def submit(
    instance: DagsterInstance, workspace: WorkspaceRequestContext, tags: Mapping[str, str]
) -> DagsterRun:
    run = instance.add_run(
        DagsterRun("job", status=DagsterRunStatus.NOT_STARTED, tags=tags, remote_job_origin=ORIGIN)
    )
    try:
        instance.run_coordinator.submit_run(SubmitRunContext(run, workspace))
    finally:
        found = instance.get_run_by_id(run.run_id)
        assert found is not None
        run = found
    return run


@pytest.mark.parametrize("said", [{}, {"tenant": "acme"}])
def test_a_run_of_a_partition_is_queued_as_that_tenants(
    said: dict[str, str], instance: DagsterInstance, workspace: WorkspaceRequestContext
) -> None:
    run = submit(instance, workspace, {"dagster/partition": "acme", **said})
    assert (run.status, run.tags["tenant"]) == (DagsterRunStatus.QUEUED, "acme")


@pytest.mark.parametrize(
    "tags",
    [
        {"dagster/partition": "acme", "tenant": "globex"},
        {"tenant": "acme"},
        {"tenant": "acme", "dagster/partition": ""},
        {
            "tenant": "acme",
            "dagster/asset_partition_range_start": "acme",
            "dagster/asset_partition_range_end": "globex",
        },
    ],
)
def test_a_callers_word_on_whose_run_it_is_is_refused_and_the_run_has_failed(
    tags: dict[str, str], instance: DagsterInstance, workspace: WorkspaceRequestContext
) -> None:
    with pytest.raises(RunRefusedError):
        submit(instance, workspace, tags)
    (newest,) = instance.get_runs(limit=1)
    assert newest.status is DagsterRunStatus.FAILURE
