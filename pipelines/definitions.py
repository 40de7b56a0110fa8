"""All that Dagster is told of the lakehouse: the module that code servers and runs load."""

from dagster import Definitions

from pipelines import audit
from pipelines.lakehouse.acting import acting
from pipelines.lakehouse.assets import IO_MANAGER, event_stream, scd_type2
from pipelines.lakehouse.automation import daily, lakehouse, new_tenants
from pipelines.lakehouse.checks import checks
from pipelines.lakehouse.io import IcebergIOManager

audit.to_standard_output()

definitions = Definitions(
    assets=[event_stream, scd_type2],
    asset_checks=checks,
    jobs=[lakehouse],
    schedules=[daily],
    sensors=[new_tenants],
    resources={"acting": acting, IO_MANAGER: IcebergIOManager(acting)},
)
