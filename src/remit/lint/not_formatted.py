"""A file is not in the one format. Its next change, by somebody whose editor formats what it saves, will show a hundred
lines where one was meant, and a reviewer will look for that one among them.

It would have caught a pull request of two hundred moved blanks in which a `deny` had gone: two people had read it.

It tells the first line that differs. It runs where it is selected: `remit fmt --check` asks the same of all files,
faster, and whoever writes a first policy has other worries. The fix brings the whole file into the format, which is
safe: the text parses to the same tree, with every comment.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import zip_longest

from remit.diagnostics import Diagnostic, Edit, Fix
from remit.lint.rule import rule
from remit.source import Source, Span
from remit.syntax.printing import NotKept, NotParsed, formatted


@rule("W001", "not-formatted", needs="text", default=False)
def check(source: Source) -> Iterator[Diagnostic]:
    try:
        text = formatted(source)
    except (NotParsed, NotKept):
        return  # there are errors, or a fault that `remit fmt` tells
    if text != source.text:
        fix = Fix("bring the file into the format", (Edit(Span(source, 0, len(source.text)), text),))
        yield check.finding("this file is not formatted", _first(source, text), help="`remit fmt` does it", fix=fix)


def _first(source: Source, text: str) -> Span:
    """The first line that differs, without the blanks at both its ends; where it is empty, its place."""
    start = 0
    for before, after in zip_longest(source.text.splitlines(True), text.splitlines(True), fillvalue=""):
        if before != after:
            inner = before.strip()
            at = start + before.index(inner) if inner else start
            return Span(source, at, at + max(len(inner), 1))
        start += len(before)
    return Span(source, 0, 0)
