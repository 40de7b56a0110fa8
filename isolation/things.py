"""What must not be reached: everything that is owned in an estate, as targets.

What a tenant owns is asked for any action. What the platform owns is too, unless tenants own parts
of it (a bucket of prefixes, their key, their database): of that only the control.
"""

import json
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property

from isolation.documents import Document
from isolation.graph import UNKNOWN, Resource
from isolation.guards import BUCKET, KEY, resource_policies
from isolation.inventory import SUBSCRIPTION, Inventory, is_arn, kind_of, tags, value, values
from isolation.ownership import Claim, Ownership
from isolation.partitions import in_s3, partition_of
from isolation.patterns import glob
from isolation.policy import Policy
from isolation.principals import account_of
from isolation.targets import ANY_RESOURCE, Target, Values, key, listing

ALIAS = "aws:kms/alias:Alias"
_TABLE, _DATABASE = "aws:glue/catalogTable:CatalogTable", "aws:glue/catalogDatabase:CatalogDatabase"
_CONTEXT = "kms:EncryptionContext:aws:s3:arn"

# Control of what tenants share, by service; reading and writing its parts is asked with the parts.
_CONTROL: dict[str, tuple[str, ...]] = {
    "s3": (
        "s3:PutBucket*",
        "s3:DeleteBucket*",
        "s3:PutLifecycleConfiguration",
        "s3:PutEncryptionConfiguration",
        "s3:PutReplicationConfiguration",
        "s3:PutInventoryConfiguration",
        "s3:PutAnalyticsConfiguration",
        "s3:PutMetricsConfiguration",
        "s3:PutIntelligentTieringConfiguration",
        "s3:PutAccelerateConfiguration",
    ),
    "kms": (
        "kms:PutKeyPolicy",
        "kms:CreateGrant",
        "kms:RevokeGrant",
        "kms:ScheduleKeyDeletion",
        "kms:DisableKey*",
        "kms:UpdateAlias",
        "kms:DeleteAlias",
        "kms:CreateAlias",
        "kms:TagResource",
        "kms:UntagResource",
        "kms:ReplicateKey",
        "kms:DeleteImportedKeyMaterial",
        "kms:UpdateKeyDescription",
    ),
    "glue": (
        "glue:DeleteDatabase",
        "glue:UpdateDatabase",
        "glue:PutResourcePolicy",
        "glue:DeleteResourcePolicy",
        "glue:PutDataCatalogEncryptionSettings",
    ),
}
_DEFAULT_KEY_POLICY = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"AWS": "%s"}, "Action": "kms:*", "Resource": "*"}
        ],
    }
)
"""What KMS gives a key without a policy of its own (KMS Developer Guide, "Default key policy")."""


@dataclass(eq=False)
class Thing:
    """Something owned: ``tenant`` is its owner, None for the platform. ``texts`` are all that the
    question about it is made of, so that two things with equal texts have equal answers.
    """

    arn: str
    tenant: str | None
    build: Callable[[], Target]
    documents: tuple[Document, ...] = ()
    urn: str = ""
    place: str = ""
    what: str = ""
    texts: tuple[str, ...] = ()
    restricted: bool = False
    account: str = ""

    @cached_property
    def target(self) -> Target:
        """The target, built when a question first needs it."""
        return self.build()

    @property
    def label(self) -> str:
        """What a reader calls it."""
        return f"{self.what} {self.arn}" if self.what else self.arn


@dataclass(frozen=True, slots=True)
class _Owned:
    """An ARN pattern and its owner, and where that is said."""

    arn: str
    tenant: str | None
    urn: str
    place: str


@dataclass(frozen=True)
class _Encryption:
    """The key of a bucket, and whether bucket keys are on."""

    key: Resource
    bucket_keys: bool


@dataclass
class Things:
    """Reads what is owned. ``unknowns`` are what is owned and was not found; ``mistagged`` are
    resources with ARN and tagged tenant that another tenant claims.
    """

    inventory: Inventory
    ownership: Ownership
    unknowns: list[str] = field(default_factory=list)
    mistagged: list[tuple[Resource, str, str | None, Claim]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._policies = resource_policies(self.inventory)
        self._aliases: dict[str, list[str]] = defaultdict(list)
        self._key_of_alias: dict[str, Resource] = {}
        for alias in self.inventory.of(ALIAS):
            name = str(value(alias, "name") or "")
            for one in self.inventory.meant(alias, "targetKeyId", KEY):
                if isinstance(one, Resource):
                    self._aliases[one.urn].append(name)
                    self._key_of_alias.setdefault(self.inventory.arn(alias), one)
        self._encryption = self._encryptions()
        self._claimed: dict[tuple[str, str | None], str] = {}
        self._parts: set[str] = set()

    # --- what is owned

    def read(self) -> Iterator[Thing]:
        """Everything that anybody owns."""
        owned = self._owned()
        self._parts = {
            part for one in owned if one.tenant is not None for part in self._wholes(one.arn)
        }
        for one in owned:
            yield from self._things(one)
        for account in self.inventory.accounts:
            yield from _of_account(account, self.inventory.partition_of_account(account))
        for claim in self.ownership.claims:
            for arn in claim.restricted:
                if in_s3(arn) and "/" in arn:
                    for thing in self._objects(_Owned(arn, claim.tenant, claim.urn, claim.place)):
                        thing.restricted = True
                        yield thing

    def _owned(self) -> list[_Owned]:
        """What is claimed, and what is not but has an owner by its tag.

        A pattern inside another of its owner's needs no question of its own.
        """
        found: dict[tuple[str, str | None], _Owned] = {}
        for claim in self.ownership.claims:
            for arn in claim.owns:
                owned = _Owned(arn, claim.tenant, claim.urn, claim.place)
                found.setdefault((arn, claim.tenant), owned)
        for kind in self.inventory.kinds:
            for resource in self.inventory.of(kind) if kind != ALIAS else ():
                for owned in self._unclaimed(kind, resource):
                    found.setdefault((owned.arn, owned.tenant), owned)
        wholes: dict[str | None, set[str]] = defaultdict(set)
        for arn, tenant in found:
            if arn.endswith("*"):
                wholes[tenant].add(arn[:-1])
        lengths = {tenant: sorted(set(map(len, heads))) for tenant, heads in wholes.items()}
        return [
            owned
            for owned in found.values()
            if not _inside(owned.arn, wholes[owned.tenant], lengths.get(owned.tenant, ()))
        ]

    def _unclaimed(self, kind: str, resource: Resource) -> Iterator[_Owned]:
        """What a resource is where no claim has it: its tag's tenant's, or the platform's."""
        arn = self.inventory.arn(resource)
        if not arn:
            return
        tenant = self.ownership.tenant_of_tags(tags(resource))
        claims = self._claims_on(kind, resource, arn)
        if claims:
            self._compare(resource, arn, tenant, claims)
        elif tenant is not None or self.ownership.by_claims:
            yield _Owned(arn, tenant, resource.urn, resource.place)
            if kind == BUCKET:
                yield _Owned(f"{arn}/*", tenant, resource.urn, resource.place)
        elif kind == BUCKET:
            # Nobody claims anything here: prefixes by a tenant's name are taken to be its.
            for name in self.ownership.tenants:
                yield _Owned(f"{arn}/{name}/*", name, resource.urn, resource.place)
            yield _Owned(arn, None, resource.urn, resource.place)

    def _claims_on(self, kind: str, resource: Resource, arn: str) -> list[Claim]:
        if kind != KEY:
            return self.ownership.owners(arn)
        return [
            claim
            for alias in self._aliases.get(resource.urn, ())
            for claim in self.ownership.owners(self._alias_arn(arn, alias))
        ]

    def _compare(
        self, resource: Resource, arn: str, tenant: str | None, claims: list[Claim]
    ) -> None:
        """Keep a tenant's claims on what is tagged otherwise; what has no tags tells nothing."""
        if "tags" not in resource.inputs and "tags" not in resource.outputs:
            return
        self.mistagged += [
            (resource, arn, tenant, claim)
            for claim in claims
            if claim.tenant is not None and claim.tenant != tenant
        ]

    @staticmethod
    def _alias_arn(key_arn: str, alias: str) -> str:
        return f"{key_arn.rpartition(':key/')[0]}:{alias}"

    def _wholes(self, arn: str) -> Iterator[str]:
        """What something of a tenant's is a part of."""
        service, _, rest = arn.split(":", 5)[2], "", arn.split(":", 5)[-1]
        if service == "s3":
            bucket = rest.partition("/")[0]
            whole = f"arn:{partition_of(arn)}:s3:::{bucket}"
            yield whole
            encryption = self._encryption.get(whole)
            if encryption is not None:
                yield encryption.key.urn
        if service == "glue" and rest.startswith("table/"):
            head = arn.rpartition(":")[0]
            yield f"{head}:database/{rest.split('/')[1]}"
            yield f"{head}:catalog"
        if service == "glue":
            yield f"{arn.rpartition(':')[0]}:catalog"

    # --- as targets

    def _things(self, owned: _Owned) -> Iterator[Thing]:
        arn = owned.arn
        parts = arn.split(":", 5)
        if len(parts) < 6:  # noqa: PLR2004 - an ARN's
            self.unknowns.append(f"{arn}, which {owned.urn} claims, is no ARN")
            return
        service, rest = parts[2], parts[5]
        if service == "s3" and not parts[4]:
            if "/" in rest:
                yield from self._objects(owned)
                yield from self._encrypted(owned)
            else:
                yield self._plain(owned, self._account_of_bucket(arn))
        elif service == "kms":
            yield from self._keys(owned)
        elif service == "logs" and not rest.endswith("*"):
            yield self._plain(owned, parts[4], extra=(f"{arn}:*",))
        elif service == "iam":
            yield self._plain(owned, parts[4], actions=("iam:*",))
        elif service in ("ecs", "rds"):
            yield self._plain(owned, parts[4], extra=tuple(_inside_of(arn)))
        else:
            yield self._plain(owned, parts[4])

    def _plain(
        self,
        owned: _Owned,
        account: str,
        actions: tuple[str, ...] = ("*",),
        extra: tuple[str, ...] = (),
    ) -> Thing:
        arn, tenant, what = owned.arn, owned.tenant, ""
        service = arn.split(":")[2]
        if tenant is None and arn in self._parts and service in _CONTROL:
            actions, what = _CONTROL[service], "the control of"
        policies = self._policies_on(arn)
        facts = self._facts(arn)
        return Thing(
            arn,
            tenant,
            lambda: Target(
                (arn, *extra),
                account,
                actions=actions,
                policies=_parsed(policies),
                facts=facts,
            ),
            policies,
            owned.urn,
            owned.place,
            what,
            texts=(arn, account, *actions, *map(str, sorted(facts.items()))),
            account=account,
        )

    def _facts(self, arn: str) -> dict[str, str | tuple[str, ...]]:
        """The tags of the resource, which conditions may read."""
        resource = next(iter(self._by_arn.get(arn, ())), None)
        if resource is None:
            return {}
        service = arn.split(":")[2]
        found: dict[str, str | tuple[str, ...]] = {"aws:ResourceTag/*": ()}
        for name, given in tags(resource).items():
            found[f"aws:ResourceTag/{name}"] = given
            found[f"{service}:ResourceTag/{name}"] = given
        return found

    @cached_property
    def _by_arn(self) -> dict[str, list[Resource]]:
        """What has an ARN, the thing itself before what only goes by its ARN (a subscription)."""
        found: dict[str, list[Resource]] = defaultdict(list)
        for kind in sorted(self.inventory.kinds, key=lambda kind: kind == SUBSCRIPTION):
            for resource in self.inventory.of(kind):
                if arn := self.inventory.arn(resource):
                    found[arn].append(resource)
        return found

    def _objects(self, owned: _Owned) -> Iterator[Thing]:
        arn, tenant = owned.arn, owned.tenant
        bucket, _, prefix = arn.partition("/")
        account = self._account_of_bucket(bucket)
        policies = self._policies_on(bucket)
        yield Thing(
            arn,
            tenant,
            lambda: Target((arn,), account, policies=_parsed(policies)),
            policies,
            owned.urn,
            owned.place,
            texts=(arn, account),
            account=account,
        )
        names = prefix.removesuffix("*")
        yield Thing(
            arn,
            tenant,
            lambda: listing(bucket, account, names, _parsed(policies)),
            policies,
            owned.urn,
            owned.place,
            "the names of",
            texts=("listing", arn, account),
            account=account,
        )

    def _encrypted(self, owned: _Owned) -> Iterator[Thing]:
        """What a tenant encrypts with a key that is not its own."""
        arn, tenant = owned.arn, owned.tenant
        bucket = arn.partition("/")[0]
        encryption = self._encryption.get(bucket)
        if encryption is None or tenant is None or self._owner_of_key(encryption.key) == tenant:
            return
        context = bucket if encryption.bucket_keys else arn
        yield self._key(
            encryption.key,
            owned,
            {_CONTEXT: Values((context,))},
            f"what is encrypted for {context} with",
        )

    def _keys(self, owned: _Owned) -> Iterator[Thing]:
        arn = owned.arn
        rest = arn.split(":", 5)[5]
        found = (
            self._key_of_alias.get(arn)
            if rest.startswith("alias/")
            else self.inventory.find(KEY, arn)
        )
        if found is None:
            self.unknowns.append(
                f"{owned.urn} claims {arn}, and no key of that name is in the state"
            )
            return
        yield self._key(found, owned, {}, "")
        if rest.startswith("alias/"):
            account = account_of(arn)
            yield Thing(
                arn,
                owned.tenant,
                lambda: Target((arn,), account, actions=("kms:*",)),
                (),
                owned.urn,
                owned.place,
                texts=(arn,),
                account=account,
            )

    def _key(
        self, resource: Resource, owned: _Owned, context: dict[str, Values], what: str
    ) -> Thing:
        tenant = owned.tenant
        arn = self.inventory.arn(resource)
        account = account_of(arn)
        policies = self._policies.get(resource.urn) or (
            Document(
                f"{resource.urn}#policy",
                _DEFAULT_KEY_POLICY % f"arn:{partition_of(arn)}:iam::{account}:root",
            ),
        )
        aliases = tuple(self._aliases.get(resource.urn, ()))
        shared = tenant is None and resource.urn in self._parts
        if shared:
            what = "the control of"

        def build() -> Target:
            whole = Policy(
                policies[0].name,
                tuple(s for one in policies for s in one.policy.statements),
            )
            target = key(arn, whole, {"kms:ResourceAliases": aliases}, context)
            if shared:
                target = Target(
                    target.resources,
                    account,
                    _CONTROL["kms"],
                    target.policies,
                    policy_must_allow=True,
                    facts=target.facts,
                )
            return target

        return Thing(
            arn,
            tenant,
            build,
            tuple(policies),
            owned.urn,
            owned.place,
            what,
            texts=(arn, *aliases, *(text for one in context.values() for text in one.patterns)),
            account=account,
        )

    # --- what hangs on what

    def _account_of_bucket(self, bucket: str) -> str:
        resource = self.inventory.find(BUCKET, bucket)
        if resource is not None:
            return self.inventory.account(resource)
        if len(self.inventory.accounts) > 1:
            self.unknowns.append(f"{bucket} is claimed and in no state: which account has it?")
        return self.inventory.accounts[0] if len(self.inventory.accounts) == 1 else ""

    def _owner_of_key(self, resource: Resource) -> str | None:
        arn = self.inventory.arn(resource)
        for alias in self._aliases.get(resource.urn, ()):
            for claim in self.ownership.owners(self._alias_arn(arn, alias)):
                return claim.tenant
        for claim in self.ownership.owners(arn):
            return claim.tenant
        return self.ownership.tenant_of_tags(tags(resource))

    def _encryptions(self) -> dict[str, _Encryption]:
        """Those of buckets, by ARN."""
        found: dict[str, _Encryption] = {}
        for kind in (
            "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
            "aws:s3/bucketServerSideEncryptionConfigurationV2:BucketServerSideEncryptionConfigurationV2",
        ):
            for resource in self.inventory.of(kind):
                for bucket in self.inventory.meant(resource, "bucket", BUCKET):
                    arn = (
                        f"arn:{self.inventory.partition(resource)}:s3:::{bucket}"
                        if isinstance(bucket, str)
                        else self.inventory.arn(bucket)
                    )
                    for rules in values(resource, "rules"):
                        for rule in rules if isinstance(rules, list) else []:
                            self._encryption_of(found, arn, rule, resource)
        return found

    def _encryption_of(
        self, found: dict[str, _Encryption], bucket: str, rule: object, of: Resource
    ) -> None:
        if not isinstance(rule, dict):
            return
        default = rule.get("applyServerSideEncryptionByDefault")
        given = default.get("kmsMasterKeyId") if isinstance(default, dict) else None
        resource = self.inventory.find(KEY, given)  # bucket names are global, key ids unique
        if given == UNKNOWN:
            resource = self._key_behind(of)
        if resource is None and isinstance(given, str):
            resource = self._key_of_alias.get(given) or next(
                (key for alias, key in self._key_of_alias.items() if alias.endswith(f":{given}")),
                None,
            )
        if resource is not None:
            on = bool(rule.get("bucketKeyEnabled"))
            known = found.get(bucket)
            found[bucket] = _Encryption(resource, on or (known is not None and known.bucket_keys))

    def _key_behind(self, encryption: Resource) -> Resource | None:
        """The key that a value comes from which is not known yet."""
        for urn in encryption.references.get("rules", ()):
            resource = self.inventory.by_urn.get(urn)
            if resource is not None and kind_of(resource) == KEY:
                return resource
            if resource is not None and kind_of(resource) == ALIAS:
                keys = self.inventory.meant(resource, "targetKeyId", KEY)
                return next((key for key in keys if isinstance(key, Resource)), None)
        return None

    def _policies_on(self, arn: str) -> tuple[Document, ...]:
        parts = arn.split(":", 5)
        whole = self._policies.get(f"{parts[2]}:{parts[4]}", ())
        known = self._by_arn.get(arn)
        if known:
            return (*(one for each in known for one in self._policies.get(each.urn, ())), *whole)
        if "*" not in arn and "?" not in arn:
            return (*self._policies.get(f"{parts[1]}:{parts[5]}", ()), *whole)
        pattern = glob(arn)
        found = list(whole)
        for at in range(bisect_left(self._guarded, (pattern.head, "")), len(self._guarded)):
            other, urn = self._guarded[at]
            if not other.startswith(pattern.head):
                break
            if pattern.matches(other):
                found += self._policies[urn]
        return tuple(found)

    @cached_property
    def _guarded(self) -> list[tuple[str, str]]:
        """ARN and URN of what has policies of its own, in order."""
        found = []
        for urn in self._policies:
            resource = self.inventory.by_urn.get(urn)
            arn = self.inventory.arn(resource) if resource is not None else ""
            if is_arn(arn):
                found.append((arn, urn))
        return sorted(found)


_IDENTITIES = (
    "iam:CreateRole",
    "iam:CreateUser",
    "iam:CreateAccessKey",
    "iam:CreateLoginProfile",
    "iam:UpdateLoginProfile",
    "iam:UpdateAssumeRolePolicy",
    "iam:PutRolePolicy",
    "iam:PutUserPolicy",
    "iam:PutGroupPolicy",
    "iam:AttachRolePolicy",
    "iam:AttachUserPolicy",
    "iam:AttachGroupPolicy",
    "iam:AddUserToGroup",
    "iam:CreatePolicyVersion",
    "iam:SetDefaultPolicyVersion",
    "iam:DeletePolicy*",
    "iam:PutRolePermissionsBoundary",
    "iam:DeleteRolePermissionsBoundary",
    "iam:PutUserPermissionsBoundary",
    "iam:DeleteUserPermissionsBoundary",
    "iam:TagRole",
    "iam:UntagRole",
    "iam:TagUser",
    "iam:UntagUser",
    "iam:DetachRolePolicy",
    "iam:DeleteRolePolicy",
    "iam:CreateServiceSpecificCredential",
    "iam:UploadSigningCertificate",
    "iam:DeactivateMFADevice",
    # Who says who comes from outside says who may become which role.
    "iam:CreateSAMLProvider",
    "iam:UpdateSAMLProvider",
    "iam:CreateOpenIDConnectProvider",
    "iam:UpdateOpenIDConnectProviderThumbprint",
    "iam:AddClientIDToOpenIDConnectProvider",
)
_GOVERNANCE = (
    "lakeformation:PutDataLakeSettings",
    "lakeformation:GrantPermissions",
    "lakeformation:BatchGrantPermissions",
    "lakeformation:RegisterResource",
    "lakeformation:UpdateResource",
    "lakeformation:AddLFTagsToResource",
    "lakeformation:RemoveLFTagsFromResource",
    "lakeformation:UpdateLFTag",
    "lakeformation:CreateLFTag",
    "lakeformation:CreateLFTagExpression",
    "lakeformation:UpdateLFTagExpression",
    "ram:CreateResourceShare",
    "s3:PutAccountPublicAccessBlock",
    "organizations:*",
)


def _of_account(account: str, partition: str) -> Iterator[Thing]:
    """What guards an account: whoever controls it can undo every other guard, also its own."""
    identities = tuple(
        f"arn:{partition}:iam::{account}:{kind}/*"
        for kind in ("role", "user", "group", "policy", "saml-provider", "oidc-provider")
    )
    for resources, actions, what in (
        (identities, _IDENTITIES, "the identities and guards of account"),
        ((ANY_RESOURCE,), _GOVERNANCE, "the governance of account"),
    ):
        yield Thing(
            account,
            None,
            lambda resources=resources, actions=actions: Target(  # type: ignore[misc]
                resources, account, actions=actions
            ),
            what=what,
            texts=(what, account),
            account=account,
        )


def _inside_of(arn: str) -> Iterator[str]:
    """What no state has and is reached by ARNs of its own: the tasks of a cluster, which have their
    roles' credentials, and the users of a database.
    """
    head, kind, rest = arn.rpartition(":cluster/")
    if kind and ":ecs:" in head:
        yield f"{head}:task/{rest}/*"
        yield f"{head}:container-instance/{rest}/*"
    head, kind, _ = arn.rpartition(":db:")
    if kind and ":rds:" in head:
        yield f"{head.replace(':rds:', ':rds-db:')}:dbuser:*/*"


def _inside(arn: str, heads: set[str], lengths: Iterable[int]) -> bool:
    """Whether some head that is shorter than the pattern's own starts it; ``lengths`` are theirs,
    in order.
    """
    own = len(arn) - 1 if arn.endswith("*") else len(arn)
    for length in lengths:
        if length >= own:
            return False
        if arn[:length] in heads:
            return True
    return False


def _parsed(policies: Iterable[Document]) -> tuple[Policy, ...]:
    return tuple(one.policy for one in policies)
