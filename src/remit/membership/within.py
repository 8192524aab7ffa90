"""`role within own`: whether the roles given allow nothing, at a scope, that the actor may not (SEMANTICS 8).

The question is that of `assert R within S`, between the new roles alone and what the actor holds there, their denies
and hidden roles as they are: wherever the new roles allow, the actor's do. It is settled for each cell on normal forms
(`remit.table.tableau`). What stays open is answered no: a door that cannot be proved shut is not left ajar.

    given vet (update when treats), actor vet      treats → treats                 within
    given vet, actor viewer                        treats → nothing is allowed     not within: update on record
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain

from remit.evaluator.holding import EVERYONE_BIT, MEMBERS_BIT, Held
from remit.evaluator.index import Cell, Entry, Index
from remit.model import expression as ex
from remit.table import normal
from remit.table.held import known
from remit.table.normal import Normal
from remit.table.tableau import implies


def beyond(index: Index, given: Iterable[str], held: Held, actor_roles: frozenset[str]) -> tuple[str, str] | None:
    """The first (action, type) that holders of just the roles `given` may do and the actor may not, or not for
    certain; None where there is none. `actor_roles` are all the actor holds there, with includes."""
    table = index.table
    roles = tuple(given)
    mask = EVERYONE_BIT | MEMBERS_BIT
    for role in roles:
        mask |= index.bits[role]
    own = frozenset(chain.from_iterable((role, *table.roles[role].includes) for role in roles))
    for name, kind in table.types.items():
        for action in kind.actions:
            cell = index.cells[name][action]
            if not _within(index, cell, mask, own, held, actor_roles):
                return action, name
    return None


def _within(index: Index, cell: Cell, mask: int, own: frozenset[str], held: Held, actor_roles: frozenset[str]) -> bool:
    if not any(entry.mask & mask for entry in cell.allows):
        return True
    outright, forbids, _, may_forbid, _, _ = cell.masks
    if outright & held.allow and not (forbids | may_forbid) & held.deny:
        return True
    premise = known(_allowed(index, cell, mask, mask), own, True, [])
    goal = known(_allowed(index, cell, held.allow, held.deny), actor_roles, True, [], goal=True)
    return implies(premise, goal, index.reading(cell.type)).closed


def _allowed(index: Index, cell: Cell, allow: int, deny: int) -> Normal:
    """Where somebody with these masks may."""
    both = ex.And((ex.Or(_conditions(cell.allows, allow)), ex.Not(ex.Or(_conditions(cell.denies, deny)))))
    return normal.normal(both, index.reading(cell.type))


def _conditions(entries: tuple[Entry, ...], mask: int) -> tuple[ex.Expr, ...]:
    return tuple(entry.rule.condition or ex.TRUE for entry in entries if entry.mask & mask)
