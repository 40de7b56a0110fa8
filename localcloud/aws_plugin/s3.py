"""Amazon S3: a bucket, the settings that hang on it one by one, and an object in it."""

# A class is its table, `resource` documents the methods.
# ruff: noqa: ANN401, D101, D102, S105

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from botocore.exceptions import ClientError

from localcloud.aws_plugin import documents
from localcloud.aws_plugin.cloud import Cloud
from localcloud.aws_plugin.registry import register
from localcloud.aws_plugin.resource import (
    TAGS,
    ApiResource,
    Property,
    Resource,
    ResourceError,
    code,
    declare,
    is_absent,
    tag_map,
)
from localcloud.aws_plugin.values import Properties, has_unknown

BUCKET = Property(required=True, replace=True)
PUBLIC_ACCESS = declare(
    blockPublicAcls=Property(default=False),
    blockPublicPolicy=Property(default=False),
    ignorePublicAcls=Property(default=False),
    restrictPublicBuckets=Property(default=False),
)


@register
class Bucket(Resource):
    """The bucket itself. Its older inline settings (versioning, policy, ...) are types of their
    own here, as the official provider recommends.
    """

    token = "aws:s3/bucket:Bucket"
    service = "s3"
    id_format = "{bucket}"
    properties = declare(
        bucket=BUCKET,
        forceDestroy=Property(default=False, write_only=True),
        # A BucketObjectLockConfiguration turns it on too.
        objectLockEnabled=Property(computed=True, replace=True),
        tags=TAGS,
    )
    outputs = ("arn", "bucketDomainName", "bucketRegionalDomainName", "bucketRegion")

    def predict(self, cloud: Cloud, inputs: Properties) -> Properties:
        bucket, region = inputs["bucket"], inputs.get("region") or cloud.region
        return {
            "arn": cloud.arn("s3", "", region="") + bucket,
            "bucketDomainName": f"{bucket}.s3.amazonaws.com",
            "bucketRegionalDomainName": f"{bucket}.s3.{region}.amazonaws.com",
            "bucketRegion": region,
        }

    def make(self, cloud: Cloud, urn: str, inputs: Properties) -> str:
        s3, bucket = self.client(cloud, inputs), str(inputs["bucket"])
        region = inputs.get("region") or cloud.region
        # Looked for first: in us-east-1 making one's own bucket again succeeds, whoever made it.
        if self._exists(s3, bucket):
            if not self._own(s3, bucket):
                raise ResourceError(f"the bucket {bucket} exists in another account")
            self.adopt(cloud, bucket, inputs, untagged=True)
            return bucket
        request: dict[str, Any] = {"Bucket": bucket}
        if region != "us-east-1":
            request["CreateBucketConfiguration"] = {"LocationConstraint": region}
        if inputs.get("objectLockEnabled"):
            request["ObjectLockEnabledForBucket"] = True
        s3.create_bucket(**request)
        self._tag(s3, bucket, inputs)
        return bucket

    @staticmethod
    def _exists(s3: Any, bucket: str) -> bool:
        try:
            s3.head_bucket(Bucket=bucket)
        except ClientError as error:
            if is_absent(error):
                return False
            if code(error) != "403":
                raise
        return True

    @staticmethod
    def _own(s3: Any, bucket: str) -> bool:
        listed = s3.list_buckets(Prefix=bucket)["Buckets"]
        return any(one["Name"] == bucket for one in listed)

    @staticmethod
    def _tag(s3: Any, bucket: str, inputs: Properties) -> None:
        tags = [{"Key": key, "Value": value} for key, value in (inputs.get("tags") or {}).items()]
        if tags:
            s3.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": tags})
        else:
            s3.delete_bucket_tagging(Bucket=bucket)

    def read(self, cloud: Cloud, identifier: str, known: Properties) -> Properties | None:
        s3 = self.client(cloud, known)
        if not self._exists(s3, identifier):
            return None
        live = {"bucket": identifier, **self.predict(cloud, {**known, "bucket": identifier})}
        try:
            live["tags"] = tag_map(s3.get_bucket_tagging(Bucket=identifier)["TagSet"])
        except ClientError as error:
            if not is_absent(error):
                raise
        try:
            lock = s3.get_object_lock_configuration(Bucket=identifier)["ObjectLockConfiguration"]
            live["objectLockEnabled"] = lock.get("ObjectLockEnabled") == "Enabled"
        except ClientError as error:
            if not is_absent(error):
                raise
        return live

    def change(
        self, cloud: Cloud, identifier: str, state: Properties, inputs: Properties, what: set[str]
    ) -> None:
        if "tags" in what:
            self._tag(self.client(cloud, inputs), identifier, inputs)

    def remove(self, cloud: Cloud, identifier: str, state: Properties) -> None:
        s3 = self.client(cloud, state)
        try:
            if state.get("forceDestroy"):
                self._empty(s3, identifier)
            s3.delete_bucket(Bucket=identifier)
        except ClientError as error:
            if code(error) == "BucketNotEmpty":
                raise ResourceError(
                    f"the bucket {identifier} holds objects; nothing was deleted. Empty it, or "
                    "set forceDestroy and apply that first"
                ) from None
            if not is_absent(error):
                raise

    @staticmethod
    def _empty(s3: Any, bucket: str) -> None:
        for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket):
            keys = [
                {"Key": item["Key"], "VersionId": item["VersionId"]}
                for item in page.get("Versions", []) + page.get("DeleteMarkers", [])
            ]
            if keys:
                s3.delete_objects(Bucket=bucket, Delete={"Objects": keys, "Quiet": True})


class BucketSetting(ApiResource):
    """A setting that is put on a bucket as a whole: putting it again is harmless."""

    service = "s3"
    id_format = "{bucket}"


@register
class BucketVersioning(BucketSetting):
    token = "aws:s3/bucketVersioning:BucketVersioning"
    properties = declare(bucket=BUCKET, versioningConfiguration=Property(required=True))
    create_call = update_call = "put_bucket_versioning"
    read_call = "get_bucket_versioning"
    read_path = (
        "Status && {VersioningConfiguration: {Status: Status, MFADelete: MFADelete}} || `null`"
    )

    def remove(self, cloud: Cloud, identifier: str, state: Properties) -> None:
        """Versioning cannot be taken away once on, only suspended, and under a lock not even so."""
        try:
            self.client(cloud, state).put_bucket_versioning(
                Bucket=identifier, VersioningConfiguration={"Status": "Suspended"}
            )
        except ClientError as error:
            if not is_absent(error) and code(error) != "InvalidBucketState":
                raise


@register
class BucketObjectLockConfiguration(BucketSetting):
    """How long new objects are locked. The lock itself cannot be turned off, only its rule goes."""

    token = "aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration"
    properties = declare(
        bucket=BUCKET,
        objectLockEnabled=Property(default="Enabled", replace=True, choices=("Enabled",)),
        rule=Property(),
    )
    inside = "ObjectLockConfiguration"
    create_call = update_call = "put_object_lock_configuration"
    read_call = "get_object_lock_configuration"
    read_path = "ObjectLockConfiguration"

    def validate(self, inputs: Properties) -> list[tuple[str, str]]:
        rule = inputs.get("rule") or {}
        if has_unknown(rule):
            return []
        retention = rule.get("defaultRetention") or {}
        wrong = []
        if inputs.get("rule") and retention.get("mode") not in ("COMPLIANCE", "GOVERNANCE"):
            wrong.append(("rule", "defaultRetention.mode must be COMPLIANCE or GOVERNANCE"))
        if inputs.get("rule") and bool(retention.get("days")) == bool(retention.get("years")):
            wrong.append(("rule", "defaultRetention needs days or years, one of them"))
        return wrong

    def complete(self, cloud: Cloud, inputs: Properties) -> Properties:
        return {"objectLockEnabled": "Enabled", **inputs}

    def remove(self, cloud: Cloud, identifier: str, state: Properties) -> None:
        try:
            self.call(cloud, self.create_call, self.complete(cloud, self.key(identifier, state)))
        except ClientError as error:
            if not is_absent(error):
                raise


class _PublicAccessBlock(ApiResource):
    """Four switches, of a bucket or of an account: both APIs call them alike."""

    inside = "PublicAccessBlockConfiguration"
    create_call = update_call = "put_public_access_block"
    read_call = "get_public_access_block"
    read_path = "PublicAccessBlockConfiguration"
    delete_call = "delete_public_access_block"


@register
class BucketPublicAccessBlock(_PublicAccessBlock, BucketSetting):
    token = "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock"
    properties = declare(bucket=BUCKET, **PUBLIC_ACCESS)


@register
class AccountPublicAccessBlock(_PublicAccessBlock):
    """The same for a whole account, whatever its buckets say. It is in every region."""

    token = "aws:s3/accountPublicAccessBlock:AccountPublicAccessBlock"
    service = "s3control"
    id_format = "{accountId}"
    properties = declare(accountId=Property(computed=True, replace=True), **PUBLIC_ACCESS)

    def complete(self, cloud: Cloud, inputs: Properties) -> Properties:
        return {"accountId": cloud.account, **inputs}


@register
class BucketOwnershipControls(BucketSetting):
    token = "aws:s3/bucketOwnershipControls:BucketOwnershipControls"
    properties = declare(bucket=BUCKET, rule=Property(required=True))
    inside = "OwnershipControls"
    create_call = update_call = "put_bucket_ownership_controls"
    read_call = "get_bucket_ownership_controls"
    read_path = "OwnershipControls"
    delete_call = "delete_bucket_ownership_controls"


@register
class BucketServerSideEncryptionConfiguration(BucketSetting):
    token = "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration"
    properties = declare(bucket=BUCKET, rules=Property(required=True))
    inside = "ServerSideEncryptionConfiguration"
    create_call = update_call = "put_bucket_encryption"
    read_call = "get_bucket_encryption"
    read_path = "ServerSideEncryptionConfiguration"
    delete_call = "delete_bucket_encryption"


@register
class BucketLifecycleConfiguration(BucketSetting):
    token = "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration"
    properties = declare(
        bucket=BUCKET,
        rules=Property(required=True),
        transitionDefaultMinimumObjectSize=Property(computed=True),
    )
    inside = "LifecycleConfiguration"
    create_call = update_call = "put_bucket_lifecycle_configuration"
    read_call = "get_bucket_lifecycle_configuration"
    delete_call = "delete_bucket_lifecycle"


@register
class BucketPolicy(BucketSetting):
    token = "aws:s3/bucketPolicy:BucketPolicy"
    properties = declare(
        bucket=BUCKET,
        policy=Property(required=True, document=documents.BUCKET),
    )
    create_call = update_call = "put_bucket_policy"
    read_call = "get_bucket_policy"
    delete_call = "delete_bucket_policy"


@register
class BucketObjectv2(Resource):
    """A small text. Its content is read back, so a refresh sees what the official provider does
    not: that somebody wrote another.
    """

    token = "aws:s3/bucketObjectv2:BucketObjectv2"
    service = "s3"
    id_format = "{bucket}/{key}"
    properties = declare(
        bucket=BUCKET,
        key=Property(required=True, replace=True),
        content=Property(required=True),
        contentType=Property(default="application/octet-stream"),
        forceDestroy=Property(default=False, write_only=True),
        tags=TAGS,
    )
    outputs = ("arn", "etag", "versionId")

    def predict(self, cloud: Cloud, inputs: Properties) -> Properties:
        place = f"{inputs['bucket']}/{inputs['key']}"
        return {"arn": cloud.arn("s3", "", region="") + place}

    def make(self, cloud: Cloud, urn: str, inputs: Properties) -> str:
        identifier = self.identifier(inputs)
        if self.read(cloud, identifier, inputs) is not None:
            self.adopt(cloud, identifier, inputs, untagged=False)
        else:
            self._put(cloud, inputs)
        return identifier

    def _put(self, cloud: Cloud, inputs: Properties) -> None:
        self.client(cloud, inputs).put_object(
            Bucket=inputs["bucket"],
            Key=inputs["key"],
            Body=str(inputs["content"]).encode(),
            ContentType=inputs.get("contentType") or self.table["contentType"].default,
            # With the object, so that one without tags is never ours.
            Tagging=urlencode(inputs.get("tags") or {}),
        )

    def read(self, cloud: Cloud, identifier: str, known: Properties) -> Properties | None:
        s3, place = self.client(cloud, known), self.from_identifier(identifier)
        named = {"Bucket": place["bucket"], "Key": place["key"]}
        try:
            answer = s3.get_object(**named)
            tags = tag_map(s3.get_object_tagging(**named)["TagSet"])
        except ClientError as error:
            if is_absent(error):
                return None
            raise
        return {
            **place,
            **self.predict(cloud, place),
            "content": answer["Body"].read().decode("utf-8", "replace"),
            "contentType": answer["ContentType"],
            "tags": tags,
            "etag": answer["ETag"].strip('"'),
            "versionId": answer.get("VersionId"),
        }

    def change(
        self, cloud: Cloud, identifier: str, state: Properties, inputs: Properties, what: set[str]
    ) -> None:
        self._put(cloud, inputs)

    def remove(self, cloud: Cloud, identifier: str, state: Properties) -> None:
        """Every version, as the official provider does: the name is not seen to have been there."""
        s3, place = self.client(cloud, state), self.from_identifier(identifier)
        try:
            found = (
                s3.get_paginator("list_object_versions")
                .paginate(Bucket=place["bucket"], Prefix=place["key"])
                .build_full_result()
            )
            for one in (*found.get("Versions", ()), *found.get("DeleteMarkers", ())):
                if one["Key"] == place["key"]:
                    s3.delete_object(
                        Bucket=place["bucket"], Key=place["key"], VersionId=one["VersionId"]
                    )
        except ClientError as error:
            if not is_absent(error):
                raise
