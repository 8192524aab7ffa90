"""A text without what it says to people: comments, strings and names in backticks blanked, every offset as it was.

allow `get *` on pod because "* is too much" # * allow _______ on pod because ________________
"""

from __future__ import annotations

import re

from remit.source import Span

SPOKEN = re.compile(r'"[^"\\\n]*(?:\\.[^"\\\n]*)*"|#[^\n]*|`[^`\n]+`')


def bare(text: str) -> str:
    """Comments and strings become blanks, names in backticks become `_`. The text must begin outside of them."""
    return SPOKEN.sub(lambda found: ("_" if found[0][0] == "`" else " ") * len(found[0]), text)


def claim(span: Span) -> Span:
    """A rule without its reason: `because "…"` at its end is for people."""
    said = bare(span.text).rstrip()
    return part(span, 0, len(said.removesuffix("because").rstrip())) if said.endswith("because") else span


def part(span: Span, start: int, end: int) -> Span:
    """A stretch of a span, by offsets in its text."""
    return Span(span.source, span.start + start, span.start + end)
