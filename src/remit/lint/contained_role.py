"""A role whose holders may do nothing that another role's may not, and which that role does not include. What one
role has beyond the other is then written twice, and a change to the smaller is forgotten in the larger. With
`includes` the larger says what it adds.

It would have caught an `editor` that repeated the rules of `viewer`: a new type was added to what viewers read, and
editors alone could not read it.

It is decided exactly, by the solver, for somebody who holds one of the two. Where conditions read `user.roles`, two
roles that such a condition of theirs tells apart are not compared, and what is found holds beside any other roles
whose rules do not ask for a name that only one of the two brings: a deny of a third role under
`not "editor" in user.roles` may forbid the holder of one what it leaves to the holder of the other. A role that
forbids what the other does not is never reported, for to include it would take that away. Many policies write their
roles out on purpose, so it runs only where it is selected: `--select W302`.
"""

from __future__ import annotations

from collections.abc import Iterator

from remit.diagnostics import Diagnostic, Label
from remit.lint.given import Given
from remit.lint.roles_read import RolesRead
from remit.lint.rule import Subject, rule
from remit.model.expression import quoted
from remit.proof.prover import Prover


@rule("W302", "contained-role", needs="exact", level="note", default=False)
def check(subject: Subject, prover: Prover) -> Iterator[Diagnostic]:
    read = RolesRead(subject.table)
    pairs = (Prover(read.freed()) if read.by else prover).contained()
    cells = {(name, action) for name, kind in subject.table.types.items() for action in kind.actions}
    given = Given(subject.table)
    everything = {name for name in {larger for _, larger in pairs} if _gives_all(subject, name, cells)}
    for name, larger in _direct([pair for pair in pairs if not read.tell_apart(*pair)]):
        if larger in everything:
            continue  # whoever may do everything contains every role, and needs to include none
        found, other = subject.model.roles.get(larger), subject.role(name)
        if found is not None and other is not None and _forbids_no_more(subject, given, name, larger):
            help = f"write `role {quoted(larger)} includes {quoted(name)}`, and leave out what it then has twice"
            if read.tells(name, larger):
                help += f"; conditions on `user.roles` then take its holders for `{name}`, too"
            yield check.finding(
                f"role `{larger}` may do all that `{name}` may, and does not include it",
                found.span,
                help=help,
                secondary=[Label(other.span, "contained in it")],
            )


def _direct(pairs: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """The pairs with no role between them, by name."""
    bits = {name: 1 << at for at, name in enumerate(sorted({name for pair in pairs for name in pair}))}
    above: dict[str, dict[str, None]] = {}
    for name, larger in pairs:
        above.setdefault(name, {})[larger] = None
    masks = {name: sum(bits[larger] for larger in found) for name, found in above.items()}
    direct = []
    for name in sorted(above):
        beyond = 0
        for mid in above[name]:
            beyond |= masks.get(mid, 0)
        direct += [(name, larger) for larger in sorted(above[name]) if not beyond & bits[larger]]
    return direct


def _gives_all(subject: Subject, role: str, cells: set[tuple[str, str]]) -> bool:
    facets = subject.table.roles[role].facets
    given = {
        pair
        for entry in subject.table.rules
        if entry.effect == "allow" and entry.condition is None and not facets.isdisjoint(entry.facets)
        for pair in entry.pairs()
    }
    return given == cells


def _forbids_no_more(subject: Subject, given: Given, name: str, larger: str) -> bool:
    """Whether the one role's denies are all the other's, too, as far as their normal forms tell."""
    own, facets = subject.table.roles[name].facets, subject.table.roles[larger].facets
    return all(
        given.covering(facets, "deny", kind, action, entry.condition)
        for entry in given.rules_of(own - facets)
        if entry.effect == "deny"
        for kind, action in entry.pairs()
    )
