"""Whose a record is: by every name that the project makes, and by nothing that a caller chooses."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from pipelines.audit_router.routing import (
    ALL,
    Route,
    Routes,
    Unroutable,
    is_echo,
    read_tenant,
    route,
)
from tenancy.names import PLATFORM, SHARED, Names, RoleKind, ServiceKind, snake
from tests.pipelines.audit_router.trail_records import (
    ADMIN,
    AUDIT,
    DATABASE,
    GLOBEX,
    SERVICE,
    SHARED_BUCKET,
    Json,
    decrypt,
    event,
    get_object,
    list_objects,
    session,
)

REFUSED = {"errorCode": "AccessDenied", "errorMessage": "Access Denied"}
KEYS = {"globex-key": "globex"}


def routed(record: Json, routes: Routes) -> Route:
    return route(record, routes, KEYS.get)


def test_a_read_of_an_own_object_is_the_tenants_alone(routes: Routes) -> None:
    found = routed(get_object(SHARED_BUCKET, "acme/lakehouse/data/e/1.parquet"), routes)
    assert (found.actor, found.trespassed) == ("acme", ())
    assert found.touched == {"acme"}
    assert found.destinations(routes) == ("acme",)
    key = "records/acme/2026/11/24/eae87c48-d421-4626-94f5-EXAMPLEac994.json"
    assert found.key("acme") == key


@pytest.mark.parametrize("outcome", [{}, REFUSED])
@pytest.mark.parametrize(
    "record",
    [
        get_object(GLOBEX, "globex/lakehouse/data/e/1.parquet"),
        get_object(SHARED_BUCKET, "globex/lakehouse/data/e/1.parquet"),
        get_object(AUDIT, "records/globex/2026/11/24/1.json"),
        list_objects(SHARED_BUCKET, "globex/"),
        list_objects(GLOBEX, None),
        event(
            "s3",
            "CopyObject",
            {
                "bucketName": SHARED_BUCKET,
                "key": "acme/lakehouse/stolen",
                "x-amz-copy-source": f"{GLOBEX}/globex%2Flakehouse%2Fx",
            },
        ),
        decrypt("shared-key", f"arn:aws:s3:::{SHARED_BUCKET}/globex/lakehouse/data/x"),
        decrypt("globex-key", None),
        event("kms", "Decrypt", {"keyId": "globex-key"}),
        event("kms", "Decrypt", {"keyId": "alias/lakehouse-prod--globex--data"}),
        event(
            "kms",
            "Decrypt",
            None,
            resources=[{"ARN": "arn:aws:kms:us-east-1:222222222222:key/globex-key"}],
        ),
        event("glue", "GetTable", {"databaseName": DATABASE, "name": "globex__events"}),
        event("glue", "GetDatabase", {"name": "lakehouse_prod__globex__lakehouse"}),
        event(
            "sts",
            "AssumeRole",
            {
                "roleArn": "arn:aws:iam::222222222222:role/lakehouse-prod/"
                "tenant/lakehouse-prod--globex--reader"
            },
        ),
        event("secretsmanager", "GetSecretValue", {"secretId": "lakehouse-prod/globex/nessie"}),
        event("ecs", "RunTask", {"taskDefinition": "lakehouse-prod--globex--run:3"}),
        event("ecs", "ListTasks", {"cluster": "lakehouse-prod--globex"}),
        event("rds", "DescribeDBInstances", {"dBInstanceIdentifier": "lakehouse-prod-globex-db"}),
        event("logs", "FilterLogEvents", {"logGroupName": "/lakehouse-prod/globex/run"}),
        event(
            "iam",
            "GetRole",
            None,
            errorMessage="User: arn:aws:sts::222222222222:assumed-role/lakehouse-prod--acme--reader"
            "/session is not authorized to perform: iam:GetRole on resource: role arn:x because",
            resources=[
                {
                    "ARN": "arn:aws:iam::222222222222:role/lakehouse-prod/run/"
                    "lakehouse-prod--globex--run"
                }
            ],
        ),
    ],
    ids=lambda record: f"{record['eventName']}" if "eventName" in record else None,
)
def test_reaching_for_anothers_is_told_whatever_came_of_it(
    record: Json, outcome: Json, routes: Routes
) -> None:
    found = routed(record | outcome, routes)
    assert found.trespassed == ("globex",)
    assert found.destinations(routes) == ("acme", "globex")


def test_a_refusal_without_parameters_names_its_resource_in_the_message(routes: Routes) -> None:
    message = (
        "User: arn:aws:sts::222222222222:assumed-role/lakehouse-prod--acme--reader/s is not "
        "authorized to perform: secretsmanager:GetSecretValue on resource: arn:aws:secretsmanager:"
        "us-east-1:222222222222:secret:lakehouse-prod/globex/nessie-AbCdEf because no identity-"
        "based policy allows it"
    )
    refused = event("secretsmanager", "GetSecretValue", None, errorMessage=message)
    assert routed(refused, routes).trespassed == ("globex",)


def test_a_message_counts_beside_what_the_record_lists(routes: Routes) -> None:
    message = (
        "User: arn:aws:sts::222222222222:assumed-role/lakehouse-prod--acme--writer/s is not "
        "authorized to perform: kms:GenerateDataKey on resource: arn:aws:kms:us-east-1:"
        "222222222222:key/globex-key because no identity-based policy allows it"
    )
    put = get_object(SHARED_BUCKET, "acme/x", eventName="PutObject", errorMessage=message)
    assert routed(put, routes).trespassed == ("globex",)


@pytest.mark.parametrize(
    "record",
    [
        list_objects(SHARED_BUCKET, None),
        list_objects(SHARED_BUCKET, ""),
        list_objects(SHARED_BUCKET, "acme"),
        list_objects(AUDIT, "records/"),
        get_object(SHARED_BUCKET, "root.txt"),
        get_object(AUDIT, "AWSLogs/222222222222/CloudTrail/x.json.gz"),
    ],
)
def test_a_call_wider_than_one_tenant_reaches_for_all(record: Json, routes: Routes) -> None:
    found = routed(record, routes)
    assert found.trespassed == (ALL,)
    assert found.destinations(routes) == ("acme", "platform")


@pytest.mark.parametrize(
    "record",
    [
        list_objects(SHARED_BUCKET, "acme/lakehouse/"),
        event("s3", "GetBucketLocation", {"bucketName": SHARED_BUCKET}),
        event("glue", "GetTables", {"databaseName": DATABASE}),
        event("glue", "GetTable", {"databaseName": DATABASE, "name": "acme__events__restricted"}),
        event(
            "glue",
            "UpdateTable",
            {
                "databaseName": DATABASE,
                "tableInput": {
                    "name": "acme__events",
                    "storageDescriptor": {"columns": [{"name": "globex__id"}]},
                },
            },
        ),
        decrypt("shared-key", f"arn:aws:s3:::{SHARED_BUCKET}/acme/lakehouse/data/x"),
        get_object(SHARED_BUCKET, "acme/lakehouse/data/lakehouse-prod--globex--x/1"),
        event(
            "sts",
            "AssumeRole",
            {
                "roleArn": "arn:aws:iam::222222222222:role/lakehouse-prod/run/"
                "lakehouse-prod--acme--run",
                "roleSessionName": "lakehouse-prod--globex--reader",
            },
        ),
        event("sts", "GetCallerIdentity", None),
    ],
)
def test_an_own_call_makes_no_alert_and_no_chosen_text_points_elsewhere(
    record: Json, routes: Routes
) -> None:
    found = routed(record, routes)
    assert found.trespassed == ()
    assert found.destinations(routes) == ("acme",)


@pytest.mark.parametrize("identity", [SERVICE, ADMIN, {"type": "Root"}, {}])
def test_the_platforms_use_of_a_tenants_part_is_the_tenants_to_see(
    identity: Json, routes: Routes
) -> None:
    record = get_object(GLOBEX, "globex/x", userIdentity=identity)
    found = routed(record, routes)
    assert (found.actor, found.trespassed) == (None, ())
    assert found.destinations(routes) == ("globex",)


def test_a_role_of_another_account_cannot_pass_for_a_tenants(routes: Routes) -> None:
    impostor = session("lakehouse-prod--acme--reader", account="999999999999")
    found = routed(get_object(GLOBEX, "globex/x", userIdentity=impostor), routes)
    assert found.actor is None


def test_a_session_name_cannot_pass_for_a_role(routes: Routes) -> None:
    identity = {
        "type": "AssumedRole",
        "arn": "arn:aws:sts::222222222222:assumed-role/deployer/lakehouse-prod--acme--reader",
    }
    assert (
        routed(event("sts", "GetCallerIdentity", None, userIdentity=identity), routes).actor is None
    )


def test_reaching_for_a_tenant_of_another_account_is_told_and_kept(routes: Routes) -> None:
    role = "arn:aws:iam::444444444444:role/lakehouse-prod/tenant/lakehouse-prod--initech--run"
    found = routed(event("sts", "AssumeRole", {"roleArn": role}), routes)
    assert found.trespassed == ("initech",)
    assert found.destinations(routes) == ("acme", "platform")


def test_what_is_nobodys_is_the_platforms(routes: Routes) -> None:
    record = event("ec2", "DescribeVpcs", {"vpcSet": {}}, userIdentity=ADMIN)
    assert routed(record, routes).destinations(routes) == ("platform",)


def test_only_the_routers_own_encryption_is_an_echo(routes: Routes) -> None:
    router = session("lakehouse-prod--platform--audit-router", "service")
    encrypts = event("kms", "GenerateDataKey", {"keyId": "k"}, userIdentity=router)
    assert is_echo(encrypts, routes)
    assert not is_echo(encrypts | {"userIdentity": ADMIN}, routes)
    assert not is_echo(encrypts | {"eventSource": "s3.amazonaws.com"}, routes)


@pytest.mark.parametrize(
    "change",
    [{"eventID": None}, {"eventID": "../x"}, {"eventID": ""}, {"eventTime": "soon"}],
)
def test_a_record_without_id_or_time_is_unroutable(change: Json, routes: Routes) -> None:
    with pytest.raises(Unroutable):
        routed(get_object(GLOBEX, "globex/x") | change, routes)


def test_the_day_is_that_of_utc(routes: Routes) -> None:
    record = get_object(GLOBEX, "globex/x", eventTime="2026-11-24T23:30:00-02:00")
    assert routed(record, routes).day == "2026/11/25"


LETTERS = st.sampled_from("ab")
WORDS = st.lists(st.text("ab1", min_size=1, max_size=4), min_size=1, max_size=3).map("-".join)
IDS = st.builds("{}{}".format, LETTERS, WORDS).filter(lambda id_: 3 <= len(id_) <= 20)
NAMES = st.builds(
    Names,
    project=st.builds("{}{}".format, LETTERS, WORDS),
    environment=st.builds("{}{}".format, LETTERS, st.text("ab1", min_size=1, max_size=11)),
    account_id=st.just("222222222222"),
    region=st.sampled_from(["us-east-1", "us-gov-west-1"]),
)


def named(names: Names, owner: str) -> list[str]:
    """Every name and ARN of an owner that a record can show."""
    kinds = [*ServiceKind, "auditor", "siem", "alerts", "realtime"]
    return [
        names.bucket_arn(names.bucket(owner)),
        names.objects_arn(names.bucket(owner), "any/key"),
        names.objects_arn(names.bucket(SHARED), f"{owner}/"),
        names.key_alias_arn(owner),
        names.key_alias(owner),
        names.audit_key_alias_arn(owner),
        names.boundary_arn(owner),
        names.auditor_role_arn(owner),
        names.auditor_boundary_arn(owner),
        names.service_boundary_arn(owner),
        names.run_execution_role_arn(owner),
        names.cluster(owner),
        names.cluster_arn(owner),
        names.trail_arn(owner),
        names.load_balancer(owner),
        names.database_instance(owner),
        names.database(owner),
        names.glue_arn(f"database/{names.database(owner)}"),
        names.glue_arn(f"table/{names.database(owner)}/events"),
        names.glue_arn(f"table/{names.database(SHARED)}/{names.table_prefix(owner)}events"),
        *(names.role_arn(owner, kind) for kind in RoleKind),
        *(
            name
            for kind in kinds
            for name in (
                names.service_role_arn(owner, kind),
                names.task_definitions_arn(owner, kind),
                names.function_arn(owner, kind),
                names.log_group(owner, kind),
                names.log_group_arn(owner, kind),
                names.secret(owner, kind),
                names.secret_arn(owner, kind),
                names.target_group(owner, kind),
                names.topic_arn(owner, kind),
                names.queue_arn(owner, kind),
            )
        ),
    ]


def grammar(names: Names, tenants: tuple[str, ...]) -> Routes:
    tenant: dict[str, Any] = {
        "retention_days": 1,
        "siem_queue": None,
        "topic_arn": None,
        "incidents": False,
    }

    def irregular(id_: str) -> list[str]:
        kinds = [*ServiceKind, "auditor", "siem", "alerts", "realtime"]
        groups = [names.target_group(id_, kind) for kind in kinds]
        return [names.trail(id_), names.load_balancer(id_), names.database_instance(id_), *groups]

    document = json.dumps(
        {
            "prefix": names.prefix,
            "snake_prefix": snake(names.prefix),
            "account_id": names.account_id,
            "owner": PLATFORM,
            "bucket": names.audit_bucket(PLATFORM),
            "shared_bucket": names.bucket(SHARED),
            "shared_database": names.database(SHARED),
            "router_role_arn": "",
            "alerts_topic_arn": "",
            "incidents_topic_arn": "",
            "retention_days": 1,
        }
    )
    told = {id_: read_tenant(id_, tenant | {"names": irregular(id_)}) for id_ in tenants}
    return Routes.read(document).serving(told)


@given(NAMES, IDS, IDS)
def test_every_name_of_a_tenant_is_told_from_every_other(names: Names, one: str, two: str) -> None:
    assume(one != two)
    known = grammar(names, (one, two))
    for owner in (one, two):
        for name in named(names, owner):
            found = {who for who in known.owners_in(name, lambda _: None) if who}
            assert found == {owner}, name
    for owner in (PLATFORM, SHARED):
        for name in (names.bucket(owner), names.role_arn(owner, RoleKind.ADMIN)):
            assert not {who for who in known.owners_in(name, lambda _: None) if who}


@given(
    st.recursive(
        st.none() | st.text() | st.integers(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=12,
    ),
    st.text(),
)
def test_any_parameters_at_all_are_routed(request: Any, source: str) -> None:
    known = grammar(Names("lakehouse", "prod", "222222222222", "us-east-1"), ("acme",))
    parameters = request if isinstance(request, dict) else {"value": request}
    record = event("s3", "GetObject", parameters) | {"eventSource": source}
    assert route(record, known, lambda _: None).destinations(known)
