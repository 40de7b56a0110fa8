"""What moto gets wrong and this project needs right: changes to moto itself, at start.

Each module patches one service by `Patch.around`, which wraps a function of moto's and fails when
it is not there. They were written against one version of moto, and are tried on a new one before
the version is raised: an emulator that silently lost a check would make tests pass for nothing.
"""

from __future__ import annotations

from functools import cache
from typing import Final

import moto

from localcloud.emulator.patches import (
    acm,
    awslambda,
    cloudtrail,
    ec2,
    ec2_endpoints,
    ec2_peering,
    ecs,
    elbv2,
    glue,
    iam,
    lakeformation,
    logs,
    organizations,
    rds,
    route53,
    s3,
    s3_object_lock,
    secretsmanager,
    servicediscovery,
    sqs,
    sts,
)

TESTED = "5.2.5"
_PATCHES: Final = (
    lakeformation,
    glue,
    s3,
    iam,
    sts,
    logs,
    sqs,
    ecs,
    rds,
    secretsmanager,
    servicediscovery,
    organizations,
    cloudtrail,
    s3_object_lock,
    acm,
    ec2,
    ec2_endpoints,
    ec2_peering,
    elbv2,
    route53,
    awslambda,
)


class WrongMoto(RuntimeError):
    """The installed moto is not the one that the patches fit."""


@cache
def apply() -> None:
    """Patch moto in this process; a second call does nothing. Raises WrongMoto."""
    if moto.__version__ != TESTED:
        raise WrongMoto(
            f"moto {moto.__version__} is installed, the patches fit {TESTED}. Install the locked "
            "requirements, or try the tests on the new version and raise TESTED in "
            "localcloud/emulator/patches/__init__.py"
        )
    for service in _PATCHES:
        service.patch()
