"""Programs built from Go modules, each as the go.mod and go.sum of its own folder pin it.

However a build is interrupted, its target is either absent (or what it was) or whole.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from packaging.version import Version

from localcloud.paths import Layout

Report = Callable[[str], None]

_REPORT_EVERY = 10.0  # seconds between progress lines


class NotBuilt(Exception):
    """A program cannot be built on this machine; the text says why."""


@dataclass(frozen=True)
class GoProgram:
    """What is built.

    Attributes:
        module: the folder with go.mod, whose one `tool` line is the program, and go.sum.
        name: the program's name, as Go gives it.
        version: what it is called in front of the user.
        linker_flags: the argument of Go's `-ldflags`.
        first_time: how long a build takes that finds nothing in Go's cache.
    """

    module: Path
    name: str
    version: str
    linker_flags: str
    first_time: str

    def __str__(self) -> str:
        return f"{self.name} {self.version}"

    @property
    def minimum_go(self) -> Version:
        """The first Go that can build it: the `go` line of its go.mod."""
        (line,) = re.findall(r"^go (\d+\.\d+)", _go_mod(self.module), re.MULTILINE)
        return Version(line)

    def build(self, report: Report, layout: Layout, target: Path) -> None:
        """Build it and put it at ``target``.

        Go's own cache outlives this checkout: in another one it takes seconds.

        Args:
            report: called with a line for the user: what is done, how long it has taken.
            layout: where to build and to log, and where ``target`` is.
            target: the program's place.

        Raises:
            NotBuilt: there is no Go, an old one, or it failed.
        """
        go = shutil.which("go")
        if go is None:
            raise NotBuilt("build: there is no `go` on PATH")
        version = _go_version(go)
        if version is None or version < self.minimum_go:
            raise NotBuilt(f"build: {go} is version {version}, and {self.minimum_go} is needed")
        log_path = layout.logs / f"{self.name}-build.log"
        report(f"building {self} with {go}; the first time takes {self.first_time}")
        with tempfile.TemporaryDirectory(dir=layout.home, prefix="build-") as scratch:
            began = time.monotonic()
            with log_path.open("wb") as log:
                build = subprocess.Popen(
                    [go, "install", "-ldflags", self.linker_flags, "tool"],
                    cwd=self.module,
                    env=_go_environment(Path(scratch)),
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                )
                try:
                    self._watch(build, began, log_path, report)
                finally:
                    if build.poll() is None:  # interrupted: let go not build on
                        build.terminate()
                        build.wait()
            if build.returncode != 0:
                tail = log_path.read_text(encoding="utf-8", errors="replace").splitlines()[-8:]
                raise NotBuilt(
                    f"build: go ended with exit code {build.returncode} (all of it: {log_path}):\n"
                    + "\n".join(f"        {line}" for line in tail)
                )
            (Path(scratch) / self.name).replace(target)
        report(f"{self} is built ({_elapsed(began)})")

    def _watch(
        self, build: subprocess.Popen[bytes], began: float, log_path: Path, report: Report
    ) -> None:
        """Wait for the build, and say every few seconds that it goes on."""
        while True:
            try:
                build.wait(timeout=_REPORT_EVERY)
            except subprocess.TimeoutExpired:
                fetched = log_path.read_bytes().count(b"go: downloading")
                doing = f", {fetched} modules downloaded" if fetched else ""
                report(f"building {self.name}: {_elapsed(began)}{doing}")
            else:
                return


def pinned_version(module: Path, path: str) -> str:
    """The version of the Go module ``path`` that the go.mod in the folder ``module`` pins."""
    (version,) = re.findall(rf"\s{re.escape(path)} (v\S+)", _go_mod(module))
    return str(version)


def _go_mod(module: Path) -> str:
    return (module / "go.mod").read_text(encoding="utf-8")


def _go_environment(output: Path) -> dict[str, str]:
    """The user's environment, with what makes the build go where and be what it should."""
    return {
        **os.environ,
        "GOBIN": str(output),
        # go.sum is committed: nothing may be resolved anew.  No VCS stamp: ours is not theirs.
        "GOFLAGS": "-mod=readonly -buildvcs=false",
        "GOWORK": "off",
        "CGO_ENABLED": "0",
    }


def _go_version(go: str) -> Version | None:
    """The version that `go version` prints ("go version go1.26.8 linux/amd64")."""
    try:
        answer = subprocess.run(
            # Where the project's go.mod cannot make it fetch another toolchain.
            [go, "version"],
            cwd=tempfile.gettempdir(),
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    match = re.search(r"\bgo(\d+\.\d+(?:\.\d+)?)", answer.stdout)
    return Version(match[1]) if match else None


def _elapsed(began: float) -> str:
    """Time since `began` (of time.monotonic), such as "2 min 05 s"."""
    minutes, seconds = divmod(int(time.monotonic() - began), 60)
    return f"{minutes} min {seconds:02} s" if minutes else f"{seconds} s"
