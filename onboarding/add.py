"""`tenancy add`: the file of a new tenant, with what else could stand in it as comments."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml

from onboarding import tenant_files
from tenancy.environment import Environment, load_environment
from tenancy.errors import InvalidInput, Problem, Refusal
from tenancy.ids import check_tenant_id
from tenancy.tenant import Tenant
from tenancy.tiers import Tier

DEFAULT_ENVIRONMENT: str = Tenant.model_fields["environment"].default


@dataclass(frozen=True)
class NewTenant:
    """What is known of a tenant that is to be added; None where its file's default is meant.

    Attributes:
        contact: e-mail address; without one the environment's operators answer for the tenant.
        account_id: of a hard tenant: 12 digits; without it the account is to be vended.
        region: of a hard tenant; without it the environment's.
    """

    id: str
    tier: Tier
    contact: str | None = None
    organization: str | None = None
    environment: str = DEFAULT_ENVIRONMENT
    account_id: str | None = None
    region: str | None = None


def add(root: Path, new: NewTenant) -> Path:
    """Write `tenants/<id>.yaml`.

    Raises:
        InvalidInput: the id, the file or the estate with it breaks a rule; nothing was written.
    """
    try:
        check_tenant_id(new.id)
    except Refusal as refusal:
        raise InvalidInput(Problem("tenancy add", "ID", refusal.rule, refusal.remedy)) from None
    environment = _environment(root, new.environment)
    (path,) = tenant_files.write_new(root, {new.id: text_of(new, environment)})
    return path


def _environment(root: Path, name: str) -> Environment:
    known = {
        environment.name: environment
        for path in sorted(root.glob("Pulumi.*.yaml"))
        if (environment := load_environment(path))
    }
    if name not in known:
        raise InvalidInput(
            Problem(
                "tenancy add",
                "--environment",
                f"no Pulumi.*.yaml describes an environment `{name}`",
                f"name one of {', '.join(known)}" if known else "write an environment's file first",
            )
        )
    return known[name]


def text_of(new: NewTenant, environment: Environment) -> str:
    """The file's text. A line that starts with `#  ` is an example: valid without those marks."""
    contact = new.contact or environment.alert_email
    whose = "" if new.contact else "  # the operators', until the tenant names somebody"
    lines = [
        "# yaml-language-server: $schema=../tenancy/tenant.schema.json",
        "# What each key means: docs/tenant.md. Examples are commented out.",
        f"tenant: {new.id}",
        f"environment: {new.environment}",
        f"contact: {_scalar(contact)}{whose}",
        f"organization: {_scalar(new.organization)}"
        if new.organization
        else "#  organization: Its Name  # for people",
        f"isolation: {new.tier.label}  # {_MEANING[new.tier]}",
        *_place(new, environment),
        *_REST,
    ]
    return "\n".join(lines) + "\n"


_MEANING = {
    Tier.SOFT: "a prefix of the shared bucket, tables in the shared database",
    Tier.MEDIUM: "a bucket, key, database and Nessie of its own",
    Tier.HARD: "an account, network and Dagster of its own besides",
}
_REST = (
    "classification: INTERNAL  # PUBLIC, INTERNAL, RESTRICTED, CONFIDENTIAL, CLASSIFIED",
    "#  data_restrictions:",
    '#    allowed_states: ["CO"]  # two letters each, or ["ALL"]',
    "#    allowed_classifications: [PUBLIC, INTERNAL]",
    "audit:",
    "  retention_days: 365  # nobody can delete a record before",
    "#    siem: true  # each record also to a queue",
    "#    realtime: true  # alerts also to the contact",
    "#    incident_response: true  # alerts also to those on call",
    "# Who may assume its roles: nobody, until somebody is named.",
    "#  access:",
    "#    writer:",
    '#      - oidc: {subject: "repo:its-name/jobs:environment:prod"}',
    "#  api_access:",
    "#    fema_api_key: ${FEMA_API_KEY}  # a reference, never a value",
    "#    rate_limits: {fema: 1000/hour}",
)


def _place(new: NewTenant, environment: Environment) -> Iterator[str]:
    """Where it lives; what only a hard tenant may say is written, if given, and refused later."""
    hard = new.tier is Tier.HARD
    if new.account_id:
        yield f"account_id: {json.dumps(new.account_id)}"
    elif hard:
        yield '#  account_id: "123456789012"  # without it, an account is vended'
    if hard or new.region:
        yield f"region: {_scalar(new.region or environment.region)}"
    if new.tier is Tier.SOFT:
        yield "# One layer may be stronger: isolation: {tier: soft, storage: medium}"


def _scalar(text: str) -> str:
    """The text as one YAML scalar in one line: plain where that reads the same, else quoted."""
    dumped: str = yaml.safe_dump(text, allow_unicode=True, width=math.inf)
    return dumped.removesuffix("...\n").removesuffix("\n")
