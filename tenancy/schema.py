"""The JSON Schema of a tenant file, for editors: ``python -m tenancy.schema`` writes it anew."""

import json
from pathlib import Path
from typing import Any

from tenancy.tenant import Tenant

SCHEMA_FILE = Path(__file__).with_name("tenant.schema.json")

MODELINE = "# yaml-language-server: $schema=../tenancy/tenant.schema.json"
"""The first line of a tenant file: editors with a YAML language server then complete and check."""


def tenant_schema() -> dict[str, Any]:
    """The schema, JSON Schema draft 2020-12.

    What it cannot say, such as rules between fields, ``load_tenant`` checks.
    """
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **Tenant.model_json_schema(by_alias=True, mode="validation"),
    }


def rendered() -> str:
    """The schema file's text."""
    return json.dumps(tenant_schema(), indent=2) + "\n"


if __name__ == "__main__":
    SCHEMA_FILE.write_text(rendered())
