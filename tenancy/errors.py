"""What is wrong with an input, told so that its author can mend it without reading our code."""

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum


class Kind(StrEnum):
    """What a problem is about, where a program tells kinds apart."""

    INPUT = "input"
    ACCESS = "access"
    """One principal would reach two tenants."""
    COLLISION = "collision"
    """Two would have the same name."""
    QUOTA = "quota"
    """An account would hold more than it may."""
    LOSS = "loss"
    """What is deployed would be lost or stranded."""


@dataclass(frozen=True)
class Problem:
    """One thing wrong with an input file.

    ``where`` is the file as its author knows it (``tenants/acme.yaml``), ``field`` the path in it
    (``access.reader[0].aws``; empty for the file as a whole), ``rule`` what is wrong and which
    rule says so, ``remedy`` what to write instead. None of them ever holds a secret's value.
    """

    where: str
    field: str
    rule: str
    remedy: str
    kind: Kind = Kind.INPUT

    def __str__(self) -> str:
        subject = f"{self.where}: {self.field}" if self.field else self.where
        return f"{subject}: {self.rule}\n  remedy: {self.remedy}"


class InvalidInput(Exception):
    """Input files cannot be used; ``problems`` holds all that was found, not only the first."""

    def __init__(self, problems: Problem | Iterable[Problem]) -> None:
        found = (problems,) if isinstance(problems, Problem) else tuple(problems)
        self.problems: tuple[Problem, ...] = found
        super().__init__(self.problems)

    def __str__(self) -> str:
        return "\n".join(map(str, self.problems))


class Refusal(ValueError):
    """A value breaks a rule. Validators raise it; the reader of a file adds where.

    ``field`` is a path below the validated value, for a rule about a part of it.
    """

    def __init__(self, rule: str, remedy: str, *, field: tuple[str | int, ...] = ()) -> None:
        super().__init__(rule)
        self.rule = rule
        self.remedy = remedy
        self.field = field


def did_you_mean(given: str, known: Iterable[str]) -> str | None:
    """The known word that ``given`` was probably meant to be: misspelt, or longer or shorter."""
    words = sorted(known)
    folded = given.lower()
    close = get_close_matches(folded, [word.lower() for word in words], n=1)
    for word in words:
        if word.lower() in close:
            return word
    kin = [word for word in words if folded.startswith(word.lower() + "_")]
    return max(kin, key=len, default=None)


def suggestion(given: str, known: Iterable[str]) -> str:
    """A remedy for an unknown word: the probable one, or all that there are."""
    words = sorted(known)
    meant = did_you_mean(given, words)
    if meant is not None:
        return f"did you mean `{meant}`?"
    return f"known here: {', '.join(words)}" if words else "none is known here: remove it"
