"""Nessie gives its clients neither signed requests nor credentials."""

import re
from collections.abc import Iterator

from isolation.graph import Resource
from policies.containers import containers, environment, is_nessie
from policies.rule import ResourceRule, Settings

_SIGNING = re.compile(r"nessie\.catalog\.service\.s3\..*request\.signing\.enabled")
_VENDING = re.compile(r"nessie\.catalog\.service\.(?:s3|gcs)\..*client\.(?:iam|auth).*enabled")
_SIGNING_OFF = "nessie.catalog.service.s3.default.options.request.signing.enabled"


def _find(resource: Resource, _: Settings) -> Iterator[str]:
    for container in containers(resource):
        if not is_nessie(container):
            continue
        # A property, or the variable that stands for it.
        given = {
            re.sub("[-_]", ".", name.lower()): value.lower()
            for name, value in environment(container).items()
        }
        if _SIGNING_OFF not in given:
            yield "does not switch request signing off, which is on by default"
        for name, value in given.items():
            if _SIGNING.fullmatch(name) and value != "false":
                yield f"signs requests for its clients: {name}"
            if _VENDING.fullmatch(name) and value != "false":
                yield f"gives its clients credentials: {name}"


RULE = ResourceRule(
    name="nessie-without-signing-and-vending",
    description="A client of Nessie reaches files by its own role only.",
    remedy="set request-signing-enabled and client-iam.enabled to false",
    find=_find,
)
