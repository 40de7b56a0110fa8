"""Tenant ids: the one name that every other name is made from."""

import re
from typing import Annotated

from pydantic import AfterValidator, Field

from tenancy.errors import Refusal

SHORTEST = 3
LONGEST = 20
"""Characters. Twenty keep bucket and role names under their limits: see ``names.PREFIX_LIMIT``."""

TENANT_ID = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*")
"""The grammar, without the length. It has neither ``--`` nor ``_`` nor ``/``: those end the id in
names, so that no tenant's pattern matches another's."""

_PATTERN = re.compile(r"[*?$%\[\]{}]")
"""What makes a pattern or variable of a name, in some policy language or shell."""

_OURS = (  # what names.py, stacks and prefixes say themselves
    "platform shared audit org admin tenants tenant restricted lakehouse public internal "
    "reader writer run service boundary data metadata exports results logs catalog nessie dagster "
    "local dev test stage staging prod main default root system all any none"
)
# Amazon S3 User Guide, "General purpose bucket naming rules": reserved parts of bucket names.
_OF_S3 = "s3alias ol-s3 x-s3 mrap table-s3 sthree"
_PROVIDERS = "aws amazon amzn gcp goog google g00gle"

RESERVED = frozenset(f"{_OURS} {_OF_S3} {_PROVIDERS}".split())
"""Words that mean something else in a name."""

FORBIDDEN_PARTS = ("google", "g00gle")
"""Cloud Storage, "Bucket names": a name cannot contain them or begin with ``goog``."""

GRAMMAR = (
    f"a tenant id is {SHORTEST} to {LONGEST} lower-case letters, digits and single hyphens, starts "
    "with a letter and ends with a letter or digit"
)


def check_tenant_id(given: str) -> str:
    """``given``, if it is a tenant id.

    Raises:
        Refusal: a ``ValueError`` whose text is the rule that is broken; it has a ``remedy``.
    """
    fault = _fault(given)
    if fault is None:
        return given
    proposal = _proposal(given)
    remedy = f"write `{proposal}`" if proposal else "choose an id such as `acme` or `north-east`"
    raise Refusal(f"{fault}: {GRAMMAR}", remedy)


def _fault(given: str) -> str | None:
    faults = (
        (not given, "is empty"),
        (_PATTERN.search(given), "holds a wildcard or a policy variable"),
        (given != given.lower(), "has upper-case letters"),
        ("_" in given, "has an underscore"),
        ("--" in given, "has two hyphens in a row"),
        (given[:1].isdigit(), "starts with a digit"),
        (given.startswith("-") or given.endswith("-"), "starts or ends with a hyphen"),
        (not TENANT_ID.fullmatch(given), "has characters that names cannot hold"),
        (len(given) < SHORTEST, f"is {len(given)} characters long"),
        (len(given) > LONGEST, f"is {len(given)} characters long"),
        (given in RESERVED, f"`{given}` is reserved, it means something else in names"),
        (given.startswith("goog"), "starts with `goog`, which Cloud Storage reserves"),
        (any(part in given for part in FORBIDDEN_PARTS), "holds a word Cloud Storage reserves"),
    )
    return next((words for broken, words in faults if broken), None)


def _proposal(given: str) -> str | None:
    """The nearest id, if there is an obvious one."""
    if _PATTERN.search(given) or not given.isascii():
        return None
    near = re.sub(r"[^a-z0-9]+", "-", given.lower()).strip("-")
    return near if near != given and _fault(near) is None else None


TenantId = Annotated[
    str,
    AfterValidator(check_tenant_id),
    Field(
        json_schema_extra={
            "pattern": f"^{TENANT_ID.pattern}$",
            "minLength": SHORTEST,
            "maxLength": LONGEST,
        }
    ),
]
"""A string that ``check_tenant_id`` accepts."""
