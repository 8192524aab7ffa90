"""Asks z3, which is an extra: one solver for one kind of request, its questions pushed and popped.

z3 may answer `unknown`; that is neither yes nor no, and `Answer` keeps it apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from remit.proof.terms import Terms

MOST_WORK = 50_000_000  # z3's steps for one question, and not its time: the same question gets the same answer


class _Z3:
    """z3's own module, loaded when something of it is first asked for: it is an extra, and takes a seventh of a second
    to load."""

    def __getattr__(self, name: str) -> Any:
        import z3

        found = getattr(z3, name)
        setattr(self, name, found)
        return found


z3: Any = _Z3()


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


def either_of(formulas: Sequence[Any]) -> Any:
    """The `or` of many formulas. z3's own function looks at each three times over, which among hundreds is most of
    the work."""
    if not formulas:
        return z3.BoolVal(False)
    parts = (z3.Ast * len(formulas))(*(formula.as_ast() for formula in formulas))
    context = formulas[0].ctx
    return z3.BoolRef(z3.Z3_mk_or(context.ref(), len(formulas), parts), context)


class Solver:
    """One solver over the terms of some requests."""

    def __init__(self, *terms: Terms) -> None:
        self._said = dict.fromkeys(terms, 0)  # of what holds of them
        self._defined: dict[int, Any] = {}
        self.solver: Any = z3.SimpleSolver()
        self.solver.set("rlimit", MOST_WORK)
        self._unsat, self._sat = z3.unsat, z3.sat

    def model(self, *formulas: Any) -> Any | None:
        """A model of all these together, or None where there is none. Raises UnknownError."""
        for terms, said in self._said.items():
            for rule in terms.rules[said:]:
                self.solver.add(rule)
            self._said[terms] = len(terms.rules)
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

    def named(self, formula: Any) -> Any:
        """A Boolean for a formula that many questions share, so that z3 takes it in once."""
        key = formula.get_id()
        found = self._defined.get(key)
        if found is None:
            name = z3.Bool(f"named {len(self._defined)}")
            self.solver.add(name == formula)
            found = self._defined[key] = (formula, name)  # the formula is kept, for z3 gives its number away again
        return found[1]

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
