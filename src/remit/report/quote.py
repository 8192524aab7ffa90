"""Places in a text as people see them: the line, safe for a terminal and clipped around what is marked, and the marks
below it. Columns on the screen are not columns of the text: a tab fills up to four, a wide character takes two, a
combining one none, and a character that must not reach a terminal is written `\\u{…}`.

    14 │     allow update on recrod when treats
       │                     ^^^^^^ not in area `patients`

Nothing here takes a whole line or a whole text apart: of a line of 50 MB only the part that is shown is looked at.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from remit.report.escape import printed
from remit.report.escape import safe as safe
from remit.source import Source, Span

Paint = Callable[[str, str], str]  # text, and the name of a style below

STYLES = {"error": "1;31", "warning": "1;33", "note": "1;36", "strong": "1", "frame": "34", "other": "1;34"}

_TAB = 4
_LONG = 200  # characters of a line that is still shown whole
_BEFORE, _SHOWN = 40, 160  # of a longer one: characters before the mark, and in all
_NEAR = 4  # lines between two marks of one frame, at most
_LARGE = 4 * 1024 * 1024  # characters of a text whose line starts are not kept


def plain(text: str, style: str) -> str:
    return text


def coloured(text: str, style: str) -> str:
    """The text in a style, by ANSI escapes."""
    return f"\x1b[{STYLES[style]}m{text}\x1b[0m" if text else text


def position(source: Source, offset: int) -> tuple[int, int]:
    """Line and column, both from 1, in code points. Of a very large text the lines are counted, not remembered."""
    if len(source.text) <= _LARGE:
        return source.position(offset)
    return source.text.count("\n", 0, offset) + 1, offset - source.text.rfind("\n", 0, offset)


def path_of(source: Source, folder: str) -> str:
    """The file as the person at the terminal would name it: relative to `folder` where it is below."""
    path, above = source.origin or source.name, folder.rstrip("/") + "/"
    return path[len(above) :] if folder and path.startswith(above) else path


@dataclass(frozen=True, slots=True)
class Mark:
    """A stretch to underline, with what is said beside the line. `style` is a key of `STYLES`."""

    span: Span
    text: str
    sign: str
    style: str

    @property
    def line(self) -> int:
        return position(self.span.source, self.span.start)[0]


class _Line(NamedTuple):
    """One line of a text as far as it is shown: code points `start` to `end`, and the column each begins at."""

    start: int
    end: int
    shown: str
    columns: list[int]

    def under(self, span: Span, sign: str) -> str:
        """The underline of a span, on this line alone: of a span over several lines, to the end of the first."""
        first = min(max(span.start, self.start), self.end) - self.start
        last = min(max(span.end, self.start), self.end) - self.start
        left, right = self.columns[first], self.columns[last]
        return " " * left + sign * max(right - left, 1)


def _line(span: Span) -> _Line:
    text, at = span.source.text, span.start
    begin = text.rfind("\n", 0, at) + 1
    stop = text.find("\n", at)
    stop = len(text) if stop < 0 else stop
    while stop > max(begin, at) and text[stop - 1] == "\r":
        stop -= 1
    start, end = begin, stop
    if stop - begin > _LONG:
        start = max(begin, at - _BEFORE)
        end = min(stop, start + _SHOWN)
    pieces, column = (["…"], 1) if start > begin else ([], 0)
    columns = []
    for character in text[start:end]:
        columns.append(column)
        if character == "\t":
            piece = " " * (_TAB - column % _TAB)
            column += len(piece)
        elif character.isprintable():
            piece = character
            column += _width(character)
        else:
            piece = printed(character)
            column += len(piece)
        pieces.append(piece)
    columns.append(column)
    if end < stop:
        pieces.append("…")
    return _Line(start, end, "".join(pieces).rstrip(), columns)


def _width(character: str) -> int:
    if character < "\x7f":
        return 1
    if unicodedata.category(character) in ("Mn", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def frames(marks: Sequence[Mark], folder: str, paint: Paint) -> tuple[list[str], str]:
    """The lines of one frame for each stretch of text, the first mark's first; and the gutter, for what follows."""
    groups: list[list[Mark]] = []
    for mark in marks:
        home = next((group for group in groups if _together(group[0], mark)), None)
        if home is None:
            groups.append([mark])
        else:
            home.append(mark)
    numbered = [mark.line for mark in marks if _has_text(mark.span.source)]
    gutter = " " * len(str(max(numbered, default=10)))
    drawn: list[str] = []
    for group in groups:
        drawn += _frame(group, folder, paint, gutter)
    return drawn, gutter


def _together(first: Mark, other: Mark) -> bool:
    """Whether two marks go into one frame: near each other in one text, on lines that are shown whole."""
    if first.span.source is not other.span.source or abs(first.line - other.line) > _NEAR:
        return False
    if first.line == other.line and first.span.start == other.span.start:
        return True
    lines = [_line(first.span), _line(other.span)]
    return all(line.end - line.start < _SHOWN and "…" not in (line.shown[:1], line.shown[-1:]) for line in lines)


def _has_text(source: Source) -> bool:
    return bool(source.text) and not source.text.isspace()


def _frame(group: list[Mark], folder: str, paint: Paint, gutter: str) -> list[str]:
    source = group[0].span.source
    path = safe(path_of(source, folder))
    if not source.text:  # the file could not be read, or is empty: nothing to point at
        return [f"{gutter} {paint('┌─', 'frame')} {path}"]
    line, column = position(source, group[0].span.start)
    head = f"{gutter} {paint('┌─', 'frame')} {path}:{line}:{column}"
    if not _has_text(source):  # the text was not kept, only the place
        return [head]
    bar = paint("│", "frame")
    drawn = [head, f"{gutter} {bar}"]
    before = 0
    for number in sorted({mark.line for mark in group}):
        here = [mark for mark in group if mark.line == number]
        if before and number > before + 1:
            drawn.append(f"{gutter} {paint('·', 'frame')}")
        before = number
        shown = _line(here[0].span)
        drawn.append(f"{paint(str(number).rjust(len(gutter)), 'frame')} {bar} {shown.shown}".rstrip())
        for mark in here:
            under = shown.under(mark.span, mark.sign)
            blank = " " * (len(under) - len(under.lstrip()))
            said = f" {mark.text}" if mark.text else ""
            drawn.append(f"{gutter} {bar} {blank}{paint(under.lstrip() + said, mark.style)}")
    return drawn
