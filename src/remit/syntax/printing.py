"""Tree → text: the one way a policy is laid out.

- An item a line, two columns further in for each block it is in; at most 120 columns.
- A block stays on one line where it was written on one and fits, its items two blanks apart; else each item has its own
  line. An empty block is `{ }`, an empty object of a test `{}`.
- An item that does not fit is parted at its clauses, outermost first (`remit.syntax.printing_words`): the same item is
  parted in the same way however it was written.
- Statements and items keep their order. One empty line between two of them stays, more are one, and none stands at the
  beginning or end of a block or file.
- A comment stays behind what it was behind, or on a line of its own before what it stood before.
- Names and texts stay as written, backticks and escapes included. Parentheses that change nothing go, but for those
  between `and` and `or` and behind `not`; so does a comma before a closing bracket.
- Lines end in a line feed, the last one, too.

    role   vet{ # the doctors            role vet {  # the doctors
      allow read,update on record   →      allow read, update on record
                 when (treats) }             when treats
                                         }

What is made is not believed: see `formatted`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from remit.collection import paused
from remit.diagnostics import Diagnostic
from remit.source import Source
from remit.syntax import tree
from remit.syntax.parser import LONGEST, parse
from remit.syntax.printing_expressions import redundant
from remit.syntax.printing_items import (
    Blocked,
    Line,
    Placed,
    conditions,
    head_layout,
    inside,
    item_layout,
    opening,
    place,
)
from remit.syntax.printing_kept import kept, marked, words
from remit.syntax.printing_same import same
from remit.syntax.printing_words import STEP, WIDTH, Page, Tokens, Words

# An item as it would be printed, on one line: words with one blank between them. Nothing that takes thought: no
# parentheses, lists, or minus.
_WORD = (
    r'(?:"[^"\\\n]*(?:\\.[^"\\\n]*)*"|[A-Za-z_][A-Za-z0-9_]*(?:[./][A-Za-z0-9_]+)?|\*|-?[0-9]+[smhd]?|[=!<>]=|[=<>|]'
    r"|\{\}|\{(?! \})|(?<!, )\})"
)
_SPACED = re.compile(rf"(?:{_WORD}[,:?]? )*+{_WORD}\??")
_BETWEEN = re.compile(r"([ \t\r\n]*)(#[^\n]*)?")


class NotParsed(Exception):  # noqa: N818 - what is wrong is in the text
    """The text has errors: `findings`."""

    def __init__(self, findings: list[Diagnostic]) -> None:
        super().__init__("the text has errors")
        self.findings = findings


class NotKept(Exception):  # noqa: N818 - what is wrong is in the printer
    """What was printed would mean something else, or lacks a comment: a fault of the printer."""


def formatted(source: Source) -> str:
    """The text of a file in the one format.

    Raises NotParsed where the text has errors, and NotKept unless what is printed has the same tree and every comment
    in its order. The tree is the same where every token is, for the parser reads nothing else; where a parenthesis or a
    comma was left out, the text is parsed again and the trees are compared."""
    with paused():
        file, findings = parse(source)
        if findings:
            raise NotParsed(findings)
        text = printed(file)
        if text != source.text:
            _verify(file, text)
        return text


def printed(file: tree.File) -> str:
    """The text of a tree whose source has no errors."""
    return _Printer(file.source.text).file(file.statements)


def _verify(file: tree.File, text: str) -> None:
    """Raises NotKept unless `text` says what the file says."""
    before, after = marked(file.source.text), marked(text)
    if before != after and not kept(before, after):
        raise NotKept("a comment would be lost or moved")
    if words(before) == words(after) and len(text) <= LONGEST:
        return
    again, findings = parse(Source(file.source.name, text, file.source.origin))
    if findings or not same(file.statements, again.statements):
        raise NotKept("the text would mean something else")


class _Printer:
    """Prints the items of one text, of which it takes the words and the comments."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.page = Page()

    def file(self, statements: Sequence[tree.Statement]) -> str:
        self.items([place(statement) for statement in statements], 0, len(self.text), 0)
        return "".join(f"{line}\n" for line in self.page.lines)

    def items(self, items: Sequence[Placed], opened: int, closed: int, indent: int) -> None:
        """Items and the comments between them, from `opened` to `closed`, a line each."""
        page, text, pad = self.page, self.text, " " * indent
        room, last, first = WIDTH - indent, opened, True
        for placed in items:
            start, end, item = placed
            self.between(last, start, indent, first, False)
            if isinstance(item, Blocked):
                self.block(placed, item, indent)
            elif end - start <= room and _SPACED.fullmatch(text, start, end):
                page.add(pad + text[start:end])
            else:
                words = self.words(start, end, item)
                page.add_words(words, item_layout(item, words), indent, indent)
            last, first = end, False
        self.between(last, closed, indent, first, True)

    def between(self, start: int, stop: int, indent: int, first: bool, ends: bool) -> None:
        """Comments and empty lines before an item, or where the block or file `ends`; nothing stands before the
        `first`."""
        page, text = self.page, self.text
        white = text[start:stop]
        if "#" not in white:
            if not first and not ends and white.count("\n") > 1:
                page.add("")
            return
        for match in _BETWEEN.finditer(text, start, stop):
            lines = match[1].count("\n")
            if lines > 1 and not first and (match[2] or not ends):
                page.add("")
            if not match[2]:
                return
            behind = lines == 0 and match.start() > 0
            page.add_comment(match[2].rstrip(), indent, behind)
            first = first and behind

    def block(self, placed: Placed, block: Blocked, indent: int) -> None:
        """A block on one line, if it was and fits; else opened."""
        start, end, _ = placed
        text = self.text
        opened = opening(text, start)
        head = self.words(start, opened, None)
        if "\n" not in text[opened:end] and not any(head.comments):
            line = self.flat(placed)
            if len(line) <= WIDTH - indent:
                self.page.add(" " * indent + line)
                return
        empty = not text[opened : end - 1].strip() and not any(head.comments)
        if empty:
            head.texts[-1] += " }"
        self.page.add_words(head, head_layout(block, head), indent, indent + STEP)
        if not empty:
            self.items(inside(block, opened, end - 1), opened, end - 1, indent + STEP)
            self.page.add(" " * indent + "}")

    def flat(self, placed: Placed) -> str:
        """An item without comments on one line."""
        start, end, item = placed
        if not isinstance(item, Blocked):
            if _SPACED.fullmatch(self.text, start, end):
                return self.text[start:end]
            return self.words(start, end, item).flat()
        opened = opening(self.text, start)
        inner = "  ".join(self.flat(one) for one in inside(item, opened, end - 1))
        head = self.words(start, opened, None).flat()
        return f"{head} {inner} }}" if inner else f"{head} }}"

    def words(self, start: int, end: int, item: Line | None) -> Words:
        """The words of an item; of the head of a block where there is none."""
        tokens = Tokens(self.text, start, end)
        dropped: set[int] = set()
        if item is not None:
            for expression in conditions(item):
                dropped |= redundant(expression, tokens)
        return Words(tokens, dropped, head=item is None)
