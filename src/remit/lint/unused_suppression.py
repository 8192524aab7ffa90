"""A comment keeps a finding silent that is not there. Whoever reads it believes that the line below is doubtful, and
the day the finding comes back for another reason, nobody hears of it.

It would have caught a comment over a rule that was right again for a year, and that hid the next wrong rule put in
its place. Only codes that were looked for count: one that was not selected, or needs `--exact`, may well be found.

The fix removes the comment, or the code from its list, which is safe: it says nothing that decides.
"""

from __future__ import annotations

from collections.abc import Iterator

from remit.diagnostics import Diagnostic, Edit, Fix
from remit.lint.rule import rule
from remit.lint.suppression import Silence, Suppression
from remit.source import Span


@rule("W901", "unused-suppression", needs="silence")
def check(silence: Silence) -> Iterator[Diagnostic]:
    for comment, unused in silence.unused():
        if len(unused) == len(comment.codes) and not comment.troubles:
            where = "in this file" if comment.whole_file else "here"
            names = " or ".join(f"`{comment.codes[at][0]}`" for at in unused)
            message = f"this comment keeps nothing silent: {names} is not found {where}"
            fix = Fix("remove the comment", (Edit(_with_blanks(comment.span), ""),))
            yield check.finding(message, comment.span, help="remove it", fix=fix)
            continue
        for at in unused:
            code, span = comment.codes[at]
            fix = Fix("remove the code", (Edit(_with_comma(comment, at), ""),))
            yield check.finding(f"`{code}` is not found here", span, help="take it out of the list", fix=fix)


def _with_blanks(span: Span) -> Span:
    """A comment with the blanks before it."""
    before = span.source.text[span.source.text.rfind("\n", 0, span.start) + 1 : span.start]
    return Span(span.source, span.start - len(before) + len(before.rstrip()), span.end)


def _with_comma(comment: Suppression, at: int) -> Span:
    """A code with the comma that goes with it."""
    span, text = comment.codes[at][1], comment.span.source.text
    before = text[comment.span.start : span.start].rstrip()
    if before.endswith(","):
        return Span(span.source, comment.span.start + len(before) - 1, span.end)
    after = text[span.end : comment.span.end]
    if after.lstrip().startswith(","):
        after = after.lstrip()[1:].lstrip()
        return Span(span.source, span.start, comment.span.end - len(after))
    return span
