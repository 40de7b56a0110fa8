"""More deliberate breaks of an exported state: by resources of kinds that the program never makes,
by conditions that look like guards, by what surrounds roles, buckets, keys, queues and functions.
"""

import json
from collections.abc import Callable
from typing import Any

from tests.isolation.mutations import (
    Resource,
    States,
    add,
    both,
    find,
    only,
    policy,
    put,
)

Mutation = Callable[[States], None]
_ACCOUNT, _HARD, _STRANGE = "123456789012", "210987654321", "999999999999"
_REGION = "us-east-1"
_ROLE, _GRANTS, _POLICY = (
    "aws:iam/role:Role",
    "aws:iam/rolePolicy:RolePolicy",
    "aws:iam/policy:Policy",
)
_KEY, _BUCKET_POLICY = "aws:kms/key:Key", "aws:s3/bucketPolicy:BucketPolicy"
_QUEUE, _SECRET = "aws:sqs/queue:Queue", "aws:secretsmanager/secret:Secret"
_LAKE = f"arn:aws:s3:::lakehouse-local--shared--{_ACCOUNT}-data"
_LOGS = f"arn:aws:s3:::lakehouse-local--platform--{_ACCOUNT}-logs"
_REGISTRY = f"arn:aws:s3:::lakehouse-local--platform--{_ACCOUNT}-regs"
_NEWCORP = f"arn:aws:s3:::lakehouse-local--newcorp--{_ACCOUNT}-data"
_TABLES = f"arn:aws:glue:{_REGION}:{_ACCOUNT}:table/lakehouse_local__shared__lakehouse"
_EVERYWHERE = {"Action": "*", "Resource": "*"}


def _role(tenant: str, kind: str) -> str:
    folder = "run" if kind == "run" else "tenant"
    return (
        f"arn:aws:iam::{_ACCOUNT}:role/lakehouse-local/{folder}/lakehouse-local--{tenant}--{kind}"
    )


def _new(kind: str, called: str, stack: str = "local", /, **outputs: Any) -> Mutation:
    """A resource that no program of ours makes, in the account of a stack."""

    def mutate(states: States) -> None:
        entries = states[stack]["deployment"]["resources"]
        provider = next(one["provider"] for one in entries if one["type"] == _ROLE)
        entries.append(
            {
                "urn": f"urn:pulumi:{stack}::tenancy::{kind}::{called}",
                "type": kind,
                "custom": True,
                "provider": provider,
                "inputs": dict(outputs),
                "outputs": dict(outputs),
            }
        )

    return mutate


def _document(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def _allow(action: Any, resource: Any = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def _topic(states: States, name: str) -> Resource:
    return find(states, "aws:sns/topic:Topic", name)


def _topic_policy(topic: str, stack: str = "local", **allowed: Any) -> Mutation:
    def mutate(states: States) -> None:
        entry = next(
            one
            for one in states[stack]["deployment"]["resources"]
            if one["urn"].endswith(f"aws:sns/topic:Topic::{topic}")
        )
        name = entry["inputs"]["name"]
        account = _ACCOUNT if stack == "local" else _HARD
        region = _REGION if stack == "local" else "us-gov-west-1"
        arn = entry["outputs"].get("arn") or f"arn:aws:sns:{region}:{account}:{name}"
        _new(
            "aws:sns/topicPolicy:TopicPolicy",
            "planted",
            stack,
            arn=arn,
            policy=_document({"Effect": "Allow", "Resource": arn, **allowed}),
        )(states)

    return mutate


def _free(role: str) -> Mutation:
    """A role without its boundary: to tell what its grants alone would do."""
    return put(_ROLE, role, "permissionsBoundary", None)


def _grants(role: str, *statements: dict[str, Any]) -> Mutation:
    return both(_free(role), *(policy(_GRANTS, f"{role}-grants", add(**one)) for one in statements))


def _unfenced_registry(states: States) -> None:
    """The registry's bucket denies nobody but those who come without TLS."""
    deny = policy(
        _BUCKET_POLICY, "foundation-registry-bucket-policy", lambda s: s.__delitem__(slice(1, None))
    )
    deny(states)


def _attached(role: str, arn: str) -> Mutation:
    def mutate(states: States) -> None:
        name = find(states, _ROLE, role)["inputs"]["name"]
        _new(
            "aws:iam/rolePolicyAttachment:RolePolicyAttachment", "planted", role=name, policyArn=arn
        )(states)

    return both(_free(role), mutate)


def _no_denials(statements: list[dict[str, Any]]) -> None:
    statements[:] = [one for one in statements if one["Effect"] != "Deny"]


def _open_bucket(name: str, **allowed: Any) -> Mutation:
    """A bucket's policy of one statement, without denials."""
    return policy(_BUCKET_POLICY, name, only(**allowed))


def _claims(kind: str, name: str, change: Callable[[dict[str, Any]], object]) -> Mutation:
    return lambda states: (change(find(states, kind, name)["outputs"]["claims"]), None)[1]


def _twin(states: States) -> None:
    """A second policy on a role, by a property instead of a resource."""
    put(
        _ROLE,
        "acme-iam-reader",
        "inlinePolicies",
        [{"name": "more", "policy": _document(_allow("glue:*"))}],
    )(states)


def _container(states: States) -> None:
    """The tag of a tenant on a role that the platform's daemon has."""
    entry = find(states, _ROLE, "dagster-daemon-role")
    for side in ("inputs", "outputs"):
        entry[side]["tags"] = {**entry[side]["tags"], "tenant": "newcorp"}


def _user_in_group(states: States) -> None:
    _new("aws:iam/user:User", "ann", name="ann", path="/", tags={"tenant": "newcorp"})(states)
    _new("aws:iam/group:Group", "all", name="all", path="/")(states)
    _new("aws:iam/userGroupMembership:UserGroupMembership", "ann-all", user="ann", groups=["all"])(
        states
    )
    _new("aws:iam/groupPolicy:GroupPolicy", "all", group="all", policy=_document(_allow("glue:*")))(
        states
    )


def _moved(states: States) -> None:
    """One task definition's execution role is another tenant's run role."""
    entry = find(states, "aws:ecs/taskDefinition:TaskDefinition", "newcorp-nessie-definition")
    for side in ("inputs", "outputs"):
        entry[side]["executionRoleArn"] = _role("globex", "run")


def _router_everywhere(states: States) -> None:
    policy(_GRANTS, "foundation-audit-trail-delivery-grants", add(**_EVERYWHERE))(states)
    _free("foundation-audit-trail-delivery")(states)


_SOFT, _MEDIUM = {"acme", "globex"}, {"newcorp", "colorado-state"}
_TO = {
    name: {"AWS": _role(name, "reader")} for name in ("acme", "globex", "newcorp", "colorado-state")
}

MORE: dict[str, tuple[Mutation, set[str]]] = {
    # --- identity policies
    "a role has a policy by a property": (both(_free("acme-iam-reader"), _twin), _SOFT),
    "a policy of AWS with everything is attached": (
        _attached("globex-iam-run", "arn:aws:iam::aws:policy/AdministratorAccess"),
        {"globex"},
    ),
    "all but some actions are allowed": (
        _grants("acme-iam-writer", {"NotAction": ["s3:*", "kms:*"], "Resource": "*"}),
        _SOFT,
    ),
    "all but the own tables are allowed": (
        _grants(
            "acme-iam-writer",
            {
                "Action": "glue:GetTable*",
                "NotResource": f"{_TABLES}/acme__*",
            },
        ),
        _SOFT,
    ),
    "tables by a name without its delimiter": (
        _grants(
            "acme-iam-reader",
            {
                "Action": "glue:GetTable",
                "Resource": f"arn:aws:glue:{_REGION}:{_ACCOUNT}:table/*/g*",
            },
        ),
        _SOFT,
    ),
    "another's table by one wildcard character": (
        _grants(
            "acme-iam-reader",
            {
                "Action": "glue:GetTable",
                "Resource": f"{_TABLES}/?lobex__*",
            },
        ),
        _SOFT,
    ),
    "a condition that a missing key meets": (
        _grants(
            "acme-iam-reader",
            {
                "Action": "glue:*",
                "Resource": "*",
                "Condition": {"StringNotEquals": {"aws:RequestTag/x": "y"}},
            },
        ),
        _SOFT,
    ),
    "a condition that holds if the key is there": (
        _grants(
            "acme-iam-reader",
            {
                "Action": "glue:*",
                "Resource": "*",
                "Condition": {"StringEqualsIfExists": {"aws:RequestTag/x": "y"}},
            },
        ),
        _SOFT,
    ),
    "a condition on an empty set": (
        _grants(
            "newcorp-iam-run",
            {
                "Action": "glue:*",
                "Resource": "*",
                "Condition": {"ForAllValues:StringEquals": {"aws:TagKeys": "none"}},
            },
        ),
        {"newcorp", "acme", "globex"},
    ),
    "a role may read logs of another's runs": (
        _grants("acme-iam-run", _allow("logs:GetLogEvents")),
        {"acme"},
    ),
    "a role may read another's secrets": (
        _grants("colorado-state-iam-run", _allow("secretsmanager:GetSecretValue")),
        {"colorado-state", "newcorp"},
    ),
    "a role may receive from another's queue": (
        both(
            _grants("acme-iam-run", _allow("sqs:ReceiveMessage")),
            policy(
                _QUEUE,
                "colorado-state-audit-siem",
                only(
                    Principal={"AWS": f"arn:aws:iam::{_ACCOUNT}:root"}, Action="sqs:*", Resource="*"
                ),
            ),
        ),
        {"acme", "colorado-state"},
    ),
    "a role may register task definitions and pass roles": (
        _grants(
            "newcorp-iam-run",
            _allow(["ecs:RegisterTaskDefinition", "ecs:RunTask"]),
            _allow("iam:PassRole", f"arn:aws:iam::{_ACCOUNT}:role/lakehouse-local/run/*"),
        ),
        {"newcorp", "acme", "globex"},
    ),
    "a role may run commands in others' tasks": (
        _grants(
            "acme-iam-run",
            _allow("ecs:ExecuteCommand", f"arn:aws:ecs:{_REGION}:{_ACCOUNT}:task/*"),
        ),
        {"acme"},
    ),
    "a role may connect to the platform's database": (
        _grants("acme-iam-run", _allow("rds-db:connect")),
        {"acme"},
    ),
    "a role may change the code of the audit's router": (
        _grants("acme-iam-run", _allow("lambda:UpdateFunctionCode")),
        {"acme"},
    ),
    "a role may make new versions of policies": (
        _grants("acme-iam-admin", _allow("iam:CreatePolicyVersion")),
        {"acme"},
    ),
    "a role may tag roles": (
        _grants("acme-iam-admin", _allow("iam:TagRole")),
        {"acme"},
    ),
    "a role may administer Lake Formation": (
        _grants("globex-iam-admin", _allow("lakeformation:PutDataLakeSettings")),
        {"globex"},
    ),
    "a role may open sessions of all roles": (
        both(
            _grants("acme-iam-run", _allow("sts:AssumeRole")),
            policy(
                _ROLE,
                "newcorp-iam-admin",
                only(Principal={"AWS": f"arn:aws:iam::{_ACCOUNT}:root"}, Action="sts:AssumeRole"),
                "assumeRolePolicy",
            ),
        ),
        {"acme", "newcorp"},
    ),
    "an execution role may pass every role": (
        _grants("foundation-roles-execution", _allow("iam:PassRole")),
        _SOFT,
    ),
    "a user gets rights by a group": (_user_in_group, {"newcorp", "acme", "globex"}),
    "a role's policy is one that no state has": (
        _attached("acme-iam-reader", f"arn:aws:iam::{_ACCOUNT}:policy/elsewhere"),
        {"acme"},
    ),
    # --- trust
    "a role is trusted by all of a service's callers": (
        policy(
            _ROLE,
            "acme-iam-admin",
            only(Principal={"Service": "s3.amazonaws.com"}, Action="sts:AssumeRole"),
            "assumeRolePolicy",
        ),
        {"acme"},
    ),
    "a role is trusted by any token of a provider": (
        policy(
            _ROLE,
            "acme-iam-writer",
            lambda statements: statements[0]["Condition"]["StringEquals"].pop(
                "token.actions.githubusercontent.com:sub"
            ),
            "assumeRolePolicy",
        ),
        {"acme"},
    ),
    "a token's subject is a pattern of all": (
        policy(
            _ROLE,
            "acme-iam-writer",
            lambda statements: statements[0].update(
                Condition={"StringLike": {"token.actions.githubusercontent.com:sub": "repo:*"}}
            ),
            "assumeRolePolicy",
        ),
        {"acme"},
    ),
    "a platform's role is trusted by another account": (
        policy(
            _ROLE,
            "foundation-audit-audit-router",
            add(
                Principal={"AWS": f"arn:aws:iam::{_STRANGE}:root"},
                Action="sts:AssumeRole",
                Condition={"StringEquals": {"sts:ExternalId": "x"}},
            ),
            "assumeRolePolicy",
        ),
        set(),
    ),
    "a run trusts another tenant's run": (
        policy(
            _ROLE,
            "newcorp-iam-run",
            add(Principal={"AWS": _role("globex", "run")}, Action="sts:AssumeRole"),
            "assumeRolePolicy",
        ),
        {"globex", "newcorp"},
    ),
    "nobody in particular is trusted": (
        policy(
            _ROLE,
            "colorado-state-iam-reader",
            only(Principal={"AWS": "*"}, Action="sts:AssumeRole"),
            "assumeRolePolicy",
        ),
        {"colorado-state"},
    ),
    "all but one are trusted": (
        policy(
            _ROLE,
            "colorado-state-iam-reader",
            only(NotPrincipal={"AWS": _role("acme", "reader")}, Action="sts:AssumeRole"),
            "assumeRolePolicy",
        ),
        {"colorado-state"},
    ),
    # --- policies of resources
    "a bucket is open to an organization": (
        _open_bucket(
            "newcorp-storage-policy",
            Principal="*",
            Action="s3:GetObject",
            Resource=f"{_NEWCORP}/*",
            Condition={"StringEquals": {"aws:PrincipalOrgID": "o-1"}},
        ),
        {"newcorp"},
    ),
    "a bucket delegates to access points": (
        _open_bucket(
            "newcorp-storage-policy",
            Principal="*",
            Action="s3:*",
            Resource=[_NEWCORP, f"{_NEWCORP}/*"],
            Condition={"StringEquals": {"s3:DataAccessPointAccount": _ACCOUNT}},
        ),
        {"newcorp"},
    ),
    "a bucket is open to a strange account": (
        _open_bucket(
            "colorado-state-storage-policy",
            Principal={"AWS": [f"arn:aws:iam::{_STRANGE}:root", _role("acme", "run")]},
            Action="s3:GetObject",
            Resource=_NEWCORP.replace("newcorp", "colorado-state") + "/*",
        ),
        {"colorado-state"},
    ),
    "the audit's bucket is open to a strange account": (
        _open_bucket(
            "foundation-audit-bucket-policy",
            Principal={"AWS": f"arn:aws:iam::{_STRANGE}:root"},
            Action="s3:GetObject",
            Resource=f"{_LOGS}/*",
        ),
        _SOFT,
    ),
    "the audit's bucket takes a service's word for anybody": (
        _open_bucket(
            "foundation-audit-bucket-policy",
            Principal={"Service": "cloudtrail.amazonaws.com"},
            Action="s3:PutObject",
            Resource=f"{_LOGS}/*",
        ),
        set(),
    ),
    "a bucket has a public list": (
        _new("aws:s3/bucketAcl:BucketAcl", "acl", bucket="x", acl="public-read"),
        set(),
    ),
    "a bucket has a second policy, without denials": (
        both(
            _free("acme-iam-run"),
            _new(
                "aws:s3/bucketPolicy:BucketPolicy",
                "second",
                bucket=_NEWCORP.removeprefix("arn:aws:s3:::"),
                policy=_document(
                    _allow("s3:GetObject", f"{_NEWCORP}/*", Principal={"AWS": _role("acme", "run")})
                ),
            ),
        ),
        {"acme", "newcorp"},
    ),
    "a key is granted to another's role": (
        both(
            _free("globex-iam-run"),
            lambda states: _new(
                "aws:kms/grant:Grant",
                "granted",
                keyId=find(states, _KEY, "newcorp-storage-key")["outputs"]["keyId"],
                granteePrincipal=_role("globex", "run"),
                operations=["Decrypt"],
            )(states),
            policy(_KEY, "newcorp-storage-key", _no_denials),
        ),
        {"globex", "newcorp"},
    ),
    "a key is open to a strange account": (
        policy(
            _KEY,
            "newcorp-storage-key",
            only(
                Principal={"AWS": f"arn:aws:iam::{_STRANGE}:root"},
                Action="kms:Decrypt",
                Resource="*",
            ),
        ),
        {"newcorp"},
    ),
    "a secret lets another tenant read it": (
        both(
            _free("acme-iam-run"),
            lambda states: _secret_policy(states, _role("acme", "run")),
        ),
        {"acme", "newcorp"},
    ),
    "a topic of the platform lets anybody publish": (
        _topic_policy("foundation-audit-alerts", Principal="*", Action="sns:Publish"),
        set(),
    ),
    "a topic of the platform takes a service's word": (
        _topic_policy(
            "foundation-audit-alerts",
            Principal={"Service": "cloudwatch.amazonaws.com"},
            Action="sns:Publish",
        ),
        set(),
    ),
    "a topic of a tenant lets another account subscribe": (
        _topic_policy(
            "federal-dhs-audit-realtime",
            "local-federal-dhs",
            Principal={"AWS": f"arn:aws:iam::{_STRANGE}:root"},
            Action="sns:Subscribe",
        ),
        set(),
    ),
    "a topic of a tenant lets anybody subscribe": (
        _topic_policy(
            "federal-dhs-audit-realtime", "local-federal-dhs", Principal="*", Action="sns:Subscribe"
        ),
        {"federal-dhs"},
    ),
    "a queue takes a service's word for anybody": (
        policy(
            _QUEUE,
            "colorado-state-audit-siem",
            only(
                Principal={"Service": "sns.amazonaws.com"}, Action="sqs:SendMessage", Resource="*"
            ),
        ),
        {"colorado-state"},
    ),
    "a queue takes what a service sends for any account": (
        policy(
            _QUEUE,
            "colorado-state-audit-siem",
            only(
                Principal={"Service": "sns.amazonaws.com"},
                Action="sqs:SendMessage",
                Resource="*",
                Condition={"ArnLike": {"aws:SourceArn": "arn:aws:sns:*:*:*"}},
            ),
        ),
        {"colorado-state"},
    ),
    "a run role trusts tasks of any account": (
        policy(
            _ROLE,
            "globex-iam-run",
            lambda statements: statements[0].update(
                Condition={"ArnLike": {"aws:SourceArn": "arn:aws:ecs:*:*:*"}}
            ),
            "assumeRolePolicy",
        ),
        {"globex"},
    ),
    "a queue has a policy of its own resource": (
        lambda states: _new(
            "aws:sqs/queuePolicy:QueuePolicy",
            "planted",
            queueUrl=find(states, _QUEUE, "colorado-state-audit-siem")["inputs"]["name"],
            policy=_document(_allow("sqs:*", Principal="*")),
        )(states),
        {"colorado-state"},
    ),
    "a function can be called by anybody": (
        _new(
            "aws:lambda/permission:Permission",
            "planted",
            function="lakehouse-local--platform--audit-router",
            action="lambda:InvokeFunction",
            principal="*",
        ),
        set(),
    ),
    "a function can be called by another tenant": (
        both(
            _free("acme-iam-run"),
            _new(
                "aws:lambda/permission:Permission",
                "planted",
                function="lakehouse-local--platform--audit-router",
                action="lambda:InvokeFunction",
                principal=_role("acme", "run"),
            ),
            policy(_GRANTS, "acme-iam-run-grants", add(Action="lambda:*", Resource="*")),
        ),
        {"acme"},
    ),
    "the catalog of an account is open": (
        _new(
            "aws:glue/resourcePolicy:ResourcePolicy",
            "planted",
            policy=_document(
                _allow(
                    "glue:GetTable",
                    f"arn:aws:glue:{_REGION}:{_ACCOUNT}:*",
                    Principal={"AWS": f"arn:aws:iam::{_STRANGE}:root"},
                )
            ),
        ),
        _SOFT,
    ),
    # --- what runs
    "an execution role is another's run role": (_moved, {"globex", "newcorp"}),
    "a function runs as a tenant's role": (
        put(
            "aws:lambda/function:Function",
            "foundation-audit-router-function",
            "role",
            _role("acme", "run"),
        ),
        {"acme"},
    ),
    "a job runs as another's role": (
        _new(
            "aws:glue/job:Job",
            "job",
            name="job",
            roleArn=_role("newcorp", "run"),
            tags={"tenant": "acme"},
        ),
        {"acme", "newcorp"},
    ),
    "a notebook runs as a tenant's role": (
        _new(
            "aws:sagemaker/notebookInstance:NotebookInstance",
            "notebook",
            name="notebook",
            roleArn=_role("newcorp", "admin"),
            arn=f"arn:aws:sagemaker:{_REGION}:{_ACCOUNT}:notebook-instance/notebook",
        ),
        {"newcorp"},
    ),
    "a rule's target acts as another's role": (
        _new(
            "aws:cloudwatch/eventTarget:EventTarget",
            "target",
            rule="rule",
            arn=f"arn:aws:sqs:{_REGION}:{_ACCOUNT}:x",
            roleArn=_role("globex", "run"),
        ),
        {"globex"},
    ),
    "a stream delivers as another's role": (
        _new(
            "aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream",
            "stream",
            name="stream",
            arn=f"arn:aws:firehose:{_REGION}:{_ACCOUNT}:deliverystream/stream",
            tags={"tenant": "acme"},
            extendedS3Configuration={"bucketArn": _LAKE, "roleArn": _role("newcorp", "run")},
        ),
        {"acme", "newcorp"},
    ),
    "a schedule acts as a tenant's role": (
        _new(
            "aws:scheduler/schedule:Schedule",
            "schedule",
            name="schedule",
            arn=f"arn:aws:scheduler:{_REGION}:{_ACCOUNT}:schedule/default/schedule",
            target={"arn": "arn:aws:ecs", "roleArn": _role("acme", "run")},
        ),
        {"acme"},
    ),
    "an instance has a tenant's role": (
        _new(
            "aws:iam/instanceProfile:InstanceProfile",
            "profile",
            name="profile",
            role="lakehouse-local--newcorp--admin",
        ),
        {"newcorp"},
    ),
    "a workgroup lets its caller choose where results go": (
        _new(
            "aws:athena/workgroup:Workgroup",
            "group",
            name="group",
            configuration={"enforceWorkgroupConfiguration": False},
            tags={"tenant": "acme"},
        ),
        {"acme"},
    ),
    "the trail's delivery may do everything": (_router_everywhere, _SOFT),
    "the shared Nessie's group also lets in a range": (
        put(
            "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
            "platform-nessie-nessie-from-gateway",
            "cidrIpv4",
            "10.0.0.0/16",
        ),
        _SOFT,
    ),
    "the shared Nessie's group also lets in a range of IPv6": (
        put(
            "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
            "platform-nessie-nessie-from-gateway",
            "cidrIpv6",
            "::/0",
        ),
        _SOFT,
    ),
    "the shared Nessie has a load balancer": (
        put(
            "aws:ecs/service:Service",
            "platform-nessie-nessie-service",
            "loadBalancers",
            [{"targetGroupArn": "arn:x", "containerPort": 19120}],
        ),
        _SOFT,
    ),
    # --- Lake Formation
    "a tenant administers Lake Formation": (
        put(
            "aws:lakeformation/dataLakeSettings:DataLakeSettings",
            "account-lake-formation",
            "admins",
            [_role("acme", "admin")],
        ),
        {"acme", "globex", "newcorp"},
    ),
    "new databases are everybody's": (
        put(
            "aws:lakeformation/dataLakeSettings:DataLakeSettings",
            "account-lake-formation",
            "createDatabaseDefaultPermissions",
            [{"principal": "IAM_ALLOWED_PRINCIPALS", "permissions": ["ALL"]}],
        ),
        _SOFT | _MEDIUM,
    ),
    "a tenant writes the registry of whom is served": (
        both(
            _unfenced_registry,
            _grants("acme-iam-admin", _allow("s3:PutObject", f"{_REGISTRY}/tenants/acme.json")),
        ),
        {"acme"},
    ),
    "a tenant reads the registry": (
        both(
            _unfenced_registry,
            _grants("newcorp-iam-reader", _allow("s3:GetObject", f"{_REGISTRY}/*")),
        ),
        {"newcorp"},
    ),
    "a tenant puts new entries beside the others in the registry": (
        both(
            _unfenced_registry,
            _grants("globex-iam-writer", _allow("s3:*Object", f"{_REGISTRY}/tenants/globex*")),
        ),
        {"globex"},
    ),
    "a tenant decrypts the registry": (
        both(
            put(_KEY, "foundation-registry-bucket-key", "policy", None),
            _grants("acme-iam-reader", _allow("kms:Decrypt")),
        ),
        {"acme"},
    ),
    "a database has a tenant's tag, which tables inherit": (
        _new(
            "aws:lakeformation/resourceLfTags:ResourceLfTags",
            "planted",
            database={"name": "lakehouse_local__shared__lakehouse"},
            lfTags=[{"key": "tenant-acme", "value": "restricted"}],
        ),
        _SOFT,
    ),
    "two tags of a table, from two resources, are granted together": (
        both(
            _new(
                "aws:lakeformation/resourceLfTags:ResourceLfTags",
                "planted",
                table={
                    "databaseName": "lakehouse_local__shared__lakehouse",
                    "name": "globex__event_stream",
                },
                lfTags=[{"key": "project", "value": "joint"}],
            ),
            _new(
                "aws:lakeformation/permissions:Permissions",
                "planted-grant",
                principal=_role("acme", "reader"),
                permissions=["SELECT"],
                lfTagPolicy={
                    "resourceType": "TABLE",
                    "expressions": [
                        {"key": "tenant-globex", "values": ["public"]},
                        {"key": "project", "values": ["joint"]},
                    ],
                },
            ),
        ),
        _SOFT,
    ),
    "a tenant may associate tags": (
        _new(
            "aws:lakeformation/permissions:Permissions",
            "planted",
            principal=_role("acme", "admin"),
            permissions=["ASSOCIATE"],
            lfTag={"key": "tenant-globex", "values": ["public", "restricted"]},
        ),
        _SOFT,
    ),
    "a tenant has a whole database": (
        _new(
            "aws:lakeformation/permissions:Permissions",
            "planted",
            principal=_role("acme", "reader"),
            permissions=["SELECT"],
            table={"databaseName": "lakehouse_local__shared__lakehouse", "wildcard": True},
        ),
        _SOFT,
    ),
    "a tenant may use another's location": (
        _new(
            "aws:lakeformation/permissions:Permissions",
            "planted",
            principal=_role("globex", "run"),
            permissions=["DATA_LOCATION_ACCESS"],
            dataLocation={"arn": f"{_LAKE}/acme"},
        ),
        _SOFT,
    ),
    "one location holds all soft tenants": (
        _new(
            "aws:lakeformation/resource:Resource",
            "planted",
            arn=_LAKE,
            roleArn=f"arn:aws:iam::{_ACCOUNT}:role/location",
        ),
        _SOFT,
    ),
    "a reader is granted restricted columns by name": (
        _new(
            "aws:lakeformation/permissions:Permissions",
            "planted",
            principal=_role("acme", "reader"),
            permissions=["SELECT"],
            table={
                "databaseName": "lakehouse_local__shared__lakehouse",
                "name": "acme__event_stream__restricted",
            },
        ),
        {"acme"},
    ),
    "a reader is granted restricted columns by tag": (
        _new(
            "aws:lakeformation/permissions:Permissions",
            "planted",
            principal=_role("newcorp", "reader"),
            permissions=["SELECT"],
            lfTagPolicy={
                "resourceType": "TABLE",
                "expressions": [{"key": "tenant-newcorp", "values": ["public", "restricted"]}],
            },
        ),
        {"newcorp"},
    ),
    "an own bucket is replicated to another tenant's": (
        _new(
            "aws:s3/bucketReplicationConfig:BucketReplicationConfig",
            "planted",
            bucket=_NEWCORP.removeprefix("arn:aws:s3:::"),
            role=_role("newcorp", "run"),
            rules=[
                {
                    "status": "Enabled",
                    "destination": {"bucket": _NEWCORP.replace("newcorp", "colorado-state")},
                }
            ],
        ),
        {"newcorp", "colorado-state"},
    ),
    "the shared bucket tells a strange queue of its objects": (
        _new(
            "aws:s3/bucketNotification:BucketNotification",
            "planted",
            bucket=_LAKE.removeprefix("arn:aws:s3:::"),
            queues=[
                {
                    "queueArn": f"arn:aws:sqs:{_REGION}:{_STRANGE}:all",
                    "events": ["s3:ObjectCreated:*"],
                }
            ],
        ),
        {"acme", "globex"},
    ),
    "everybody is granted a table": (
        _new(
            "aws:lakeformation/permissions:Permissions",
            "planted",
            principal="IAM_ALLOWED_PRINCIPALS",
            permissions=["ALL"],
            table={"databaseName": "lakehouse_local__newcorp__lakehouse", "name": "event_stream"},
        ),
        {"newcorp"},
    ),
    # --- claims
    "a platform's role has a tenant's tag": (_container, {"newcorp"}),
    "a tenant claims the audit's router": (
        _claims(
            "tenancy:aws:TenantIAM",
            "acme-iam",
            lambda claims: claims["principals"].append(
                f"arn:aws:iam::{_ACCOUNT}:role/lakehouse-local/service/"
                "lakehouse-local--platform--dagster-daemon"
            ),
        ),
        {"acme"},
    ),
    "a tenant claims another's bucket by a pattern": (
        _claims(
            "tenancy:aws:TenantStorage",
            "acme-storage",
            lambda claims: claims["owns"].append("arn:aws:s3:::lakehouse-local--newcorp--*"),
        ),
        {"acme", "newcorp"},
    ),
    "what is restricted lies where readers read": (
        _claims(
            "tenancy:aws:TenantStorage",
            "acme-storage",
            lambda claims: claims.update(restricted=[f"{_LAKE}/acme/lakehouse/data/*"]),
        ),
        {"acme"},
    ),
}


def _secret_policy(states: States, principal: str) -> None:
    secret = find(states, _SECRET, "newcorp-nessie-user-secret")
    _new(
        "aws:secretsmanager/secretPolicy:SecretPolicy",
        "planted",
        secretArn=secret["outputs"].get("arn") or secret["inputs"]["name"],
        policy=_document(_allow("secretsmanager:GetSecretValue", Principal={"AWS": principal})),
    )(states)
