"""Run the tenants' pipelines on this machine's data plane, and tell what each has and cannot reach.

No display, no exits.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import permutations
from pathlib import Path
from typing import Any

from pyiceberg.exceptions import ForbiddenError

from localcloud.errors import LocalCloudError
from onboarding import data_plane
from onboarding.progress import Reporter
from pipelines.audit import refusals
from pipelines.catalog import Lakehouse, TenantCatalog
from pipelines.crossing import Attacker, Layer
from pipelines.writing import batches_of
from tenancy.names import RoleKind


@dataclass(frozen=True)
class TenantReport:
    """One tenant's part.

    Attributes:
        rows: table -> how many it has.
        runs: table -> how many runs wrote to it.
        columns: role -> the columns that it was shown, as `table.column`.
    """

    tenant: str
    tier: str
    rows: dict[str, int]
    runs: dict[str, int]
    columns: dict[str, tuple[str, ...]]


@dataclass(frozen=True)
class Crossing:
    """What one tenant tried at another's part.

    Attributes:
        attempts, refused: layer -> how many.
        open: what was not refused, with the answer.
    """

    attacker: str
    victim: str
    attempts: dict[str, int]
    refused: dict[str, int]
    open: tuple[str, ...]


@dataclass(frozen=True)
class Report:
    """All tenants and all ordered pairs of them."""

    tenants: tuple[TenantReport, ...]
    crossings: tuple[Crossing, ...]

    @property
    def holds(self) -> bool:
        """Whether every attempt was refused."""
        return not any(crossing.open for crossing in self.crossings)

    def to_json(self) -> dict[str, object]:
        """For machines."""
        return {**asdict(self), "holds": self.holds}


def run(root: Path, reporter: Reporter, rounds: int) -> Report:
    """Have each tenant's Dagster load its next data ``rounds`` times, then ask and attack.

    Raises:
        LocalCloudError: the data plane does not run, or a run failed.
    """
    lakehouse = _lakehouse(root)
    if rounds:
        reporter.say(f"{rounds} rounds of runs of {len(lakehouse.lakes)} tenants")
        for ended in data_plane.materialize(root, rounds):
            if ended["status"] != "SUCCESS":
                raise LocalCloudError(
                    f"a run of {ended['tenant']} failed: {ended['reason']}",
                    f"read {data_plane.Place.of(root).log('run-' + ended['tenant'])}, and run it"
                    " again: what was written is not written twice",
                )
    reporter.say(f"trying {len(lakehouse.lakes) * (len(lakehouse.lakes) - 1)} pairs of tenants")
    return report(root)


def report(root: Path) -> Report:
    """What each tenant has, and what the others are refused; changes nothing.

    Raises:
        LocalCloudError: the data plane does not run.
    """
    lakehouse = _lakehouse(root)
    tenants = {tenant: _as(lakehouse, root, tenant, RoleKind.RUN) for tenant in lakehouse.lakes}
    return Report(
        tuple(_tenant(lakehouse, root, catalog) for catalog in tenants.values()),
        tuple(
            _cross(root, attacker, victim) for attacker, victim in permutations(tenants.values(), 2)
        ),
    )


def _lakehouse(root: Path) -> Lakehouse:
    try:
        return Lakehouse.read(data_plane.Place.of(root).description)
    except OSError as error:
        raise LocalCloudError(
            "the data plane does not run", "run `tenancy local start --data-plane`"
        ) from error


def _as(lakehouse: Lakehouse, root: Path, tenant: str, kind: RoleKind) -> TenantCatalog:
    return lakehouse.catalog_for(data_plane.token(root, tenant, kind))


def _tenant(lakehouse: Lakehouse, root: Path, catalog: TenantCatalog) -> TenantReport:
    rows, runs = {}, {}
    for table in catalog.tables:
        found = catalog.load(table.name)
        rows[table.name] = found.scan().count()
        runs[table.name] = len(batches_of(found))
    columns = {
        kind.value: tuple(shown(_as(lakehouse, root, catalog.tenant, kind))) for kind in RoleKind
    }
    return TenantReport(catalog.tenant, catalog.lake.tier, rows, runs, columns)


def shown(catalog: TenantCatalog) -> Iterator[str]:
    """The columns that catalog and storage show: every table is asked for, whatever governance
    says of it, and read.
    """
    for table in catalog.lake.tables:
        try:
            with refusals():
                found = catalog.load(table.name).scan(limit=1).to_arrow().column_names
        except ForbiddenError:
            continue
        yield from (f"{table.name}.{column}" for column in found)


def _cross(root: Path, attacker: TenantCatalog, victim: TenantCatalog) -> Crossing:
    token = data_plane.token(root, attacker.tenant, RoleKind.RUN)
    with_what = Attacker(attacker.lake, token, attacker.storage.properties(token))
    metadata = victim.load(victim.lake.tables[0].name).metadata_location
    made = list(with_what.attempts(victim.lake, metadata))

    def count(**wanted: Any) -> dict[str, int]:  # noqa: ANN401 - a field's value
        return {
            layer.value: sum(
                one.layer is layer and all(getattr(one, k) == v for k, v in wanted.items())
                for one in made
            )
            for layer in Layer
        }

    return Crossing(
        attacker.tenant,
        victim.tenant,
        count(),
        count(refused=True),
        tuple(f"{one.layer} {one.call}: {one.answer}" for one in made if not one.refused),
    )
