"""The words of one item of a policy, and how they are laid out on lines.

An *item* is what gets a line of its own: a rule, an attribute, a line of a test, the head of a block. Its tokens are
put together to *words*, what is never parted (`resource.status`, `"open",`, `(treats`), each with the comments behind
it. A *layout* says where the words may be parted, and the `Page` parts them only where they do not fit, outermost
first (Oppen, "Prettyprinting", 1980, with breaks that are taken all or not at all):

    allow update on record when treats and resource.status == "open" because "…"
    Stack(Stack(allow update on record │ when Stack(treats │ and resource.status == "open")) │ because "…")

is one line where it fits; else `because` gets its own; else `when` does, too; else each `and`.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Container
from typing import NamedTuple

WIDTH = 120  # columns, comments behind a line not counted
STEP = 2  # of indentation

TOKEN = re.compile(
    r'"[^"\\\n]*+(?:\\.[^"\\\n]*+)*+"|`[^`\n]+`|#[^\n]*|[A-Za-z_][A-Za-z0-9_]*|-?[0-9]+[smhd]?(?![A-Za-z0-9_])|[=!<>]=|[^\s]'
)
TO_THE_LEFT = frozenset({",", ":", "?", ")", "]", ".", "/"})  # no blank before
TO_THE_RIGHT = frozenset({"(", "[", ".", "/"})  # no blank behind


class Comment(NamedTuple):
    """`own`: on a line of its own, not behind a word."""

    text: str
    own: bool


class Token(NamedTuple):
    text: str
    start: int


class Tokens:
    """The tokens from `start` to `end` of a text, and the comments between them."""

    __slots__ = ("comments", "found", "starts")

    def __init__(self, text: str, start: int, end: int) -> None:
        self.found: list[Token] = []
        self.comments: dict[int, list[Comment]] = {}  # by the number of the token they stand behind
        last = start
        for match in TOKEN.finditer(text, start, end):
            if match[0][0] == "#":
                comment = Comment(match[0].rstrip(), "\n" in text[last : match.start()])
                self.comments.setdefault(len(self.found) - 1, []).append(comment)
            else:
                self.found.append(Token(match[0], match.start()))
            last = match.end()
        self.starts = [token.start for token in self.found]

    def at(self, offset: int) -> int:
        """The number of the first token at or behind an offset."""
        return bisect_left(self.starts, offset)


class Words:
    """The words of an item: their texts, and behind each the comments.

    `dropped` are offsets of parentheses to leave out. A comment inside a word comes behind it, one before the `{` of a
    head behind that."""

    __slots__ = ("_places", "_starts", "comments", "texts")

    def __init__(self, tokens: Tokens, dropped: Container[int], head: bool = False) -> None:
        self.texts: list[str] = []
        self.comments: list[list[Comment]] = []
        self._starts: list[int] = []  # of the tokens that are left, with the word each is in
        self._places: list[int] = []
        left = [number for number, token in enumerate(tokens.found) if self._stays(tokens, number, dropped)]
        before = ""
        for number, upto in zip(left, [*left[1:], len(tokens.found)], strict=True):
            text, start = tokens.found[number]
            if before and (text in TO_THE_LEFT or before in TO_THE_RIGHT or (text == "}" and before == "{")):
                self.texts[-1] += text
            elif before and head and text == "{":  # a head is all before its first `{`
                self.texts[-1] += " {"
            else:
                self.texts.append(text)
                self.comments.append([])
            self._starts.append(start)
            self._places.append(len(self.texts) - 1)
            for behind in range(number, upto):  # what was behind a token left out, too
                self.comments[-1] += tokens.comments.get(behind, ())
            before = text

    @staticmethod
    def _stays(tokens: Tokens, number: int, dropped: Container[int]) -> bool:
        text, start = tokens.found[number]
        if text in ("(", ")"):
            return start not in dropped
        ends = text == "," and number + 1 < len(tokens.found) and tokens.found[number + 1].text in ("]", "}")
        return not ends

    def __len__(self) -> int:
        return len(self.texts)

    def at(self, offset: int) -> int:
        """The number of the word with the first token at or behind an offset; how many there are, past the last."""
        place = bisect_left(self._starts, offset)
        return self._places[place] if place < len(self._places) else len(self.texts)

    def flat(self) -> str:
        return " ".join(self.texts)


# -- layouts -----------------------------------------------------------------------------------------------------------


class Fill(NamedTuple):
    """Words `first` to before `stop`, parted where a line is full: behind commas, and before the words `before`."""

    first: int
    stop: int
    step: int = STEP
    before: Container[str] = ()


class Row(NamedTuple):
    """Parts one behind the other."""

    parts: tuple[Layout, ...]


class Stack(NamedTuple):
    """Parts on one line, or each on its own, those behind the first further in by `step`."""

    parts: tuple[Layout, ...]
    step: int = STEP


Layout = Fill | Row | Stack


def stack(*parts: Layout | None, step: int = STEP) -> Layout:
    """The parts that are there; one alone is itself."""
    there = tuple(
        part for part in parts if part is not None and not (isinstance(part, Fill) and part.first == part.stop)
    )
    return there[0] if len(there) == 1 else Stack(there, step)


class Page:
    """Lines being written."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.ends_in_comment = False  # the last line: nothing can follow on it

    def add(self, line: str) -> None:
        self.lines.append(line)
        self.ends_in_comment = False

    def add_comment(self, text: str, indent: int, behind: bool) -> None:
        """A comment, `behind` the last line where nothing bars it, else on its own."""
        if behind and self.lines and not self.ends_in_comment:
            self.lines[-1] += f"  {text}"
        else:
            self.lines.append(" " * indent + text)
        self.ends_in_comment = True

    def add_words(self, words: Words, layout: Layout, indent: int, behind: int) -> None:
        """An item, from a new line at `indent` on; comments on lines behind it stand at `behind`."""
        _Pen(self, words, indent, behind).write(layout, indent)


class _Pen:
    """Writes one item. `next` is the indentation of the line to begin, None in the middle of one."""

    def __init__(self, page: Page, words: Words, indent: int, behind: int) -> None:
        self.page = page
        self.words = words
        self.behind = behind
        self.next: int | None = indent

    def write(self, layout: Layout, base: int) -> None:
        """`base`: the indentation of the line that this layout begins on."""
        first, stop = _ends(layout)
        if self._fits(first, stop):
            self._put(first, stop, base + STEP)
            return
        match layout:
            case Fill():
                self._fill(layout, base)
            case Row():
                for part in layout.parts:
                    self.write(part, base)
            case Stack():
                self.write(layout.parts[0], base)
                for part in layout.parts[1:]:
                    self.next = base + layout.step
                    self.write(part, base + layout.step)

    def _fill(self, fill: Fill, base: int) -> None:
        begin = fill.first
        for number in range(fill.first, fill.stop):
            after = number + 1
            ends = after == fill.stop or self.words.texts[after] in fill.before or self.words.texts[number][-1] == ","
            if not ends:
                continue
            if begin > fill.first and not self._fits(begin, after):
                self.next = base + fill.step
            self._put(begin, after, base + fill.step)
            begin = after

    def _fits(self, first: int, stop: int) -> bool:
        """Whether these words fit on the line, and no comment parts them."""
        if any(self.words.comments[number] for number in range(first, stop - 1)):
            return False
        used = len(self.page.lines[-1]) + 1 if self.next is None else self.next
        return used + sum(len(text) + 1 for text in self.words.texts[first:stop]) - 1 <= WIDTH

    def _put(self, first: int, stop: int, inner: int) -> None:
        """Words on the line; behind a comment they go on at `inner`."""
        for number in range(first, stop):
            if self.next is not None:
                self.page.add(" " * self.next + self.words.texts[number])
                self.next = None
            else:
                self.page.lines[-1] += " " + self.words.texts[number]
            at = inner if number + 1 < len(self.words) else self.behind
            for comment in self.words.comments[number]:
                self.page.add_comment(comment.text, at, not comment.own)
                self.next = inner


def _ends(layout: Layout) -> tuple[int, int]:
    """The first word, and the one behind the last."""
    if isinstance(layout, Fill):
        return layout.first, layout.stop
    return _ends(layout.parts[0])[0], _ends(layout.parts[-1])[1]
