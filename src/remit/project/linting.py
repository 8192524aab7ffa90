"""Lints policies with their directories: compiles each, reads who holds which role, and holds the two together."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from pathlib import Path

from remit.diagnostics import Diagnostic, Label
from remit.directory.fit import misfits, unknown_roles, wrong_attributes
from remit.directory.reader import read_directory
from remit.directory.shape import Directory
from remit.evaluator.index import Index
from remit.lint import run as lint
from remit.lint.rule import People, Settings, Subject
from remit.lint.run import Wanted
from remit.membership.guards import broken_guards
from remit.project.directories import read_directory_file
from remit.project.files import decode
from remit.project.policies import Loaded, load, load_source
from remit.proof.prover import Prover
from remit.report.places import span_at
from remit.source import Source, Span
from remit.table.artifact import FORMAT
from remit.table.shape import Table

DIRECTORY_NAMES = ("directory.yaml", "directory.yml", "directory.json")
_QUOTED = re.compile(r"`([^`]+)`")
_NEARBY = 2000  # characters of an entry in which the word that is wrong is looked for


@dataclass(slots=True)
class Linted:
    """What is found so far. `now`: nanoseconds since 1970, from when on guards are counted. `seen` are the files that
    were looked at; `broken`: some policy does not compile. `wanted` tells which lint rules run, those that need the solver
    only if `exact`."""

    now: int
    wanted: Wanted
    settings: Settings = field(default_factory=Settings)
    exact: bool = False
    findings: list[Diagnostic] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)
    broken: bool = False

    @property
    def files(self) -> int:
        return len(self.seen)

    def ordered(self) -> list[Diagnostic]:
        """By file as it was read, place and code. A base that is read for its own sake and for an overlay's counts
        once."""
        unique: dict[tuple[str, int, int, str, str], Diagnostic] = {}
        for finding in self.findings:
            file, start, end = "", 0, 0
            if finding.span is not None:
                file, start, end = _path(finding.span.source), finding.span.start, finding.span.end
            unique.setdefault((file, start, end, finding.code, finding.message), finding)
        return [unique[key] for key in sorted(unique)]

    def add(self, loaded: Loaded) -> Table | None:
        compiled = loaded.compiled
        self.findings += compiled.findings
        self.seen.update(_path(source) for source in loaded.sources)
        spans = [finding.span for finding in compiled.findings if finding.span is not None]
        self.seen.update(_path(span.source) for span in spans if span.source.text)  # what could be read at all
        self.broken = self.broken or compiled.table is None
        for source in loaded.own:
            self.findings += lint.lint_text(source, self.wanted)
        if compiled.table is not None:
            subject = Subject(compiled.model, compiled.table, loaded.own, self.settings)
            prover = Prover(compiled.table) if self.exact else None
            self.findings += lint.lint_policy(subject, self.wanted, prover)
        return compiled.table


def _path(source: Source) -> str:
    return os.path.abspath(source.origin or source.name)  # a link stays itself


def lint_policy(linted: Linted, policy: Path, directory: Path | None) -> None:
    """A policy, with the directory given or the one in its folder."""
    table = linted.add(load(policy))
    place = directory or directory_of(policy if policy.is_dir() else policy.parent)
    if place is not None:
        _directory(linted, place, table)


def lint_text(linted: Linted, data: bytes, name: str, directory: Path | None) -> None:
    """A policy of one text; `name` is where its file would be."""
    source, wrong = decode(data, Path(name).name, name)
    linted.findings += wrong
    linted.seen.add(os.path.abspath(name))
    linted.broken = linted.broken or bool(wrong)
    table = linted.add(load_source(source)) if source is not None else None
    if directory is not None:
        _directory(linted, directory, table)


def lint_directory(linted: Linted, place: Path, policy: Path | None) -> None:
    """A directory, held against the policy of its folder where there is one that compiles, else against `policy`."""
    folder = place.parent
    if next(folder.glob("*.remit"), None) is not None:
        policy = folder
    table = None if policy is None else load(policy).compiled.table
    _directory(linted, place, table)


def is_table(file: Path) -> bool:
    """Whether a file begins as a compiled table does."""
    try:
        with file.open("rb") as opened:
            return f'"{FORMAT}"'.encode() in opened.read(200)
    except OSError:
        return False


def directory_of(folder: Path) -> Path | None:
    """The directory that stands in a policy's folder."""
    return next((folder / name for name in DIRECTORY_NAMES if (folder / name).is_file()), None)


def _directory(linted: Linted, place: Path, table: Table | None) -> None:
    source, wrong = read_directory_file(place)
    linted.seen.add(os.path.abspath(place))
    linted.findings += wrong
    if source is None:
        return
    directory, wrong = read_directory(source)
    linted.findings += wrong
    if table is not None:
        _held_together(linted, table, directory._replace(name=source.name), source)


def lint_people(linted: Linted, policy: Path, directory: Directory) -> None:
    """A policy, with a directory that is no file: its findings name the directory alone."""
    table = linted.add(load(policy))
    if table is not None:
        _held_together(linted, table, directory, Source(directory.name, "", directory.name))


def _held_together(linted: Linted, table: Table, directory: Directory, source: Source) -> None:
    """What is found where a policy and a directory meet."""
    misplaced = misfits(table, directory)
    fit = [*misplaced, *unknown_roles(table, directory), *wrong_attributes(table, directory)]
    if not misplaced:
        linted.findings += _broken_guards(table, directory, source, linted.now)
    starts = [0, *(found.end() for found in re.finditer("\n", source.text))] if fit else []
    linted.findings += [_underlined(finding, source, starts) for finding in fit]
    if not misplaced:
        people = People(table, Index(table), directory, source, linted.now)
        linted.findings += lint.lint_people(people, linted.wanted)


def _broken_guards(table: Table, directory: Directory, source: Source, now: int) -> list[Diagnostic]:
    """Each guard that is broken, at the first of the people concerned, or at the top where there is nobody."""
    found = []
    for broken in broken_guards(Index(table), directory, now):
        guard = broken.guard
        user = directory.users[broken.people[0]] if broken.people else None
        at = _offset(source, user.line) + user.column - 1 if user is not None and user.line else 0
        end = at + len(user.id) if user is not None and source.text.startswith(user.id, at) else at + 1
        label = Label(span_at(table, guard.place), "this guard")
        message = f"guard `{guard.name}` is broken: {broken.state}"
        help = "give or take roles until it holds again" if broken.time is None else "it will be, unless roles change"
        found.append(Diagnostic("W424", message, Span(source, at, end), help=help, secondary=(label,), level="warning"))
    return found


def _offset(source: Source, line: int) -> int:
    """Where a line begins."""
    at = 0
    for _ in range(line - 1):
        at = source.text.index("\n", at) + 1
    return at


def _underlined(finding: Diagnostic, source: Source, starts: list[int]) -> Diagnostic:
    """A finding that knows line and column alone, at the word of the text that its message names first."""
    if finding.span is None:
        return finding
    line, column = finding.span.source.position(finding.span.start)
    start = starts[min(line, len(starts)) - 1] + column - 1
    end = source.text.find("\n", start)
    end = len(source.text) if end < 0 else end
    for name in _QUOTED.findall(finding.message):
        found = re.compile(rf"(?<![\w/.-]){re.escape(name)}(?![\w-])").search(source.text, start, start + _NEARBY)
        if found:
            start, end = found.span()
            break
    return finding._replace(span=Span(source, start, end))
