"""A role or an area has no title. Its name is for the policy; the title is what people read in the matrix, in the
list of members and in an explanation, and where `sre` says nothing to an auditor, "Site Reliability Engineer"
does.

It would have caught two roles `mgr_1` and `mgr_2` that reviewers could tell apart by their rules only.

It runs where it is selected: many small policies need no titles. There is no fix.
"""

from __future__ import annotations

from collections.abc import Iterator

from remit.diagnostics import Diagnostic
from remit.lint.rule import Subject, rule
from remit.model.expression import quoted


@rule("W102", "missing-title", default=False)
def check(subject: Subject) -> Iterator[Diagnostic]:
    for role in subject.model.roles.values():
        if not role.title:
            yield check.finding(
                f"role `{role.name}` has no title",
                role.span,
                help=f'say in plain words who that is: `role {quoted(role.name)} "…"`',
            )
    if subject.model.base is not None:
        return  # the areas are the base's
    for area in subject.model.areas.values():
        if not area.title:
            yield check.finding(
                f"area `{area.name}` has no title",
                area.span,
                help=f'say in plain words what that is: `area {quoted(area.name)} "…"`',
            )
