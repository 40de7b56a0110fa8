"""The queue's entry: what comes in is a run of one tenant, and is tagged as that tenant's.

The code location sets the tag where it is asked for a partition's tags; a run of the implicit job
(``Materialize`` in the web interface) does not ask it, and a caller may bring tags of its own.
Every way to start a run leads through here.
"""

from dagster import DagsterInstance, DagsterRun
from dagster._core.run_coordinator import SubmitRunContext
from dagster._core.run_coordinator.queued_run_coordinator import QueuedRunCoordinator

from pipelines.runs import TENANT_TAG, RunRefusedError, partition_tenant


class TenantRunCoordinator(QueuedRunCoordinator[DagsterInstance]):
    """A queue of runs that each have one tenant: the limit on runs per tenant counts all."""

    def submit_run(self, context: SubmitRunContext) -> DagsterRun:
        """Queue the run, with the tag `TENANT_TAG` that its partition says.

        Raises:
            RunRefusedError: see `partition_tenant`; the run is then recorded as failed.
        """
        run = context.dagster_run
        try:
            tenant = partition_tenant(run)
        except RunRefusedError as refused:
            self._instance.report_run_failed(run, str(refused))
            raise
        if TENANT_TAG not in run.tags:
            self._instance.add_run_tags(run.run_id, {TENANT_TAG: tenant})
        return super().submit_run(context)
