"""CloudTrail records of the form that its User Guide, and those of S3, KMS and Glue, document."""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]

ACCOUNT = "222222222222"
SHARED_BUCKET = "lakehouse-prod--shared--222222222222-data"
GLOBEX = "lakehouse-prod--globex--222222222222-data"
AUDIT = "lakehouse-prod--platform--222222222222-logs"
DATABASE = "lakehouse_prod__shared__lakehouse"


def session(role: str, path: str = "tenant", name: str = "session", account: str = ACCOUNT) -> Json:
    """The identity of an assumed role."""
    return {
        "type": "AssumedRole",
        "principalId": f"AROAEXAMPLE:{name}",
        "arn": f"arn:aws:sts::{account}:assumed-role/{role}/{name}",
        "accountId": account,
        "sessionContext": {
            "sessionIssuer": {
                "type": "Role",
                "principalId": "AROAEXAMPLE",
                "arn": f"arn:aws:iam::{account}:role/lakehouse-prod/{path}/{role}",
                "accountId": account,
                "userName": role,
            },
            "attributes": {"creationDate": "2026-11-24T00:00:00Z", "mfaAuthenticated": "false"},
        },
    }


READER = session("lakehouse-prod--acme--reader")
SERVICE = {"type": "AWSService", "invokedBy": "ecs-tasks.amazonaws.com"}
ADMIN = session("lakehouse-prod--platform--admin", "platform")


def event(source: str, name: str, request: Json | None, **more: Any) -> Json:
    """A record; ``more`` replaces or adds fields."""
    return {
        "eventVersion": "1.11",
        "userIdentity": READER,
        "eventTime": "2026-11-24T23:59:58Z",
        "eventSource": f"{source}.amazonaws.com",
        "eventName": name,
        "awsRegion": "us-east-1",
        "sourceIPAddress": "192.0.2.1",
        "userAgent": "[Boto3/1.44 lakehouse-prod--initech--reader]",
        "requestParameters": request,
        "responseElements": None,
        "requestID": "EXAMPLE",
        "eventID": "eae87c48-d421-4626-94f5-EXAMPLEac994",
        "readOnly": True,
        "eventType": "AwsApiCall",
        "managementEvent": source != "s3",
        "recipientAccountId": ACCOUNT,
        **more,
    }


def get_object(bucket: str, key: str, **more: Any) -> Json:
    request = {"bucketName": bucket, "key": key, "Host": f"{bucket}.s3.amazonaws.com"}
    arns = [
        {"type": "AWS::S3::Object", "ARN": f"arn:aws:s3:::{bucket}/{key}"},
        {"accountId": ACCOUNT, "type": "AWS::S3::Bucket", "ARN": f"arn:aws:s3:::{bucket}"},
    ]
    return event("s3", "GetObject", request, **{"resources": arns, **more})


def list_objects(bucket: str, prefix: str | None, **more: Any) -> Json:
    request = {"bucketName": bucket, "list-type": "2", "encoding-type": "url"}
    if prefix is not None:
        request["prefix"] = prefix
    arns = [
        {"type": "AWS::S3::Object", "ARNPrefix": f"arn:aws:s3:::{bucket}/"},
        {"accountId": ACCOUNT, "type": "AWS::S3::Bucket", "ARN": f"arn:aws:s3:::{bucket}"},
    ]
    return event("s3", "ListObjectsV2", request, **{"resources": arns, **more})


def decrypt(key_id: str, s3_arn: str | None, **more: Any) -> Json:
    """What S3 asks of KMS for a caller."""
    arn = f"arn:aws:kms:us-east-1:{ACCOUNT}:key/{key_id}"
    request: Json = {"encryptionAlgorithm": "SYMMETRIC_DEFAULT", "keyId": arn}
    if s3_arn:
        request["encryptionContext"] = {"aws:s3:arn": s3_arn}
    named = [{"accountId": ACCOUNT, "type": "AWS::KMS::Key", "ARN": arn}]
    return event("kms", "Decrypt", request, **{"resources": named, **more})
