"""A role whose holders may do nothing that another role's may not, and which that role does not include. What one
role has beyond the other is then written twice, and a change to the smaller is forgotten in the larger. With
`includes` the larger says what it adds.

It would have caught an `editor` that repeated the rules of `viewer`: a new type was added to what viewers read, and
editors alone could not read it.

It is decided exactly, by the solver. Many policies write their roles out on purpose, so it runs only where it is
selected: `--select W302`.
"""

from __future__ import annotations

from collections.abc import Iterator

from remit.diagnostics import Diagnostic, Label
from remit.lint.rule import Subject, rule
from remit.proof.prover import Prover


@rule("W302", "contained-role", needs="exact", level="note", default=False)
def check(subject: Subject, prover: Prover) -> Iterator[Diagnostic]:
    pairs = prover.contained()
    direct = {
        pair for pair in pairs if not any((pair[0], mid) in pairs and (mid, pair[1]) in pairs for _, mid in pairs)
    }
    cells = {(name, action) for name, kind in subject.table.types.items() for action in kind.actions}
    for name, larger in sorted(direct):
        if _gives_all(subject, larger, cells):
            continue  # whoever may do everything contains every role, and needs to include none
        found, other = subject.model.roles.get(larger), subject.role(name)
        if found is not None and other is not None:
            yield check.finding(
                f"role `{larger}` may do all that `{name}` may, and does not include it",
                found.span,
                help=f"write `role {larger} includes {name}`, and leave out what it then has twice",
                secondary=[Label(other.span, "contained in it")],
            )


def _gives_all(subject: Subject, role: str, cells: set[tuple[str, str]]) -> bool:
    facets = subject.table.roles[role].facets
    given = {
        (name, action)
        for entry in subject.table.rules
        if entry.effect == "allow" and entry.condition is None and not facets.isdisjoint(entry.facets)
        for name, actions in entry.cells.items()
        for action in actions
    }
    return given == cells
