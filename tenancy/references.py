"""References to what a configuration file must not hold itself: secrets, keys, external ids.

The refusals never repeat what was given: it may be the secret.
"""

import re
from typing import Annotated

from pydantic import AfterValidator, Field

from tenancy.errors import Refusal

_SECRET = re.compile(
    r"\$\{[A-Za-z_][A-Za-z0-9_]*\}"  # a variable of the run's environment
    # Secrets Manager API, CreateSecret: letters, digits and /_+=.@-, at most 512.
    r"|secretsmanager:[A-Za-z0-9/_+=.@-]{1,512}"
    # Systems Manager API, PutParameter: letters, digits and .-_ between slashes, at most 1011.
    r"|ssm:(?:/[A-Za-z0-9_.-]{1,255}){1,15}"
)
# KMS API, CreateAlias: alias/ and letters, digits, /_-; at most 256; alias/aws/ is reserved.
_KEY = re.compile(r"alias/(?!aws/)[A-Za-z0-9/_-]{1,250}|[A-Za-z][A-Za-z0-9_-]{0,60}[_-]ref")
_CONFIG = re.compile(r"config:[a-z][a-z0-9_-]{0,62}")

_FORMS = "`${NAME}`, `secretsmanager:<name>` or `ssm:/<path>`"


def check_secret_ref(given: str) -> str:
    """``given``, if it refers to a secret.

    That is ``${NAME}`` (an environment variable of the run), ``secretsmanager:<name>`` or
    ``ssm:/<path>``.

    Raises:
        Refusal: for anything else, which may be the secret itself and is not repeated.
    """
    if _SECRET.fullmatch(given):
        return given
    raise Refusal(
        "a secret must be a reference, never the value itself (what was given is not shown)",
        f"store the secret outside this repository and refer to it as {_FORMS}; "
        "if this was a real secret, replace it: it is in the file's history",
    )


def check_key_ref(given: str) -> str:
    """``given``, if it refers to an encryption key.

    That is a KMS alias, an identifier that ends in ``_ref`` or ``-ref``, or a reference to a
    secret.

    Raises:
        Refusal: for anything else, which may be the key itself and is not repeated.
    """
    if _KEY.fullmatch(given) or _SECRET.fullmatch(given):
        return given
    raise Refusal(
        "an encryption key must be a reference, never key material (what was given is not shown)",
        f"refer to it as `alias/<name>`, as an identifier such as `acme_key_ref`, or as {_FORMS}",
    )


def check_config_ref(given: str) -> str:
    """``given``, if it is ``config:<name>``, a name among the environment's ``external_ids``.

    Raises:
        Refusal: for anything else, which is not repeated.
    """
    if _CONFIG.fullmatch(given):
        return given
    raise Refusal(
        "an external id must be a reference into the environment (what was given is not shown)",
        "write `config:<name>`, and put <name> under `external_ids` of the stack configuration",
    )


def config_name(reference: str) -> str:
    """The name that a ``ConfigRef`` refers to."""
    return reference.removeprefix("config:")


SecretRef = Annotated[
    str,
    AfterValidator(check_secret_ref),
    Field(json_schema_extra={"pattern": f"^(?:{_SECRET.pattern})$"}),
]
KeyRef = Annotated[
    str,
    AfterValidator(check_key_ref),
    Field(json_schema_extra={"pattern": f"^(?:{_KEY.pattern}|{_SECRET.pattern})$"}),
]
ConfigRef = Annotated[
    str,
    AfterValidator(check_config_ref),
    Field(json_schema_extra={"pattern": f"^{_CONFIG.pattern}$"}),
]
