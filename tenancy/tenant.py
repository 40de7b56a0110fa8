"""A tenant, as its file ``tenants/<id>.yaml`` describes it."""

import re
from collections.abc import Mapping
from ipaddress import IPv4Network
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, ValidationInfo, field_validator

from tenancy.addresses import Cidr, vpc_sized
from tenancy.api_access import ApiAccess
from tenancy.aws import AccountId, Region
from tenancy.classification import Classification
from tenancy.errors import Refusal
from tenancy.ids import TenantId
from tenancy.leaving import Leaving, LegalHold
from tenancy.model import Model, StrictBool, StrictInt, check_file_name, safe
from tenancy.principals import Access, AwsPrincipal, Oidc, OidcSubject, Principal
from tenancy.references import KeyRef
from tenancy.strength import Isolation
from tenancy.tiers import Tier
from tenancy.words import ClassificationWord, Email, EnvironmentName
from tenancy.yaml_file import read_mapping, shown

__all__ = [
    "Access",
    "ApiAccess",
    "Audit",
    "AwsPrincipal",
    "DataRestrictions",
    "Database",
    "Isolation",
    "Oidc",
    "OidcSubject",
    "Principal",
    "Tenant",
    "load_tenant",
]

EVERYWHERE = "ALL"
"""The one entry of ``allowed_states`` that stands for all of them."""

_STATE = re.compile(r"[A-Z]{2}")
# MySQL's limits hold for StarRocks, which speaks its protocol: a user has at most 32 characters.
_DATABASE_NAME = re.compile(r"[a-z][a-z0-9_]{0,31}")


def _states(given: tuple[str, ...]) -> tuple[str, ...]:
    for place, state in enumerate(given):
        if state != EVERYWHERE and not _STATE.fullmatch(state):
            raise Refusal(
                f"`{safe(state)}` is not a state's two capital letters (USPS Publication 28), "
                f"nor `{EVERYWHERE}`",
                'write e.g. ["CO"]',
                field=(place,),
            )
    if EVERYWHERE in given and len(given) > 1:
        raise Refusal(
            f"`{EVERYWHERE}` stands beside single states",
            f'write ["{EVERYWHERE}"], or the states alone',
        )
    return given


def _database_name(given: str) -> str:
    if _DATABASE_NAME.fullmatch(given):
        return given
    raise Refusal(
        f"`{safe(given)}` is not a database name: at most 32 lower-case letters, digits and "
        "underscores, starting with a letter",
        "write e.g. `tenant_acme`, or leave it out to have it made from the tenant's id",
    )


DatabaseName = Annotated[
    str,
    AfterValidator(_database_name),
    Field(json_schema_extra={"pattern": f"^{_DATABASE_NAME.pattern}$"}),
]
AccessLevel = Literal["public", "restricted"]


class DataRestrictions(Model):
    """Which records of the sources the tenant may have; an empty list restricts nothing."""

    allowed_states: Annotated[tuple[str, ...], AfterValidator(_states)] = Field(
        default=(), description='two-letter states, or ["ALL"]'
    )
    allowed_counties: tuple[str, ...] = Field(default=(), description="counties, by name")
    allowed_classifications: tuple[ClassificationWord, ...] = Field(
        default=(), description="classifications that the tenant's data may have"
    )


class Audit(Model):
    """What is recorded of the tenant's use, and who is told."""

    retention_days: StrictInt = Field(
        default=365, ge=1, le=36_500, description="days that audit records are kept (Object Lock)"
    )
    siem: StrictBool = Field(
        default=False, description="whether records also go to a queue for the tenant's SIEM"
    )
    realtime: StrictBool = Field(
        default=False, description="whether alerts about the tenant also go to its contact"
    )
    incident_response: StrictBool = Field(
        default=False, description="whether alerts about the tenant also go to those on call"
    )


class Database(Model):
    """The tenant's part of the analytical database; names left out are made from its id."""

    schema_: DatabaseName | None = Field(
        default=None, alias="schema", description="schema of the tenant"
    )
    user: DatabaseName | None = Field(default=None, description="database user of the tenant")
    encryption_key: KeyRef | None = Field(
        default=None, description="reference to its encryption key"
    )


class Tenant(Model):
    """One tenant. Only ``tenant`` and ``contact`` are required.

    What one file can break on its own is checked here; rules between files are in
    ``estate_rules.py``.
    """

    tenant: TenantId = Field(description="the tenant's id, which is also the file's name")
    environment: EnvironmentName = Field(
        default="prod", description="environment that it belongs to"
    )
    contact: Email = Field(description="e-mail address of whoever answers for it")
    organization: str | None = Field(
        default=None,
        min_length=1,
        max_length=200,
        description="name of the organization, for people",
    )
    cloud: Literal["aws", "gcp"] = Field(default="aws", description="cloud provider")
    isolation: Isolation = Field(
        default=Isolation(),
        description="strength of the fence, per layer if need be",
        json_schema_extra={"default": Tier.MEDIUM.label},
    )
    account_id: AccountId | None = Field(
        default=None,
        description="12 digits in quotes: the account of its own (hard tenants only); left out, "
        "the environment's organization vends one",
    )
    region: Region | None = Field(
        default=None, description="region in that account (hard tenants only)"
    )
    cidr: Cidr | None = Field(
        default=None,
        description="range of its VPC (hard tenants only), from the environment's pool; planned "
        "from the tenant's id when left out",
    )
    data_restrictions: DataRestrictions = Field(
        default=DataRestrictions(), description="which records it may have"
    )
    classification: ClassificationWord = Field(
        default=Classification.INTERNAL,
        description="highest sensitivity of its data",
        json_schema_extra={"default": Classification.INTERNAL.label},
    )
    audit: Audit = Field(default=Audit(), description="what is recorded, and for how long")
    access: Access = Field(default=Access(), description="who may assume its roles")
    access_overrides: Mapping[str, Mapping[str, AccessLevel]] = Field(
        default_factory=dict, description="table template -> column -> public or restricted"
    )
    database: Database | None = Field(
        default=None, description="its part of the analytical database"
    )
    api_access: ApiAccess | None = Field(default=None, description="access to outside sources")
    offboarding: Leaving | None = Field(
        default=None, description="how far it has left; `tenancy offboard` writes it"
    )
    legal_hold: LegalHold = Field(
        default=None, description="true or a reason: while it stands, its data is not destroyed"
    )

    @field_validator("tenant")
    @classmethod
    def _is_the_files(cls, tenant: str, info: ValidationInfo) -> str:
        return check_file_name(tenant, info, "{}.yaml")

    @field_validator("cloud")
    @classmethod
    def _has_components(cls, cloud: str) -> str:
        if cloud == "gcp":
            raise Refusal("there are no components for gcp yet", "write `cloud: aws`")
        return cloud

    @field_validator("account_id", "region")
    @classmethod
    def _place_of_its_own(cls, given: str | None, info: ValidationInfo) -> str | None:
        isolation: Isolation | None = info.data.get("isolation")
        if isolation is None:
            return given
        hard = isolation.tier is Tier.HARD
        if hard and given is None and info.field_name == "region":
            raise Refusal(
                "a hard tenant has an account and region of its own, and this is missing",
                "add e.g. `region: us-east-1`",
            )
        if not hard and given is not None:
            raise Refusal(
                f"a {isolation.tier.label} tenant lives in its environment's account and region",
                f"remove `{info.field_name}`, or write `isolation: hard`",
            )
        return given

    @field_validator("cidr")
    @classmethod
    def _of_a_network_of_its_own(
        cls, cidr: IPv4Network | None, info: ValidationInfo
    ) -> IPv4Network | None:
        isolation: Isolation | None = info.data.get("isolation")
        if cidr is None or isolation is None:
            return cidr
        if isolation.tier is not Tier.HARD:
            raise Refusal(
                f"a {isolation.tier.label} tenant lives in the platform's network",
                "remove `cidr`, or write `isolation: hard`",
            )
        return vpc_sized(cidr)

    @field_validator("classification")
    @classmethod
    def _is_allowed(cls, level: Classification, info: ValidationInfo) -> Classification:
        restrictions: DataRestrictions | None = info.data.get("data_restrictions")
        allowed = restrictions.allowed_classifications if restrictions else ()
        if allowed and level not in allowed:
            words = ", ".join(each.label for each in allowed)
            raise Refusal(
                f"{level.label} is not among data_restrictions.allowed_classifications ({words})",
                f"add {level.label} there, or choose one of them",
            )
        return level


def load_tenant(path: Path) -> Tenant:
    """The tenant that the file describes.

    Raises:
        InvalidInput: with all that is wrong with the file.
    """
    where = shown(path)
    return Tenant.parse(read_mapping(path, where), where, path.name)
