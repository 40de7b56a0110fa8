from typing import Any

import pytest

from policies.public_bucket import RULE
from tests.policies.things import found, thing

BLOCK = "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock"
FLAGS = ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")
CLOSED: dict[str, Any] = dict.fromkeys(FLAGS, True)


@pytest.mark.parametrize("flag", FLAGS)
@pytest.mark.parametrize("value", [False, None])
def test_each_way_that_is_left_open_is_told(flag: str, value: object) -> None:
    assert found(RULE, thing(BLOCK, **CLOSED | {flag: value})) == [
        ("thing", f"leaves `{flag}` open")
    ]


@pytest.mark.parametrize("acl", ["public-read", "public-read-write", "authenticated-read"])
def test_a_public_acl_is_told(acl: str) -> None:
    for kind in ("aws:s3/bucket:Bucket", "aws:s3/bucketAcl:BucketAcl"):
        assert found(RULE, thing(kind, acl=acl)) == [("thing", f"is public by its ACL `{acl}`")]


def test_a_closed_block_and_a_private_bucket_pass() -> None:
    private = thing("aws:s3/bucket:Bucket", "private", acl="private")
    assert found(RULE, thing(BLOCK, **CLOSED), private) == []
