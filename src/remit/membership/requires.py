"""`requires A on T`: the evaluator's answer for the actor, on the member concerned (SEMANTICS 8).

The member is a resource of type T: its id, and of `status`, `roles`, `role`, `new_roles`, `new_role` what T declares.

    on change_role requires change_role on member       role manager { allow change_role on member
                                                          when has resource.new_role and resource.new_role != "owner" }
    change_role kim → owner by a manager                member kim {roles: [viewer], new_roles: [owner], …}: no
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain
from typing import Any

from remit.evaluator.holding import Held
from remit.evaluator.pdp import Judged
from remit.membership.case import Case, RefusedError
from remit.membership.within import beyond
from remit.table.shape import EventEntry


def check_actor(case: Case) -> None:
    """Events that are not the user's own need a known, active `by`. Raises RefusedError."""
    by, at = case.event.by, case.lines[0].place
    actor = case.near.users.get(by) if by is not None else None
    if by is None:
        raise RefusedError("not_permitted", "nobody is said to do this: `by` is missing", at)
    if actor is None:
        raise RefusedError("not_permitted", f"nobody knows {by}", at)
    if actor.status != "active":
        raise RefusedError("not_permitted", f"{by} is {actor.status}", at)


def check_requires(case: Case, line: EventEntry, given: tuple[str, ...]) -> list[str]:
    """The actor may do what the line requires, at each place it is judged at: the ids of the rules that say so. Raises
    RefusedError."""
    assert line.requires is not None
    action, kind = line.requires
    found: list[str] = []
    for place in _judged_at(case):
        gives = given
        if case.event.type == "join":
            gives = tuple(dict.fromkeys((*_through_group(case, place), *given)))
        judged = _ask(case, action, kind, place, gives)
        rules = _rule_ids(case, judged)
        if judged.code != "allowed":
            message = _why_not(case, judged, action, kind, place)
            raise RefusedError("not_permitted", message, line.place, None, tuple(rules))
        if line.within_own:
            _check_within(case, line, gives, place, judged)
        found += rules
    if line.within_own and case.event.type in ("join", "leave") and given:  # given where the event is, not the group
        _check_within(case, line, given, case.scope, _ask(case, action, kind, case.scope, given))
    return found


def _judged_at(case: Case) -> list[str | None]:
    """The places of the judgement; None is the root. A place that is not there (yet) is judged as the root is."""
    if case.event.type in ("join", "leave"):
        held = {case.canonical(given.scope) for group in case.groups_above() for given in group.assignments}
        return sorted(held, key=lambda scope: scope or "") or [None]
    if case.event.type in ("create_scope", "delete_scope") or not case.scope_known:
        return [None]
    return [case.scope]


def _through_group(case: Case, place: str | None) -> tuple[str, ...]:
    """The roles that membership of the event's group gives at a place, now or later; not those that have ended."""
    above = case.pdp.holders.scopes.above(place)
    given = (one for group in case.groups_above() for one in group.assignments)
    lasting = (one for one in given if one.end is None or one.end > case.now)
    names = (case.table.canonical_role(one.role) for one in lasting if case.canonical(one.scope) in above)
    return tuple(dict.fromkeys(name for name in names if name is not None))


def _ask(case: Case, action: str, kind: str, place: str | None, gives: tuple[str, ...]) -> Judged:
    declared = case.table.types[kind].attributes
    values = {name: value for name, value in _member(case, place, gives).items() if name in declared}
    properties = {name: value for name, value in values.items() if value is not None}
    if case.table.root is not None:
        properties["scope"] = place or case.table.root
    resource = {"type": kind, "id": case.concerned, "properties": properties}
    return case.pdp.ask(case.actor or "", action, resource).judged


def _member(case: Case, place: str | None, gives: tuple[str, ...]) -> dict[str, Any]:
    """The attributes of the member, or group, concerned."""
    holders = case.pdp.holders
    at = place or case.table.root
    held: Held | None = None
    if case.impersonal:
        given = [one for group in case.groups_above() for one in group.assignments]
        made = [holders.holding(one.role, one.scope, "group", "", one.start, one.end) for one in given]
        held = holders.at(tuple(holding for holding in made if holding), at, case.now)
    elif case.user is not None:
        held = holders.at(case.holdings(), at, case.now)
    above = holders.scopes.above(place)
    assigned = {one.role for one in held.holdings if one.scope in above} if held else set()
    return {
        "status": case.user.status if case.user and not case.impersonal else None,
        "roles": sorted(_closed(case, assigned)),
        "role": assigned.pop() if len(assigned) == 1 else None,
        "new_roles": sorted({*gives, *_closed(case, gives)}),
        "new_role": gives[0] if len(gives) == 1 else None,
    }


def _closed(case: Case, roles: Iterable[str]) -> set[str]:
    """The roles of the policy among these, with all they include."""
    known = [role for role in roles if role in case.table.roles]
    return set(chain.from_iterable((role, *case.table.roles[role].includes) for role in known))


def _check_within(case: Case, line: EventEntry, gives: tuple[str, ...], place: str | None, judged: Judged) -> None:
    assert judged.held is not None
    roles = case.pdp.holders.role_names(judged.held, place or case.table.root) or frozenset()
    known = [role for role in gives if role in case.table.roles]
    if not known:
        return
    more = beyond(case.index, known, judged.held, roles)
    if more is not None:
        action, kind = more
        message = f"{', '.join(known)} may {action} on {kind}, and {case.actor} may not give more than they have"
        raise RefusedError("not_permitted", message, line.place)


def _why_not(case: Case, judged: Judged, action: str, kind: str, place: str | None) -> str:
    why = {
        "denied_by_rule": "a rule denies it",
        "no_rule": "nothing allows it",
        "unknown_user": f"nobody knows {case.actor}",
        "inactive_user": f"{case.actor} is not active",
    }.get(judged.code, judged.why or judged.code)
    at = f" at {place}" if place else ""
    return f"{case.actor} may not {action} on {kind} {case.concerned}{at}: {why}"


def _rule_ids(case: Case, judged: Judged) -> list[str]:
    cell = judged.cell
    if cell is None:
        return []
    entries = judged.deciding
    return [case.index.rule_id(entry.rule, cell) for entry in entries]
