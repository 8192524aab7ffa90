"""A disabled user would be an administrator again the moment they are enabled: they are in a group that gives a role
by which roles are given (one that a line of `assignments` requires for `invite`, `assign`, `change_role` or `join`),
or a locked role that may do everything. Whoever enables an account thinks of the account, not of the groups it is
still in.

It would have caught the account of an administrator who had left, disabled for two years, which the support desk
enabled for a namesake.

Through a group it is a warning. A role assigned to the user in person is what disabling is meant to keep, for
somebody on leave, say: that is a note. Pending users are on their way in, and let be.
"""

from __future__ import annotations

from collections.abc import Iterator

from remit.diagnostics import Diagnostic, Label
from remit.directory.shape import User
from remit.evaluator.holding import Holding
from remit.lint.giving import NAMING
from remit.lint.rule import People, rule
from remit.table.shape import EVERYONE, MEMBERS, RuleEntry, Table


@rule("W426", "disabled-administrator", needs="people")
def check(people: People) -> Iterator[Diagnostic]:
    disabled = [user for user in people.directory.users.values() if user.status == "disabled"]
    if not disabled or not (administrators := _administrators(people.table)):
        return
    for user in disabled:
        held = [one for one in people.holders.holdings(user) if one.role in administrators and _lasts(people, one)]
        if held:
            yield _finding(people, user, next((one for one in held if one.via == "group"), held[0]))


def _lasts(people: People, held: Holding) -> bool:
    return held.end is None or held.end > people.now


def _administrators(table: Table) -> frozenset[str]:
    """The roles by which roles are given, and the locked ones that may do everything."""
    required = {line.requires for line in table.events if line.kind in (*NAMING, "join") and line.requires}
    giving: set[int] = set()
    for entry in table.rules:
        if entry.effect == "allow" and any(action in entry.cells.get(kind, ()) for action, kind in required):
            giving.update(entry.facets)
    giving -= {EVERYONE, MEMBERS}
    everything = sum(len(kind.actions) for kind in table.types.values())
    outright: dict[int, list[RuleEntry]] = {}
    for entry in table.rules:
        for facet in entry.facets if entry.effect == "allow" and entry.condition is None else ():
            outright.setdefault(facet, []).append(entry)
    found = {role.name for role in table.roles.values() if not giving.isdisjoint(role.facets)}
    for role in table.roles.values():
        if role.locked and role.name not in found:
            rules = [entry for facet in role.facets for entry in outright.get(facet, ())]
            if any(sum(map(len, entry.cells.values())) == everything for entry in rules):
                found.add(role.name)
    return frozenset(found)


def _finding(people: People, user: User, held: Holding) -> Diagnostic:
    span = people.near(user.line, user.column, user.id)
    if held.via != "group" or held.group is None:
        message = f"`{user.id}` is disabled and keeps role `{held.role}`, which enabling brings back"
        help = "revoke it, unless they are to come back as an administrator"
        return check.finding(message, span, "", help, level="note")
    group = people.directory.groups[held.group]
    message = f"`{user.id}` is disabled, and enabled again would hold `{held.role}` through group `{group.name}`"
    label = Label(people.near(group.line, group.column, group.name), "this group")
    return check.finding(message, span, "", f"take `{user.id}` out of group `{group.name}`", [label])
