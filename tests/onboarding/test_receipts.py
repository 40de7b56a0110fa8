"""Receipts: what was signed is what is read, in the order in which it was signed."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from onboarding.receipts import Invalid, Receipts

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
STEPS = ("suspended", "exported", "emptied")


@pytest.fixture
def kept(tmp_path: Path) -> Receipts:
    receipts = Receipts(tmp_path, "prod", "acme")
    for number, step in enumerate(STEPS):
        receipts.add(step, {"number": number, "name": "Ünïcode"}, AT, tmp_path / "key.pem")
    return receipts


def file(kept: Receipts, number: int) -> Path:
    (found,) = kept.folder.glob(f"{number:04d}-*.json")
    return found


def changed(kept: Receipts, number: int, **body: object) -> None:
    told = json.loads(file(kept, number).read_text())
    told["body"] |= body
    file(kept, number).write_text(json.dumps(told))


def test_they_read_as_they_were_signed(kept: Receipts, tmp_path: Path) -> None:
    first, second, third = kept.read()
    assert [one.step for one in (first, second, third)] == list(STEPS)
    assert (second.previous, third.previous) == (first.digest, second.digest)
    assert third.facts == {"number": 2, "name": "Ünïcode"}
    assert third.at == AT
    assert kept.of("exported") == second
    assert kept.of("destroyed") is None
    assert (tmp_path / "key.pem").stat().st_mode & 0o777 == 0o600
    assert "PRIVATE" not in "".join(
        one.read_text() for one in (tmp_path / "receipts").rglob("*") if one.is_file()
    )


def test_there_are_none_before_the_first(tmp_path: Path) -> None:
    assert Receipts(tmp_path, "prod", "acme").read() == ()


TAMPERING: dict[str, Callable[[Receipts], object]] = {
    "another fact": lambda kept: changed(kept, 2, facts={"number": 7}),
    "another date": lambda kept: changed(kept, 3, at="2020-01-01T00:00:00+00:00"),
    "another tenant": lambda kept: changed(kept, 1, tenant="globex"),
    "one is taken out": lambda kept: file(kept, 2).unlink(),
    "the first is taken out": lambda kept: file(kept, 1).unlink(),
    "two are exchanged": lambda kept: (
        file(kept, 1).rename(kept.folder / "0009-x.json"),
        file(kept, 2).rename(kept.folder / "0001-x.json"),
        (kept.folder / "0009-x.json").rename(kept.folder / "0002-x.json"),
    ),
    "one stands twice": lambda kept: shutil.copy(file(kept, 3), kept.folder / "0004-x.json"),
    "no JSON": lambda kept: file(kept, 2).write_text("{"),
    "no signature": lambda kept: file(kept, 2).write_text(json.dumps({"body": {}})),
}


@pytest.mark.parametrize("how", TAMPERING)
def test_what_was_tampered_with_is_told_with_its_file(kept: Receipts, how: str) -> None:
    TAMPERING[how](kept)
    with pytest.raises(Invalid, match="receipts/prod/acme/000"):
        kept.read()


def test_the_same_receipts_of_another_tenant_or_environment_are_none(
    kept: Receipts, tmp_path: Path
) -> None:
    for environment, tenant in (("prod", "globex"), ("dev", "acme")):
        folder = tmp_path / "receipts" / environment
        shutil.copytree(kept.folder, folder / tenant)
        if not (folder / "key.pub").exists():
            shutil.copy(kept.folder.parent / "key.pub", folder)
        with pytest.raises(Invalid, match="another's"):
            Receipts(tmp_path, environment, tenant).read()


def test_another_key_is_told_from_theirs(kept: Receipts, tmp_path: Path) -> None:
    other = Receipts(tmp_path / "other", "prod", "acme")
    other.add("suspended", {}, AT, tmp_path / "other.pem")
    pinned = tmp_path / "other" / "receipts" / "prod" / "key.pub"
    with pytest.raises(Invalid, match="signature"):
        kept.read(pinned)
    with pytest.raises(Invalid, match="two keys"):
        kept.add("destroyed", {}, AT, tmp_path / "other.pem")
    assert len(kept.read()) == 3
