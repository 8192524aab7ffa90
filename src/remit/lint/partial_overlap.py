"""A deny that takes away part of what an allow gives the same holder, while neither says why. Such pairs are how
exceptions are made, and how they are made by accident: the reader cannot tell which of the two was written first,
and which was meant. A `because` settles it; where the exception belongs to the one rule, `except` says it in one
place.

It would have caught a deny on exports that was added for contractors, in a role which meanwhile auditors included:
their exports stopped, and no line said whether they should.

It is decided exactly, by the solver. It runs only where it is selected, `--select W709`, for teams that want every
exception explained.
"""

from __future__ import annotations

from collections.abc import Iterator

from remit.diagnostics import Diagnostic, Label
from remit.lint.rule import Subject, rule
from remit.proof.prover import Prover

_MOST = 3  # allow rules that are shown


@rule("W709", "partial-overlap", needs="exact", level="note", default=False)
def check(subject: Subject, prover: Prover) -> Iterator[Diagnostic]:
    for written in subject.written:
        entry = written.entry
        if entry is None or entry.effect != "deny" or entry.because or prover.dead(entry) is not None:
            continue
        taken = [rule_ for rule_ in prover.taken(entry) if not rule_.because]
        if taken:
            yield check.finding(
                "this deny takes part of what is allowed, and nobody says why",
                written.rule.span,
                help='write `because "…"` behind it, or `except` in the rule that allows',
                secondary=[Label(subject.span(rule_.place), "allows more") for rule_ in taken[:_MOST]],
            )
