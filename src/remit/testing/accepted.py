"""Comments that let a mutant survive, with a reason: what no test could notice, or what is not worth one.

    allow read on * when own  # remit: survives[drop-condition] -- everybody owns what they see until the pilot ends
    # remit: survives[widen-types, widen-actions] -- there is nothing else in this area yet
    guard one_role: at most 1 role per user

It speaks of what is changed on its line, or, standing alone, on the next line of text. One that lets nothing survive is
reported, as is one without a reason or with a word that is no operator.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from remit.diagnostics import nearest, similar
from remit.source import Source, Span
from remit.table.shape import Place
from remit.testing.mutants import OPERATORS

FORM = "# remit: survives[OPERATOR] -- REASON"

_COMMENT = re.compile(r'"[^"\\\n]*(?:\\.[^"\\\n]*)*"|`[^`\n]+`|(#[^\n]*)')
_HINT = re.compile(r"(?<!\S)#+[ \t]*remit[ \t]*:[ \t]*([A-Za-z_-]+)", re.IGNORECASE)
_WHOLE = re.compile(r"#[ \t]*remit:[ \t]*survives[ \t]*\[([^]\n]*)\][ \t]*(?:--[ \t]*(\S.*?))?[ \t]*")


class Acceptance(NamedTuple):
    """One comment. `line` is the line it speaks of, 0 for none; `alone`: it stands on a line of its own."""

    span: Span
    line: int
    alone: bool
    operators: tuple[str, ...]
    reason: str

    def takes(self, operator: str, place: Place) -> bool:
        """Whether it lets such a change of the place survive: of a place over several lines, behind its first or its
        last."""
        if operator not in self.operators or place.file != self.span.source.name:
            return False
        last = place.line + place.text.count("\n")
        return self.line == place.line or (not self.alone and self.line == last)


class Trouble(NamedTuple):
    """What is wrong with a comment, where, and what to write instead."""

    message: str
    span: Span
    help: str


def acceptances(sources: Iterable[Source]) -> tuple[list[Acceptance], list[Trouble]]:
    """The comments of all texts, in order, and what is wrong with some. One with a mistake in it accepts nothing."""
    found: list[Acceptance] = []
    troubles: list[Trouble] = []
    for source in sources:
        for span in _comments(source):
            one = _read(span)
            if isinstance(one, Acceptance):
                found.append(one)
            else:
                troubles.append(one)
    return found, troubles


def unused(found: Sequence[Acceptance], used: Iterable[tuple[str, Place]]) -> list[Trouble]:
    """What accepts no change that survives: `used` are those that do."""
    survivors = list(used)
    troubles = []
    for one in found:
        idle = [
            name for name in one.operators if not any(one.takes(name, place) for by, place in survivors if by == name)
        ]
        if idle:
            words = " and ".join(f"`{name}`" for name in idle)
            help = "take it out: a test notices the change, nobody could, or there is none"
            troubles.append(Trouble(f"no {words} survives here", one.span, help))
    return troubles


def _comments(source: Source) -> Iterator[Span]:
    if "remit" not in source.text.lower():
        return
    for comment in _COMMENT.finditer(source.text):
        if not comment[1]:
            continue
        hints = list(_HINT.finditer(comment[1]))
        ends = [*(hint.start() for hint in hints[1:]), len(comment[1])]
        for hint, end in zip(hints, ends, strict=False):
            if nearest(hint[1].lower(), ("survives", "ignore", "ignore-file")) == "survives":
                start = comment.start(1)
                yield Span(source, start + hint.start(), start + len(comment[1][:end].rstrip()))


def _read(span: Span) -> Acceptance | Trouble:
    whole = _WHOLE.fullmatch(span.text)
    if whole is None:
        return Trouble("this comment is no form of `survives`, and accepts nothing", span, f"the form is `{FORM}`")
    operators = tuple(word.strip() for word in whole[1].split(",") if word.strip())
    if not operators:
        return Trouble("this names no change", span, f"the form is `{FORM}`")
    for word in operators:
        if word not in OPERATORS:
            known = f"the changes are {', '.join(OPERATORS)}"
            return Trouble(f"there is no change `{word}`", span, similar(word, OPERATORS, known))
    if not whole[2]:
        return Trouble("this gives no reason, and accepts nothing", span, f"the form is `{FORM}`")
    alone = not span.source.line(span.line)[: span.column - 1].strip()
    return Acceptance(span, _next_line(span) if alone else span.line, alone, operators, whole[2])


def _next_line(span: Span) -> int:
    """The next line that is more than a comment; 0 where none follows."""
    lines = span.source.text[span.end :].split("\n")[1:]
    for number, line in enumerate(lines, span.line + 1):
        if line.strip() and not line.strip().startswith("#"):
            return number
    return 0


__all__ = ["FORM", "Acceptance", "Trouble", "acceptances", "unused"]
