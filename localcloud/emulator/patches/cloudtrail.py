"""CloudTrail: trails that may write where they are told to, and are there once.

moto makes a trail of a name that is taken, any number of them, for any organization, into a bucket,
with a key and to a log group whose policies do not let CloudTrail in; it deletes by name only, what
is not there too, and keeps the tags for a successor.

Sources: CloudTrail API Reference, CreateTrail (its errors) and PutEventSelectors; CloudTrail User
Guide, "Amazon S3 bucket policy for CloudTrail", "Configure AWS KMS key policies for CloudTrail" and
"Role policy document for CloudTrail to use CloudWatch Logs for monitoring". That an organization's
trail is tried on the prefix of the account too: github.com/natsukium/dotfiles/pull/715.
"""

# A wrapper has the form of what it wraps.
# ruff: noqa: ANN401, ARG001

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any, Final

from moto.cloudtrail.models import CloudTrailBackend
from moto.core.exceptions import JsonRESTError
from moto.kms.models import kms_backends
from moto.logs.models import logs_backends
from moto.organizations.models import organizations_backends
from moto.s3.models import s3_backends

from localcloud.emulator.patches import services
from localcloud.emulator.patches.callers import PARTITION, role_by_arn
from localcloud.emulator.patches.evaluation import Facts, decide
from localcloud.emulator.patches.wrapping import Function, around

TRAILS: Final = 5  # in a region; CloudTrail User Guide, "Quotas in AWS CloudTrail"
VALUES: Final = 500  # in a trail's advanced event selectors; the same page
SERVICE: Final = "cloudtrail.amazonaws.com"
_CLOUDTRAIL: Final = services.service(SERVICE)
_WRITE_LOGS: Final = ("logs:CreateLogStream", "logs:PutLogEvents")


def _error(code: str, message: str) -> JsonRESTError:
    return JsonRESTError(code, message)


def _create_trail(original: Function, self: Any, name: str, *args: Any) -> Any:
    if name in self.trails:
        raise _error(
            "TrailAlreadyExistsException",
            f"Trail {name} already exists for customer: {self.account_id}",
        )
    if len(list(self.describe_trails(include_shadow_trails=True))) >= TRAILS:
        raise _error(
            "MaximumNumberOfTrailsExceededException",
            f"User: {self.account_id} already has {TRAILS} trails in {self.region_name}.",
        )
    trail = original(self, name, *args)
    try:
        _require(trail)
    except JsonRESTError:
        _forget(self, trail)
        raise
    return trail


def _update_trail(original: Function, self: Any, name: str, **changes: Any) -> Any:
    trail = self.get_trail(name)
    before = dict(vars(trail))
    original(self, name=name, **changes)
    try:
        trail.check_bucket_exists()
        _require(trail)
    except JsonRESTError:
        vars(trail).update(before)
        raise
    return trail


def _delete_trail(original: Function, self: Any, name: str) -> None:
    _forget(self, self.get_trail(name))


def _forget(self: Any, trail: Any) -> None:
    del self.trails[trail.trail_name]
    self.tagging_service.delete_all_tags_for_resource(trail.arn)


def _require(trail: Any) -> None:
    """Raise what AWS answers when CloudTrail cannot do what the trail asks for."""
    owners = [trail.account_id]
    if trail.is_org_trail:
        owners.append(_organization(trail.account_id))
    _require_bucket(trail, owners)
    if trail.kms_key_id:
        _require_key(trail)
    if trail.cw_log_group_arn or trail.cw_role_arn:
        _require_logs(trail, owners)


def _organization(account: str) -> str:
    """The id of the organization that the account manages."""
    backend = organizations_backends[account][PARTITION]
    if backend.org is None and account in organizations_backends.master_accounts:
        raise _error(
            "NotOrganizationMasterAccountException",
            "The account is not the organization's management account.",
        )
    if backend.org is None:
        raise _error(
            "OrganizationsNotInUseException", f"The account {account} is in no organization."
        )
    if backend.org.feature_set != "ALL":
        raise _error(
            "OrganizationNotInAllFeaturesModeException",
            "AWS Organizations does not have all features enabled.",
        )
    if SERVICE not in [one["ServicePrincipal"] for one in backend.services]:
        raise _error(
            "CloudTrailAccessNotEnabledException",
            "Trusted access between AWS CloudTrail and AWS Organizations has not been enabled.",
        )
    return str(backend.org.id)


def _facts(trail: Any, **more: str | None) -> Facts:
    """What is known of a call of CloudTrail's own, for the trail."""
    return services.facts(SERVICE, trail.arn, trail.account_id, **more)


def _require_bucket(trail: Any, owners: Iterable[str]) -> None:
    backend = s3_backends[trail.account_id][PARTITION]
    policy = json.loads(backend.get_bucket(trail.bucket_name).policy or "{}")
    bucket = f"arn:{PARTITION}:s3:::{trail.bucket_name}"
    prefix = f"{trail.s3_key_prefix}/" if trail.s3_key_prefix else ""
    file = f"CloudTrail/{trail.region_name}/a.json.gz"
    written = {
        "s3:x-amz-acl": "bucket-owner-full-control",
        "s3:x-amz-server-side-encryption": "aws:kms" if trail.kms_key_id else "AES256",
        "s3:x-amz-server-side-encryption-aws-kms-key-id": trail.kms_key_id or None,
    }
    asked = [
        ("s3:GetBucketAcl", bucket, _facts(trail, **dict.fromkeys(written))),
        *(
            ("s3:PutObject", f"{bucket}/{prefix}AWSLogs/{owner}/{file}", _facts(trail, **written))
            for owner in owners
        ),
    ]
    for action, resource, facts in asked:
        if decide(policy, action, resource, _CLOUDTRAIL, facts) != "allow":
            raise _error(
                "InsufficientS3BucketPolicyException",
                f"Incorrect S3 bucket policy is detected for bucket: {trail.bucket_name}",
            )


def _require_key(trail: Any) -> None:
    name, region, account = trail.kms_key_id, trail.region_name, trail.account_id
    if name.startswith("arn:"):
        _, _, _, region, account, name = name.split(":", 5)
    backend = kms_backends[account][region]
    identifier = (
        backend.get_key_id_from_alias(name)
        if name.startswith("alias/")
        else name.removeprefix("key/")
    )
    key = backend.keys.get(identifier or "")
    if key is None:
        raise _error("KmsKeyNotFoundException", f"The KMS key {trail.kms_key_id} does not exist")
    if key.key_state != "Enabled":
        raise _error("KmsKeyDisabledException", f"The KMS key {trail.kms_key_id} is not enabled")
    facts = _facts(trail, **{"kms:encryptioncontext:aws:cloudtrail:arn": trail.arn})
    verdict = decide(json.loads(key.policy), "kms:GenerateDataKey", key.arn, _CLOUDTRAIL, facts)
    if verdict != "allow":
        raise _error(
            "InsufficientEncryptionPolicyException",
            f"Insufficient permissions to access S3 bucket {trail.bucket_name} or KMS key "
            f"{trail.kms_key_id}.",
        )


def _require_logs(trail: Any, owners: Iterable[str]) -> None:
    place = f"arn:{PARTITION}:logs:{trail.region_name}:{trail.account_id}:log-group:"
    arn, groups = trail.cw_log_group_arn or "", logs_backends[trail.account_id][trail.region_name]
    group = re.fullmatch(re.escape(place) + r"([^:*]+):\*", arn)
    if group is None or group[1] not in groups.groups:
        raise _error(
            "InvalidCloudWatchLogsLogGroupArnException",
            "CloudTrail cannot validate the specified log group ARN.",
        )
    streams = [
        f"{place}{group[1]}:log-stream:{owner}_CloudTrail_{trail.region_name}" for owner in owners
    ]
    role = role_by_arn(trail.cw_role_arn or "")
    if (
        role is None
        or not services.trusts(role, SERVICE, trail.arn, trail.account_id)
        or not all(
            services.may(role, action, stream, {}) for action in _WRITE_LOGS for stream in streams
        )
    ):
        raise _error(
            "InvalidCloudWatchLogsRoleArnException",
            "Access denied. Verify in IAM that the role has adequate permissions.",
        )


_OPERATORS: Final = (
    *("Equals", "StartsWith", "EndsWith", "NotEquals", "NotStartsWith", "NotEndsWith"),
)
_FIELDS: Final = {
    "Management": {"eventCategory", "eventSource", "readOnly", "sessionCredentialFromConsole"},
    "Data": {
        *("eventCategory", "eventName", "eventSource", "eventType", "readOnly", "resources.ARN"),
        *("resources.type", "sessionCredentialFromConsole", "userIdentity.arn"),
    },
    "NetworkActivity": {
        *("eventCategory", "eventName", "eventSource", "errorCode", "vpcEndpointId"),
    },
}
_EQUALS_ONLY: Final = {"eventCategory", "readOnly", "resources.type"}


def _put_event_selectors(
    original: Function,
    self: Any,
    trail_name: str,
    event_selectors: list[dict[str, Any]] | None,
    advanced_event_selectors: list[dict[str, Any]] | None,
) -> Any:
    if bool(event_selectors) == bool(advanced_event_selectors):
        raise _invalid("give event selectors or advanced event selectors, one of them")
    size = 0
    for selector in advanced_event_selectors or []:
        size += _check_selector(selector)
    if size > VALUES:
        raise _invalid(f"{size} values, more than the {VALUES} that a trail takes")
    trail = self.get_trail(trail_name)
    trail.event_selectors = event_selectors or []
    trail.advanced_event_selectors = advanced_event_selectors or []
    return trail.arn, event_selectors, advanced_event_selectors


def _check_selector(selector: dict[str, Any]) -> int:
    """How many values the selector has. Raises what AWS answers when it takes none such."""
    name, fields = selector.get("Name", ""), selector["FieldSelectors"]
    by_name = {one["Field"]: one for one in fields}
    if len(by_name) != len(fields):
        raise _invalid(f"{name}: a field stands there twice")
    category = by_name.get("eventCategory", {}).get("Equals", [])
    if len(category) != 1 or category[0] not in _FIELDS:
        raise _invalid(f"{name}: eventCategory must equal one of {', '.join(_FIELDS)}")
    if unknown := set(by_name) - _FIELDS[category[0]]:
        told = f"{category[0]} events are not selected by {', '.join(sorted(unknown))}"
        raise _invalid(f"{name}: {told}")
    if category == ["Data"] and len(by_name.get("resources.type", {}).get("Equals", [])) != 1:
        raise _invalid(f"{name}: data events need one resources.type")
    size = 0
    for field, one in by_name.items():
        given = {operator for operator in _OPERATORS if one.get(operator)}
        if not given or (field in _EQUALS_ONLY and given != {"Equals"}):
            raise _invalid(f"{name}: {field} cannot be selected so")
        size += sum(len(one[operator]) for operator in given)
    return size


def _invalid(message: str) -> JsonRESTError:
    return _error("InvalidEventSelectorsException", f"Invalid event selectors: {message}")


def patch() -> None:
    """Change moto in this process."""
    around(CloudTrailBackend, "create_trail")(_create_trail)
    around(CloudTrailBackend, "update_trail")(_update_trail)
    around(CloudTrailBackend, "delete_trail")(_delete_trail)
    around(CloudTrailBackend, "put_event_selectors")(_put_event_selectors)
