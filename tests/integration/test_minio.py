"""The S3 server: ready, apart, enforcing, and the same again after it was stopped."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from minio.error import MinioAdminException

from localcloud.errors import LocalCloudError
from localcloud.servers import minio
from localcloud.servers.minio import Keys, MinioServer, minio_server, start_minio

pytestmark = pytest.mark.xdist_group("minio")
READS_OWN = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::lake/acme/*"}
    ],
}


def client(server: MinioServer, keys: Keys) -> Any:
    return boto3.client(
        "s3",
        endpoint_url=server.endpoint,
        region_name="us-east-1",
        aws_access_key_id=keys.access_key,
        aws_secret_access_key=keys.secret_key,
        config=Config(retries={"total_max_attempts": 1}),
    )


def test_it_enforces_a_users_policy_and_keeps_its_data(tmp_path: Path) -> None:
    with minio_server(tmp_path / "s3") as server:
        root = client(server, server.root)
        root.create_bucket(Bucket="lake")
        for key in ("acme/1", "acme-evil/1"):
            root.put_object(Bucket="lake", Key=key, Body=key.encode())
        acme = server.add_user("acme", READS_OWN)
    assert server.process.process() is None
    with minio_server(tmp_path / "s3") as again:
        assert again.root == server.root
        reader = client(again, acme)
        assert reader.get_object(Bucket="lake", Key="acme/1")["Body"].read() == b"acme/1"
        with pytest.raises(ClientError, match="AccessDenied"):
            reader.get_object(Bucket="lake", Key="acme-evil/1")
        changed = again.add_user(
            "acme",
            {
                **READS_OWN,
                "Statement": [
                    {"Effect": "Allow", "Action": "s3:*", "Resource": "arn:aws:s3:::other/*"}
                ],
            },
        )
        with pytest.raises(ClientError, match="AccessDenied"):
            client(again, changed).get_object(Bucket="lake", Key="acme/1")
        with pytest.raises(ClientError, match="SignatureDoesNotMatch"):
            client(again, acme).get_object(Bucket="lake", Key="acme/1")
        with pytest.raises(MinioAdminException, match="unsupported action"):
            again.add_user(
                "other",
                {
                    "Version": "2012-10-17",
                    "Statement": [{"Effect": "Allow", "Action": "glue:GetTable", "Resource": "*"}],
                },
            )


def test_it_has_a_session_of_its_own_and_hides_its_keys(tmp_path: Path) -> None:
    server = start_minio(tmp_path / "s3")
    try:
        pid = server.process.pid
        assert os.getsid(pid) == pid
        assert server.root.secret_key not in server.log.read_text()
        assert server.root.secret_key not in repr(server)
        assert (tmp_path / "s3" / "root.secret").stat().st_mode & 0o077 == 0
    finally:
        server.stop()
    assert server.process.process() is None


def test_a_server_that_does_not_start_leaves_no_process_and_says_where_to_look(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(minio, "_ROOT", "x")  # shorter than what it takes
    with pytest.raises(LocalCloudError, match=r"read its log, .*minio\.log"):
        start_minio(tmp_path)
    assert "FATAL" in (tmp_path / "minio.log").read_text()
