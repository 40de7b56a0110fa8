"""What the proof says: proven, violated with counterexamples, or not known and why."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum


class Answer(Enum):
    """What is known of the claim."""

    PROVEN = "proven"
    VIOLATED = "violated"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Place:
    """A statement, setting or claim that makes a counterexample: on which resource it stands.

    ``urn`` is the resource's, ``file`` where the resource was read, ``text`` the statement.
    """

    text: str
    urn: str = ""
    file: str = ""

    def to_json(self) -> dict[str, str]:
        """For machines."""
        return {"statement": self.text, "urn": self.urn, "file": self.file}


@dataclass(frozen=True, slots=True)
class Counterexample:
    """One way in which the claim does not hold.

    ``principal`` acts for ``tenant`` (None: for nobody, or for several) and reaches ``resource``, a
    concrete example, of ``owner`` (None: the platform's) with ``action``. ``chain`` are the
    principals it becomes on the way, none for a direct reach. ``because`` are the statements that
    allow it. ``remedy`` says what would have to change.
    """

    rule: str
    principal: str
    tenant: str | None
    action: str
    resource: str
    owner: str | None
    remedy: str
    chain: tuple[str, ...] = ()
    because: tuple[Place, ...] = ()
    context: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def tenants(self) -> tuple[str, ...]:
        """The tenants concerned: who reaches first, then whose is reached."""
        return tuple(dict.fromkeys(name for name in (self.tenant, self.owner) if name is not None))

    def __str__(self) -> str:
        return f"{self.principal} {self.action} {self.resource}"

    def to_json(self) -> dict[str, object]:
        """For machines."""
        return {
            "rule": self.rule,
            "principal": self.principal,
            "tenant": self.tenant,
            "chain": list(self.chain),
            "action": self.action,
            "resource": self.resource,
            "owner": self.owner,
            "context": {key: list(values) for key, values in self.context.items()},
            "because": [place.to_json() for place in self.because],
            "remedy": self.remedy,
        }


@dataclass(frozen=True, slots=True)
class Trusted:
    """A principal that reaches more than one tenant, and the reason that is declared for it."""

    principal: str
    reason: str
    tenants: tuple[str, ...]
    reaches: tuple[str, ...]

    def to_json(self) -> dict[str, object]:
        """For machines."""
        return {
            "principal": self.principal,
            "reason": self.reason,
            "tenants": list(self.tenants),
            "reaches": list(self.reaches),
        }


@dataclass(frozen=True, slots=True)
class Verdict:
    """The whole answer.

    ``unknowns`` are what was not understood, each of which keeps an estate from being proven.
    ``assumptions`` are what the proof takes for granted; ``latent`` are patterns that match no
    present tenant but could match a future one. ``counts`` tells how much was looked at.
    """

    answer: Answer
    counterexamples: tuple[Counterexample, ...] = ()
    unknowns: tuple[str, ...] = ()
    assumptions: tuple[str, ...] = ()
    latent: tuple[Counterexample, ...] = ()
    trusted: tuple[Trusted, ...] = ()
    counts: Mapping[str, int] = field(default_factory=dict)

    @property
    def proven(self) -> bool:
        """Whether the claim is proved."""
        return self.answer is Answer.PROVEN

    def to_json(self) -> dict[str, object]:
        """For machines."""
        return {
            "answer": self.answer.value,
            "counts": dict(self.counts),
            "counterexamples": [one.to_json() for one in self.counterexamples],
            "unknowns": list(self.unknowns),
            "latent": [one.to_json() for one in self.latent],
            "assumptions": list(self.assumptions),
            "trusted_base": [one.to_json() for one in self.trusted],
        }
