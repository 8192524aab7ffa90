"""Seeds, lints, and counts: what was seeded, found and missed, and what was said that is not true.

A finding is new where the policy had none with its code, message and underlined text before. A new one is the defect's
own (`found`), a consequence that its seeder lists or that is proved, or false.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import NamedTuple

from remit.diagnostics import Diagnostic
from remit.project.looked import whole_path
from remit.project.policies import load
from remit.proof.compare import compare

from .ground import Edit, Ground, Mark, apply, look, moved
from .seeder import SEEDERS, Seed, Seeder

DEAD = ("W203", "W204", "W205")


class Missed(NamedTuple):
    seeder: Seeder
    ground: str
    marked: str


class Said(NamedTuple):
    """A false finding."""

    seeder: Seeder
    ground: str
    finding: str
    marked: str


@dataclass
class Row:
    """Of one code: how often it was seeded and found; how many findings of it were false, whatever had been seeded."""

    seeded: int = 0
    found: int = 0
    false: int = 0


@dataclass
class Tally:
    rows: dict[str, Row] = field(default_factory=dict)
    missed: list[Missed] = field(default_factory=list)
    false: list[Said] = field(default_factory=list)
    by_seeder: Counter[tuple[str, str]] = field(default_factory=Counter)

    def row(self, code: str) -> Row:
        return self.rows.setdefault(code, Row())


def measure(grounds: Sequence[Ground], each: int, seed: int = 1, seeders: Iterable[Seeder] = ()) -> Tally:
    """Every seeder `each` times, in grounds drawn at random; fewer where its defect does not fit into so many."""
    tally = Tally()
    for seeder in seeders or SEEDERS:
        random = Random(f"{seed}/{seeder.code}/{seeder.how}")
        done: set[object] = set()
        left, tries = each, 12 * each
        order = list(grounds)
        while left and tries:
            tries -= 1
            if tries % len(order) == 0:
                random.shuffle(order)
            ground = order[tries % len(order)]
            seed_ = seeder.make(ground, random)
            if seed_ is None or (key := (ground.name, tuple(seed_.edits), seed_.baseline)) in done:
                continue
            done.add(key)
            left -= judge(ground, seeder, seed_, tally)
    return tally


def judge(ground: Ground, seeder: Seeder, seed: Seed, tally: Tally) -> bool:
    """One defect in one policy; whether it could be put there at all."""
    texts, marks = apply(ground.texts, seed.edits)
    baseline = ground.folder / "known.json" if seed.baseline else None
    if baseline is not None:
        baseline.write_text(seed.baseline, encoding="utf-8")
    after = look(ground.folder, texts, seeder.code, baseline)
    if any(finding.code.startswith("E") and finding.code < "E4" for finding in after):
        return False  # it does not compile
    row = tally.row(seeder.code)
    row.seeded += 1
    tally.by_seeder[seeder.code, seeder.how] += 1
    told = False
    for finding in new(ground.before(seeder.code), after, seed.edits):
        exactly = ("W203",) if seeder.code in ("W303", "W305") else ()  # what is found exactly is not said twice
        own = finding.code in (seeder.code, *seed.instead, *exactly)
        if own and (_at(finding, marks) or any(f"`{name}`" in finding.message for name in seed.names)):
            told = True
        elif finding.code not in seeder.follows and not (finding.code in DEAD and dead(ground, texts, finding)):
            tally.row(finding.code).false += 1
            where = f"{finding.span.line}: {finding.span.text}" if finding.span else ""
            tally.false.append(
                Said(seeder, ground.name, f"{finding.code} {finding.message} at {where}", _marked(texts, marks))
            )
    if told:
        row.found += 1
    else:
        tally.missed.append(Missed(seeder, ground.name, _marked(texts, marks)))
    return True


def new(before: Sequence[Diagnostic], after: Sequence[Diagnostic], edits: Sequence[Edit]) -> list[Diagnostic]:
    """The findings that were not there before: neither at the place that the edits have moved, nor word for word."""
    left, right = list(before), list(after)
    for alike in (_in_place, _word_for_word):
        for finding in list(right):
            same = next((one for one in left if one.code == finding.code and alike(one, finding, edits)), None)
            if same is not None:
                left.remove(same)
                right.remove(finding)
    return right


def _in_place(old: Diagnostic, finding: Diagnostic, edits: Sequence[Edit]) -> bool:
    if (
        old.span is None
        or finding.span is None
        or (path := whole_path(old.span.source)) != whole_path(finding.span.source)
    ):
        return False
    first, last = moved(edits, path, old.span.start)
    return first <= finding.span.start <= last


def _word_for_word(old: Diagnostic, finding: Diagnostic, edits: Sequence[Edit]) -> bool:
    return _key(old) == _key(finding)


def _key(finding: Diagnostic) -> object:
    span = finding.span
    return (finding.message, whole_path(span.source) if span else "", span.text if span else "")


def _at(finding: Diagnostic, marks: Sequence[Mark]) -> bool:
    spans = [finding.span, *(label.span for label in finding.secondary)]
    return any(
        span is not None and whole_path(span.source) == mark.path and span.start < mark.end and mark.start < span.end
        for span in spans
        for mark in marks
    )


def _marked(texts: dict[str, str], marks: Sequence[Mark]) -> str:
    return " … ".join(texts[mark.path][mark.start : mark.end] for mark in marks)


def dead(ground: Ground, texts: dict[str, str], finding: Diagnostic) -> bool:
    """Whether the policy without the rule that a finding underlines differs in nothing."""
    span = finding.span
    if span is None:
        return False
    path = whole_path(span.source)
    text = span.source.text
    blank = "".join(" " if sign != "\n" else sign for sign in span.text)
    without = {**texts, path: text[: span.start] + blank + text[span.end :]}
    old, new_ = load(ground.folder, texts).compiled.table, load(ground.folder, without).compiled.table
    return old is not None and new_ is not None and compare(old, new_).empty
