"""Tokens as an identity provider signs them, with a key made for one test run."""

import base64
import json
import time
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat


@dataclass(frozen=True)
class Issuer:
    issuer: str
    audience: str
    key_id: str = ""
    key: RSAPrivateKey = field(default_factory=lambda: generate_private_key(65537, 2048))

    @property
    def public_key(self) -> str:
        """As an environment names it: base64 of the DER form."""
        return base64.b64encode(
            self.key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        ).decode()

    def token(self, *groups: str, **changed: Any) -> str:
        """A JSON Web Token (RFC 7519) signed with RS256, for a bearer in ``groups``."""
        now = int(time.time())
        claims = {
            "iss": self.issuer,
            "aud": self.audience,
            "sub": "somebody",
            "groups": groups,
            "iat": now,
            "exp": now + 3600,
        }
        header = {"alg": "RS256", "typ": "JWT"} | ({"kid": self.key_id} if self.key_id else {})
        signed = f"{_part(header)}.{_part({**claims, **changed})}"
        return f"{signed}.{_text(self.key.sign(signed.encode(), PKCS1v15(), SHA256()))}"


def _part(content: dict[str, Any]) -> str:
    return _text(json.dumps(content).encode())


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
