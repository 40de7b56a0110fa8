"""What tenant scoping costs: against plain pyiceberg, by the gateway, in parallel.

    python -m bench.data_plane

Starts a data plane of its own in a temporary folder, with two soft and two medium tenants. What is
compared runs in turns, now one and now the other first, so that a machine's other load meets both;
a number is the median of the rounds, and a ratio that of the rounds' own ratios.

Plain pyiceberg works on the same Nessie and the same S3 server with the same rows: one table of all
columns, keys that may everything, no gateway, no rules of ours, no audit.
"""

from __future__ import annotations

import os
import platform
import shutil
import signal
import sys
import tempfile
import uuid
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cache, partial
from multiprocessing import get_context
from pathlib import Path
from statistics import median

import httpx
import pyarrow as pa  # type: ignore[import-untyped]
from pyiceberg.catalog.rest import RestCatalog
from pyiceberg.table import Table
from pyiceberg.transforms import DayTransform
from rich.console import Console

from bench.events import filled_events, sparse_events
from bench.turns import Took, in_turns, ratio
from localcloud.paths import PROJECT_ROOT
from localcloud.servers.kept import Kept
from localcloud.servers.minio import minio_at
from onboarding import data_plane
from onboarding.data_plane import Place
from onboarding.progress import reporter_for
from pipelines.catalog import Lakehouse, TenantCatalog
from pipelines.schemas import schema_of
from tenancy.names import RoleKind
from tenancy.nessie import MAIN, SHARED_WAREHOUSE

TENANTS = ("acme", "globex", "newcorp", "colorado-state")
SOFT, MEDIUM = "acme", "newcorp"
"""By the gateway to the shared Nessie; straight to one of its own."""
BEGINNINGS = 15
ASKED = 200
"""Calls of the catalog with and without the gateway."""
IN_PARALLEL, PARALLEL_ROUNDS = 200_000, 3
EVENTS = "event_stream"
SEED = 1

Calls = Mapping[str, Callable[[], object]]


@dataclass(frozen=True)
class Batch:
    """What is written in one go, and how often."""

    name: str
    count: int
    rounds: int
    events: Callable[[int, int], pa.Table] = filled_events


BATCHES = (
    Batch("one row, the fixed cost", 1, 11),
    Batch("small", 10_000, 11),
    Batch("medium", 200_000, 5),
    Batch("large", 1_000_000, 3),
    Batch("medium, hardly more than keys", 200_000, 5, sparse_events),
)


def scoped(root: Path, tenant: str) -> TenantCatalog:
    """As a run gets it: a token, verified, exchanged for its role's storage credentials."""
    lakehouse = Lakehouse.read(Place.of(root).description)
    return lakehouse.catalog_for(data_plane.token(root, tenant, RoleKind.RUN))


def plain(root: Path, tenant: str) -> RestCatalog:
    """The tenant's Nessie itself, and storage with keys that may everything."""
    place = Place.of(root)
    kept = Kept.read(place.record("minio"))
    if kept is None:
        sys.exit("error: MinIO does not run")
    keys = minio_at(place.minio, kept.process, kept.port).root
    return RestCatalog(
        "plain",
        uri=f"{nessie(root, tenant)}/iceberg",
        warehouse=SHARED_WAREHOUSE if tenant == SOFT else tenant,
        token=data_plane.token(root, tenant, RoleKind.RUN),
        **{
            "s3.endpoint": f"http://127.0.0.1:{kept.port}",
            "s3.region": "us-east-1",
            "s3.access-key-id": keys.access_key,
            "s3.secret-access-key": keys.secret_key,
        },
    )


def nessie(root: Path, tenant: str) -> str:
    """The URL of the Nessie that keeps the tenant's tables."""
    servers = {server.name: server.url for server in data_plane.status(root).servers}
    return servers["nessie-platform" if tenant == SOFT else f"nessie-{tenant}"]


def overhead(root: Path, tenant: str, console: Console) -> None:
    """Write and read the same rows as a tenant's run, and with plain pyiceberg."""
    console.print(f"\n{tenant}: {'gateway, shared Nessie' if tenant == SOFT else 'own Nessie'}")
    begin = {
        "plain": lambda: plain(root, tenant).list_tables(tenant),
        "scoped": lambda: scoped(root, tenant).iceberg.list_tables(tenant),
    }
    console.print(f"  begin (once a run): {_compared(in_turns(begin, BEGINNINGS))}")
    for batch in BATCHES:
        _written_and_read(root, tenant, batch, console)


def _written_and_read(root: Path, tenant: str, batch: Batch, console: Console) -> None:
    rows = batch.events(batch.count, SEED)
    place = (tenant, f"plain_{uuid.uuid4().hex[:8]}")
    own, other = scoped(root, tenant), plain(root, tenant)
    parts = own.lake.parts(EVENTS)
    table = other.create_table(place, rows.schema)
    with table.update_spec() as spec:  # as the tenant's table is
        spec.add_field("occurred_at", DayTransform(), "occurred_at_day")
    public = tuple(schema_of(parts[0]).as_arrow().names)
    writes: Calls = {
        "plain": lambda: other.load_table(place).append(rows),
        "scoped": lambda: own.append(EVENTS, rows, uuid.uuid4().hex),
    }
    reads: Calls = {
        "plain": lambda: other.load_table(place).scan(selected_fields=public).to_arrow(),
        "scoped": lambda: own.read(EVENTS),
    }
    in_turns(writes, 0)
    read = in_turns(reads, batch.rounds)  # of what was written once
    written = in_turns(writes, batch.rounds, warm=0)
    single = _newest_bytes(other.load_table(place))
    both = sum(_newest_bytes(own.load(part.name)) for part in parts)
    console.print(
        f"  {batch.name}: {batch.count:,} rows, {rows.nbytes / 1e6:.1f} MB in memory, as Parquet"
        f" {single / 1e6:.2f} MB in one table, {both / 1e6:.2f} MB in two ({both / single:.2f})"
    )
    console.print(f"    write: {_compared(written)}")
    console.print(f"    read the public columns: {_compared(read)}")
    for name in (place, *(part.identifier for part in parts)):
        other.drop_table(name)
    own.make_tables()


def _newest_bytes(table: Table) -> int:
    """Of the data files that the newest snapshot added."""
    snapshot = table.current_snapshot()
    if snapshot is None or snapshot.summary is None:
        return 0
    return int(snapshot.summary["added-files-size"] or 0)


def _compared(found: Mapping[str, list[Took]]) -> str:
    each = ", ".join(
        f"{name} {median(took.wall for took in times) * 1000:,.0f} ms"
        for name, times in found.items()
    )
    wall = ratio(found, "scoped", "plain", lambda took: took.wall)
    busy = ratio(found, "scoped", "plain", lambda took: took.busy)
    return f"{each}; scoped/plain {wall:.2f}, of processor time {busy:.2f}"


def gateway(root: Path, console: Console) -> None:
    """Load a table of a soft tenant by the gateway, and from the Nessie behind it."""
    catalog = scoped(root, SOFT)
    path = f"/namespaces/{SOFT}/tables/{EVENTS}"
    urls = {
        "direct": f"{nessie(root, SOFT)}/iceberg/v1/{MAIN}%7C{SHARED_WAREHOUSE}{path}",
        "gateway": f"{catalog.lake.catalog}/v1/{MAIN}%7C{SOFT}{path}",
    }
    bearer = {"Authorization": f"Bearer {data_plane.token(root, SOFT, RoleKind.RUN)}"}
    with httpx.Client(headers=bearer, trust_env=False) as client:

        def ask(url: str) -> None:
            client.get(url).raise_for_status()

        found = in_turns({name: partial(ask, url) for name, url in urls.items()}, ASKED)
    times = {name: median(took.wall for took in each) * 1000 for name, each in found.items()}
    each = ", ".join(f"{name} {took:.1f} ms" for name, took in times.items())
    added = times["gateway"] - times["direct"]
    console.print(f"\nload a table, {ASKED} times: {each}; the gateway adds {added:.1f} ms")


@cache
def _rows() -> pa.Table:
    return filled_events(IN_PARALLEL, SEED)


def append_as(root: Path, tenant: str) -> float:
    """Seconds that it takes in this process, which is the tenant's own, as a run's is."""
    catalog, rows = scoped(root, tenant), _rows()
    found = in_turns({"": lambda: catalog.append(EVENTS, rows, uuid.uuid4().hex)}, 1, warm=0)
    return found[""][0].wall


def parallel(root: Path, console: Console) -> None:
    """Four tenants at once against one of them alone, each in a process of its own."""
    with ExitStack() as stack:
        process = partial(ProcessPoolExecutor, 1, get_context("spawn"))
        pools = {tenant: stack.enter_context(process()) for tenant in TENANTS}
        taken: dict[tuple[str, int], list[float]] = {}

        def all_of(*tenants: str) -> None:
            work = {tenant: pools[tenant].submit(append_as, root, tenant) for tenant in tenants}
            for tenant, done in work.items():
                taken.setdefault((tenant, len(tenants)), []).append(done.result())

        calls: Calls = {tenant: partial(all_of, tenant) for tenant in TENANTS}
        found = in_turns({**calls, "four": partial(all_of, *TENANTS)}, PARALLEL_ROUNDS)
    console.print(f"\nappend {IN_PARALLEL:,} rows, each tenant in a process of its own:")
    for tenant in TENANTS:
        alone, among = (
            IN_PARALLEL / median(taken[tenant, at_once][1:]) for at_once in (1, len(TENANTS))
        )
        console.print(f"  {tenant}: alone {alone:,.0f} rows/s, among four {among:,.0f} rows/s")
    one = IN_PARALLEL / median(median(took.wall for took in found[tenant]) for tenant in TENANTS)
    four = len(TENANTS) * IN_PARALLEL / median(took.wall for took in found["four"])
    console.print(
        f"  together: one {one:,.0f} rows/s, four {four:,.0f} rows/s; four/one {four / one:.2f}"
    )


@contextmanager
def started(console: Console) -> Iterator[Path]:
    """The root of a data plane that runs for the block."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        root.chmod(0o711)  # PostgreSQL's user enters it
        for name in ("Pulumi.yaml", "Pulumi.local.yaml"):
            shutil.copy(PROJECT_ROOT / name, root)
        shutil.copytree(PROJECT_ROOT / "table-templates", root / "table-templates")
        (root / "tenants").mkdir()
        for tenant in TENANTS:
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
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that no server stays
    with started(Console(stderr=True)) as root:
        load = os.getloadavg()[0]
        console.print(f"{platform.machine()}, {os.cpu_count()} cores, load {load:.1f} before")
        for tenant in (MEDIUM, SOFT):
            overhead(root, tenant, console)
        gateway(root, console)
        parallel(root, console)


if __name__ == "__main__":
    main()
