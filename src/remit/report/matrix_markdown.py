"""The matrix as a Markdown table. Each entry is a link to the line it comes from; conditions are footnotes."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from remit.report.listing import Path, places
from remit.report.matrix_text import entry
from remit.report.quote import safe

_SPECIAL = str.maketrans({sign: f"\\{sign}" for sign in "\\`*_[]<>|#"})


def matrix_markdown(answer: dict[str, Any], path: Path) -> str:
    """The answer of `remit.analysis.queries.matrix` as Markdown, without a line end at its end."""
    notes: dict[tuple[tuple[str, ...], str], int] = {}
    head = ["area", "type", "action", *(_plain(role) for role in answer["roles"])]
    lines = [_row(head), _row(["---"] * len(head))]
    for row in answer["rows"]:
        cells = [_cell(row["cells"][role], path, notes) for role in answer["roles"]]
        lines.append(_row([_plain(row["area"]), _plain(row["type"]), _plain(row["action"]), *cells]))
    if notes:
        lines.append("")
    for (texts, where), number in notes.items():
        when = ", or ".join(f"when {_code(text)}" for text in texts)
        lines.append(f"[^{number}]: {when} ({_plain(where)})")
    return "\n".join(lines)


def _cell(cell: dict[str, Any], path: Path, notes: dict[tuple[tuple[str, ...], str], int]) -> str:
    word = entry(cell)
    if not word:
        return ""
    links = [f"{quote(path(rule['file']), safe='/.~-_')}#L{rule['line']}" for rule in cell["rules"]]
    first, *others = dict.fromkeys(links)
    found = f"[{word}]({first})" + "".join(f" [·]({link})" for link in others)
    if cell["when"]:
        note = (tuple(cell["when"]), places(cell["rules"], path))
        found += f"[^{notes.setdefault(note, len(notes) + 1)}]"
    return found


def _row(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _plain(text: str) -> str:
    return safe(text).translate(_SPECIAL)


def _code(text: str) -> str:
    """A code span, in as many backticks as its text needs."""
    text = safe(text)
    fence = "`"
    while fence in text:
        fence += "`"
    return f"{fence} {text} {fence}" if len(fence) > 1 else f"`{text}`"
