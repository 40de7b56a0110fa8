"""What an offboarding does to a tenant's data itself: list it, let its key expire, erase it.

These calls no stack should make: a program says what is to be there, and not that something is to
be gone for good.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from onboarding.sessions import session_in
from tenancy.names import PLATFORM
from tenancy.settings import OwnBucket, OwnDatabase, OwnNessie, TenantSettings

_PIECE = 1 << 20
_PENDING = "PendingDeletion"


@dataclass(frozen=True)
class Holdings:
    """Where a tenant's data lies: all that an offboarding must still know when the files and the
    stack know nothing of the tenant any more.

    ``assumed_roles`` are assumed one after another to act there. ``own``: bucket, key and database
    are the tenant's alone; else its objects are those under ``prefix`` and its tables those whose
    names start with ``table_prefix``. ``audit`` is where its records stay, for ``retention_days``.
    """

    tenant: str
    tier: str
    stack: str
    account: str
    region: str
    assumed_roles: tuple[str, ...]
    bucket: str
    prefix: str
    own: bool
    key_alias: str
    database: str
    table_prefix: str
    own_database: bool
    roles: tuple[str, ...]
    boundaries: tuple[str, ...]
    audit: str
    retention_days: int
    database_instance: str

    @classmethod
    def of(cls, settings: TenantSettings, stack: str, assumed_roles: tuple[str, ...]) -> Holdings:
        """Those of a tenant that the files describe."""
        names, storage, catalog = settings.names, settings.storage, settings.catalog
        hard = bool(assumed_roles)
        return cls(
            tenant=settings.id,
            tier=settings.placement.tier,
            stack=stack,
            account=names.account_id,
            region=names.region,
            assumed_roles=assumed_roles,
            bucket=storage.bucket,
            prefix=storage.prefix,
            own=isinstance(storage, OwnBucket),
            key_alias=storage.key_alias,
            database=catalog.database,
            table_prefix=catalog.table_prefix,
            own_database=isinstance(catalog, OwnDatabase),
            roles=(
                *(names.role(settings.id, kind) for kind in settings.own_roles),
                names.service_role(settings.id, "auditor"),
            ),
            boundaries=(
                names.boundary_arn(settings.id),
                names.auditor_boundary_arn(settings.id),
                *(
                    [names.service_boundary_arn(settings.id)]
                    if isinstance(settings.nessie, OwnNessie)
                    else []
                ),
            ),
            audit=f"s3://{settings.audit.bucket}/{settings.audit.prefix}",
            retention_days=settings.tenant.audit.retention_days,
            database_instance=names.database_instance(settings.id if hard else PLATFORM),
        )

    @classmethod
    def told(cls, facts: Mapping[str, Any]) -> Holdings:
        """As a receipt tells them."""
        lists = {name: tuple(value) for name, value in facts.items() if isinstance(value, list)}
        return cls(**{**facts, **lists})

    def to_json(self) -> dict[str, object]:
        """For a receipt."""
        return {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in asdict(self).items()
        }


class Eraser:
    """Acts in the account where a tenant's data lies, as the program's deployer does."""

    def __init__(self, holdings: Holdings) -> None:
        self._of = holdings
        self._session = session_in(holdings.region, holdings.assumed_roles, "offboard")

    def _client(self, service: str) -> Any:  # noqa: ANN401 - boto3 makes them as it runs
        return self._session.client(service)  # type: ignore[call-overload]

    # --- suspended

    def denied(self) -> dict[str, str]:
        """Boundary -> SHA-256 of its document, of those boundaries that deny everything now."""
        iam, found = self._client("iam"), {}
        for arn in self._of.boundaries:
            version = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
            told = iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]
            statements = told["Document"]["Statement"]
            if [one["Effect"] for one in statements] == ["Deny"]:
                found[arn] = hashlib.sha256(
                    json.dumps(told["Document"], sort_keys=True).encode()
                ).hexdigest()
        return found

    # --- exported

    def objects(self) -> Iterator[dict[str, object]]:
        """Every version of every object, with the SHA-256 of what it holds."""
        s3 = self._client("s3")
        for one in self._versions(s3, "Versions"):
            body = s3.get_object(
                Bucket=self._of.bucket, Key=one["Key"], VersionId=one["VersionId"]
            )["Body"]
            digest = hashlib.sha256()
            for piece in body.iter_chunks(_PIECE):
                digest.update(piece)
            yield {
                "key": one["Key"],
                "version": one["VersionId"],
                "latest": one["IsLatest"],
                "size": one["Size"],
                "modified": one["LastModified"].isoformat(),
                "sha256": digest.hexdigest(),
            }

    def tables(self) -> Iterator[dict[str, object]]:
        """Every table in Glue: name, location and columns."""
        glue = self._client("glue")
        pages = glue.get_paginator("get_tables").paginate(DatabaseName=self._of.database)
        for page in pages:
            for table in page["TableList"]:
                if table["Name"].startswith(self._of.table_prefix):
                    described = table["StorageDescriptor"]
                    yield {
                        "database": self._of.database,
                        "name": table["Name"],
                        "location": described["Location"],
                        "columns": {one["Name"]: one["Type"] for one in described["Columns"]},
                    }

    # --- destroyed

    def let_key_expire(self, days: int) -> tuple[str, datetime]:
        """Schedule the deletion of the tenant's own key, unless it is; its ARN and the date."""
        kms = self._client("kms")
        told = kms.describe_key(KeyId=self._of.key_alias)["KeyMetadata"]
        if told["KeyState"] != _PENDING:
            kms.schedule_key_deletion(KeyId=told["KeyId"], PendingWindowInDays=days)
            told = kms.describe_key(KeyId=told["KeyId"])["KeyMetadata"]
        return told["Arn"], told["DeletionDate"]

    def keep_key(self, key: str) -> None:
        """Take the deletion of the key back, if it is scheduled; ``key`` is its ARN."""
        kms, key = self._client("kms"), key.rpartition("/")[2]
        if kms.describe_key(KeyId=key)["KeyMetadata"]["KeyState"] == _PENDING:
            kms.cancel_key_deletion(KeyId=key)
            kms.enable_key(KeyId=key)

    def empty(self) -> int:
        """Erase every version of every object, and delete markers; how many there were.

        Uploads that nobody completed are no versions, and go by the bucket's lifecycle rule.
        """
        s3, count = self._client("s3"), 0
        try:
            for kind in ("Versions", "DeleteMarkers"):
                batch: list[dict[str, str]] = []
                for one in self._versions(s3, kind):
                    batch.append({"Key": one["Key"], "VersionId": one["VersionId"]})
                    if len(batch) == 1000:  # noqa: PLR2004 - the most that DeleteObjects takes
                        count += self._delete(s3, batch)
                        batch = []
                count += self._delete(s3, batch)
        except s3.exceptions.NoSuchBucket:  # it was removed before
            return count
        return count

    def _delete(self, s3: Any, batch: list[dict[str, str]]) -> int:  # noqa: ANN401
        if batch:
            told = s3.delete_objects(Bucket=self._of.bucket, Delete={"Objects": batch})
            if told.get("Errors"):
                first = told["Errors"][0]
                raise ErasureError(f"{first['Key']}: {first['Code']}: {first['Message']}")
        return len(batch)

    def _versions(self, s3: Any, kind: str) -> Iterator[dict[str, Any]]:  # noqa: ANN401
        # What is the tenant's in a shared bucket ends with `/`, which no other tenant's id starts.
        prefix = "" if self._of.own else self._of.prefix
        pages = s3.get_paginator("list_object_versions").paginate(
            Bucket=self._of.bucket, Prefix=prefix
        )
        for page in pages:
            yield from page.get(kind, ())

    def unlock_database(self) -> None:
        """Let a hard tenant's own database be deleted; AWS keeps a final snapshot of it."""
        rds = self._client("rds")
        try:
            rds.modify_db_instance(
                DBInstanceIdentifier=self._of.database_instance,
                DeletionProtection=False,
                ApplyImmediately=True,
            )
        except rds.exceptions.DBInstanceNotFoundFault:
            return

    def left(self) -> tuple[str, ...]:
        """What of the tenant is still there, of what must be gone."""
        return tuple(self._left())

    def _left(self) -> Iterator[str]:
        s3, iam, glue = (self._client(name) for name in ("s3", "iam", "glue"))
        if self._of.own:
            if any(one["Name"] == self._of.bucket for one in s3.list_buckets()["Buckets"]):
                yield f"bucket {self._of.bucket}"
        elif next(self._versions(s3, "Versions"), None) is not None:
            yield f"objects under s3://{self._of.bucket}/{self._of.prefix}"
        for role in self._of.roles:
            try:
                iam.get_role(RoleName=role)
            except iam.exceptions.NoSuchEntityException:
                continue
            yield f"role {role}"
        try:
            if next(self.tables(), None) is not None:
                yield f"tables in {self._of.database}"
        except glue.exceptions.EntityNotFoundException:
            return


class ErasureError(Exception):
    """AWS did not erase what it was asked to."""
