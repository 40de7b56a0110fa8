"""Receipts of what an offboarding did: signed, and each naming the one before it by its hash.

`receipts/<environment>/<tenant>/0001-suspended.json`, `0002-...`: who has the public key can tell
that none was changed, taken out of the middle or put in. That the last ones are there must be
known otherwise: commit the folder.

A receipt is `{"body": {...}, "signature": "<base64>"}`; signed is the body in canonical JSON
(sorted keys, no white space, UTF-8), with Ed25519 (RFC 8032).
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from tenancy.errors import InvalidInput, Problem

FOLDER = "receipts"
PUBLIC_KEY = "key.pub"
_FIRST = "0" * 64
"""What the first receipt names in place of one before it."""


@dataclass(frozen=True)
class Receipt:
    """One step, done. ``facts`` are the step's own; ``at`` is in UTC."""

    number: int
    step: str
    tenant: str
    environment: str
    at: datetime
    previous: str
    facts: Mapping[str, Any]
    digest: str

    def to_json(self) -> dict[str, object]:
        """For machines."""
        return {
            "number": self.number,
            "step": self.step,
            "at": self.at.isoformat(),
            "sha256": self.digest,
            "facts": dict(self.facts),
        }


class Invalid(InvalidInput):
    """A receipt is not what was signed, or one is missing."""


class Receipts:
    """The receipts of one tenant in one environment of the project at ``root``."""

    def __init__(self, root: Path, environment: str, tenant: str) -> None:
        self._root, self.environment, self.tenant = root, environment, tenant
        self.folder = root / FOLDER / environment / tenant
        self._public = root / FOLDER / environment / PUBLIC_KEY

    def read(self, key: Path | None = None) -> tuple[Receipt, ...]:
        """All receipts in order, each verified; ``key`` is the public key's file (PEM).

        Raises:
            Invalid: one was changed, is missing from the middle, or the key is not theirs.
        """
        files = sorted(self.folder.glob("[0-9]*.json"))
        if not files:
            return ()
        public = _load_public(key or self._public)
        found: list[Receipt] = []
        for number, file in enumerate(files, start=1):
            previous = found[-1].digest if found else _FIRST
            found.append(self._verified(file, number, previous, public))
        return tuple(found)

    def of(self, step: str) -> Receipt | None:
        """The last receipt of the step; None when it was not done. Raises Invalid."""
        return next((one for one in reversed(self.read()) if one.step == step), None)

    def add(self, step: str, facts: Mapping[str, Any], at: datetime, signer: Path) -> Receipt:
        """Sign and keep a receipt; ``signer`` is the private key's file, made if it is not there.

        Raises Invalid when those before it are not sound.
        """
        private = _private_key(signer)
        self._keep_public(private)
        before = self.read()
        body = {
            "number": len(before) + 1,
            "step": step,
            "tenant": self.tenant,
            "environment": self.environment,
            "at": at.isoformat(),
            "previous": before[-1].digest if before else _FIRST,
            "facts": dict(facts),
        }
        signature = base64.b64encode(private.sign(_canonical(body))).decode()
        file = self.folder / f"{body['number']:04d}-{step}.json"
        write_whole(file, json.dumps({"body": body, "signature": signature}, indent=2) + "\n")
        return self.read()[-1]

    def _keep_public(self, private: Ed25519PrivateKey) -> None:
        pem = private.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        if not self._public.is_file():
            write_whole(self._public, pem.decode())
        elif self._public.read_bytes() != pem:
            raise self._invalid(
                self._public,
                "it is not the public key of the one that would sign: receipts of two keys are no"
                " chain",
                "sign with the key that the first receipt was signed with",
            )

    def _verified(
        self, file: Path, number: int, previous: str, public: Ed25519PublicKey
    ) -> Receipt:
        try:
            told = json.loads(file.read_text(encoding="utf-8"))
            body = told["body"]
            public.verify(base64.b64decode(told["signature"]), _canonical(body))
        except InvalidSignature:
            raise self._invalid(file, "its signature is not of what it says") from None
        except (ValueError, LookupError, TypeError):
            raise self._invalid(file, "it is no receipt") from None
        named = (body.get("number"), body.get("tenant"), body.get("environment"))
        if named != (number, self.tenant, self.environment) or body.get("previous") != previous:
            raise self._invalid(
                file, "it does not follow the one before it: one is missing, or is another's"
            )
        return Receipt(
            number=number,
            step=body["step"],
            tenant=self.tenant,
            environment=self.environment,
            at=datetime.fromisoformat(body["at"]),
            previous=previous,
            facts=body["facts"],
            digest=hashlib.sha256(_canonical(body)).hexdigest(),
        )

    def _invalid(self, file: Path, rule: str, remedy: str = "") -> Invalid:
        where = str(file.relative_to(self._root)) if file.is_relative_to(self._root) else str(file)
        return Invalid(Problem(where, "", rule, remedy or "restore it from version control"))


def write_whole(file: Path, text: str) -> None:
    """Replace a file; a reader sees it as it was or as it will be."""
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_name(f".{file.name}.{os.getpid()}")
    draft.write_text(text, encoding="utf-8")
    draft.replace(file)


def _canonical(body: Mapping[str, Any]) -> bytes:
    return json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def _load_public(file: Path) -> Ed25519PublicKey:
    try:
        key = serialization.load_pem_public_key(file.read_bytes())
    except (OSError, ValueError) as error:
        told = Problem(str(file), "", f"no public key can be read: {error}", "restore it")
        raise Invalid(told) from None
    if not isinstance(key, Ed25519PublicKey):
        raise Invalid(Problem(str(file), "", "it is no Ed25519 key", "name the right file"))
    return key


def _private_key(file: Path) -> Ed25519PrivateKey:
    if not file.is_file():
        made = Ed25519PrivateKey.generate().private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        file.parent.mkdir(parents=True, exist_ok=True)
        draft = file.with_name(f".{file.name}.{os.getpid()}")
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "wb") as stream:
            stream.write(made)
        draft.replace(file)
    try:
        key = serialization.load_pem_private_key(file.read_bytes(), None)
    except (OSError, ValueError) as error:
        told = Problem(str(file), "", f"no private key can be read: {error}", "restore it")
        raise Invalid(told) from None
    if not isinstance(key, Ed25519PrivateKey):
        raise Invalid(Problem(str(file), "", "it is no Ed25519 key", "name the right file"))
    return key


def steps(receipts: Sequence[Receipt]) -> tuple[str, ...]:
    """The steps that were done, in order."""
    return tuple(receipt.step for receipt in receipts)
