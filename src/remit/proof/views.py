"""Two tables beside each other: cell by cell, which roles have which rules, by one numbering of the roles of both.

A *view* of a cell is what decides there, and nothing of how it was written: for each effect and each condition's normal
form, the roles that have it, as a bit mask. Cells whose views are equal, under equal declarations, decide alike and are
passed over; that is what a change of ten lines leaves of a policy of eight thousand cells.

    role viewer { allow read on * }    role vet includes viewer { deny read on record when sealed }
    view of read on record:   allow "true" → viewer, vet      deny "sealed" → vet

A role that the new policy calls by a new name, and whose old one it keeps by `was`, is one role. Where a role takes in
another, by `was` too, both old ones are compared with it, each under its own number.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from remit.model.types import Reading
from remit.table import normal
from remit.table.meaning import Forms
from remit.table.normal import Normal
from remit.table.shape import BLOCKS, RuleEntry, Table

EVERYONE, MEMBERS, FIRST_ROLE = 1, 2, 4  # bits
Cell = tuple[str, str]  # type, action
Key = tuple[Literal["allow", "deny"], str]  # effect, and the key of the condition's normal form
ROLES_READ, SCOPE_READ = normal.key(["user", "roles"]), normal.key(["resource", "scope"])


@dataclass(slots=True)
class Line:
    """One effect and condition in a cell: who has it, and the rules behind it, each with the roles it counts for."""

    form: Normal
    mask: int = 0
    rules: list[tuple[int, RuleEntry]] = field(default_factory=list)


View = dict[Key, Line]
EMPTY: View = {}


class Numbering:
    """One bit for each role of two tables, more for one that took in others. `names` are the roles', new names first;
    `bits` the other way round, for each of the tables."""

    def __init__(self, old: Table, new: Table) -> None:
        same = {name: name for name in old.roles if name in new.roles}
        merged: dict[str, str] = {}
        for role in new.roles.values():
            for name in role.former:
                if name in old.roles and name not in same:
                    if role.name in same.values():
                        merged[name] = role.name  # whoever held it holds a role that others held before
                    else:
                        same[name] = role.name
        self.names = sorted({*new.roles, *(name for name in old.roles if name not in same)})
        self.bit = {name: FIRST_ROLE << at for at, name in enumerate(self.names)}
        self.new_bits = {name: self.bit[name] for name in new.roles}
        self.old_bits = {name: self.bit[same.get(name, name)] for name in old.roles}
        self.old_names = {bit: name for name, bit in self.old_bits.items()}
        self.new_names = {bit: name for name, bit in self.new_bits.items()}
        for name, role_name in merged.items():
            self.new_bits[role_name] |= self.bit[name]
            self.new_names[self.bit[name]] = role_name

    def roles(self, mask: int) -> Iterator[str]:
        """The names of the roles in a mask, by name."""
        rest = mask >> 2
        while rest:
            low = rest & -rest
            yield self.names[low.bit_length() - 1]
            rest ^= low

    def each(self, mask: int) -> Iterator[int]:
        """The single bits of a mask."""
        rest = mask & ~3
        while rest:
            low = rest & -rest
            yield low
            rest ^= low


class Views:
    """The views of one table's cells. `bits` number its roles; `forms` are the conditions', where they are at hand."""

    def __init__(self, table: Table, bits: Mapping[str, int], forms: Forms | None = None) -> None:
        self.table = table
        self.bits = bits
        self.forms = forms or Forms(table)
        masks = [EVERYONE, MEMBERS] + [0] * (table.facet_count - len(BLOCKS))
        for name, role in table.roles.items():
            for facet in role.facets:
                masks[facet] |= bits[name]
        self._facets = masks
        self._masks: dict[tuple[int, ...], int] = {}
        self._keys: dict[int, tuple[Normal, str]] = {}
        self.all_roles = 0
        for bit in bits.values():
            self.all_roles |= bit
        self.cells = self._built(table.rules)

    def mask(self, rule: RuleEntry) -> int:
        """The blocks and roles that a rule counts for."""
        found = self._masks.get(rule.facets)
        if found is None:
            found = 0
            for facet in rule.facets:
                found |= self._facets[facet]
            self._masks[rule.facets] = found
        return found

    def key(self, rule: RuleEntry, resource_type: str) -> tuple[Normal, str]:
        """The normal form of a rule's condition at a type, and its key."""
        form = self.forms.of(rule.condition, resource_type)
        found = self._keys.get(id(form))
        if found is None or found[0] is not form:
            found = self._keys[id(form)] = (form, "true" if form is True else normal.key(form))
        return found

    def _built(self, rules: Iterable[RuleEntry]) -> dict[Cell, View]:
        found: dict[Cell, View] = {}
        for rule in rules:
            mask = self.mask(rule)
            for name, actions in rule.cells.items():
                form, text = self.key(rule, name)
                if form is False:
                    continue  # it never applies
                for action in actions:
                    line = found.setdefault((name, action), {}).setdefault((rule.effect, text), Line(form))
                    line.mask |= mask
                    line.rules.append((mask, rule))
        return found

    def view(self, cell: Cell) -> View:
        return self.cells.get(cell, EMPTY)

    def without(self, cell: Cell, rule: RuleEntry) -> View:
        """A cell as it would be without one rule."""
        found: View = {}
        for key, line in self.view(cell).items():
            kept = [(mask, other) for mask, other in line.rules if other.number != rule.number]
            if kept:
                mask = 0
                for one, _ in kept:
                    mask |= one
                found[key] = Line(line.form, mask, kept)
        return found

    def closed(self, name: str) -> int:
        """The roles that hold a role: itself, and those that include it; 0 for a name that is no role's."""
        found = self.bits.get(name, 0)
        for role in self.table.roles.values():
            if name in role.includes:
                found |= self.bits[role.name]
        return found


class Group(NamedTuple):
    """Roles that have the same lines of a cell, before and after. `mask` has their bits, or EVERYONE alone for somebody
    without a role. The lists are keys, sorted."""

    mask: int
    old: tuple[Key, ...]
    new: tuple[Key, ...]


def groups(old: View, new: View, old_roles: int, new_roles: int, apart: bool = False) -> list[Group]:
    """Splits all roles by the lines that count for them, blocks included; somebody without a role comes first. A role
    that one of the tables lacks makes nobody a member there. `apart`: each role by itself."""
    everybody = old_roles | new_roles
    parts = [everybody] if everybody else []
    lines = [old_roles, new_roles, *(line.mask & ~3 for line in [*old.values(), *new.values()])]
    if apart:
        parts, rest = [], everybody
        while rest:
            parts.append(rest & -rest)
            rest &= rest - 1
    else:
        for mask in dict.fromkeys(lines):
            parts = [piece for part in parts for piece in (part & mask, part & ~mask) if piece]
    found = [Group(EVERYONE, _keys(old, EVERYONE), _keys(new, EVERYONE))]
    for part in parts:
        low = (part & -part) | EVERYONE
        before, after = (low | MEMBERS if part & roles else EVERYONE for roles in (old_roles, new_roles))
        found.append(Group(part, _keys(old, before), _keys(new, after)))
    return found


def _keys(view: View, mask: int) -> tuple[Key, ...]:
    return tuple(sorted(key for key, line in view.items() if line.mask & mask))


def reads_roles(*views: View) -> bool:
    """Whether some condition of a cell reads `user.roles`."""
    return any(ROLES_READ in text for view in views for _, text in view)


def strange(*views: View) -> bool:
    """Whether somebody may be decided otherwise at a place that the directory does not know, in another way than at one
    it knows: nobody is a member there, so what members are forbidden is not, and an instance of the root is never
    known. Elsewhere what a role forbids there it forbids at every place."""
    lines = [(effect, text, line) for view in views for (effect, text), line in view.items()]
    return any(SCOPE_READ in text or (effect == "deny" and line.mask & MEMBERS) for effect, text, line in lines)


def alike(old: View, new: View) -> bool:
    """Whether two views have the same lines for the same roles."""
    return old.keys() == new.keys() and all(line.mask == new[key].mask for key, line in old.items())


def declarations(reading: Reading | None) -> Any:
    """What two readings must share for one normal form to mean the same in both."""
    if reading is None:
        return None
    return tuple((root, tuple(sorted(found.items()))) for root, found in sorted(reading.roots.items()))


def rules_of(view: View, keys: Sequence[Key], mask: int) -> tuple[RuleEntry, ...]:
    """The rules behind some lines of a cell, as far as they count for somebody in the mask, by place."""
    found = {rule.number: rule for key in keys for own, rule in view[key].rules if own & mask}
    return tuple(found[number] for number in sorted(found))
