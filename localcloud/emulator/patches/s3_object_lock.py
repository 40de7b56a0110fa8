"""S3 Object Lock: what was locked stays locked.

moto takes a default retention for empty buckets only, shows one in days as one in years too, locks
no object that came in parts, tells of no object how long it is locked, and lets versioning be
suspended and a retention be shortened.
"""

# A wrapper has the form of what it wraps.
# ruff: noqa: ANN401, ARG001, PLR0913, PLR0917

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from moto.core.responses import ActionResult
from moto.s3.exceptions import (
    AccessDeniedByLock,
    InvalidBucketState,
    MalformedXML,
    MissingKey,
    S3ClientError,
)
from moto.s3.models import FakeBucket, S3Backend
from moto.s3.responses import S3Response

from localcloud.emulator.patches.wrapping import Function, around


def _put_configuration(
    original: Function,
    self: Any,
    bucket_name: str,
    lock_enabled: bool,  # noqa: FBT001 moto's own signature
    mode: str | None = None,
    days: int | None = None,
    years: int | None = None,
) -> None:
    """S3 User Guide, "Configuring S3 Object Lock": versioning first, then whenever one likes."""
    bucket = self.get_bucket(bucket_name)
    if not lock_enabled:
        raise MalformedXML
    if not bucket.is_versioned:
        raise InvalidBucketState(
            "Versioning must be 'Enabled' on the bucket to apply a Object Lock configuration"
        )
    if mode and not (days or 0) + (years or 0) > 0:
        raise S3ClientError(
            "InvalidArgument", "Default retention period must be a positive integer value."
        )
    bucket.object_lock_enabled = True
    bucket.default_lock_mode = mode
    bucket.default_lock_days = days or None
    bucket.default_lock_years = years or None


def _default_retention(original: Function, self: Any) -> str:
    days = (self.default_lock_days or 0) + 365 * (self.default_lock_years or 0)
    return (datetime.now(UTC) + timedelta(days)).strftime("%Y-%m-%dT%H:%M:%SZ")


def _put_object(original: Function, self: Any, bucket_name: str, *args: Any, **kwargs: Any) -> Any:
    key = original(self, bucket_name, *args, **kwargs)
    bucket = self.get_bucket(bucket_name)
    if key.lock_mode is None and bucket.has_default_lock:
        key.lock_mode, key.lock_until = bucket.default_lock_mode, bucket.default_retention()
    return key


def _put_versioning(original: Function, self: Any, bucket_name: str, status: str) -> None:
    if self.get_bucket(bucket_name).object_lock_enabled and status != "Enabled":
        raise InvalidBucketState(
            "An Object Lock configuration is present on this bucket, so the versioning state "
            "cannot be changed."
        )
    original(self, bucket_name, status)


def _put_retention(original: Function, self: Any) -> Any:
    """S3 User Guide, "Locking objects with Object Lock": in compliance mode a retention is extended
    at most; in governance mode more needs the header.
    """
    key = self.backend.get_object(
        self.bucket_name, self.parse_key_name(), version_id=self._get_param("versionId")
    )
    mode, until = self._mode_until_from_body()
    bypass = self.headers.get("x-amz-bypass-governance-retention", "").lower() == "true"
    if key is not None and key.lock_mode and _time(key.lock_until) > datetime.now(UTC):
        weaker = mode != key.lock_mode or not until or _time(until) < _time(key.lock_until)
        if weaker and (key.lock_mode == "COMPLIANCE" or not bypass):
            raise AccessDeniedByLock
    return original(self)


def _get_retention(original: Function, self: Any, query: dict[str, Any], key_name: str) -> Any:
    """Else it would be answered with the object itself."""
    if "retention" not in query:
        return original(self, query, key_name)
    key = self.backend.get_object(
        self.bucket_name, key_name, version_id=self._get_param("versionId")
    )
    if key is None:
        raise MissingKey(key=key_name)
    if not key.lock_mode:
        raise S3ClientError(
            "NoSuchObjectLockConfiguration",
            "The specified object does not have a ObjectLock configuration",
        )
    self.data["Action"] = "GetObjectRetention"
    retention = {"Mode": key.lock_mode, "RetainUntilDate": _time(key.lock_until)}
    return self.serialized(ActionResult({"Retention": retention}))


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)


def patch() -> None:
    """Change moto in this process."""
    around(S3Backend, "put_object_lock_configuration")(_put_configuration)
    around(S3Backend, "put_object")(_put_object)
    around(S3Backend, "put_bucket_versioning")(_put_versioning)
    around(FakeBucket, "default_retention")(_default_retention)
    around(S3Response, "put_object_retention")(_put_retention)
    around(S3Response, "_key_response_get")(_get_retention)
