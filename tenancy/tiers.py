"""The isolation tiers, and what each means for each layer: one table, read by everything else."""

from collections.abc import Mapping
from enum import IntEnum, StrEnum
from types import MappingProxyType


class Tier(IntEnum):
    """How strongly a tenant is fenced; a higher number is stronger."""

    SOFT = 1
    MEDIUM = 2
    HARD = 3

    @property
    def label(self) -> str:
        """The word that a YAML file and a tag use: ``soft``, ``medium`` or ``hard``."""
        return self.name.lower()


class Layer(StrEnum):
    """A part of the lakehouse that is fenced; a tenant may strengthen each above its tier."""

    STORAGE = "storage"
    CATALOG = "catalog"
    IAM = "iam"
    PIPELINES = "pipelines"
    NETWORK = "network"
    AUDIT = "audit"


class Form(StrEnum):
    """What a layer of one tenant is made of."""

    SHARED_PREFIX = "prefix of the shared bucket, shared key bound to it by encryption context"
    OWN_BUCKET = "own bucket and key"
    OWN_BUCKET_IN_OWN_ACCOUNT = "own bucket and key in the tenant's account"
    SHARED_DATABASE = "tagged tables in the shared database, shared Nessie behind the gateway"
    OWN_DATABASE = "own database with grants, own Nessie service"
    OWN_CATALOG = "own catalog and Nessie instance in the tenant's account"
    OWN_ROLES = "own reader, writer, admin and run roles"
    SHARED_ROLES = "own run role; reader, writer and admin shared, sessions bound by tag"
    OWN_ROLES_IN_OWN_ACCOUNT = "own roles in the tenant's account"
    SHARED_DAGSTER = "partition of the shared Dagster"
    LIMITED_DAGSTER = "partition of the shared Dagster with run limits"
    OWN_DAGSTER = "own Dagster"
    SHARED_HOST = "shared host name behind the shared load balancer"
    OWN_HOST = "own host name behind the shared load balancer"
    OWN_NETWORK = "own VPC, peered to the platform only"
    SHARED_TRAIL = "shared trail, own routed view and reader role"
    OWN_TRAIL = "own trail and audit bucket, the organization's trail as authority"


def _row(soft: Form, medium: Form, hard: Form) -> Mapping[Tier, Form]:
    return MappingProxyType({Tier.SOFT: soft, Tier.MEDIUM: medium, Tier.HARD: hard})


MATRIX: Mapping[Layer, Mapping[Tier, Form]] = MappingProxyType(
    {
        Layer.STORAGE: _row(Form.SHARED_PREFIX, Form.OWN_BUCKET, Form.OWN_BUCKET_IN_OWN_ACCOUNT),
        Layer.CATALOG: _row(Form.SHARED_DATABASE, Form.OWN_DATABASE, Form.OWN_CATALOG),
        Layer.IAM: _row(Form.OWN_ROLES, Form.OWN_ROLES, Form.OWN_ROLES_IN_OWN_ACCOUNT),
        Layer.PIPELINES: _row(Form.SHARED_DAGSTER, Form.LIMITED_DAGSTER, Form.OWN_DAGSTER),
        Layer.NETWORK: _row(Form.SHARED_HOST, Form.OWN_HOST, Form.OWN_NETWORK),
        Layer.AUDIT: _row(Form.SHARED_TRAIL, Form.SHARED_TRAIL, Form.OWN_TRAIL),
    }
)
"""The decision matrix: what a layer of a tenant is at each tier. An environment with
``soft_roles: shared`` has ``SHARED_ROLES`` where a soft layer would have ``OWN_ROLES``."""
