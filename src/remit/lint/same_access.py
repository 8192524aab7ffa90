"""Two or more roles that allow the same and forbid the same, by any request: two names for one thing. They will not
stay equal by themselves; the next change is made to one of them, and whoever holds the other is forgotten.

It would have caught `accountant` and `bookkeeper`, written by two teams from one list, of which only one was later
told that refunds need a second person.

It is decided exactly, by the solver. Roles that allow nothing at all are left to `empty-role`.
"""

from __future__ import annotations

from collections.abc import Iterator

from remit.diagnostics import Diagnostic, Label
from remit.lint.rule import Subject, rule
from remit.proof.prover import Prover


@rule("W301", "same-access", needs="exact")
def check(subject: Subject, prover: Prover) -> Iterator[Diagnostic]:
    giving = {facet for entry in subject.table.rules if entry.cells for facet in entry.facets}
    for names in prover.alike():
        real = [name for name in names if not giving.isdisjoint(subject.table.roles[name].facets)]
        for name in real[1:]:
            if name not in subject.model.roles:
                continue
            other = next(one for one in real if one != name)
            first = subject.role(other)
            yield check.finding(
                f"role `{name}` gives the same access as `{other}`",
                subject.model.roles[name].span,
                help=f"keep one of them, with the other's name behind `was`, or let `{name}` include `{other}`",
                secondary=[Label(first.span, "it allows and denies the same")] if first is not None else [],
            )
