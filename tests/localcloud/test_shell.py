"""No setting of the user's own AWS or Pulumi may lead a local stack out of the local cloud."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from localcloud import launchers, shell
from localcloud.errors import LocalCloudError
from localcloud.paths import Layout

ENDPOINT = "http://127.0.0.1:4999"

HOSTILE = {
    "AWS_PROFILE": "production",
    "AWS_SESSION_TOKEN": "token",
    "AWS_ENDPOINT_URL_S3": "https://s3.amazonaws.com",
    "AWS_ENDPOINT_URL_STS": "https://sts.amazonaws.com",
    "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true",
    "AWS_ROLE_ARN": "arn:aws:iam::111122223333:role/deploy",
    "AWS_WEB_IDENTITY_TOKEN_FILE": "/var/run/token",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://169.254.170.2/",
    "AWS_ACCESS_KEY_ID": "AKIAREALREALREALREAL",
    "AWS_SECRET_ACCESS_KEY": "real",
    "AWS_SOMETHING_NEW": "1",
    "HTTP_PROXY": "http://proxy.example:3128",
    "http_proxy": "http://proxy.example:3128",
    "PULUMI_STACK": "prod",
    "PULUMI_ACCESS_TOKEN": "pul-1",
    "PULUMI_IGNORE_AMBIENT_PLUGINS": "true",
}

# Prints where clients made by default would send their calls, and as whom.
CLIENTS = """
import json, boto3, botocore.httpsession, botocore.utils
session = boto3.Session()
print(json.dumps({
    "endpoints": {name: session.client(name).meta.endpoint_url
                  for name in ("s3", "sts", "iam", "kms", "glue", "lakeformation")},
    "key": session.get_credentials().access_key,
    "token": session.get_credentials().token,
    "region": session.region_name,
    "proxies": botocore.utils.get_environ_proxies("http://127.0.0.1:4999"),
}))
"""


@pytest.fixture
def user(tmp_path: Path) -> dict[str, str]:
    """The environment of a user with AWS set up in every way that clients know."""
    home = tmp_path / "home"
    (home / ".aws").mkdir(parents=True)
    (home / ".aws" / "config").write_text(
        "[default]\nregion = eu-west-1\nignore_configured_endpoint_urls = true\n"
        "[profile production]\nregion = eu-west-1\n",
        encoding="utf-8",
    )
    (home / ".aws" / "credentials").write_text(
        "[default]\naws_access_key_id = AKIAREALREALREALREAL\naws_secret_access_key = real\n",
        encoding="utf-8",
    )
    return {**HOSTILE, "HOME": str(home), "PATH": "/usr/bin:/bin"}


def clients_in(environ: dict[str, str]) -> dict[str, object]:
    answer = subprocess.run(
        [sys.executable, "-c", CLIENTS], env=environ, capture_output=True, text=True, check=True
    )
    found: dict[str, object] = json.loads(answer.stdout)
    return found


def assert_local(found: dict[str, object]) -> None:
    assert found["endpoints"] == dict.fromkeys(
        ("s3", "sts", "iam", "kms", "glue", "lakeformation"), ENDPOINT
    )
    assert found["key"] == shell.ACCESS_KEY_ID
    assert found["token"] is None
    assert found["region"] == "us-east-1"
    assert found["proxies"] == {}


def test_clients_in_an_entered_environment_reach_only_the_local_cloud(
    user: dict[str, str], tmp_path: Path
) -> None:
    with pytest.raises(AssertionError):
        assert_local(clients_in(user))
    shell.enter(tmp_path, ENDPOINT, user)
    assert_local(clients_in(user))
    assert "PULUMI_STACK" not in user
    assert "PULUMI_ACCESS_TOKEN" not in user
    assert "PULUMI_IGNORE_AMBIENT_PLUGINS" not in user


def test_the_exports_do_the_same_to_a_shell(user: dict[str, str], tmp_path: Path) -> None:
    root = tmp_path / "a folder; with 'quotes' $(and more)"
    script = shell.render_exports(shell.shell_environment(root, ENDPOINT, user), user)
    answer = subprocess.run(
        ["/bin/sh", "-euc", f'eval "$1"; exec "{sys.executable}" -c "$2"', "sh", script, CLIENTS],
        env=user,
        capture_output=True,
        text=True,
        check=True,
    )
    assert_local(json.loads(answer.stdout))
    path = subprocess.run(
        ["/bin/sh", "-euc", 'eval "$1"; echo "$PATH"', "sh", script],
        env=user,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert path == f"{root}/.local/bin:/usr/bin:/bin\n"


def test_exports_clear_the_profile_even_of_another_shell(tmp_path: Path) -> None:
    script = shell.render_exports(shell.shell_environment(tmp_path, ENDPOINT, {}), {})
    assert {"unset AWS_PROFILE", "unset AWS_SESSION_TOKEN"} <= set(script.splitlines())


def test_entering_twice_changes_nothing(user: dict[str, str], tmp_path: Path) -> None:
    shell.enter(tmp_path, ENDPOINT, user)
    once = dict(user)
    shell.enter(tmp_path, ENDPOINT, user)
    assert user == once


def test_without_a_cloud_ever_started_it_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(LocalCloudError, match="remedy: run `make up` first"):
        shell.shell_environment(tmp_path)


def test_the_official_plugin_may_be_downloaded_when_it_is_asked_for(tmp_path: Path) -> None:
    switch = "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION"
    assert switch in shell.shell_environment(tmp_path, ENDPOINT, {})
    official = {launchers.OFFICIAL_AWS_PLUGIN: "1"}
    assert switch not in shell.shell_environment(tmp_path, ENDPOINT, official)


class TestLaunchers:
    """The scripts in `.local/bin`; official plugins come first and are never touched."""

    def test_both_are_written_and_the_second_time_changes_nothing(self, tmp_path: Path) -> None:
        layout = Layout(tmp_path)
        engine = layout.bin / "pulumi"
        launchers.install_launchers(engine, layout, {})
        names = ("pulumi-language-python", "pulumi-resource-aws")
        before = {name: (layout.bin / name).stat().st_mtime_ns for name in names}
        assert all(os.access(layout.bin / name, os.X_OK) for name in names)
        launchers.install_launchers(engine, layout, {})
        assert before == {name: (layout.bin / name).stat().st_mtime_ns for name in names}

    def test_ours_gives_way_to_an_official_host(self, tmp_path: Path) -> None:
        layout = Layout(tmp_path / "project")
        ours = layout.bin / "pulumi-language-python"
        official = tmp_path / "pulumi" / "pulumi-language-python"
        official.parent.mkdir()
        launchers.install_launchers(layout.bin / "pulumi", layout, {})
        assert ours.exists()
        official.write_text("official", encoding="utf-8")
        official.chmod(0o755)
        launchers.install_launchers(official.with_name("pulumi"), layout, {})
        assert not ours.exists()
        path = {"PATH": f"{layout.bin}:{official.parent}"}
        launchers.install_launchers(layout.bin / "pulumi", layout, path)
        assert not ours.exists()

    def test_an_official_host_in_our_folder_stays(self, tmp_path: Path) -> None:
        layout = Layout(tmp_path).make()
        official = layout.bin / "pulumi-language-python"
        official.write_bytes(b"\x7fELF official")
        launchers.install_launchers(layout.bin / "pulumi", layout, {"PATH": str(layout.bin)})
        assert official.read_bytes() == b"\x7fELF official"

    def test_the_provider_gives_way_when_the_official_one_is_asked_for(
        self, tmp_path: Path
    ) -> None:
        layout = Layout(tmp_path)
        ours = layout.bin / "pulumi-resource-aws"
        launchers.install_launchers(layout.bin / "pulumi", layout, {})
        assert ours.exists()
        official = {launchers.OFFICIAL_AWS_PLUGIN: "1"}
        launchers.install_launchers(layout.bin / "pulumi", layout, official)
        assert not ours.exists()
