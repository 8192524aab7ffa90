"""A deny that never bites: nobody is allowed what it forbids, whatever roles they hold beside. It looks like a
protection and is none; the day somebody allows the action with another condition, readers will count on a deny
that was never tried. What nobody allows is denied already.

It would have caught a deny on an action that had been renamed in every allow but not here: the old name was still
in the catalogue, and nothing was forbidden any more.

It is decided exactly, by the solver. The fix takes the deny away, which is safe for the policy as it is: nothing
that anybody may do changes.
"""

from __future__ import annotations

from collections.abc import Iterator

from remit.diagnostics import Diagnostic, Edit, Fix
from remit.lint.rule import Subject, rule
from remit.proof.prover import Prover


@rule("W205", "idle-deny", needs="exact")
def check(subject: Subject, prover: Prover) -> Iterator[Diagnostic]:
    for written in subject.written:
        dead = prover.dead(written.entry) if written.entry is not None else None
        if dead is not None and dead.why == "idle":
            yield check.finding(
                "this deny never bites",
                written.rule.span,
                label="nobody is allowed any of this",
                help="remove it: what nothing allows is denied already",
                fix=Fix("remove the rule", (Edit(written.rule.span, ""),)),
            )
