"""A rule that decides nothing: the policy without it answers every request alike. Other rules of the same role, of a
role it includes, or of `everyone` and `members` cover it, each alone or several together; the finding names a
smallest set of them. Readers take such a rule for what decides, edit it, and wonder that nothing changes; or they
take away one of those that cover it, and the door stays open.

It would have caught a limit that was never in force: `allow refund on invoice when resource.amount <= 500` in a
role that includes one which allows every refund.

It is decided exactly, for conditions too, by the solver. The fix takes the rule away, which is safe: nothing that
anybody may do changes.
"""

from __future__ import annotations

from collections.abc import Iterator

from remit.diagnostics import Diagnostic, Edit, Fix
from remit.lint.covering import labels
from remit.lint.rule import Subject, rule
from remit.proof.prover import Prover


@rule("W203", "dead-rule", needs="exact")
def check(subject: Subject, prover: Prover) -> Iterator[Diagnostic]:
    for written in subject.written:
        dead = prover.dead(written.entry) if written.entry is not None else None
        if dead is None or dead.why != "covered":
            continue
        gives = "allows is allowed" if dead.rule.effect == "allow" else "denies is denied"
        several = len(dead.cover) > 1
        yield check.finding(
            "this rule never decides",
            written.rule.span,
            label=f"everything it {gives} already" + (", by these rules together" if several else ""),
            help="remove it, or give the other rules less" if several else "remove it, or give the other rule less",
            secondary=labels(subject, dead, written.role),
            fix=Fix("remove the rule", (Edit(written.rule.span, ""),)),
        )
