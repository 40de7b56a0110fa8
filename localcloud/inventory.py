"""Prints as JSON what is installed in the interpreter that runs it.

The language host runs it by path in a program's own virtual environment, which need not hold
this project: it imports nothing but the standard library.
"""

from __future__ import annotations

import json
import platform
import re
import sys
from importlib.metadata import Distribution, distributions
from typing import Any


def plugin_of(package: Distribution) -> dict[str, Any] | None:
    """The provider that a package is the SDK of, from its `pulumi-plugin.json`; else None."""
    for file in package.files or []:
        if re.fullmatch(r"[^/]+/pulumi-plugin\.json", file.as_posix()):
            content = json.loads(file.read_text())
            if not content.get("resource"):
                return None
            return {
                "name": content.get("name") or package.metadata["Name"].removeprefix("pulumi-"),
                "version": content.get("version") or package.version,
                "server": content.get("server", ""),
                "parameterization": content.get("parameterization"),
            }
    return None


def plain(name: str) -> str:
    """A distribution's name in its normal form (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def main() -> None:
    """Print the inventory."""
    packages = {plain(package.metadata["Name"]): package for package in distributions()}
    required = {
        plain(re.split(r"[^A-Za-z0-9._-]", requirement, maxsplit=1)[0])
        for package in packages.values()
        for requirement in package.requires or []
    }
    # Only packages that need the SDK can be an SDK of a provider; listing files is slow.
    sdks = [
        package
        for package in packages.values()
        if any(re.match(r"pulumi\b(?!-)", need) for need in package.requires or [])
    ]
    plugins = [plugin for plugin in map(plugin_of, sdks) if plugin]
    json.dump(
        {
            "executable": sys.executable,
            "version": platform.python_version(),
            "plugins": sorted(plugins, key=lambda plugin: str(plugin["name"])),
            "packages": [
                {
                    "name": package.metadata["Name"],
                    "version": package.version,
                    "required": name in required,
                }
                for name, package in sorted(packages.items())
            ],
        },
        sys.stdout,
    )


if __name__ == "__main__":
    main()
