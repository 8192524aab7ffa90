"""Whom a change touches: who holds which role, anywhere, now or from some day on.

users  ann: vet      groups  staff ⊃ desk: [bob]      staff holds viewer
vet → ann      viewer → bob, through a group inside a group
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from remit.directory.shape import Assignment, Directory, Status
from remit.table.shape import Table


class Person(NamedTuple):
    """Somebody whom a change concerns."""

    id: str
    status: Status


class Concerned:
    """The holders of roles by one directory. An assignment that ended before `now` (nanoseconds since 1970) counts for
    nothing. Roles are asked for by the names of `tables`, the first of which knows them best; assignments may use
    former names."""

    def __init__(self, directory: Directory, tables: Iterable[Table], now: int) -> None:
        self.directory = directory
        self.now = now
        self.names: dict[str, str] = {}
        for table in tables:
            for role in table.roles.values():
                for name in (role.name, *role.former):
                    self.names.setdefault(name, role.name)
        self._of_role: dict[str, set[str]] = {}
        self._holding: set[str] = set()
        self._index()

    def holders(self, roles: Iterable[str]) -> tuple[Person, ...]:
        """Everybody to whom one of the roles is given, to them or to a group they are in, by id. What includes a role
        is a role of its own, and has to be named to be asked for."""
        found: set[str] = set()
        for role in roles:
            found |= self._of_role.get(role, set())
        return self._people(found)

    def without_roles(self) -> tuple[Person, ...]:
        """Everybody who holds no role."""
        return self._people(self.directory.users.keys() - self._holding)

    def everybody(self) -> tuple[Person, ...]:
        """Every user there is."""
        return self._people(self.directory.users)

    def _people(self, users: Iterable[str]) -> tuple[Person, ...]:
        known = self.directory.users
        return tuple(Person(user, known[user].status) for user in sorted(users) if user in known)

    def _index(self) -> None:
        groups = self._of_groups()
        for user in self.directory.users.values():
            for role in self._roles(user.assignments):
                self._of_role.setdefault(role, set()).add(user.id)
                self._holding.add(user.id)
        for group in self.directory.groups.values():
            if groups[group.name]:
                self._holding.update(group.members)
            for role in groups[group.name]:
                self._of_role.setdefault(role, set()).update(group.members)

    def _of_groups(self) -> dict[str, frozenset[str]]:
        """Group → the roles of its members: its own, and those of every group it is in. Outer groups come first, so
        that each is looked at once (Kahn's order; groups run in no circle)."""
        groups = self.directory.groups
        waiting = dict.fromkeys(groups, 0)
        for group in groups.values():
            for inner in group.groups:
                waiting[inner] = waiting.get(inner, 0) + 1
        found = {name: frozenset(self._roles(group.assignments)) for name, group in groups.items()}
        ready = [name for name, count in waiting.items() if not count]
        while ready:
            name = ready.pop()
            for inner in groups[name].groups if name in groups else ():
                found[inner] = found.get(inner, frozenset()) | found[name]
                waiting[inner] -= 1
                if not waiting[inner]:
                    ready.append(inner)
        return found

    def _roles(self, assignments: Iterable[Assignment]) -> Iterator[str]:
        for assignment in assignments:
            if assignment.end is None or assignment.end > self.now:
                yield self.names.get(assignment.role, assignment.role)
