"""The environment in which `pulumi`, `aws` and boto3 talk to the local stacks and nothing else.

The user's own AWS settings must never leak into a local stack: a call that slips through would
act on a real account.  So every setting of AWS clients in the environment is either set here or
removed, the configuration files are replaced by an empty one, and the endpoint points at the
emulator for all services.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping, MutableMapping
from pathlib import Path

from localcloud.emulator import lifecycle
from localcloud.errors import LocalCloudError
from localcloud.launchers import uses_official_aws_plugin
from localcloud.paths import PROJECT_ROOT, Layout

REGION = "us-east-1"
"""The region of the local stacks."""

# Shaped like real ones (moto finds the account of a caller by a key of 20 characters), and such
# that AWS refuses them.  Callers with them act in the emulator's management account.
ACCESS_KEY_ID = "AKIALOCALCLOUD000000"
SECRET_ACCESS_KEY = "of-the-local-cloud"  # noqa: S105  (it opens nothing)

_HERE = "127.0.0.1,localhost"

# Of Pulumi's own settings, those that would point the engine elsewhere or past our plugins, or make
# it write states that are not plain JSON.
_PULUMI_FOREIGN = (
    "PULUMI_ACCESS_TOKEN",
    "PULUMI_API",
    "PULUMI_CONFIG_PASSPHRASE_FILE",
    "PULUMI_DIY_BACKEND_GZIP",
    "PULUMI_DIY_BACKEND_ZSTD",
    "PULUMI_IGNORE_AMBIENT_PLUGINS",
    "PULUMI_STACK",
)


def shell_environment(
    root: Path = PROJECT_ROOT,
    endpoint: str | None = None,
    environ: Mapping[str, str] = os.environ,
) -> dict[str, str]:
    """The variables to set for the local stacks.  `foreign_settings` are to be removed besides.

    Args:
        root: the project's folder.
        endpoint: the emulator's URL; by default where it ran last (it keeps its port).
        environ: the environment that PATH and NO_PROXY are extended from.

    Raises:
        LocalCloudError: when no endpoint is given and no emulator was ever started.
    """
    layout = Layout(root)
    endpoint = endpoint or lifecycle.status(layout).endpoint
    if endpoint is None:
        raise LocalCloudError(
            "the embedded cloud was not started yet, so there is no address to talk to",
            "run `make up` first",
        )
    # An empty file: a profile could switch the endpoint off, name a role or run a command.
    nothing = os.devnull
    settings = {
        "PATH": _prepended(str(layout.bin), environ.get("PATH", ""), os.pathsep),
        "PULUMI_HOME": str(layout.pulumi_home),
        "PULUMI_BACKEND_URL": layout.backend,
        # The local stacks hold no real secret; this only keeps the engine from asking.
        "PULUMI_CONFIG_PASSPHRASE": "local",
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": ACCESS_KEY_ID,
        "AWS_SECRET_ACCESS_KEY": SECRET_ACCESS_KEY,
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_CONFIG_FILE": nothing,
        "AWS_SHARED_CREDENTIALS_FILE": nothing,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_PAGER": "",
    }
    if not uses_official_aws_plugin(environ):
        settings["PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION"] = "true"
    for name in ("NO_PROXY", "no_proxy"):
        settings[name] = _prepended(_HERE, environ.get(name, ""), ",")
    return settings


def foreign_settings(environ: Mapping[str, str] = os.environ) -> tuple[str, ...]:
    """Names in `environ` that must be removed: those that could lead out of the local cloud.

    Every variable of AWS clients that `shell_environment` does not set is one, whether known to
    us or not (profiles, session tokens, web identities, endpoints of single services, switches
    that make clients ignore endpoints).
    """
    # AWS_PROFILE and the like are named even when not set here: a script that is sourced in
    # another shell than the one that printed it must clear them there.
    always = (
        "AWS_PROFILE",
        "AWS_DEFAULT_PROFILE",
        "AWS_SESSION_TOKEN",
        "AWS_SECURITY_TOKEN",
    )
    ours = shell_environment(endpoint="unused", environ={})
    aws = (name for name in environ if name.startswith("AWS_") and name not in ours)
    pulumi = (name for name in _PULUMI_FOREIGN if name in environ)
    return tuple(sorted({*always, *aws, *pulumi}))


def enter(
    root: Path = PROJECT_ROOT,
    endpoint: str | None = None,
    environ: MutableMapping[str, str] = os.environ,
) -> None:
    """Turn this process's environment into that of the local stacks, for all that it starts.

    The Automation API only adds to the environment and cannot remove from it, so `environ` itself
    is changed.  Raises LocalCloudError as `shell_environment` does.
    """
    settings = shell_environment(root, endpoint, environ)
    for name in foreign_settings(environ):
        environ.pop(name, None)
    environ.update(settings)


def render_exports(settings: Mapping[str, str], environ: Mapping[str, str] = os.environ) -> str:
    """A script for `eval "$(tenancy local env)"` in any POSIX shell.

    Args:
        settings: what `shell_environment` returns.
        environ: the environment to find foreign settings in.
    """
    lines = [f"unset {name}" for name in foreign_settings(environ)]
    lines += [f"export {name}={shlex.quote(value)}" for name, value in settings.items()]
    return "\n".join(lines) + "\n"


def _prepended(first: str, rest: str, separator: str) -> str:
    """`first` before `rest`, once: entering twice changes nothing."""
    if not rest:
        return first
    return rest if (rest + separator).startswith(first + separator) else first + separator + rest
