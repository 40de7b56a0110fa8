"""Which tenants are deployed here, as the program told this Dagster (`tenancy.dagster`)."""

import json
from collections.abc import Mapping
from pathlib import Path

from tenancy.dagster import TENANTS, TENANTS_FILE
from tenancy.ids import TENANT_ID


class InvalidRegistrations(ValueError):
    """The registrations cannot be used."""


def registered(environ: Mapping[str, str]) -> tuple[str, ...]:
    """The ids of the tenants, sorted: from the environment, or from the file that it names, which
    may change while this runs.

    Raises:
        InvalidRegistrations: there are none to read, or they are no JSON object of tenants.
    """
    try:
        file = environ.get(TENANTS_FILE)
        text = Path(file).read_text(encoding="utf-8") if file else environ[TENANTS]
        found = json.loads(text)
    except KeyError:
        raise InvalidRegistrations(f"neither {TENANTS} nor {TENANTS_FILE} is there") from None
    except (OSError, ValueError) as error:
        raise InvalidRegistrations(f"the registrations cannot be read: {error}") from error
    if not isinstance(found, dict) or not all(map(TENANT_ID.fullmatch, found)):
        raise InvalidRegistrations("the registrations are not an object of tenant -> registration")
    return tuple(sorted(found))
