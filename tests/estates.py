"""Estates to test with, as files: a small valid one, and a copy of it with one thing changed."""

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from textwrap import dedent

from onboarding.recorded import State, exported, platform_outputs
from onboarding.recording import Recorded, run_program
from tenancy.estate import load_estate

ROOT = Path(__file__).parents[1]

ENVIRONMENT = """\
config:
  tenancy:environment:
    project: lakehouse
    name: {name}
    region: us-east-1
    account_id: "{account}"
    deployers: ["arn:aws:iam::{account}:role/deployer"]
    platform_admins: ["arn:aws:iam::{account}:role/engineers"]
    oidc_providers: [token.actions.githubusercontent.com]
    external_ids: {{analytics: a-generated-id}}
    network: {{platform: 10.0.0.0/16, tenants: 10.64.0.0/10}}
    images: {{nessie: "ecr/nessie:0.99.0", dagster: "ecr/dagster:1.0", gateway: "ecr/gateway:1.0"}}
    identity: {{issuer: "https://id.example.com", public_key: bm8ga2V5}}
    domain: lake.example.com
    alert_email: ops@example.com
    price_region: us-east-1
"""
FILES = {
    "Pulumi.prod.yaml": ENVIRONMENT.format(name="prod", account="222222222222"),
    "tenants/acme.yaml": "tenant: acme\ncontact: a@acme.example\nisolation: soft\n",
    "tenants/globex.yaml": "tenant: globex\ncontact: a@globex.example\n",
    "tenants/initech.yaml": dedent(
        """\
        tenant: initech
        contact: a@initech.example
        isolation: hard
        account_id: "444444444444"
        region: us-west-2
        """
    ),
    "table-templates/events.yaml": dedent(
        """\
        description: Events
        key: id
        columns:
          - {name: id, type: string}
          - {name: phone, type: string}
          - {name: email, type: string, access_level: restricted}
        """
    ),
}


def write_estate(root: Path, changed: Mapping[str, str | None] | None = None) -> Path:
    """Write the small estate under ``root``; ``changed`` replaces files, None leaves one out."""
    for name, text in ({**FILES, **(changed or {})}).items():
        if text is not None:
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
    return root


def run_on(root: Path, stack: str) -> dict[str, Recorded]:
    """What the program records for a stack of the estate at ``root``: it is copied there."""
    shutil.copy(ROOT / "__main__.py", root)
    plan = load_estate(root).planned(stack)
    platform = plan.environment.name
    outputs = {platform: platform_outputs(platform, root)} if plan.shard else {}
    return run_program(stack, root, outputs=outputs)


def own_estate(root: Path, moved: Callable[[str], str] = str) -> dict[str, State]:
    """The local stacks of the project's own tenants, as `pulumi stack export` would print them;
    ``moved`` changes the files before.
    """
    for path in (
        *ROOT.glob("tenants/*.yaml"),
        *ROOT.glob("table-templates/*.yaml"),
        *ROOT.glob("Pulumi*.yaml"),
    ):
        copy = root / path.relative_to(ROOT)
        copy.parent.mkdir(exist_ok=True)
        copy.write_text(moved(path.read_text()))
    return {name: exported(run_on(root, name), name) for name in ("local", "local-federal-dhs")}
