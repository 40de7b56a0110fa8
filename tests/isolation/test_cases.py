"""The cases that every version must get right, each as a small estate."""

from collections.abc import Callable
from typing import Any

import pytest

from isolation.graph import Graph
from isolation.proof import Options, prove
from isolation.verdict import Answer, Verdict
from tests.isolation.small import (
    ACCOUNT,
    LAKE,
    OTHER,
    REGION,
    Entry,
    allow,
    bucket,
    claims,
    deny,
    document,
    entry,
    graph,
    kms_key,
    platform,
    role,
    role_arn,
    tenant,
    trusts,
)

OWN = allow(["s3:GetObject", "s3:PutObject"], f"{LAKE}/acme/*")
ROOT = {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}
ALL = "*"


def lake(*statements: dict[str, Any]) -> list[Entry]:
    return platform(*bucket("lake", *statements))


def two(*statements: dict[str, Any], others: list[Entry] | None = None) -> Graph:
    """Acme with some grants, beside globex."""
    return graph(lake(), tenant("acme", *statements), tenant("globex"), others or [])


def on_bucket(*statements: dict[str, Any]) -> Graph:
    return graph(lake(*statements), tenant("acme"), tenant("globex"))


def with_evil(*grants: dict[str, Any]) -> Graph:
    """Acme with some grants, beside one whose name starts with acme's."""
    return graph(lake(), tenant("acme", *grants), tenant("acme-evil"))


def listing(**condition: Any) -> dict[str, Any]:
    return allow("s3:ListBucket", LAKE, **({"Condition": condition} if condition else {}))


def key_estate(*, bucket_keys: bool, context: str) -> Graph:
    root = allow("kms:*", Principal=ROOT)

    def grants(name: str) -> tuple[dict[str, Any], ...]:
        arn = context.replace("acme", name)
        condition = {"StringLike": {"kms:EncryptionContext:aws:s3:arn": arn}} if arn else {}
        return (
            allow("s3:GetObject", f"{LAKE}/{name}/*"),
            allow("kms:Decrypt", "*", Condition=condition) if arn else allow("kms:Decrypt"),
        )

    return graph(
        platform(
            *bucket("lake"),
            *kms_key("shared", root, encrypts="lake", bucket_keys=bucket_keys),
            owns=(LAKE, f"arn:aws:kms:{REGION}:{ACCOUNT}:alias/shared"),
        ),
        tenant("acme", *grants("acme")),
        tenant("globex", *grants("globex")),
    )


def tagged_role(trust: list[dict[str, Any]]) -> Graph:
    """A role for all soft tenants, scoped by the session's tag."""
    own = allow("s3:GetObject", f"{LAKE}/${{aws:PrincipalTag/tenant}}/*")
    return graph(
        lake(),
        role("shared", own, trust=trust),
        tenant("acme", allow("sts:*", role_arn("shared"))),
        tenant("globex", allow("sts:*", role_arn("shared"))),
    )


def pinned(name: str) -> dict[str, Any]:
    return trusts(
        {"AWS": role_arn(name)},
        "sts:AssumeRole",
        "sts:TagSession",
        Condition={"StringEquals": {"aws:RequestTag/tenant": name}},
    )


def table_estate(*more: Entry, settings: dict[str, Any] | None) -> Graph:
    name = "arn:aws:glue:eu-west-1:111111111111:table/lake/{}__*"
    found = [
        entry(
            "aws:lakeformation/permissions:Permissions",
            "acme-grant",
            principal=role_arn("acme"),
            permissions=["SELECT"],
            table={"databaseName": "lake", "name": "acme__events"},
        ),
        *more,
    ]
    if settings is not None:
        found.append(entry("aws:lakeformation/dataLakeSettings:DataLakeSettings", "s", **settings))
    return graph(
        lake(),
        tenant("acme"),
        tenant("globex"),
        [claims("acme", [name.format("acme")], ()), claims("globex", [name.format("globex")], ())],
        found,
    )


def definition(owner: str, runs_as: str) -> list[Entry]:
    arn = f"arn:aws:ecs:{REGION}:{ACCOUNT}:task-definition/{owner}"
    return [
        entry("aws:ecs/taskDefinition:TaskDefinition", owner, arn=f"{arn}:1", taskRoleArn=runs_as),
        claims(owner, [f"{arn}:*"], ()),
    ]


ECS = trusts(
    {"Service": "ecs-tasks.amazonaws.com"},
    Condition={"StringEquals": {"aws:SourceAccount": ACCOUNT}},
)


def daemon(*statements: dict[str, Any]) -> Graph:
    start = allow("ecs:RunTask", f"arn:aws:ecs:{REGION}:{ACCOUNT}:task-definition/*")
    own = allow("s3:GetObject", f"{LAKE}/acme/*")
    return graph(
        lake(),
        tenant("acme", own, trust=[ECS]),
        tenant("globex", allow("s3:GetObject", f"{LAKE}/globex/*"), trust=[ECS]),
        role("service", allow("s3:GetObject", f"{LAKE}/x"), trust=[ECS]),
        role("daemon", start, *statements, trust=[ECS]),
        definition("acme", role_arn("acme")),
        definition("globex", role_arn("globex")),
        [
            claims(None, [], [role_arn("daemon")], reason="starts tasks"),
            claims(None, [], [role_arn("service")], reason="serves"),
        ],
    )


def nessie(*, from_gateway: bool) -> Graph:
    def service(name: str, image: str, runs_as: str) -> list[Entry]:
        arn = f"arn:aws:ecs:{REGION}:{ACCOUNT}:task-definition/{name}"
        return [
            entry(
                "aws:ecs/taskDefinition:TaskDefinition",
                name,
                arn=f"{arn}:1",
                taskRoleArn=runs_as,
                containerDefinitions=f'[{{"name": "c", "image": "registry.example/{image}:1"}}]',
            ),
            entry("aws:ec2/securityGroup:SecurityGroup", f"{name}-group", id=f"sg-{name}"),
            entry(
                "aws:ecs/service:Service",
                name,
                taskDefinition=f"{arn}:1",
                networkConfiguration={"securityGroups": [f"sg-{name}"]},
            ),
        ]

    return graph(
        lake(),
        tenant("acme"),
        tenant("globex"),
        role(
            "nessie",
            allow("s3:GetObject", [f"{LAKE}/acme/metadata/*", f"{LAKE}/globex/metadata/*"]),
            trust=[ECS],
        ),
        role("gateway", trust=[ECS]),
        service("nessie", "nessie", role_arn("nessie")),
        service("gateway", "catalog-gateway", role_arn("gateway")),
        [
            entry(
                "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
                "in",
                securityGroupId="sg-nessie",
                **(
                    {"referencedSecurityGroupId": "sg-gateway"}
                    if from_gateway
                    else {"cidrIpv4": "10.0.0.0/8"}
                ),
            ),
            claims(None, [], [role_arn("nessie"), role_arn("gateway")], reason="the catalog"),
        ],
    )


def bounded(name: str, *statements: dict[str, Any]) -> list[Entry]:
    arn = f"arn:aws:iam::{ACCOUNT}:policy/{name}"
    return [entry("aws:iam/policy:Policy", name, arn=arn, name=name, policy=document(*statements))]


SILENT_BOUNDARY = f"arn:aws:iam::{ACCOUNT}:policy/silent"


def with_boundary(*statements: dict[str, Any]) -> Graph:
    own = allow("s3:GetObject", f"{LAKE}/acme/*")
    return graph(
        lake(*statements),
        bounded("silent", own),
        tenant("acme", own, boundary=SILENT_BOUNDARY),
        tenant("globex", allow("s3:GetObject", f"{LAKE}/globex/*"), boundary=SILENT_BOUNDARY),
    )


def hard(*, agents: int) -> Graph:
    """Two tenants in accounts of their own, whose jobs one role or one role each starts."""
    names = ["agent"] * 2 if agents == 1 else ["agent-acme", "agent-globex"]
    parts: list[list[Entry]] = []
    for name, account, agent in zip(
        ("acme", "globex"), (OTHER, "333333333333"), names, strict=True
    ):
        lake_of = f"arn:aws:s3:::{name}-lake"
        parts += [
            bucket(f"{name}-lake", account=account),
            role(
                name,
                allow("s3:GetObject", f"{lake_of}/*"),
                trust=[trusts({"AWS": role_arn(agent)})],
                account=account,
                tags={"tenant": name},
            ),
            [
                claims(
                    name,
                    [lake_of, f"{lake_of}/*", role_arn(name, account)],
                    [role_arn(name, account)],
                )
            ],
        ]
    for agent in dict.fromkeys(names):
        parts.append(role(agent, allow("sts:AssumeRole")))
    return graph(*parts)


CASES: dict[str, tuple[Callable[[], Graph], Answer, set[str]]] = {}


def case(number: str, answer: Answer, make: Callable[[], Graph], *tenants: str) -> None:
    CASES[number] = (make, answer, set(tenants))


V, P = Answer.VIOLATED, Answer.PROVEN

case("0 prefixes apart", P, two)
case(
    "1 a star right after a name",
    V,
    lambda: with_evil(allow("s3:*", f"{LAKE}/acme*")),
    "acme",
    "acme-evil",
)
case(
    "2 masked by a denial of all but the own",
    P,
    lambda: with_evil(
        allow("s3:GetObject", f"{LAKE}/acme*"),
        {"Effect": "Deny", "Action": "s3:*", "NotResource": f"{LAKE}/acme/*"},
    ),
)
case(
    "3 roles by a part of a name",
    V,
    lambda: graph(
        lake(),
        tenant("acme", OWN, allow("sts:AssumeRole", role_arn("acme-*"))),
        tenant("acme-etl", allow("s3:GetObject", f"{LAKE}/acme-etl/*"), trust=[trusts(ROOT)]),
    ),
    "acme",
    "acme-etl",
)
case(
    "5 one character is any",
    V,
    lambda: graph(lake(), tenant("acme", allow("s3:GetObject", f"{LAKE}/?cme/*")), tenant("ycme")),
    "acme",
    "ycme",
)
case(
    "6 NotResource in an Allow",
    V,
    lambda: two({"Effect": "Allow", "Action": "s3:GetObject", "NotResource": f"{LAKE}/acme/*"}),
    "acme",
    "globex",
)
case(
    "7 NotAction in an Allow",
    V,
    lambda: two({"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}),
    "acme",
    "globex",
)
case("8 listing without a prefix", V, lambda: two(OWN, listing()), "acme", "globex")
case("8b listing with one", P, lambda: two(OWN, listing(StringLike={"s3:prefix": "acme/*"})))
case(
    "9 a prefix may be empty",
    V,
    lambda: two(OWN, listing(StringLike={"s3:prefix": ["acme/*", ""]})),
    "acme",
    "globex",
)
case("10 versions", V, lambda: two(OWN, allow("s3:ListBucketVersions", LAKE)), "acme", "globex")
case(
    "10b uploads",
    V,
    lambda: two(OWN, allow("s3:ListBucketMultipartUploads", LAKE)),
    "acme",
    "globex",
)
case(
    "11 everybody of an organization",
    V,
    lambda: on_bucket(
        allow(
            "s3:GetObject",
            f"{LAKE}/*",
            Principal="*",
            Condition={"StringEquals": {"aws:PrincipalOrgID": "o-1"}},
        )
    ),
    "acme",
    "globex",
)
case(
    "12 everybody against a silent boundary",
    V,
    lambda: with_boundary(allow("s3:GetObject", f"{LAKE}/*", Principal="*")),
    "acme",
    "globex",
)
case("12b a boundary and no such policy", P, with_boundary)
case(
    "13 access points",
    V,
    lambda: graph(
        lake(
            allow(
                "s3:*",
                [LAKE, f"{LAKE}/*"],
                Principal="*",
                Condition={"StringEquals": {"s3:DataAccessPointAccount": ACCOUNT}},
            )
        ),
        tenant("acme", OWN, allow(["s3:CreateAccessPoint", "s3:PutAccessPointPolicy"])),
        tenant("globex"),
    ),
    "acme",
    "globex",
)
case(
    "14 batch operations with another's role",
    V,
    lambda: graph(
        lake(),
        tenant("acme", OWN, allow(["s3:CreateJob", "iam:PassRole"])),
        tenant(
            "globex",
            trust=[
                trusts(
                    {"Service": "batchoperations.s3.amazonaws.com"},
                    Condition={"StringEquals": {"aws:SourceAccount": ACCOUNT}},
                )
            ],
        ),
    ),
    "acme",
    "globex",
)
case(
    "15 the shared bucket's policy", V, lambda: two(OWN, allow("s3:PutBucketPolicy", LAKE)), "acme"
)
case(
    "16 the audit bucket",
    V,
    lambda: graph(
        lake(),
        platform(*bucket("audit"), owns=("arn:aws:s3:::audit", "arn:aws:s3:::audit/*")),
        tenant("acme", OWN, allow("s3:GetObject", "arn:aws:s3:::audit/*")),
        tenant("globex"),
    ),
    "acme",
)
case(
    "17 trust of the whole account",
    V,
    lambda: graph(
        lake(),
        tenant("acme", OWN, allow("sts:AssumeRole")),
        tenant("globex", trust=[trusts(ROOT)]),
    ),
    "acme",
    "globex",
)
case(
    "17b trust of the whole account, which nobody has a grant for",
    P,
    lambda: graph(lake(), tenant("acme"), tenant("globex", trust=[trusts(ROOT)])),
)
case(
    "18 a chain through nobody's role",
    V,
    lambda: graph(
        lake(),
        tenant("acme", OWN, allow("sts:AssumeRole", role_arn("etl"))),
        tenant("globex"),
        role(
            "etl",
            allow("s3:GetObject", f"{LAKE}/globex/*"),
            trust=[trusts({"AWS": role_arn("acme")})],
        ),
    ),
    "acme",
    "globex",
)
case(
    "19 a session's tag that its caller chooses",
    V,
    lambda: tagged_role(
        [
            trusts(
                {"AWS": [role_arn("acme"), role_arn("globex")]}, "sts:AssumeRole", "sts:TagSession"
            )
        ]
    ),
    "acme",
    "globex",
)
case(
    "20 a session's tag that is pinned", P, lambda: tagged_role([pinned("acme"), pinned("globex")])
)
case(
    "21 any role passed to what runs code",
    V,
    lambda: two(OWN, allow(["iam:PassRole", "lambda:CreateFunction", "lambda:InvokeFunction"])),
    "acme",
    "globex",
)
for number, action in (
    ("22 its own boundary", "iam:DeleteRolePermissionsBoundary"),
    ("22b its own trust", "iam:UpdateAssumeRolePolicy"),
    ("22c its own grants", "iam:PutRolePolicy"),
    ("22d a version of its policies", "iam:CreatePolicyVersion"),
):
    case(number, V, lambda action=action: two(OWN, allow(action)), "acme")  # type: ignore[misc]
case("23 any key", V, lambda: key_estate(bucket_keys=False, context=""), "acme", "globex")
case(
    "24 a key through a service only",
    V,
    lambda: graph(
        platform(
            *bucket("lake"),
            *kms_key("shared", allow("kms:*", Principal=ROOT), encrypts="lake"),
            owns=(LAKE, f"arn:aws:kms:{REGION}:{ACCOUNT}:alias/shared"),
        ),
        tenant(
            "acme",
            OWN,
            allow(
                "kms:Decrypt",
                Condition={"StringEquals": {"kms:ViaService": f"s3.{REGION}.amazonaws.com"}},
            ),
        ),
        tenant("globex"),
    ),
    "acme",
    "globex",
)
case(
    "25 Lake Formation still lets everybody in",
    V,
    lambda: table_estate(
        settings={
            "createTableDefaultPermissions": [
                {"principal": "IAM_ALLOWED_PRINCIPALS", "permissions": ["ALL"]}
            ]
        }
    ),
    "acme",
    "globex",
)
case("25b Lake Formation was never set", V, lambda: table_estate(settings=None), "acme", "globex")
case("25c Lake Formation is closed", P, lambda: table_estate(settings={"admins": []}))
case(
    "26 one location for all",
    V,
    lambda: table_estate(
        entry("aws:lakeformation/resource:Resource", "l", arn=LAKE, roleArn=role_arn("location")),
        entry(
            "aws:lakeformation/permissions:Permissions",
            "location-grant",
            principal=role_arn("acme"),
            permissions=["DATA_LOCATION_ACCESS"],
            dataLocation={"arn": LAKE},
        ),
        settings={"admins": []},
    ),
    "acme",
    "globex",
)
case(
    "27 a workgroup's result location is the caller's",
    V,
    lambda: two(
        others=[
            entry(
                "aws:athena/workgroup:Workgroup",
                "acme",
                arn=f"arn:aws:athena:{REGION}:{ACCOUNT}:workgroup/acme",
                name="acme",
                tags={"tenant": "acme"},
                configuration={"enforceWorkgroupConfiguration": False},
            )
        ]
    ),
    "acme",
)
case("28 one agent for several hard tenants", V, lambda: hard(agents=1), "acme", "globex")
case("28b an agent for each", P, lambda: hard(agents=2))
case(
    "29 a third party without an external id",
    V,
    lambda: graph(
        lake(),
        tenant("acme", OWN, trust=[trusts({"AWS": "arn:aws:iam::999999999999:role/vendor"})]),
        tenant("globex"),
    ),
    "acme",
)
case(
    "35 a daemon that starts only",
    P,
    lambda: daemon(allow("iam:PassRole", [role_arn("acme"), role_arn("globex")])),
)
case("35b a daemon that passes any role", V, lambda: daemon(allow("iam:PassRole")))
case(
    "35c a daemon that reads",
    V,
    lambda: daemon(allow("s3:GetObject", f"{LAKE}/*")),
    "acme",
    "globex",
)
READER = [allow("s3:GetObject", f"{LAKE}/acme/lakehouse/*")]


def reader(*statements: dict[str, Any]) -> Graph:
    return graph(
        lake(),
        tenant("acme"),
        role("acme-reader", *statements, tags={"tenant": "acme"}),
        [
            claims(
                "acme",
                [role_arn("acme-reader")],
                [role_arn("acme-reader")],
                restricted=[f"{LAKE}/acme/restricted/*"],
            )
        ],
    )


case(
    "36 a reader of restricted columns",
    V,
    lambda: reader(allow("s3:GetObject", f"{LAKE}/acme/*")),
    "acme",
)
case("36b a reader of public ones", P, lambda: reader(*READER))
case(
    "36c a reader of restricted names",
    V,
    lambda: reader(*READER, listing(StringLike={"s3:prefix": "acme/*"})),
    "acme",
)
case(
    "37 a context that bucket keys make the bucket's",
    V,
    lambda: key_estate(bucket_keys=True, context=LAKE),
    "acme",
    "globex",
)
case("37b a context of objects", P, lambda: key_estate(bucket_keys=False, context=f"{LAKE}/acme/*"))
case(
    "38 a shared Nessie without a gateway", V, lambda: nessie(from_gateway=False), "acme", "globex"
)
case("38b a shared Nessie behind one", P, lambda: nessie(from_gateway=True))
case(
    "39 a task with another's role",
    V,
    lambda: graph(lake(), tenant("acme"), tenant("globex"), definition("acme", role_arn("globex"))),
    "acme",
    "globex",
)
case(
    "39b a daemon that passes a role of no task",
    V,
    lambda: daemon(allow("iam:PassRole", [role_arn("acme"), role_arn("service")])),
)
STRANGER = [
    trusts(
        {"AWS": "arn:aws:iam::999999999999:role/x"},
        Condition={"StringEquals": {"sts:ExternalId": "a"}},
    )
]
case(
    "40 one outsider of two tenants",
    V,
    lambda: graph(lake(), tenant("acme", OWN, trust=STRANGER), tenant("globex", trust=STRANGER)),
    "acme",
    "globex",
)
case(
    "40b an outsider of one",
    P,
    lambda: graph(lake(), tenant("acme", OWN, trust=STRANGER), tenant("globex")),
)
case(
    "41 a false claim",
    V,
    lambda: graph(
        lake(), tenant("acme"), tenant("globex"), [claims("acme", [f"{LAKE}/globex/x/*"], ())]
    ),
    "acme",
    "globex",
)
case(
    "41b a claim on what is tagged for another",
    V,
    lambda: graph(
        lake(),
        tenant("acme"),
        tenant("globex"),
        bucket("own", tags={"tenant": "globex"}),
        [claims("acme", ["arn:aws:s3:::own", "arn:aws:s3:::own/*"], ())],
    ),
    "acme",
    "globex",
)
case(
    "42 a tag that is in no claim",
    V,
    lambda: graph(lake(), tenant("acme"), tenant("globex"), role("stray", tags={"tenant": "acme"})),
    "acme",
)
TAGGED = deny(
    "s3:*",
    f"{LAKE}/*",
    Principal="*",
    Condition={"StringNotEquals": {"aws:PrincipalTag/tenant": ["acme", "globex"]}},
)
BY_VARIABLE = {
    "Effect": "Deny",
    "Principal": "*",
    "Action": "s3:*",
    "NotResource": [LAKE, f"{LAKE}/${{aws:PrincipalTag/tenant}}/*"],
}


def fenced(*statements: dict[str, Any]) -> Graph:
    """Everybody may do everything in S3 by identity; the bucket's denials tell them apart."""
    return graph(
        lake(*statements),
        tenant("acme", allow(["s3:GetObject", "s3:PutObject"])),
        tenant("globex", allow(["s3:GetObject", "s3:PutObject"])),
        role("untagged", allow("s3:GetObject")),
    )


case("43 a denial by tag, and somebody untagged", V, lambda: fenced(BY_VARIABLE), "acme", "globex")
case("43b a denial of the untagged too", P, lambda: fenced(BY_VARIABLE, TAGGED))


def test_a_bucket_of_whose_account_nothing_tells_is_never_proven() -> None:
    grants = allow("s3:GetObject", f"{LAKE}/*")
    others = role("elsewhere", account=OTHER)
    verdict = prove(two(grants, others=others))
    assert {one.owner for one in verdict.counterexamples} == {"globex"}  # by its provider's ARNs
    untold = [{**one, "provider": ""} for one in lake()]
    estate = graph(untold, tenant("acme", grants), tenant("globex"), others)
    (told,) = prove(estate).unknowns
    assert "the account of urn:pulumi:test::estate::aws:s3/bucket:Bucket::lake is not known" in told
    assert not prove(estate).proven


@pytest.mark.parametrize("name", CASES)
def test_case(name: str) -> None:
    make, answer, tenants = CASES[name]
    verdict = prove(make(), Options(cross_check=True))
    assert verdict.answer is answer, _told(verdict)
    concerned = {one for found in verdict.counterexamples for one in found.tenants}
    assert tenants <= concerned
    assert not verdict.unknowns


def _told(verdict: Verdict) -> str:
    return "\n".join(
        (*(f"{one.rule}: {one}" for one in verdict.counterexamples), *verdict.unknowns)
    )
