"""The launch scripts in `.local/bin` by which the engine finds its plugins.

The engine takes `pulumi-language-python` and `pulumi-resource-aws` from PATH.  Official plugins
come first: a host that ships beside the engine is used as it is, and with
TENANCY_OFFICIAL_AWS_PLUGIN=1 the engine uses (and, online, downloads) the official AWS provider.
"""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

from localcloud.paths import PROJECT_ROOT, Layout

OFFICIAL_AWS_PLUGIN = "TENANCY_OFFICIAL_AWS_PLUGIN"
"""Environment variable: "1" leaves the provider plugin to Pulumi instead of installing ours."""

# Tells our scripts from official plugins in the same folder, which are never touched.
_MARK = "# Written by the tenancy command; made anew at each start."


def install_launchers(
    pulumi: Path, layout: Layout | None = None, environ: Mapping[str, str] = os.environ
) -> None:
    """Write the launch scripts that are needed, and remove ours where the official plugin is.

    Args:
        pulumi: the engine that will look for them.
        layout: where `.local/bin` is; the project's own by default.
        environ: where OFFICIAL_AWS_PLUGIN and PATH are looked up.
    """
    layout = (layout or Layout()).make()
    language = layout.bin / "pulumi-language-python"
    official = _official_host(language, pulumi, environ)
    _place(language, None if official else "localcloud.language_host")
    aws = layout.bin / "pulumi-resource-aws"
    _place(aws, None if uses_official_aws_plugin(environ) else "localcloud.aws_plugin")


def uses_official_aws_plugin(environ: Mapping[str, str] = os.environ) -> bool:
    """Whether the user asked for the official AWS provider instead of the embedded one."""
    return environ.get(OFFICIAL_AWS_PLUGIN, "") not in ("", "0")


def _official_host(ours: Path, pulumi: Path, environ: Mapping[str, str]) -> bool:
    """Whether there is an official language host, beside the engine or on PATH."""
    if ours.exists() and not _is_ours(ours):
        return True  # the engine's own installer put it there
    if pulumi.resolve().parent != ours.parent.resolve():
        beside = pulumi.resolve().with_name(ours.name)
        if beside.exists():
            return True
    elsewhere = [
        folder
        for folder in environ.get("PATH", "").split(os.pathsep)
        if folder and Path(folder).resolve() != ours.parent.resolve()
    ]
    return shutil.which(ours.name, path=os.pathsep.join(elsewhere)) is not None


def _is_ours(script: Path) -> bool:
    with script.open("rb") as content:
        return _MARK.encode() in content.read(400)


def _place(script: Path, module: str | None) -> None:
    """Make `script` run `module` in this interpreter (None: be absent); official files stay."""
    if script.exists() and not _is_ours(script):
        return
    if module is None:
        script.unlink(missing_ok=True)
        return
    # -P keeps the program's folder, which the engine starts its plugins in, off the import path.
    content = (
        "#!/bin/sh\n"
        f"{_MARK}\n"
        f'PYTHONPATH={shlex.quote(str(PROJECT_ROOT))}"${{PYTHONPATH:+:$PYTHONPATH}}"\n'
        "export PYTHONPATH\n"
        f'exec {shlex.quote(sys.executable)} -P -u -m {module} "$@"\n'
    )
    if script.exists() and script.read_text(encoding="utf-8") == content:
        return
    draft = script.with_name(f"{script.name}.{os.getpid()}")
    draft.write_text(content, encoding="utf-8")
    draft.chmod(0o755)
    draft.replace(script)  # at once, for an engine that starts it at this moment
