"""S3: bucket policies that are evaluated, and lifecycle rules that keep all they were given.

moto matches a policy's actions and resources only: it ignores conditions (so the usual "deny
without TLS" denies everything), knows no NotResource, asks for a few calls only, and lets any
account into any bucket.
"""

# A wrapper has the form of what it wraps.
# ruff: noqa: ANN401, ARG001

from __future__ import annotations

import json
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qs, unquote, urlsplit

from moto.iam.access_control import PermissionResult
from moto.s3.exceptions import S3AccessDeniedError, S3ClientError
from moto.s3.models import FakeBucket
from moto.s3.responses import S3Response

from localcloud.emulator.patches.callers import Caller, caller
from localcloud.emulator.patches.evaluation import decide
from localcloud.emulator.patches.wrapping import Function, around


@dataclass(frozen=True)
class Request:
    """Who asks, and the facts that conditions are decided by."""

    who: Caller | None
    facts: dict[str, str | None]


_request: ContextVar[Request | None] = ContextVar("s3_request", default=None)

# Service Authorization Reference, "Actions, resources, and condition keys for Amazon S3", by the
# sub-resource in the query. {} is Get, Put or Delete; the first that fits decides.
_BUCKET: Final = {
    "uploads": "ListBucketMultipartUploads",
    "versions": "ListBucketVersions",
    "location": "GetBucketLocation",
    "accelerate": "{}AccelerateConfiguration",
    "acl": "{}BucketAcl",
    "cors": "{}BucketCORS",
    "encryption": "{}EncryptionConfiguration",
    "inventory": "{}InventoryConfiguration",
    "lifecycle": "{}LifecycleConfiguration",
    "logging": "{}BucketLogging",
    "notification": "{}BucketNotification",
    "object-lock": "{}BucketObjectLockConfiguration",
    "ownershipControls": "{}BucketOwnershipControls",
    "policyStatus": "{}BucketPolicyStatus",
    "policy": "{}BucketPolicy",
    "publicAccessBlock": "{}BucketPublicAccessBlock",
    "replication": "{}ReplicationConfiguration",
    "requestPayment": "{}BucketRequestPayment",
    "tagging": "{}BucketTagging",
    "versioning": "{}BucketVersioning",
    "website": "{}BucketWebsite",
}
_OBJECT: Final = {
    "acl": "{}ObjectAcl",
    "attributes": "GetObjectAttributes",
    "legal-hold": "{}ObjectLegalHold",
    "retention": "{}ObjectRetention",
    "tagging": "{}ObjectTagging",
    "restore": "RestoreObject",
}
# Deleting these needs the permission to put them; a policy and a website have one of their own.
_DELETE_OF_ITS_OWN: Final = frozenset({"policy", "website"})


def bucket_action(method: str, query: dict[str, Any]) -> str:
    """The IAM action of a call on a bucket."""
    for name, action in _BUCKET.items():
        if name in query:
            verb = {"GET": "Get", "HEAD": "Get", "DELETE": "Delete"}.get(method, "Put")
            if verb == "Delete" and name not in _DELETE_OF_ITS_OWN:
                verb = "Put"
            return "s3:" + action.format(verb)
    if method == "POST":
        return "s3:DeleteObject" if "delete" in query else "s3:PutObject"
    return "s3:" + {"PUT": "CreateBucket", "DELETE": "DeleteBucket"}.get(method, "ListBucket")


def object_action(method: str, query: dict[str, Any]) -> str:
    """The IAM action of a call on an object."""
    verb = {"GET": "Get", "HEAD": "Get", "DELETE": "Delete"}.get(method, "Put")
    for name, action in _OBJECT.items():
        if name in query:
            return "s3:" + action.format(verb)
    if "uploadId" in query and verb in ("Get", "Delete"):
        return "s3:ListMultipartUploadParts" if verb == "Get" else "s3:AbortMultipartUpload"
    return f"s3:{verb}Object" + ("Version" if "versionId" in query and verb != "Put" else "")


def _facts(response: Any, query: dict[str, Any], who: Caller | None) -> dict[str, str | None]:
    headers = {name.lower(): value for name, value in response.headers.items()}
    facts: dict[str, str | None] = {
        # The embedded cloud speaks plain HTTP on the loopback interface only, where nobody can
        # listen: that counts as secure transport. Nothing outside this machine can connect.
        "aws:securetransport": "true",
        "aws:sourceip": "127.0.0.1",
        "aws:principalarn": who.arn if who else None,
        "aws:principalaccount": who.account if who else None,
        "aws:principaltype": ("AssumedRole" if who.session != who.arn else "User")
        if who
        else "Anonymous",
        # No call here comes through an endpoint of a VPC, a service, or with a second factor.
        "aws:sourcevpc": None,
        "aws:sourcevpce": None,
        "aws:viaawsservice": "false",
        "aws:principalisawsservice": "false",
        "aws:multifactorauthpresent": None,
        "aws:requestedregion": response.region,
        "s3:signatureversion": "AWS4-HMAC-SHA256" if who else None,
    }
    for name in ("prefix", "delimiter", "max-keys"):
        facts[f"s3:{name}"] = query[name][0] if name in query else None
    facts["s3:versionid"] = query["versionId"][0] if "versionId" in query else None
    for name in (
        "x-amz-acl",
        "x-amz-copy-source",
        "x-amz-server-side-encryption",
        "x-amz-server-side-encryption-aws-kms-key-id",
        "x-amz-server-side-encryption-customer-algorithm",
        "x-amz-storage-class",
    ):
        facts[f"s3:{name}"] = headers.get(name)
    for tag, value in (who.tags if who else {}).items():
        facts[f"aws:principaltag/{tag.lower()}"] = value
    return facts


def _authorize(bucket: Any, action: str, resource: str, request: Request) -> None:
    """Raises S3AccessDeniedError when the policy denies, or the bucket belongs to another account
    and its policy does not let the caller in.
    """
    who, facts = request.who, {**request.facts, "s3:resourceaccount": bucket.account_id}
    facts["aws:resourceaccount"] = bucket.account_id
    verdict = (
        decide(json.loads(bucket.policy), action, resource, who, facts)
        if bucket.policy
        else "silent"
    )
    foreign = who is not None and who.account != bucket.account_id
    if verdict == "deny" or (foreign and verdict != "allow"):
        raise S3AccessDeniedError


def _guard(original: Function, self: Any, request: Any, full_url: str) -> Any:
    """Decide by the bucket's policy before moto does anything."""
    bucket_name = self.parse_bucket_name_from_url(request, full_url)
    bucket = self.backend.get_bucket(bucket_name) if _exists(self, bucket_name) else None
    who = caller(self.current_account, self.access_key)
    signed = "Authorization" in self.headers or "Signature=" in full_url
    # A key of nobody's is the emulator's own: who runs the cloud is above its policies.
    if bucket is None or (who is None and signed):
        return original(self, request, full_url)
    query = parse_qs(urlsplit(full_url).query, keep_blank_values=True)
    now = Request(who, _facts(self, query, who))
    arn = f"arn:aws:s3:::{bucket_name}"
    key = self.parse_key_name() if original.__name__ == "_key_response" else ""
    if key:
        _authorize(bucket, object_action(request.method, query), f"{arn}/{key}", now)
        if source := self.headers.get("x-amz-copy-source"):
            _authorize_source(self, unquote(source), now)
    elif "delete" not in query:  # that one names its objects in its body: see get_permission
        _authorize(bucket, bucket_action(request.method, query), arn, now)
    token = _request.set(now)
    try:
        return original(self, request, full_url)
    finally:
        _request.reset(token)


def _authorize_source(self: Any, source: str, now: Request) -> None:
    name, _, key = source.lstrip("/").partition("?")[0].partition("/")
    if _exists(self, name):
        bucket = self.backend.get_bucket(name)
        _authorize(bucket, "s3:GetObject", f"arn:aws:s3:::{name}/{key}", now)


def _exists(self: Any, name: str) -> bool:
    try:
        self.backend.get_bucket(name)
    except S3ClientError:
        return False
    return True


def _get_permission(original: Function, self: Any, action: str, resource: str) -> Any:
    """What moto itself asks, for one of several objects or an anonymous caller: same evaluation."""
    now = _request.get()
    if now is None or not self.policy:
        return PermissionResult.NEUTRAL
    facts = {**now.facts, "s3:resourceaccount": self.account_id}
    verdict = decide(json.loads(self.policy), action, resource, now.who, facts)
    return {
        "deny": PermissionResult.DENIED,
        "allow": PermissionResult.PERMITTED,
        "silent": PermissionResult.NEUTRAL,
    }[verdict]


def _set_lifecycle(original: Function, self: Any, rules: list[dict[str, Any]]) -> None:
    """Kept beside: moto keeps neither the sizes of a filter nor newer_noncurrent_versions."""
    original(self, rules)
    for kept, given in zip(self.rules, rules, strict=True):
        kept.as_given = given


_SIZES: Final = ("ObjectSizeGreaterThan", "ObjectSizeLessThan")


def _get_lifecycle(original: Function, self: Any) -> Any:
    """... and put back into the answer."""
    serialize = self.serialized

    def completed(answer: Any) -> Any:
        if not isinstance(answer.result, dict):  # an error
            return serialize(answer)
        kept = self.backend.get_bucket_lifecycle(self.bucket_name)
        for shown, rule in zip(answer.result["Rules"], kept, strict=True):
            given = getattr(rule, "as_given", {})
            wanted = given.get("Filter") or {}
            for size in _SIZES:
                if size in wanted:
                    shown["Filter"][size] = int(wanted[size])
                if size in (wanted.get("And") or {}):
                    shown["Filter"]["And"][size] = int(wanted["And"][size])
            expiration = given.get("NoncurrentVersionExpiration") or {}
            if "NewerNoncurrentVersions" in expiration:
                newer = int(expiration["NewerNoncurrentVersions"])
                shown["NoncurrentVersionExpiration"]["NewerNoncurrentVersions"] = newer
        return serialize(answer)

    self.serialized = completed  # of this request's object only
    return original(self)


def patch() -> None:
    """Change moto in this process."""
    around(S3Response, "_bucket_response")(_guard)
    around(S3Response, "_key_response")(_guard)
    around(FakeBucket, "get_permission")(_get_permission)
    around(FakeBucket, "set_lifecycle")(_set_lifecycle)
    around(S3Response, "get_bucket_lifecycle")(_get_lifecycle)
