"""What a finding is: plain data, raised by every stage and drawn in one place (`remit.report`).

A code is never reused. Its title names it in kebab case; its page is docs/errors/CODE.md.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Literal, NamedTuple

from remit.source import Span

Level = Literal["error", "warning", "note"]

MOST_FINDINGS = 100  # of one run; the rest is counted and said


class Label(NamedTuple):
    """Another place that matters, with what is to be said there."""

    span: Span
    text: str


class Edit(NamedTuple):
    """What is to stand in place of a stretch of text."""

    span: Span
    text: str


class Fix(NamedTuple):
    """Edits that mend a finding, to be done all or none. `title` says in a few words what they do. `safe`: they are
    meant to change no decision (which is proved again whenever they are done)."""

    title: str
    edits: tuple[Edit, ...]
    safe: bool = True


class Diagnostic(NamedTuple):
    """A finding: what is wrong (`message`), where (`span`, with `label` under it), what to write instead (`help`)."""

    code: str
    message: str
    span: Span | None = None
    label: str = ""
    help: str = ""
    secondary: tuple[Label, ...] = ()
    level: Level = "error"
    fix: Fix | None = None

    @property
    def sort_key(self) -> tuple[object, ...]:
        place = self.span.sort_key if self.span else ("", 0, 0)
        return (*place, self.code, self.message)


class Silenced(NamedTuple):
    """A finding that is kept silent: by a comment beside it, by the baseline, or by the settings of its path. `reason`
    is what was given for it, empty where nothing was."""

    finding: Diagnostic
    how: Literal["comment", "baseline", "settings"]
    reason: str


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known name that `word` was probably meant to be, or None: only near ones are worth saying.

    Ratcliff-Obershelp similarity (difflib), and for short names one exchanged pair of letters."""
    names = sorted(set(known))
    if word.lower() in (lowered := {name.lower(): name for name in names}):
        return lowered[word.lower()]
    if len(word) > 64:
        return None
    from difflib import get_close_matches  # only when something is misspelt

    found = get_close_matches(word, names, n=1, cutoff=0.7)
    return found[0] if found else None


def similar(word: str, known: Iterable[str], otherwise: str = "") -> str:
    """A help line naming the similar name, else `otherwise`."""
    name = nearest(word, known)
    return f"`{name}` has a similar name" if name else otherwise


class Suggestions:
    """Looks for similar names, as long as the names looked at in one run are not too many: ten thousand mistakes among
    ten thousand names get no suggestions, but an answer in time."""

    __slots__ = ("left",)

    def __init__(self, left: int = 100_000) -> None:
        self.left = left

    def nearest(self, word: str, known: Collection[str]) -> str | None:
        self.left -= len(known)
        return nearest(word, known) if self.left >= 0 else None

    def similar(self, word: str, known: Collection[str], otherwise: str = "") -> str:
        name = self.nearest(word, known)
        return f"`{name}` has a similar name" if name else otherwise


def ordered(findings: Sequence[Diagnostic]) -> list[Diagnostic]:
    """By file, place and code; the same finding at the same place only once."""
    unique: dict[tuple[object, ...], Diagnostic] = {}
    for finding in findings:
        unique.setdefault(finding.sort_key, finding)
    return [unique[key] for key in sorted(unique, key=repr_key)]


def repr_key(key: tuple[object, ...]) -> tuple[str, int, int, str, str]:
    name, start, end, code, message = key
    return str(name), int(str(start)), int(str(end)), str(code), str(message)
