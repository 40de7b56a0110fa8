"""What a component says that it owns, and who acts for it: checked, never believed."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Claims:
    """Ownership by ARN or ARN pattern (``*``, ``?``). Only plain known strings, never a secret.

    ``tenant`` is a tenant id, or None for the platform, which then says in ``reason`` why its
    ``principals`` reach more than one tenant. ``restricted`` is what the tenant's reader must not
    reach. A KMS key is claimed by its alias, since its id is unknown before it exists.
    """

    tenant: str | None
    owns: tuple[str, ...] = ()
    principals: tuple[str, ...] = ()
    restricted: tuple[str, ...] = ()
    reason: str = ""

    def to_json(self) -> dict[str, object]:
        """The published form: an interface that other tools read from state files."""
        claims: dict[str, object] = {"tenant": self.tenant}
        if self.tenant is None:
            claims |= {"acts_for": "platform", "reason": self.reason}
        claims |= {"owns": list(self.owns), "principals": list(self.principals)}
        if self.restricted:
            claims["restricted"] = list(self.restricted)
        return claims
