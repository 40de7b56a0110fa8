"""How a tenant's pipelines reach outside sources: the `api_access` section of a tenant file."""

import re
from collections.abc import Mapping
from typing import Annotated, ClassVar

from pydantic import (
    AfterValidator,
    Field,
    GetJsonSchemaHandler,
    model_validator,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from tenancy.errors import Refusal
from tenancy.model import Model
from tenancy.references import SecretRef

CREDENTIAL_SUFFIXES = ("_api_key", "_secret", "_token", "_password")
SCOPE_SUFFIX = "_scope"

_FREE_KEY = re.compile(r"[a-z][a-z0-9_]{0,60}")
_RATE = re.compile(r"[1-9][0-9]{0,8}/(?:second|minute|hour|day)")


def _rate(given: str) -> str:
    if _RATE.fullmatch(given):
        return given
    raise Refusal("must be a number of calls per time", "write e.g. `1000/hour`")


Rate = Annotated[
    str, AfterValidator(_rate), Field(json_schema_extra={"pattern": f"^{_RATE.pattern}$"})
]


class ApiAccess(Model):
    """Credentials (references), scopes and rates of outside sources.

    The file has free keys: ``<source>_api_key``, ``_secret``, ``_token`` and ``_password`` are
    gathered in ``credentials``, ``<source>_scope`` in ``scopes``, under their full names.
    """

    GROUPS: ClassVar[frozenset[str]] = frozenset({"<credentials>", "<scopes>"})

    credentials: Mapping[str, SecretRef] = Field(default_factory=dict, alias="<credentials>")
    scopes: Mapping[str, tuple[str, ...]] = Field(default_factory=dict, alias="<scopes>")
    rate_limits: Mapping[str, Rate] = Field(
        default_factory=dict, description="source -> most calls, such as `1000/hour`"
    )
    additional_apis: tuple[str, ...] = Field(default=(), description="further sources, by name")

    @classmethod
    def known_keys(cls, given: str) -> list[str]:
        """The fixed keys, and the free ones for the source that ``given`` starts with."""
        source, underscore, _ = given.partition("_")
        source = source if underscore else "<source>"
        free = [source + suffix for suffix in (*CREDENTIAL_SUFFIXES, SCOPE_SUFFIX)]
        return super().known_keys(given) + free

    @model_validator(mode="before")
    @classmethod
    def _gather(cls, given: object) -> object:
        if not isinstance(given, Mapping):
            return given
        if cls.GROUPS & given.keys():
            raise Refusal("`<` and `>` cannot be in a key", "write e.g. `fema_api_key`")
        groups: dict[str, dict[str, object]] = {"<credentials>": {}, "<scopes>": {}}
        rest: dict[str, object] = {}
        for key, value in given.items():
            free = _FREE_KEY.fullmatch(key)
            if free and key.endswith(CREDENTIAL_SUFFIXES):
                groups["<credentials>"][key] = value
            elif free and key.endswith(SCOPE_SUFFIX):
                groups["<scopes>"][key] = value
            else:
                rest[key] = value
        return {**groups, **rest}

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        schema = handler.resolve_ref_schema(handler(core_schema))
        credentials = schema["properties"].pop("<credentials>")["additionalProperties"]
        scopes = schema["properties"].pop("<scopes>")["additionalProperties"]
        suffixes = "|".join(CREDENTIAL_SUFFIXES)
        schema["patternProperties"] = {
            f"^[a-z][a-z0-9_]*({suffixes})$": credentials,
            f"^[a-z][a-z0-9_]*{SCOPE_SUFFIX}$": scopes,
        }
        return schema
