"""The schema that editors use says what the reader of tenant files says."""

from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest
import yaml

from tenancy.schema import MODELINE, SCHEMA_FILE, rendered, tenant_schema

ROOT = Path(__file__).parents[2]
TENANTS = sorted((ROOT / "tenants").glob("*.yaml"))
VALIDATOR = jsonschema.Draft202012Validator(tenant_schema())


def test_the_schema_file_is_current() -> None:
    assert SCHEMA_FILE.read_text() == rendered(), "run: python -m tenancy.schema"


def test_the_schema_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(tenant_schema())


@pytest.mark.parametrize("path", TENANTS, ids=[path.stem for path in TENANTS])
def test_every_tenant_names_the_schema_and_agrees_with_it(path: Path) -> None:
    text = path.read_text()
    assert text.splitlines()[0] == MODELINE
    assert (path.parent / MODELINE.rpartition("=")[2]).resolve() == SCHEMA_FILE
    VALIDATOR.validate(yaml.safe_load(text))


@pytest.mark.parametrize(
    "part",
    [
        {"isolation": "hrad"},
        {"isolation": {"teir": "soft"}},
        {"isolaton": "soft"},
        {"account_id": 123456789012},
        {"tenant": "Acme"},
        {"classification": "SECRET"},
        {"audit": {"retention_days": 0}},
        {"api_access": {"fema_api_key": "hunter2"}},
        {"api_access": {"<credentials>": {}}},
        {"access": {"reader": [{"aws": "arn:aws:iam::123456789012:role/*"}]}},
        {"access": {"reader": [{"oidc": {"subject": "repo:*"}}]}},
        {"access_overrides": {"event_stream": {"phone": "hidden"}}},
    ],
)
def test_an_editor_marks_what_the_reader_refuses(part: dict[str, Any]) -> None:
    good = {"tenant": "acme", "contact": "ops@acme.example"}
    assert VALIDATOR.is_valid(good)
    assert not VALIDATOR.is_valid(good | part)


def test_defaults_are_words_of_the_file() -> None:
    assert tenant_schema()["properties"]["isolation"]["default"] == "medium"
    assert tenant_schema()["properties"]["classification"]["default"] == "INTERNAL"
