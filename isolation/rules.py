"""What is wrong with an estate before any policy is asked: false claims, missing guards, trust
that nobody can rely on. What these rules find is a violation like any other.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from isolation.actors import Actor
from isolation.classes import Classes
from isolation.documents import Document, UnknownDocument
from isolation.estate import Estate
from isolation.flows import flows, opened
from isolation.graph import Resource
from isolation.inventory import is_arn, tags, value, values
from isolation.nessie import nessies
from isolation.principals import Kind, account_of
from isolation.sessions import opens, unbound
from isolation.verdict import Counterexample, Place

_EXTERNAL_ID = "sts:externalid"
_ROLE = "aws:iam/role:Role"
_MOST_DISPUTES = 50

_ACTS_AS = frozenset(
    """
    executionRole executionRoleArn instanceRoleArn jobRoleArn nodeRoleArn role roleArn serviceRole
    serviceRoleArn taskRoleArn
    """.split()  # noqa: SIM905 - reads better than ten quoted words
)
"""Properties that name the role which a resource acts as."""
_HOLDING = frozenset(
    """
    extendedS3Configuration httpEndpointConfiguration instanceConfiguration s3Configuration stages
    target targets
    """.split()  # noqa: SIM905 - as above
)
"""Properties with such a property inside."""
_ROLES_IN = _ACTS_AS | _HOLDING
# What names a role without acting as it: its policies, and what Lake Formation lets it do.
_NAMING = ("aws:iam/", "aws:lakeformation/")
_PROFILE = "aws:iam/instanceProfile:InstanceProfile"
# Modules of the provider whose resources hold no data and no policy that grants it.
_HARMLESS = frozenset(
    """
    acm alb appautoscaling athena autoscaling budgets cfg cloudfront cloudtrail cloudwatch dynamodb
    ec2 ecr ecs glue iam index kinesis kms lakeformation lambda lb organizations ram rds
    resourcegroups route53 s3 secretsmanager servicediscovery sns sqs ssm vpc wafv2
    """.split()  # noqa: SIM905 - reads better than thirty quoted words
)
_PUBLIC_ACLS = ("public-read", "public-read-write", "authenticated-read")
# Types that hand out access in a way that is not read here.
_NOT_UNDERSTOOD = {
    "aws:cloudwatch/eventPermission:EventPermission": "lets others send events",
    "aws:ecr/replicationConfiguration:ReplicationConfiguration": "copies images",
    "aws:ram/principalAssociation:PrincipalAssociation": "shares resources with other accounts",
    "aws:ram/resourceAssociation:ResourceAssociation": "shares resources with other accounts",
    "aws:ram/resourceShare:ResourceShare": "shares resources with other accounts",
    "aws:s3control/accessGrant:AccessGrant": "grants access to prefixes",
    "aws:s3control/multiRegionAccessPoint:MultiRegionAccessPoint": "is another way to a bucket",
    "aws:s3control/objectLambdaAccessPoint:ObjectLambdaAccessPoint": "is another way to a bucket",
    "aws:transfer/user:User": "reads and writes objects",
    "aws:cognito/identityPoolRoleAttachment:IdentityPoolRoleAttachment": "hands out roles",
    "aws:ssoadmin/permissionSet:PermissionSet": "makes roles",
    "aws:rolesanywhere/profile:Profile": "hands out roles",
    "aws:eks/podIdentityAssociation:PodIdentityAssociation": "hands out roles",
    "aws:cloudformation/stack:Stack": "makes resources that no state knows",
}


@dataclass
class Ruled:
    """What the rules found, and what they did not understand."""

    found: list[Counterexample] = field(default_factory=list)
    unknowns: list[str] = field(default_factory=list)


def rules(estate: Estate, classes: Classes) -> Ruled:
    """Apply all rules; those that read policies to one of each kind of tenant."""
    found = [
        *_claims(estate),
        *_tags(estate),
        *_boundaries(estate),
        *unbound(estate.roles, estate.tenants),
        *_running(estate),
        *_third_parties(estate, classes),
        *_public(estate),
        *_workgroups(estate),
        *flows(estate),
        *opened(estate),
        *estate.open_tables,
        *nessies(estate, classes),
    ]
    return Ruled(found, list(dict.fromkeys(_unknowns(estate, classes))))


def _claims(estate: Estate) -> Iterator[Counterexample]:
    """No two tenants own the same, and nobody acts for two."""
    for number, (one, pattern, other, second) in enumerate(estate.ownership.disputed()):
        if number == _MOST_DISPUTES:
            return
        yield Counterexample(
            rule="two tenants claim the same",
            principal=f"the claims of {one.urn}",
            tenant=one.tenant,
            action="owns",
            resource=pattern if len(pattern) > len(second) else second,
            owner=other.tenant,
            because=(Place(pattern, one.urn, one.place), Place(second, other.urn, other.place)),
            remedy="let each claim only what its component makes",
        )
    for principal in estate.ownership.claimed_principals:
        claims = {
            (claim.tenant, claim.session_tag): claim for claim in estate.ownership.acting(principal)
        }
        tenants = [name for name, _ in claims if name is not None]
        shared = any(tag for _, tag in claims)
        if len(claims) > 1 and (tenants or shared):
            yield Counterexample(
                rule="a principal is claimed to act for several",
                principal=principal,
                tenant=next(iter(tenants), None),
                action="acts for",
                resource=principal,
                owner=tenants[1] if len(tenants) > 1 else None,
                because=tuple(Place("principals", one.urn, one.place) for one in claims.values()),
                remedy="give each tenant a principal of its own",
            )


def _tags(estate: Estate) -> Iterator[Counterexample]:
    """What is tagged for a tenant is not another's; a role with a tenant's tag is in its claims."""
    if not estate.ownership.by_claims:
        return
    for resource, arn, tagged, claim in estate.mistagged:
        told = tags(resource).get(estate.ownership.tag)
        yield Counterexample(
            rule="what is tagged for one is claimed by another",
            principal=f"the claims of {claim.urn}",
            tenant=claim.tenant,
            action="owns",
            resource=arn,
            owner=tagged,
            because=(
                Place(f"owns {arn}", claim.urn, claim.place),
                Place(f"{estate.ownership.tag}={told}", resource.urn, resource.place),
            ),
            remedy="let the claim and the tag name the same tenant",
        )
    for actor in estate.roles:
        tagged = estate.ownership.tenant_of_tags(_tags_of(actor))
        if tagged is None or actor.kind is not Kind.ROLE:
            continue
        if not estate.ownership.acting(actor.arn):
            yield Counterexample(
                rule="a role has a tenant's tag and is in no claim",
                principal=actor.arn,
                tenant=None,
                action="acts for",
                resource=actor.arn,
                owner=tagged,
                because=(Place(f"{estate.ownership.tag}={tagged}", actor.urn, actor.place),),
                remedy="remove the role or its tag, or claim it where it is made",
            )
        elif actor.tenant != tagged:
            yield Counterexample(
                rule="a role acts for one and is tagged for another",
                principal=actor.arn,
                tenant=actor.tenant,
                action="acts for",
                resource=actor.arn,
                owner=tagged,
                because=(Place(f"{estate.ownership.tag}={tagged}", actor.urn, actor.place),),
                remedy="let the claim and the tag name the same tenant",
            )


def _tags_of(actor: Actor) -> dict[str, str]:
    prefix = "aws:PrincipalTag/"
    return {
        key.removeprefix(prefix): text
        for key, text in actor.facts.items()
        if isinstance(text, str) and key.startswith(prefix)
    }


def _boundaries(estate: Estate) -> Iterator[Counterexample]:
    """Where roles of tenants have boundaries, each has one, and so has each that they share."""
    roles = [
        actor
        for actor in estate.roles
        if (actor.tenant is not None or actor.session_tag) and actor.kind is not Kind.ROOT
    ]
    if not any(actor.boundary for actor in roles):
        return
    for actor in roles:
        if actor.boundary is None:
            yield Counterexample(
                rule="a tenant's role has no permissions boundary, and others have one",
                principal=actor.arn,
                tenant=actor.tenant,
                action="is not bounded",
                resource=actor.arn,
                owner=actor.tenant,
                because=(Place("permissionsBoundary", actor.urn, actor.place),),
                remedy="give the role its tenant's boundary, and keep the boundary in the estate",
            )


def _running(estate: Estate) -> Iterator[Counterexample]:
    """What a tenant's resource acts as is its own role; what the platform's does is no tenant's."""
    for kind in estate.inventory.kinds:
        if not kind.startswith("aws:") or (kind.startswith(_NAMING) and kind != _PROFILE):
            continue
        for resource in estate.inventory.of(kind):
            # Most name no role: asked here, since there are many.
            if _ROLES_IN.isdisjoint(resource.inputs) and _ROLES_IN.isdisjoint(resource.outputs):
                continue
            for name, arn in dict.fromkeys(_roles_of(estate, resource)):
                for role in estate.roles_named(arn):
                    yield from _run_as(estate, resource, name, role)


def _roles_of(estate: Estate, resource: Resource) -> Iterator[tuple[str, str]]:
    """The properties that name a role of the estate, with its ARN."""
    for side in (resource.inputs, resource.outputs):
        for name in _ACTS_AS & side.keys():
            for meant in estate.inventory.meant(resource, name, _ROLE):
                yield name, meant if isinstance(meant, str) else estate.inventory.arn(meant)
        for name in _HOLDING & side.keys():
            yield from _nested(name, side[name])


def _nested(path: str, given: object) -> Iterator[tuple[str, str]]:
    if isinstance(given, list):
        for one in given:
            yield from _nested(path, one)
    elif isinstance(given, dict):
        for name, one in given.items():
            if name in _ACTS_AS and isinstance(one, str):
                yield f"{path}.{name}", one
            else:
                yield from _nested(f"{path}.{name}", one)


def _run_as(estate: Estate, resource: Resource, name: str, role: Actor) -> Iterator[Counterexample]:
    owner = _owner(estate, resource)
    if role.tenant == owner:
        return
    if role.tenant is None and name == "executionRoleArn":
        return  # the agent's, not the code's: ECS Developer Guide
    if owner is None:
        rule = "the platform's code runs as a tenant's role"
    elif role.tenant is None:
        rule = "a tenant's code runs as a role that is not the tenant's"
    else:
        rule = "a tenant's code runs as another's role"
    yield Counterexample(
        rule=rule,
        principal=estate.inventory.arn(resource) or resource.urn,
        tenant=owner,
        action="runs as",
        resource=role.arn,
        owner=role.tenant,
        because=(Place(f"{name} = {role.arn}", resource.urn, resource.place),),
        remedy=f"set {name} to a role of the same owner",
    )


def _owner(estate: Estate, resource: Resource) -> str | None:
    arn = estate.inventory.arn(resource)
    for claim in estate.ownership.owners(arn) if arn else ():
        return claim.tenant
    return estate.ownership.tenant_of_tags(tags(resource))


def _third_parties(estate: Estate, classes: Classes) -> Iterator[Counterexample]:
    """Whoever comes from an account outside the estate brings an external id, so that nobody can
    send them (IAM User Guide, "The confused deputy problem").
    """
    for actor in classes.everybody():
        of_nobody = actor.tenant is None and actor.reason is None and not actor.session_tag
        if actor.trust is None or of_nobody:
            continue
        for statement in actor.trust.policy.allows:
            if any(condition.key == _EXTERNAL_ID for condition in statement.conditions):
                continue
            if not opens(statement):
                continue  # it gives tags to a session that another statement lets in
            for kind, name in statement.principals or ():
                account = name if name.isdigit() else "".join(name.split(":")[4:5])
                if kind == "AWS" and account and account not in estate.inventory.accounts:
                    yield Counterexample(
                        rule="another account's principal is trusted without an external id",
                        principal=name,
                        tenant=None,
                        action="sts:AssumeRole",
                        resource=actor.arn,
                        owner=actor.tenant,
                        because=(
                            Place(f"{statement.label} (assumeRolePolicy)", actor.urn, actor.place),
                        ),
                        remedy="ask for `sts:ExternalId` in the trust policy",
                    )


def _public(estate: Estate) -> Iterator[Counterexample]:
    """No bucket is opened by an access control list."""
    for kind in (
        "aws:s3/bucket:Bucket",
        "aws:s3/bucketAcl:BucketAcl",
        "aws:s3/bucketAclV2:BucketAclV2",
    ):
        for resource in estate.inventory.of(kind):
            for told in _granted_by_list(resource):
                buckets = estate.inventory.meant(resource, "bucket", "aws:s3/bucket:Bucket")
                of = next((one for one in buckets if isinstance(one, Resource)), resource)
                yield Counterexample(
                    rule="a bucket is open to others by its access control list",
                    principal="*",
                    tenant=None,
                    action="s3:GetObject",
                    resource=str(value(resource, "bucket")),
                    owner=_owner(estate, of),
                    because=(Place(told, resource.urn, resource.place),),
                    remedy="remove the access control list",
                )


def _granted_by_list(resource: Resource) -> Iterator[str]:
    """What an access control list gives to anybody but the bucket's owner."""
    for acl in values(resource, "acl"):
        if acl in _PUBLIC_ACLS:
            yield f"acl = {acl}"
    for given in (*values(resource, "accessControlPolicy"), {"grants": value(resource, "grants")}):
        policy = given if isinstance(given, dict) else {}
        owner = policy.get("owner")
        own = owner.get("id") if isinstance(owner, dict) else None
        grants = policy.get("grants")
        for grant in grants if isinstance(grants, list) else ():
            grantee = grant.get("grantee", grant) if isinstance(grant, dict) else {}
            who = grantee.get("uri") or grantee.get("id") or grantee.get("emailAddress")
            if who and who != own:
                yield f"a grant to {who}"


def _workgroups(estate: Estate) -> Iterator[Counterexample]:
    """Where a query's result goes is the workgroup's to say, not the caller's (Athena User Guide,
    "Workgroup settings override client-side settings").
    """
    for resource in estate.inventory.of("aws:athena/workgroup:Workgroup"):
        for given in values(resource, "configuration") or [{}]:
            configuration = given if isinstance(given, dict) else {}
            result = configuration.get("resultConfiguration")
            location = result.get("outputLocation") if isinstance(result, dict) else None
            if configuration.get("enforceWorkgroupConfiguration", True) is True and location:
                continue
            yield Counterexample(
                rule="a workgroup lets its caller choose where results go",
                principal=estate.inventory.arn(resource) or resource.urn,
                tenant=_owner(estate, resource),
                action="athena:StartQueryExecution",
                resource=str(location or "any location"),
                owner=None,
                because=(Place("enforceWorkgroupConfiguration", resource.urn, resource.place),),
                remedy="enforce the workgroup's configuration, with a location of its tenant",
            )
            break


def _unknowns(estate: Estate, classes: Classes) -> Iterator[str]:
    """What is in the estate and was not understood."""
    for actor in classes.everybody():
        yield from _unreadable(actor.documents)
    for thing in classes.everything():
        yield from _unreadable(thing.documents)
    for claim in estate.ownership.claims:
        for principal in claim.principals if claim.tenant is not None or claim.session_tag else ():
            if not estate.roles_named(principal) and not _elsewhere(estate, principal):
                yield f"{claim.urn} claims the principal {principal}, which no state has"
    for kind in estate.inventory.kinds:
        if kind in _NOT_UNDERSTOOD:
            for resource in estate.inventory.of(kind):
                yield f"{resource.urn} ({kind}) {_NOT_UNDERSTOOD[kind]}"
        elif kind.startswith("aws:") and kind not in _READ:
            yield from _unread(estate, kind)


def _elsewhere(estate: Estate, principal: str) -> bool:
    """Whether it is of an account that the estate does not hold, so that no state could have it."""
    return is_arn(principal) and account_of(principal) not in estate.inventory.accounts


def _unread(estate: Estate, kind: str) -> Iterator[str]:
    """Resources of a type that is not read, where they could hold data or grant it."""
    module = kind.split(":")[1].partition("/")[0]
    harmless, limiting = module in _HARMLESS, module in _LIMITING
    for resource in estate.inventory.of(kind):
        inputs, outputs = resource.inputs, resource.outputs
        if not (limiting or (_OF_POLICIES.isdisjoint(inputs) and _OF_POLICIES.isdisjoint(outputs))):
            name = min(_OF_POLICIES & (inputs.keys() | outputs.keys()))
            yield f"{name} of {resource.urn} ({kind}) is of a kind that is not read"
        elif not harmless and not estate.inventory.arn(resource):
            yield f"{resource.urn}: resources of type {kind} are not known here"


_LIMITING = ("ec2", "vpc")
"""Modules whose policies only limit, as those of endpoints: to leave them out allows more."""
_OF_POLICIES = frozenset(
    ("policy", "policyDocument", "resourcePolicy", "accessPolicies", "accessPolicy")
)
_READ = frozenset(
    {
        "aws:cloudwatch/logResourcePolicy:LogResourcePolicy",
        "aws:dynamodb/resourcePolicy:ResourcePolicy",
        "aws:ecr/repositoryPolicy:RepositoryPolicy",
        "aws:ecr/lifecyclePolicy:LifecyclePolicy",
        "aws:glue/resourcePolicy:ResourcePolicy",
        "aws:iam/groupPolicy:GroupPolicy",
        "aws:iam/policy:Policy",
        "aws:iam/role:Role",
        "aws:iam/rolePolicy:RolePolicy",
        "aws:iam/userPolicy:UserPolicy",
        "aws:kinesis/resourcePolicy:ResourcePolicy",
        "aws:kms/key:Key",
        "aws:kms/keyPolicy:KeyPolicy",
        "aws:organizations/policy:Policy",
        # What they allow counts only where the bucket's policy allows it too (S3 User Guide,
        # "Access point policies"), and that is asked as if anybody had an access point.
        "aws:s3/accessPoint:AccessPoint",
        "aws:s3control/accessPointPolicy:AccessPointPolicy",
        "aws:s3/bucket:Bucket",
        "aws:s3/bucketPolicy:BucketPolicy",
        "aws:secretsmanager/secret:Secret",
        "aws:secretsmanager/secretPolicy:SecretPolicy",
        "aws:sns/topic:Topic",
        "aws:sns/topicPolicy:TopicPolicy",
        "aws:sqs/queue:Queue",
        "aws:sqs/queuePolicy:QueuePolicy",
    }
)


def _unreadable(documents: Iterable[Document]) -> Iterator[str]:
    for one in documents:
        if isinstance(one, UnknownDocument):
            yield one.why
        elif one.json is None:
            yield one.error or f"{one.name} is no JSON"
