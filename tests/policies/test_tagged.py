import pytest

from policies.tagged import RULE
from tests.policies.things import found, thing

BUCKET = "aws:s3/bucket:Bucket"


@pytest.mark.parametrize("tags", [None, {}, {"owner": "acme"}, {"tenant": ""}])
def test_what_does_not_say_whose_it_is_is_told(tags: dict[str, str] | None) -> None:
    assert found(RULE, thing(BUCKET, tags=tags)) == [("thing", "has no tag `tenant`")]


def test_what_says_it_passes_and_so_does_what_has_no_tags() -> None:
    policy = thing("aws:s3/bucketPolicy:BucketPolicy", "policy")
    assert found(RULE, thing(BUCKET, tags={"tenant": "acme"}), policy) == []


def test_the_tag_may_be_called_otherwise() -> None:
    assert found(RULE, thing(BUCKET, tags={"owner": "acme"}), tag="owner") == []
