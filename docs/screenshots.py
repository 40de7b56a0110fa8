"""Take the pictures of docs/dagster.md from the local data plane.

    make pipeline && .venv/bin/python docs/screenshots.py

Needs Debian's package `chromium`. Starts the web interface if it does not run, and leaves it there.
"""

import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import httpx

HERE = Path(__file__).parent
PICTURES = {
    "dagster-partitions": "assets/event_stream?view=partitions&partition=acme",
    "dagster-checks": "assets/scd_type2?view=checks",
    "dagster-run": "runs/{run}",
}
NEWEST_RUN = """{
  runsOrError(filter: {tags: [{key: "tenant", value: "acme"}]}, limit: 1) {
    ... on Runs { results { runId } }
  }
}"""
FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    *("--hide-scrollbars", "--window-size=1280,720", "--virtual-time-budget=20000"),
)
PATIENCE = 120  # seconds for one picture
LARGEST = 150_000  # bytes


def main() -> None:
    """Exits with a word to the user where something is missing."""
    chromium = shutil.which("chromium")
    if chromium is None:
        sys.exit("error: there is no chromium; install Debian's package of that name")
    told = subprocess.run(
        [sys.executable, "-m", "onboarding.cli", "local", "dagster", "--json"],
        cwd=HERE.parent,
        stdout=subprocess.PIPE,
        check=True,
    )
    url = json.loads(told.stdout)["url"]
    answer = httpx.post(f"{url}/graphql", json={"query": NEWEST_RUN}, trust_env=False).json()
    (run,) = answer["data"]["runsOrError"]["results"]
    for name, path in PICTURES.items():
        picture = HERE / "images" / f"{name}.png"
        picture.parent.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory() as profile:
            subprocess.run(
                [
                    chromium,
                    *FLAGS,
                    f"--user-data-dir={profile}",
                    f"--screenshot={picture}",
                    f"{url}/{path.format(run=run['runId'])}",
                ],
                stderr=subprocess.DEVNULL,
                timeout=PATIENCE,
                check=True,
            )
        size = picture.stat().st_size
        if size > LARGEST:
            sys.exit(f"error: {picture} has {size} bytes, more than {LARGEST}")
        sys.stdout.write(f"{picture}: {size} bytes\n")


if __name__ == "__main__":
    main()
