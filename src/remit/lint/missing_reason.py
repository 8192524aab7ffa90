"""A rule has no reason, where the settings ask for one: `because` is missing. An explanation quotes the reason, so
that somebody who is refused learns why and not only by which line; and who wants to change the rule a year later
knows what it was for.

It would have caught a `deny` that nobody dared to remove: it had been put in during an incident, and no word said so.

    [lint]
    reasons = ["deny"]          # or ["allow", "deny"]

Without that setting it finds nothing. `grant` counts as `allow`. There is no fix.
"""

from __future__ import annotations

from collections.abc import Iterator

from remit.diagnostics import Diagnostic
from remit.lint.rule import Subject, rule


@rule("W103", "missing-reason")
def check(subject: Subject) -> Iterator[Diagnostic]:
    if not subject.settings.reasons:
        return
    for written in subject.written:
        if written.rule.effect in subject.settings.reasons and not written.rule.because.strip():
            word = "grant" if written.rule.permissions else written.rule.effect
            yield check.finding(
                f"this `{word}` has no reason",
                written.rule.span,
                help='say why: `… because "…"`',
            )
