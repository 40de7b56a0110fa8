"""Every type through its whole life against the emulator: one table of examples for all."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto.iam.models import iam_backends

from localcloud.aws_plugin.cloud import Cloud
from localcloud.aws_plugin.registry import handler, types
from localcloud.aws_plugin.resource import ResourceError
from localcloud.aws_plugin.server import read_inputs
from localcloud.aws_plugin.values import Properties
from tests.localcloud.aws_plugin import resource_examples as examples
from tests.localcloud.aws_plugin.conftest import reset
from tests.localcloud.aws_plugin.function_examples import FUNCTIONS
from tests.localcloud.aws_plugin.network_examples import NETWORKS
from tests.localcloud.aws_plugin.organization_examples import ORGANIZATIONS
from tests.localcloud.aws_plugin.resource_examples import Example
from tests.localcloud.aws_plugin.service_examples import SERVICES

ALL = (*examples.ALL, *SERVICES, *NETWORKS, *FUNCTIONS, *ORGANIZATIONS)
Done = dict[int, tuple[str, Properties]]
IDS = [f"{number}-{one.token.rsplit(':', 1)[-1]}" for number, one in enumerate(ALL)]
every = pytest.mark.parametrize("life", ALL, ids=IDS, indirect=True)


def urn(token: str, name: str = "it") -> str:
    return f"urn:pulumi:local::lake::tenancy:aws:Tenant${token}::{name}"


def make(cloud: Cloud, example: Example, done: Done | None = None) -> tuple[str, Properties]:
    example = ready(cloud, example, done)
    resource = handler(example.token)
    assert resource.check(example.inputs) == []
    return resource.create(cloud, urn(example.token, example.name), example.inputs)


def ready(cloud: Cloud, example: Example, done: Done | None = None) -> Example:
    """The example with what it needs made, each once."""
    done = {} if done is None else done
    for needed in example.needs:
        if id(needed) not in done:
            done[id(needed)] = make(cloud, needed, done)
    return example.ready(cloud, [done[id(needed)] for needed in example.needs])


class Life:
    """One resource from its preview to its end: each stage is gone through once, in this order."""

    def __init__(self, cloud: Cloud, example: Example) -> None:
        self.cloud, self.resource = cloud, handler(example.token)
        self.example = ready(cloud, example)
        self._seen: dict[str, Any] = {}
        self._stages = self._live()

    def at(self, stage: str) -> Any:
        """What was seen at a stage, once it is reached."""
        while stage not in self._seen:
            try:
                name, seen = next(self._stages)
            except StopIteration:
                pytest.fail(f"an earlier stage than {stage!r} failed")
            self._seen[name] = seen
        return self._seen[stage]

    def _live(self) -> Iterator[tuple[str, Any]]:
        cloud, resource, example = self.cloud, self.resource, self.example
        yield "promised", resource.preview(cloud, example.inputs)
        identifier, state = make(cloud, example)
        yield "made", (identifier, state)
        yield "read", resource.read(cloud, identifier, state)
        same = urn(example.token, example.name)
        yield "again", resource.create(cloud, same, example.inputs)[0]
        yield "imported", resource.read(cloud, identifier, {})
        if example.change:
            wanted = {**example.inputs, **example.change}
            if example.token == examples.ROLE:
                boundary = next(one for one in ALL if one.inputs.get("name") == "boundary")
                wanted["permissionsBoundary"] = make(cloud, boundary)[0]
            assert resource.differences(state, wanted, example.inputs)
            state = resource.update(cloud, identifier, state, wanted, example.inputs)
            yield "updated", (wanted, state)
            state = resource.update(cloud, identifier, state, example.inputs, wanted)
            yield "restored", state
        resource.remove(cloud, identifier, state)
        resource.remove(cloud, identifier, state)  # nothing there is success
        yield "removed", resource.read(cloud, identifier, state)


@pytest.fixture(scope="module")
def life(endpoint: str, connected: Cloud, request: pytest.FixtureRequest) -> Life:
    reset(endpoint)
    return Life(connected, request.param)


def test_every_type_has_an_example() -> None:
    assert {one.token for one in ALL} >= set(types()) - {
        "aws:iam/rolePolicyAttachment:RolePolicyAttachment"
    }


@every
def test_preview_promises_what_comes(life: Life) -> None:
    promised, (_, state) = life.at("promised"), life.at("made")
    for name in ("arn", "bucketDomainName"):
        if isinstance(promised.get(name), str):
            assert promised[name] == state[name]
    assert set(life.example.inputs) <= set(promised)


@every
def test_created_then_unchanged(life: Life) -> None:
    resource, inputs = life.resource, life.example.inputs
    (_, state), live = life.at("made"), life.at("read")
    assert not resource.differences(state, inputs, inputs)
    assert live is not None
    again = resource.settle(life.cloud, live, state)
    assert again == state
    assert read_inputs(resource, again, inputs, imported=False) == inputs


@every
def test_created_again_is_adopted_not_doubled(life: Life) -> None:
    """As after a kill between the call and its record."""
    assert life.at("again") == life.at("made")[0]


@every
def test_imported(life: Life) -> None:
    resource, live = life.resource, life.at("imported")
    assert live is not None
    settled = resource.settle(life.cloud, live, {})
    inputs = read_inputs(resource, settled, {}, imported=True)
    assert resource.check(inputs) == []
    assert not resource.differences(settled, inputs, inputs)


@every
def test_updated(life: Life) -> None:
    if not life.example.change:
        pytest.skip("every change replaces it")
    wanted, after = life.at("updated")
    assert not life.resource.differences(after, wanted, wanted)


@every
def test_updated_back(life: Life) -> None:
    if not life.example.change:
        pytest.skip("every change replaces it")
    restored = life.at("restored")
    assert not life.resource.differences(restored, life.example.inputs, life.example.inputs)


@every
def test_deleted_and_gone(life: Life) -> None:
    token = life.example.token
    stays = life.example.stays or "Settings" in token or "Versioning" in token
    assert (life.at("removed") is not None) is stays


def test_absent_parent_reads_as_gone(cloud: Cloud) -> None:
    policy = handler("aws:s3/bucketPolicy:BucketPolicy")
    assert policy.read(cloud, "never-made", {}) is None


def test_a_key_is_found_again_by_its_tag_and_hides_it(cloud: Cloud, session: boto3.Session) -> None:
    identifier, state = make(cloud, examples.key)
    assert state["tags"] == examples.TAGS
    other, _ = handler(examples.KEY).create(
        cloud, urn(examples.KEY, "another"), examples.key.inputs
    )
    assert other != identifier
    handler(examples.KEY).remove(cloud, identifier, state)
    successor, _ = make(cloud, examples.key)
    assert successor not in (identifier, other)


def test_a_stranger_of_the_same_name_is_refused(cloud: Cloud, session: boto3.Session) -> None:
    session.client("iam").create_role(
        RoleName="acme--reader",
        Path="/lake/",
        AssumeRolePolicyDocument=examples.role.inputs["assumeRolePolicy"],
        Tags=[{"Key": "managed-by", "Value": "someone/else"}],
    )
    with pytest.raises(ResourceError, match="not of this stack"):
        make(cloud, examples.role)


def test_a_bucket_interrupted_before_its_tags_is_completed(
    cloud: Cloud, session: boto3.Session
) -> None:
    session.client("s3").create_bucket(Bucket="lake-acme--data")
    _, state = make(cloud, examples.bucket)
    assert state["tags"] == examples.TAGS


def test_a_bucket_of_another_account_is_refused(cloud: Cloud, session: boto3.Session) -> None:
    open_account(session, "222222222222")
    member = assumed(session, "arn:aws:iam::222222222222:role/OrganizationAccountAccessRole")
    member.client("s3").create_bucket(Bucket="lake-acme--data")
    with pytest.raises(ResourceError, match="another account"):
        make(cloud, examples.bucket)


def test_a_bucket_with_objects_stays(cloud: Cloud, session: boto3.Session) -> None:
    identifier, state = make(cloud, examples.bucket)
    session.client("s3").put_object(Bucket=identifier, Key="a", Body=b"x")
    with pytest.raises(ResourceError, match="holds objects"):
        handler(examples.BUCKET).remove(cloud, identifier, state)
    handler(examples.BUCKET).remove(cloud, identifier, {**state, "forceDestroy": True})


def test_a_hand_changed_policy_is_drift_and_a_reordered_one_is_not(
    cloud: Cloud, session: boto3.Session
) -> None:
    example = next(one for one in ALL if one.token.endswith("BucketPolicy"))
    identifier, state = make(cloud, example)
    s3, resource = session.client("s3"), handler(example.token)
    document = json.loads(state["policy"])
    document["Statement"][0]["Resource"].reverse()
    s3.put_bucket_policy(Bucket=identifier, Policy=json.dumps(document, indent=2))
    assert resource.settle(cloud, resource.read(cloud, identifier, state) or {}, state) == state
    document["Statement"][0]["Effect"] = "Allow"
    s3.put_bucket_policy(Bucket=identifier, Policy=json.dumps(document))
    drifted = resource.settle(cloud, resource.read(cloud, identifier, state) or {}, state)
    assert drifted != state
    assert resource.differences(drifted, example.inputs, example.inputs) == {"policy"}


def open_account(session: boto3.Session, account: str) -> None:
    iam_backends[account]["aws"].create_role(
        role_name="OrganizationAccountAccessRole",
        assume_role_policy_document=examples.role.inputs["assumeRolePolicy"],
        path="/",
        permissions_boundary=None,
        description="",
        tags=[],
        max_session_duration="3600",
    )


def assumed(session: boto3.Session, arn: str) -> boto3.Session:
    given: Any = session.client("sts").assume_role(RoleArn=arn, RoleSessionName="test")
    credentials = given["Credentials"]
    return boto3.Session(
        credentials["AccessKeyId"],
        credentials["SecretAccessKey"],
        credentials["SessionToken"],
        region_name="us-east-1",
    )
