"""An assignment that gives nothing: the same user, or the same group, holds the role already by another assignment,
of the role itself or of one that includes it, at the same place or one above, for all the time that this one counts.
Whoever takes one of the two away to take the access away does not.

It would have caught a `viewer` at a branch that stayed in the file when its holder became `vet` of the whole company:
when the company-wide role was to be narrowed to another branch, the old line was found to be in force.

What somebody holds through a group is let be: people leave groups. And under `individual over group` an assignment
that hides what a group gives there does something. There is no fix: it is the directory, not the policy.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from remit.diagnostics import Diagnostic, Label
from remit.directory.shape import Assignment, Group, User
from remit.lint.rule import People, rule


class _Given(NamedTuple):
    """An assignment with its role's present name and its place, None for the root."""

    role: str
    place: str | None
    written: Assignment


@rule("W425", "needless-assignment", needs="people")
def check(people: People) -> Iterator[Diagnostic]:
    directory, bringing = people.directory, _bringing(people)
    for user in directory.users.values():
        if len(user.assignments) > 1:
            yield from _needless(people, user, bringing)
    for group in directory.groups.values():
        if len(group.assignments) > 1:
            yield from _needless(people, group, bringing)


def _bringing(people: People) -> dict[str, frozenset[str]]:
    """Role → the roles whose holders have all it says, by name and by rules."""
    roles = people.table.roles
    found: dict[str, set[str]] = {name: {name} for name in roles}
    for name, entry in roles.items():
        for inner in entry.includes:
            if roles[inner].facets <= entry.facets:
                found[inner].add(name)
    return {name: frozenset(by) for name, by in found.items()}


def _needless(people: People, holder: User | Group, bringing: dict[str, frozenset[str]]) -> Iterator[Diagnostic]:
    root, scopes = people.table.root, people.holders.scopes
    at: dict[str | None, dict[str, list[_Given]]] = {}
    every: list[_Given] = []
    for written in holder.assignments:
        role = people.holders.names.get(written.role, written.role)
        if role not in bringing or (written.end is not None and written.end <= people.now):
            continue
        given = _Given(role, None if written.scope == root else written.scope, written)
        every.append(given)
        at.setdefault(given.place, {}).setdefault(role, []).append(given)
    before: set[int] = set()
    for given in every:
        by = None
        for place in sorted(scopes.above(given.place), key=lambda one: (one != given.place, one or "")):
            if by is None and (place == given.place or not _hides(people, holder, given)):
                there = at.get(place, {})
                others = (other for role in sorted(bringing[given.role] & there.keys()) for other in there[role])
                by = next((other for other in others if _settles(other, given, before)), None)
        if by is not None:
            yield _finding(people, holder, given, by)
        before.add(id(given))


def _settles(other: _Given, given: _Given, before: set[int]) -> bool:
    """Whether one makes another needless; of two that say the same, the first does."""
    if other is given or not _covers(other, given):
        return False
    same = other[:2] == given[:2] and _covers(given, other)
    return not same or id(other) in before


def _covers(other: _Given, given: _Given) -> bool:
    """Whether one counts whenever the other does."""
    begun, ended, begins, ends = *other.written[2:4], *given.written[2:4]
    starts = begun is None or (begins is not None and begun <= begins)
    return starts and (ended is None or (ends is not None and ended >= ends))


def _hides(people: People, holder: User | Group, given: _Given) -> bool:
    """Whether the assignment hides what groups allow at its place."""
    if not people.table.individual_over_group or not isinstance(holder, User):
        return False
    return any(held.via == "group" and held.scope == given.place for held in people.holders.holdings(holder))


def _finding(people: People, holder: User | Group, given: _Given, by: _Given) -> Diagnostic:
    name = f"`{holder.id}`" if isinstance(holder, User) else f"group `{holder.name}`"
    other = people.near(by.written.line, by.written.column, by.written.role)
    includes = "" if by.role == given.role else f", which includes `{given.role}`"
    where = "" if by.place == given.place else f" at {by.place or people.table.root or 'the root'}"
    message = f"{name} has role `{given.role}` without this assignment"
    span = people.near(given.written.line, given.written.column, given.written.role)
    label = Label(other, f"by this one: `{by.role}`{where}{includes}")
    return check.finding(message, span, "", "remove it", [label])
