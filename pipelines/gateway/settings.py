"""The gateway's configuration: the environment of its task (``tenancy.nessie.gateway_task``)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from pipelines.gateway.tenants import SECTION, Tenant
from pipelines.gateway.tokens import Verifier
from pipelines.registry import CATALOG, REGISTRY, Mark, Registry, RegistryError, place_of

INLINE = "GATEWAY_TENANTS"


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
            Misconfigured: something is missing, double or not of the right form, or the registry
                cannot be read.
        """
        if INLINE in environ and REGISTRY in environ:
            raise Misconfigured(f"exactly one of {INLINE} and {REGISTRY} must be there")
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
    place = _Inline(environ[INLINE]) if INLINE in environ else place_of(environ)
    found = Registry(place, SECTION)
    found.read()
    return found


class _Inline:
    """Entries that the environment holds."""

    every = 3600.0

    def __init__(self, text: str) -> None:
        self._entries = {
            f"{id_}.json": json.dumps({CATALOG: told}).encode()
            for id_, told in json.loads(text).items()
        }

    def marks(self) -> Mapping[str, Mark]:
        """They never change."""
        return dict.fromkeys(self._entries, 0)

    def get(self, name: str) -> tuple[Mark, bytes] | None:
        """An entry."""
        return 0, self._entries[name]
