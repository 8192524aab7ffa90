"""An `includes` that adds nothing: the role is included through another one already, or all its rules say is said by
the other roles included. The list reads as if each of its roles were needed, and whoever takes one out to give less
takes nothing away.

It would have caught `includes viewer, editor` where `editor` included `viewer`: an audit of who had access "as
viewer" took `viewer` out of the role, and its holders went on reading.

A role whose name means something to a condition, a guard or an assert is never reported for its rules alone. The fix
takes the include away. It is safe where another include brings the role anyway: then nobody holds less, by any name.
Elsewhere it is not: nobody may less, but the role's name is no longer held.
"""

from __future__ import annotations

from collections.abc import Iterator

from remit.diagnostics import Diagnostic, Edit, Fix, Label
from remit.lint.given import Given
from remit.lint.rule import Subject, rule
from remit.lint.words import included, item_edit
from remit.model.policy import Role
from remit.table.shape import EVERYONE, MEMBERS


@rule("W304", "idle-include")
def check(subject: Subject) -> Iterator[Diagnostic]:
    given: Given | None = None
    for role in subject.model.roles.values():
        if len(role.includes) > 1:
            given = given or Given(subject.table)
            yield from _idle(subject, given, role)


def _idle(subject: Subject, given: Given, role: Role) -> Iterator[Diagnostic]:
    roles = subject.table.roles
    left = list(role.includes)
    for name in reversed(role.includes):  # what comes with another one is told first: it is safe to take out
        brings = (other for other in left if other != name and name in roles[other].includes)
        through = next((other for other in brings if roles[name].facets <= roles[other].facets), None)
        if through is not None:
            left.remove(name)
            message = f"role `{role.name}` includes `{name}` through `{through}` already"
            yield _finding(subject, role, name, message, through, safe=True)
    for name in left[::-1]:
        others = [other for other in left if other != name]
        if not others:
            return
        facets = {EVERYONE, MEMBERS}.union(*(roles[other].facets for other in others))
        held = {*others}.union(*(roles[other].includes for other in others))
        brought = {name, *roles[name].includes} - held
        if brought.isdisjoint(subject.meaningful) and _covered(given, roles[name].facets - facets, facets):
            left.remove(name)
            message = f"role `{role.name}` is given nothing more by including `{name}`"
            yield _finding(subject, role, name, message, None, safe=False)


def _covered(given: Given, new: frozenset[int], facets: set[int]) -> bool:
    """Whether there are rules in the new facets, and those of the others say all they do."""
    rules = list(given.rules_of(new))
    return bool(rules) and all(
        given.covering(facets, entry.effect, kind, action, entry.condition)
        for entry in rules
        for kind, action in entry.pairs()
    )


def _finding(subject: Subject, role: Role, name: str, message: str, through: str | None, safe: bool) -> Diagnostic:
    spans = included(role.span, len(role.includes))
    at = role.includes.index(name)
    fix = Fix("remove the include", (Edit(item_edit(spans, at), ""),), safe) if spans else None
    other = subject.role(through) if through else None
    labels = [Label(other.span, f"`{name}` comes with `{through}`")] if other is not None else []
    help = "take it out of `includes`" if safe else "take it out of `includes`, or keep it for its name's sake"
    label = "" if safe else "the other roles included give all of it"
    return check.finding(message, spans[at] if spans else role.span, label, help, labels, fix)
