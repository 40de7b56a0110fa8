"""The process that records, `python -m onboarding.recorder`: the program's imports and its run.

Standard input is one line of JSON, the order:

    {"root": "/project", "jobs": [
        {"stack": "prod-01", "tenants": ["acme"], "known": ["<sha-256>"], "reads": "prod"}
    ]}

``tenants`` are those to look at, ``known`` the fingerprints of those that need not be recorded, and
``reads`` is the stack whose outputs the program reads, or none.
Standard output is a line of JSON for each part of a stack: that of a tenant, or of none (``""``),
with its state entries (None: its fingerprint is known); or one for an error.
"""

from __future__ import annotations

import gc
import json
import logging
import os
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from onboarding.recorded import Entry, entries, platform_outputs
from onboarding.recording import Outputs, ProgramError, Recorded, run_program

_LOOK_EVERY = 0.5  # seconds
_PROVIDER = "pulumi:providers:"


def main() -> None:
    """Carry out the order on standard input."""
    threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()
    gc.disable()  # all that is made is kept until the end
    logging.disable()  # a failed program leaves tasks behind, and asyncio tells of each
    order = json.loads(sys.stdin.readline())
    root = Path(order["root"])
    told: dict[str, Outputs] = {}
    for job in order["jobs"]:
        try:
            if (reads := job["reads"]) and reads not in told:
                told[reads] = platform_outputs(reads, root)
            for part in _parts(root, job, told):
                _tell({"stack": job["stack"], **part})
        except ProgramError as error:
            _tell({"stack": job["stack"], "error": error.reason, "source": error.source})
    sys.stdout.flush()
    os._exit(0)  # without taking apart what the end of the process frees at once


def _end_with(parent: int) -> None:
    """End when the process that asks is gone: nobody hears the answer."""
    while os.getppid() == parent:
        time.sleep(_LOOK_EVERY)
    os._exit(1)


def _tell(line: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


def _parts(root: Path, job: dict[str, Any], outputs: Mapping[str, Outputs]) -> list[dict[str, Any]]:
    fingerprints: dict[str, str | None] = {}
    known: dict[str, str] = {}

    def wanted(tenant: str, fingerprint: str | None) -> bool:
        if tenant not in job["tenants"]:
            return False
        fingerprints[tenant] = fingerprint
        if fingerprint is None or fingerprint not in job["known"]:
            return True
        known[tenant] = fingerprint
        return False

    try:
        recorded = run_program(job["stack"], root, wanted, outputs)
    except ProgramError:
        # It may use the tenants that it makes: then it is run as it stands.
        fingerprints, known = {}, {}
        recorded = run_program(job["stack"], root, outputs=outputs)
    found = _by_tenant(recorded, job["stack"])
    return [
        {"tenant": tenant, "fingerprint": fingerprints.get(tenant), "entries": of_tenant}
        for tenant, of_tenant in found.items()
    ] + [
        {"tenant": tenant, "fingerprint": fingerprint, "entries": None}
        for tenant, fingerprint in known.items()
    ]


def _by_tenant(recorded: dict[str, Recorded], stack: str) -> dict[str, list[Entry]]:
    found: dict[str, list[Entry]] = defaultdict(list)
    told = entries(recorded, stack)
    for one, entry in zip(recorded.values(), told, strict=True):
        found[one.tenant].append(entry)
    for of_tenant in found.values():
        # Threads register in any order; providers come first, since they tell whose the rest is.
        of_tenant.sort(key=lambda entry: (not entry["type"].startswith(_PROVIDER), entry["urn"]))
    return found


if __name__ == "__main__":
    main()
