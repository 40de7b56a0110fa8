"""The reader of the registry: what changed is fetched, and no entry takes another down."""

import json
import logging
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import pytest
from hypothesis import given
from hypothesis import strategies as st
from moto import mock_aws

from pipelines import registry as reader
from pipelines.registry import (
    LARGEST,
    REGISTRY,
    Bucket,
    InvalidEntryError,
    Mark,
    Registry,
    RegistryError,
    Section,
    is_tenant_id,
    place_of,
)
from tenancy import registry as written
from tenancy.errors import Refusal
from tenancy.ids import LONGEST, TENANT_ID, check_tenant_id

BUCKET, PREFIX = "lake-registry", "tenants/"
FOREIGN = ("Acme.json", "a_b.json", f"{'a' * 21}.json", "--.json", ".json")


def number(_tenant: str, told: object) -> int:
    if isinstance(told, int):
        return told
    raise ValueError(f"secret {told}")


SECTION = Section("runs", number)


@dataclass
class Written:
    """A registry that a test writes to; ``fetched``: the entries that its reader asked for."""

    told: str
    put: Callable[[str, bytes], None]
    delete: Callable[[str], None]
    fetched: list[str] = field(default_factory=list)

    def enter(self, **entries: object) -> None:
        for tenant, told in entries.items():
            self.put(f"{tenant}.json", json.dumps({"runs": told}).encode())

    def opened(self) -> Registry[int]:
        place = place_of({REGISTRY: self.told})
        get = place.get

        def counted(name: str) -> tuple[Mark, bytes] | None:
            self.fetched.append(name)
            return get(name)

        place.get = counted  # type: ignore[method-assign]
        return Registry(place, SECTION)


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[Written]:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    with mock_aws():
        s3 = boto3.client("s3")
        s3.create_bucket(Bucket=BUCKET)
        yield Written(
            f"s3://{BUCKET}/{PREFIX}",
            lambda name, text: s3.put_object(Bucket=BUCKET, Key=PREFIX + name, Body=text) and None,
            lambda name: s3.delete_object(Bucket=BUCKET, Key=PREFIX + name) and None,
        )


@pytest.fixture
def folder(tmp_path: Path) -> Written:
    place = tmp_path / "registry"
    place.mkdir()

    def put(name: str, text: bytes) -> None:
        (place / "draft").write_bytes(text)
        (place / "draft").replace(place / name)

    return Written(str(place), put, lambda name: (place / name).unlink())


@pytest.fixture(params=["bucket", "folder"])
def there(request: pytest.FixtureRequest) -> Written:
    found: Written = request.getfixturevalue(request.param)
    return found


def test_reader_and_writer_mean_the_same() -> None:
    assert (reader.REGISTRY, reader.CATALOG, reader.RUNS, reader.AUDIT) == (
        written.REGISTRY,
        written.CATALOG,
        written.RUNS,
        written.AUDIT,
    )
    assert (reader.TENANT_ID.pattern, reader.LONGEST_ID) == (TENANT_ID.pattern, LONGEST)


@given(st.from_regex(TENANT_ID, fullmatch=True) | st.text(max_size=24))
def test_whatever_is_an_id_to_the_program_is_one_here(text: str) -> None:
    try:
        check_tenant_id(text)
    except Refusal:
        assert not is_tenant_id(text) or len(text) <= LONGEST
    else:
        assert is_tenant_id(text)
    assert "/" not in text or not is_tenant_id(text)


def test_only_what_changed_is_fetched_and_what_is_gone_is_dropped(there: Written) -> None:
    there.enter(acme=1, globex=2)
    there.put("quiet.json", b'{"audit": {}}')
    found = there.opened()
    assert found.read() == found.current == {"acme": 1, "globex": 2}
    assert sorted(there.fetched) == ["acme.json", "globex.json", "quiet.json"]
    there.fetched.clear()
    before = found.read()
    assert found.read() is before
    assert not there.fetched
    there.enter(globex=3, newcorp=4)
    there.delete("acme.json")
    assert found.read() == found.current == {"globex": 3, "newcorp": 4}
    assert sorted(there.fetched) == ["globex.json", "newcorp.json"]
    assert before == {"acme": 1, "globex": 2}


@pytest.mark.parametrize(
    "spoiled",
    [
        b"",
        b"secret",
        b"[1]",
        b'{"runs": "secret"}',
        b"\xff\xfe\x00",
        b"[" * 60_000,
        b'{"runs": 1}' + b" " * LARGEST,
    ],
    ids=["empty", "text", "list", "section", "bytes", "deep", "large"],
)
def test_an_entry_that_is_spoiled_takes_out_its_tenant_alone_and_is_logged_once(
    spoiled: bytes, there: Written, caplog: pytest.LogCaptureFixture
) -> None:
    there.enter(acme=1, globex=2)
    found = there.opened()
    found.read()
    there.put("acme.json", spoiled)
    for _ in range(2):
        assert found.read() == {"globex": 2}
    (said,) = (each.getMessage() for each in caplog.records if each.levelno >= logging.WARNING)
    assert "acme" in said
    assert "secret" not in said
    there.enter(acme=3)
    assert found.read() == {"acme": 3, "globex": 2}


def test_what_is_not_called_like_a_tenant_is_never_fetched(
    there: Written, caplog: pytest.LogCaptureFixture
) -> None:
    there.enter(acme=1)
    for name in (*FOREIGN, "acme.json.17", "draft", "notes.txt"):
        there.put(name, b'{"runs": 1}')
    found = there.opened()
    assert found.read() == found.read() == {"acme": 1}
    assert there.fetched == ["acme.json"]
    assert len([each for each in caplog.records if each.levelno == logging.ERROR]) == len(FOREIGN)


def test_what_lies_deeper_or_beside_is_none_of_it(
    bucket: Written, folder: Written, caplog: pytest.LogCaptureFixture
) -> None:
    bucket.enter(acme=1)
    bucket.put("deeper/globex.json", b'{"runs": 1}')
    boto3.client("s3").put_object(Bucket=BUCKET, Key="globex.json", Body=b'{"runs": 1}')
    assert bucket.opened().read() == {"acme": 1}
    folder.enter(acme=1)
    (Path(folder.told) / "globex.json").mkdir()
    os.mkfifo(Path(folder.told) / "newcorp.json")
    assert folder.opened().read() == {"acme": 1}
    assert not [each for each in caplog.records if each.levelno >= logging.WARNING]


def test_a_registry_that_is_not_there_is_an_error_at_the_start_and_later_changes_nothing(
    there: Written, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    there.enter(acme=1)
    found = there.opened()
    gone = f"{there.told.rstrip('/')}-gone/".replace(f"/{PREFIX[:-1]}-gone", f"-gone/{PREFIX[:-1]}")
    with pytest.raises(RegistryError, match="gone"):
        Registry(place_of({REGISTRY: gone}), SECTION).read()
    found.read()
    there.enter(globex=2)

    def fail() -> None:
        raise RegistryError("away")

    with monkeypatch.context() as patch:
        patch.setattr(found._place, "marks", fail)
        assert found.read() == {"acme": 1}
    assert "stay as they were: away" in caplog.text
    assert found.read() == {"acme": 1, "globex": 2}


def test_an_entry_that_cannot_be_read_for_the_moment_stays_as_it_was(
    there: Written, monkeypatch: pytest.MonkeyPatch
) -> None:
    there.enter(acme=1, globex=2)
    found = there.opened()
    found.read()
    there.enter(acme=3, globex=4, newcorp=5)
    get = found._place.get

    def fail(name: str) -> Any:
        if name != "globex.json":
            raise RegistryError("SlowDown")
        return get(name)

    with monkeypatch.context() as patch:
        patch.setattr(found._place, "get", fail)
        assert found.read() == {"acme": 1, "globex": 4}
    assert found.read() == {"acme": 3, "globex": 4, "newcorp": 5}


def test_nothing_that_can_be_read_is_an_error_at_the_start(
    there: Written, monkeypatch: pytest.MonkeyPatch
) -> None:
    there.enter(acme=1)
    found = there.opened()

    def fail(_name: str) -> None:
        raise RegistryError("AccessDenied")

    with monkeypatch.context() as patch:
        patch.setattr(found._place, "get", fail)
        with pytest.raises(RegistryError, match="AccessDenied"):
            found.read()
    assert found.current == {"acme": 1}


def test_one_that_is_gone_between_the_list_and_the_fetch_is_none(
    there: Written, monkeypatch: pytest.MonkeyPatch
) -> None:
    there.enter(acme=1, globex=2)
    found = there.opened()
    marks = found._place.marks

    def listed() -> Any:
        listed = marks()
        there.delete("acme.json")
        return listed

    with monkeypatch.context() as patch:
        patch.setattr(found._place, "marks", listed)
        assert found.read() == {"globex": 2}


def test_one_entry_is_looked_up_without_a_list(
    there: Written, monkeypatch: pytest.MonkeyPatch
) -> None:
    there.enter(acme=1, globex="secret")
    place = place_of({REGISTRY: there.told})
    monkeypatch.setattr(place, "marks", lambda: pytest.fail("a list"))
    assert SECTION.look_up(place, "acme") == 1
    assert SECTION.look_up(place, "newcorp") is None
    assert SECTION.look_up(place, "../acme") is None
    assert Section("audit", number).look_up(place, "acme") is None
    with pytest.raises(InvalidEntryError) as refused:
        SECTION.look_up(place, "globex")
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize(
    "told", ["", "s3://lake", "s3://lake/tenants", "s3:///tenants/", "s3://lake//", "file:///x/"]
)
def test_what_is_no_place_is_refused(told: str) -> None:
    with pytest.raises(RegistryError, match=REGISTRY):
        place_of({REGISTRY: told} if told else {})


@given(
    st.binary(max_size=200)
    | st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.just("runs"), inner),
    ).map(lambda told: json.dumps(told).encode())
)
def test_any_content_is_a_section_or_none_or_invalid(content: bytes) -> None:
    try:
        found = SECTION.of("acme", content)
    except InvalidEntryError:
        return
    assert found is None or isinstance(found, int)


def test_a_thousand_entries_are_fetched_at_once_but_not_all_at_a_time(
    folder: Written, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder.enter(**{f"t{number}": number for number in range(1_000)})
    place = place_of({REGISTRY: folder.told})
    get = place.get

    def slow(name: str) -> Any:
        time.sleep(0.005)
        return get(name)

    monkeypatch.setattr(place, "get", slow)
    began = time.monotonic()
    found = Registry(place, SECTION).read()
    assert (len(found), found["t999"]) == (1_000, 999)
    assert time.monotonic() - began < 1_000 * 0.005


def test_a_bucket_is_read_as_the_service_pages(
    bucket: Written, monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket.enter(**{f"t{number}": number for number in range(5)})
    found = bucket.opened()
    assert isinstance(found._place, Bucket)
    found._place.client.meta.events.register(
        "provide-client-params.s3.ListObjectsV2",
        lambda params, **_: params.update(MaxKeys=2),
    )
    assert len(found.read()) == 5


def test_a_bucket_is_looked_for_in_the_region_that_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nowhere")
    monkeypatch.delenv("AWS_DEFAULT_REGION", raising=False)
    with pytest.raises(RegistryError, match="AWS_DEFAULT_REGION"):
        place_of({REGISTRY: "s3://lake/tenants/"})
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    found = place_of({REGISTRY: "s3://lake/tenants/"})
    assert isinstance(found, Bucket)
    assert found.client.meta.region_name == "eu-central-1"
