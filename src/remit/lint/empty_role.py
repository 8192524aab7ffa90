"""A role that gives and forbids nothing: it has no rules that speak of anything and includes no role that has any, and
its name means nothing to a condition, a guard or an assert either. Who is assigned it is listed with a role, and may do
no more than a stranger.

It would have caught a role that a merge had left without its body: its holders were members on every list, and every
request of theirs was refused.

In a policy with rules for `members` any role gives something, and one without resource types has nothing to give:
nothing is reported there.
"""

from __future__ import annotations

from collections.abc import Iterator

from remit.diagnostics import Diagnostic
from remit.lint.rule import Subject, rule
from remit.lint.words import first_name
from remit.model.expression import quoted
from remit.table.shape import MEMBERS


@rule("W207", "empty-role")
def check(subject: Subject) -> Iterator[Diagnostic]:
    ruled = {facet for entry in subject.table.rules if entry.cells for facet in entry.facets}
    if MEMBERS in ruled or not subject.table.types:
        return
    for name, role in subject.model.roles.items():
        entry = subject.table.roles[name]
        if not ruled.isdisjoint(entry.facets) or name in subject.meaningful:
            continue
        has = "only rules about nothing" if role.rules else "no rules"
        what = f"has {has}, and what it includes has none" if role.includes else f"has {has}"
        help = f"allow it something, or remove it: `role {quoted(name)} {{ allow … on … }}`"
        yield check.finding(f"role `{name}` {what}", first_name(role.span, name), help=help)
