"""A comment speaks to the linter and cannot be understood: it is spelt otherwise, names a code that does not exist or
that cannot be kept silent, or is to hold for the whole file and stands below its first line. It keeps nothing silent,
or less than it says.

It would have caught `# remit: ignore W305`, which its writer believed in because the finding had gone for another
reason. Errors cannot be kept silent: a policy that has one is not decided by at all.

There is no fix: what was meant is not known.
"""

from __future__ import annotations

from collections.abc import Iterator

from remit.diagnostics import Diagnostic
from remit.lint.rule import rule
from remit.lint.suppression import Silence


@rule("W903", "malformed-suppression", needs="silence")
def check(silence: Silence) -> Iterator[Diagnostic]:
    for comment in silence.comments:
        for trouble in comment.troubles:
            yield check.finding(trouble.message, trouble.span, help=trouble.help)
