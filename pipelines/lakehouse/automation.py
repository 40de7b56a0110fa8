"""What starts runs by itself: the job, its schedule, and the sensor that takes in new tenants."""

import os
from collections.abc import Iterator, Mapping

from dagster import (
    AssetSelection,
    DefaultScheduleStatus,
    DefaultSensorStatus,
    RunRequest,
    ScheduleEvaluationContext,
    SensorEvaluationContext,
    SensorResult,
    SkipReason,
    define_asset_job,
    in_process_executor,
    schedule,
    sensor,
)

from pipelines.lakehouse.partitions import NAME, tenants
from pipelines.lakehouse.registrations import InvalidRegistrations, registered
from tenancy.dagster import SCHEDULES

JOB = "lakehouse"
INTERVAL = 30  # seconds between two looks at who is deployed


def default_status(environ: Mapping[str, str]) -> DefaultScheduleStatus:
    """Running, unless the code server was told otherwise: nobody can turn a schedule on in the
    shared web interface, which only shows.
    """
    off = environ.get(SCHEDULES) == "off"
    return DefaultScheduleStatus.STOPPED if off else DefaultScheduleStatus.RUNNING


lakehouse = define_asset_job(
    JOB,
    AssetSelection.all(),
    description="Load a tenant's next data into its tables, and check them.",
    # A run is one task of one tenant: its steps need no processes of their own.
    executor_def=in_process_executor,
)


@schedule(job=lakehouse, cron_schedule="0 3 * * *", default_status=default_status(os.environ))
def daily(context: ScheduleEvaluationContext) -> Iterator[RunRequest]:
    """A run for each tenant, once a day."""
    day = context.scheduled_execution_time.date()
    for tenant in context.instance.get_dynamic_partitions(NAME):
        yield RunRequest(run_key=f"{day}/{tenant}", partition_key=tenant)


@sensor(
    job=lakehouse,
    minimum_interval_seconds=INTERVAL,
    default_status=DefaultSensorStatus.RUNNING,
)
def new_tenants(context: SensorEvaluationContext) -> SensorResult | SkipReason:
    """Makes tenants partitions that are deployed and are none yet, and gives each a first run."""
    try:
        deployed = registered(os.environ)
    except InvalidRegistrations as error:
        return SkipReason(str(error))
    known = set(context.instance.get_dynamic_partitions(NAME))
    new = [tenant for tenant in deployed if tenant not in known]
    if not new:
        return SkipReason("every deployed tenant has its partition")
    return SensorResult(
        dynamic_partitions_requests=[tenants.build_add_request(new)],
        run_requests=[RunRequest(run_key=f"first/{each}", partition_key=each) for each in new],
    )
