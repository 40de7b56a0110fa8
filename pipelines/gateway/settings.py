"""The gateway's configuration: the environment of its task (``tenancy.nessie.gateway_task``)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pipelines.gateway.tenants import SECTION, Tenant
from pipelines.gateway.tokens import Verifier
from pipelines.registry import Registry, RegistryError, place_of


class Misconfigured(ValueError):
    """The environment does not say what the gateway must know."""


@dataclass(frozen=True)
class Settings:
    """``registry`` tells whom it serves; ``upstream`` is Nessie's URL without a path."""

    registry: Registry[Tenant]
    verifier: Verifier
    upstream: str
    host: str
    port: int

    @classmethod
    def read(cls, environ: Mapping[str, str]) -> Settings:
        """The settings that the environment says, with the tenants that there are now.

        ``GATEWAY_HOST`` is the address to listen on, all of them when it is not there.

        Raises:
            Misconfigured: something is missing or not of the right form, or the registry cannot be
                read.
        """
        try:
            return cls(
                _registry(environ),
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
        except (ValueError, RegistryError) as error:
            raise Misconfigured(str(error)) from error


def _registry(environ: Mapping[str, str]) -> Registry[Tenant]:
    found = Registry(place_of(environ), SECTION)
    found.read()
    return found
