"""Events, one after the other, on a directory in memory: the plain form of what the stores do.

directory, invite bob      → directory', accepted
directory', remove ann     → directory', refused: the guard saw what the event before had left
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from remit.directory.shape import Directory
from remit.evaluator.index import Index
from remit.membership.event import BadEvent, Event, read_event
from remit.membership.judge import Outcome, judge_event
from remit.membership.roster import MemoryRoster


class Applied(NamedTuple):
    """The directory after an event (the same one where nothing changed), and what became of the event."""

    directory: Directory
    event: Event | BadEvent
    outcome: Outcome

    @property
    def result(self) -> dict[str, Any]:
        return self.outcome.result()


def apply_event(index: Index, directory: Directory, event: Any, now: int) -> Applied:
    """One event, as JSON has it, applied whole or refused whole. `now` is nanoseconds since 1970."""
    [applied] = apply_events(index, directory, [event], now)
    return applied


def apply_events(index: Index, directory: Directory, events: Iterable[Any], now: int) -> Iterable[Applied]:
    """Each event, judged against the directory as the one before left it."""
    roster = MemoryRoster(directory)
    for given in events:
        event = read_event(given, index.table)
        outcome = judge_event(index, roster, event, now)
        if outcome.changes:
            roster.take(outcome.changes)
            directory = roster.directory()
        yield Applied(directory, event, outcome)


__all__ = ["Applied", "apply_event", "apply_events"]
