"""The host names of an environment's services, all below its domain."""

from dataclasses import dataclass

from tenancy.names import PLATFORM


@dataclass(frozen=True)
class Hosts:
    """``domain``: the environment's. A tenant id is one label, so no two names meet."""

    domain: str

    @property
    def catalog(self) -> str:
        """The gateway before the shared Nessie."""
        return f"catalog.{self.domain}"

    @property
    def dagster(self) -> str:
        """The shared Dagster's webserver."""
        return f"dagster.{self.domain}"

    def nessie_of(self, tenant: str) -> str:
        """A tenant's own Nessie."""
        return f"{tenant}.nessie.{self.domain}"

    def dagster_of(self, tenant: str) -> str:
        """A tenant's own Dagster."""
        return f"{tenant}.dagster.{self.domain}"

    def certified(self, owner: str) -> tuple[str, ...]:
        """What the certificate of ``owner``'s load balancer is for.

        A hard tenant's account holds a certificate for its own hosts alone: with a wildcard, who
        controls that account could pose as another tenant's service.
        """
        if owner == PLATFORM:
            return (self.catalog, self.dagster, f"*.nessie.{self.domain}")
        return (self.nessie_of(owner), self.dagster_of(owner))
