"""Documented actions: names, keys, resources, as the Service Authorization Reference has them."""

from isolation.automata import atoms
from isolation.catalog import Action, acting_on, has_resource_control, template_pattern, universe
from isolation.patterns import glob


def _action(name: str) -> Action:
    services = frozenset({name.partition(":")[0]})
    return next(action for action in universe(services).actions if action.name == name)


def test_not_every_listing_has_a_prefix() -> None:
    """Source: Service Authorization Reference, Amazon S3."""
    assert _action("s3:ListBucket").carries("s3:prefix")
    assert _action("s3:ListBucketVersions").carries("s3:prefix")
    assert not _action("s3:ListBucketMultipartUploads").carries("s3:prefix")


def test_families_of_keys_are_known() -> None:
    assert _action("kms:Decrypt").carries("kms:encryptioncontext:aws:s3:arn")
    assert not _action("kms:DescribeKey").carries("kms:encryptioncontext:aws:s3:arn")


def test_foreign_and_global_keys_may_always_be_there() -> None:
    assert _action("sts:AssumeRoleWithWebIdentity").carries("token.example.com:sub")
    assert _action("s3:ListBucketMultipartUploads").carries("aws:sourceip")


def test_actions_of_other_services_act_on_an_arn_too() -> None:
    assert {"iam", "sts"} <= acting_on("iam")
    assert acting_on("nothing-like-it") == {"nothing-like-it"}


def test_matching_is_by_pattern_and_can_exclude() -> None:
    s3 = universe(frozenset({"s3"}))
    reads = s3.matching(("s3:getobject", "s3:listbucket"))
    assert {action.name for action in s3.of(reads)} == {"s3:GetObject", "s3:ListBucket"}
    assert s3.matching(("s3:getobject", "s3:listbucket"), excludes=True) == s3.all & ~reads
    assert s3.matching(("*",)) == s3.all
    assert s3.knows("s3:getobject")
    assert not s3.knows("s3:GetObject")


def test_an_unknown_service_has_no_documented_action() -> None:
    assert universe(frozenset({"nothing-like-it"})).actions == ()


def test_a_bucket_is_no_object() -> None:
    bucket = template_pattern("arn:${Partition}:s3:::${BucketName}")
    objects = template_pattern("arn:${Partition}:s3:::${BucketName}/${ObjectName}")
    assert bucket.matches("arn:aws:s3:::lake")
    assert not bucket.matches("arn:aws:s3:::lake/a")
    assert not bucket.matches("arn:aws:s3:us-east-1:1:accesspoint")
    assert objects.matches("arn:aws:s3:::lake/a/b:c")
    assert not objects.matches("arn:aws:s3:::lake/")
    assert {a.mask for a in atoms([bucket, objects], within=0b01)} == {0b01}
    assert template_pattern("*") == glob("*")


def test_resource_control_policies_limit_some_services_only() -> None:
    """Source: Organizations User Guide, "Resource control policies"."""
    assert has_resource_control("s3")
    assert has_resource_control("sts")
    assert not has_resource_control("iam")
    assert not has_resource_control("glue")
