"""Targets: which requests concern them."""

import pytest

from isolation.targets import ANY_RESOURCE, Target, listing


def _actions(target: Target) -> set[str]:
    return {action.name for mask, _ in target.by_template for action in target.universe.of(mask)}


def test_only_actions_on_its_form_of_resource_concern_a_target() -> None:
    objects = _actions(Target(("arn:aws:s3:::lake/acme/*",), "1"))
    assert {"s3:GetObject", "s3:PutObject"} <= objects
    assert not {"s3:ListBucket", "s3:PutBucketPolicy", "s3:ListAllMyBuckets"} & objects
    assert "s3:ListBucket" in _actions(Target(("arn:aws:s3:::lake",), "1"))


def test_a_role_is_a_target_of_more_than_iam() -> None:
    found = _actions(Target(("arn:aws:iam::1:role/acme",), "1"))
    assert {"iam:PassRole", "iam:PutRolePolicy", "sts:AssumeRole"} <= found


def test_a_pattern_of_several_forms_is_cut_by_them() -> None:
    target = Target(("arn:aws:s3:::lake*",), "1", actions=("s3:ListBucket", "s3:GetObject"))
    assert len(target.by_template) == 2
    assert all(forms for _, forms in target.by_template)


def test_actions_without_resources_are_asked_by_name() -> None:
    target = Target((ANY_RESOURCE,), "1", actions=("lakeformation:GrantPermissions",))
    assert _actions(target) == {"lakeformation:GrantPermissions"}
    assert target.patterns[0].matches("*")
    assert not target.patterns[0].matches("x")


@pytest.mark.parametrize("resource", ["*", "arn:aws:*", "arn:*:s3:::b", ANY_RESOURCE, "x"])
def test_a_target_of_no_service_is_refused(resource: str) -> None:
    with pytest.raises(ValueError, match="name its actions"):
        Target((resource,), "1")


def test_a_listing_shows_a_prefix_if_it_asks_for_a_part_of_it() -> None:
    target = listing("arn:aws:s3:::lake", "1", "a*/")
    patterns, or_missing = target.keys["s3:prefix"]
    assert or_missing
    shown = {
        text
        for text in ("", "a", "a*", "a*/", "a*/x", "b", "ax", "aa/", "ab")
        if any(pattern.matches(text) for pattern in patterns)
    }
    assert shown == {"", "a", "a*", "a*/", "a*/x"}
