"""Two rules of one role say the same: they allow or deny the same actions on the same types, under conditions that have
one normal form. The second changes nothing today. Tomorrow somebody narrows one of the two, sees no test fail, and the
other keeps the door open.

It would have caught a role that allowed refunds both by a rule of its own and by a copy pasted with a merge: the limit
that was later put on the first was never in force.

The fix takes the later of the two away, which is safe: nothing that anybody may do changes.
"""

from __future__ import annotations

from collections.abc import Iterator

from remit.diagnostics import Diagnostic, Edit, Fix, Label
from remit.lint.rule import Subject, Written, rule
from remit.source import Span
from remit.table import normal
from remit.table.meaning import Forms


@rule("W305", "duplicate-rule")
def check(subject: Subject) -> Iterator[Diagnostic]:
    alike: dict[object, list[Written]] = {}
    for written in subject.written:
        if written.entry is not None and written.entry.cells:  # rules about nothing are W214's
            cells = tuple(written.entry.cells.items())
            where = (written.role, written.block, written.extends, written.entry.effect, cells)
            alike.setdefault(where, []).append(written)
    forms = Forms(subject.table)
    for some in alike.values():
        seen: dict[object, Span] = {}
        for written in some if len(some) > 1 else ():
            assert written.entry is not None
            condition, types = written.entry.condition, written.entry.cells
            first = seen.setdefault(tuple(normal.key(forms.of(condition, name)) for name in types), written.rule.span)
            if first is not written.rule.span:
                whose = f"role `{written.role}`" if written.role else f"`{written.block}`"
                yield check.finding(
                    f"{whose} has this rule already",
                    written.rule.span,
                    help="remove one of the two",
                    secondary=[Label(first, "it says the same")],
                    fix=Fix("remove the rule", (Edit(written.rule.span, ""),)),
                )
