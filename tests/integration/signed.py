"""The small estate with tokens that its identity provider signs, and tokens that it does not."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from tenancy.estate import StackPlan, load_estate
from tenancy.names import RoleKind
from tenancy.nessie import groups
from tests.estates import ENVIRONMENT, write_estate
from tests.tokens import Issuer

ISSUER = Issuer("https://id.example.com", "lakehouse")
STRANGER = Issuer("https://id.example.com", "lakehouse")
"""It says that it is the same, and has a key of its own."""

_SOFT = "tenant: {0}\ncontact: a@b.example\nisolation: soft\n"


def signed_estate(root: Path, *soft: str) -> StackPlan:
    """Stack ``prod`` of the small estate, with those soft tenants too; ISSUER signs its tokens."""
    environment = ENVIRONMENT.format(name="prod", account="222222222222")
    files = {
        "Pulumi.prod.yaml": environment.replace("bm8ga2V5", ISSUER.public_key),
        **{f"tenants/{tenant}.yaml": _SOFT.format(tenant) for tenant in soft},
    }
    return load_estate(write_estate(root, files)).stack("prod")


def bearer(tenant: str, kind: RoleKind = RoleKind.WRITER) -> str:
    """A token of a tenant's role."""
    return ISSUER.token(*groups(tenant, kind))


def wrong_tokens(issuer: Issuer, own: Sequence[str]) -> Mapping[str, str]:
    """What is wrong -> a token for the groups ``own`` that must not be taken, though all but one
    have the signature of ``issuer``.
    """
    stranger = Issuer(issuer.issuer, issuer.audience, issuer.key_id)
    return {
        "no token": "no-token",
        "foreign key": stranger.token(*own),
        "audience": issuer.token(*own, aud="another"),
        "issuer": issuer.token(*own, iss="https://evil.example.com"),
        "expired": issuer.token(*own, exp=int(time.time()) - 600),
    }
