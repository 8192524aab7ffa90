"""Without the solver, and where it cannot tell."""

from __future__ import annotations

from typing import Any

import pytest
import z3
from proof.pairs import difference, table, written

from remit.proof import solver
from remit.proof.compare import equivalent
from remit.proof.solver import MissingSolverError, Solver, UnknownError
from remit.proof.terms import Kinds, Terms


@pytest.fixture
def missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(solver, "available", lambda: False)


@pytest.fixture
def puzzled(monkeypatch: pytest.MonkeyPatch) -> None:
    """A z3 that gives up on every question."""

    def model(self: Solver, *formulas: Any) -> Any:
        raise UnknownError("timeout")

    monkeypatch.setattr(Solver, "model", model)


OLD, OTHER = written("resource.n > 5", "n: int"), written("resource.n > 6", "n: int")
SAME_FORM = written("not (resource.n < 6)", "n: int")
SAME_BY_PROOF = written("resource.n > 5 and resource.n > 3", "n: int")


@pytest.mark.usefixtures("missing")
def test_equal_normal_forms_need_no_solver() -> None:
    assert difference(OLD, SAME_FORM).empty
    assert equivalent(table(OLD), table(SAME_FORM)) is True


@pytest.mark.usefixtures("missing")
@pytest.mark.parametrize("new", [OTHER, SAME_BY_PROOF])
def test_other_normal_forms_without_the_solver_are_no_answer(new: str) -> None:
    """Neither that they differ nor that they are equal."""
    with pytest.raises(MissingSolverError, match="remit\\[prove\\]"):
        difference(OLD, new)
    assert equivalent(table(OLD), table(new)) is None


def test_with_the_solver_they_are_told_apart() -> None:
    assert not difference(OLD, OTHER).empty
    assert difference(OLD, SAME_BY_PROOF).empty
    assert equivalent(table(OLD), table(SAME_BY_PROOF)) is True
    assert equivalent(table(OLD), table(OTHER)) is False


@pytest.mark.usefixtures("puzzled")
@pytest.mark.parametrize("new", [OTHER, SAME_BY_PROOF])
def test_what_z3_cannot_tell_is_unproven_and_never_equal(new: str) -> None:
    found = difference(OLD, new)
    assert found.changes == ()
    assert [(one.part, one.roles, one.type, one.action) for one in found.unproven] == [("may", ("r",), "note", "read")]
    assert not found.empty
    assert equivalent(table(OLD), table(new)) is None


@pytest.mark.usefixtures("puzzled")
def test_a_deny_that_z3_cannot_tell_is_unproven_in_both_parts() -> None:
    more = "role other { allow read on note }"
    old, new = (written(c, "n: int", effect="deny", more=more) for c in ("resource.n > 5", "resource.n > 6"))
    assert [(one.part, one.roles) for one in difference(old, new).unproven] == [("may", ("r",)), ("forbids", ("r",))]


def test_z3s_own_unknown_is_kept_apart() -> None:
    """A question that no time is left for."""
    asked = Solver(Terms([None], [Kinds(None, frozenset())]))
    asked.solver.set("rlimit", 1)
    x, y, z = z3.Ints("x y z")
    with pytest.raises(UnknownError):
        asked.model(x * x * x + y * y * y + z * z * z == 114, x > 10**6, y < -(10**6), z > 10**5)
