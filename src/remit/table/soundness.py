"""Whether a table that was read holds together: the INVARIANT of `remit.table.shape.Table`, and every word of its kind.

A table that remit wrote always does. One whose sums were made to fit something else is refused here, before anything
is decided by it. Rules are columns when they are read, and `remit.table.unpack` checks them as such.
"""

from __future__ import annotations

from collections.abc import Iterable

from remit.model import expression as ex
from remit.model.types import LARGEST, SMALLEST
from remit.table.shape import BLOCKS, Place, Table

_ROOTS = ("resource", "user", "context", "claims")
_GUARDS = ("least", "most", "per_user", "never")
_TRIGGERS = ("first in domain", "unassigned")
_ASSERTS = ("within", "only", "no", "requires", "never")
_LARGEST_CONDITION = 20_000  # parts, with every name written out: what the compiler takes
_MOST_REACHED = 1 << 32  # roles by facets, of which each is a bit in memory
_DEEPEST = 400  # levels of them: more than the compiler takes, less than recursion stands


def check(table: Table) -> None:
    """All but the rules and the conditions. Raises ValueError where a name is not declared, a number is out of its
    range, or a word is no text."""
    _texts((table.name, table.title, table.base, *table.areas, *table.areas.values(), *table.conditions))
    _texts(table.conditions.values())
    _scopes(table)
    for kind in table.types.values():
        _texts((kind.name, kind.title, *kind.actions, *kind.attributes))
        _known((kind.area,), table.areas)
        if len(set(kind.actions)) != len(kind.actions):
            raise ValueError("an action stands twice")
    if not len(BLOCKS) <= table.facet_count <= 1_000_000 or table.facet_count * len(table.roles) > _MOST_REACHED:
        raise ValueError("no number of facets")
    for role in table.roles.values():
        _texts((role.name, role.title, *role.former))
        _known(role.includes, table.roles)
        _facets(table, role.facets)
        _place(role.place)
    for event in table.events:
        _texts((event.kind,))
        _known(event.assign, table.roles)
        if isinstance(event.trigger, str):
            _known((event.trigger,), _TRIGGERS)
        if event.requires is not None and event.requires[0] not in table.types[event.requires[1]].actions:
            raise ValueError("no such action")
        _place(event.place)
    for guard in table.guards.values():
        _texts((guard.title, guard.role, guard.other, guard.per))
        _known((guard.kind,), _GUARDS)
        _known((name for name in (guard.role, guard.other) if name), table.roles)
        _known((name for name in (guard.per,) if name), table.scopes)
        numbers: tuple[object, object] = (guard.count, guard.active)
        if tuple(map(type, numbers)) != (int, bool) or guard.count < 0:
            raise ValueError("no guard")
        _place(guard.place)
    for claim in table.assertions:
        _texts((claim.title,))
        _known((claim.kind,), _ASSERTS)
        _known(claim.roles, table.roles)
        _place(claim.place)
    for test in table.tests:
        _texts((test.title,))
        _place(test.place)
        for line in test.lines:
            _texts((line["kind"], line["text"]))


def _scopes(table: Table) -> None:
    if [kind for kind, above in table.scopes.items() if above is None] != [kind for kind in (table.root,) if kind]:
        raise ValueError("no root of the scopes")
    for kind in table.scopes:
        seen: set[str] = set()
        place: str | None = kind
        while place is not None:
            if place in seen:
                raise ValueError("scopes run in a circle")
            seen.add(place)
            place = table.scopes[place]
    _texts(table.scopes)


def _facets(table: Table, facets: Iterable[int]) -> None:
    for facet in facets:
        if type(facet) is not int or not 0 <= facet < table.facet_count:
            raise ValueError("no such facet")


def _place(place: Place) -> None:
    _texts((place.file, place.text, place.lead, place.trail))
    if place.line < 1 or place.column < 1:
        raise ValueError("no such place")


def check_conditions(conditions: Iterable[ex.Expr]) -> None:
    """Each condition, after those that it names: every node one it may have where it stands, and no more of them than
    the evaluator takes. Values of any kind, for those only read as unknown. Raises ValueError."""
    known: dict[int, tuple[int, int]] = {}  # parts and levels
    for condition in conditions:
        size = depth = 0
        pending: list[tuple[ex.Expr, int]] = [(condition, 1)]
        while pending:
            node, level = pending.pop()
            below, deeper = known[id(node.body)] if isinstance(node, ex.Named) else (0, 0)
            size, depth = size + 1 + below, max(depth, level + deeper)
            _node(node)
            if not isinstance(node, ex.Named):
                pending += [(part, level + 1) for part in ex.children(node)]
        if size > _LARGEST_CONDITION or depth > _DEEPEST:
            raise ValueError("a condition that no compiler takes")
        _truth(condition)
        known[id(condition)] = size, depth


def _node(node: ex.Expr) -> None:
    if isinstance(node, ex.Attr):
        _known((node.root,), _ROOTS)
        _texts((node.name,))
    elif isinstance(node, ex.Const):
        _known((node.kind,), ("string", "int", "bool", "duration"))
        wanted = {"string": str, "bool": bool}.get(node.kind, int)
        if type(node.value) is not wanted or (wanted is int and not SMALLEST <= int(node.value) <= LARGEST):
            raise ValueError("no constant")
    elif isinstance(node, ex.Compare) and isinstance(node.left, ex.Const) and isinstance(node.right, ex.Const):
        if node.left.kind != node.right.kind:
            raise ValueError("constants of two kinds are compared")
    elif isinstance(node, ex.Named):
        _texts((node.name,))


def _truth(node: ex.Expr) -> None:
    """A condition, not an operand: what `and`, `or`, `not` and names are made of."""
    if isinstance(node, ex.And | ex.Or):
        if not node.operands:
            raise ValueError("nothing is joined")
        for operand in node.operands:
            _truth(operand)
    elif isinstance(node, ex.Not):
        _truth(node.operand)
    elif isinstance(node, ex.Minus) or (isinstance(node, ex.Const) and node.kind != "bool"):
        raise ValueError("no condition")


def _texts(words: Iterable[object]) -> None:
    for word in words:
        if not isinstance(word, str):
            raise ValueError("no text")
        word.encode()  # of whole characters: UnicodeEncodeError is a ValueError, too


def _known(names: Iterable[object], among: Iterable[str]) -> None:
    for name in names:
        if not isinstance(name, str) or name not in among:
            raise ValueError("a name is not declared")
