"""A difference as text: what changed in a line, then each change with the line that made it, an example and the people.

`vet` gains 1 permission, `viewer` loses 1

+ vet      refund on invoice   when resource.amount <= 500 → always   roles.remit:19
           for example: ann may now refund invoice {amount: 501}
           3 people: ann, bob, cyd
"""

from __future__ import annotations

from remit.analysis.folding import Entry
from remit.analysis.reviewing import Review
from remit.report.diff_whole import beside_lines, head_words, kept_words, unproven_words
from remit.report.diff_words import Paths, Told, told
from remit.report.escape import safe

_STYLES = {"+": "32", "-": "31", "~": "33", "?": "36", "head": "1", "dim": "2"}
_WHO, _WHAT, _WORDS = 22, 40, 60  # columns that longer texts do not widen


class _Paint:
    def __init__(self, colour: bool) -> None:
        self.colour = colour

    def __call__(self, text: str, style: str) -> str:
        return f"\x1b[{_STYLES[style]}m{text}\x1b[0m" if self.colour and text else text


def diff_text(review: Review, paths: Paths, colour: bool = False) -> str:
    """The review as text, without a line end at its end."""
    paint = _Paint(colour)
    lines = [paint(head_words(review, _quoted), "head")]
    if review.entries:
        lines.append("")
    rows = [told(entry, paths) for entry in review.entries]
    columns = [(row.who, row.what, _words(entry, row)) for entry, row in zip(review.entries, rows, strict=True)]
    widths = [_width([row[at] for row in columns], most) for at, most in enumerate((_WHO, _WHAT, _WORDS))]
    for entry, row in zip(review.entries, rows, strict=True):
        lines += _entry(entry, row, widths, paint)
    if kept := kept_words(review):
        lines += ["", paint(f"Not told again above: all of it is denied, then as now, when {kept}", "dim")]
    if review.unproven:
        lines += ["", "It could not be told whether these changed:"]
        lines += [f"! {unproven_words(one)}" for one in review.unproven]
    if review.beside:
        lines += ["", "Beside that:"]
        lines += [f"  {line}" for line in beside_lines(review, paths, _quoted)]
    return "\n".join(lines)


def _quoted(name: str) -> str:
    return f"`{safe(name)}`"


def _words(entry: Entry, row: Told) -> str:
    return f"{'forbids: ' if entry.part == 'forbids' else ''}{row.before} → {row.after}"


def _width(texts: list[str], most: int) -> int:
    from rich.cells import cell_len

    return max((size for text in texts if (size := cell_len(text)) <= most), default=0)


def _padded(text: str, width: int) -> str:
    from rich.cells import cell_len

    return text + " " * max(0, width - cell_len(text))


def _entry(entry: Entry, row: Told, widths: list[int], paint: _Paint) -> list[str]:
    who, what, words = row.who, row.what, _words(entry, row)
    indent = " " * (widths[0] + 5)
    head = f"{paint(entry.sign, entry.sign)} {_padded(who, widths[0])}   {_padded(what, widths[1])}"
    if len(who) > _WHO or len(what) > _WHAT or len(words) > _WORDS:  # the words have lines of their own
        lines = [f"{head}   {row.place}".rstrip()]
        if len(words) > 100:
            was, _, is_now = words.partition(" → ")
            lines += [f"{indent}{was}", f"{indent}→ {is_now}"]
        else:
            lines.append(f"{indent}{words}")
    else:
        lines = [f"{head}   {_padded(words, widths[2])}   {row.place}".rstrip()]
    open_ = "only where a request leaves something out that it should have" if entry.kind == "incomplete_only" else ""
    more = [row.through, open_, *row.more, row.people]
    return [*lines, *(f"{indent}{paint(line, 'dim')}" for line in more if line)]
