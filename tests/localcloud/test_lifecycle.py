"""The emulator's process: one at a time, found again, noticed when gone, and ended for certain."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import boto3
import psutil
import pytest

from localcloud.emulator import lifecycle
from localcloud.emulator.lifecycle import Cloud, Record
from localcloud.errors import LocalCloudError
from localcloud.paths import PROJECT_ROOT, Layout
from localcloud.processes import ProcessIdentity
from localcloud.shell import ACCESS_KEY_ID, SECRET_ACCESS_KEY

pytestmark = [pytest.mark.integration, pytest.mark.xdist_group("lifecycle")]


@pytest.fixture
def layout(tmp_path: Path) -> Iterator[Layout]:
    layout = Layout(tmp_path)
    yield layout
    lifecycle.stop(layout)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Layout]:
    """Where a cloud runs, for the tests that do not end it: starting one takes 2 seconds."""
    layout = Layout(tmp_path_factory.mktemp("shared"))
    lifecycle.ensure(quiet, layout)
    yield layout
    lifecycle.stop(layout)


def quiet(_line: str) -> None:
    """Report nothing."""


def record(layout: Layout) -> Record:
    found = Record.read(layout.cloud)
    assert found
    return found


def client(name: str, cloud: Cloud, session: dict[str, Any] | None = None) -> Any:
    keys = {
        "aws_access_key_id": session["AccessKeyId"] if session else ACCESS_KEY_ID,
        "aws_secret_access_key": session["SecretAccessKey"] if session else SECRET_ACCESS_KEY,
        "aws_session_token": session["SessionToken"] if session else None,
    }
    factory: Any = boto3.client
    return factory(name, endpoint_url=cloud.endpoint, region_name="us-east-1", **keys)


def test_the_second_command_finds_the_first_ones_cloud(layout: Layout) -> None:
    assert not lifecycle.status(layout).running
    first = lifecycle.ensure(quiet, layout)
    assert first.fresh
    client("s3", first).create_bucket(Bucket="kept")
    second = lifecycle.ensure(pytest.fail, layout)
    assert second == replace(first, fresh=False)
    assert [b["Name"] for b in client("s3", second).list_buckets()["Buckets"]] == ["kept"]
    assert lifecycle.status(layout).running


def test_a_cloud_of_other_code_is_kept_and_told_of(layout: Layout) -> None:
    first = lifecycle.ensure(quiet, layout)
    replace(record(layout), code="of another day").write(layout.cloud)
    said: list[str] = []
    assert lifecycle.ensure(said.append, layout) == replace(first, fresh=False)
    assert "code from before an update" in said[0]
    assert "make down" in said[0]


def test_a_cloud_whose_process_is_gone_is_started_anew_on_the_same_port(layout: Layout) -> None:
    first = lifecycle.ensure(quiet, layout)
    psutil.Process(record(layout).process.pid).kill()
    said: list[str] = []
    second = lifecycle.ensure(said.append, layout)
    assert second.fresh
    assert second.endpoint == first.endpoint
    assert second.instance != first.instance
    assert "gone" in said[0]


def test_a_taken_port_is_left_to_its_new_owner(layout: Layout) -> None:
    with socket.create_server(("127.0.0.1", 0)) as owner:
        layout.make()
        port = owner.getsockname()[1]
        Record(ProcessIdentity(1, 0.0), port, "gone", 0.0).write(layout.cloud)
        assert lifecycle.ensure(quiet, layout).endpoint != f"http://127.0.0.1:{port}"


def test_a_process_that_got_the_recorded_pid_is_never_ended(layout: Layout) -> None:
    layout.make()
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        born = psutil.Process(other.pid).create_time()
        Record(ProcessIdentity(other.pid, born - 3600), 1, "gone", 0.0).write(layout.cloud)
        assert not lifecycle.stop(layout)
        lifecycle.ensure(quiet, layout)
        assert other.poll() is None
        other.kill()


def test_a_server_that_no_longer_answers_is_ended(
    layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    lifecycle.ensure(quiet, layout)
    hung = record(layout).process.pid
    os.kill(hung, signal.SIGSTOP)
    real_call = lifecycle._call
    monkeypatch.setattr(
        lifecycle, "_call", lambda url, **given: real_call(url, **given, patience=0.5)
    )
    real_end = ProcessIdentity.end
    monkeypatch.setattr(ProcessIdentity, "end", lambda self: real_end(self, patience=0.2))
    assert lifecycle.ensure(quiet, layout).fresh
    assert not psutil.pid_exists(hung) or psutil.Process(hung).status() == psutil.STATUS_ZOMBIE


@pytest.mark.parametrize("content", ["", "{", "[]", '{"pid": 1}', '{"pid": "x", "port": null}'])
def test_an_unreadable_record_counts_as_none(layout: Layout, content: str) -> None:
    layout.make()
    (layout.cloud / "cloud.json").write_text(content, encoding="utf-8")
    assert lifecycle.status(layout) == lifecycle.Status(running=False)
    assert not lifecycle.stop(layout)


def test_commands_at_once_get_the_same_cloud(layout: Layout) -> None:
    clouds: list[Cloud] = []

    def run() -> None:
        clouds.append(lifecycle.ensure(quiet, layout))

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({cloud.instance for cloud in clouds}) == 1
    assert [cloud.fresh for cloud in clouds].count(True) == 1


def test_it_survives_the_group_of_the_command_that_started_it(layout: Layout) -> None:
    source = (
        "import sys, time; from pathlib import Path\n"
        "from localcloud.emulator import lifecycle; from localcloud.paths import Layout\n"
        "lifecycle.ensure(print, Layout(Path(sys.argv[1])))\n"
        "print('ready', flush=True); time.sleep(60)"
    )
    command = subprocess.Popen(
        [sys.executable, "-c", source, str(layout.root)],
        cwd=PROJECT_ROOT,
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    assert command.stdout
    while b"ready" not in command.stdout.readline():
        assert command.poll() is None
    os.killpg(command.pid, signal.SIGKILL)
    command.communicate()
    assert lifecycle.status(layout).running


def test_stop_ends_it_and_the_next_start_is_empty(layout: Layout) -> None:
    lifecycle.ensure(quiet, layout)
    pid = record(layout).process.pid
    assert lifecycle.stop(layout)
    assert not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    assert not lifecycle.stop(layout)
    assert not lifecycle.status(layout).running


def test_a_server_that_cannot_start_shows_the_end_of_its_log(
    layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        lifecycle, "_server_environment", lambda: {"PYTHONPATH": "/nowhere", "PYTHONHOME": "/no"}
    )
    with pytest.raises(LocalCloudError, match=r"did not start(.|\n)*remedy: read .*cloud\.log"):
        lifecycle.ensure(quiet, layout)


def test_an_opened_account_is_acted_in_by_its_role_and_apart_from_the_others(
    shared: Layout,
) -> None:
    cloud = lifecycle.ensure(pytest.fail, shared)
    role = cloud.open_account("444455556666")
    assert role == cloud.open_account("444455556666")
    assert role == "arn:aws:iam::444455556666:role/OrganizationAccountAccessRole"
    sts = client("sts", cloud)
    assert sts.get_caller_identity()["Account"] == "123456789012"
    session = sts.assume_role(RoleArn=role, RoleSessionName="test")["Credentials"]
    assert client("sts", cloud, session).get_caller_identity()["Account"] == "444455556666"
    client("s3", cloud, session).create_bucket(Bucket="of-the-member")
    assert client("s3", cloud).list_buckets()["Buckets"] == []
    described = client("iam", cloud, session).get_role(RoleName="OrganizationAccountAccessRole")
    trust = described["Role"]["AssumeRolePolicyDocument"]["Statement"]
    assert [s["Principal"] for s in trust] == [{"AWS": "arn:aws:iam::123456789012:root"}]
    organizations = client("organizations", cloud)
    organization = organizations.describe_organization()["Organization"]
    assert organization["MasterAccountId"] == "123456789012"
    of_member = client("organizations", cloud, session).describe_organization()["Organization"]
    assert of_member["Id"] == organization["Id"]
    accounts = [one["Id"] for one in organizations.list_accounts()["Accounts"]]
    assert sorted(accounts) == ["123456789012", "444455556666"]
    trusted = organizations.list_aws_service_access_for_organization()["EnabledServicePrincipals"]
    assert [one["ServicePrincipal"] for one in trusted] == ["cloudtrail.amazonaws.com"]


def test_what_is_not_an_account_number_is_refused(shared: Layout) -> None:
    cloud = lifecycle.ensure(pytest.fail, shared)
    for wrong in ("12345", "1234567890123", "abcdefghijkl"):
        with pytest.raises(urllib.error.HTTPError):
            cloud.open_account(wrong)


def test_many_calls_at_once_are_all_answered(shared: Layout) -> None:
    cloud = lifecycle.ensure(pytest.fail, shared)
    began = time.monotonic()

    def make(number: int) -> None:
        s3, iam = client("s3", cloud), client("iam", cloud)
        for turn in range(5):
            s3.create_bucket(Bucket=f"bucket-{number}-{turn}")
            iam.create_role(
                RoleName=f"role-{number}-{turn}",
                AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": []}),
            )
            s3.list_buckets()
            iam.list_roles()

    threads = [threading.Thread(target=make, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    made = client("s3", cloud).list_buckets(Prefix="bucket-")["Buckets"]
    assert len(made) == 40
    assert time.monotonic() - began < 30
    log = (shared.cloud / "cloud.log").read_text(encoding="utf-8")
    assert "Traceback" not in log
