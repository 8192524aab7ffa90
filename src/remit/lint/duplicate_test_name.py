"""Two tests have one name. A report that says "a vet signs only own open records: failed" then leaves open which, a
test cannot be chosen by its name, and what reads the report by names counts two tests as one.

It would have caught a test that was copied to be changed: the copy failed for a week in the build's summary, where
the first of that name was shown, green.

Tests of an overlay and of its base may share names, for each is run by itself. There is no fix.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from remit.diagnostics import Diagnostic, Label
from remit.lint.bare_text import part
from remit.lint.rule import Subject, rule
from remit.source import Span

_HEAD = re.compile(r'test(?:\s|#[^\n]*\n)*("[^"\\\n]*(?:\\.[^"\\\n]*)*")')


@rule("W104", "duplicate-test-name")
def check(subject: Subject) -> Iterator[Diagnostic]:
    seen: dict[str, Span] = {}
    for test in subject.model.tests:
        first = seen.setdefault(test.title, test.span)
        if first is not test.span:
            yield check.finding(
                "this test has the name of another",
                _title(test.span),
                help="say what is different about it",
                secondary=[Label(_title(first), "it is named so first")],
            )


def _title(span: Span) -> Span:
    """Where a test's title stands."""
    found = _HEAD.match(span.text)
    return part(span, *found.span(1)) if found else span
