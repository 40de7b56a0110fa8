"""Topics: what their policies let in, also where a subscription goes by the topic's ARN."""

from typing import Any

from isolation.graph import Graph
from isolation.proof import prove
from isolation.verdict import Answer
from tests.isolation.small import (
    ACCOUNT,
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
)

TOPIC = f"arn:aws:sns:{REGION}:{ACCOUNT}:globex"
SUBSCRIBED = entry(
    "aws:sns/topicSubscription:TopicSubscription",
    "subscription",
    arn=f"{TOPIC}:0a1b2c3d-0000-4000-8000-000000000000",
    topic=TOPIC,
    protocol="email",
)


def topic(*statements: dict[str, Any], owner: str | None = "globex") -> Graph:
    """Globex's topic (or the platform's), with a policy of its own and a subscription."""
    of_topic: list[Entry] = [
        entry("aws:sns/topic:Topic", "topic", arn=TOPIC, name="globex"),
        entry("aws:sns/topicPolicy:TopicPolicy", "p", arn=TOPIC, policy=document(*statements)),
        SUBSCRIBED,
        claims(owner, [TOPIC], (), **({} if owner else {"reason": "alerts"})),
    ]
    return graph(platform(*bucket("lake")), tenant("acme"), tenant("globex"), of_topic)


def test_a_policy_that_lets_another_tenant_publish_is_seen_beside_a_subscription() -> None:
    given = topic(allow("sns:Publish", TOPIC, Principal={"AWS": role_arn("acme")}))
    verdict = prove(given)
    assert verdict.answer is Answer.VIOLATED
    assert {"acme", "globex"} <= {one for found in verdict.counterexamples for one in found.tenants}


def test_a_policy_that_lets_anybody_subscribe_is_seen_beside_a_subscription() -> None:
    assert prove(topic(allow("sns:Subscribe", TOPIC, Principal="*"))).answer is Answer.VIOLATED


# What SNS gives a topic (SNS Developer Guide, "Example cases for Amazon SNS access control").
DEFAULT = allow(
    ["SNS:Subscribe", "SNS:Publish", "SNS:SetTopicAttributes", "SNS:AddPermission"],
    TOPIC,
    Principal={"AWS": "*"},
    Condition={"StringEquals": {"AWS:SourceOwner": ACCOUNT}},
)


def test_a_topics_default_policy_lets_in_nobody_of_another_account() -> None:
    alone = [entry("aws:sns/topic:Topic", "topic", arn=TOPIC, policy=document(DEFAULT))]
    claimed = [*alone, claims("globex", [TOPIC], ())]
    acme = role_arn("acme", OTHER)
    elsewhere = [
        *role("acme", allow("sns:*"), tags={"tenant": "acme"}, account=OTHER),
        claims("acme", [acme], [acme]),
    ]
    verdict = prove(graph(platform(*bucket("lake")), elsewhere, tenant("globex"), claimed))
    assert verdict.answer is Answer.PROVEN, verdict.counterexamples


def test_a_topics_default_policy_lets_in_every_tenant_of_its_account() -> None:
    verdict = prove(topic(DEFAULT))
    assert verdict.answer is Answer.VIOLATED
    (found,) = {(one.tenant, one.owner, one.remedy) for one in verdict.counterexamples}
    assert found[:2] == ("acme", "globex")
    assert "aws:SourceOwner lets in all of the account" in found[2]


def test_a_service_publishes_for_the_account_that_source_owner_names_and_for_no_other() -> None:
    def publishing(account: str) -> Graph:
        return topic(
            allow(
                "sns:Publish",
                TOPIC,
                Principal={"Service": "cloudwatch.amazonaws.com"},
                Condition={"StringEquals": {"aws:SourceOwner": account}},
            )
        )

    assert prove(publishing(ACCOUNT)).answer is Answer.PROVEN
    assert prove(publishing(OTHER)).answer is Answer.VIOLATED


def test_a_denial_that_source_owner_may_not_meet_protects_nothing() -> None:
    given = topic(
        allow("sns:Publish", TOPIC, Principal={"AWS": role_arn("acme")}),
        deny(
            "sns:Publish",
            TOPIC,
            Principal="*",
            Condition={"StringEquals": {"aws:SourceOwner": ACCOUNT}},
        ),
    )
    assert prove(given).answer is Answer.VIOLATED


def test_a_policy_that_only_denies_is_no_breach() -> None:
    given = topic(deny("sns:Publish", TOPIC, Principal="*"))
    assert prove(given).answer is Answer.PROVEN
