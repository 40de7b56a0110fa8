"""The plugin over gRPC, as the engine sees it."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from typing import Any

import boto3
import grpc
import pytest
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc

from localcloud.aws_plugin.server import serve
from localcloud.aws_plugin.values import UNKNOWN, decode, encode
from tests.localcloud.aws_plugin.resource_examples import BUCKET, TAGS
from tests.localcloud.aws_plugin.test_life import open_account


@pytest.fixture
def plugin(clean: None) -> Iterator[Any]:
    server, port = serve(threading.Event())
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        yield provider_pb2_grpc.ResourceProviderStub(channel)
    server.stop(None)


def urn(token: str) -> str:
    return f"urn:pulumi:local::lake::{token}::it"


def configure(plugin: Any, **settings: Any) -> None:
    plugin.Configure(
        provider_pb2.ConfigureRequest(args=encode({"region": "us-east-1", **settings}))
    )


def problems(plugin: Any, token: str, **inputs: Any) -> str:
    request = provider_pb2.CheckRequest(urn=urn(token), news=encode(inputs))
    return "\n".join(f"{one.property}: {one.reason}" for one in plugin.Check(request).failures)


def test_what_is_wrong_is_said_at_preview(plugin: Any) -> None:
    unhandled = "aws:sagemaker/notebookInstance:NotebookInstance"
    assert f"no handler for the type {unhandled}" in problems(plugin, unhandled)
    assert "aws_plugin/sagemaker.py" in problems(plugin, unhandled)
    assert "no property 'acl'" in problems(plugin, BUCKET, bucket="b", acl="private")
    assert "needs 'bucket'" in problems(plugin, BUCKET)
    assert problems(plugin, BUCKET, bucket=UNKNOWN) == ""
    document = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow"}]})
    token = "aws:s3/bucketPolicy:BucketPolicy"
    assert "needs Action" in problems(plugin, token, bucket="b", policy=document)
    assert "not JSON" in problems(plugin, token, bucket="b", policy="{")
    statement = {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "x" * 21000}
    long = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    assert "more than the 20480" in problems(plugin, token, bucket="b", policy=long)
    select = {"principal": "p", "permissions": ["SELECT"], "database": {"name": "d"}}
    grants = "aws:lakeformation/permissions:Permissions"
    assert "not SELECT" in problems(plugin, grants, **select)


def test_preview_knows_names_and_nothing_else(plugin: Any) -> None:
    configure(plugin)
    request = provider_pb2.CreateRequest(
        urn=urn("aws:kms/key:Key"), preview=True, properties=encode({"tags": TAGS})
    )
    state, _ = decode(plugin.Create(request).properties)
    assert state["keyId"] is UNKNOWN
    request = provider_pb2.CreateRequest(
        urn=urn(BUCKET), preview=True, properties=encode({"bucket": "b"})
    )
    state, _ = decode(plugin.Create(request).properties)
    assert state["arn"] == "arn:aws:s3:::b"


def test_secrets_stay_secret(plugin: Any) -> None:
    configure(plugin)
    inputs = encode({"bucket": "lake", "tags": TAGS}, ["tags"])
    made = plugin.Create(provider_pb2.CreateRequest(urn=urn(BUCKET), properties=inputs))
    state, secret = decode(made.properties)
    assert state["tags"] == TAGS
    assert "tags" in secret
    read = plugin.Read(
        provider_pb2.ReadRequest(
            urn=urn(BUCKET), id="lake", properties=made.properties, inputs=inputs
        )
    )
    assert read.properties == made.properties
    assert read.inputs == inputs


def test_diff_names_replacements(plugin: Any) -> None:
    def diff(**news: Any) -> Any:
        old = {"bucket": "b", "tags": TAGS}
        return plugin.Diff(
            provider_pb2.DiffRequest(
                urn=urn(BUCKET), id="b", olds=encode(old), old_inputs=encode(old), news=encode(news)
            )
        )

    same = diff(bucket="b", tags=dict(reversed(TAGS.items())))
    assert same.changes == provider_pb2.DiffResponse.DIFF_NONE
    other = diff(bucket="c", tags=TAGS)
    assert list(other.replaces) == ["bucket"]
    assert other.deleteBeforeReplace
    assert not diff(bucket="b").replaces


def test_what_is_gone_reads_as_nothing(plugin: Any) -> None:
    configure(plugin)
    assert plugin.Read(provider_pb2.ReadRequest(urn=urn(BUCKET), id="never")).id == ""


def test_a_foreign_account_is_not_touched(plugin: Any) -> None:
    with pytest.raises(grpc.RpcError, match="account ID not allowed"):
        configure(plugin, allowedAccountIds='["999999999999"]')
    with pytest.raises(grpc.RpcError, match="not configured"):
        plugin.Create(
            provider_pb2.CreateRequest(urn=urn(BUCKET), properties=encode({"bucket": "b"}))
        )


def test_an_assumed_role_acts_in_its_account(plugin: Any, session: boto3.Session) -> None:
    roles = json.dumps(
        [{"roleArn": "arn:aws:iam::222222222222:role/OrganizationAccountAccessRole"}]
    )
    with pytest.raises(grpc.RpcError, match="AccessDenied"):
        configure(plugin, assumeRoles=roles)
    open_account(session, "222222222222")
    configure(plugin, assumeRoles=roles, allowedAccountIds='["222222222222"]')
    token = "aws:index/getCallerIdentity:getCallerIdentity"
    answer = plugin.Invoke(provider_pb2.InvokeRequest(tok=token))
    assert decode(getattr(answer, "return"))[0]["accountId"] == "222222222222"


@pytest.mark.parametrize("url", ["", "https://s3.amazonaws.com", "http://10.0.0.1:5000"])
def test_only_this_machine_is_served(
    plugin: Any, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", url)
    checked = plugin.CheckConfig(provider_pb2.CheckRequest(news=encode({"region": "us-east-1"})))
    assert "embedded cloud" in checked.failures[0].reason
    with pytest.raises(grpc.RpcError, match="embedded cloud"):
        configure(plugin)


def test_an_unhonoured_setting_is_refused(plugin: Any) -> None:
    checked = plugin.CheckConfig(provider_pb2.CheckRequest(news=encode({"defaultTags": "{}"})))
    assert "defaultTags" in checked.failures[0].reason
