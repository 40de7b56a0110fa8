"""What tenant scoping costs: against plain pyiceberg, by the gateway, in parallel.

    python -m bench.data_plane

Starts a data plane of its own in a temporary folder, with two soft and two medium tenants. What is
compared alternates within one run, so that a machine's other load meets both.
"""

from __future__ import annotations

import os
import platform
import shutil
import statistics
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import httpx
import pyarrow as pa  # type: ignore[import-untyped]
from pyiceberg.catalog.rest import RestCatalog
from pyiceberg.transforms import DayTransform
from rich.console import Console

from localcloud.paths import PROJECT_ROOT
from localcloud.servers.kept import Kept
from localcloud.servers.minio import minio_at
from onboarding import data_plane
from onboarding.data_plane import Place
from onboarding.progress import reporter_for
from pipelines.catalog import Lakehouse, TenantCatalog
from pipelines.lakehouse import source
from pipelines.schemas import schema_of
from tenancy.names import RoleKind
from tenancy.nessie import MAIN, SHARED_WAREHOUSE

ROWS = 200_000
ROUNDS = 5
ASKED = 200
"""Calls of the catalog with and without the gateway."""
EVENTS, PLAIN = "event_stream", "plain"
TENANTS = ("acme", "globex", "newcorp", "colorado-state")
ALONE = "newcorp"
"""Medium: its own Nessie, no gateway in between."""


def rows_of(tenant: str, count: int = ROWS) -> pa.Table:
    """Real hours, again and again with other keys, within one day, so that one file holds them."""
    month = source.events(tenant, None).to_pylist()
    day = datetime(2026, 1, 1, tzinfo=UTC)
    rows = [
        {
            **month[number % len(month)],
            "event_id": str(uuid.uuid4()),
            "occurred_at": day + timedelta(milliseconds=number),
        }
        for number in range(count)
    ]
    return pa.Table.from_pylist(rows, schema=source.events(tenant, None).schema)


def scoped(root: Path, tenant: str) -> TenantCatalog:
    """As a run gets it: a token, verified, exchanged for its role's storage credentials."""
    lakehouse = Lakehouse.read(Place.of(root).description)
    return lakehouse.catalog_for(data_plane.token(root, tenant, RoleKind.RUN))


def plain(root: Path) -> RestCatalog:
    """The same catalog and storage with keys that may everything, and nothing asked."""
    place = Place.of(root)
    kept = Kept.read(place.record("minio"))
    if kept is None:
        sys.exit("error: MinIO does not run")
    keys = minio_at(place.minio, kept.process, kept.port).root
    return RestCatalog(
        PLAIN,
        uri=Lakehouse.read(place.description).lakes[ALONE].catalog,
        warehouse=ALONE,
        token=data_plane.token(root, ALONE, RoleKind.RUN),
        **{
            "s3.endpoint": f"http://127.0.0.1:{kept.port}",
            "s3.region": "us-east-1",
            "s3.access-key-id": keys.access_key,
            "s3.secret-access-key": keys.secret_key,
        },
    )


def seconds(call: Callable[[], object]) -> float:
    """How long it takes."""
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


def alternating(calls: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, list[float]]:
    """The seconds of each call in each round; the first round of all is not counted."""
    found: dict[str, list[float]] = {name: [] for name in calls}
    for number in range(rounds + 1):
        for name, call in calls.items():
            taken = seconds(call)
            if number:
                found[name].append(taken)
    return found


def ratio(found: Mapping[str, list[float]], of: str, to: str) -> float:
    """The median of the rounds' ratios."""
    return statistics.median(a / b for a, b in zip(found[of], found[to], strict=True))


def overhead(root: Path, console: Console) -> None:
    """Write and read the same rows as a tenant's run, and with plain pyiceberg in one table."""
    rows, parts = rows_of(ALONE), scoped(root, ALONE).lake.parts(EVENTS)
    table = plain(root).create_table((ALONE, PLAIN), rows.schema)
    with table.update_spec() as spec:  # as the tenant's table is
        spec.add_field("occurred_at", DayTransform(), "occurred_at_day")
    public = schema_of(parts[0]).as_arrow().names
    tenant, other = scoped(root, ALONE), plain(root)

    def read_plain() -> None:
        table = other.load_table((ALONE, PLAIN))
        table.scan(selected_fields=tuple(public)).to_arrow()

    compared: dict[str, dict[str, Callable[[], object]]] = {
        "begin": {
            "plain": lambda: plain(root).load_table((ALONE, PLAIN)),
            "scoped": lambda: scoped(root, ALONE).load(EVENTS),
        },
        f"write {ROWS:,} rows": {
            "plain": lambda: other.load_table((ALONE, PLAIN)).append(rows),
            "scoped": lambda: tenant.append(EVENTS, rows, uuid.uuid4().hex),
        },
        "read them": {"plain": read_plain, "scoped": lambda: tenant.read(EVENTS)},
    }
    for what, calls in compared.items():
        found = alternating(calls, ROUNDS)
        each = ", ".join(f"{name} {statistics.median(took):.2f} s" for name, took in found.items())
        console.print(f"{what}: {each}; scoped/plain {ratio(found, 'scoped', 'plain'):.2f}")


def gateway(root: Path, console: Console) -> None:
    """Load a table of a soft tenant by the gateway, and from the Nessie behind it."""
    catalog = scoped(root, "acme")
    servers = {server.name: server.url for server in data_plane.status(root).servers}
    path = f"/namespaces/acme/tables/{EVENTS}"
    urls = {
        "direct": f"{servers['nessie-platform']}/iceberg/v1/{MAIN}%7C{SHARED_WAREHOUSE}{path}",
        "gateway": f"{catalog.lake.catalog}/v1/{MAIN}%7Cacme{path}",
    }
    bearer = {"Authorization": f"Bearer {data_plane.token(root, 'acme', RoleKind.RUN)}"}
    with httpx.Client(headers=bearer, trust_env=False) as client:

        def ask(url: str) -> None:
            client.get(url).raise_for_status()

        found = alternating({name: partial(ask, url) for name, url in urls.items()}, ASKED)
    medians = {name: statistics.median(took) * 1000 for name, took in found.items()}
    added = medians["gateway"] - medians["direct"]
    each = ", ".join(f"{name} {took:.1f} ms" for name, took in medians.items())
    console.print(f"load a table, {ASKED} times: {each}; the gateway adds {added:.1f} ms")


def append_as(root: Path, tenant: str, rows: pa.Table) -> float:
    """In a process of its own, as a run is."""
    catalog = scoped(root, tenant)
    return seconds(lambda: catalog.append(EVENTS, rows, uuid.uuid4().hex))


def parallel(root: Path, console: Console) -> None:
    """Four tenants at once against one of them alone, each in a process of its own."""
    rows = {tenant: rows_of(tenant) for tenant in TENANTS}
    with ProcessPoolExecutor(len(TENANTS), get_context("spawn")) as pool:

        def all_of(*tenants: str) -> None:
            work = [pool.submit(append_as, root, tenant, rows[tenant]) for tenant in tenants]
            for done in work:
                done.result()

        found = alternating(
            {"one": lambda: all_of(TENANTS[0]), "four": lambda: all_of(*TENANTS)}, ROUNDS
        )
    speed = {
        name: many * ROWS / statistics.median(found[name])
        for name, many in (("one", 1), ("four", len(TENANTS)))
    }
    each = ", ".join(f"{name} {rate:,.0f} rows/s" for name, rate in speed.items())
    console.print(f"append in parallel: {each}; four/one {speed['four'] / speed['one']:.2f}")


@contextmanager
def started(console: Console) -> Iterator[Path]:
    """The root of a data plane that runs for the block."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        root.chmod(0o711)  # PostgreSQL's user enters it
        for name in ("Pulumi.yaml", "Pulumi.local.yaml"):
            shutil.copy(PROJECT_ROOT / name, root)
        shutil.copytree(PROJECT_ROOT / "table-templates", root / "table-templates")
        for tenant in TENANTS:
            (root / "tenants").mkdir(exist_ok=True)
            shutil.copy(PROJECT_ROOT / "tenants" / f"{tenant}.yaml", root / "tenants")
        try:
            data_plane.start(root, reporter_for(console))
            for tenant in TENANTS:
                scoped(root, tenant).make_tables()
            yield root
        finally:
            data_plane.stop(root)


def main() -> None:
    """Print each comparison as it is made."""
    console = Console(soft_wrap=True, highlight=False)
    load = os.getloadavg()[0]
    console.print(f"{platform.machine()}, {os.cpu_count()} cores, load {load:.1f} before")
    with started(Console(stderr=True)) as root:
        overhead(root, console)
        gateway(root, console)
        parallel(root, console)


if __name__ == "__main__":
    main()
