"""Resource policies of the audit bucket, its key, topics and queues: of constant size.

Nobody changes what was recorded: CloudTrail and the router append, others read at most. Tenants
are told apart by the role tag ``tenant``, as in ``fences``.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from tenancy.audit import router_arn
from tenancy.fences import (
    CRYPTOGRAPHY,
    KEY_CONTROL,
    TENANT_TAG,
    deny,
    iam_decides,
    platform_principals,
    without_tls,
)
from tenancy.grants import Conditions, Statement, merged
from tenancy.names import Names
from tenancy.settings import RECORDS

_TRAIL_FILES = "AWSLogs/"
_READING = ("s3:GetObject", "s3:GetObjectVersion", "s3:GetObjectRetention")
_APPENDING = ("s3:PutObject", "s3:PutObjectRetention")
_LISTING = ("s3:ListBucket", "s3:ListBucketVersions")
_ERASING = ("s3:DeleteObject", "s3:DeleteObjectVersion", "s3:BypassGovernanceRetention")
_OWN = f"{RECORDS}${{{TENANT_TAG}}}/"

_NO_SERVICE: Conditions = {"BoolIfExists": {"aws:PrincipalIsAWSService": "false"}}
"""True for all but AWS's own services, which have no ``aws:PrincipalArn`` (IAM User Guide, "AWS
global condition context keys"): of them a policy's Allow names those that may."""


@dataclass(frozen=True)
class AuditFence:
    """The fence around the audit bucket of ``owner``: the platform, or a hard tenant.

    ``deployers`` run the program: they alone configure the bucket, and even they write no object.
    """

    names: Names
    owner: str
    deployers: tuple[str, ...]

    @property
    def bucket(self) -> str:
        """The bucket's name."""
        return self.names.audit_bucket(self.owner)

    def bucket_statements(self) -> tuple[Statement, ...]:
        """The bucket policy. CloudTrail's part: its User Guide, "S3 bucket policy"."""
        names = self.names
        bucket, everything = names.bucket_arn(self.bucket), names.objects_arn(self.bucket)
        return (
            self._trail("TrailLooks", ("s3:GetBucketAcl",), bucket, {}),
            self._trail(
                "TrailAppends",
                ("s3:PutObject",),
                names.objects_arn(self.bucket, _TRAIL_FILES),
                {"StringEquals": {"s3:x-amz-acl": "bucket-owner-full-control"}},
            ),
            without_tls("s3:*", (bucket, everything)),
            deny("DenyErasing", {}, _ERASING, (everything,)),
            deny("DenyWriting", self._but_router, not_actions=_READING, resources=(everything,)),
            deny(
                "DenyRouterElse",
                self._router,
                not_actions=_APPENDING,
                resources=(bucket, everything),
            ),
            deny(
                "DenyRouterElsewhere",
                self._router,
                ("s3:*",),
                not_resources=(names.objects_arn(self.bucket, RECORDS),),
            ),
            deny(
                "DenyStrangers",
                merged(self._outsiders, {"Null": {TENANT_TAG: "true"}}),
                ("s3:*",),
                (bucket, everything),
            ),
            deny(
                "DenyForeignRecords",
                self._outsiders,
                ("s3:*",),
                not_resources=(bucket, names.objects_arn(self.bucket, _OWN)),
            ),
            deny(
                "DenyForeignListing",
                merged(self._outsiders, {"StringNotLike": {"s3:prefix": f"{_OWN}*"}}),
                _LISTING,
                (bucket,),
            ),
            deny(
                "DenyBucketControl",
                _but(self.deployers),
                not_actions=(*_LISTING, "s3:GetBucketLocation"),
                resources=(bucket,),
            ),
        )

    def key_statements(self) -> tuple[Statement, ...]:
        """The key policy: IAM decides within the denials; the trail and alarms encrypt with it."""
        names = self.names
        own_records = names.objects_arn(self.bucket, _OWN)
        return (
            iam_decides(names),
            self._trail("TrailEncrypts", ("kms:GenerateDataKey*", "kms:DescribeKey"), "*", {}),
            _alarms_may(names, ("kms:Decrypt", "kms:GenerateDataKey*"), "*"),
            deny(
                "DenyStrangers",
                merged(self._outsiders, {"Null": {TENANT_TAG: "true"}}),
                CRYPTOGRAPHY,
                ("*",),
            ),
            deny(
                "DenyForeignContext",
                merged(
                    self._outsiders,
                    {"StringNotLike": {"kms:EncryptionContext:aws:s3:arn": own_records}},
                ),
                CRYPTOGRAPHY,
                ("*",),
            ),
            deny(
                "DenyControl",
                _but(self.deployers),
                KEY_CONTROL,
                ("*",),
            ),
        )

    def _trail(
        self, sid: str, actions: tuple[str, ...], resource: str, conditions: Conditions
    ) -> Statement:
        source: Conditions = {"StringEquals": {"aws:SourceArn": self.names.trail_arn(self.owner)}}
        return Statement(
            sid,
            "Allow",
            actions,
            (resource,),
            merged(source, conditions),
            {"Service": ("cloudtrail.amazonaws.com",)},
        )

    @property
    def _router(self) -> Conditions:
        return {"ArnEquals": {"aws:PrincipalArn": router_arn(self.names, self.owner)}}

    @property
    def _but_router(self) -> Conditions:
        return _but((router_arn(self.names, self.owner),))

    @property
    def _outsiders(self) -> Conditions:
        """True for a caller who is neither the platform, the deployer, the router nor a service."""
        platform = platform_principals(self.names, self.deployers)
        return _but((*platform, router_arn(self.names, self.owner)))


def topic_statements(
    names: Names, owner: str, topic_arn: str, *, alarms: bool
) -> tuple[Statement, ...]:
    """The policy of a topic that the router publishes to and, if ``alarms``, CloudWatch does."""
    fence = (
        without_tls("sns:Publish", (topic_arn,)),
        deny(
            "DenyOtherPublishers", _but((router_arn(names, owner),)), ("sns:Publish",), (topic_arn,)
        ),
    )
    return (_alarms_may(names, ("sns:Publish",), topic_arn), *fence) if alarms else fence


def queue_statements(
    names: Names, owner: str, queue_arn: str, readers: Sequence[str]
) -> tuple[Statement, ...]:
    """The policy of a queue that the router of ``owner`` fills; ``readers`` as ARNs or patterns."""
    return (
        without_tls("sqs:*", (queue_arn,)),
        deny(
            "DenyOtherSenders",
            _but((router_arn(names, owner),)),
            ("sqs:SendMessage",),
            (queue_arn,),
        ),
        deny(
            "DenyOtherReaders",
            _but(tuple(readers)),
            ("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:PurgeQueue"),
            (queue_arn,),
        ),
    )


def _alarms_may(names: Names, actions: tuple[str, ...], resource: str) -> Statement:
    return Statement(
        "AlarmsPublish",
        "Allow",
        actions,
        (resource,),
        {
            "StringEquals": {"aws:SourceAccount": names.account_id},
            "ArnLike": {"aws:SourceArn": names.any_alarm_arn},
        },
        {"Service": ("cloudwatch.amazonaws.com",)},
    )


def _but(principals: tuple[str, ...]) -> Conditions:
    return merged(_NO_SERVICE, {"ArnNotLike": {"aws:PrincipalArn": principals}})
