"""What a preview comes to, what it refuses, and for how long it is kept."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import pytest

from onboarding import previews
from onboarding.engine import Engine
from onboarding.errors import Diagnosis, OperationFailed
from onboarding.events import Step
from onboarding.previews import Kept, Preview, key_of

URN = "urn:pulumi:local::tenancy::aws:s3/bucket:Bucket::lake"
STEPS = (
    Step(URN, "update", "aws:s3/bucket:Bucket", "lake", done=False, properties=("tags",)),
    Step(URN, "update", "aws:s3/bucket:Bucket", "lake", done=True, properties=("tags",)),
    Step(f"{URN}2", "same", "aws:s3/bucket:Bucket", "lake2", done=False),
    Step(f"{URN}3", "read", "pulumi:pulumi:StackReference", "platform", done=False),
)


class Failing:
    """An engine whose preview fails with these messages."""

    def __init__(self, *diagnoses: Diagnosis) -> None:
        self.diagnoses = diagnoses

    def preview(self, stack: str, on_step: object) -> None:
        raise OperationFailed(stack, "preview", self.diagnoses, "log")


def asked(*diagnoses: Diagnosis) -> Preview:
    return previews.ask(cast("Engine", Failing(*diagnoses)), "local", lambda _: None)


def test_it_counts_each_resource_once() -> None:
    preview = Preview(STEPS)
    assert (preview.changes, preview.resources) == (1, 3)


def test_what_is_protected_or_twice_is_a_finding_and_no_failure() -> None:
    protected = Diagnosis(URN, f'resource "{URN}" cannot be deleted\nbecause it is protected.')
    replaced = Diagnosis(
        "", f'unable to replace resource "{URN}"\nas it is currently marked for protection.'
    )
    assert asked(protected).protected == (URN,)
    assert asked(replaced).protected == (URN,)
    twice = Diagnosis("", f"Duplicate resource URN '{URN}'; try giving it a unique name")
    assert asked(twice).twice == (URN,)
    with pytest.raises(OperationFailed, match="lake"):
        asked(twice).raise_refused("local")


def test_another_failure_is_one() -> None:
    with pytest.raises(OperationFailed, match="no credentials"):
        asked(Diagnosis("", "no credentials"))


def test_it_is_kept_for_what_it_was_made_of_and_nothing_else(tmp_path: Path) -> None:
    kept = Kept(tmp_path / "previews")
    preview = Preview(STEPS, (URN,), ())
    kept.keep("local", "key", preview)
    assert kept.of("local", "key") == preview
    assert kept.of("local", "other") is None
    assert kept.of("prod", "key") is None
    (tmp_path / "previews" / "local.json").write_text("{", "utf-8")
    assert kept.of("local", "key") is None


def test_a_key_tells_its_parts_apart() -> None:
    assert key_of("ab", "c") != key_of("a", "bc")
    assert key_of("a", b"b") == key_of("a", "b")
