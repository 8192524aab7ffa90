r"""A line of the log as a database keeps it: no UTF-8 holds half of a pair, so `\ud800` is written as JSON escapes it,
which reads back as the same text.
"""

from __future__ import annotations

import re
from typing import Any

from remit.membership.record import Line, chained, line_hash

_HALF = re.compile("[\ud800-\udfff]")


def kept_line(record: dict[str, Any], previous: str | None) -> Line:
    """The record as a line of the log."""
    line = chained(record, previous)
    if not _HALF.search(line.text):
        return line
    text = _HALF.sub(lambda half: f"\\u{ord(half[0]):04x}", line.text)
    return Line(text, line_hash(text))


__all__ = ["kept_line"]
