"""Who calls: what the identity provider signed, and nothing else."""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import dataclass
from http import HTTPStatus

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import RSAKey

from pipelines.gateway.refusal import Refused, forbidden
from pipelines.gateway.tenants import Tenant, Tenants
from tenancy.access import sees_restricted
from tenancy.names import RoleKind

LEEWAY = 30
"""Seconds that clocks may differ."""

_LONGEST_TOKEN = 16_384  # characters
_LONGEST_SUBJECT = 256
_SEPARATOR = "--"


@dataclass(frozen=True)
class Claims:
    """Of a verified token: whom it was made out to, the groups that the bearer is in, and when it
    ends, in seconds of Unix time.
    """

    subject: str
    groups: tuple[str, ...]
    ends: float


@dataclass(frozen=True)
class Caller:
    """A tenant's user or program, in the roles that its token gives."""

    tenant: Tenant
    subject: str
    roles: frozenset[RoleKind]

    @property
    def writes(self) -> bool:
        """Whether it may change anything; who may, also sees the restricted columns."""
        return any(sees_restricted(role) for role in self.roles)


class Verifier:
    """Checks tokens against one key, which is given as base64 of its DER form."""

    def __init__(self, issuer: str, audience: str, public_key: str) -> None:
        """Raises ValueError when the key is none."""
        self._key = RSAKey.import_key(
            f"-----BEGIN PUBLIC KEY-----\n{public_key}\n-----END PUBLIC KEY-----\n"
        )
        self._claims = jwt.JWTClaimsRegistry(
            leeway=LEEWAY,
            iss={"essential": True, "value": issuer},
            aud={"essential": True, "value": audience},
            exp={"essential": True},
            sub={"essential": True},
        )

    def __call__(self, authorization: Sequence[str]) -> Claims:
        """What the one ``Authorization`` header's token says.

        Raises:
            Refused: there is no header or several, or the token is not valid here and now.
        """
        if len(authorization) != 1:
            raise _unauthenticated("no token" if not authorization else "several tokens")
        scheme, _, token = authorization[0].partition(" ")
        if scheme.lower() != "bearer" or not 0 < len(token) <= _LONGEST_TOKEN:
            raise _unauthenticated("no token")
        try:
            # The algorithm is ours to choose, not the token's (RFC 8725, 3.1).
            claims = jwt.decode(token, self._key, algorithms=["RS256"]).claims
            self._claims.validate(claims)
        except (JoseError, ValueError, TypeError) as error:
            raise _unauthenticated(type(error).__name__) from error
        subject, groups = claims["sub"], claims.get("groups", [])
        if not isinstance(subject, str) or not isinstance(groups, list):
            raise _unauthenticated("claims of another type")
        named = tuple(group for group in groups if isinstance(group, str))
        return Claims(subject[:_LONGEST_SUBJECT], named, float(claims["exp"]))


def acts_for(claims: Claims, tenants: Container[str]) -> tuple[str, frozenset[RoleKind]]:
    """The one tenant whose groups the bearer is in, and in which roles.

    Raises:
        Refused: none of ``tenants``, or several, so that nothing but a parameter could tell which.
    """
    roles: dict[str, set[RoleKind]] = {}
    for group in claims.groups:
        tenant, _, kind = group.rpartition(_SEPARATOR)
        if tenant in tenants and kind in set(RoleKind):
            roles.setdefault(tenant, set()).add(RoleKind(kind))
    if len(roles) != 1:
        reason = "several tenants" if roles else "no tenant"
        raise forbidden(reason, "the token must be in the groups of exactly one tenant")
    ((tenant, found),) = roles.items()
    return tenant, frozenset(found)


def caller(claims: Claims, tenants: Tenants) -> Caller:
    """Whom the bearer acts for; raises Refused as `acts_for` does."""
    tenant, roles = acts_for(claims, tenants)
    return Caller(tenants[tenant], claims.subject, roles)


def _unauthenticated(reason: str) -> Refused:
    return Refused(HTTPStatus.UNAUTHORIZED, f"token: {reason}", "a valid token is needed")
