"""Asks z3, which is an extra: one solver for one kind of request, its questions pushed and popped.

z3 may answer `unknown`; that is neither yes nor no, and `Answer` keeps it apart.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from remit.proof.terms import Terms

MOST_WORK = 50_000_000  # z3's steps for one question, and not its time: the same question gets the same answer


class MissingSolverError(Exception):
    """The extra `prove` is not installed."""

    def __init__(self) -> None:
        super().__init__("this needs the solver: install remit[prove]")


class UnknownError(Exception):
    """z3 could not tell."""


def available() -> bool:
    """Whether z3 is installed."""
    from importlib.util import find_spec

    return find_spec("z3") is not None


def require() -> None:
    """Raises MissingSolverError where z3 is not installed."""
    if not available():
        raise MissingSolverError


class Asked:
    """One solver over some requests' terms."""

    def __init__(self, terms: Terms) -> None:
        import z3

        self.terms = terms
        self.solver: Any = z3.SimpleSolver()
        self.solver.set("rlimit", MOST_WORK)
        self._unsat, self._sat = z3.unsat, z3.sat

    def model(self, *formulas: Any) -> Any | None:
        """A model of all these together, or None where there is none. Raises UnknownError."""
        for rule in self.terms.fresh():
            self.solver.add(rule)
        self.solver.push()
        try:
            self.solver.add(*formulas)
            answer = self.solver.check()
            if answer == self._unsat:
                return None
            if answer == self._sat:
                return self.solver.model()
            raise UnknownError(self.solver.reason_unknown())
        finally:
            self.solver.pop()

    def can_be(self, *formulas: Any) -> bool:
        """Whether they can be true together. Raises UnknownError."""
        return self.model(*formulas) is not None

    def core(self, guarded: dict[str, Any], *formulas: Any) -> list[str] | None:
        """Of formulas by name that cannot all be true beside `formulas`: a smallest set that cannot, by leaving out one
        after the other; None where they can."""
        if self.can_be(*formulas, *guarded.values()):
            return None
        kept = dict(guarded)
        for name in list(kept):
            rest = [formula for other, formula in kept.items() if other != name]
            if not self.can_be(*formulas, *rest):
                del kept[name]
        return list(kept)
