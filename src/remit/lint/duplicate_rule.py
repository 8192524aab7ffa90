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
from remit.lint.rule import Subject, rule
from remit.source import Span
from remit.table import normal
from remit.table.meaning import Forms


@rule("W305", "duplicate-rule")
def check(subject: Subject) -> Iterator[Diagnostic]:
    forms = Forms(subject.table)
    seen: dict[object, Span] = {}
    for written in subject.written:
        entry = written.entry
        if entry is None:
            continue
        cells = tuple(
            (name, actions, normal.key(forms.of(entry.condition, name))) for name, actions in entry.cells.items()
        )
        first = seen.setdefault((written.role, written.block, written.extends, entry.effect, cells), written.rule.span)
        if first is not written.rule.span:
            whose = f"role `{written.role}`" if written.role else f"`{written.block}`"
            yield check.finding(
                f"{whose} has this rule already",
                written.rule.span,
                help="remove one of the two",
                secondary=[Label(first, "it says the same")],
                fix=Fix("remove the rule", (Edit(written.rule.span, ""),)),
            )
