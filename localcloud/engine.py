"""Find, install or build the Pulumi engine (the `pulumi` command).

PyPI serves Pulumi's SDK but not its engine.  In this order:

1. a `pulumi` on PATH that is new enough;
2. the one that an earlier run left in `.local/bin`;
3. Pulumi's own installer, through the Automation API, where the internet is reachable;
4. a build from Go modules with `localcloud/engine/go.mod`, which needs Go and a module proxy.

However 3 or 4 are interrupted, `.local/bin/pulumi` is either absent or whole.
"""

from __future__ import annotations

import importlib.metadata
import os
import shutil
import subprocess
import tempfile
import urllib.error
import urllib.request
from pathlib import Path

from packaging.version import InvalidVersion, Version
from semver import VersionInfo

from localcloud.errors import LocalCloudError
from localcloud.go_build import GoProgram, NotBuilt, Report
from localcloud.paths import Layout
from localcloud.processes import exclusive

MODULE = Path(__file__).with_name("engine")
"""The folder with the go.mod and go.sum that pin the engine and everything it is built from."""

INSTALLER = "https://get.pulumi.com/install.sh"
"""Where the Automation API fetches Pulumi's installer from; asked first, with a short timeout."""

INSTALLER_PATIENCE = 5.0
"""Seconds to wait for INSTALLER before concluding that there is no internet."""

# A build from modules does not know its version; Pulumi's releases set it the same way.
_VERSION_VARIABLE = "github.com/pulumi/pulumi/sdk/v3/go/common/version.Version"


class _NotPossible(Exception):
    """The installer's way to the engine is closed; the text says why."""


def wanted_version() -> Version:
    """The version that the project is tested with: that of the pinned SDK."""
    return Version(importlib.metadata.version("pulumi"))


def ensure_engine(report: Report, layout: Layout | None = None) -> Path:
    """Return the path of a `pulumi` command that works, getting one first if need be.

    Args:
        report: called with a line for the user: which engine, what is being done, how long it
            has taken.
        layout: where `.local/bin` is; the project's own by default.

    Raises:
        LocalCloudError: when no way leads to an engine; the text has the reason of each.
    """
    layout = (layout or Layout()).make()
    on_path = _on_path(report, layout)
    if on_path:
        return on_path
    ours = layout.bin / "pulumi"
    with exclusive(
        layout.bin / ".lock",
        lambda: report("waiting for another command that gets the engine"),
    ):
        if _is_wanted(ours):
            return ours
        reasons = []
        program = _program()
        for way in (_install, program.build):
            try:
                way(report, layout, ours)
            except (_NotPossible, NotBuilt) as reason:
                reasons.append(str(reason))
            else:
                return ours
    raise LocalCloudError(
        "there is no Pulumi engine on this machine, and none could be got:\n"
        + "\n".join(f"    {reason}" for reason in reasons),
        f"install pulumi {wanted_version()} or newer (https://www.pulumi.com/docs/install/), or"
        f" Go {program.minimum_go} or newer (https://go.dev/dl/) so that it can be built, then run"
        " the command again",
    )


def _program() -> GoProgram:
    """The engine as it is built."""
    version = wanted_version()
    flags = f"-X {_VERSION_VARIABLE}=v{version}"
    return GoProgram(MODULE, "pulumi", str(version), flags, first_time="4 to 10 minutes")


def _is_wanted(ours: Path) -> bool:
    """Whether the engine of an earlier run is of the wanted version.

    It takes half a second to say so, and is asked only once as long as it is the same file.
    """
    if not ours.exists():
        return False
    wanted, file = wanted_version(), ours.stat()
    seen, mark = f"{wanted} {file.st_size} {file.st_mtime_ns}", ours.with_name(".pulumi-seen")
    if mark.exists() and mark.read_text("utf-8") == seen:
        return True
    if version_of(ours) != wanted:
        return False
    mark.write_text(seen, "utf-8")
    return True


def version_of(pulumi: Path) -> Version | None:
    """The version that a `pulumi` command says it is; None when it is absent or does not run."""
    if not pulumi.exists():
        return None
    try:
        answer = subprocess.run(
            [str(pulumi), "version"],
            env={**os.environ, "PULUMI_SKIP_UPDATE_CHECK": "true"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
        return Version(answer.stdout.strip())
    except (OSError, subprocess.SubprocessError, InvalidVersion):
        return None


def _on_path(report: Report, layout: Layout) -> Path | None:
    """The user's own `pulumi`, if it is one that the pinned SDK can work with."""
    folders = [
        folder
        for folder in os.environ.get("PATH", "").split(os.pathsep)
        if folder and Path(folder).resolve() != layout.bin.resolve()
    ]
    found = shutil.which("pulumi", path=os.pathsep.join(folders))
    if found is None:
        return None
    version, wanted = version_of(Path(found)), wanted_version()
    if version is None:
        report(f"not using {found}: it does not say its version")
        return None
    if version < wanted or version.major != wanted.major:
        report(
            f"not using {found}: it is version {version}, and the SDK {wanted} needs an engine of"
            f" its own version or a newer {wanted.major}.x"
        )
        return None
    return Path(found)


def _install(report: Report, layout: Layout, target: Path) -> None:
    """Have Pulumi's installer put the release (engine and language hosts) into `.local/bin`."""
    from pulumi.automation import PulumiCommand  # noqa: PLC0415 - every command would wait for it

    _ask_for_installer()
    report(f"downloading pulumi {wanted_version()}")
    # Its installer writes in place: let it do so elsewhere, and move the files when all are there.
    with tempfile.TemporaryDirectory(dir=layout.home, prefix="install-") as scratch:
        try:
            PulumiCommand.install(root=scratch, version=VersionInfo.parse(str(wanted_version())))
        except Exception as error:  # whatever a shell script and a download can fail with
            raise _NotPossible(f"Pulumi's installer failed: {_first_line(error)}") from error
        programs = sorted((Path(scratch) / "bin").iterdir())
        # The engine last: it is what the next run looks for.
        for program in sorted(programs, key=lambda path: path.name == target.name):
            program.replace(layout.bin / program.name)
    report(f"pulumi {wanted_version()} is installed in {layout.bin}")


def _ask_for_installer() -> None:
    """Raise _NotPossible unless the installer's host answers soon.

    The Automation API downloads without a timeout, so an unreachable host (a firewall that drops
    packets) would hang it.
    """
    try:
        request = urllib.request.Request(INSTALLER, method="HEAD")
        with urllib.request.urlopen(request, timeout=INSTALLER_PATIENCE):  # noqa: S310  (https)
            pass
    except (OSError, urllib.error.URLError) as error:
        raise _NotPossible(f"download: {INSTALLER} is not reachable ({error})") from error


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
