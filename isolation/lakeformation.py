"""Lake Formation: its defaults, its grants by name and by tag, its locations.

Sources: Lake Formation Developer Guide, "Changing the default settings for your data lake",
"Lake Formation tag-based access control", "Registering an Amazon S3 location".
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from isolation.actors import Actor
from isolation.graph import Resource
from isolation.inventory import Inventory, texts, value, values
from isolation.ownership import Ownership
from isolation.things import Thing
from isolation.verdict import Counterexample, Place

_EVERYBODY = "IAM_ALLOWED_PRINCIPALS"
_SETTINGS = "aws:lakeformation/dataLakeSettings:DataLakeSettings"
_PERMISSIONS = "aws:lakeformation/permissions:Permissions"
_LOCATION = "aws:lakeformation/resource:Resource"
_TAGGED = "aws:lakeformation/resourceLfTags:ResourceLfTags"
_ROLE = "aws:iam/role:Role"
_TABLE = "aws:glue/catalogTable:CatalogTable"
_Tags = Mapping[str, set[str]]
"""Key -> what the program says its value is, and what the cloud does."""
_CONTROL = ("ASSOCIATE", "CREATE_LF_TAG", "GRANT_WITH_LF_TAG_EXPRESSION")


@dataclass(frozen=True)
class _Facts:
    """What its rules are asked about."""

    inventory: Inventory
    ownership: Ownership
    roles: Sequence[Actor]
    things: Sequence[Thing]


def lake_formation(
    inventory: Inventory, ownership: Ownership, roles: Sequence[Actor], things: Sequence[Thing]
) -> Iterator[Counterexample]:
    """What its settings and grants let a tenant reach of another's."""
    estate = _Facts(inventory, ownership, roles, things)
    if not any(estate.inventory.of(kind) for kind in (_SETTINGS, _PERMISSIONS, _TAGGED, _LOCATION)):
        return
    yield from _defaults(estate)
    yield from _Grants(estate).found()
    yield from _locations(estate)


def _defaults(estate: _Facts) -> Iterator[Counterexample]:
    """In each account with tables the defaults are closed, and no tenant administers."""
    settings: dict[str, list[Resource]] = defaultdict(list)
    for resource in estate.inventory.of(_SETTINGS):
        settings[estate.inventory.account(resource)].append(resource)
    tenants = _tenants_with_tables(estate)
    for account, owners in tenants.items():
        if not settings[account]:
            for owner in owners:
                yield _open(
                    owner, account, "no settings: an account's own let everybody in by IAM", None
                )
        for resource in settings[account]:
            for name in ("createDatabaseDefaultPermissions", "createTableDefaultPermissions"):
                if any(_EVERYBODY in _principals(given) for given in values(resource, name)):
                    for owner in owners:
                        yield _open(owner, account, f"{name} has {_EVERYBODY}", resource)
            yield from _administrators(estate, resource, account, owners)


def _administrators(
    estate: _Facts, resource: Resource, account: str, owners: Sequence[str]
) -> Iterator[Counterexample]:
    acting = {actor.arn: actor.tenant for actor in estate.roles}
    for meant in estate.inventory.meant(resource, "admins", _ROLE):
        arn = meant if isinstance(meant, str) else estate.inventory.arn(meant)
        tenant = acting.get(arn)
        for owner in owners if tenant is not None else ():
            if owner != tenant:
                yield Counterexample(
                    rule="a tenant's principal administers Lake Formation",
                    principal=arn,
                    tenant=tenant,
                    action="lakeformation:GrantPermissions",
                    resource=f"all tables of account {account}",
                    owner=owner,
                    because=(Place("admins", resource.urn, resource.place),),
                    remedy="leave administration to the platform",
                )


def _open(owner: str, account: str, text: str, resource: Resource | None) -> Counterexample:
    return Counterexample(
        rule="Lake Formation lets everybody in whom IAM lets in",
        principal=_EVERYBODY,
        tenant=None,
        action="lakeformation:GetDataAccess",
        resource=f"tables in account {account}",
        owner=owner,
        because=(
            Place(
                text,
                resource.urn if resource is not None else "",
                resource.place if resource is not None else "",
            ),
        ),
        remedy="have DataLakeSettings without default permissions for IAM_ALLOWED_PRINCIPALS",
    )


def _principals(given: object) -> set[str]:
    return {
        str(entry.get("principal"))
        for entry in (given if isinstance(given, list) else [])
        if isinstance(entry, Mapping) and entry.get("permissions")
    }


def _tenants_with_tables(estate: _Facts) -> dict[str, list[str]]:
    """Account -> the tenants that own tables or databases in it."""
    found: dict[str, dict[str, None]] = defaultdict(dict)
    for thing in estate.things:
        if thing.tenant is not None and thing.arn.split(":")[2] == "glue":
            found[thing.arn.split(":")[4]][thing.tenant] = None
    return {account: list(tenants) for account, tenants in found.items()}


class _Grants:
    """Every grant, and whose data it covers."""

    def __init__(self, estate: _Facts) -> None:
        self._estate = estate
        self._by_arn = {actor.arn: actor for actor in estate.roles}
        self._tagged = list(self._tagged_resources())
        self._by_tag: dict[tuple[str, str], list[int]] = defaultdict(list)
        for number, (_, _, tags) in enumerate(self._tagged):
            for key, found in tags.items():
                for text in found:
                    self._by_tag[key, text].append(number)

    def _tagged_resources(self) -> Iterator[tuple[str, str | None, _Tags]]:
        """ARN of a database or table with its tags in Lake Formation, and its owner.

        A table has its database's tags too, but for those keys that it has itself.
        """
        inventory = self._estate.inventory
        own: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
        for resource in inventory.of(_TAGGED):
            for given in values(resource, "lfTags"):
                for one in given if isinstance(given, list) else []:
                    for arn in self._arns(resource) if isinstance(one, Mapping) else ():
                        own[arn][str(one.get("key"))].add(str(one.get("value")))
        for arn in dict.fromkeys((*own, *map(inventory.arn, inventory.of(_TABLE)))):
            head, is_table, name = arn.partition(":table/")
            database = f"{head}:database/{name.partition('/')[0]}" if is_table else ""
            if tags := {**own.get(database, {}), **own.get(arn, {})}:
                yield arn, self._owner(arn), tags

    def _arns(self, resource: Resource) -> Iterator[str]:
        """What a grant or a tag is about: a table, all tables of a database, or a database."""
        inventory, region = self._estate.inventory, resource.region
        account, partition = inventory.account(resource), inventory.partition(resource)
        for name in ("table", "tableWithColumns"):
            for given in values(resource, name):
                if isinstance(given, Mapping):
                    table = "*" if given.get("wildcard") else given.get("name", "*")
                    database = given.get("databaseName")
                    yield f"arn:{partition}:glue:{region}:{account}:table/{database}/{table}"
        for given in values(resource, "database"):
            if isinstance(given, Mapping):
                yield f"arn:{partition}:glue:{region}:{account}:database/{given.get('name')}"

    def _owner(self, arn: str) -> str | None:
        owners = [claim.tenant for claim in self._estate.ownership.owners(arn)]
        return next((owner for owner in owners if owner is not None), None)

    def found(self) -> Iterator[Counterexample]:
        """Grants to a tenant's principal on another's data, and grants to everybody."""
        for resource in self._estate.inventory.of(_PERMISSIONS):
            for principal in self._grantees(resource):
                actor = self._by_arn.get(principal)
                tenant = actor.tenant if actor else None
                if actor is not None and tenant is None and actor.reason is not None:
                    continue
                reads = actor is not None and actor.is_reader and self._reads(resource)
                for arn, owner in dict.fromkeys(self._covered(resource, actor)):
                    if owner is not None and owner != tenant:
                        yield self._told(resource, principal, tenant, arn, owner)
                    elif owner is not None and reads and arn in self._restricted:
                        yield self._told_restricted(resource, principal, arn, owner)

    @cached_property
    def _restricted(self) -> frozenset[str]:
        """The tables whose files lie where no reader reads."""
        heads = tuple(
            f"s3://{arn.split(':', 5)[-1].rstrip('*')}"
            for claim in self._estate.ownership.claims
            for arn in claim.restricted
        )
        inventory = self._estate.inventory
        return frozenset(
            inventory.arn(table)
            for table in inventory.of(_TABLE)
            if heads and _location(table).startswith(heads)
        )

    @staticmethod
    def _reads(resource: Resource) -> bool:
        """Whether a grant is of more than a description."""
        return bool(set(texts(resource, "permissions")) - {"DESCRIBE"})

    def _grantees(self, resource: Resource) -> list[str]:
        found = self._estate.inventory.meant(resource, "principal", _ROLE)
        return [one if isinstance(one, str) else self._estate.inventory.arn(one) for one in found]

    def _covered(self, resource: Resource, actor: Actor | None) -> Iterator[tuple[str, str | None]]:
        for arn in self._arns(resource):
            if ":database/" in arn and actor is not None and not self._whole(arn):
                continue  # a database that several share is no one's data
            yield (
                arn,
                self._owner(arn.replace("/*", "/x")) if arn.endswith("/*") else self._owner(arn),
            )
            if arn.endswith("/*"):
                for other, owner, _ in self._tagged:
                    if other.startswith(arn[:-1]):
                        yield other, owner
                for other in self._restricted:
                    if other.startswith(arn[:-1]):
                        yield other, self._owner(other)
        for given in values(resource, "lfTagPolicy"):
            expressions = given.get("expressions") if isinstance(given, Mapping) else None
            if isinstance(expressions, list):
                yield from self._by_expressions(expressions)
        yield from self._by_control(resource)
        yield from self._by_location(resource)

    def _by_location(self, resource: Resource) -> Iterator[tuple[str, str | None]]:
        """Who may use a data location may make tables of what lies there."""
        for given in values(resource, "dataLocation"):
            location = given.get("arn") if isinstance(given, Mapping) else None
            for thing in self._estate.things if isinstance(location, str) else ():
                if thing.arn.startswith(str(location)) and thing.tenant is not None:
                    yield thing.arn, thing.tenant

    def _by_control(self, resource: Resource) -> Iterator[tuple[str, str | None]]:
        """Who may associate a tag may grant by it."""
        granted = set(texts(resource, "permissions"))
        tags = [one for name in ("lfTag", "lfTags") for one in values(resource, name) if one]
        if tags and granted & set(_CONTROL):
            for arn, owner, _ in self._tagged:
                yield arn, owner

    def _by_expressions(self, expressions: list[Any]) -> Iterator[tuple[str, str | None]]:
        """What all expressions hold for: looked for among what the narrowest of them names."""
        named = [
            [
                n
                for text in one["values"]
                for n in self._by_tag.get((str(one.get("key")), str(text)), ())
            ]
            for one in expressions
            if isinstance(one, Mapping) and isinstance(one.get("values"), list)
        ]
        among = min(named, key=len, default=range(len(self._tagged)))
        for number in among:
            arn, owner, tags = self._tagged[number]
            if all(_holds(one, tags) for one in expressions):
                yield arn, owner

    def _whole(self, arn: str) -> bool:
        return self._owner(arn) is not None

    def _told_restricted(
        self, resource: Resource, principal: str, arn: str, owner: str
    ) -> Counterexample:
        return replace(
            self._told(resource, principal, owner, arn, owner),
            rule="a reader is granted restricted columns of its tenant",
            remedy="grant the reader the table of public columns only",
        )

    def _told(
        self, resource: Resource, principal: str, tenant: str | None, arn: str, owner: str
    ) -> Counterexample:
        granted = sorted(set(texts(resource, "permissions")))
        return Counterexample(
            rule="Lake Formation grants what is another's",
            principal=principal,
            tenant=tenant,
            action=f"lakeformation: {', '.join(granted)}",
            resource=arn,
            owner=owner,
            because=(Place("permissions", resource.urn, resource.place),),
            remedy="bind the grant to the principal's own tenant, by name or by its tag",
        )


def _location(table: Resource) -> str:
    storage = value(table, "storageDescriptor")
    return str(storage.get("location", "")) if isinstance(storage, Mapping) else ""


def _holds(expression: Any, tags: _Tags) -> bool:  # noqa: ANN401 - of a state
    if not isinstance(expression, Mapping):
        return True
    allowed = expression.get("values")
    return not isinstance(allowed, list) or not tags.get(
        str(expression.get("key")), set()
    ).isdisjoint(map(str, allowed))


def _locations(estate: _Facts) -> Iterator[Counterexample]:
    """The role of a registered location is what every grant there reaches: it is one tenant's."""
    for resource in estate.inventory.of(_LOCATION):
        for arn in values(resource, "arn"):
            inside = {
                thing.tenant: thing
                for thing in estate.things
                if isinstance(arn, str) and thing.arn.startswith(arn) and thing.tenant is not None
            }
            if len(inside) > 1:
                for owner, thing in inside.items():
                    yield Counterexample(
                        rule="one Lake Formation location holds several tenants' data",
                        principal=str(next(iter(values(resource, "roleArn")), "its role")),
                        tenant=None,
                        action="lakeformation:GetDataAccess",
                        resource=thing.arn,
                        owner=owner,
                        because=(Place(f"arn = {arn}", resource.urn, resource.place),),
                        remedy="register a location, with a role of its own, for each tenant",
                    )
