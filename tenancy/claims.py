"""What a component says that it owns, and who acts for it: checked, never believed."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Claims:
    """Ownership by ARN or ARN pattern (``*``, ``?``). Only plain known strings, never a secret.

    ``tenant`` is a tenant id, or None for the platform, which then says in ``reason`` why its
    ``principals`` reach more than one tenant. ``restricted`` is what the tenant's reader must not
    reach. A KMS key is claimed by its alias, since its id is unknown before it exists.
    ``session_tag``: tenants share the principals, and a session acts for the tenant that this tag
    of it names.
    """

    tenant: str | None
    owns: tuple[str, ...] = ()
    principals: tuple[str, ...] = ()
    restricted: tuple[str, ...] = ()
    reason: str = ""
    session_tag: str = ""

    def to_json(self) -> dict[str, object]:
        """The published form: an interface that other tools read from state files."""
        claims: dict[str, object] = {"tenant": self.tenant}
        if self.tenant is None:
            acts_for = "session" if self.session_tag else "platform"
            claims |= {"acts_for": acts_for, "reason": self.reason}
        claims |= {"owns": list(self.owns), "principals": list(self.principals)}
        if self.session_tag:
            claims["session_tag"] = self.session_tag
        if self.restricted:
            claims["restricted"] = list(self.restricted)
        return claims
