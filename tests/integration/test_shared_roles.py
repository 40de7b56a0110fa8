"""Roles that soft tenants share, on the real engine: previewed within the policy pack."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tests.integration.checkout import Checkout

ENVIRONMENT = "Pulumi.local.yaml"
TENANT = "tenants/acme.yaml"


@contextmanager
def sharing(checkout: Checkout) -> Iterator[None]:
    """Soft tenants share roles; acme, whose writer is one of GitHub's jobs, is named otherwise."""
    environment = checkout.read(ENVIRONMENT)
    shared = environment.replace("    embedded: true", "    soft_roles: shared\n    embedded: true")
    tenant, _, rest = checkout.read(TENANT).partition("    - oidc:\n")
    others = rest[rest.index("  admin:") :]
    jobs = "    - {aws: 'arn:aws:iam::333333333333:role/acme-jobs', external_id: config:acme}\n"
    with checkout.edited(ENVIRONMENT, shared), checkout.edited(TENANT, tenant + jobs + others):
        yield


def test_a_deployed_stack_may_turn_to_shared_roles_within_the_pack(deployed: Checkout) -> None:
    with sharing(deployed):
        done = deployed.pulumi("preview", "--stack", "local", "--policy-pack", "policies", "--diff")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "acme-iam-reader" in done.stdout  # which would go


def test_a_setting_that_cannot_be_is_refused_before_any_engine_call(deployed: Checkout) -> None:
    environment = deployed.read(ENVIRONMENT)
    shared = environment.replace("    embedded: true", "    soft_roles: shared\n    embedded: true")
    with deployed.edited(ENVIRONMENT, shared):
        told = deployed.refused_up(code=2)
    assert "tenants/acme.yaml: access.writer[0].oidc.provider" in told
    assert "iam: medium" in told
