"""Estates in other partitions of AWS, made from those of the commercial one.

A file or a state of the commercial partition says where it is by ARNs and by a region; the same in
another is told apart by nothing else.
"""

import json
from dataclasses import dataclass
from typing import Any

_COMMERCIAL = ("arn:aws:", "us-east-1", ".amazonaws.com/")


@dataclass(frozen=True)
class Elsewhere:
    """A region, its partition and the domain of its registries."""

    region: str
    partition: str
    domain: str = "amazonaws.com"

    def moved(self, text: str) -> str:
        """A file of the commercial partition, as it is here."""
        for one, other in zip(_COMMERCIAL, self._here, strict=True):
            text = text.replace(one, other)
        return text

    def back(self, states: Any) -> Any:
        """States of here, as they would be in the commercial partition."""
        return self._replaced(states, self._here[:2], _COMMERCIAL[:2])

    def here(self, states: Any) -> Any:
        """States of the commercial partition, as they would be here."""
        return self._replaced(states, _COMMERCIAL[:2], self._here[:2])

    @property
    def _here(self) -> tuple[str, ...]:
        return (f"arn:{self.partition}:", self.region, f".{self.domain}/")

    @staticmethod
    def _replaced(states: Any, before: tuple[str, ...], after: tuple[str, ...]) -> Any:
        text = json.dumps(states)
        for one, other in zip(before, after, strict=True):
            text = text.replace(one, other)
        return json.loads(text)


GOVCLOUD = Elsewhere("us-gov-west-1", "aws-us-gov")
CHINA = Elsewhere("cn-north-1", "aws-cn", "amazonaws.com.cn")
