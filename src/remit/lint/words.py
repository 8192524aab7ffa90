"""The words of a text and where they stand, for rules that underline less than the model knows the place of.

    allow read on * except report, log      →  allow · read · on · * · except · report · , · log

Comments are left out. No string, comment or name in backticks goes on over a line's end, so a line can be read from its
beginning without the lines before it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import takewhile
from typing import Literal, NamedTuple

from remit.source import Source, Span

_GAP = r"(?:\s|#[^\n]*\n)"
_NAME = r"[A-Za-z_][A-Za-z0-9_]*|`[^`\n]+`"
_WORD = re.compile(
    rf'(?P<comment>#[^\n]*)|(?P<text>"[^"\\\n]*(?:\\.[^"\\\n]*)*")|(?P<name>{_NAME})|(?P<mark>[=!<>]=|[^\s\w]|\w+)'
)
_NEARBY = 2000  # characters in which a word is looked for
_ACTION_SET = re.compile(rf"(?<![\w`])actions{_GAP}+(?P<name>{_NAME}){_GAP}*=(?!=)")
_BLOCK = re.compile(rf"(?<![\w`])(?P<within>(?:resource|area|role|in){_GAP}+)?(?P<of>user|context|claims){_GAP}*\{{")


class Word(NamedTuple):
    """`text` of a name is without its backticks."""

    kind: Literal["name", "text", "mark"]
    text: str
    span: Span


def words(source: Source, start: int, end: int | None = None) -> Iterator[Word]:
    """The words of a stretch that begins between two of them; to the end of the text where there is no `end`."""
    for found in _WORD.finditer(source.text, start, len(source.text) if end is None else end):
        kind = found.lastgroup
        if kind == "name":
            yield Word("name", found[0].strip("`"), Span(source, *found.span()))
        elif kind == "text" or kind == "mark":
            yield Word("text" if kind == "text" else "mark", found[0], Span(source, *found.span()))


def words_in(span: Span) -> list[Word]:
    """The words of a span."""
    return list(words(span.source, span.start, span.end))


def first_name(span: Span, name: str) -> Span:
    """Where a name first stands in a span; the whole span where it does not."""
    return next((word.span for word in words_in(span) if word.kind == "name" and word.text == name), span)


def near(source: Source, start: int, word: str) -> Span | None:
    """Where a word, or an id as a directory has it (`branch/north`, `ann@acme.com`), stands alone from a place on; None
    where that is not near."""
    found = re.compile(rf"(?<![\w/.-]){re.escape(word)}(?![\w-])").search(source.text, start, start + _NEARBY)
    return Span(source, *found.span()) if found else None


def included(head: Span, length: int) -> list[Span]:
    """The so many names of the `includes` behind a role's head; empty where it ends otherwise."""
    behind = takewhile(lambda word: word.text != "{", words(head.source, head.end))
    found = list(behind)[-(2 * length - 1) :] if length else []
    right = len(found) == 2 * length - 1 and all(word.kind == "name" for word in found[::2])
    return [word.span for word in found[::2]] if right and all(word.text == "," for word in found[1::2]) else []


def item_edit(items: Sequence[Span], at: int) -> Span:
    """What to take out of a list of several, with its comma, so that the other items stay a list."""
    source = items[at].source
    if at + 1 < len(items):
        return Span(source, items[at].start, items[at + 1].start)
    return Span(source, items[at - 1].end, items[at].end)


# -- statements that the model knows without their places ------------------------------------------------------------


class ActionSet(NamedTuple):
    """`actions NAME = a, b`: the whole of it, its name, and what it names."""

    span: Span
    name: Span
    uses: frozenset[str]


def action_sets(sources: Iterable[Source]) -> Mapping[str, ActionSet]:
    """The action sets that texts declare, by name."""
    found: dict[str, ActionSet] = {}
    for source in sources:
        for match in _ACTION_SET.finditer(source.text):
            if _silent(source, match.start()):
                continue
            uses, end, wanted = set(), match.end(), True
            for word in words(source, match.end()):
                if wanted != (word.kind == "name") or not (wanted or word.text == ","):
                    break
                if wanted:
                    uses.add(word.text)
                    end = word.span.end
                wanted = not wanted
            name = Span(source, *match.span("name"))
            found.setdefault(name.text.strip("`"), ActionSet(Span(source, match.start(), end), name, frozenset(uses)))
    return found


def attribute_block(sources: Iterable[Source], of: str, name: str) -> Span | None:
    """Where an attribute is declared in a block `user`, `context` or `claims`."""
    for source in sources:
        for match in _BLOCK.finditer(source.text):
            if match["of"] != of or match["within"] or _silent(source, match.start()):
                continue
            if (span := attribute(source, match.end(), name)) is not None:
                return span
    return None


def attribute(source: Source, start: int, name: str) -> Span | None:
    """Where an attribute is declared in the block that `start` lies in, just behind its `{`."""
    before: Word | None = None
    for word in words(source, start):
        if word.text in "{}" and word.kind == "mark":
            return None
        if word.text == ":" and before is not None and (before.kind, before.text) == ("name", name):
            return before.span
        before = word
    return None


def opened(source: Source, start: int) -> int:
    """Just behind the next `{`."""
    return next((word.span.end for word in words(source, start) if word.text == "{"), len(source.text))


def _silent(source: Source, at: int) -> bool:
    """Whether a place lies in a comment, a string or a name in backticks."""
    begin, end = source.text.rfind("\n", 0, at) + 1, source.text.find("\n", at)
    whole = _WORD.finditer(source.text, begin, len(source.text) if end < 0 else end)
    return any(found.start() < at < found.end() for found in whole)
