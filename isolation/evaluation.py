"""Effective permissions: can a principal reach a target, and by which statements."""

from dataclasses import dataclass

from isolation.errors import Undecided
from isolation.policy import Statement
from isolation.principals import Principal
from isolation.problem import OF_THE_RESOURCE, hopeless, pose
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


_LET_IN_NOBODY = Decision(None, None, (), (OF_THE_RESOURCE,), (), (), fenced=False)


def decide(principal: Principal, target: Target, *, fences: bool = True) -> Decision:
    """Look for any action, resource and context with which ``principal`` reaches ``target``.

    Without ``fences`` as if the second fence were not there (``problem.pose``).
    """
    if hopeless(principal, target):
        return _LET_IN_NOBODY
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
