"""How sensitive data is."""

from enum import IntEnum


class Classification(IntEnum):
    """A level of sensitivity; a higher number needs more care."""

    PUBLIC = 1
    INTERNAL = 2
    RESTRICTED = 3
    CONFIDENTIAL = 4
    CLASSIFIED = 5

    @property
    def label(self) -> str:
        """The word that a YAML file uses: the name, in capitals."""
        return self.name
