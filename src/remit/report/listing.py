"""What the list reports share: columns that are never cut or wrapped, places of rules, the condition that all entries
have in common. Every text from outside is made safe for a terminal on the way in."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from remit.report.quote import safe

Path = Callable[[str], str]  # a policy's file → the path that the person at the terminal knows it by
ALWAYS = "always"


def aligned(rows: Sequence[Sequence[str]], indent: str = "  ") -> list[str]:
    """The rows as lines, their cells below each other. The last cell of a row has all the room it needs."""
    from rich.cells import cell_len

    widths: list[int] = []
    for row in rows:
        for at, cell in enumerate(row[:-1]):
            widths.extend([0] * (at + 1 - len(widths)))
            widths[at] = max(widths[at], cell_len(cell))
    lines = []
    for row in rows:
        padded = [cell + " " * (widths[at] - cell_len(cell)) for at, cell in enumerate(row[:-1])]
        lines.append((indent + "   ".join([*padded, *row[-1:]])).rstrip())
    return lines


def places(rules: Sequence[dict[str, Any]], path: Path) -> str:
    """`roles.remit:14, people.remit:3`: each line once, in order."""
    return ", ".join(dict.fromkeys(safe(f"{path(rule['file'])}:{rule['line']}") for rule in rules))


def conditions(entries: Sequence[dict[str, Any]]) -> tuple[str, list[str]]:
    """What must hold for every entry, empty where nothing must; and for each entry what must beside that, as `always`
    or `when …`."""
    parts = [conjuncts(entry["when"]) for entry in entries]
    shared = [part for part in parts[0] if all(part in other for other in parts)] if len(parts) > 1 else []
    rest = [[part for part in own if part not in shared] for own in parts]
    return " and ".join(shared), [f"when {' and '.join(own)}" if own else ALWAYS for own in rest]


def conjuncts(text: str | None) -> list[str]:
    """The parts of a condition's outermost `and`, or the condition alone: text in the language's words, taken apart
    outside of quotes, backticks and brackets."""
    if text is None:
        return []
    found, depth, quote, start, at = [], 0, "", 0, 0
    while at < len(text):
        sign = text[at]
        if quote:
            if sign == "\\" and quote == '"':
                at += 1
            elif sign == quote:
                quote = ""
        elif sign in '"`':
            quote = sign
        elif sign in "([":
            depth += 1
        elif sign in ")]":
            depth -= 1
        elif depth == 0 and text.startswith(" or ", at):
            return [safe(text)]
        elif depth == 0 and text.startswith(" and ", at):
            found.append(safe(text[start:at]))
            start = at + 5
        at += 1
    return [*found, safe(text[start:])]


def counted(number: int, thing: str) -> str:
    """`1 user`, `2 users`."""
    return f"{number:,} {thing}" + ("" if number == 1 else "s")
