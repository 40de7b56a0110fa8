"""SCRAM-SHA-256 (RFC 5802, RFC 7677): what a server keeps of a password.

The statement that sets a password may end up in a log; with this in it, the password does not.
"""

import base64
import hashlib
import hmac
import secrets

ITERATIONS = 4096  # PostgreSQL's own default
_SALT_BYTES = 16


def verifier(password: str) -> str:
    """What PostgreSQL stores for ``password``, which must be ASCII (SASLprep changes no ASCII)."""
    salt = secrets.token_bytes(_SALT_BYTES)
    salted = hashlib.pbkdf2_hmac("sha256", password.encode("ascii"), salt, ITERATIONS)
    client_key = hmac.digest(salted, b"Client Key", "sha256")
    stored_key = hashlib.sha256(client_key).digest()
    server_key = hmac.digest(salted, b"Server Key", "sha256")
    return f"SCRAM-SHA-256${ITERATIONS}:{_base64(salt)}${_base64(stored_key)}:{_base64(server_key)}"


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
