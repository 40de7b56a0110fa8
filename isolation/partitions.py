"""The partitions of AWS: clouds apart, with ARNs of their own, between which nobody acts.

Sources: IAM User Guide, "Cross account resource access in IAM" (none between partitions); the
regions and their partitions as botocore lists them (``partitions.json``), which a test compares.
"""

import re
from functools import lru_cache

_REGIONS = {
    "aws": re.compile(r"(?!cn-)[a-z]{2}-[a-z]+-[0-9]+"),
    "aws-us-gov": re.compile(r"us-gov-[a-z]+-[0-9]+"),
    "aws-cn": re.compile(r"cn-[a-z]+-[0-9]+"),
}

UNDERSTOOD = tuple(_REGIONS)
"""The partitions whose policies mean what this proof takes them to mean."""


@lru_cache(maxsize=256)
def partition_of_region(region: str) -> str:
    """The partition that has a region; empty for a region of none that is understood."""
    return next((name for name, form in _REGIONS.items() if form.fullmatch(region)), "")


def partition_of(arn: str) -> str:
    """The partition in an ARN; empty for what is no ARN."""
    parts = arn.split(":", 2)
    return parts[1] if parts[0] == "arn" and len(parts) > 2 else ""  # noqa: PLR2004 - an ARN's


OF_SERVICES = (".amazonaws.com", ".amazonaws.com.cn")
"""What the names of services end with, as principals: in China some of them with its own domain."""


def in_s3(arn: str) -> bool:
    """Whether an ARN is of a bucket or of objects, which name neither region nor account."""
    return arn.split(":", 5)[2:5] == ["s3", "", ""]
