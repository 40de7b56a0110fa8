"""As `resource_examples`, of the services that run, watch and tell."""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

from localcloud.aws_plugin.cloud import Cloud
from tests.localcloud.aws_plugin.network_examples import (
    NETWORKS,
    group,
    other_subnet,
    subnet,
    target_group,
    vpc,
)
from tests.localcloud.aws_plugin.resource_examples import (
    ACCOUNT,
    BUCKET,
    KEY,
    ROLE,
    TAGS,
    Example,
    of,
    policy,
)

REGION = "us-east-1"


def arn(service: str, resource: str) -> str:
    return f"arn:aws:{service}:{REGION}:{ACCOUNT}:{resource}"


def allow(service: str, action: str, resource: str) -> str:
    principal = {"Service": f"{service}.amazonaws.com"}
    return policy(Effect="Allow", Principal=principal, Action=action, Resource=resource)


def stream(cloud: Cloud, _: Any) -> str:
    """A Kinesis stream's ARN; it is there after."""
    kinesis = cloud.client("kinesis")
    if "acme" not in kinesis.list_streams()["StreamNames"]:
        kinesis.create_stream(StreamName="acme", ShardCount=1)
    return arn("kinesis", "stream/acme")


log_group = Example(
    "aws:cloudwatch/logGroup:LogGroup",
    {"name": "/lake/acme", "retentionInDays": 30, "kmsKeyId": arn("kms", "key/k"), "tags": TAGS},
    {"retentionInDays": 0, "kmsKeyId": arn("kms", "key/other"), "tags": {**TAGS, "x": "y"}},
)
topic = Example(
    "aws:sns/topic:Topic",
    {"name": "acme-alerts", "kmsMasterKeyId": "alias/lake", "displayName": "acme", "tags": TAGS},
    {"displayName": "", "kmsMasterKeyId": None, "tags": {**TAGS, "x": "y"}},
)
dead_letters = Example("aws:sqs/queue:Queue", {"name": "acme-dead", "tags": TAGS})
queue = Example(
    "aws:sqs/queue:Queue",
    {
        "name": "acme-events",
        "messageRetentionSeconds": 1209600,
        "visibilityTimeoutSeconds": 60,
        "redrivePolicy": lambda _, made: json.dumps(
            {"deadLetterTargetArn": made[0][1]["arn"], "maxReceiveCount": 3}
        ),
        "sqsManagedSseEnabled": True,
        "tags": TAGS,
    },
    {
        "visibilityTimeoutSeconds": 90,
        "sqsManagedSseEnabled": False,
        "kmsMasterKeyId": "alias/lake",
        "redrivePolicy": None,
        "redriveAllowPolicy": json.dumps({"redrivePermission": "denyAll"}),
    },
    (dead_letters,),
)
metric: dict[str, Any] = {
    "name": "Denied",
    "namespace": "lake/acme",
    "value": "1",
    "defaultValue": "0",
}


def rotator(cloud: Cloud, _: Any) -> str:
    """The ARN of a function that Secrets Manager may invoke; it is there after."""
    functions, packed = cloud.client("lambda"), io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("rotate.py", "def handler(event, context): pass\n")
    if not functions.list_functions()["Functions"]:
        trust = allow("lambda", "sts:AssumeRole", "*")
        role = cloud.client("iam").create_role(RoleName="rot", AssumeRolePolicyDocument=trust)
        functions.create_function(
            FunctionName="rotate",
            Role=role["Role"]["Arn"],
            Runtime="python3.13",
            Handler="rotate.handler",
            Code={"ZipFile": packed.getvalue()},
        )
        functions.add_permission(
            FunctionName="rotate",
            StatementId="rotation",
            Action="lambda:InvokeFunction",
            Principal="secretsmanager.amazonaws.com",
        )
    return arn("lambda", "function:rotate")


cluster = Example(
    "aws:ecs/cluster:Cluster",
    {
        "name": "lake--acme",
        "settings": [{"name": "containerInsights", "value": "enabled"}],
        "tags": TAGS,
    },
    {"settings": [{"name": "containerInsights", "value": "disabled"}], "tags": {**TAGS, "x": "y"}},
)
containers = [
    {
        "name": "web",
        "image": "nessie:0.99.0",
        "essential": True,
        "cpu": 0,
        "portMappings": [{"containerPort": 19120, "protocol": "tcp"}],
        "environment": [{"name": "B", "value": "2"}, {"name": "A", "value": "1"}],
        "secrets": [
            {"name": "PASSWORD", "valueFrom": arn("secretsmanager", "secret:x:password::")}
        ],
        "logConfiguration": {
            "logDriver": "awslogs",
            "options": {"awslogs-group": "/lake/acme", "awslogs-region": REGION},
        },
        "readonlyRootFilesystem": True,
        "command": [],
    }
]
task = Example(
    "aws:ecs/taskDefinition:TaskDefinition",
    {
        "family": "acme--nessie",
        "requiresCompatibilities": ["FARGATE"],
        "networkMode": "awsvpc",
        "cpu": "512",
        "memory": "1024",
        "executionRoleArn": f"arn:aws:iam::{ACCOUNT}:role/pull",
        "taskRoleArn": f"arn:aws:iam::{ACCOUNT}:role/acme",
        "runtimePlatform": {"cpuArchitecture": "ARM64", "operatingSystemFamily": "LINUX"},
        "ephemeralStorage": {"sizeInGib": 30},
        "volumes": [{"name": "scratch"}],
        "containerDefinitions": json.dumps(containers),
        "tags": TAGS,
    },
    {"tags": {**TAGS, "x": "y"}},
)
namespace = Example(
    "aws:servicediscovery/privateDnsNamespace:PrivateDnsNamespace",
    {"name": "acme.internal", "vpc": of(0), "tags": TAGS},
    {"description": "of acme", "tags": {**TAGS, "x": "y"}},
    (vpc,),
)
registry = Example(
    "aws:servicediscovery/service:Service",
    {
        "name": "nessie",
        "dnsConfig": {"namespaceId": of(0), "dnsRecords": [{"type": "A", "ttl": 10}]},
        "tags": TAGS,
    },
    {
        "description": "of acme",
        "dnsConfig": {"namespaceId": of(0), "dnsRecords": [{"type": "A", "ttl": 60}]},
        "tags": {**TAGS, "x": "y"},
    },
    (namespace,),
)
rule = next(one for one in NETWORKS if one.token.endswith(":ListenerRule"))
service = Example(
    "aws:ecs/service:Service",
    {
        "name": "acme--nessie",
        "cluster": of(0),
        "taskDefinition": of(1),
        "desiredCount": 1,
        "launchType": "FARGATE",
        "networkConfiguration": {"subnets": [of(2)], "securityGroups": [of(3)]},
        "loadBalancers": [
            {"targetGroupArn": of(4), "containerName": "web", "containerPort": 19120}
        ],
        "deploymentCircuitBreaker": {"enable": True, "rollback": True},
        "enableEcsManagedTags": True,
        "propagateTags": "SERVICE",
        "healthCheckGracePeriodSeconds": 60,
        "serviceRegistries": {"registryArn": of(5, "arn")},
        "tags": TAGS,
    },
    {
        "desiredCount": 2,
        "deploymentCircuitBreaker": {"enable": False, "rollback": False},
        "deploymentMinimumHealthyPercent": 0,
        "deploymentMaximumPercent": 150,
        "enableEcsManagedTags": False,
        "propagateTags": "TASK_DEFINITION",
        "networkConfiguration": {
            "subnets": [of(2)],
            "securityGroups": [of(3)],
            "assignPublicIp": True,
        },
        "tags": {**TAGS, "x": "y"},
    },
    (cluster, task, subnet, group, target_group, registry, rule),
)
subnet_group = Example(
    "aws:rds/subnetGroup:SubnetGroup",
    {"name": "lake-acme", "subnetIds": [of(0), of(1)], "tags": TAGS},
    {"description": "of acme", "subnetIds": [of(1), of(0)], "tags": {**TAGS, "x": "y"}},
    (subnet, other_subnet),
)
parameter_group = Example(
    "aws:rds/parameterGroup:ParameterGroup",
    {
        "name": "lake-acme",
        "family": "postgres16",
        "parameters": [
            {"name": "rds.force_ssl", "value": "1"},
            {"name": "log_connections", "value": "1", "applyMethod": "pending-reboot"},
        ],
        "tags": TAGS,
    },
    {"parameters": [{"name": "rds.force_ssl", "value": "0"}], "tags": {**TAGS, "x": "y"}},
)
database = Example(
    "aws:rds/instance:Instance",
    {
        "identifier": "lake-acme",
        "engine": "postgres",
        "engineVersion": "16.4",
        "instanceClass": "db.t4g.micro",
        "allocatedStorage": 20,
        "maxAllocatedStorage": 100,
        "storageType": "gp3",
        "storageEncrypted": True,
        "kmsKeyId": arn("kms", "key/k"),
        "dbName": "nessie",
        "username": "nessie",
        "manageMasterUserPassword": True,
        "dbSubnetGroupName": of(0),
        "parameterGroupName": of(1),
        "vpcSecurityGroupIds": [of(2)],
        "multiAz": True,
        "backupRetentionPeriod": 7,
        "backupWindow": "02:00-03:00",
        "maintenanceWindow": "Sun:04:00-Sun:05:00",
        "skipFinalSnapshot": True,
        "iamDatabaseAuthenticationEnabled": True,
        "performanceInsightsEnabled": True,
        "enabledCloudwatchLogsExports": ["postgresql", "upgrade"],
        "copyTagsToSnapshot": True,
        "caCertIdentifier": "rds-ca-rsa2048-g1",
        "tags": TAGS,
    },
    {
        "instanceClass": "db.t4g.small",
        "engineVersion": "16.6",
        "multiAz": False,
        "autoMinorVersionUpgrade": False,
        "backupRetentionPeriod": 14,
        "iamDatabaseAuthenticationEnabled": False,
        "performanceInsightsEnabled": None,
        "enabledCloudwatchLogsExports": ["postgresql"],
        "deletionProtection": True,
        "tags": {**TAGS, "x": "y"},
    },
    (subnet_group, parameter_group, group),
)
secret = Example(
    "aws:secretsmanager/secret:Secret",
    {
        "name": "lake/acme/nessie",
        "description": "how Nessie signs in",
        "kmsKeyId": arn("kms", "key/k"),
        "recoveryWindowInDays": 0,
        "tags": TAGS,
    },
    {
        "description": "how it signs in",
        "kmsKeyId": arn("kms", "key/other"),
        "policy": allow("ecs-tasks", "secretsmanager:GetSecretValue", "*"),
        "tags": {**TAGS, "x": "y"},
    },
)
TRAIL_ARN = arn("cloudtrail", "trail/acme")
BY_TRAIL = {"StringEquals": {"aws:SourceArn": TRAIL_ARN}}
CLOUDTRAIL = {"Service": "cloudtrail.amazonaws.com"}


def trail_may(action: str, resource: str, **conditions: str) -> dict[str, Any]:
    return {
        "Effect": "Allow",
        "Principal": CLOUDTRAIL,
        "Action": action,
        "Resource": resource,
        "Condition": {"StringEquals": {"aws:SourceArn": TRAIL_ARN, **conditions}},
    }


def statements(*listed: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": listed})


AUDIT = "arn:aws:s3:::acme--audit"
audit_bucket = Example(BUCKET, {"bucket": "acme--audit", "tags": TAGS})
audit_policy = Example(
    "aws:s3/bucketPolicy:BucketPolicy",
    {
        "bucket": of(0),
        "policy": statements(
            trail_may("s3:GetBucketAcl", AUDIT),
            trail_may(
                "s3:PutObject",
                f"{AUDIT}/AWSLogs/*",
                **{"s3:x-amz-acl": "bucket-owner-full-control"},
            ),
            {
                "Effect": "Deny",
                "Principal": "*",
                "Action": "s3:*",
                "Resource": f"{AUDIT}/*",
                "Condition": {
                    "ArnNotLike": {"aws:PrincipalArn": f"arn:aws:iam::{ACCOUNT}:role/router"},
                    "BoolIfExists": {"aws:PrincipalIsAWSService": "false"},
                },
            },
        ),
    },
    needs=(audit_bucket,),
)
audit_key = Example(
    KEY,
    {
        "policy": statements(
            {
                "Effect": "Allow",
                "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
                "Action": "kms:*",
                "Resource": "*",
            },
            trail_may("kms:GenerateDataKey*", "*"),
        ),
        "tags": TAGS,
    },
)
delivery = Example(
    ROLE,
    {
        "name": "trail-delivery",
        "assumeRolePolicy": policy(
            Effect="Allow", Principal=CLOUDTRAIL, Action="sts:AssumeRole", Condition=BY_TRAIL
        ),
        "tags": TAGS,
    },
)
delivers = Example(
    "aws:iam/rolePolicy:RolePolicy",
    {
        "name": "grants",
        "role": of(0),
        "policy": policy(
            Effect="Allow",
            Action=["logs:CreateLogStream", "logs:PutLogEvents"],
            Resource=arn("logs", "log-group:/lake/acme:*"),
        ),
    },
    needs=(delivery,),
)


def organization(cloud: Cloud, _: Any) -> bool:
    """True; the account manages an organization that CloudTrail may work in, after."""
    organizations = cloud.client("organizations")
    try:
        organizations.describe_organization()
    except organizations.exceptions.AWSOrganizationsNotInUseException:
        organizations.create_organization(FeatureSet="ALL")
        organizations.enable_aws_service_access(ServicePrincipal="cloudtrail.amazonaws.com")
    return True


trail = Example(
    "aws:cloudtrail/trail:Trail",
    {
        "name": "acme",
        "s3BucketName": of(0),
        "kmsKeyId": of(2, "arn"),
        "isMultiRegionTrail": True,
        "includeGlobalServiceEvents": True,
        "isOrganizationTrail": organization,
        "enableLogFileValidation": True,
        "enableLogging": True,
        "cloudWatchLogsGroupArn": lambda _, made: f"{made[3][1]['arn']}:*",
        "cloudWatchLogsRoleArn": of(4, "arn"),
        "advancedEventSelectors": [
            {
                "name": "Management events",
                "fieldSelectors": [{"field": "eventCategory", "equals": ["Management"]}],
            },
            {
                "name": "Objects",
                "fieldSelectors": [
                    {"field": "eventCategory", "equals": ["Data"]},
                    {"field": "resources.type", "equals": ["AWS::S3::Object"]},
                    {
                        "field": "resources.ARN",
                        "startsWiths": ["arn:aws:s3:::acme--"],
                        "notStartsWiths": [AUDIT],
                    },
                    {"field": "eventName", "notEquals": ["PutObject"]},
                ],
            },
        ],
        "tags": TAGS,
    },
    {
        "isOrganizationTrail": False,
        "isMultiRegionTrail": False,
        "enableLogging": False,
        "enableLogFileValidation": None,
        "cloudWatchLogsGroupArn": None,
        "cloudWatchLogsRoleArn": None,
        "kmsKeyId": None,
        "advancedEventSelectors": None,
        "tags": {"tenant": "acme", "x": "y"},
    },
    (audit_bucket, audit_policy, audit_key, log_group, delivery, delivers),
)
SERVICES = (
    namespace,
    registry,
    trail,
    cluster,
    task,
    service,
    subnet_group,
    parameter_group,
    database,
    secret,
    Example(
        "aws:secretsmanager/secretPolicy:SecretPolicy",
        {
            "secretArn": of(0),
            "policy": allow("ecs-tasks", "secretsmanager:GetSecretValue", "*"),
            "blockPublicPolicy": True,
        },
        {"policy": allow("lambda", "secretsmanager:GetSecretValue", "*")},
        (secret,),
    ),
    Example(
        "aws:secretsmanager/secretRotation:SecretRotation",
        {
            "secretId": of(0),
            "rotationLambdaArn": rotator,
            "rotationRules": {"automaticallyAfterDays": 30},
        },
        {"rotationRules": {"scheduleExpression": "rate(10 days)", "duration": "2h"}},
        (secret,),
    ),
    log_group,
    Example(
        "aws:cloudwatch/logMetricFilter:LogMetricFilter",
        {
            "name": "denied",
            "logGroupName": "/lake/acme",
            "pattern": '{ $.errorCode = "AccessDenied" }',
            "metricTransformation": metric,
        },
        {
            "pattern": "",
            "metricTransformation": {
                "name": "Denied",
                "namespace": "lake/acme",
                "value": "$.n",
                "unit": "Count",
                "dimensions": {"user": "$.user"},
            },
        },
        (log_group,),
    ),
    Example(
        "aws:cloudwatch/logSubscriptionFilter:LogSubscriptionFilter",
        {
            "name": "router",
            "logGroup": "/lake/acme",
            "destinationArn": stream,
            "roleArn": f"arn:aws:iam::{ACCOUNT}:role/router",
        },
        {"filterPattern": "Denied"},
        (log_group,),
    ),
    Example(
        "aws:cloudwatch/metricAlarm:MetricAlarm",
        {
            "name": "acme-denied",
            "alarmDescription": "someone tried",
            "namespace": "lake/acme",
            "metricName": "Denied",
            "dimensions": {"a": "b", "c": "d"},
            "statistic": "Sum",
            "period": 300,
            "evaluationPeriods": 1,
            "datapointsToAlarm": 1,
            "threshold": 0.5,
            "comparisonOperator": "GreaterThanThreshold",
            "treatMissingData": "notBreaching",
            "alarmActions": [of(0, "arn")],
            "okActions": [of(0, "arn")],
            "tags": TAGS,
        },
        {"threshold": 5, "dimensions": {"a": "c"}, "okActions": [], "tags": {**TAGS, "x": "y"}},
        (topic,),
    ),
    topic,
    Example(
        "aws:sns/topicPolicy:TopicPolicy",
        {"arn": of(0), "policy": allow("cloudwatch", "sns:Publish", arn("sns", "acme-alerts"))},
        {"policy": allow("events", "sns:Publish", arn("sns", "acme-alerts"))},
        (topic,),
    ),
    Example(
        "aws:sns/topicSubscription:TopicSubscription",
        {
            "topic": of(0),
            "protocol": "sqs",
            "endpoint": of(1, "arn"),
            "rawMessageDelivery": True,
            "filterPolicyScope": "MessageBody",
            "filterPolicy": json.dumps({"tenant": ["acme"]}),
        },
        {"rawMessageDelivery": False, "filterPolicy": json.dumps({"tenant": ["globex"]})},
        (topic, queue),
    ),
    queue,
    Example(
        "aws:sqs/queue:Queue",
        {
            "name": "acme-orders.fifo",
            "fifoQueue": True,
            "contentBasedDeduplication": True,
            "policy": allow("sns", "sqs:SendMessage", arn("sqs", "acme-orders.fifo")),
            "tags": TAGS,
        },
        {"policy": None, "contentBasedDeduplication": False},
    ),
    Example(
        "aws:sqs/queuePolicy:QueuePolicy",
        {"queueUrl": of(0), "policy": allow("sns", "sqs:SendMessage", arn("sqs", "acme-dead"))},
        {"policy": allow("events", "sqs:SendMessage", arn("sqs", "acme-dead"))},
        (dead_letters,),
    ),
)
