import pytest

from isolation.graph import UNKNOWN
from policies.tls import RULE
from tests.policies.things import found, policy, thing

BUCKET = thing("aws:s3/bucket:Bucket", "bucket", bucket="lake")
DENY = {"Effect": "Deny", "Principal": "*", "Action": "*"}
TLS = policy(**DENY, Condition={"Bool": {"aws:SecureTransport": "false"}})
BUCKET_POLICY = "aws:s3/bucketPolicy:BucketPolicy"


@pytest.mark.parametrize(
    "document",
    [
        policy(**DENY, Condition={"Bool": {"aws:SecureTransport": "true"}}),
        policy(**DENY, Condition={"Bool": {"aws:ViaAWSService": "false"}}),
        policy(**DENY | {"Effect": "Allow"}, Condition={"Bool": {"aws:SecureTransport": "false"}}),
    ],
)
def test_a_bucket_that_takes_plain_text_is_told(document: str) -> None:
    given = thing(BUCKET_POLICY, "policy", bucket="lake", policy=document)
    assert [name for name, _ in found(RULE, BUCKET, given)] == ["bucket"]


def test_a_bucket_without_a_policy_or_with_anothers_is_told() -> None:
    other = thing(BUCKET_POLICY, "policy", bucket="another", policy=TLS)
    assert [name for name, _ in found(RULE, BUCKET)] == ["bucket"]
    assert [name for name, _ in found(RULE, BUCKET, other)] == ["bucket"]


def test_a_bucket_whose_policy_denies_plain_text_passes() -> None:
    assert found(RULE, BUCKET, thing(BUCKET_POLICY, "p", bucket="lake", policy=TLS)) == []
    unknown = {"bucket": UNKNOWN, "references": {"bucket": [BUCKET["urn"]]}}
    assert found(RULE, BUCKET, thing(BUCKET_POLICY, "p", policy=TLS, **unknown)) == []


@pytest.mark.parametrize("kind", ["aws:sns/topic:Topic", "aws:sqs/queue:Queue"])
def test_topics_and_queues_have_it_in_their_own_policy(kind: str) -> None:
    assert found(RULE, thing(kind, policy=TLS)) == []
    assert len(found(RULE, thing(kind))) == 1


def test_a_listener_speaks_tls() -> None:
    kind = "aws:lb/listener:Listener"
    assert found(RULE, thing(kind, protocol="HTTPS")) == []
    assert found(RULE, thing(kind, protocol="HTTP")) == [("thing", "speaks HTTP")]
