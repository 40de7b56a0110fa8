from typing import Any

import pytest

from policies.audit_lock import RULE
from tests.policies.things import found, thing

TRAIL = thing("aws:cloudtrail/trail:Trail", "trail", s3BucketName="logs")
BUCKET = thing("aws:s3/bucket:Bucket", "bucket", bucket="logs")


def lock(**retention: object) -> dict[str, Any]:
    kind = "aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration"
    return thing(kind, "lock", bucket="logs", rule={"defaultRetention": retention})


@pytest.mark.parametrize("period", [{"days": 365}, {"days": 2555.0}, {"years": 1}])
def test_a_lock_for_a_year_passes(period: dict[str, Any]) -> None:
    assert found(RULE, TRAIL, BUCKET, lock(mode="COMPLIANCE", **period)) == []


@pytest.mark.parametrize(
    "retention",
    [
        {"mode": "GOVERNANCE", "days": 365},
        {"mode": "COMPLIANCE", "days": 364},
        {"mode": "COMPLIANCE"},
    ],
)
def test_a_lock_that_can_be_lifted_or_ends_soon_is_told(retention: dict[str, Any]) -> None:
    assert [name for name, _ in found(RULE, TRAIL, BUCKET, lock(**retention))] == ["lock"]


def test_a_trails_bucket_without_a_lock_is_told_and_any_other_is_not() -> None:
    assert [name for name, _ in found(RULE, TRAIL, BUCKET)] == ["bucket"]
    assert found(RULE, BUCKET) == []
