"""Shards: the stacks that an environment's soft and medium tenants are spread over.

A tenant's shard follows from its id and the number of shards alone. With one shard more, each
tenant stays where it is or moves to the new one (rendezvous hashing: Thaler and Ravishankar, "Using
name-based mappings to increase hit rates", 1998), so few move.
"""

import hashlib
import re

_SHARD = re.compile(r"-[0-9]{2,}")
"""What follows an environment's name: no tenant's id starts with a digit (``tenancy.ids``), so no
hard tenant's stack is called so."""


def shard_of(tenant: str, shards: int) -> int:
    """The shard that the tenant lives in, 1 to ``shards``."""
    return max(range(1, shards + 1), key=lambda shard: _weight(tenant, shard))


def shard_stack(environment: str, shard: int) -> str:
    """The name of a shard's stack, such as ``prod-01``."""
    return f"{environment}-{shard:02}"


def home(environment: str, shards: int | None, tenant: str) -> str:
    """The name of the stack that a soft or medium tenant lives in; without ``shards`` it is the
    environment's own.
    """
    return shard_stack(environment, shard_of(tenant, shards)) if shards else environment


def is_shard(environment: str, stack: str) -> bool:
    """Whether a stack of that name is a shard of the environment, one that it has or once had."""
    suffix = stack.removeprefix(environment)
    return suffix != stack and _SHARD.fullmatch(suffix) is not None


def _weight(tenant: str, shard: int) -> bytes:
    return hashlib.sha256(f"{shard} {tenant}".encode()).digest()
