"""The baseline holds a finding that is there no more. A baseline is a debt that may only shrink: an entry that is left
when its finding is gone would keep the same finding silent when it comes back.

It would have caught a duplicate rule that was removed, and that a merge brought back half a year later: the baseline
had kept its place.

There is no fix of its own: `remit lint --write-baseline` writes the baseline without what is gone. Entries of files and
rules that a run does not look at are not called stale.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from remit.diagnostics import Diagnostic
from remit.lint.rule import rule
from remit.source import Span


class Stale(NamedTuple):
    """An entry of the baseline that nothing matches; `span` is its line there."""

    code: str
    file: str
    span: Span


@rule("W904", "stale-baseline", needs="baseline")
def check(entries: Sequence[Stale]) -> Iterator[Diagnostic]:
    for entry in entries:
        message = f"this `{entry.code}` of `{entry.file}` is found no more"
        yield check.finding(message, entry.span, help="take it out with: remit lint --write-baseline")
