"""What AWS lets an account, a region or one thing hold: the data file ``limits/aws.yaml``, read."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, model_validator

FILE = Path(__file__).with_name("limits") / "aws.yaml"

Measure = Literal["resources", "items", "characters", "bytes"]


class Limit(BaseModel):
    """One quota.

    ``limit`` is AWS's default, ``most`` what it is raised to at most (None: AWS names no bound).
    ``per`` is ``account``, ``region``, or a property whose value names what holds it. ``of`` is
    the property that is measured, empty where resources are counted.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    what: str = Field(min_length=1)
    limit: int = Field(gt=0)
    most: int | None = None
    per: str
    counts: tuple[str, ...] = Field(min_length=1)
    of: str = ""
    measure: Measure = "resources"
    source: str
    date: str

    @model_validator(mode="after")
    def _holds(self) -> "Limit":
        if self.most is not None and self.most < self.limit:
            raise ValueError("`most` is below `limit`")
        if bool(self.of) is (self.measure == "resources"):
            raise ValueError("`of` and a `measure` of it go together")
        return self


@cache
def read_limits(path: Path = FILE) -> Mapping[str, Limit]:
    """The quotas of a data file, by name; each knows the page that it is from, and when.

    Raises:
        pydantic.ValidationError: an entry is incomplete or contradicts itself.
    """
    told = yaml.safe_load(path.read_text("utf-8"))
    found = {
        name: Limit(**{**entry, "source": told["source"] + entry["source"]}, date=str(told["date"]))
        for name, entry in told["limits"].items()
    }
    return MappingProxyType(found)
