from typing import Any

from isolation.graph import UNKNOWN
from policies.tenant_key import RULE
from tests.policies.things import found, thing

ACME, GLOBEX = ({"tags": {"tenant": tenant}} for tenant in ("acme", "globex"))
BUCKET = thing("aws:s3/bucket:Bucket", "bucket", bucket="lake", **ACME)
KEY = "aws:kms/key:Key"
ENCRYPTION = (
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration"
)


def encryption(key: str | None) -> dict[str, Any]:
    default = {"sseAlgorithm": "aws:kms", "kmsMasterKeyId": key}
    rules = [{"applyServerSideEncryptionByDefault": default}]
    return thing(ENCRYPTION, "encryption", bucket="lake", rules=rules)


def test_a_key_of_the_same_tenant_passes_by_arn_and_by_alias() -> None:
    key = thing(KEY, "key", arn="arn:aws:kms:::key/1", keyId="1", **ACME)
    alias = thing("aws:kms/alias:Alias", "alias", name="alias/acme", targetKeyId="1")
    assert found(RULE, BUCKET, key, encryption("arn:aws:kms:::key/1")) == []
    assert found(RULE, BUCKET, key, alias, encryption("arn:aws:kms:::alias/acme")) == []


def test_a_key_of_another_tenant_is_told() -> None:
    key = thing(KEY, "key", arn="arn:aws:kms:::key/1", **GLOBEX)
    told = found(RULE, BUCKET, key, encryption("arn:aws:kms:::key/1"))
    assert told == [("encryption", "encrypts what is acme's with a key of globex")]


def test_awss_own_key_and_no_encryption_are_told() -> None:
    told = found(RULE, BUCKET, encryption(None))
    assert told == [("encryption", "encrypts with no key of this program's")]
    assert found(RULE, BUCKET) == [("bucket", "has no default encryption")]


def test_keys_that_are_not_known_yet_are_told_apart_by_what_the_value_comes_from() -> None:
    own = thing(KEY, "own", arn=UNKNOWN, keyId=UNKNOWN, **ACME)
    other = thing(KEY, "other", arn=UNKNOWN, keyId=UNKNOWN, **GLOBEX)
    encrypted = encryption(UNKNOWN) | {"propertyDependencies": {"rules": [own["urn"]]}}
    assert found(RULE, BUCKET, own, other, encrypted) == []
    encrypted["propertyDependencies"] = {"rules": [other["urn"]]}
    told = found(RULE, BUCKET, own, other, encrypted)
    assert told == [("encryption", "encrypts what is acme's with a key of globex")]
