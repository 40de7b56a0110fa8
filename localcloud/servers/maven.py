"""Files from Maven repositories, each checked against its own hash."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import requests
from jgo.maven import MavenContext

from localcloud.errors import LocalCloudError
from localcloud.processes import exclusive

REPOSITORY_VARIABLE = "TENANCY_MAVEN_REPOSITORY"
"""Names the URL of a repository to ask instead of Maven Central, such as a company's mirror."""

_PATIENCE = 60  # seconds without a byte


@dataclass(frozen=True)
class MavenFile:
    """A file by its coordinates; ``classifier`` may be empty. ``sha256`` in hexadecimal
    digits says what must be in it.
    """

    group: str
    artifact: str
    version: str
    classifier: str
    sha256: str

    def __str__(self) -> str:
        whole = f"{self.group}:{self.artifact}:{self.version}:jar:{self.classifier}"
        return whole.removesuffix(":")

    def fetch(self) -> Path:
        """The file in Maven's own cache on this machine, downloaded if it is not there.

        The cache (`~/.m2/repository`, or what the variable M2_REPO names) outlives this checkout,
        and what Maven itself put there is found: `mvn dependency:get` helps where only Maven's
        settings know the way out.

        Raises:
            LocalCloudError: it cannot be downloaded, or is not what it should be.
        """
        mirror = os.environ.get(REPOSITORY_VARIABLE)
        context = MavenContext(
            remote_repos={"central": mirror} if mirror else None, timeout=_PATIENCE
        )
        component = context.project(self.group, self.artifact).at_version(self.version)
        wanted = component.artifact(self.classifier)
        place = cast(Path, wanted.cached_path)  # there is a cache
        with exclusive(place.with_name(f"{place.name}.lock")):
            if place.exists() and _sha256(place) == self.sha256:
                return place
            place.unlink(missing_ok=True)  # a download that was cut short
            try:
                wanted.resolve()
            except (OSError, RuntimeError, requests.RequestException) as error:
                raise LocalCloudError(
                    f"{self} cannot be downloaded: {error}",
                    f"name a repository that is reached in {REPOSITORY_VARIABLE}, or run"
                    f" `mvn dependency:get -Dtransitive=false -Dartifact={self}`",
                ) from error
            found = _sha256(place)
            if found != self.sha256:
                place.unlink()
                raise LocalCloudError(
                    f"{self} has the hash {found}, not {self.sha256}",
                    "do not use it; ask whoever runs the repository",
                )
            return place


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
