"""Findings in the format that code hosts show beside the lines of a change.

Source: OASIS, Static Analysis Results Interchange Format (SARIF) 2.1.0.
"""

from __future__ import annotations

from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path
from typing import Any
from urllib.parse import quote

from onboarding.check import DESCRIPTIONS, Checked, Finding, Location

_SCHEMA = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)
_ROOT = "PROJECT"


def sarif(checked: Checked, root: Path) -> dict[str, Any]:
    """One run of one tool. Files are relative to the project at ``root``."""
    rules = list(DESCRIPTIONS)
    return {
        "$schema": _SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "tenancy",
                        "version": version("tenancy"),
                        "rules": [
                            {"id": name, "shortDescription": {"text": DESCRIPTIONS[name]}}
                            for name in rules
                        ],
                    }
                },
                "originalUriBaseIds": {_ROOT: {"uri": root.as_uri() + "/"}},
                "results": [_result(one, rules) for one in checked.findings],
                "columnKind": "unicodeCodePoints",
            }
        ],
    }


def _result(finding: Finding, rules: list[str]) -> dict[str, Any]:
    found: dict[str, Any] = {
        "ruleId": finding.rule,
        "ruleIndex": rules.index(finding.rule),
        "level": "error",
        "message": {"text": finding.text},
        "locations": [_location(one) for one in finding.locations[:1]],
        "properties": {"tenants": list(finding.tenants), "undecided": finding.undecided},
    }
    if finding.locations[1:]:
        found["relatedLocations"] = list(_numbered(finding.locations[1:]))
    if finding.urn:
        logical = {"fullyQualifiedName": finding.urn, "kind": "resource"}
        for location in found["locations"]:
            location["logicalLocations"] = [logical]
    return found


def _numbered(locations: Iterable[Location]) -> Iterable[dict[str, Any]]:
    for number, one in enumerate(locations, 1):
        yield {"id": number, **_location(one)}


def _location(one: Location) -> dict[str, Any]:
    artifact: dict[str, str] = {"uri": quote(one.file)}
    if one.file.startswith("/"):
        artifact = {"uri": Path(one.file).as_uri()}
    else:
        artifact["uriBaseId"] = _ROOT
    return {"physicalLocation": {"artifactLocation": artifact, "region": {"startLine": one.line}}}
