"""An area of the catalogue that no rule touches: nobody may do anything in it, whatever their role. One that has no
resource types is found, too: there is nothing in it that anybody could do.

It would have caught a product area that went live with its types, its screens and its titles, and without a line in
any role: it took the first customer to see that it opened for nobody.

Customers' own roles, which are overlays, are not seen from the base: so this is a note.
"""

from __future__ import annotations

from collections.abc import Iterator

from remit.diagnostics import Diagnostic
from remit.lint.rule import Subject, rule
from remit.model.expression import quoted


@rule("W209", "unused-area", level="note")
def check(subject: Subject) -> Iterator[Diagnostic]:
    if subject.model.base is not None:
        return
    touched = {name for entry in subject.table.rules for name in entry.cells}
    for area in subject.model.areas.values():
        if not area.types:
            help = f"declare what is in it, or remove it: `area {quoted(area.name)} {{ resource … {{ … }} }}`"
            yield check.finding(f"area `{area.name}` has no resource types", area.span, help=help)
        elif touched.isdisjoint(area.types):
            help = f"allow a role something there: `in {quoted(area.name)} {{ allow … on … }}`"
            yield check.finding(f"no rule speaks of area `{area.name}`", area.span, help=help)
