"""Mutants of how roles come to be held: the guards, and the lines of `assignments`.

    guard one_role: at most 1 role per user            drop-guard, move-count (at most 2, at most 0)
    guard last_owner: at least 1 active owner          drop-guard, move-count (2, 0), drop-active
    on invite requires invite on member                drop-line, drop-requires
    on sso_login when unassigned assign viewer         drop-line, drop-trigger, drop-assign, swap-assign

    individual over group                              drop-line: what groups give adds up with the rest

Left as they are: what `per KIND` counts at, which roles a guard names, `roles from subject` (no test speaks of claims).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from remit.model import expression as ex
from remit.model.policy import Model
from remit.source import Span
from remit.table.shape import EventEntry, GuardEntry, Table
from remit.testing.mutants import Access, Mutant, place_of

_INDIVIDUAL = re.compile(r"^[^#\n]*?(individual\s+over\s+group)\b", re.MULTILINE)


def membership_mutants(table: Table, model: Model | None) -> Iterator[Mutant]:
    """Of the policy's own guards and lines."""
    for guard in table.guards.values():
        if table.is_own(guard.place):
            yield from _of_guard(guard)
    access = Access(table)
    for at, line in enumerate(table.events):
        if table.is_own(line.place):
            yield from _of_line(at, line, table, access)
    if table.individual_over_group and model is not None and model.base is None:
        # the model keeps no place of it: it is looked for beside the lines
        for source in dict.fromkeys(event.span.source for event in model.events):
            if found := _INDIVIDUAL.search(source.text):
                place = place_of(Span(source, found.start(1), found.end(1)))
                yield Mutant("drop-line", place, "without this line", adding_up=True)
                break


def _of_guard(guard: GuardEntry) -> Iterator[Mutant]:
    def made(operator: str, said: str, changed: GuardEntry | None) -> Mutant:
        return Mutant(operator, guard.place, said, guard=(guard.name, changed))

    yield made("drop-guard", "without this guard", None)
    if guard.kind != "never":
        bound = "at least" if guard.kind == "least" else "at most"
        nothing = 0 if guard.kind == "least" else -1  # `at least 0` holds of everybody: the guard is as good as gone
        for count in (guard.count + 1, guard.count - 1):
            if count > nothing:
                said = f"with `{bound} {count}` instead of `{bound} {guard.count}`"
                yield made("move-count", said, guard._replace(count=count))
    if guard.active:
        yield made("drop-active", "counting who is not active, too", guard._replace(active=False))


def _of_line(at: int, line: EventEntry, table: Table, access: Access) -> Iterator[Mutant]:
    def made(operator: str, said: str, changed: EventEntry | None) -> Mutant:
        return Mutant(operator, line.place, said, line=(at, changed))

    yield made("drop-line", "without this line", None)
    if line.requires is not None:
        action, kind = line.requires
        said = f"without `requires {action} on {kind}`"
        yield made("drop-requires", said, line._replace(requires=None, within_own=False))
    if line.within_own:
        yield made("drop-within", "without `role within own`", line._replace(within_own=False))
    if line.trigger is not None:
        trigger = line.trigger if isinstance(line.trigger, str) else ex.text(line.trigger)
        yield made("drop-trigger", f"without `when {trigger}`", line._replace(trigger=None))
    for number, role in enumerate(line.assign):
        before, after = line.assign[:number], line.assign[number + 1 :]
        yield made("drop-assign", f"without assigning `{role}`", line._replace(assign=(*before, *after)))
        other = access.nearest(role, [name for name in table.roles if name not in line.assign])
        if other is not None:
            said = f"assigning `{other}` instead of `{role}`"
            yield made("swap-assign", said, line._replace(assign=(*before, other, *after)))


__all__ = ["membership_mutants"]
