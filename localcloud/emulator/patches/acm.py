"""ACM: a certificate is issued when it is first looked at, and stays while a listener uses it.

There is no public DNS here to prove a domain by, so every certificate counts as validated at once.
"""

# A wrapper has the form of what it wraps.
# ruff: noqa: ANN401

from __future__ import annotations

from typing import Any

from moto.acm.models import AWSCertificateManagerBackend, CertBundle
from moto.core.exceptions import AWSError
from moto.elbv2.models import elbv2_backends

from localcloud.emulator.patches.wrapping import Function, around


def _check(original: Function, self: Any) -> None:
    original(self)
    if self.type == "AMAZON_ISSUED" and self.status == "PENDING_VALIDATION":
        self.status = "ISSUED"


def _delete_certificate(original: Function, self: Any, arn: str) -> None:
    for balancer in elbv2_backends[self.account_id][self.region_name].load_balancers.values():
        for listener in balancer.listeners.values():
            if arn in [listener.certificate, *listener.certificates]:
                raise AWSError(
                    f"Certificate {arn} is in use.", exception_type="ResourceInUseException"
                )
    original(self, arn)


def patch() -> None:
    """Change moto in this process."""
    around(CertBundle, "check")(_check)
    around(AWSCertificateManagerBackend, "delete_certificate")(_delete_certificate)
