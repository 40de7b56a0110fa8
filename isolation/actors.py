"""Who can make calls in an estate: its roles and users, and whom its policies name besides."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from isolation.documents import Document, UnknownDocument, document, managed
from isolation.facts import Given
from isolation.graph import Resource
from isolation.inventory import Inventory, as_text, is_arn, is_hidden, tags, texts, values
from isolation.ownership import Claim, Ownership
from isolation.policy import Policy
from isolation.principals import Kind, Principal
from isolation.targets import Values

_ROLE, _USER, _GROUP = "aws:iam/role:Role", "aws:iam/user:User", "aws:iam/group:Group"
_POLICY = "aws:iam/policy:Policy"
_READER = re.compile(r"(?:^|[-_/.])readers?$", re.IGNORECASE)


@dataclass(eq=False)
class Actor:
    """A principal with all that hangs on it, before any policy is parsed.

    ``tenant`` is whom it acts for; ``reason`` why the platform declares it, None if it does not;
    ``reaches`` the most that it may reach by that declaration. ``trust`` guards becoming it;
    of a session with given tags ``tagging`` is what lets it have them, and ``asks`` the tags that a
    request for it has. ``session_tag`` is the tag that names whom a session acts for, of a role
    that is claimed to be shared by tenants.
    ``assumed`` says what is taken for granted of one whose policies are nowhere in the estate; a
    ``stranger`` is whoever happens to come, and nobody whom a policy means.
    """

    arn: str
    kind: Kind
    account: str
    urn: str = ""
    place: str = ""
    tenant: str | None = None
    reason: str | None = None
    reaches: tuple[str, ...] | None = None
    identity: tuple[Document, ...] | None = ()
    boundary: Document | None = None
    trust: Document | None = None
    tagging: Policy | None = None
    asks: Mapping[str, Values] = field(default_factory=dict)
    session_tag: str = ""
    facts: Given = field(default_factory=dict)
    free: frozenset[str] = frozenset()
    session: str = ""
    assumed: str = ""
    stranger: bool = False

    @cached_property
    def principal(self) -> Principal:
        """The caller that policies are decided for."""
        return Principal(
            self.arn,
            self.kind,
            identity=None
            if self.identity is None
            else tuple(document.policy for document in self.identity),
            boundary=self.boundary.policy if self.boundary else None,
            facts=self.facts,
            free=self.free,
        )

    @property
    def is_reader(self) -> bool:
        """Whether restricted columns are not for it: told by the end of its name."""
        return bool(_READER.search(self.arn))

    @property
    def label(self) -> str:
        """Its ARN, and which of its sessions is meant."""
        return f"{self.arn} ({self.session})" if self.session else self.arn

    @property
    def documents(self) -> Iterator[Document]:
        """All policies that hang on it."""
        yield from self.identity or ()
        for one in (self.boundary, self.trust):
            if one is not None:
                yield one

    @cached_property
    def services(self) -> frozenset[str]:
        """The services that its trust lets in."""
        return frozenset(
            name
            for statement in (self.trust.policy.allows if self.trust else ())
            for kind, name in statement.principals or ()
            if kind == "Service"
        )


class Actors:
    """Reads the roles and users of a graph. ``unknowns`` are policies of nobody in it."""

    def __init__(self, inventory: Inventory, ownership: Ownership) -> None:
        self._inventory = inventory
        self._ownership = ownership
        self.unknowns: list[str] = []
        self._inline = self._attached_inline()
        self._managed = self._attached_managed()

    def read(self) -> Iterator[Actor]:
        """All roles and users, each once."""
        for kind, caller in ((_ROLE, Kind.ROLE), (_USER, Kind.USER)):
            for resource in self._inventory.of(kind):
                arn = self._inventory.arn(resource)
                if is_arn(arn):
                    yield self._actor(resource, caller, arn)

    def _actor(self, resource: Resource, kind: Kind, arn: str) -> Actor:
        given = tags(resource)
        actor = Actor(
            arn,
            kind,
            self._inventory.account(resource),
            resource.urn,
            resource.place,
            identity=tuple(self._identity(resource)),
            boundary=self._boundary(resource),
            trust=document(resource, "assumeRolePolicy"),
            facts={
                "aws:PrincipalTag/*": (),
                **{f"aws:PrincipalTag/{key}": value for key, value in given.items()},
            },
        )
        return acting(actor, self._ownership, given)

    def _identity(self, resource: Resource) -> Iterator[Document]:
        for index, inline in enumerate(texts_of_mappings(resource, "inlinePolicies")):
            yield Document(f"{resource.urn}#inlinePolicies[{index}]", inline)
        yield from self._inline.get(resource.urn, ())
        found = self._inventory.meant(resource, "managedPolicyArns", _POLICY)
        yield from self._of_arns([*found, *self._managed.get(resource.urn, ())])
        for group in self._groups_of(resource):
            yield from self._identity(group)

    def _of_arns(self, found: Iterable[Resource | str]) -> Iterator[Document]:
        for one in _distinct(found):
            if isinstance(one, str):
                yield managed(one)
            elif (policy := document(one, "policy")) is not None:
                yield policy

    def _boundary(self, resource: Resource) -> Document | None:
        sides = [side for side in (resource.outputs, resource.inputs) if side]
        if not all(side.get("permissionsBoundary") for side in sides) or not sides:
            return None  # where program and cloud differ, there is none
        found = self._inventory.meant(resource, "permissionsBoundary", _POLICY)
        policies = [one for one in found if isinstance(one, Resource)]
        if len(found) == len(policies) == 1:
            return document(policies[0], "policy")
        # What it limits is not known: so it limits nothing.
        return None

    def _groups_of(self, user: Resource) -> Iterator[Resource]:
        for kind in (
            "aws:iam/userGroupMembership:UserGroupMembership",
            "aws:iam/groupMembership:GroupMembership",
        ):
            for membership in self._inventory.of(kind):
                names = [*texts(membership, "user"), *texts(membership, "users")]
                if any(self._inventory.find(_USER, name, membership) is user for name in names):
                    for group in (*texts(membership, "groups"), *texts(membership, "group")):
                        found = self._inventory.find(_GROUP, group, membership)
                        if found is not None:
                            yield found

    def _attached_inline(self) -> Mapping[str, list[Document]]:
        found: dict[str, list[Document]] = defaultdict(list)
        for kind, holder, name in (
            ("aws:iam/rolePolicy:RolePolicy", _ROLE, "role"),
            ("aws:iam/userPolicy:UserPolicy", _USER, "user"),
            ("aws:iam/groupPolicy:GroupPolicy", _GROUP, "group"),
        ):
            for resource in self._inventory.of(kind):
                policy = document(resource, "policy")
                for one in self._inventory.meant(resource, name, holder):
                    if isinstance(one, str):
                        self.unknowns.append(f"{resource.urn} is for {one}, which no state has")
                    elif policy is not None:
                        found[one.urn].append(policy)
        return found

    def _attached_managed(self) -> Mapping[str, list[Resource | str]]:
        found: dict[str, list[Resource | str]] = defaultdict(list)
        for kind in (
            "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
            "aws:iam/userPolicyAttachment:UserPolicyAttachment",
            "aws:iam/groupPolicyAttachment:GroupPolicyAttachment",
            "aws:iam/policyAttachment:PolicyAttachment",
        ):
            for resource in self._inventory.of(kind):
                policies = self._inventory.meant(resource, "policyArn", _POLICY)
                for names, holder in (
                    (("role", "roles"), _ROLE),
                    (("user", "users"), _USER),
                    (("group", "groups"), _GROUP),
                ):
                    for name in names:
                        for one in self._inventory.meant(resource, name, holder):
                            if isinstance(one, str):
                                self.unknowns.append(
                                    f"{resource.urn} is for {one}, which no state has"
                                )
                            else:
                                found[one.urn] += policies
        return found


def _distinct(found: Iterable[Resource | str]) -> list[Resource | str]:
    return list({one if isinstance(one, str) else one.urn: one for one in found}.values())


def texts_of_mappings(resource: Resource, name: str) -> Iterator[str]:
    """The policies in a list of ``{name, policy}``, in the cloud's and the program's spelling."""
    for given in values(resource, name):
        for one in given if isinstance(given, list) else []:
            policy = one.get("policy") if isinstance(one, Mapping) else None
            if is_hidden(policy):
                yield "a policy that is not known"
            elif policy:
                yield as_text(policy)


def acting(actor: Actor, ownership: Ownership, given: Mapping[str, str]) -> Actor:
    """The actor with whom it acts for: by a claim, or else by its tag."""
    claims = ownership.acting(actor.arn)
    tenants = [claim for claim in claims if claim.tenant is not None]
    shared = [claim for claim in claims if claim.session_tag]
    platform = [claim for claim in claims if claim.tenant is None]
    if tenants:
        return replace(actor, tenant=tenants[0].tenant)
    if shared:
        return replace(actor, session_tag=shared[0].session_tag)
    if platform:
        limits = [claim.reaches for claim in platform if claim.reaches is not None]
        return replace(
            actor,
            reason="; ".join(dict.fromkeys(claim.reason for claim in platform)),
            reaches=tuple(text for limit in limits for text in limit) if limits else None,
        )
    return replace(actor, tenant=ownership.tenant_of_tags(given))


def named_in(documents: Iterable[Document]) -> set[tuple[str, str]]:
    """The principals that resource policies and trust policies let in: type and name."""
    found: set[tuple[str, str]] = set()
    for one in documents:
        found |= named_by(one.json)
    return found


def named_by(given: Any) -> set[tuple[str, str]]:  # noqa: ANN401 - a policy as JSON
    """The principals of the statements that allow, in a policy as JSON."""
    found: set[tuple[str, str]] = set()
    statements = given.get("Statement") if isinstance(given, Mapping) else None
    for statement in statements if isinstance(statements, list) else [statements]:
        if not isinstance(statement, Mapping) or statement.get("Effect") != "Allow":
            continue
        principals = statement.get("Principal")
        if principals == "*":
            found.add(("*", "*"))
        for kind, names in principals.items() if isinstance(principals, Mapping) else ():
            for name in names if isinstance(names, list) else [names]:
                if isinstance(name, str):
                    found.add((str(kind), name))
    return found


def outsider(kind: str, arn: str, accounts: Iterable[str]) -> Actor | None:
    """Somebody whom a policy names and whom the estate does not hold; None for nobody of them."""
    if kind != "AWS" or not is_arn(arn) or set(arn) & set("*?") or ":sts::" in arn:
        return None  # everybody is asked about anyway, and so is a session's role
    account = arn.split(":")[4]
    ours = account in set(accounts)
    if arn.endswith(":root"):
        return None if ours else Actor(arn, Kind.ROOT, account, identity=None)
    kind_of = Kind.USER if ":user/" in arn else Kind.ROLE
    return Actor(
        arn,
        kind_of,
        account,
        identity=() if ours else None,
        assumed=f"{arn} is in no state: it is taken to reach only what the estate's policies let it"
        if ours
        else "",
    )


def unreadable(actors: Iterable[Actor]) -> Iterator[str]:
    """What could not be read of policies, for the report."""
    for actor in actors:
        for one in actor.documents:
            if isinstance(one, UnknownDocument):
                yield one.why


def declared_by(claims: Iterable[Claim]) -> str:
    """The reasons of claims, for the report."""
    return "; ".join(dict.fromkeys(claim.reason for claim in claims if claim.reason))
