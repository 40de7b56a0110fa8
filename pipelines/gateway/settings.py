"""The gateway's configuration: the environment of its task (``tenancy.nessie.gateway_task``)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from pipelines.gateway.tenants import Tenants, TenantsFile, read_tenants
from pipelines.gateway.tokens import Verifier

INLINE, FILE = "GATEWAY_TENANTS", "GATEWAY_TENANTS_FILE"


class Misconfigured(ValueError):
    """The environment does not say what the gateway must know."""


@dataclass(frozen=True)
class Settings:
    """``tenants`` tells them as they are now; ``upstream`` is Nessie's URL without a path."""

    tenants: Callable[[], Tenants]
    verifier: Verifier
    upstream: str
    host: str
    port: int

    @classmethod
    def read(cls, environ: Mapping[str, str]) -> Settings:
        """The settings that the environment says.

        ``GATEWAY_TENANTS`` holds the tenants, or ``GATEWAY_TENANTS_FILE`` names a file with the
        same content, which is read again when it changes. ``GATEWAY_HOST`` is the address to
        listen on, all of them when it is not there.

        Raises:
            Misconfigured: something is missing, double or not of the right form.
        """
        if (INLINE in environ) == (FILE in environ):
            raise Misconfigured(f"exactly one of {INLINE} and {FILE} must be there")
        try:
            return cls(
                _tenants(environ),
                Verifier(
                    environ["GATEWAY_ISSUER"],
                    environ["GATEWAY_AUDIENCE"],
                    environ["GATEWAY_PUBLIC_KEY"],
                ),
                environ["GATEWAY_UPSTREAM"].rstrip("/"),
                environ.get("GATEWAY_HOST", "0.0.0.0"),  # noqa: S104 - a container's own network
                int(environ["GATEWAY_PORT"]),
            )
        except KeyError as error:
            raise Misconfigured(f"{error.args[0]} is missing") from error
        except (OSError, ValueError) as error:
            raise Misconfigured(str(error)) from error


def _tenants(environ: Mapping[str, str]) -> Callable[[], Tenants]:
    if FILE in environ:
        return TenantsFile(Path(environ[FILE]))
    tenants = read_tenants(environ[INLINE])
    return lambda: tenants
