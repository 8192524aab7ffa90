"""Groups give somebody different roles at one place, and no individual role settles which is theirs: lists show them
as `multiple`. Under `individual over group` a policy means people to have one role at a place, their own or their
group's; these have what several groups allow, added up.

It would have caught a member of support who was put into the group of leads for a week's absence: three months later
nobody could say from the list of members what they were allowed.

It speaks of active and pending users, as of now. Policies without `individual over group`, where roles are meant to
add up, have nothing reported.
"""

from __future__ import annotations

from collections.abc import Iterator

from remit.diagnostics import Diagnostic
from remit.directory.shape import User
from remit.evaluator.holding import Holding
from remit.lint.rule import People, rule


@rule("W427", "multiple-roles", needs="people")
def check(people: People) -> Iterator[Diagnostic]:
    if not people.table.individual_over_group:
        return
    for user in people.directory.users.values():
        if user.status != "disabled":
            yield from _several(people, user)


def _several(people: People, user: User) -> Iterator[Diagnostic]:
    settled: set[str | None] = set()
    given: dict[str | None, dict[str, Holding]] = {}
    for held in people.holders.holdings(user):
        if not held.counts_at(people.now):
            continue
        if held.via == "group":
            given.setdefault(held.scope, {}).setdefault(held.role, held)
        else:
            settled.add(held.scope)
    places = [place for place in given.keys() - settled if len(given[place]) > 1]
    if places:
        place, *others = sorted(places, key=lambda one: one or "")
        where = f" at {place or people.table.root}" if people.table.root else ""
        more = f", and at {len(others)} more place{'s' if len(others) > 1 else ''}" if others else ""
        ways = sorted(given[place].items())
        listed = ", ".join(f"`{role}` through group {holding.group}" for role, holding in ways)
        message = f"groups give `{user.id}` {len(ways)} roles{where}: {listed}{more}"
        help = f"assign `{user.id}` one role there, or take them out of the other groups"
        yield check.finding(message, people.near(user.line, user.column, user.id), "", help)
