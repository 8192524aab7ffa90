"""A role that no event can give to anybody: no line of `assignments` assigns it, there is none for `invite`, `assign`
or `change_role`, which give the role they name, and no other role includes it. Its rules stand in the matrix, are
reviewed and tested, and hold for nobody.

It would have caught `auditor`, written for an audit while the company moved to single sign-on: no group of the
directory was mapped to the role, and the auditors were handed an administrator's account.

A role that only the directory's file gives, by hand, is held all the same: keep it with an `ignore` and that reason.
Policies without `assignments`, and those that take roles from the subject, have nothing reported.
"""

from __future__ import annotations

from collections.abc import Iterator

from remit.diagnostics import Diagnostic
from remit.lint.giving import Giving
from remit.lint.rule import Subject, rule
from remit.lint.words import first_name
from remit.model.expression import quoted


@rule("W502", "unassignable-role")
def check(subject: Subject) -> Iterator[Diagnostic]:
    giving = Giving(subject)
    if not giving.lines or giving.any_role:
        return
    included = {name for entry in subject.table.roles.values() for name in entry.includes}
    for name, role in subject.model.roles.items():
        if name not in giving.holdable and name not in included:
            help = f"add a line that gives it: `on … assign {quoted(name)}`, or one for `invite` or `assign`"
            place = first_name(role.span, name)
            yield check.finding(f"no line of `assignments` gives role `{name}`", place, "", help)
