"""``python -m pipelines.lakehouse.register [TENANT ...]``: make tenants partitions, now.

Without ids: those that are deployed here. The instance is that of ``DAGSTER_HOME``. The sensor
`pipelines.lakehouse.automation.new_tenants` does the same by itself within its interval.
"""

import os
import sys
from collections.abc import Sequence

from dagster import DagsterInstance

from pipelines.lakehouse.partitions import register
from pipelines.lakehouse.registrations import InvalidRegistrations, registered
from tenancy.errors import Refusal
from tenancy.ids import check_tenant_id


def main(arguments: Sequence[str]) -> int:
    """The exit code: 0, or 2 when there is nothing to register or an id is none."""
    try:
        ids = tuple(map(check_tenant_id, arguments)) or registered(os.environ)
    except Refusal as error:
        sys.stderr.write(f"error: {error}\n  remedy: {error.remedy}\n")
        return 2
    except InvalidRegistrations as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    with DagsterInstance.get() as instance:
        new = register(instance, ids)
    sys.stdout.write(f"registered: {', '.join(new) or 'nothing new'}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
