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
from remit.membership.record import event_record
from remit.membership.roster import MemoryRoster


class Applied(NamedTuple):
    """The directory after an event (the same one where nothing changed), and what became of the event."""

    directory: Directory
    event: Event | BadEvent
    outcome: Outcome

    @property
    def result(self) -> dict[str, Any]:
        """The result line (DESIGN 3)."""
        return self.outcome.result()

    def record(self, now: int, company: str, policy: str) -> dict[str, Any]:
        """The audit record, not yet chained. `policy` is the table's digest."""
        return event_record(self.event, self.outcome, now, company, policy)


class Sequence:
    """A directory that events change, each judged against what the one before left."""

    def __init__(self, index: Index, directory: Directory) -> None:
        self.index = index
        self.roster = MemoryRoster(directory)

    def take(self, event: Any, now: int) -> tuple[Event | BadEvent, Outcome]:
        """Judges an event, as JSON has it, and makes its changes. `now`: nanoseconds since 1970."""
        read = read_event(event, self.index.table)
        outcome = judge_event(self.index, self.roster, read, now)
        self.roster.take(outcome.changes)
        return read, outcome


def apply_event(index: Index, directory: Directory, event: Any, now: int) -> Applied:
    """One event, as JSON has it, applied whole or refused whole. `now` is nanoseconds since 1970."""
    [applied] = apply_events(index, directory, [event], now)
    return applied


def apply_events(index: Index, directory: Directory, events: Iterable[Any], now: int) -> Iterable[Applied]:
    """Each event in turn, with the directory it leaves."""
    sequence = Sequence(index, directory)
    for given in events:
        event, outcome = sequence.take(given, now)
        if outcome.changes:
            directory = sequence.roster.directory()
        yield Applied(directory, event, outcome)


__all__ = ["Applied", "Sequence", "apply_event", "apply_events"]
