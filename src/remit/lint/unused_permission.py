"""A permission that no rule grants. It stands in the catalogue as something one can have, and nobody has it.

It would have caught `approve_refund`, split off from `refund` for a second pair of eyes: the new permission was
granted to nobody, and refunds waited for an approval that could not come.

A product may offer permissions that only its customers' own roles take. Those roles are overlays, which the product's
policy does not see: so this is a note, and `ignore` with that reason settles it.
"""

from __future__ import annotations

from collections.abc import Iterator

from remit.diagnostics import Diagnostic
from remit.lint.rule import Subject, rule
from remit.model.coverage import granted
from remit.model.expression import quoted


@rule("W208", "unused-permission", level="note")
def check(subject: Subject) -> Iterator[Diagnostic]:
    if subject.model.base is not None:
        return
    areas = subject.model.areas
    rules = (written.rule for written in subject.written if written.rule.permissions)
    taken = {(found.area, found.name) for rule in rules for found in granted(rule, areas)}
    for area in areas.values():
        for permission in area.permissions.values():
            if (area.name, permission.name) not in taken:
                message = f"no role is granted permission `{permission.name}` of area `{area.name}`"
                help = (
                    f"give it to a role: `in {quoted(area.name)} {{ grant {quoted(permission.name)} }}`, or remove it"
                )
                yield check.finding(message, permission.span, help=help)
