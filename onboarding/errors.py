"""What ends a command other than well, with what its user does about it."""

from __future__ import annotations

from dataclasses import dataclass

from onboarding.remedies import remedy
from tenancy.errors import InvalidInput


class Refused(InvalidInput):
    """The files are sound, but what they ask would lose or move what is deployed."""


@dataclass(frozen=True)
class Diagnosis:
    """One error of the engine; `urn` is the resource, empty for the stack as a whole."""

    urn: str
    message: str

    def __str__(self) -> str:
        return f"{self.urn}\n    {self.message}" if self.urn else self.message


class OperationFailed(Exception):
    """The engine could not do what it was asked.

    Attributes:
        stack: the stack's name.
        operation: `preview`, `up`, `refresh`, ... as the engine calls it.
        diagnoses: what went wrong, in the order in which the engine met it.
        log: the file that holds the engine's full output.
    """

    def __init__(
        self, stack: str, operation: str, diagnoses: tuple[Diagnosis, ...], log: str
    ) -> None:
        super().__init__(stack, operation, diagnoses, log)
        self.stack = stack
        self.operation = operation
        self.diagnoses = diagnoses
        self.log = log

    def __str__(self) -> str:
        causes = "\n".join(f"  {diagnosis}" for diagnosis in self.diagnoses)
        remedies = dict.fromkeys(remedy(diagnosis.message) for diagnosis in self.diagnoses)
        return (
            f"stack {self.stack}: {self.operation} failed\n{causes}\n"
            f"  everything that the engine said: {self.log}\n"
            f"  remedy: {'; '.join(remedies)}"
        )


class NoSuchStack(OperationFailed):
    """The backend has no stack of that name."""
