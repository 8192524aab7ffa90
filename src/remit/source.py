"""Source texts and places in them. A span carries its source, so a finding can always show its line."""

from __future__ import annotations

from bisect import bisect_right


class Source:
    """One text with the name it goes by in messages: a path relative to the policy's folder, with `/`. `origin` is
    where it was read from, as a path for the person at the terminal; empty: the name."""

    __slots__ = ("_starts", "name", "origin", "text")

    def __init__(self, name: str, text: str, origin: str = "") -> None:
        self.name = name
        self.text = text
        self.origin = origin
        self._starts: list[int] = []

    def position(self, offset: int) -> tuple[int, int]:
        """Line and column of an offset, both from 1, in code points."""
        starts = self._starts
        if not starts:
            starts.append(0)
            find, at = self.text.find, 0
            while (at := find("\n", at) + 1) > 0:
                starts.append(at)
        line = bisect_right(starts, offset)
        return line, offset - starts[line - 1] + 1

    def line(self, number: int) -> str:
        """The text of a line (from 1) without its end; empty past the last."""
        self.position(0)
        if not 1 <= number <= len(self._starts):
            return ""
        start = self._starts[number - 1]
        end = self._starts[number] - 1 if number < len(self._starts) else len(self.text)
        return self.text[start:end].rstrip("\r")


class Span:
    """A stretch of a source: offsets in code points, the end exclusive."""

    __slots__ = ("end", "source", "start")

    def __init__(self, source: Source, start: int, end: int) -> None:
        self.source = source
        self.start = start
        self.end = end

    @property
    def text(self) -> str:
        return self.source.text[self.start : self.end]

    @property
    def line(self) -> int:
        return self.source.position(self.start)[0]

    @property
    def column(self) -> int:
        return self.source.position(self.start)[1]

    @property
    def sort_key(self) -> tuple[str, int, int]:
        return (self.source.name, self.start, self.end)
