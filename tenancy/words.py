"""Small types of fields that the tenant and the environment share."""

import re
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer, WithJsonSchema

from tenancy.classification import Classification
from tenancy.errors import Refusal
from tenancy.model import Labelled, one_of, safe
from tenancy.tiers import Tier

_ENVIRONMENT = re.compile(r"[a-z][a-z0-9]{1,11}")
EMAIL = re.compile(r"[A-Za-z0-9._%+'-]{1,64}@(?:[A-Za-z0-9-]{1,63}\.)+[A-Za-z]{2,63}")


def _environment(given: str) -> str:
    if _ENVIRONMENT.fullmatch(given):
        return given
    raise Refusal(
        f"`{safe(given)}` is not the name of an environment: 2 to 12 lower-case letters and "
        "digits, starting with a letter",
        "write e.g. `prod`",
    )


def _email(given: str) -> str:
    if EMAIL.fullmatch(given):
        return given
    raise Refusal("must be an e-mail address", "write e.g. `ops@example.com`")


def _label(member: Labelled) -> str:
    return member.label


EnvironmentName = Annotated[
    str,
    AfterValidator(_environment),
    Field(json_schema_extra={"pattern": f"^{_ENVIRONMENT.pattern}$"}),
]
Email = Annotated[
    str, AfterValidator(_email), Field(json_schema_extra={"pattern": f"^{EMAIL.pattern}$"})
]
TierWord = Annotated[
    Tier,
    BeforeValidator(one_of(Tier, "a tier")),
    PlainSerializer(_label),
    WithJsonSchema({"enum": [tier.label for tier in Tier]}),
]
"""``soft``, ``medium`` or ``hard``."""

ClassificationWord = Annotated[
    Classification,
    BeforeValidator(one_of(Classification, "a classification")),
    PlainSerializer(_label),
    WithJsonSchema({"enum": [level.label for level in Classification]}),
]
"""``PUBLIC`` to ``CLASSIFIED``."""
