"""Findings as text for people: what is wrong, the line with the exact words underlined, what to write instead.

error[E104]: role `vet` has no resource type `recrod` to allow on
   ┌─ policies/clinic/roles.remit:14:21
   │
14 │     allow update on recrod when treats
   │                     ^^^^^^ not in area `patients`
   │
   = help: `record` has a similar name
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from remit.diagnostics import MOST_FINDINGS, Diagnostic
from remit.report.listing import counted
from remit.report.quote import Mark, Paint, coloured, frames, plain, safe

_LONGEST = 400  # characters of one message: a name may be as long as a file


def draw_findings(
    diagnostics: Sequence[Diagnostic],
    colour: bool = False,
    folder: str = "",
    files: int | None = None,
    most: int = MOST_FINDINGS,
) -> str:
    """The findings in the order given, an empty line between them; no line end at the end.

    `folder` is where paths are relative to. At most `most` are drawn, the rest is counted. With `files`, the number
    of files that were looked at, a summary closes."""
    paint = coloured if colour else plain
    parts = [draw_finding(diagnostic, paint, folder) for diagnostic in diagnostics[:most]]
    if len(diagnostics) > most:
        parts.append(f"… and {counted(len(diagnostics) - most, 'more finding')}")
    if files is not None:
        parts.append(summary(diagnostics, files))
    return "\n\n".join(parts)


def draw_finding(diagnostic: Diagnostic, paint: Paint = plain, folder: str = "") -> str:
    """One finding."""
    level = diagnostic.level
    head = paint(f"{level}[{diagnostic.code}]", level) + paint(f": {said(diagnostic.message)}", "strong")
    lines, gutter = [head], "  "
    if diagnostic.span is not None:
        marks = [Mark(diagnostic.span, said(diagnostic.label), "^", level)]
        marks += [Mark(label.span, said(label.text), "-", "other") for label in diagnostic.secondary]
        drawn, gutter = frames(marks, folder, paint)
        lines += drawn
    if diagnostic.help:
        if diagnostic.span is not None and len(lines) > 2:
            lines.append(f"{gutter} {paint('│', 'frame')}")
        lines.append(f"{gutter} {paint('=', 'frame')} {paint('help', 'strong')}: {said(diagnostic.help)}")
    return "\n".join(lines)


def summary(diagnostics: Sequence[Diagnostic], files: int) -> str:
    """`2 findings (1 error, 1 warning) in 3 files`."""
    looked = f"in {counted(files, 'file')}"
    if not diagnostics:
        return f"no findings {looked}"
    levels = Counter(diagnostic.level for diagnostic in diagnostics)
    kinds = ", ".join(counted(levels[level], level) for level in ("error", "warning", "note") if levels[level])
    return f"{counted(len(diagnostics), 'finding')} ({kinds}) {looked}"


def said(text: str) -> str:
    """A message on one line: safe, and cut short in its middle where it quotes something enormous."""
    if len(text) > _LONGEST:
        text = f"{text[: _LONGEST * 2 // 3]} … {text[-_LONGEST // 3 :]}"
    return safe(text)
