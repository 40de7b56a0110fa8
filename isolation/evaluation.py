"""Effective permissions: can a principal reach a target, and by which statements."""

from dataclasses import dataclass
from functools import lru_cache

from isolation.errors import Undecided
from isolation.policy import Statement
from isolation.principals import Principal
from isolation.problem import closed, pose
from isolation.solver import Solver, Witness
from isolation.targets import Target


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether some request reaches the target.

    ``allowed`` is such a request; ``undecided`` says why there is no answer. Where there is none,
    ``denied_by`` are the denials that stood in the way, and ``silent`` the layers that allow
    too little. ``unknowns`` and ``assumptions`` both counted in the caller's favour. ``fenced``:
    the second fence had a say (``problem.pose``).
    """

    allowed: Witness | None
    undecided: str | None
    denied_by: tuple[Statement, ...]
    silent: tuple[str, ...]
    unknowns: tuple[str, ...]
    assumptions: tuple[str, ...]
    fenced: bool

    @property
    def isolated(self) -> bool:
        """Whether it is proved that no request reaches the target."""
        return self.allowed is None and self.undecided is None


@lru_cache
def _silent(layers: tuple[str, ...]) -> Decision:
    """No request is allowed, since these layers allow nothing."""
    return Decision(None, None, (), layers, (), (), fenced=False)


def decide(principal: Principal, target: Target, *, fences: bool = True) -> Decision:
    """Look for any action, resource and context with which ``principal`` reaches ``target``.

    Without ``fences`` as if the second fence were not there (``problem.pose``).
    """
    silent = closed(principal, target)
    if silent:
        return _silent(silent)
    problem = pose(principal, target, fences=fences)
    if not problem.paths:
        notes, fenced = problem.notes, problem.fenced
        return Decision(None, None, (), problem.silent, notes.unknowns, notes.assumptions, fenced)
    solver = Solver(problem)
    undecided = None
    try:
        solver.solve()
    except Undecided as error:
        undecided = str(error)
    return Decision(
        solver.witness,
        undecided,
        tuple(solver.denied_by),
        tuple(dict.fromkeys((*problem.silent, *solver.silent))),
        problem.notes.unknowns,
        problem.notes.assumptions,
        problem.fenced,
    )
