"""As `resource_examples`, of Lambda."""

from __future__ import annotations

import hashlib

from localcloud.aws_plugin.archives import ARCHIVE, ASSET, Bundle
from tests.localcloud.aws_plugin.network_examples import group, other_subnet, subnet
from tests.localcloud.aws_plugin.resource_examples import ROLE, TAGS, Example, of, policy
from tests.localcloud.aws_plugin.service_examples import arn, dead_letters, log_group

FUNCTION = "aws:lambda/function:Function"
PERMISSION = "aws:lambda/permission:Permission"


def archive(**texts: str) -> Bundle:
    """An archive of modules, hashed as the engine does it: by what they hold."""
    assets = {
        f"{name.replace('__', '/')}.py": Bundle(ASSET, {"text": text})
        for name, text in texts.items()
    }
    digest = hashlib.sha256(repr(sorted(texts.items())).encode()).hexdigest()
    return Bundle(ARCHIVE, {"hash": digest, "assets": assets})


function_role = Example(
    ROLE,
    {
        "name": "acme--router",
        "path": "/lake/",
        "assumeRolePolicy": policy(
            Effect="Allow",
            Action="sts:AssumeRole",
            Principal={"Service": "lambda.amazonaws.com"},
            Condition={"ArnEquals": {"aws:SourceArn": arn("lambda", "function:acme--router")}},
        ),
        "tags": TAGS,
    },
)
grants = Example(
    "aws:iam/rolePolicy:RolePolicy",
    {
        "name": "grants",
        "role": of(0),
        "policy": policy(
            Effect="Allow", Action=["sqs:SendMessage", "ec2:*", "logs:*"], Resource="*"
        ),
    },
    needs=(function_role,),
)
function = Example(
    FUNCTION,
    {
        "name": "acme--router",
        "description": "routes",
        "runtime": "python3.13",
        "handler": "inner.router.handle",
        "code": archive(inner__router="def handle(event, context):\n    return event\n"),
        "role": of(0, "arn"),
        "timeout": 5,
        "memorySize": 256,
        "architectures": ["arm64"],
        "environment": {"variables": {"COLOUR": "red"}},
        "deadLetterConfig": {"targetArn": of(2, "arn")},
        "loggingConfig": {"logFormat": "Text", "logGroup": of(3)},
        "vpcConfig": {"subnetIds": [of(4), of(5)], "securityGroupIds": [of(6)]},
        "tracingConfig": {"mode": "Active"},
        "tags": TAGS,
    },
    {
        "description": None,
        "runtime": "python3.12",
        "handler": "inner.other.handle",
        "code": archive(inner__other="def handle(event, context):\n    return 'other'\n"),
        "timeout": None,
        "memorySize": None,
        "architectures": None,
        "environment": None,
        "deadLetterConfig": None,
        "vpcConfig": None,
        "tracingConfig": None,
        "ephemeralStorage": {"size": 1024},
        "tags": {**TAGS, "x": "y"},
    },
    (function_role, grants, dead_letters, log_group, subnet, other_subnet, group),
)

FUNCTIONS = (
    function,
    Example(
        PERMISSION,
        {
            "statementId": "TrailEvents",
            "function": of(0),
            "action": "lambda:InvokeFunction",
            "principal": "logs.amazonaws.com",
            "sourceAccount": "123456789012",
            "sourceArn": arn("logs", "log-group:/lake/acme:*"),
        },
        needs=(function,),
    ),
    Example(
        PERMISSION,
        {
            "statementId": "Account",
            "function": of(0),
            "action": "lambda:InvokeFunction",
            "principal": "210987654321",
        },
        needs=(function,),
    ),
    Example(
        "aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig",
        {"functionName": of(0), "maximumRetryAttempts": 0, "maximumEventAgeInSeconds": 60},
        {"maximumRetryAttempts": 1, "maximumEventAgeInSeconds": None},
        (function,),
    ),
)
