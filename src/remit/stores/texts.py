r"""Texts that no database keeps: PostgreSQL refuses `\0`, no UTF-8 holds half of a pair, no index a name of pages.

An event with one is refused in words, as `invalid_event`. A line of the log keeps what it can: `\ud800` is written as
JSON escapes it, which reads back as the same text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from remit.membership.event import BadEvent
from remit.membership.record import Line, chained, line_hash
from remit.stores.schema import LONGEST_NAME

_UNKEPT = re.compile("[\0\ud800-\udfff]")
_HALF = re.compile("[\ud800-\udfff]")
_NAMES = ("user", "by", "role", "scope", "group", "domain", "id")


def name_trouble(name: str) -> str:
    """Why a name cannot be kept; empty where it can."""
    if _UNKEPT.search(name):
        return "holds a character that no database keeps"
    if len(name) * 4 > LONGEST_NAME and len(name.encode()) > LONGEST_NAME:
        return f"is longer than {LONGEST_NAME} bytes"
    return ""


def refused(event: Any) -> BadEvent | None:
    """What is wrong with an event that a database could not keep."""
    if not isinstance(event, Mapping):
        return None
    names = [(key, event.get(key)) for key in _NAMES]
    parents = event.get("parent")
    names += [("parent", name) for name in (parents if isinstance(parents, list | tuple) else (parents,))]
    for key, name in names:
        if isinstance(name, str) and (trouble := name_trouble(name)):
            kept = {key: event[key] for key in ("type", "user", "by") if _kept(event.get(key))}
            return BadEvent(f"`{key}` {trouble}", **kept)
    return None


def _kept(name: Any) -> bool:
    return isinstance(name, str) and bool(name) and not name_trouble(name)


def kept_line(record: dict[str, Any], previous: str | None) -> Line:
    """The record as a line of the log."""
    line = chained(record, previous)
    if not _HALF.search(line.text):
        return line
    text = _HALF.sub(lambda half: f"\\u{ord(half[0]):04x}", line.text)
    return Line(text, line_hash(text))


__all__ = ["kept_line", "name_trouble", "refused"]
