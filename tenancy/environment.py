"""An environment, as ``config: tenancy:environment`` of ``Pulumi.<name>.yaml`` describes it."""

import base64
import re
from collections.abc import Mapping
from ipaddress import IPv4Network
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, ValidationInfo, field_validator

from tenancy.addresses import Cidr, vpc_sized
from tenancy.aws import AccountId, IamArn, IamRoleArn, OidcProvider, Region
from tenancy.classification import Classification
from tenancy.errors import InvalidInput, Problem, Refusal, suggestion
from tenancy.ids import LONGEST
from tenancy.limit import read_limits
from tenancy.model import Model, StrictBool, StrictInt, check_file_name, safe
from tenancy.tenant import Tenant
from tenancy.words import EMAIL, ClassificationWord, Email, EnvironmentName
from tenancy.yaml_file import read_mapping

MOST_SHARDS = 500
"""A thousand tenants are then two to a stack; a deployment asks the engine about each stack."""

CONFIG_KEY = "tenancy:environment"
"""The key in a stack's configuration: Pulumi wants ``<project>:<name>``."""

_PROJECT = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*")
_PROJECT_LIMIT = 32
_ROLE = re.compile(r"[A-Za-z0-9+=,.@_-]{1,64}")
# IAM User Guide, "IAM and AWS STS quotas": 2 to 1,224 of these characters.
_EXTERNAL_ID = re.compile(r"[\w+=,.@:/-]{2,1224}", re.ASCII)
_IMAGE = re.compile(
    r"(?P<name>[a-z0-9]+(?:[._:/-]+[a-z0-9]+)*?)"
    r"(?::(?P<tag>[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}))?(?P<digest>@sha256:[0-9a-f]{64})?"
)
# `<20 characters>.dagster.` before it must fit the 64 that a certificate's first name may have (AWS
# Certificate Manager API, RequestCertificate).
_DOMAIN_LIMIT = 35
_DOMAIN = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}")


def _project(given: str) -> str:
    if _PROJECT.fullmatch(given) and len(given) <= _PROJECT_LIMIT:
        return given
    raise Refusal(
        f"`{safe(given)}` is not a project name: at most {_PROJECT_LIMIT} lower-case letters, "
        "digits and single hyphens, starting with a letter",
        "write e.g. `lakehouse`",
    )


def _role(given: str) -> str:
    if _ROLE.fullmatch(given):
        return given
    raise Refusal("must be a role's name, not its ARN", "write e.g. OrganizationAccountAccessRole")


def _external_id(given: str) -> str:
    if _EXTERNAL_ID.fullmatch(given):
        return given
    raise Refusal(
        "an external id has 2 to 1224 letters, digits and +=,.@:/_- (IAM quotas)",
        "generate one, e.g. a UUID",
    )


def _image(given: str) -> str:
    parts = _IMAGE.fullmatch(given)
    if parts and (parts["digest"] or parts["tag"] not in (None, "latest")):
        return given
    raise Refusal(
        "an image must be pinned: a tag other than `latest`, or a digest, so that what runs is "
        "what was tested",
        "write e.g. `projectnessie/nessie:0.99.0`",
    )


def _domain(given: str) -> str:
    if _DOMAIN.fullmatch(given) and len(given) <= _DOMAIN_LIMIT:
        return given
    raise Refusal(
        f"must be a domain name in lower case, of at most {_DOMAIN_LIMIT} characters",
        "write e.g. `lake.example.com`",
    )


def _public_key(given: str) -> str:
    try:
        base64.b64decode(given, validate=True)
    except ValueError:
        raise Refusal(
            "must be the base64 text of a public key in DER form, without header lines",
            "take what stands between the BEGIN and END lines of the PEM file, in one line",
        ) from None
    return given


Image = Annotated[str, AfterValidator(_image)]


# No region has more than six; a network has room for eight (tenancy/network.py).
ZoneLetter = Annotated[str, Field(pattern="^[a-h]$")]


class Network(Model):
    """Address ranges, IPv4."""

    platform: Cidr = Field(description="range of the platform's VPC")
    tenants: Cidr = Field(description="pool that hard tenants' VPCs are cut from")
    zones: tuple[ZoneLetter, ...] = Field(
        default=("a", "b"),
        min_length=2,
        description="letters of the availability zones, in every region that is used",
    )

    @field_validator("zones")
    @classmethod
    def _differ(cls, zones: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(zones)) < len(zones):
            raise Refusal("a zone stands twice", "name two or more different zones")
        return zones

    @field_validator("platform")
    @classmethod
    def _is_a_vpc(cls, platform: IPv4Network) -> IPv4Network:
        return vpc_sized(platform)

    @field_validator("tenants")
    @classmethod
    def _apart(cls, tenants: IPv4Network, info: ValidationInfo) -> IPv4Network:
        platform: IPv4Network | None = info.data.get("platform")
        if platform is not None and tenants.overlaps(platform):
            raise Refusal(
                f"overlaps with network.platform ({platform}): peered ranges must not",
                "choose disjoint ranges",
            )
        return tenants


class Images(Model):
    """Container images, pinned."""

    nessie: Image = Field(description="image of the Nessie server")
    dagster: Image = Field(description="the platform's own Dagster image")
    gateway: Image = Field(description="the catalog gateway before the shared Nessie")


class Identity(Model):
    """Who signs the tokens that Nessie and the catalog gateway accept.

    The key is given here rather than fetched from the issuer: what checks tokens needs no way out
    of its private network then.
    """

    issuer: Annotated[str, Field(pattern=r"^https://[a-z0-9.-]+(?:/[\w./-]*)?$")] = Field(
        description="the `iss` of its tokens, an https URL"
    )
    audience: Annotated[str, Field(min_length=1, max_length=200)] = Field(
        default="lakehouse", description="the `aud` of tokens for the catalog"
    )
    public_key: Annotated[str, AfterValidator(_public_key)] = Field(
        description="its RSA public key: base64 of the DER form (no secret)"
    )


class TokenEndpoint(Model):
    """Where runs get their tokens, by client credentials (RFC 6749, 4.4).

    Their networks have no way to the internet, so it lies in a private range that is routed to.
    """

    url: Annotated[str, Field(pattern=r"^https://[a-z0-9.-]+(?::443)?/[\w./-]*$")] = Field(
        description="its https URL"
    )
    network: Cidr = Field(description="private range of its addresses")


_PARENT = r"^(?:r-[0-9a-z]{4,32}|ou-[0-9a-z]{4,32}-[0-9a-z]{8,32})$"
_HOLE = "{tenant}"
_LONGEST_ROOT_EMAIL = 64  # characters: AWS Organizations API, CreateAccount


def _root_email(given: str) -> str:
    longest = given.replace(_HOLE, "t" * LONGEST)
    if given.count(_HOLE) == 1 and EMAIL.fullmatch(longest):
        if len(longest) <= _LONGEST_ROOT_EMAIL:
            return given
        raise Refusal(
            f"with the longest tenant id it has more than {_LONGEST_ROOT_EMAIL} characters",
            "shorten it",
        )
    raise Refusal(
        "must be an e-mail address that says once where the tenant's id goes: no two accounts of "
        "AWS have the same one",
        "write e.g. `aws+{tenant}@example.com`, in quotes",
    )


class Organization(Model):
    """The organization of AWS that vends accounts; the platform's account manages it."""

    parent: Annotated[str, Field(pattern=_PARENT)] = Field(
        description="id of the root or organizational unit that the environment's unit goes below"
    )
    email: Annotated[str, AfterValidator(_root_email)] = Field(
        description="address of the root user of a vended account; `{tenant}` in it is its id"
    )

    def email_of(self, tenant: str) -> str:
        """The address of the tenant's account."""
        return self.email.replace(_HOLE, tenant)


def _limits(given: Mapping[str, int]) -> Mapping[str, int]:
    known = read_limits()
    for name, value in given.items():
        if name not in known:
            raise Refusal("is not a known key here", suggestion(name, known), field=(name,))
        most = known[name].most
        if most is not None and value > most:
            raise Refusal(
                f"must be at most {most}: AWS does not raise it further",
                f"write what the account has, or remove it for the default {known[name].limit}",
                field=(name,),
            )
    return given


class Environment(Model):
    """What is true of an environment, whichever tenants it has."""

    project: Annotated[str, AfterValidator(_project)] = Field(
        description="what the names of everything start with"
    )
    name: EnvironmentName = Field(description="name of the environment and of its stack")
    cloud: Literal["aws"] = Field(default="aws", description="cloud provider")
    region: Region = Field(description="region of the platform")
    account_id: AccountId = Field(description="12 digits in quotes: the platform's account")
    embedded: StrictBool = Field(default=False, description="whether it is the embedded cloud")
    takes_all_tenants: StrictBool = Field(
        default=False,
        description="whether it holds every tenant, whatever the tenant's environment",
    )
    deploy_role: Annotated[str, AfterValidator(_role)] = Field(
        # AWS Organizations User Guide: the role that CreateAccount makes in a member account.
        default="OrganizationAccountAccessRole",
        description="name of the role that the program assumes in a hard tenant's account",
    )
    deployers: tuple[IamRoleArn, ...] = Field(
        min_length=1, description="roles that run the program, as exact ARNs"
    )
    platform_admins: tuple[IamArn, ...] = Field(
        default=(),
        description="roles or users that may assume the administrators' role, as exact ARNs",
    )
    oidc_providers: tuple[OidcProvider, ...] = Field(
        default=(), description="identity providers whose subjects tenants may name"
    )
    external_ids: Mapping[str, Annotated[str, AfterValidator(_external_id)]] = Field(
        default_factory=dict,
        description="name -> external id (no secret: IAM User Guide, 'external ID')",
    )
    network: Network = Field(description="address ranges")
    images: Images = Field(description="container images")
    identity: Identity = Field(description="who signs the tokens of the catalog's users")
    token_endpoint: TokenEndpoint | None = Field(
        default=None, description="where pipelines' runs get their tokens"
    )
    runs_per_tenant: StrictInt = Field(
        default=5, ge=1, le=100, description="runs of one tenant at a time in the shared Dagster"
    )
    soft_roles: Literal["own", "shared"] = Field(
        default="own",
        description="whether soft tenants have a reader, writer and admin role each, or share "
        "three, whose sessions are bound to a tenant by a tag",
    )
    shards: StrictInt | None = Field(
        default=None,
        ge=1,
        le=MOST_SHARDS,
        description="stacks that soft and medium tenants are spread over, `<name>-01` and so on; "
        "without it they are in the environment's own",
    )
    destruction_days: StrictInt = Field(
        # AWS KMS API, ScheduleKeyDeletion: PendingWindowInDays.
        default=30,
        ge=7,
        le=30,
        description="days between the decision to destroy a tenant's data and its end, in which it "
        "can be taken back",
    )
    organization_trail: StrictBool = Field(
        default=False,
        description="whether the platform's account is the organization's management account or "
        "its CloudTrail administrator, so that its trail records every account",
    )
    organization: Organization | None = Field(
        default=None,
        description="what vends accounts of their own to hard tenants that name none; the "
        "platform's account is the organization's management account then",
    )
    domain: Annotated[str, AfterValidator(_domain)] = Field(description="domain of the endpoints")
    alert_email: Email = Field(description="who is told of alarms")
    price_region: Region = Field(description="region whose prices estimates use")
    limits: Annotated[Mapping[str, Annotated[StrictInt, Field(ge=1)]], AfterValidator(_limits)] = (
        Field(
            default_factory=dict,
            description="quotas that AWS has raised: name in tenancy/limits/aws.yaml -> value",
        )
    )
    max_classification: ClassificationWord = Field(
        default=Classification.CONFIDENTIAL,
        description="highest classification it is authorised for",
    )

    @field_validator("name")
    @classmethod
    def _is_the_files(cls, name: str, info: ValidationInfo) -> str:
        return check_file_name(name, info, "Pulumi.{}.yaml")

    @field_validator("takes_all_tenants")
    @classmethod
    def _only_embedded(cls, takes_all: bool, info: ValidationInfo) -> bool:  # noqa: FBT001
        if takes_all and info.data.get("embedded") is False:
            raise Refusal(
                "only the embedded cloud may take every tenant: elsewhere it would deploy the "
                "tenants of other environments a second time",
                "remove it, or write `embedded: true`",
            )
        return takes_all

    def limit(self, name: str) -> int:
        """How much of the quota ``name`` an account of the environment has."""
        return self.limits.get(name, read_limits()[name].limit)

    def takes(self, tenant: Tenant) -> bool:
        """Whether the tenant belongs to this environment."""
        return self.takes_all_tenants or tenant.environment == self.name


def load_environment(path: Path) -> Environment | None:
    """The environment that the stack file ``Pulumi.<name>.yaml`` describes.

    ``None`` where it describes none: the file of a hard tenant's stack, which has its
    environment's.

    Raises:
        InvalidInput: with all that is wrong with it.
    """
    where = path.name
    config = read_mapping(path, where).get("config", {})
    found: Any = config.get(CONFIG_KEY) if isinstance(config, dict) else None
    if found is None:
        return None
    if not isinstance(found, dict):
        rule = f"{CONFIG_KEY} must be a mapping"
        raise InvalidInput(Problem(where, f"config.{CONFIG_KEY}", rule, "indent its keys below"))
    return Environment.parse(found, where, path.name)
