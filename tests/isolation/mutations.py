"""Deliberate breaks of an exported state: each must be found, with the right tenants."""

import json
from collections.abc import Callable
from copy import deepcopy
from typing import Any

from onboarding.recorded import State

States = dict[str, State]
Resource = dict[str, Any]


def changed(states: States, mutate: Callable[[States], None]) -> States:
    """A copy of the states with one thing changed."""
    copy = deepcopy(states)
    before = json.dumps(copy)
    mutate(copy)
    assert json.dumps(copy) != before, "the mutation changed nothing"
    return copy


def find(states: States, kind: str, name: str) -> Resource:
    """The resource of a type with a name, in the first stack that has one."""
    found: list[Resource] = [
        entry
        for state in states.values()
        for entry in state["deployment"]["resources"]
        if entry["type"] == kind and entry["urn"].endswith(f"::{name}")
    ]
    assert found, f"no resource is {kind} {name}"
    return found[0]


def policy(
    kind: str, name: str, change: Callable[[list[dict[str, Any]]], None], field: str = "policy"
) -> Callable[[States], None]:
    """Change the statements of a policy, in the cloud and in the program."""

    def mutate(states: States) -> None:
        entry = find(states, kind, name)
        for side in ("inputs", "outputs"):
            document = json.loads(entry[side][field])
            change(document["Statement"])
            entry[side][field] = json.dumps(document)

    return mutate


def statement(statements: list[dict[str, Any]], sid: str) -> dict[str, Any]:
    """The statement with an id."""
    return next(one for one in statements if one["Sid"] == sid)


def add(**elements: Any) -> Callable[[list[dict[str, Any]]], None]:
    """Add a statement that allows."""
    return lambda statements: statements.append({"Effect": "Allow", **elements})


def only(**elements: Any) -> Callable[[list[dict[str, Any]]], None]:
    """Have this one statement that allows, and no other."""
    return lambda statements: statements.__setitem__(slice(None), [{"Effect": "Allow", **elements}])


def put(kind: str, name: str, field: str, value: Any) -> Callable[[States], None]:
    """Give a property a value; None removes it."""

    def mutate(states: States) -> None:
        entry = find(states, kind, name)
        for side in ("inputs", "outputs"):
            if value is None:
                entry[side].pop(field, None)
            else:
                entry[side][field] = value

    return mutate


def without(kind: str, name: str) -> Callable[[States], None]:
    """Remove a resource."""

    def mutate(states: States) -> None:
        gone = find(states, kind, name)
        for state in states.values():
            entries = state["deployment"]["resources"]
            entries[:] = [entry for entry in entries if entry is not gone]

    return mutate


def both(*mutations: Callable[[States], None]) -> Callable[[States], None]:
    """One after the other."""

    def mutate(states: States) -> None:
        for one in mutations:
            one(states)

    return mutate


_ROLE, _ROLE_POLICY = "aws:iam/role:Role", "aws:iam/rolePolicy:RolePolicy"
_POLICY, _KEY = "aws:iam/policy:Policy", "aws:kms/key:Key"
_BUCKET_POLICY, _QUEUE = "aws:s3/bucketPolicy:BucketPolicy", "aws:sqs/queue:Queue"
_ACCOUNT = "123456789012"
_ACME = f"arn:aws:iam::{_ACCOUNT}:role/lakehouse-local/tenant/lakehouse-local--acme--reader"
_LAKE = "arn:aws:s3:::lakehouse-local--shared--123456789012-data"
_LOGS = "arn:aws:s3:::lakehouse-local--platform--123456789012-logs"
_NEWCORP = "arn:aws:s3:::lakehouse-local--newcorp--123456789012-data"
_TO_ACME = {"AWS": _ACME}
_ANY = {"Action": "*", "Resource": "*"}


def _claim(name: str, kind: str, field: str, pattern: str) -> Callable[[States], None]:
    def mutate(states: States) -> None:
        find(states, kind, name)["outputs"]["claims"][field].append(pattern)

    return mutate


def _unbounded_and(name: str, **statement: Any) -> Callable[[States], None]:
    return both(
        put(_ROLE, name, "permissionsBoundary", None),
        policy(_ROLE_POLICY, f"{name}-grants", add(**statement)),
    )


def _wider(sid: str, field: str, value: Any) -> Callable[[list[dict[str, Any]]], None]:
    return lambda statements: statement(statements, sid).update({field: value})


def _no_condition(sid: str) -> Callable[[list[dict[str, Any]]], None]:
    return lambda statements: statement(statements, sid).pop("Condition")


def _no_statement(sid: str) -> Callable[[list[dict[str, Any]]], None]:
    return lambda statements: statements.remove(statement(statements, sid))


def _stray_role(states: States) -> None:
    """A role with a tenant's tag that no program made."""
    entries = states["local"]["deployment"]["resources"]
    role = deepcopy(find(states, _ROLE, "globex-iam-reader"))
    role["urn"] = role["urn"].replace("globex-iam-reader", "stray")
    for side in ("inputs", "outputs"):
        role[side]["name"] = "stray"
    role["outputs"]["arn"] = f"arn:aws:iam::{_ACCOUNT}:role/stray"
    entries.append(role)


def _lf_tag(states: States) -> None:
    """The tag of a tenant's table in Lake Formation is changed to another's."""
    entry = find(
        states,
        "aws:lakeformation/resourceLfTags:ResourceLfTags",
        "globex-catalog-event_stream-tags",
    )
    for side in ("inputs", "outputs"):
        entry[side]["lfTags"] = [{"key": "tenant-acme", "value": "public"}]


MUTATIONS: dict[str, tuple[Callable[[States], None], set[str]]] = {
    "the shared bucket's policy lets a tenant's role read everything": (
        policy(
            _BUCKET_POLICY,
            "platform-shared-policy",
            lambda s: s.__setitem__(
                slice(None),
                [
                    {
                        "Effect": "Allow",
                        "Principal": _TO_ACME,
                        "Action": "s3:GetObject",
                        "Resource": f"{_LAKE}/*",
                    }
                ],
            ),
        ),
        set(),
    ),
    "a role is no longer bounded": (
        put(_ROLE, "acme-iam-writer", "permissionsBoundary", None),
        {"acme"},
    ),
    "a boundary is no longer in the estate": (without(_POLICY, "globex-iam-boundary"), {"globex"}),
    "a reader may get what is restricted": (
        policy(
            _ROLE_POLICY, "acme-iam-reader-grants", _wider("Objects", "Resource", f"{_LAKE}/acme/*")
        ),
        {"acme"},
    ),
    "a reader may list what is restricted": (
        policy(
            _ROLE_POLICY,
            "acme-iam-reader-grants",
            _wider("Listing", "Condition", {"StringLike": {"s3:prefix": "acme/*"}}),
        ),
        {"acme"},
    ),
    "an administrator of a tenant may use every key": (
        both(
            policy(_ROLE_POLICY, "newcorp-iam-admin-grants", add(Action="kms:*", Resource="*")),
            policy(_POLICY, "newcorp-iam-boundary", add(Action="kms:*", Resource="*")),
        ),
        {"newcorp"},
    ),
    "the boundary and the grants allow another's tables": (
        both(
            policy(_ROLE_POLICY, "acme-iam-reader-grants", add(Action="glue:*", Resource="*")),
            policy(_POLICY, "acme-iam-boundary", add(Action="glue:*", Resource="*")),
        ),
        {"acme", "globex"},
    ),
    "a role without boundary may do everything": (
        _unbounded_and("colorado-state-iam-run", **_ANY),
        {"colorado-state"},
    ),
    "a role without boundary may pass every role": (
        _unbounded_and("acme-iam-run", Action="iam:PassRole", Resource="*"),
        {"acme", "globex"},
    ),
    "a role without boundary may change its own guards": (
        _unbounded_and("acme-iam-run", Action="iam:Put*", Resource="*"),
        {"acme"},
    ),
    "a role trusts another tenant's role": (
        policy(
            _ROLE,
            "newcorp-iam-writer",
            only(Principal=_TO_ACME, Action="sts:AssumeRole"),
            "assumeRolePolicy",
        ),
        {"newcorp"},
    ),
    "a run role trusts every task of every account": (
        policy(_ROLE, "globex-iam-run", _no_condition("EcsTasks"), "assumeRolePolicy"),
        {"globex"},
    ),
    "two tenants trust the same outsider": (
        policy(
            _ROLE,
            "globex-iam-reader",
            only(
                Principal={"AWS": "arn:aws:iam::333333333333:role/acme-analysts"},
                Action="sts:AssumeRole",
                Condition={"StringEquals": {"sts:ExternalId": "x"}},
            ),
            "assumeRolePolicy",
        ),
        {"acme", "globex"},
    ),
    "a foreign account is trusted without an external id": (
        policy(
            _ROLE,
            "globex-iam-reader",
            only(Principal={"AWS": "arn:aws:iam::999999999999:root"}, Action="sts:AssumeRole"),
            "assumeRolePolicy",
        ),
        {"globex"},
    ),
    "anybody may assume a role": (
        policy(
            _ROLE,
            "globex-iam-admin",
            only(Principal="*", Action="sts:AssumeRole"),
            "assumeRolePolicy",
        ),
        {"globex"},
    ),
    "the account of an own bucket is opened to everybody": (
        policy(
            _BUCKET_POLICY,
            "newcorp-storage-policy",
            lambda s: s.__setitem__(
                slice(None),
                [
                    {
                        "Effect": "Allow",
                        "Principal": "*",
                        "Action": "s3:GetObject",
                        "Resource": f"{_NEWCORP}/*",
                    }
                ],
            ),
        ),
        {"newcorp"},
    ),
    "a queue lets everybody in": (
        policy(
            _QUEUE,
            "colorado-state-audit-siem",
            lambda s: s.__setitem__(
                slice(None),
                [{"Effect": "Allow", "Principal": "*", "Action": "sqs:*", "Resource": "*"}],
            ),
        ),
        {"colorado-state"},
    ),
    "a key is open to another tenant's role": (
        both(
            policy(
                _KEY,
                "newcorp-storage-key",
                lambda s: s.__setitem__(
                    slice(None),
                    [
                        {
                            "Effect": "Allow",
                            "Principal": {"AWS": _ACME.replace("acme--reader", "globex--reader")},
                            "Action": "kms:Decrypt",
                            "Resource": "*",
                        }
                    ],
                ),
            ),
            put(_ROLE, "globex-iam-reader", "permissionsBoundary", None),
        ),
        {"globex", "newcorp"},
    ),
    "Lake Formation has no settings": (
        without("aws:lakeformation/dataLakeSettings:DataLakeSettings", "account-lake-formation"),
        set(),
    ),
    "Lake Formation lets everybody in": (
        put(
            "aws:lakeformation/dataLakeSettings:DataLakeSettings",
            "account-lake-formation",
            "createTableDefaultPermissions",
            [{"principal": "IAM_ALLOWED_PRINCIPALS", "permissions": ["ALL"]}],
        ),
        {"acme", "globex", "newcorp", "colorado-state"},
    ),
    "a table has another tenant's tag in Lake Formation": (_lf_tag, {"acme", "globex"}),
    "Lake Formation grants another's tables": (
        put(
            "aws:lakeformation/permissions:Permissions",
            "acme-catalog-reader-tables",
            "lfTagPolicy",
            {
                "resourceType": "TABLE",
                "expressions": [{"key": "tenant-globex", "values": ["public"]}],
            },
        ),
        {"acme", "globex"},
    ),
    "a task runs as another tenant's role": (
        put(
            "aws:ecs/taskDefinition:TaskDefinition",
            "acme-dagster-run-definition",
            "taskRoleArn",
            f"arn:aws:iam::{_ACCOUNT}:role/lakehouse-local/run/lakehouse-local--globex--run",
        ),
        {"acme", "globex"},
    ),
    "the daemon may pass every role": (
        both(
            policy(_ROLE_POLICY, "dagster-daemon-grants", _wider("PassRuns", "Resource", "*")),
            policy(_POLICY, "foundation-roles-boundary", add(Action="iam:PassRole", Resource="*")),
        ),
        {"newcorp", "colorado-state"},
    ),
    "the daemon reads data": (
        both(
            policy(_ROLE_POLICY, "dagster-daemon-grants", add(Action="s3:GetObject", Resource="*")),
            put(_ROLE, "dagster-daemon-role", "permissionsBoundary", None),
            policy(
                _BUCKET_POLICY,
                "newcorp-storage-policy",
                only(
                    Principal={"AWS": f"arn:aws:iam::{_ACCOUNT}:root"},
                    Action="s3:GetObject",
                    Resource=f"{_NEWCORP}/*",
                ),
            ),
        ),
        {"newcorp"},
    ),
    "the audit's router reads what it wrote": (
        both(
            policy(
                _ROLE_POLICY,
                "foundation-audit-audit-router-grants",
                add(Action="s3:*", Resource="*"),
            ),
            put(_ROLE, "foundation-audit-audit-router", "permissionsBoundary", None),
            policy(
                _BUCKET_POLICY, "foundation-audit-bucket-policy", _no_statement("DenyRouterElse")
            ),
        ),
        {"acme", "globex"},
    ),
    "a role with a tenant's tag is in no claim": (_stray_role, {"globex"}),
    "a tenant claims another's prefix": (
        _claim("acme-storage", "tenancy:aws:TenantStorage", "owns", f"{_LAKE}/globex/lakehouse/*"),
        {"acme", "globex"},
    ),
    "a tenant claims another's role": (
        _claim(
            "acme-iam",
            "tenancy:aws:TenantIAM",
            "principals",
            f"arn:aws:iam::{_ACCOUNT}:role/lakehouse-local/tenant/lakehouse-local--globex--admin",
        ),
        {"acme", "globex"},
    ),
    "the shared Nessie is open to the network": (
        put(
            "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
            "platform-nessie-nessie-from-gateway",
            "referencedSecurityGroupId",
            None,
        ),
        {"acme", "globex"},
    ),
    "administrators of the platform are anybody of the account": (
        policy(
            _ROLE,
            "admin-role",
            add(Principal={"AWS": "arn:aws:iam::888888888888:root"}, Action="sts:AssumeRole"),
            "assumeRolePolicy",
        ),
        {"acme", "globex", "newcorp", "colorado-state"},
    ),
    "the daemon is declared by nobody": (
        lambda states: find(states, "tenancy:aws:Service", "dagster-daemon")["outputs"][
            "claims"
        ].update(principals=[]),
        {"acme", "globex"},
    ),
    "a new user may read the lake": (
        lambda states: states["local"]["deployment"]["resources"].extend(
            [
                {
                    "urn": "urn:pulumi:local::tenancy::aws:iam/user:User::ann",
                    "type": "aws:iam/user:User",
                    "inputs": {"name": "ann", "path": "/", "tags": {"tenant": "acme"}},
                    "outputs": {
                        "arn": f"arn:aws:iam::{_ACCOUNT}:user/ann",
                        "name": "ann",
                        "tags": {"tenant": "newcorp"},
                    },
                },
                {
                    "urn": "urn:pulumi:local::tenancy::aws:iam/userPolicy:UserPolicy::ann",
                    "type": "aws:iam/userPolicy:UserPolicy",
                    "inputs": {},
                    "outputs": {
                        "user": "ann",
                        "policy": json.dumps(
                            {
                                "Version": "2012-10-17",
                                "Statement": [
                                    {"Effect": "Allow", "Action": "glue:*", "Resource": "*"}
                                ],
                            }
                        ),
                    },
                },
            ]
        ),
        {"acme", "globex"},
    ),
}
