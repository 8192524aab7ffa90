"""Which guards an added role would break: counted as they are, and as they would be (SEMANTICS 8)."""

from __future__ import annotations

from remit.directory.shape import User
from remit.evaluator.holding import Holding
from remit.evaluator.pdp import Pdp
from remit.table.shape import GuardEntry


def broken_by(pdp: Pdp, user: User, role: str, scope: str | None, time: int | None) -> tuple[str, ...]:
    """The guards that an individual assignment of `role` at `scope` would make worse, sorted by name."""
    if user.id not in pdp.directory.users:
        return ()
    added = Holding(role, pdp.index.bits[role], scope, "individual")
    return tuple(
        sorted(name for name, guard in pdp.table.guards.items() if _Count(pdp, guard, time).worsens(user, added))
    )


class _Count:
    """One guard's people, at a time. Roles are held through groups and includes, hidden assignments counted too."""

    def __init__(self, pdp: Pdp, guard: GuardEntry, time: int | None) -> None:
        self.pdp = pdp
        self.guard = guard
        self.time = time

    def worsens(self, user: User, added: Holding) -> bool:
        guard = self.guard
        if guard.kind == "least":
            return False
        before = self._holdings(user)
        return any(self._worsens_at(place, user, before, added) for place in self._places(added))

    def _worsens_at(self, place: str | None, user: User, before: list[Holding], added: Holding) -> bool:
        guard = self.guard
        had = self._roles(before, place)
        has = self._roles([*before, added], place)
        if guard.kind == "per_user":
            given = {h.role for h in before if self._counts(h, place)}
            return len(given | {added.role}) > max(guard.count, len(given))
        if guard.kind == "never":
            pair = {guard.role, guard.other}
            return pair <= has and not pair <= had
        if guard.role in had or guard.role not in has or (guard.active and user.status != "active"):
            return False
        others = sum(
            1
            for other in self.pdp.directory.users.values()
            if other.id != user.id
            and (not guard.active or other.status == "active")
            and guard.role in self._roles(self._holdings(other), place)
        )
        return others + 1 > guard.count

    def _places(self, added: Holding) -> list[str | None]:
        """Where the guard counts and the new role is held: anywhere at once, or each instance of its kind."""
        kind = self.guard.per
        if not kind:
            return [None]
        if kind == self.pdp.table.root:
            return [kind] if added.scope is None else []
        scopes = self.pdp.holders.scopes
        return [
            name
            for name in self.pdp.directory.scopes
            if name.split("/", 1)[0] == kind and added.scope in scopes.above(name)
        ]

    def _holdings(self, user: User) -> list[Holding]:
        return [
            holding for holding in self.pdp.holders.holdings(user) if self.time is None or holding.counts_at(self.time)
        ]

    def _counts(self, holding: Holding, place: str | None) -> bool:
        return not self.guard.per or holding.scope in self.pdp.holders.scopes.above(place)

    def _roles(self, holdings: list[Holding], place: str | None) -> set[str]:
        found: set[str] = set()
        for holding in holdings:
            if self._counts(holding, place):
                found.add(holding.role)
                found.update(self.pdp.table.roles[holding.role].includes)
        return found
