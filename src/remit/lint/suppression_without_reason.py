"""A comment that is to keep a finding silent does not say why. It keeps nothing silent until it does: the finding is
known to be there, so somebody decided, and whoever comes next has to know on what grounds, to tell whether they still
hold.

It would have caught an escalation that was silenced in a hurry before a release, and that stayed for two years because
nobody dared to touch what nobody could explain.

There is no fix: the reason is in somebody's head.
"""

from __future__ import annotations

from collections.abc import Iterator

from remit.diagnostics import Diagnostic
from remit.lint.rule import rule
from remit.lint.suppression import Silence


@rule("W902", "suppression-without-reason", needs="silence")
def check(silence: Silence) -> Iterator[Diagnostic]:
    for comment in silence.comments:
        if not comment.reason and (comment.codes or not comment.troubles):
            message = "this comment gives no reason, and keeps nothing silent"
            yield check.finding(message, comment.span, help="end it with ` -- ` and the reason")
