"""The configured connection: which account and region, and the clients that act there."""

# Property values are anything.
# ruff: noqa: ANN401

from __future__ import annotations

import json
import os
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Any, Final
from urllib.parse import urlsplit

import botocore.session
from botocore.client import BaseClient
from botocore.config import Config
from botocore.credentials import DeferredRefreshableCredentials
from botocore.exceptions import BotoCoreError, ClientError

from localcloud.aws_plugin.values import UNKNOWN, Properties

KNOWN_SETTINGS: Final = frozenset(
    {"region", "allowedAccountIds", "forbiddenAccountIds", "assumeRoles", "accessKey", "secretKey"}
    | {"token", "maxRetries", "version", "pluginDownloadURL", "s3UsePathStyle", "stsRegion"}
    | {"skipCredentialsValidation", "skipMetadataApiCheck", "skipRegionValidation"}
    | {"skipRequestingAccountId"}
)
ASSUME_ROLE_SETTINGS: Final = frozenset({"roleArn", "sessionName", "externalId", "duration"})


class ConfigurationError(Exception):
    """The provider's settings, or the place it is pointed at, cannot be used."""


def endpoint() -> str:
    """The embedded cloud's address from ``AWS_ENDPOINT_URL``.

    Raises ConfigurationError without it, or when it is not on this machine: with real credentials
    in the environment this plugin would otherwise change a real account.
    """
    url = os.environ.get("AWS_ENDPOINT_URL", "")
    host = urlsplit(url).hostname or ""
    try:
        loopback = ip_address(host).is_loopback
    except ValueError:
        loopback = host == "localhost"
    if not loopback:
        said = f"AWS_ENDPOINT_URL is {url!r}" if url else "AWS_ENDPOINT_URL is not set"
        raise ConfigurationError(
            f"this aws plugin serves the embedded cloud on this machine only, and {said}. "
            'Run `make up`, or load its environment: eval "$(.venv/bin/tenancy local env)". '
            "For a real account use the official provider plugin."
        )
    return url


def settings(raw: Mapping[str, Any]) -> Properties:
    """The provider's settings with everything but plain strings JSON-decoded, as they travel.

    Raises ConfigurationError for a setting that this plugin does not honour.
    """
    plain: Properties = {}
    for name, value in raw.items():
        if value is None or value == "" or name.startswith("__"):
            continue
        if name not in KNOWN_SETTINGS:
            raise ConfigurationError(
                f"the provider setting {name!r} is not honoured by the embedded cloud's plugin; "
                f"it knows {', '.join(sorted(KNOWN_SETTINGS))}"
            )
        if isinstance(value, str) and value[:1] in "[{tf":
            plain[name] = _parsed(value)
        else:
            plain[name] = value
    for role in _assume_roles(plain):
        if role is UNKNOWN:
            continue
        if not isinstance(role, dict) or not role.get("roleArn"):
            raise ConfigurationError("each of assumeRoles needs a roleArn")
        if unknown := set(role) - ASSUME_ROLE_SETTINGS:
            raise ConfigurationError(
                f"assumeRoles: {', '.join(sorted(unknown))} not honoured; "
                f"known are {', '.join(sorted(ASSUME_ROLE_SETTINGS))}"
            )
    return plain


def _parsed(text: str) -> Any:
    """The JSON value; the text itself where it only looks like JSON, such as a token."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def _assume_roles(plain: Mapping[str, Any]) -> list[Any]:
    roles = plain.get("assumeRoles") or []
    return roles if isinstance(roles, list) else [roles]


@dataclass
class Cloud:
    """One account in one region of the embedded cloud. Safe for use by many threads."""

    region: str
    endpoint: str
    _session: botocore.session.Session
    account: str = ""
    _clients: dict[tuple[str, str], BaseClient] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    partition: Final = "aws"

    def client(self, service: str, region: str | None = None) -> Any:
        """The client for a service; made once for each region, for making one costs 50 ms."""
        key = (service, region or self.region)
        client = self._clients.get(key)
        if client is None:
            with self._lock:
                if (client := self._clients.get(key)) is None:
                    client = self._session.create_client(
                        service, region_name=key[1], endpoint_url=self.endpoint, config=_CONFIG
                    )
                    client.meta.events.register("before-sign", self._here)
                    self._clients[key] = client
        return client

    def _here(self, request: Any, **_: Any) -> None:
        """Send the request here: S3 Control puts an account before the host, which is none then."""
        url = urlsplit(request.url)
        request.url = url._replace(netloc=urlsplit(self.endpoint).netloc).geturl()

    def arn(self, service: str, resource: str, *, region: str = "", account: str = "") -> str:
        """The ARN of a resource; some services leave out region or account."""
        return f"arn:{self.partition}:{service}:{region}:{account}:{resource}"


_CONFIG: Final = Config(
    connect_timeout=3,
    read_timeout=60,
    retries={"mode": "standard", "total_max_attempts": 3},
    max_pool_connections=20,
    tcp_keepalive=True,
    s3={"addressing_style": "path"},
    # Checksums in trailers cost a round of chunked encoding and prove nothing on loopback.
    request_checksum_calculation="when_required",
    response_checksum_validation="when_required",
)


def connect(raw: Mapping[str, Any]) -> Cloud:
    """Connect as configured and make sure of the account.

    Raises ConfigurationError when the endpoint is not local, a role cannot be assumed, or the
    account is not among ``allowedAccountIds``.
    """
    plain = settings(raw)
    url = endpoint()
    region = plain.get("region") or os.environ.get("AWS_REGION", "")
    if not region:
        raise ConfigurationError("the provider needs a region")
    session = botocore.session.Session()
    if plain.get("accessKey"):
        session.set_credentials(plain["accessKey"], plain.get("secretKey", ""), plain.get("token"))
    cloud = Cloud(region, url, session)
    try:
        for role in _assume_roles(plain):
            cloud = _assume(cloud, role)
        cloud.account = cloud.client("sts").get_caller_identity()["Account"]
    except (BotoCoreError, ClientError) as error:
        raise ConfigurationError(f"no access to the embedded cloud at {url}: {error}") from error
    allowed = plain.get("allowedAccountIds")
    if allowed and cloud.account not in allowed:
        raise ConfigurationError(
            f"AWS account ID not allowed: {cloud.account}; this provider may act in "
            f"{', '.join(allowed)} only. Check the credentials and assumeRoles."
        )
    if cloud.account in (plain.get("forbiddenAccountIds") or []):
        raise ConfigurationError(f"AWS account ID not allowed: {cloud.account} is forbidden")
    return cloud


def _assume(base: Cloud, role: Mapping[str, Any]) -> Cloud:
    """The same place seen through a role's session, renewed by itself before it ends."""
    request: dict[str, Any] = {
        "RoleArn": role["roleArn"],
        "RoleSessionName": role.get("sessionName") or "pulumi",
    }
    if role.get("externalId"):
        request["ExternalId"] = role["externalId"]

    def renew() -> dict[str, str]:
        given = base.client("sts").assume_role(**request)["Credentials"]
        return {
            "access_key": given["AccessKeyId"],
            "secret_key": given["SecretAccessKey"],
            "token": given["SessionToken"],
            "expiry_time": given["Expiration"].isoformat(),
        }

    session = botocore.session.Session()
    credentials = DeferredRefreshableCredentials(refresh_using=renew, method="assume-role")
    # botocore has no public way to give a session credentials that renew themselves.
    vars(session)["_credentials"] = credentials
    return Cloud(base.region, base.endpoint, session)
