"""The data plane of a copy of the project, started as a user starts it."""

from __future__ import annotations

import base64
import json
import os
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import boto3
import httpx
import pytest
from botocore.config import Config
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from dagster import DagsterInstance

from onboarding.data_plane import Place, token
from onboarding.local_dagster import saved_environment
from pipelines.catalog import Lakehouse, TenantCatalog
from tenancy.lake import TenantLake
from tenancy.names import RoleKind
from tests.integration.catalogs import Catalog
from tests.integration.checkout import Checkout
from tests.tokens import Issuer

PATIENCE = 60  # seconds for one answer


@dataclass(frozen=True)
class Plane:
    checkout: Checkout

    @property
    def place(self) -> Place:
        return Place.of(self.checkout.root)

    @property
    def lakehouse(self) -> Lakehouse:
        return Lakehouse.read(self.place.description)

    def start(self) -> None:
        done = self.checkout.run("start", "--data-plane")
        assert done.returncode == 0, done.stderr

    def token(self, tenant: str, kind: RoleKind = RoleKind.RUN) -> str:
        return token(self.checkout.root, tenant, kind)

    def as_(self, tenant: str, kind: RoleKind = RoleKind.RUN) -> TenantCatalog:
        return self.lakehouse.catalog_for(self.token(tenant, kind))

    def catalog(self, tenant: str) -> Catalog:
        """What answers to the tenant, from its root."""
        return Catalog(self.lake(tenant).catalog.removesuffix("/iceberg"))

    @property
    def issuer(self) -> Issuer:
        """Signs as the running issuer does, and whatever it is told to."""
        told = json.loads(self.place.description.read_text())["identity"]
        key = load_pem_private_key((self.place.issuer / "key.pem").read_bytes(), None)
        assert isinstance(key, RSAPrivateKey)
        header = self.token("acme").partition(".")[0]
        key_id = json.loads(base64.urlsafe_b64decode(header + "=" * (-len(header) % 4)))["kid"]
        return Issuer(told["issuer"], told["audience"], key_id, key)

    @contextmanager
    def dagster(self, owner: str) -> Iterator[DagsterInstance]:
        """The instance of the Dagster of ``owner``."""
        home = self.place.dagster(owner)
        with pytest.MonkeyPatch.context() as patch:
            for name, value in saved_environment(home).items():
                if name != "PATH":
                    patch.setenv(name, value)
            with DagsterInstance.from_config(str(home)) as found:
                yield found

    @contextmanager
    def suspended(self, *tenants: str) -> Iterator[None]:
        """The tenants are so for the block, as `tenancy offboard` writes it."""
        files = [self.checkout.root / "tenants" / f"{tenant}.yaml" for tenant in tenants]
        before = {file: file.read_text() for file in files}
        try:
            for file, text in before.items():
                file.write_text(f"{text}offboarding: suspended\n")
            self.start()
            yield
        finally:
            for file, text in before.items():
                file.write_text(text)
            self.start()

    def lake(self, tenant: str) -> TenantLake:
        return self.lakehouse.lakes[tenant]

    def storage(self, tenant: str, kind: RoleKind = RoleKind.RUN) -> dict[str, str]:
        """What a plain Iceberg client needs to reach storage as a role of the tenant."""
        return self.lakehouse.storage.properties(self.token(tenant, kind))

    def s3(self, tenant: str, kind: RoleKind = RoleKind.RUN) -> Any:
        """A plain S3 client with the credentials of a role of the tenant."""
        given = self.storage(tenant, kind)
        return boto3.client(
            "s3",
            endpoint_url=given["s3.endpoint"],
            region_name=given["s3.region"],
            aws_access_key_id=given["s3.access-key-id"],
            aws_secret_access_key=given["s3.secret-access-key"],
            aws_session_token=given["s3.session-token"],
            config=Config(s3={"addressing_style": "path"}, retries={"total_max_attempts": 1}),
        )

    def processes(self) -> Mapping[str, int]:
        """Server -> its process id, as it was recorded."""
        folder = self.place.record("x").parent
        return {
            record.stem: json.loads(record.read_text())["pid"] for record in folder.glob("*.json")
        }

    def kill(self, server: str) -> None:
        os.kill(self.processes()[server], signal.SIGKILL)

    @cached_property
    def http(self) -> httpx.Client:
        return httpx.Client(timeout=PATIENCE, trust_env=False)

    def log(self, server: str) -> str:
        return self.place.log(server).read_text()


def data_plane(root: Path) -> Plane:
    """Started, for two soft tenants, a medium and a hard one. ``root``: everybody may enter it."""
    checkout = Checkout.make(root)
    for tenant in ("colorado-state", "nevada-health"):
        (root / "tenants" / f"{tenant}.yaml").unlink()
    plane = Plane(checkout)
    plane.start()
    return plane
