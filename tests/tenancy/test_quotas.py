"""Quotas: what is counted, what is too much, and how many tenants more fit."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from tenancy.limit import FILE, Limit, read_limits
from tenancy.quotas import Held, Usage, forecast, usages

ACCOUNT, REGION = "222222222222", "us-east-1"
ROLE, BUCKET, VPC = "aws:iam/role:Role", "aws:s3/bucket:Bucket", "aws:ec2/vpc:Vpc"
TAG, RULE = "aws:lakeformation/lfTag:LfTag", "aws:lb/listenerRule:ListenerRule"
POLICY = "aws:s3/bucketPolicy:BucketPolicy"


def held(
    kind: str,
    owner: str = "platform",
    account: str = ACCOUNT,
    region: str = REGION,
    **inputs: object,
) -> Held:
    return Held(kind, inputs, account, region, owner)


def usage(name: str, *resources: Held, **raised: int) -> Usage:
    (found,) = (each for each in usages(resources, raised) if each.name == name)
    return found


def test_every_quota_has_a_page_of_aws_a_date_and_types_that_it_counts() -> None:
    for name, limit in read_limits().items():
        assert limit.source.startswith("https://docs.aws.amazon.com/"), name
        assert limit.date >= "2025"
        assert all(kind.startswith("aws:") for kind in limit.counts)


@pytest.mark.parametrize(
    ("good", "bad"),
    [
        ("limit: 1000, most: 10000", "limit: 1000, most: 999"),
        ("limit: 1000,", "limit: many,"),
        ("of: values, measure: items", "measure: items"),
        ("limit: 5, per: region", "limit: 5"),
    ],
)
def test_an_entry_that_is_incomplete_or_contradicts_itself_is_refused(
    good: str, bad: str, tmp_path: Path
) -> None:
    text = FILE.read_text("utf-8")
    assert good in text
    path = tmp_path / "aws.yaml"
    path.write_text(text.replace(good, bad), "utf-8")
    with pytest.raises(ValidationError):
        read_limits(path)


def test_an_accounts_regions_share_what_is_per_account_and_nothing_else() -> None:
    resources = [held(kind, region=region) for kind in (ROLE, VPC) for region in ("a", "b", "b")]
    assert usage("roles_per_account", *resources).used == 3
    vpcs = {u.place: u.used for u in usages(resources, {}) if u.name == "vpcs_per_region"}
    assert vpcs == {f"{ACCOUNT} a": 1, f"{ACCOUNT} b": 2}


def test_another_account_has_quotas_of_its_own() -> None:
    found = usages([held(ROLE), held(ROLE, account="333333333333")], {})
    assert [(u.account, u.used) for u in found] == [(ACCOUNT, 1), ("333333333333", 1)]


def test_what_a_property_names_is_counted_by_itself() -> None:
    rules = [held(RULE, listenerArn=arn) for arn in ("one", "one", "two")]
    assert [u.used for u in usages(rules, {})] == [2, 1]


def test_more_than_the_limit_is_too_much_and_a_raised_limit_holds_it() -> None:
    five, six = [held(VPC)] * 5, [held(VPC)] * 6
    assert not usage("vpcs_per_region", *five).exceeded
    assert usage("vpcs_per_region", *six).exceeded
    assert not usage("vpcs_per_region", *six, vpcs_per_region=6).exceeded


def test_a_policy_is_measured_without_white_space_and_the_largest_counts() -> None:
    small, large = ({"Statement": ["x" * n]} for n in (1, 2))
    texts = [json.dumps(small, indent=4), json.dumps(large, indent=1)]
    found = usage("bucket_policy_bytes", *(held(POLICY, policy=text) for text in texts))
    assert found.used == len(json.dumps(large, separators=(",", ":")))


def test_a_tenants_place_in_a_shared_list_is_what_another_one_adds() -> None:
    found = usage("lf_tag_values", held(TAG, values=["shared", "acme", "globex"]))
    assert found.used == 3
    assert (found.growth["acme"], found.growth["globex"]) == (1, 1)


def test_a_name_that_only_starts_like_a_tenants_is_another() -> None:
    arns = ["arn:aws:iam::1:role/x--acme--run", "arn:aws:iam::1:role/x--acme-labs--run"]
    found = usage("bucket_policy_bytes", held(POLICY, policy=json.dumps({"Resource": arns})))
    assert found.growth["acme"] == len(json.dumps(arns[0])) + 1


def test_a_tier_without_a_tenant_has_no_forecast() -> None:
    (none,) = forecast(usages([held(ROLE)], {}), {"hard": ()})
    assert (none.further, none.first) == (None, "")


@given(
    needs=st.lists(st.integers(0, 6), min_size=1, max_size=4),
    limit=st.integers(1, 60),
    others=st.integers(0, 20),
)
def test_as_many_tenants_fit_as_are_forecast_and_not_one_more(
    needs: list[int], limit: int, others: int
) -> None:
    tenants = {f"tenant{index}": need for index, need in enumerate(needs)}
    resources = [held(BUCKET)] * others + [
        held(BUCKET, owner=tenant) for tenant, need in tenants.items() for _ in range(need)
    ]
    (told,) = forecast(usages(resources, {"buckets_per_account": limit}), {"medium": tenants})
    if not any(needs):
        assert told.further is None
        return
    assert told.further is not None
    assert told.first == read_limits()["buckets_per_account"].what
    most = [held(BUCKET, owner="new")] * max(needs)

    def fits(more: int) -> bool:
        then = usages(resources + most * more, {"buckets_per_account": limit})
        return not any(each.exceeded for each in then)

    assert fits(told.further) or len(resources) > limit
    assert not fits(told.further + 1)


def test_the_limits_model_knows_no_other_keys() -> None:
    with pytest.raises(ValidationError):
        Limit.model_validate({**read_limits()["vpcs_per_region"].model_dump(), "extra": 1})
