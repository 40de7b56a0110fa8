"""What reading a stack back finds: differences, whose they are, and the state as it would be."""

from __future__ import annotations

from typing import Any

import pytest

from isolation.verdict import Answer, Verdict
from onboarding.drift import Difference, Drift, as_read, differences
from onboarding.events import Handled
from tenancy.estate import StackPlan, load_estate
from tests.estates import write_estate
from tests.onboarding.exports import resource

KEY = "aws:kms/key:Key"
BUCKET = "aws:s3/bucket:Bucket"
CIPHER = {
    "4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270",
    "ciphertext": "v1",
}


@pytest.fixture(scope="module")
def prod(tmp_path_factory: pytest.TempPathFactory) -> StackPlan:
    return load_estate(write_estate(tmp_path_factory.mktemp("estate"))).stack("prod")


def side(**outputs: Any) -> dict[str, Any]:
    return {"inputs": outputs, "outputs": outputs}


ENTRIES = [
    resource("tenancy:aws:Tenant", "acme"),
    resource(BUCKET, "lake", **side(tags={"tenant": "acme"}, policy="closed", secret=CIPHER)),
    resource(KEY, "ours", **side(policy="one")),
    resource(KEY, "other", **side(policy="one")),
]
GROUP, LAKE, OURS, OTHER = (entry["urn"] for entry in ENTRIES)
TOLD = side(tags={"tenant": "acme"}, policy="closed", secret="[secret]")
OPENED = side(tags={"tenant": "acme"}, policy="open", secret="[secret]")
READ = {
    GROUP: Handled("update", side(), side(changed=True)),
    LAKE: Handled("update", TOLD, OPENED),
    OURS: Handled("delete", side(policy="one"), None),
    OTHER: Handled("same", side(policy="one"), side(policy="one", attachments=1)),
}


def test_what_differs_is_told_with_whose_it_is_and_groups_are_left_out(prod: StackPlan) -> None:
    assert list(differences(prod, ENTRIES, READ)) == [
        Difference("prod", "acme", "changed", BUCKET, "lake", LAKE, ("policy",)),
        Difference("prod", "platform", "gone", KEY, "ours", OURS),
    ]


def test_the_state_as_read_has_what_differs_lacks_what_is_gone_and_keeps_its_secrets() -> None:
    found = {entry["urn"]: entry for entry in as_read(ENTRIES, READ)}
    assert OURS not in found
    assert found[LAKE]["outputs"] == {
        "tags": {"tenant": "acme"},
        "policy": "open",
        "secret": CIPHER,
    }
    assert found[LAKE]["inputs"]["policy"] == "open"
    assert found[OTHER]["outputs"] == {"policy": "one", "attachments": 1}
    assert ENTRIES[1]["outputs"]["policy"] == "closed", "the state itself was changed"


def test_it_ends_well_only_without_difference_and_with_a_proof() -> None:
    proven, violated = Verdict(Answer.PROVEN), Verdict(Answer.VIOLATED)
    (gone,) = (Difference("prod", "acme", "gone", KEY, "ours", OURS),)
    assert Drift(("prod",), 2, (), proven).exit_code == 0
    assert Drift((), 0, (), None).exit_code == 0
    assert Drift(("prod",), 2, (gone,), proven).exit_code == 1
    assert Drift(("prod",), 2, (), violated).exit_code == 1
