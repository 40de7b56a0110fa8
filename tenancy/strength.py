"""How strongly a tenant is fenced: its tier, and the layers strengthened above it."""

from pydantic import (
    Field,
    GetJsonSchemaHandler,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from tenancy.errors import Refusal
from tenancy.model import Model
from tenancy.tiers import Layer, Tier
from tenancy.words import TierWord


class Isolation(Model):
    """The tier of a tenant, and for each layer that is stronger its own.

    ``isolation: soft`` in a file is short for ``isolation: {tier: soft}``.
    """

    tier: TierWord = Field(
        default=Tier.MEDIUM,
        description="strength of every layer not named below",
        json_schema_extra={"default": Tier.MEDIUM.label},
    )
    storage: TierWord | None = Field(
        default=None, description="strength of the storage, if not the tier"
    )
    catalog: TierWord | None = Field(
        default=None, description="strength of the catalog, if not the tier"
    )
    iam: TierWord | None = Field(default=None, description="strength of the roles, if not the tier")
    pipelines: TierWord | None = Field(
        default=None, description="strength of the runs, if not the tier"
    )
    network: TierWord | None = Field(
        default=None, description="strength of the network, if not the tier"
    )
    audit: TierWord | None = Field(
        default=None, description="strength of the audit, if not the tier"
    )

    def layer(self, layer: Layer) -> Tier:
        """The strength of one layer."""
        strength: Tier | None = getattr(self, layer.value)
        return self.tier if strength is None else strength

    @model_validator(mode="before")
    @classmethod
    def _short_form(cls, given: object) -> object:
        return {"tier": given} if isinstance(given, str) else given

    @field_validator(*Layer)
    @classmethod
    def _holds(cls, strength: Tier | None, info: ValidationInfo) -> Tier | None:
        tier: Tier | None = info.data.get("tier")
        if strength is None or tier is None:
            return strength
        if strength < tier:
            raise Refusal(
                f"{strength.label} is weaker than the tier, {tier.label}: a layer may only be "
                "stronger",
                f"remove it, or lower `isolation.tier` to `{strength.label}`",
            )
        if strength is Tier.HARD and tier is not Tier.HARD:
            raise Refusal(
                "a hard layer lies in an account of the tenant's own, which only the tier hard has",
                "write `tier: hard` with `account_id` and `region`, or `medium` for this layer",
            )
        return strength

    @field_validator("network")
    @classmethod
    def _reachable_catalog(cls, network: Tier | None, info: ValidationInfo) -> Tier | None:
        tier: Tier | None = info.data.get("tier")
        if tier is None or "catalog" not in info.data:
            return network
        catalog: Tier = info.data["catalog"] or tier
        if (network or tier) is not catalog:
            raise Refusal(
                f"the network is {(network or tier).label} and the catalog {catalog.label}: a "
                "Nessie service of one's own is reached by a host name of one's own, and only it",
                "give `catalog` and `network` the same strength",
            )
        return network

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        long_form = dict(handler.resolve_ref_schema(handler(core_schema)))
        return {"anyOf": [{"enum": [tier.label for tier in Tier]}, long_form]}
