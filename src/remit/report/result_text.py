"""What became of an event, for people: the answer, and where it was refused the line that decided.

refused: guard `last_owner`: ann is the only active owner
   ┌─ policies/clinic/people.remit:31:1
   │
31 │ guard last_owner "A company keeps one active owner": at least 1 active owner
   │ ^^^^^^^^^^^^^^^^
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from remit.report.places import span_at
from remit.report.quote import Mark, coloured, frames, plain, safe
from remit.table.shape import Place, Table


def result_text(table: Table, result: dict[str, Any], here: str = "", colour: bool = False, folder: str = "") -> str:
    """One result, without a line end at its end. `here` says in front where the event stands, as `events.jsonl:3: `;
    `folder` is where paths are relative to."""
    paint = coloured if colour else plain
    if result["accepted"]:
        return f"{safe(here)}{paint('accepted', 'note')}: {safe(result['message'])}"
    invalid = result["code"] == "invalid_event"
    head = f"{safe(here)}{paint('invalid' if invalid else 'refused', 'error')}: {safe(result['message'])}"
    at = result["at"]
    found = next((place for place in _places(table) if at and (place.file, place.line, place.column) == _key(at)), None)
    if found is None:
        return head
    return "\n".join([head, *frames([Mark(span_at(table, found), "", "^", "error")], folder, paint)[0]])


def _key(at: dict[str, Any]) -> tuple[str, int, int]:
    return at["file"], at["line"], at["column"]


def _places(table: Table) -> Iterator[Place]:
    """The places of lines that decide events."""
    yield from (line.place for line in table.events)
    yield from (guard.place for guard in table.guards.values())
