"""Lints policies with their directories: compiles each, reads who holds which role, and holds the two together."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path

from remit.collection import paused
from remit.diagnostics import Diagnostic, Label
from remit.directory.fit import misfits, unknown_roles, wrong_attributes
from remit.directory.reader import read_directory
from remit.directory.shape import Directory
from remit.evaluator.index import Index
from remit.lint import run as lint
from remit.lint.rule import People, Settings, Subject
from remit.lint.run import Wanted
from remit.lint.words import near
from remit.membership.guards import broken_guards
from remit.project.directories import DIRECTORY_NAMES, read_directory_file
from remit.project.files import decode
from remit.project.lint_memory import Memory
from remit.project.looked import HELD_TOGETHER, Looked, in_order, whole_path
from remit.project.policies import Loaded, Overrides, load, load_source
from remit.proof.prover import Prover
from remit.report.places import span_at
from remit.source import Source, Span
from remit.table.artifact import FORMAT
from remit.table.shape import Table

_QUOTED = re.compile(r"`([^`]+)`")


@dataclass(slots=True)
class Linted:
    """What is found so far, place by place. `now`: nanoseconds since 1970, from when on guards are counted. `wanted`
    tells which lint rules run, those that need the solver only if `exact`; `takes`, which codes are reported. `texts`
    are read in place of what files hold. With a `memory`, a place that is as it was is not looked at again."""

    now: int
    wanted: Wanted
    settings: Settings = field(default_factory=Settings)
    exact: bool = False
    takes: Callable[[str], bool] = lambda code: True
    texts: Overrides = field(default_factory=dict)
    memory: Memory | None = None
    looked: list[Looked] = field(default_factory=list)

    @property
    def files(self) -> int:
        return len(set().union(*(looked.seen for looked in self.looked)))

    @property
    def broken(self) -> bool:
        return any(looked.broken for looked in self.looked)

    def ordered(self) -> list[Diagnostic]:
        """By place. A base that is read for its own sake and for an overlay's counts once."""
        return in_order(finding for looked in self.looked for finding in looked.findings)

    def policy(self, looked: Looked, loaded: Loaded) -> None:
        """Adds what a policy gives."""
        compiled = loaded.compiled
        looked.findings += compiled.findings
        looked.seen.update(whole_path(source) for source in loaded.sources)
        spans = [finding.span for finding in compiled.findings if finding.span is not None]
        looked.seen.update(whole_path(span.source) for span in spans if span.source.text)  # what could be read at all
        looked.own.update((whole_path(source), source) for source in loaded.own)
        looked.broken = looked.broken or compiled.table is None
        looked.bases, looked.read, looked.table = loaded.bases, [*loaded.sources], compiled.table
        ran = lint.codes(self.wanted, "text")
        with nullcontext() if self.exact else paused():  # the solver is at it for long
            for source in loaded.own:
                looked.findings += lint.lint_text(source, self.wanted)
            if compiled.table is not None:
                subject = Subject(compiled.model, compiled.table, loaded.own, self.settings)
                prover = Prover(compiled.table) if self.exact else None
                looked.findings += lint.lint_policy(subject, self.wanted, prover)
                ran |= lint.codes(self.wanted, "policy") | (lint.codes(self.wanted, "exact") if self.exact else set())
        for path in looked.own:
            looked.ran_in(path, ran)


def lint_policy(linted: Linted, policy: Path, directory: Path | None) -> None:
    """A policy, with the directory given or the one in its folder."""
    place = directory or directory_of(policy if policy.is_dir() else policy.parent)
    state = None
    if linted.memory is not None:
        state = linted.memory.state(linted, policy, place)
        if state is not None and (known := linted.memory.known(linted, state)) is not None:
            linted.looked.append(known)
            return
    looked = Looked(policy=policy)
    linted.looked.append(looked)
    linted.policy(looked, load(policy, linted.texts))
    if place is not None:
        _directory(linted, looked, place, looked.table)
    if linted.memory is not None and state is not None:
        linted.memory.keep(linted, state, looked)


def lint_text(linted: Linted, data: bytes, name: str, directory: Path | None) -> None:
    """A policy of one text; `name` is where its file would be."""
    source, wrong = decode(data, Path(name).name, name)
    looked = Looked(wrong, {os.path.abspath(name)}, broken=bool(wrong))
    linted.looked.append(looked)
    if source is not None:
        linted.policy(looked, load_source(source))
    if directory is not None:
        _directory(linted, looked, directory, looked.table)


def lint_directory(linted: Linted, place: Path, policy: Path | None) -> None:
    """A directory, held against the policy of its folder where there is one that compiles, else against `policy`."""
    folder = place.parent
    if next(folder.glob("*.remit"), None) is not None:
        policy = folder
    looked = Looked()
    linted.looked.append(looked)
    _directory(linted, looked, place, None if policy is None else load(policy, linted.texts).compiled.table)


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


def _directory(linted: Linted, looked: Looked, place: Path, table: Table | None) -> None:
    source, wrong = read_directory_file(place)
    path = os.path.abspath(place)
    looked.seen.add(path)
    looked.findings += wrong
    if source is None:
        return
    source.text = linted.texts.get(path, source.text)
    looked.directory, wrong = read_directory(source)
    looked.findings += wrong
    looked.own[path], looked.people = source, path
    looked.read.append(source)
    looked.ran_in(path, set())
    if table is not None:
        _held_together(linted, looked, table, looked.directory._replace(name=source.name), source)


def lint_people(linted: Linted, policy: Path, directory: Directory) -> None:
    """A policy, with a directory that is no file: its findings name the directory alone."""
    looked = Looked(policy=policy)
    linted.looked.append(looked)
    linted.policy(looked, load(policy, linted.texts))
    if looked.table is not None:
        _held_together(linted, looked, looked.table, directory, Source(directory.name, "", directory.name))


def _held_together(linted: Linted, looked: Looked, table: Table, directory: Directory, source: Source) -> None:
    """What is found where a policy and a directory meet."""
    misplaced = misfits(table, directory)
    fit = [*misplaced, *unknown_roles(table, directory), *wrong_attributes(table, directory)]
    people = People(table, Index(table), directory, source, linted.now)
    if not misplaced:
        looked.findings += _broken_guards(people)
    looked.findings += [_underlined(finding, people) for finding in fit]
    ran = {code for code in HELD_TOGETHER if linted.takes(code)}
    if not misplaced:
        with paused():
            looked.findings += lint.lint_people(people, linted.wanted)
        ran |= lint.codes(linted.wanted, "people")
    for path in looked.own:
        looked.ran_in(path, ran if not misplaced else ran - {"W424"})


def _broken_guards(people: People) -> list[Diagnostic]:
    """Each guard that is broken, at the first of the people concerned, or at the top where there is nobody."""
    found = []
    for broken in broken_guards(people.index, people.directory, people.now):
        guard = broken.guard
        user = people.directory.users[broken.people[0]] if broken.people else None
        span = people.at(user.line, user.column, user.id) if user is not None else Span(people.source, 0, 1)
        label = Label(span_at(people.table, guard.place), "this guard")
        message = f"guard `{guard.name}` is broken: {broken.state}"
        help = "give or take roles until it holds again" if broken.time is None else "it will be, unless roles change"
        found.append(Diagnostic("W424", message, span, help=help, secondary=(label,), level="warning"))
    return found


def _underlined(finding: Diagnostic, people: People) -> Diagnostic:
    """A finding that knows line and column alone, at the word of the text that its message names first."""
    if finding.span is None:
        return finding
    line, column = finding.span.source.position(finding.span.start)
    source, start = people.source, people.at(line, column, "").start
    end = source.text.find("\n", start)
    end = len(source.text) if end < 0 else end
    named = (near(source, start, name) for name in _QUOTED.findall(finding.message))
    return finding._replace(span=next(filter(None, named), Span(source, start, end)))
