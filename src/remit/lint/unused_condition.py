"""A named condition that nothing is decided by: no rule uses it, no line of `assignments`, no assert, and no other
condition that one of these uses. It reads as if it guarded something, and whoever tightens it changes nothing.

It would have caught a condition `in_hours` whose last use went with a refactoring: the limit on working hours was
still there to be read, and in force nowhere.

Conditions that only overlays use are not seen from the base: keep them with an `ignore` and that reason.

The fix takes the condition away, which is safe: a condition by itself decides nothing.
"""

from __future__ import annotations

from collections.abc import Iterator

from remit.diagnostics import Diagnostic, Edit, Fix, Label
from remit.lint.rule import Subject, rule
from remit.lint.words import first_name, words_in
from remit.model.expression import names


@rule("W201", "unused-condition")
def check(subject: Subject) -> Iterator[Diagnostic]:
    conditions = {id(one): one for one in subject.conditions}.values()
    used = frozenset[str]().union(*(names(one) for one in conditions))
    unused = [condition for name, condition in subject.model.conditions.items() if name not in used]
    users = {inner: condition for condition in unused for inner in names(condition.body)}
    for condition in unused:
        user = users.get(condition.name)
        name = words_in(condition.span)[1].span
        if user is None:
            fix = Fix("remove the condition", (Edit(condition.span, ""),))
            help = "use it in a rule, or remove it"
            yield check.finding(f"nothing uses condition `{condition.name}`", name, help=help, fix=fix)
        else:
            message = f"only condition `{user.name}` uses condition `{condition.name}`, and nothing uses that"
            at = Label(first_name(user.span, condition.name), f"in `{user.name}`")
            help = "use one of them in a rule, or remove both"
            yield check.finding(message, name, help=help, secondary=[at])
