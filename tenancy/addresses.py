"""IPv4 ranges as files give them."""

from ipaddress import IPv4Network
from typing import Annotated

from pydantic import BeforeValidator

from tenancy.errors import Refusal

_PRIVATE = tuple(map(IPv4Network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")))
_VPC_SIZES = range(16, 29)


def is_private(network: IPv4Network) -> bool:
    """Whether nothing of it can be reached from the internet (RFC 1918)."""
    return any(network.subnet_of(private) for private in _PRIVATE)


def vpc_sized(network: IPv4Network) -> IPv4Network:
    """``network``, if a VPC may have it (Amazon VPC User Guide, "VPC CIDR blocks").

    Raises:
        Refusal: it may not.
    """
    if network.prefixlen not in _VPC_SIZES:
        raise Refusal("a VPC is a /16 to a /28", "write e.g. 10.0.0.0/16")
    return network


def _network(given: object) -> object:
    try:
        network = IPv4Network(given if isinstance(given, str) else "")
    except ValueError:
        raise Refusal("must be an IPv4 range with no host bits", "write e.g. 10.0.0.0/16") from None
    if not is_private(network):
        raise Refusal("must be a private range (RFC 1918)", "write e.g. 10.0.0.0/16")
    return network


Cidr = Annotated[IPv4Network, BeforeValidator(_network)]
"""A private range, written like ``10.0.0.0/16``."""
