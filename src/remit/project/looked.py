"""What was found at one place: a policy, a directory, or the two together; and the same as JSON, for the cache.

In JSON, a text is named once, by number, and a place is three numbers: its text and two offsets.

    {"texts": [["main.remit", "p/main.remit", null]], "findings": [["W305", "…", [0, 81, 102], …]], …}

A text that a file holds is not kept (null) and read anew; one that a message quotes from a table is kept.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from remit.codes import CODES
from remit.diagnostics import Diagnostic, Edit, Fix, Label
from remit.directory.shape import Directory
from remit.source import Source, Span
from remit.table.shape import Table

# Found where a policy and a directory meet, by no lint rule.
HELD_TOGETHER = ("W421", "W422", "W423", "W424")
_LEVELS = ("error", "warning", "note")
_MOST_BLANK = 1 << 26  # blank lines before what is quoted of texts that no file holds, in all


@dataclass(slots=True)
class Looked:
    """`seen` are the whole paths of the files looked at. `own`, those whose comments speak: the policy's, not its
    bases', and the directory, which is `people`; `ran`, the codes that were looked for in each. `broken`: the policy
    does not compile. What follows that is known where the place was looked at just now, and not remembered."""

    findings: list[Diagnostic] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)
    own: dict[str, Source] = field(default_factory=dict)
    ran: dict[str, set[str]] = field(default_factory=dict)
    people: str = ""
    broken: bool = False
    policy: Path | None = None
    bases: tuple[Path, ...] = ()
    read: list[Source] = field(default_factory=list)  # every text that was compiled or held against it
    table: Table | None = None
    directory: Directory | None = None

    def ran_in(self, path: str, codes: set[str]) -> None:
        self.ran.setdefault(path, set()).update(codes)


def whole_path(source: Source) -> str:
    """Where a text was read from; a link stays itself."""
    return os.path.abspath(source.origin or source.name)


def in_order(findings: Iterable[Diagnostic]) -> list[Diagnostic]:
    """By file, place, code and message; what is found several times, counts once. What has no place comes first."""
    paths: dict[int, str] = {}

    def key(finding: Diagnostic) -> tuple[str, int, int, str, str]:
        span = finding.span
        if span is None:
            return ("", 0, 0, finding.code, finding.message)
        path = paths.get(id(span.source)) or paths.setdefault(id(span.source), whole_path(span.source))
        return (path, span.start, span.end, finding.code, finding.message)

    unique: dict[tuple[str, int, int, str, str], Diagnostic] = {}
    for finding in findings:
        unique.setdefault(key(finding), finding)
    return [unique[at] for at in sorted(unique)]


def as_data(looked: Looked) -> dict[str, Any]:
    """As JSON. Paths are relative to where the command was called."""
    texts = _Texts(looked)
    findings = [texts.finding(finding) for finding in looked.findings]
    own = [texts.number(source) for source in looked.own.values()]
    ran = [sorted(looked.ran.get(path, ())) for path in looked.own]
    seen = [os.path.relpath(path) for path in sorted(looked.seen)]
    return {
        "texts": texts.listed,
        "findings": findings,
        "own": own,
        "ran": ran,
        "seen": seen,
        "people": os.path.relpath(looked.people) if looked.people else "",
        "broken": looked.broken,
    }


class _Texts:
    """The texts that findings point into, numbered as they are met."""

    def __init__(self, looked: Looked) -> None:
        self.files = {id(source) for source in looked.own.values()}
        self.numbers: dict[int, int] = {}
        self.listed: list[list[Any]] = []

    def number(self, source: Source) -> int:
        if id(source) not in self.numbers:
            blank = len(source.text) - len(source.text.lstrip("\n"))
            text = None if id(source) in self.files else [blank, source.text[blank:]]
            self.numbers[id(source)] = len(self.listed)
            self.listed.append([source.name, source.origin, text])
        return self.numbers[id(source)]

    def span(self, span: Span) -> list[int]:
        return [self.number(span.source), span.start, span.end]

    def finding(self, found: Diagnostic) -> list[Any]:
        fix = found.fix and [found.fix.title, [[self.span(e.span), e.text] for e in found.fix.edits], found.fix.safe]
        secondary = [[self.span(label.span), label.text] for label in found.secondary]
        span = None if found.span is None else self.span(found.span)
        return [found.code, found.message, span, found.label, found.help, secondary, found.level, fix]


def from_data(data: Any, read: Callable[[str, str], Source]) -> Looked:
    """The inverse; `read` gives the text of a file by name and origin. Raises ValueError, TypeError, KeyError or
    IndexError for anything that `as_data` does not write."""
    texts = [_list(listed, 3) for listed in _list(data["texts"])]
    if sum(_number(_list(text, 2)[0]) for _, _, text in texts if text is not None) > _MOST_BLANK:
        raise ValueError("blank lines without end")
    sources = [_source(listed, read) for listed in texts]
    findings = [_finding(_list(found, 8), sources) for found in _list(data["findings"])]
    own = [sources[_number(number)] for number in _list(data["own"])]
    paths = [whole_path(source) for source in own]
    codes = [{_code(code) for code in _list(ran)} for ran in _list(data["ran"], len(own))]
    return Looked(
        findings,
        {os.path.abspath(_text(path)) for path in _list(data["seen"])},
        dict(zip(paths, own, strict=True)),
        dict(zip(paths, codes, strict=True)),
        os.path.abspath(data["people"]) if _text(data["people"]) else "",
        _bool(data["broken"]),
    )


def _source(listed: list[Any], read: Callable[[str, str], Source]) -> Source:
    name, origin, text = listed
    if text is None:
        return read(_text(name), _text(origin))
    blank, rest = text
    return Source(_text(name), "\n" * blank + _text(rest), _text(origin))


def _finding(parts: list[Any], sources: list[Source]) -> Diagnostic:
    code, message, place, label, help, secondary, level, fix = parts
    if level not in _LEVELS:
        raise ValueError(level)
    labels = tuple(Label(_span(at, sources), _text(said)) for at, said in (_list(one, 2) for one in _list(secondary)))
    span = None if place is None else _span(place, sources)
    made = None if fix is None else _fix(_list(fix, 3), sources)
    return Diagnostic(_code(code), _text(message), span, _text(label), _text(help), labels, level, made)


def _fix(parts: list[Any], sources: list[Source]) -> Fix:
    title, edits, safe = parts
    made = tuple(Edit(_span(at, sources), _text(text)) for at, text in (_list(one, 2) for one in _list(edits)))
    return Fix(_text(title), made, _bool(safe))


def _span(place: Any, sources: list[Source]) -> Span:
    number, start, end = (_number(part) for part in _list(place, 3))
    if not start <= end <= len(sources[number].text) + 1:  # what is missing at the end is underlined behind it
        raise ValueError(place)
    return Span(sources[number], start, end)


def _list(data: Any, length: int | None = None) -> list[Any]:
    if type(data) is not list or (length is not None and len(data) != length):
        raise TypeError(data)
    return data


def _text(data: Any) -> str:
    if type(data) is not str:
        raise TypeError(data)
    return data


def _bool(data: Any) -> bool:
    if type(data) is not bool:
        raise TypeError(data)
    return data


def _number(data: Any) -> int:
    if type(data) is not int or not 0 <= data < 1 << 31:
        raise ValueError(data)
    return data


def _code(data: Any) -> str:
    if _text(data) not in CODES:
        raise ValueError(data)
    return str(data)
