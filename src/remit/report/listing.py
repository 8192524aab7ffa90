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
    """What must hold for every entry, empty where nothing must; and for each entry what must beside that, as `when …`,
    `always`, or nothing below a condition of all."""
    parts = [conjuncts(entry["when"]) for entry in entries]
    shared = [part for part in parts[0] if all(part in other for other in parts)] if len(parts) > 1 else []
    rest = [[part for part in own if part not in shared] for own in parts]
    settled = "" if shared else ALWAYS
    return _joined(shared), [f"when {_joined(own)}" if own else settled for own in rest]


def conjuncts(text: str | None) -> list[str]:
    """The parts of a condition's outermost `and`, or the condition alone; of none, nothing. Outer brackets are taken
    off: `a and (b or c)` is `a`, `b or c`."""
    if text is None:
        return []
    if len(_split(text, " or ")) > 1:
        return [safe(text)]
    parts = _split(text, " and ")
    return [
        safe(part[1:-1] if part.startswith("(") and len(_split(part[1:-1], " or ")) > 1 else part) for part in parts
    ]


def _joined(parts: Sequence[str]) -> str:
    if len(parts) == 1:
        return parts[0]
    return " and ".join(f"({part})" if len(_split(part, " or ")) > 1 else part for part in parts)


def _split(text: str, word: str) -> list[str]:
    """The text taken apart at a word, outside of quotes, backticks and brackets."""
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
        elif depth == 0 and text.startswith(word, at):
            found.append(text[start:at])
            start = at + len(word)
        at += 1
    return [*found, text[start:]]


def counted(number: int, thing: str) -> str:
    """`1 user`, `2 users`."""
    return f"{number:,} {thing}" + ("" if number == 1 else "s")
