"""What conditions read of `user.roles`, for a comparison of roles that holds whatever else somebody has.

Two roles that are compared stand in `user.roles` themselves, each with what it includes. Where no condition that counts
for either of the two asks for a name which the one brings and the other does not, it says the same of the holders of
both, whatever it says: so the set can be any set, and what is proved of any set is true of theirs.

    role clerk { allow read on order when not "trainee" in user.roles }
    role keeper { allow read, close on order when not "trainee" in user.roles }    holds clerk's, of any set
    role boss { allow read on order when "boss" in user.roles }                    tells boss from the two
"""

from __future__ import annotations

from remit.model.expression import And, Attr, Compare, Const, Expr, Member, Named, Not, Or, walk
from remit.model.types import STRINGS, AttributeType
from remit.table.shape import EVERYONE, MEMBERS, Table

_ROLES = Attr("user", "roles")
Names = frozenset[str] | None  # that a condition asks for; None: any, for it compares with what is not written in it


class RolesRead:
    """The rules of a table that read `user.roles`: `by` number, the names they ask for."""

    def __init__(self, table: Table) -> None:
        self.table = table
        self._known: dict[int, Names] = {}
        self.by: dict[int, Names] = {}
        for rule in table.rules:
            if rule.condition is not None and (names := self._names(rule.condition)) != frozenset():
                self.by[rule.number] = names
        self._read: dict[str, dict[tuple[str, str], Names]] = {}
        self._allowing: dict[tuple[str, str], set[int]] = {}
        self._reading = [rule for rule in table.rules if rule.number in self.by]
        cells = {pair for rule in self._reading for pair in rule.pairs()}
        for rule in table.rules if cells else ():
            if rule.effect == "allow":
                for pair in rule.pairs():
                    if pair in cells:
                        self._allowing.setdefault(pair, set()).update(rule.facets)

    def tell_apart(self, name: str, other: str) -> bool:
        """Whether a condition that counts for one of two roles, where the first may do anything, asks for a name that
        only one of the two brings."""
        if not self._reading:
            return False
        first, second = self._of(name), self._of(other)
        brought = self._held(name) ^ self._held(other)
        facets = self._facets(name)
        return any(
            asked is None or not asked.isdisjoint(brought)
            for read in (first, second)
            for pair, asked in read.items()
            if not facets.isdisjoint(self._allowing.get(pair, ()))
        )

    def tells(self, name: str, other: str) -> bool:
        """Whether some condition asks for a name that the first role brings and the other does not."""
        more = self._held(name) - self._held(other)
        return any(asked is None or not asked.isdisjoint(more) for asked in set(self.by.values()))

    def freed(self) -> Table:
        """The table with a set in place of `user.roles` that has nothing to do with the roles held."""
        name = "roles"
        while name in self.table.user or name == "roles":
            name += " "
        known: dict[int, Expr] = {}
        free = Attr("user", name)
        rules = tuple(
            rule._replace(condition=_with(rule.condition, free, known))
            if rule.number in self.by and rule.condition is not None
            else rule
            for rule in self.table.rules
        )
        return self.table._replace(rules=rules, user={**self.table.user, name: AttributeType(STRINGS)}, kept={})

    def _names(self, condition: Expr) -> Names:
        if id(condition) not in self._known:
            found: set[str] = set()
            asked = read = 0
            for part in walk(condition):
                read += part == _ROLES
                if isinstance(part, Member) and part.collection == _ROLES and isinstance(part.operand, Const):
                    found.add(str(part.operand.value))
                    asked += 1
            self._known[id(condition)] = frozenset(found) if asked == read else None
        return self._known[id(condition)]

    def _held(self, name: str) -> frozenset[str]:
        return frozenset((name, *self.table.roles[name].includes))

    def _facets(self, name: str) -> frozenset[int]:
        return self.table.roles[name].facets | {EVERYONE, MEMBERS}

    def _of(self, name: str) -> dict[tuple[str, str], Names]:
        """What the conditions that count for a role ask for, by cell."""
        if name not in self._read:
            found: dict[tuple[str, str], Names] = {}
            facets = self._facets(name)
            for rule in self._reading:
                if not facets.isdisjoint(rule.facets):
                    for pair in rule.pairs():
                        found[pair] = _either(found.get(pair, frozenset()), self.by[rule.number])
            self._read[name] = found
        return self._read[name]


def _either(one: Names, other: Names) -> Names:
    return None if one is None or other is None else one | other


def _with(part: Expr, free: Attr, known: dict[int, Expr]) -> Expr:
    """A condition that reads another set in place of `user.roles`. `known`: what was made of parts, by their ids."""
    found = known.get(id(part))
    if found is not None:
        return found
    made: Expr = part
    if part == _ROLES:
        made = free
    elif isinstance(part, Named):
        made = Named(part.name, _with(part.body, free, known))
    elif isinstance(part, Not):
        made = Not(_with(part.operand, free, known))
    elif isinstance(part, And | Or):
        made = type(part)(tuple(_with(one, free, known) for one in part.operands))
    elif isinstance(part, Compare):
        made = Compare(part.operator, _with(part.left, free, known), _with(part.right, free, known))
    elif isinstance(part, Member) and part.collection == _ROLES:
        made = Member(part.operand, free)
    known[id(part)] = made
    return made
