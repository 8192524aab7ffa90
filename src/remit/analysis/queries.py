"""The list queries: who may do this, what may this user do, what may each role do, who is here.

Each gives the JSON of SEMANTICS 10. `when` is null where nothing is open, else the condition that is left (see
`remit.analysis.residual`); who or what may never is not listed. `rules` are all that the answer rests on, sorted by
file, line and column: without a `when`, the allows that hold; with one, each allow that may come to hold and each deny
that may come to bite. Nothing is cut off.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from remit.analysis.residual import Known, every, reduced, some, tidy
from remit.directory.shape import User
from remit.evaluator.facts import EMPTY
from remit.evaluator.holding import Held, Holding, ScopeState
from remit.evaluator.index import Cell, Entry
from remit.evaluator.pdp import Pdp
from remit.evaluator.request import Asked, Malformed, read_parts
from remit.instant import format_instant
from remit.model import expression as ex
from remit.table.meaning import Forms, rule_id
from remit.table.shape import EVERYONE, MEMBERS, RuleEntry, Table, TypeEntry

Json = dict[str, Any]
Values = Mapping[str, Any]


class Access(NamedTuple):
    """What somebody may do in a cell: never (`when` is FALSE), always (TRUE), or while `when` is true of the open
    attributes. `rules` are those it rests on."""

    when: ex.Expr
    rules: tuple[RuleEntry, ...]

    @property
    def text(self) -> str | None:
        """The JSON of `when`: null for always."""
        return None if self.when == ex.TRUE else ex.text(self.when)


# -- who and what ----------------------------------------------------------------------------------------------------


def who(pdp: Pdp, action: str, resource: Values, context: Values | None = None) -> Json:
    """Everybody who may do the action on the resource, or may under a condition: `{"action", "resource", "users":
    [{"id", "when", "rules"}]}`, by id. `resource` has `type`, and perhaps `id` and `properties` (with `scope`); what it
    and the context leave out is open. Raises ValueError for a request that cannot be judged, KeyError for an unknown
    type or action."""
    asked = _asked(pdp, "", None, action, resource, context)
    cell = pdp.index.cells[asked.type][action]
    found = []
    for name in sorted(pdp.directory.users):
        [may] = access(pdp, asked._replace(user=name), [cell])
        if may.when != ex.FALSE:
            found.append({"id": name, "when": may.text, "rules": _rules(pdp, cell, may.rules)})
    return {"action": action, "resource": {key: value for key, value in resource.items() if value}, "users": found}


def what(
    pdp: Pdp,
    user: str | None,
    scope: str | None = None,
    properties: Mapping[str, Values] | None = None,
    context: Values | None = None,
    roles: tuple[str, ...] | None = None,
) -> Json:
    """Everything a user (or, with `roles`, somebody who holds just these) may do, or may under a condition: `{"user",
    "scope", "permissions": [{"area", "type", "action", "when", "rules"}]}`, in the order of the catalogue, with `roles`
    where they were asked for. `properties`: type → the attributes known of its resources. Raises ValueError for a
    scope that is none."""
    found = []
    if "time" not in (context or {}):
        context = {**(context or {}), "time": format_instant(pdp.clock())}  # one moment for the whole list
    for entry in by_area(pdp.table):
        given = {**((properties or {}).get(entry.name) or {}), **({} if scope is None else {"scope": scope})}
        resource = {"type": entry.name, "properties": given}
        asked = _asked(pdp, user or "", roles, "", resource, context)
        cells = [pdp.index.cells[entry.name][action] for action in entry.actions]
        for cell, may in zip(cells, access(pdp, asked, cells), strict=True):
            if may.when != ex.FALSE:
                place = {"area": entry.area, "type": entry.name, "action": cell.action}
                found.append({**place, "when": may.text, "rules": _rules(pdp, cell, may.rules)})
    answer: Json = {"user": user, "scope": scope, "permissions": found}
    return answer if roles is None else {**answer, "roles": list(roles)}


def _asked(
    pdp: Pdp, user: str, roles: tuple[str, ...] | None, action: str, resource: Values, context: Values | None
) -> Asked:
    """A question as the evaluator takes it, its time settled."""
    asked = read_parts(user, None, EMPTY, None, roles, action, resource, context, pdp.holders.scopes)
    if isinstance(asked, Malformed):
        raise ValueError(asked.why)
    return asked if asked.time_given else asked._replace(time=pdp.clock(), time_given=True)


def access(pdp: Pdp, asked: Asked, cells: list[Cell]) -> list[Access]:
    """What the user asked about may do in each cell; all are of the type asked about."""
    subject = pdp.subject(asked)
    if subject is None or subject[0].status != "active":
        return [_NEVER] * len(cells)
    user, holdings = subject
    time = pdp.time(asked)
    held = pdp.holders.at(holdings, asked.scope, time)
    known = Known(pdp.index.reading(asked.type), pdp.facts(asked, user, held, time))
    return [_in_cell(cell, held, known) for cell in cells]


def _in_cell(cell: Cell, held: Held, known: Known) -> Access:
    allows = [(rule, left) for rule, left in _left(cell.allows, held.allow, known) if left != ex.FALSE]
    if not allows:
        return _NEVER
    denies = [(rule, left) for rule, left in _left(cell.denies, held.deny, known, True) if left != ex.TRUE]
    given, kept = some(left for _, left in allows), every(left for _, left in denies)
    when = tidy(every([given, kept]), known)
    if when == ex.TRUE:
        return Access(when, tuple(rule for rule, left in allows if left == ex.TRUE))
    return Access(when, tuple(sorted((rule for rule, _ in (*allows, *denies)), key=_place)))


def _left(
    entries: Iterable[Entry], mask: int, known: Known, negated: bool = False
) -> Iterator[tuple[RuleEntry, ex.Expr]]:
    """Each rule that counts for the roles held, with what is left of its condition (`negated`: of its opposite)."""
    for entry in entries:
        if entry.mask & mask:
            yield entry.rule, reduced(entry.rule.condition, known, negated)


_NEVER = Access(ex.FALSE, ())


# -- the matrix ------------------------------------------------------------------------------------------------------


def matrix(table: Table) -> Json:
    """What somebody who holds only one role may do, for each role and cell: `{"roles", "rows": [{"area", "type",
    "action", "cells": {ROLE: {"effect", "when", "rules"}}}]}`. Only a role: it, what it includes, the blocks everyone
    and members. `effect` is `deny` where a deny without a condition binds, or one of the role's with a condition (then
    in `when`) and nothing allows; `allow` with an empty `when` where it is outright, else with each alternative."""
    forms = Forms(table)
    reach = {name: role.facets | {EVERYONE, MEMBERS} for name, role in table.roles.items()}
    by_cell: dict[tuple[str, str], list[RuleEntry]] = {}
    for rule in table.rules:
        for pair in rule.pairs():
            by_cell.setdefault(pair, []).append(rule)
    rows = []
    for entry in by_area(table):
        for action in entry.actions:
            rules = by_cell.get((entry.name, action), [])
            made: dict[tuple[int, ...], Json] = {}  # roles that reach the same rules have the same cell
            cells = {}
            for role, facets in reach.items():
                reached = [rule for rule in rules if not facets.isdisjoint(rule.facets)]
                key = tuple(rule.number for rule in reached)
                if key not in made:
                    made[key] = _matrix_cell(reached, entry.name, action, forms)
                cells[role] = made[key]
            rows.append({"area": entry.area, "type": entry.name, "action": action, "cells": cells})
    return {"roles": list(reach), "rows": rows}


def _matrix_cell(rules: list[RuleEntry], resource_type: str, action: str, forms: Forms) -> Json:
    allows: list[RuleEntry] = []
    denies: list[RuleEntry] = []
    outright: dict[str, list[RuleEntry]] = {"allow": [], "deny": []}
    for rule in rules:
        form = forms.of(rule.condition, resource_type)
        if form is True:
            outright[rule.effect].append(rule)
        elif form is not False:
            (allows if rule.effect == "allow" else denies).append(rule)

    def cell(effect: str, when: list[str], because: list[RuleEntry]) -> Json:
        ordered = sorted(because, key=_place)
        named = [
            _rule(rule, rule_id(rule, resource_type, action, forms.of(rule.condition, resource_type)))
            for rule in ordered
        ]
        return {"effect": effect, "when": when, "rules": named}

    if outright["deny"]:
        return cell("deny", [], outright["deny"])
    if not outright["allow"] and not allows:
        own = [rule for rule in denies if rule.block is None]  # not of everybody
        return cell("deny", list(dict.fromkeys(map(_text, own))), own) if own else cell("none", [], [])
    unless = " and ".join(dict.fromkeys(f"not ({_text(rule)})" for rule in denies))
    if outright["allow"]:
        return cell("allow", [unless] if unless else [], [*outright["allow"], *denies])
    alternatives = list(dict.fromkeys(_text(rule, 2) if unless else _text(rule) for rule in allows))
    when = [f"{text} and {unless}" if unless else text for text in alternatives]
    return cell("allow", when, [*allows, *denies])


def _text(rule: RuleEntry, level: int = 0) -> str:
    assert rule.condition is not None
    return ex.text(rule.condition, level)


# -- members ---------------------------------------------------------------------------------------------------------


def members(pdp: Pdp, scope: str | None = None, time: int | None = None) -> Json:
    """Who is at a place, the root unless given: `{"scope", "members": [{"user", "status", "role", "roles"}]}`, by id;
    at the time, by default the clock's. At the root that is everybody the directory knows, at a place below it whoever
    holds a role there or above, of any status. `role` is the one role that counts, null where there is none, and
    `multiple` where several count, for no one name says what they may do: groups that give different roles, say. With
    `individual over group` an individual assignment settles it at its place. `roles` is all they hold there, as in an
    explanation; one that an individual assignment hides has `hidden_by`."""
    root = pdp.table.root
    place = None if scope == root else scope
    now = pdp.clock() if time is None else time
    found = []
    if pdp.holders.scopes.state(place) != ScopeState.UNKNOWN:
        for name in sorted(pdp.directory.users):
            user = pdp.directory.users[name]
            member = _member(pdp, user, place or root, now)
            if member["roles"] or place is None:
                found.append(member)
    return {"scope": place or root, "members": found}


def _member(pdp: Pdp, user: User, place: str | None, now: int) -> Json:
    held = pdp.holders.at(pdp.holders.holdings(user), place, now)
    hiding = {id(hidden): by for hidden, by in held.hidden}
    counting = sorted({holding.role for holding in held.holdings if id(holding) not in hiding})
    listed = []
    for holding in sorted(held.holdings, key=_order):
        by = hiding.get(id(holding))
        data = _as_held(pdp.table, holding)
        listed.append(data if by is None else {**data, "hidden_by": _as_held(pdp.table, by)})
    role = None if not counting else counting[0] if len(counting) == 1 else "multiple"
    return {"user": user.id, "status": user.status, "role": role, "roles": listed}


def _order(holding: Holding) -> tuple[str, str, bool, str]:
    return (holding.role, holding.scope or "", holding.via != "individual", holding.group or "")


def _as_held(table: Table, holding: Holding) -> Json:
    return {
        "role": holding.role,
        "scope": holding.scope or table.root,
        "via": holding.via,
        "group": holding.group,
        "includes": list(table.roles[holding.role].includes),
    }


# -- rules -----------------------------------------------------------------------------------------------------------


def by_area(table: Table) -> list[TypeEntry]:
    """The resource types, area by area in the order of the text."""
    order = {area: at for at, area in enumerate(table.areas)}
    return sorted(table.types.values(), key=lambda entry: order[entry.area])


def _rules(pdp: Pdp, cell: Cell, rules: Iterable[RuleEntry]) -> list[Json]:
    return [_rule(rule, pdp.index.rule_id(rule, cell)) for rule in rules]


def _rule(rule: RuleEntry, identifier: str) -> Json:
    """A rule in a list: its id, role (null in a block, which is then named), effect and place."""
    data: Json = {"id": identifier, "role": rule.role}
    if rule.block:
        data["block"] = rule.block
    place = {"file": rule.place.file, "line": rule.place.line, "column": rule.place.column}
    return {**data, "effect": rule.effect, **place}


def _place(rule: RuleEntry) -> tuple[str, int, int]:
    return (rule.place.file, rule.place.line, rule.place.column)
