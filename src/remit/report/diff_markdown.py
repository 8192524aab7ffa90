"""A difference as a comment on a pull request: GitHub's Markdown, a table for each class of change, the rest folded.

All text from outside stands in code spans: there neither Markdown, nor HTML, nor `@names` mean anything. A comment may
have 65,536 characters; what does not fit is left out, the least worrying first, and counted.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from remit.analysis.folding import Entry
from remit.analysis.reviewing import Review
from remit.report.diff_whole import beside_lines, classes, head_words, kept_words, lines_behind, unproven_words
from remit.report.diff_words import Paths, told
from remit.report.escape import safe
from remit.report.listing import counted

MOST = 65_000  # bytes: GitHub counts characters, and no text has more of these than bytes
_OPEN_ROWS = 12  # rows of all tables that are not folded
_MOST_LINES = 60  # rules that are quoted
_MOST_BESIDE = 30
_SIGNS = {"+": "➕", "-": "➖", "~": "🔀", "?": "❔"}
_NOT_IN_SPAN = re.compile(r"[`|\\]")


def code(text: str) -> str:
    """A code span of any text, in a table too."""
    text = safe(text)
    if not _NOT_IN_SPAN.search(text):
        return f"`{text}`" if text.strip() else ""
    return "<code>" + "".join(c if c.isalnum() or c in " .,:;/" else f"&#{ord(c)};" for c in text) + "</code>"


def diff_markdown(review: Review, paths: Paths, names: tuple[str, str], most: int = MOST) -> str:
    """The review as Markdown of at most `most` bytes, without a line end at its end. `names` are what the sides are
    called."""
    page = _Page(most)
    page.add(f"### {_head(review)}")
    page.add(f"{code(names[0])} → {code(names[1])}{_counts(review)}")
    if review.unproven:
        lines = [f"- {code(unproven_words(one))}" for one in review.unproven]
        page.add(f"⚠️ **{counted(len(lines), 'change')} could not be told**, and may be any:")
        page.rows("", lines[:_MOST_BESIDE], "", len(lines))
    many = len(review.entries) > _OPEN_ROWS
    for at, one in enumerate(classes(review)):
        _table(page, f"{_SIGNS[one.sign]} {one.title}", one.entries, paths, review, folded=many and at > 0)
    if kept := kept_words(review):
        page.add(f"<sub>Not told again: all of it is denied, then as now, when {code(kept)}.</sub>")
    _quoted_lines(page, review, paths)
    if review.beside:
        rows = [f"- {line}" for line in beside_lines(review, paths, code, code)]
        page.folded(f"{counted(len(rows), 'change')} beside that", rows)
    return page.text()


def _head(review: Review) -> str:
    said = head_words(review, code)
    return said[:1].upper() + said[1:]


def _counts(review: Review) -> str:
    people = {person.id for entry in review.entries for person in entry.people or ()}
    if all(entry.people is None for entry in review.entries):
        return ""
    return f" · concerns {counted(len(people), 'person').replace('persons', 'people')}"


# -- tables ------------------------------------------------------------------------------------------------------------


def _table(page: _Page, title: str, entries: Sequence[Entry], paths: Paths, review: Review, folded: bool) -> None:
    head = [review.by, "permission", "before", "after", "line"]
    rows = [_row(entry, paths) for entry in entries]
    number = sum(len(entry.cells) * max(1, len(entry.who)) for entry in entries)
    summary = f"{title} ({counted(number, 'permission')})"
    top = f"| {' | '.join(head)} |\n|{' --- |' * len(head)}"
    if folded:
        page.rows(f"<details><summary>{summary}</summary>\n\n{top}", rows, "\n</details>")
    else:
        page.rows(f"#### {summary}\n\n{top}", rows[:_OPEN_ROWS], "")
        if more := rows[_OPEN_ROWS:]:
            page.rows(f"<details><summary>{counted(len(more), 'more row')}</summary>\n\n{top}", more, "\n</details>")


def _row(entry: Entry, paths: Paths) -> str:
    words = told(entry, paths, code)
    who = f"**{code(words.who)}**{_below(words.through)}{_below(words.people)}"
    what = code(words.what) + "".join(_below(line) for line in words.more)
    cells = [who, what, _words(entry, words.before), _words(entry, words.after), words.place]
    return f"| {' | '.join(cells)} |"


def _below(text: str) -> str:
    return f"<br><sub>{text}</sub>" if text else ""


def _words(entry: Entry, words: str) -> str:
    said = words if words in ("never", "always") else code(words)
    return f"forbids: {said}" if entry.part == "forbids" else said


def _quoted_lines(page: _Page, review: Review, paths: Paths) -> None:
    """The lines of the policy that made it, as a difference of texts."""
    quoted = [entry for entry in review.entries if not entry.lent]  # else it is no line of a rule that changed
    found = lines_behind(quoted, review, paths)
    lines = [f"{line.sign} {line.text}    # {line.place}" for line in found[:_MOST_LINES]]
    if not lines:
        return
    fence = "```"
    while any(fence in line for line in lines):
        fence += "`"
    title = counted(len(found), "line") + (f" (the first {_MOST_LINES})" if len(found) > _MOST_LINES else "")
    head = f"<details><summary>The {title} of the policy behind it</summary>\n\n{fence}diff"
    page.rows(head, lines, f"{fence}\n\n</details>")


# -- the page ----------------------------------------------------------------------------------------------------------


class _Page:
    """Parts of a page, as far as there is room."""

    def __init__(self, most: int) -> None:
        self.left = most - 200  # for what is said of the rest
        self.parts: list[str] = []
        self.cut = 0

    def add(self, part: str) -> bool:
        size = len(part.encode("utf-8", "replace")) + 2
        if size > self.left:
            self.cut += 1
            return False
        self.left -= size
        self.parts.append(part)
        return True

    def rows(self, head: str, rows: Sequence[str], foot: str, number: int = 0) -> None:
        """Rows below a head, as many as there is room for. `number`: how many there are, where these are some."""
        room = self.left - len(head.encode()) - len(foot.encode()) - 10
        kept: list[str] = []
        for row in rows:
            room -= len(row.encode("utf-8", "replace")) + 1
            if room < 0:
                break
            kept.append(row)
        if kept:
            self.add("\n".join([*([head] if head else []), *kept, *([foot] if foot else [])]))
        self.cut += (number or len(rows)) - len(kept)

    def folded(self, summary: str, rows: Sequence[str]) -> None:
        self.rows(f"<details><summary>{summary}</summary>\n", rows[:_MOST_BESIDE], "\n</details>", len(rows))

    def text(self) -> str:
        if self.cut:
            self.parts.append(
                f"… and {counted(self.cut, 'more row')}, for which this comment has no room: `remit diff`"
            )
        return "\n\n".join(self.parts)
