"""A patched moto server in this process, and handlers that talk to it."""

from __future__ import annotations

import urllib.request
from collections.abc import Iterator
from functools import cache

import boto3
import botocore.session
import pytest
from moto.server import ThreadedMotoServer

from localcloud.aws_plugin import cloud as connection
from localcloud.aws_plugin.cloud import Cloud
from localcloud.emulator import patches

ACCOUNT = "123456789012"
REGION = "us-east-1"


def settle(patch: pytest.MonkeyPatch, endpoint: str) -> None:
    """Make the environment that of the embedded cloud's shell."""
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN"):
        patch.delenv(name, raising=False)
    patch.setenv("AWS_ENDPOINT_URL", endpoint)
    patch.setenv("AWS_ACCESS_KEY_ID", "AKIALOCALCLOUD000000")
    patch.setenv("AWS_SECRET_ACCESS_KEY", "of-the-local-cloud")
    patch.setenv("AWS_REGION", REGION)
    patch.setenv("AWS_DEFAULT_REGION", REGION)


def reset(endpoint: str) -> None:
    """Empty the cloud."""
    request = urllib.request.Request(f"{endpoint}/moto-api/reset", method="POST")
    urllib.request.urlopen(request, timeout=30).read()


@pytest.fixture(scope="session")
def endpoint() -> Iterator[str]:
    patches.apply()
    with pytest.MonkeyPatch.context() as patch:
        # Else every session parses the models of its services anew: 300 ms for EC2's alone.
        patch.setattr(botocore.session, "create_loader", cache(botocore.session.create_loader))
        # Else every reset makes moto's 1300 images anew: 130 ms.
        patch.setenv("MOTO_EC2_LOAD_DEFAULT_AMIS", "false")
        server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
        server.start()
        host, port = server.get_host_and_port()
        yield f"http://{host}:{port}"
        server.stop()


@pytest.fixture(scope="session")
def connected(endpoint: str) -> Cloud:
    """The one connection of all tests: it holds clients, and nothing of the cloud's content."""
    with pytest.MonkeyPatch.context() as patch:
        settle(patch, endpoint)
        cloud = connection.connect({"region": REGION})
        cloud.client("sts")  # while its credentials can be found
    return cloud


@pytest.fixture(autouse=True)
def environment(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> None:
    settle(monkeypatch, endpoint)


@pytest.fixture
def clean(endpoint: str) -> None:
    """An empty cloud."""
    reset(endpoint)


@pytest.fixture
def cloud(clean: None, connected: Cloud) -> Cloud:
    return connected


@pytest.fixture
def session(clean: None) -> boto3.Session:
    return boto3.Session(region_name=REGION)
