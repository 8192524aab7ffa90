"""An allow that a deny always beats: wherever its condition is true, a deny applies to everybody for whom it counts,
and denies win. The rule gives nothing, and says that it does. Either the deny goes too far or the allow is a
leftover.

It would have caught a role that allowed its holders to close their own accounts, and included another one that
denied all of `close`: support kept telling people that they could.

It is decided exactly, by the solver; several denies together count, too. The fix takes the allow away. Nothing that
anybody may do changes by it, and still it is unsafe: which of the two was meant is for somebody to say, and where it is
the allow, the deny is to be narrowed in its place.
"""

from __future__ import annotations

from collections.abc import Iterator

from remit.diagnostics import Diagnostic, Edit, Fix
from remit.lint.covering import labels
from remit.lint.rule import Subject, rule
from remit.proof.prover import Prover


@rule("W204", "allow-always-denied", needs="exact")
def check(subject: Subject, prover: Prover) -> Iterator[Diagnostic]:
    for written in subject.written:
        dead = prover.dead(written.entry) if written.entry is not None else None
        if dead is not None and dead.why == "denied":
            yield check.finding(
                "this rule gives nothing: it is always denied",
                written.rule.span,
                label="whatever it allows is denied",
                help="remove it, or narrow the deny",
                secondary=labels(subject, dead, written.role),
                fix=Fix("remove the rule", (Edit(written.rule.span, ""),), safe=False),
            )
