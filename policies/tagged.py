"""Every resource says whose it is."""

from collections.abc import Iterator

from isolation.graph import Resource
from policies.rule import ResourceRule, Settings, tags

# Taggable, and of those that tenants have of their own; others are looked at where they have tags.
_ALWAYS = frozenset(
    {
        "aws:cloudtrail/trail:Trail",
        "aws:cloudwatch/logGroup:LogGroup",
        "aws:dynamodb/table:Table",
        "aws:ec2/vpc:Vpc",
        "aws:ecs/cluster:Cluster",
        "aws:ecs/service:Service",
        "aws:ecs/taskDefinition:TaskDefinition",
        "aws:glue/catalogDatabase:CatalogDatabase",
        "aws:iam/policy:Policy",
        "aws:iam/role:Role",
        "aws:iam/user:User",
        "aws:kms/key:Key",
        "aws:lambda/function:Function",
        "aws:rds/instance:Instance",
        "aws:s3/bucket:Bucket",
        "aws:secretsmanager/secret:Secret",
        "aws:sns/topic:Topic",
        "aws:sqs/queue:Queue",
    }
)


def _find(resource: Resource, settings: Settings) -> Iterator[str]:
    if resource.type in _ALWAYS and not tags(resource).get(settings.tag):
        yield f"has no tag `{settings.tag}`"


RULE = ResourceRule(
    name="tagged",
    description="What can be tagged says whose it is: audit, costs and grants go by that.",
    remedy="tag it with its tenant, or with `platform` for what serves all",
    find=_find,
)
