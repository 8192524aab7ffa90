"""A small policy to be mutated, and what becomes of its mutants."""

from __future__ import annotations

from pathlib import Path

from remit import Policy
from remit.testing.mutation import Mutation, Outcome, mutate
from remit.testing.proposals import with_proposals
from remit.testing.run import run

NOW = 1_767_268_800 * 10**9
POLICIES = Path(__file__).resolve().parents[2] / "policies"
SHIPPED = sorted(str(path.parent.relative_to(POLICIES)) for path in POLICIES.rglob("policy.remit"))

CATALOGUE = """policy clinic
scope company
area patients {
  resource record { vet: user  open: bool  actions read, sign, delete }
  resource note { actions read, sign }
}
area money { resource invoice { amount: int  due: time  actions read, refund }  resource report { actions read } }
condition treats = resource.vet == user.id
"""
VIEWER = "role viewer { allow read on record }\n"


def policy(*texts: str, base: Policy | None = None) -> Policy:
    return Policy.from_sources({"main.remit": "\n".join(texts)}, base=base, name="clinic")


def tried(*texts: str, base: Policy | None = None) -> Mutation:
    """What becomes of a policy's mutants, with tests that would notice those which survive; its own tests pass."""
    made = policy(*texts, base=base)
    assert run(made.table, lambda: NOW, made.index).failed == 0
    return with_proposals(mutate(made.table, made.model, NOW), made.table, made.model)


def of(operator: str, found: Mutation, said: str = "") -> list[Outcome]:
    return [one for one in found.outcomes if one.mutant.operator == operator and said in one.mutant.said]


def fate(operator: str, found: Mutation, said: str = "") -> str:
    """What became of the one mutant of this kind."""
    [one] = of(operator, found, said)
    return one.result


def test(*lines: str) -> str:
    return 'test "t" {\n' + "\n".join(lines) + "\n}"


test.__test__ = False  # type: ignore[attr-defined]  # it writes tests

ANN = "user ann is viewer"
RECORD = "given record r1 { vet: ann, open: true }"
VET = "role vet { allow sign on record when treats }\n"
