"""Whom policies name and no state has: strangers, other accounts, services, identities by token."""

from typing import Any

import pytest

from isolation.graph import Graph
from isolation.proof import prove
from isolation.verdict import Answer
from tests.isolation.small import (
    ACCOUNT,
    LAKE,
    OTHER,
    REGION,
    Entry,
    allow,
    bucket,
    claims,
    deny,
    document,
    entry,
    graph,
    platform,
    role,
    role_arn,
    tenant,
    trusts,
)

STRANGE = {"AWS": f"arn:aws:iam::{OTHER}:root"}
GITHUB = "token.actions.githubusercontent.com"
TOPIC = f"arn:aws:sns:{REGION}:{ACCOUNT}:alerts"
OWN = "arn:aws:s3:::of-acme"


def of_platform(*entries: Entry, owns: str = TOPIC) -> Graph:
    said = claims(None, [owns], (), reason="alerts")
    return graph(platform(*bucket("lake")), tenant("acme"), tenant("globex"), [*entries, said])


def topic(**allowed: Any) -> Graph:
    return of_platform(
        entry("aws:sns/topic:Topic", "topic", arn=TOPIC, name="alerts"),
        entry(
            "aws:sns/topicPolicy:TopicPolicy",
            "policy",
            arn=TOPIC,
            policy=document(allow("sns:Publish", TOPIC, **allowed)),
        ),
    )


ORGANIZATION = {"StringEquals": {"aws:SourceOrgID": "o-own"}}
SOURCE = {"StringEquals": {"aws:SourceAccount": ACCOUNT}}


@pytest.mark.parametrize(
    ("allowed", "answer"),
    [
        ({"Principal": "*"}, Answer.VIOLATED),
        ({"Principal": STRANGE}, Answer.VIOLATED),
        ({"Principal": {"AWS": role_arn("partner", OTHER)}}, Answer.VIOLATED),
        ({"Principal": {"Service": "cloudwatch.amazonaws.com"}}, Answer.VIOLATED),
        ({"Principal": {"Service": "cloudwatch.amazonaws.com"}, "Condition": SOURCE}, None),
        ({"Principal": {"Service": "s3.amazonaws.com"}, "Condition": ORGANIZATION}, None),
        ({"Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}}, None),
    ],
)
def test_what_is_the_platforms_is_open_to_nobody_from_outside(
    allowed: dict[str, Any], answer: Answer | None
) -> None:
    assert prove(topic(**allowed)).answer is (answer or Answer.PROVEN)


def test_a_role_of_the_platform_trusts_nobody_from_outside_whom_it_does_not_declare() -> None:
    condition = {"StringEquals": {"sts:ExternalId": "x"}}
    trusted = trusts({"AWS": role_arn("partner", OTHER)}, Condition=condition)
    router = role("router", allow("logs:PutLogEvents"), trust=[trusted])

    def verdict(*declared: str) -> Answer:
        said = claims(None, [role_arn("router")], [role_arn("router"), *declared], reason="routes")
        return prove(
            graph(platform(*bucket("lake")), tenant("acme"), tenant("globex"), router, [said])
        ).answer

    assert verdict() is Answer.VIOLATED
    assert verdict(role_arn("partner", OTHER)) is Answer.PROVEN


def own_bucket(*claimed: str, principal: Any = STRANGE, also: list[Entry] | None = None) -> Answer:
    """Acme's own bucket lets somebody from outside in."""
    given = allow("s3:GetObject", f"{OWN}/*", Principal=principal)
    of_acme = claims("acme", [OWN, f"{OWN}/*"], claimed)
    return prove(
        graph(
            platform(*bucket("lake")),
            tenant("acme"),
            tenant("globex"),
            [*bucket("of-acme", given), of_acme, *(also or [])],
        )
    ).answer


PARTNER = role_arn("partner", OTHER)


def test_a_tenants_bucket_is_open_to_an_outsider_only_if_the_tenant_claims_it() -> None:
    assert own_bucket(principal={"AWS": PARTNER}) is Answer.VIOLATED
    assert own_bucket(PARTNER, principal={"AWS": PARTNER}) is Answer.PROVEN


def test_an_outsider_that_a_tenant_claims_reaches_no_other_tenants_part() -> None:
    other = "arn:aws:s3:::of-globex"
    also = [
        *bucket("of-globex", allow("s3:GetObject", f"{other}/*", Principal={"AWS": PARTNER})),
        claims("globex", [other, f"{other}/*"], ()),
    ]
    assert own_bucket(PARTNER, principal={"AWS": PARTNER}, also=also) is Answer.VIOLATED


def test_of_two_policies_for_one_bucket_only_common_denials_count() -> None:
    opened = allow("s3:GetObject", f"{LAKE}/*", Principal={"AWS": role_arn("acme")})
    closed = deny("s3:*", [LAKE, f"{LAKE}/*"], Principal={"AWS": role_arn("acme")})

    def verdict(*policies: list[dict[str, Any]]) -> Answer:
        entries = [
            entry(
                "aws:s3/bucketPolicy:BucketPolicy", f"p{n}", bucket="lake", policy=document(*each)
            )
            for n, each in enumerate(policies)
        ]
        return prove(
            graph(platform(*bucket("lake"), *entries), tenant("acme"), tenant("globex"))
        ).answer

    assert verdict([opened, closed]) is Answer.PROVEN
    assert verdict([opened], [closed]) is Answer.VIOLATED
    assert verdict([opened, closed], [closed]) is Answer.PROVEN


def federated(name: str, operator: str, *subjects: str) -> list[Entry]:
    condition: dict[str, Any] = {"StringEquals": {f"{GITHUB}:aud": "sts.amazonaws.com"}}
    if subjects:
        condition[operator] = {f"{GITHUB}:sub": list(subjects)}
    provider = {"Federated": f"arn:aws:iam::{ACCOUNT}:oidc-provider/{GITHUB}"}
    trusted = trusts(provider, "sts:AssumeRoleWithWebIdentity", Condition=condition)
    return tenant(name, trust=[trusted])


@pytest.mark.parametrize(
    ("acme", "globex", "answer"),
    [
        (("StringLike", "repo:acme/a:ref:x"), ("StringLike", "repo:globex/b:*"), Answer.PROVEN),
        (("StringLike", "repo:acme/*"), ("StringLike", "repo:globex/*"), Answer.PROVEN),
        (("StringLike", "repo:acme/*"), ("StringLike", "repo:acme/b:*"), Answer.VIOLATED),
        (("StringLike", "repo:acme/*b"), ("StringLike", "repo:acme/a*"), Answer.VIOLATED),
        (("StringLike", "repo:a*"), ("StringLike", "repo:globex/*"), Answer.VIOLATED),
        (("StringLike", "*"), ("StringLike", "repo:globex/*"), Answer.VIOLATED),
        (("StringLike",), ("StringLike", "repo:globex/*"), Answer.VIOLATED),
        (("StringNotLike", "repo:b/*"), ("StringLike", "repo:globex/*"), Answer.VIOLATED),
    ],
)
def test_identities_of_a_provider_are_told_by_their_subject(
    acme: tuple[str, ...], globex: tuple[str, ...], answer: Answer
) -> None:
    given = graph(platform(*bucket("lake")), federated("acme", *acme), federated("globex", *globex))
    assert prove(given).answer is answer


SNS = {"Service": "sns.amazonaws.com"}
QUEUE = f"arn:aws:sqs:{REGION}:{ACCOUNT}:of-globex"
TOPIC_OF_ACME = f"arn:aws:sns:{REGION}:{ACCOUNT}:of-acme"
TOPIC_OF_GLOBEX = f"arn:aws:sns:{REGION}:{ACCOUNT}:of-globex"


@pytest.mark.parametrize(
    ("condition", "answer"),
    [
        ({"ArnEquals": {"aws:SourceArn": TOPIC_OF_GLOBEX}}, Answer.PROVEN),
        ({"ArnEquals": {"aws:SourceArn": TOPIC_OF_ACME}}, Answer.VIOLATED),
        ({"ArnLike": {"aws:SourceArn": f"arn:aws:sns:{REGION}:*:of-globex"}}, Answer.VIOLATED),
        ({"ArnLike": {"aws:SourceArn": "arn:aws:s3:::*"}}, Answer.VIOLATED),
        ({"StringLike": {"aws:SourceArn": "*"}}, Answer.VIOLATED),
        (
            {
                "ArnLike": {"aws:SourceArn": "arn:aws:s3:::*"},
                "StringEquals": {"aws:SourceAccount": ACCOUNT},
            },
            Answer.PROVEN,
        ),
        ({"StringEquals": {"aws:SourceAccount": OTHER}}, Answer.VIOLATED),
        (None, Answer.VIOLATED),
    ],
)
def test_a_service_sends_to_a_tenants_queue_only_for_the_tenants_own(
    condition: dict[str, Any] | None, answer: Answer
) -> None:
    sends = allow("sqs:SendMessage", QUEUE, Principal=SNS)
    policy = document(sends | ({"Condition": condition} if condition else {}))
    given = graph(
        platform(*bucket("lake")),
        tenant("acme"),
        tenant("globex"),
        [
            entry("aws:sqs/queue:Queue", "q", arn=QUEUE, name="of-globex", policy=policy),
            entry("aws:sns/topic:Topic", "a", arn=TOPIC_OF_ACME, name="of-acme"),
            entry("aws:sns/topic:Topic", "g", arn=TOPIC_OF_GLOBEX, name="of-globex"),
            claims("acme", [TOPIC_OF_ACME], ()),
            claims("globex", [TOPIC_OF_GLOBEX, QUEUE], ()),
        ],
    )
    verdict = prove(given)
    assert verdict.answer is answer, verdict.counterexamples
