"""The registry of tenants, as those read it who serve many: while they run, again and again.

It is a folder, or a prefix of an S3 bucket, with ``<tenant>.json`` for each tenant: an object of
sections, of which a reader takes its own (``tenancy.registry`` writes them). So one tenant more
changes none of the readers. Only what changed is fetched. An entry that is not of the right form is
left out and logged, and its tenant is not served; no other tenant sees anything of it. What cannot
be read for the moment stays as it was.

Only the standard library and boto3: the audit router has nothing else.
"""

from __future__ import annotations

import json
import logging
import os
import re
import stat
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, Protocol, TypeVar

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

REGISTRY = "TENANCY_REGISTRY"
"""The environment variable that tells where: ``s3://<bucket>/<prefix>/``, or a folder."""
CATALOG, RUNS, AUDIT = "catalog", "runs", "audit"
"""The sections."""

TENANT_ID = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*")
LONGEST_ID = 20  # characters; tests hold the two against `tenancy.ids`
LARGEST = 65_536
"""Bytes of an entry; one has some hundred."""

_SUFFIX = ".json"
_AT_ONCE = 16  # entries that are fetched at a time
_URL = re.compile(r"s3://([a-z0-9][a-z0-9.-]{1,62})/((?:[^/]+/)*)")
_ABSENT = frozenset({"NoSuchKey", "404"})
_CONFIG = Config(
    connect_timeout=3,
    read_timeout=5,
    max_pool_connections=_AT_ONCE,
    retries={"mode": "standard", "total_max_attempts": 3},
)
_LOG = logging.getLogger(__name__)

Mark = object
"""What differs where the content does."""
T = TypeVar("T")


class RegistryError(Exception):
    """The registry, or an entry, cannot be read. The text holds no word of what is in it."""


class InvalidEntryError(RegistryError):
    """An entry is not of the right form."""

    def __init__(self, tenant: str) -> None:
        super().__init__(f"the registry's entry of {tenant} is not of the right form")


class Place(Protocol):
    """Where entries lie, by file name."""

    every: float
    """Seconds from one look to the next, for who looks by himself."""

    def marks(self) -> Mapping[str, Mark]:
        """What is there; raises RegistryError when that cannot be told."""

    def get(self, name: str) -> tuple[Mark, bytes] | None:
        """An entry, None when it is not there; raises RegistryError when it cannot be read."""


class Folder:
    """Entries that are files, each replaced by a rename."""

    every = 1.0

    def __init__(self, path: Path) -> None:
        self._path = path

    def marks(self) -> Mapping[str, Mark]:
        """See `Place`."""
        try:
            with os.scandir(self._path) as found:
                return {each.name: _mark(each.stat()) for each in found if each.is_file()}
        except OSError as error:
            raise RegistryError(f"the folder {self._path}: {error.strerror}") from error

    def get(self, name: str) -> tuple[Mark, bytes] | None:
        """See `Place`."""
        try:
            with (self._path / name).open("rb") as file:
                found = os.fstat(file.fileno())
                if not stat.S_ISREG(found.st_mode):
                    return None
                return _mark(found), file.read(LARGEST + 1)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise RegistryError(f"{name} in {self._path}: {error.strerror}") from error


class Bucket:
    """Entries that are objects right below a prefix, which ends with a slash."""

    every = 10.0

    def __init__(self, bucket: str, prefix: str) -> None:
        self._bucket, self._prefix = bucket, prefix
        session = boto3.Session()
        # Without one it would ask S3 in us-east-1, to which a network of ours has no way.
        if session.region_name is None:
            raise RegistryError("AWS_DEFAULT_REGION is missing: it says where the registry is")
        try:
            self.client = session.client("s3", config=_CONFIG)
        except (BotoCoreError, ValueError) as error:
            raise RegistryError(f"no client of S3: {type(error).__name__}") from error

    def marks(self) -> Mapping[str, Mark]:
        """See `Place`."""
        pages = self.client.get_paginator("list_objects_v2").paginate(
            Bucket=self._bucket, Prefix=self._prefix, Delimiter="/"
        )
        try:
            return {
                each["Key"].removeprefix(self._prefix): each["ETag"]
                for page in pages
                for each in page.get("Contents", [])
            }
        except (ClientError, BotoCoreError) as error:
            raise RegistryError(f"s3://{self._bucket}/{self._prefix}: {_said(error)}") from error

    def get(self, name: str) -> tuple[Mark, bytes] | None:
        """See `Place`."""
        try:
            found = self.client.get_object(Bucket=self._bucket, Key=f"{self._prefix}{name}")
            return found["ETag"], found["Body"].read(LARGEST + 1)
        except (ClientError, BotoCoreError) as error:
            if isinstance(error, ClientError) and error.response["Error"]["Code"] in _ABSENT:
                return None
            said = _said(error)
            if said == "AccessDenied":  # S3 tells who may not list no more than that
                said += ": it may not be read, or is not there"
            raise RegistryError(f"s3://{self._bucket}/{self._prefix}{name}: {said}") from error


def place_of(environ: Mapping[str, str]) -> Place:
    """Where the environment says that the registry is.

    Raises:
        RegistryError: it says nothing, or what is no such place.
    """
    told = environ.get(REGISTRY, "")
    if found := _URL.fullmatch(told):
        return Bucket(found[1], found[2])
    if not told or ":" in told:
        raise RegistryError(f"{REGISTRY} is neither s3://<bucket>/<prefix>/ nor a folder")
    return Folder(Path(told))


@dataclass(frozen=True)
class Section(Generic[T]):
    """A section, and what a reader makes of a tenant's; it raises ValueError at another form."""

    name: str
    read: Callable[[str, object], T]

    def of(self, tenant: str, content: bytes) -> T | None:
        """What the tenant's entry says, None where it has no such section.

        Raises:
            InvalidEntryError: it is not of the right form.
        """
        try:
            entry = json.loads(content) if len(content) <= LARGEST else None
            if not isinstance(entry, dict):
                raise InvalidEntryError(tenant)
            return self.read(tenant, entry[self.name]) if self.name in entry else None
        except (ValueError, RecursionError):
            raise InvalidEntryError(tenant) from None

    def look_up(self, place: Place, tenant: str) -> T | None:
        """What the registry says of one tenant now, None where it knows of none; asks for no list.

        Raises:
            RegistryError: its entry cannot be read.
        """
        found = place.get(f"{tenant}{_SUFFIX}") if is_tenant_id(tenant) else None
        return self.of(tenant, found[1]) if found else None


def is_tenant_id(text: str) -> bool:
    """Whether the text can be a tenant's id."""
    return len(text) <= LONGEST_ID and TENANT_ID.fullmatch(text) is not None


@dataclass(frozen=True)
class _Seen(Generic[T]):
    mark: Mark
    value: T | None


class Registry(Generic[T]):
    """All tenants that have a section. Several threads may use one."""

    def __init__(self, place: Place, section: Section[T]) -> None:
        self.every = place.every
        self._place, self._section = place, section
        self._seen: dict[str, _Seen[T]] = {}
        self._current: Mapping[str, T] | None = None
        self._reading = threading.Lock()

    @property
    def current(self) -> Mapping[str, T]:
        """The tenants as they were last read, by id; asks nobody, unless it never was."""
        return self.read() if self._current is None else self._current

    def read(self) -> Mapping[str, T]:
        """The tenants now, by id: the same object as before, where nothing changed.

        Raises:
            RegistryError: they cannot be told, and never could; else they stay as they were.
        """
        with self._reading:
            try:
                changed = self._fetch()
            except RegistryError as error:
                if self._current is None:
                    raise
                _LOG.error("the tenants stay as they were: %s", error)
                return self._current
            if changed or self._current is None:
                self._current = {
                    _id(name): seen.value
                    for name, seen in sorted(self._seen.items())
                    if seen.value is not None
                }
                _LOG.info("read %d tenants", len(self._current))
            return self._current

    def _fetch(self) -> bool:
        """Make what was seen what is there; whether that changed it."""
        listed = self._place.marks()
        marks = {name: mark for name, mark in listed.items() if name.endswith(_SUFFIX)}
        gone = self._seen.keys() - marks.keys()
        new = [
            name
            for name, mark in marks.items()
            if name not in self._seen or self._seen[name].mark != mark
        ]
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            found = dict(zip(new, pool.map(self._got, new, map(marks.get, new)), strict=True))
        failed = [each for each in found.values() if isinstance(each, RegistryError)]
        for name in gone:
            del self._seen[name]
        for name, got in found.items():
            if isinstance(got, RegistryError):
                _LOG.error("the entry of %s stays as it was: %s", _id(name), got)
            elif got is None:
                self._seen.pop(name, None)
            else:
                self._seen[name] = got
        if failed and not self._seen and self._current is None:
            raise failed[0]
        return bool(gone or len(failed) < len(found))

    def _got(self, name: str, mark: Mark) -> _Seen[T] | RegistryError | None:
        if not is_tenant_id(_id(name)):
            _LOG.error("left out: an entry whose name is no tenant's")
            return _Seen(mark, None)
        try:
            got = self._place.get(name)
        except RegistryError as error:
            return error
        if got is None:
            return None
        mark, content = got
        try:
            return _Seen(mark, self._section.of(_id(name), content))
        except InvalidEntryError as error:
            _LOG.error("left out: %s", error)
            return _Seen(mark, None)


def _id(name: str) -> str:
    return name.removesuffix(_SUFFIX)


def _mark(found: os.stat_result) -> Mark:
    return found.st_mtime_ns, found.st_size, found.st_ino


def _said(error: ClientError | BotoCoreError) -> str:
    """A word for what went wrong; whole messages name roles and requests."""
    if isinstance(error, ClientError):
        return str(error.response.get("Error", {}).get("Code", "ClientError"))
    return type(error).__name__
