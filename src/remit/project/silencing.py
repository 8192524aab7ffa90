"""From what was found to what is said: levels, the choice of codes, and what keeps findings silent.

    found ──levels──▶ ──choice──▶ ──comments──▶ ──settings of the path──▶ ──baseline──▶ said, and what is silent and why

Errors pass through all of it. A comment comes first, for it has a reason; what is left of comments and baseline when
all is through, unused or stale, is found here too, and goes the same way.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from remit.diagnostics import Diagnostic, Level, Silenced
from remit.lint import run as lint
from remit.lint.suppression import SPEAK_OF_SILENCE, Silence, suppressions
from remit.project.baseline import Entry, entries_of, hold, read_baseline
from remit.project.config import PathSettings
from remit.project.linting import Linted
from remit.project.looked import in_order, whole_path
from remit.source import Source


class Quiet(NamedTuple):
    """What the call and the settings say. `takes`: which codes are reported; `levels`: code → level in place of the
    rule's own; `baseline`: where it stands."""

    takes: Callable[[str], bool] = lambda code: True
    levels: Mapping[str, Level] = {}
    paths: Sequence[PathSettings] = ()
    baseline: Path | None = None


class Said(NamedTuple):
    """`findings` in order; `left_out`: how many were not selected; `entries`: the baseline that would keep silent all
    that is said or silent by it now, and what was not looked for."""

    findings: list[Diagnostic]
    silenced: list[Silenced]
    left_out: int
    entries: list[Entry]


def said(linted: Linted, quiet: Quiet) -> Said:
    """What there is to say. Raises BaselineError where there is a baseline that cannot be read."""
    silenced: list[Silenced] = []
    found = linted.ordered()
    taken = [_levelled(finding, quiet) for finding in found if quiet.takes(finding.code)]
    silences = _silences(linted)
    open_ = _unless(taken, silenced, lambda finding: _comment(finding, silences))
    for silence in silences.values():
        fresh = lint.lint_silence(silence, linted.wanted)
        open_ += [_levelled(finding, quiet) for finding in fresh if quiet.takes(finding.code)]
    open_ = _unless(open_, silenced, lambda finding: _setting(finding, quiet.paths))
    entries: list[Entry] = []
    if quiet.baseline is not None:
        open_, entries = _against_baseline(open_, silenced, linted, quiet, quiet.baseline)
    return Said(in_order(open_), silenced, len(found) - len(taken), entries)


def _levelled(finding: Diagnostic, quiet: Quiet) -> Diagnostic:
    level = quiet.levels.get(finding.code)
    return finding if level is None or _is_error(finding) else finding._replace(level=level)


def _is_error(finding: Diagnostic) -> bool:
    """Whether it is one by its code, which no setting makes less."""
    return finding.code.startswith("E")


def _unless(
    findings: Sequence[Diagnostic],
    silenced: list[Silenced],
    silence: Callable[[Diagnostic], Silenced | None],
) -> list[Diagnostic]:
    """The findings that are not kept silent; the others go to `silenced`."""
    left = []
    for finding in findings:
        silent = None if _is_error(finding) else silence(finding)
        if silent is None:
            left.append(finding)
        else:
            silenced.append(silent)
    return left


def _silences(linted: Linted) -> dict[str, Silence]:
    """The comments of every file whose comments speak, by its whole path."""
    found: dict[str, Silence] = {}
    for looked in linted.looked:
        for path, source in looked.own.items():
            if path not in found:
                comments = suppressions(source, yaml=path == looked.people)
                found[path] = Silence(source, comments, set())
            found[path].ran = {*found[path].ran, *looked.ran.get(path, ())}
    return {path: silence for path, silence in found.items() if silence.comments}


def _comment(finding: Diagnostic, silences: Mapping[str, Silence]) -> Silenced | None:
    if not silences or finding.span is None:
        return None
    silence = silences.get(whole_path(finding.span.source))
    comment = silence.silences(finding) if silence is not None else None
    return None if comment is None else Silenced(finding, "comment", comment.reason)


def _setting(finding: Diagnostic, paths: Sequence[PathSettings]) -> Silenced | None:
    if not paths or finding.span is None:
        return None
    path = whole_path(finding.span.source)
    named = next((one for one in paths if finding.code in one.codes and one.matches(path)), None)
    return None if named is None else Silenced(finding, "settings", f"[lint.per-path] {named.glob}")


def _against_baseline(
    findings: list[Diagnostic], silenced: list[Silenced], linted: Linted, quiet: Quiet, path: Path
) -> tuple[list[Diagnostic], list[Entry]]:
    """What the baseline does not know, with what is stale in it; and the entries it should have."""
    held = [finding for finding in findings if _can_be_held(finding)]
    left = [finding for finding in findings if not _can_be_held(finding)]
    # All that is alike is numbered together: what a comment keeps silent counts, too.
    found = entries_of([*held, *(silent.finding for silent in silenced)], path)[: len(held)]
    source, entries = read_baseline(path) if path.exists() else (Source(path.name, "", str(path)), [])
    ran: dict[str, set[str]] = {}
    for looked in linted.looked:
        for file, codes in looked.ran.items():
            ran.setdefault(file, set()).update(codes)

    def looked_for(code: str, file: str) -> bool:
        file = os.path.normpath(file)
        return code in ran[file] if file in ran else not os.path.exists(file)

    matched = hold(entries, source, found, looked_for)
    for finding, known in zip(held, matched.known, strict=True):
        if known:
            silenced.append(Silenced(finding, "baseline", ""))
        else:
            left.append(finding)
    stale = lint.lint_baseline(matched.stale, linted.wanted)
    left += [_levelled(finding, quiet) for finding in stale if quiet.takes(finding.code)]
    return left, [*found, *matched.elsewhere]


def _can_be_held(finding: Diagnostic) -> bool:
    """Whether a baseline may keep it silent: no error, and nothing about what is silent."""
    return not _is_error(finding) and not finding.code.startswith(SPEAK_OF_SILENCE)
