"""Does the fixes of findings, and proves each before it is written.

    findings ──▶ fixes that do not overlap, earliest first ──▶ new texts ──compile──▶ proof ──▶ again, until none is

A safe fix is done only where it leaves the meaning as it was: the digests are equal, or the exact difference between
the two tables is empty. That is asked of every policy of the run that reads the file, so an overlay is safe from what
is fixed in its base. An unsafe fix must leave a policy that compiles. All fixes of a round are tried together; where
that fails, half of them and the other half, down to the one at fault, which is refused.

Nothing is ever fixed in a base from an overlay's finding.
"""

from __future__ import annotations

import os
from bisect import bisect, insort
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from remit.diagnostics import Diagnostic, Edit, Fix
from remit.directory.reader import read_directory
from remit.directory.shape import Assignment, Directory
from remit.project.files import read_source, write_whole
from remit.project.linting import Linted
from remit.project.looked import Looked, whole_path
from remit.project.policies import Overrides, load
from remit.project.silencing import Said
from remit.proof.beside import beside
from remit.proof.compare import equivalent
from remit.source import Source
from remit.table.meaning import digest
from remit.table.shape import Table

ROUNDS = 10  # a fix may make room for another, not for ever

Look = Callable[[Overrides], tuple[Linted, Said]]


class FixError(Exception):
    """A file that cannot be written, or that changed meanwhile; the message says which."""


class Refused(NamedTuple):
    finding: Diagnostic
    why: str


@dataclass(slots=True)
class Fixed:
    """`texts`: whole path → what the file is to hold, `before` → what it held. `linted` and `said` are what is found
    once that is done."""

    linted: Linted
    said: Said
    before: dict[str, str] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)
    done: int = 0
    refused: list[Refused] = field(default_factory=list)


def fix(look: Look, unsafe: bool) -> Fixed:
    """The fixes of all findings that are said, safe ones alone unless `unsafe`. `look` lints everything with some texts
    in place of what files hold. Writes nothing."""
    fixed = Fixed(*look({}))
    for _ in range(ROUNDS):
        if not (_round(fixed, safe=True) or (unsafe and _round(fixed, safe=False))):
            break
        fixed.linted, fixed.said = look(fixed.texts)
    return fixed


def write(fixed: Fixed) -> None:
    """Writes every file that was fixed, each whole. Raises FixError."""
    for path in fixed.texts:
        source, _ = read_source(Path(path), path)
        if source is None or source.text != fixed.before[path]:
            raise FixError(f"`{os.path.relpath(path)}` changed meanwhile, and is left as it is")
    for path, text in sorted(fixed.texts.items()):
        try:
            write_whole(Path(os.path.realpath(path)), text)
        except OSError as error:
            why = (error.strerror or "unwritable").lower()
            raise FixError(f"`{os.path.relpath(path)}` cannot be written: {why}") from None


# -- one round -------------------------------------------------------------------------------------------------------


class _Planned(NamedTuple):
    """A fix with its edits as (path, start, end, text)."""

    finding: Diagnostic
    edits: tuple[tuple[str, int, int, str], ...]


def _round(fixed: Fixed, safe: bool) -> bool:
    """Does the fixes of one kind that do not overlap, as far as they stand the proof; whether any did."""
    now: dict[str, str] = {}
    for looked in fixed.linted.looked:
        now.update((path, source.text) for path, source in looked.own.items())
    refused = {_key(one.finding) for one in fixed.refused}
    planned = [
        plan
        for finding in fixed.said.findings
        if finding.fix is not None and finding.fix.safe is safe and _key(finding) not in refused
        if (plan := _planned(finding, finding.fix, fixed.linted.looked)) is not None
    ]
    proved: list[_Planned] = []
    pending = [_apart(planned)]
    while pending:
        batch = pending.pop()
        if not batch:
            continue
        texts = edited(now, [edit for plan in [*proved, *batch] for edit in plan.edits])
        why = _why_not(fixed, {**fixed.texts, **texts}, set(texts), safe)
        if not why:
            proved += batch
        elif len(batch) == 1:
            fixed.refused.append(Refused(batch[0].finding, why))
        else:
            pending += [batch[len(batch) // 2 :], batch[: len(batch) // 2]]
    for path, text in edited(now, [edit for plan in proved for edit in plan.edits]).items():
        fixed.before.setdefault(path, now[path])
        fixed.texts[path] = text
    fixed.done += len(proved)
    return bool(proved)


def _key(finding: Diagnostic) -> tuple[str, str, str]:
    """What a refused fix is known by in the next round, when its place, and what it says of places, may have moved."""
    return (
        (finding.code, whole_path(finding.span.source), finding.span.text) if finding.span else (finding.code, "", "")
    )


def _planned(finding: Diagnostic, made: Fix, looked: Sequence[Looked]) -> _Planned | None:
    """The fix of a finding, unless it is none of this policy's own text, or changes nothing."""
    if finding.span is None:
        return None
    here = whole_path(finding.span.source)
    own = next((one.own for one in looked if here in one.own), None)
    if own is None or not made.edits:
        return None
    edits = []
    for edit in made.edits:
        path = whole_path(edit.span.source)
        if path not in own or own[path].text != edit.span.source.text:
            return None
        edits.append((path, edit.span.start, edit.span.end, edit.text))
    return _Planned(finding, tuple(edits)) if any(_changes(edit) for edit in made.edits) else None


def _changes(edit: Edit) -> bool:
    return edit.span.text != edit.text


def _apart(planned: Iterable[_Planned]) -> list[_Planned]:
    """Those that can be done together: a fix whose edits touch those of an earlier one waits for the next round."""
    taken: list[_Planned] = []
    ends: dict[str, list[tuple[int, int]]] = {}
    for plan in sorted(planned, key=lambda plan: min(plan.edits)):
        spans = sorted((path, start, end) for path, start, end, _ in plan.edits)
        own = all(one[0] != other[0] or one[2] <= other[1] for one, other in zip(spans, spans[1:], strict=False))
        if own and not any(_touches(ends.get(path, ()), start, end) for path, start, end in spans):
            taken.append(plan)
            for path, start, end in spans:
                insort(ends.setdefault(path, []), (start, end))
    return taken


def _touches(taken: Sequence[tuple[int, int]], start: int, end: int) -> bool:
    """Whether a stretch meets one of those taken, which are in order and apart."""
    at = bisect(taken, (start, end))
    return (at > 0 and taken[at - 1][1] >= start) or (at < len(taken) and taken[at][0] <= end)


def edited(texts: Mapping[str, str], edits: Iterable[tuple[str, int, int, str]]) -> dict[str, str]:
    """The texts that edits change, as they are then. A line that a removal leaves blank goes, too, and so do the blanks
    that it leaves at a line's end, or twice inside it."""
    by_path: dict[str, list[tuple[int, int, str]]] = {}
    for path, start, end, text in edits:
        by_path.setdefault(path, []).append((start, end, text))
    return {path: _edited(texts[path], sorted(listed)) for path, listed in by_path.items()}


def _edited(text: str, edits: Sequence[tuple[int, int, str]]) -> str:
    pieces: list[str] = []
    removals: list[int] = []  # where, in the new text, something was taken away
    at = length = 0
    for start, end, new in edits:
        pieces += [text[at:start], new]
        length += start - at + len(new)
        if not new and text[start:end].strip():
            removals.append(length)
        at = end
    pieces.append(text[at:])
    made = "".join(pieces)
    for place in reversed(removals):
        start = made.rfind("\n", 0, place) + 1
        stop = made.find("\n", place)
        stop = len(made) if stop < 0 else stop
        line = made[start:stop]
        if not line.strip():
            made = made[:start] + made[stop + 1 :]
        elif not made[place:stop].strip():
            ending = "\r" if line.endswith("\r") else ""
            made = made[:start] + line.rstrip() + ending + made[stop:]
        elif place > start and made[place - 1] in " \t":
            made = made[:place] + made[place:].lstrip(" \t")
    return made


# -- the proof -------------------------------------------------------------------------------------------------------


def _why_not(fixed: Fixed, texts: Overrides, changed: set[str], safe: bool) -> str:
    """Why some texts may not stand in place of what is there; empty where they may."""
    for looked in fixed.linted.looked:
        if looked.people in changed and (why := _directory_why_not(looked, texts[looked.people], safe)):
            return why
        if looked.policy is None or not any(whole_path(source) in changed for source in looked.read):
            continue
        if changed <= {looked.people}:
            continue
        table = load(looked.policy, texts).compiled.table
        if looked.table is None:
            return "the policy does not compile"
        if table is None:
            return "what it leaves does not compile"
        if safe and (same := _same(looked.table, table)) is not True:
            return (
                "it changes what somebody may do" if same is False else "whether it is safe needs remit[prove] to tell"
            )
    return ""


def _same(old: Table, new: Table) -> bool | None:
    """Whether two tables decide alike; None where that cannot be told."""
    if digest(old) == digest(new):
        return True
    return equivalent(old, new) and not any(beside(old, new))


def _directory_why_not(looked: Looked, text: str, safe: bool) -> str:
    old, new = looked.own[looked.people], Source("", text)
    before, wrong_before = read_directory(old)
    after, wrong = read_directory(new)
    if sum(one.level == "error" for one in wrong) > sum(one.level == "error" for one in wrong_before):
        return "what it leaves cannot be read"
    return "it changes the directory" if safe and _placeless(before) != _placeless(after) else ""


def _placeless(directory: Directory) -> Directory:
    """A directory without its lines and columns."""

    def bare(assignments: tuple[Assignment, ...]) -> tuple[Assignment, ...]:
        return tuple(one._replace(line=0, column=0) for one in assignments)

    users = {
        name: user._replace(line=0, column=0, assignments=bare(user.assignments))
        for name, user in directory.users.items()
    }
    groups = {
        name: group._replace(line=0, column=0, assignments=bare(group.assignments))
        for name, group in directory.groups.items()
    }
    scopes = {name: scope._replace(line=0, column=0) for name, scope in directory.scopes.items()}
    return directory._replace(name="", users=users, groups=groups, scopes=scopes)
