"""What judging an event asks of a directory: little enough that a database can answer without being read whole.

Everything about given people, groups and places comes as a *neighbourhood*: a small directory with just these users,
the groups they are in (to the top, with these members alone) and the places above. The evaluator binds it like any
other, so the same code decides on a file and on a database.

    neighbourhood(users={ann}) of  desk: [ann, bob], staff: [group/desk]
    → users ann, groups desk: [ann], staff: [group/desk]
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable, Iterator
from typing import Protocol

from remit.directory.changes import (
    Change,
    DomainJoined,
    GroupGone,
    GroupPut,
    Joined,
    Left,
    ScopeGone,
    ScopePut,
    UserGone,
    UserPut,
)
from remit.directory.shape import Assignment, Directory, Group, Scope, User

_DOMAIN = re.compile(r"[a-z0-9_-]+(?:\.[a-z0-9_-]+)*")


class Roster(Protocol):
    """A directory as events see it, as it is at one moment."""

    def neighbourhood(
        self, users: Collection[str] = (), groups: Collection[str] = (), scopes: Collection[str] = ()
    ) -> Directory:
        """Those of the named users, groups and scopes that exist, all groups above and the places above, of
        assignments too. Its groups have those members alone that are asked for."""

    def is_removed(self, user: str) -> bool:
        """Whether the user left a tombstone."""

    def has_joined(self, domain: str) -> bool:
        """Whether anybody ever joined from the domain (lower case)."""

    def members(self, group: str) -> Iterable[str]:
        """Everybody in the group, through groups inside it too, each once."""

    def holders(self, roles: Collection[str], scopes: Collection[str | None] | None, active: bool) -> Iterator[str]:
        """Everybody with an assignment, now or at another time, of one of these role names at one of these scopes
        (anywhere: None), by themselves or through groups; each once. `active`: active users alone."""

    def instances(self, kind: str, below: str | None) -> Iterable[str]:
        """The places of a kind at `below` or under it; all of them for None."""

    def group_in_use(self, group: str) -> bool:
        """Whether the group has members, groups inside it, or assignments."""

    def scope_in_use(self, scope: str) -> bool:
        """Whether anything is assigned at the scope, or a place lies below it."""


def domain_of(user: str) -> str:
    """The domain behind the last `@`, as `plain_domain` writes it; empty without one."""
    return plain_domain(user.rpartition("@")[2]) if "@" in user else ""


def plain_domain(text: str) -> str:
    """A domain in the one way it is written here: in lower case, in ASCII (IDNA), without blanks and dots around it. So
    nobody is the first of a domain by writing it otherwise. Empty for what is no domain."""
    folded = unicodedata.normalize("NFKC", text).casefold().strip(" .\t\r\n")
    try:
        plain = folded.encode("idna").decode("ascii")
    except UnicodeError:
        return ""
    return plain if _DOMAIN.fullmatch(plain) else ""


def registered(user: User) -> bool:
    """Whether the user has joined: not one who was invited and never came."""
    return user.status == "active" or (user.status == "disabled" and user.status_before != "pending")


class MemoryRoster:
    """The roster of a directory in memory; `take` changes it in place."""

    def __init__(self, directory: Directory) -> None:
        self._users = dict(directory.users)
        self._groups = {name: group._replace(members=(), groups=()) for name, group in directory.groups.items()}
        self._members = {name: dict.fromkeys(group.members) for name, group in directory.groups.items()}
        self._inner = {name: dict.fromkeys(group.groups) for name, group in directory.groups.items()}
        self._scopes = dict(directory.scopes)
        self._joined = set(directory.joined_domains)
        self._plain_joined = {plain_domain(domain) for domain in self._joined}
        self._removed = dict.fromkeys(directory.removed)
        self._name = directory.name
        self._direct: dict[str, dict[str, None]] = {}  # user → the groups they are in
        self._outer: dict[str, dict[str, None]] = {}  # group → the groups it is in
        for name, group in directory.groups.items():
            for member in group.members:
                self._direct.setdefault(member, {})[name] = None
            for inner in group.groups:
                self._outer.setdefault(inner, {})[name] = None
        self._holding: dict[str, dict[tuple[bool, str], None]] | None = None  # role name → (a group's, whose)
        self._domains: set[str] | None = None  # those of the users there are, and were

    def directory(self) -> Directory:
        """All of it, as it is now."""
        groups = {
            name: group._replace(members=tuple(self._members[name]), groups=tuple(self._inner[name]))
            for name, group in self._groups.items()
        }
        domains, removed = frozenset(self._joined), frozenset(self._removed)
        return Directory(dict(self._users), groups, dict(self._scopes), domains, removed, self._name)

    # -- what is asked ---------------------------------------------------------------------------------------------

    def neighbourhood(
        self, users: Collection[str] = (), groups: Collection[str] = (), scopes: Collection[str] = ()
    ) -> Directory:
        people = {name: self._users[name] for name in users if name in self._users}
        named = [name for name in groups if name in self._groups]
        above = self._upwards([*named, *(group for name in people for group in self._direct.get(name, ()))])
        members: dict[str, list[str]] = {}
        for name in people:
            for group in self._direct.get(name, ()):
                members.setdefault(group, []).append(name)
        near = {
            name: self._groups[name]._replace(
                members=tuple(members.get(name, ())),
                groups=tuple(inner for inner in self._inner[name] if inner in above),
            )
            for name in above
        }
        holders: list[User | Group] = [*people.values(), *near.values()]
        held = [given.scope for one in holders for given in one.assignments]
        return Directory(people, near, self._places([*scopes, *(scope for scope in held if scope is not None)]))

    def _upwards(self, groups: list[str]) -> dict[str, None]:
        found: dict[str, None] = {}
        while groups:
            name = groups.pop()
            if name not in found:
                found[name] = None
                groups.extend(self._outer.get(name, ()))
        return found

    def _places(self, pending: list[str]) -> dict[str, Scope]:
        found: dict[str, Scope] = {}
        while pending:
            name = pending.pop()
            if name in self._scopes and name not in found:
                found[name] = self._scopes[name]
                pending.extend(found[name].parents)
        return found

    def is_removed(self, user: str) -> bool:
        return user in self._removed

    def has_joined(self, domain: str) -> bool:
        if self._domains is None:
            self._domains = {domain_of(user.id) for user in self._users.values() if registered(user)}
            self._domains |= {domain_of(user) for user in self._removed}
        return domain in self._plain_joined or domain in self._domains

    def members(self, group: str) -> Iterable[str]:
        found: dict[str, None] = {}
        seen, pending = {group}, [group]
        while pending:
            name = pending.pop()
            found.update(self._members[name])
            for inner in self._inner[name]:
                if inner not in seen:
                    seen.add(inner)
                    pending.append(inner)
        return found

    def holders(self, roles: Collection[str], scopes: Collection[str | None] | None, active: bool) -> Iterator[str]:
        if self._holding is None:
            self._holding = {}
            for one in self._holders():
                self._index(one, one.assignments)
        seen: set[str] = set()
        for role in roles:
            for of_group, name in self._holding.get(role, ()):
                holder = self._groups[name] if of_group else self._users[name]
                if scopes is not None and not any(
                    given.role == role and given.scope in scopes for given in holder.assignments
                ):
                    continue
                for user in self.members(name) if of_group else (name,):
                    if user not in seen:
                        seen.add(user)
                        if not active or self._users[user].status == "active":
                            yield user

    def instances(self, kind: str, below: str | None) -> Iterable[str]:
        names = [name for name in self._scopes if name.partition("/")[0] == kind]
        return names if below is None else [name for name in names if below in self._places([name])]

    def group_in_use(self, group: str) -> bool:
        return bool(self._members[group] or self._inner[group] or self._groups[group].assignments)

    def scope_in_use(self, scope: str) -> bool:
        return any(scope in other.parents for other in self._scopes.values()) or any(
            given.scope == scope for one in self._holders() for given in one.assignments
        )

    def _holders(self) -> Iterator[User | Group]:
        yield from self._users.values()
        yield from self._groups.values()

    # -- changes ---------------------------------------------------------------------------------------------------

    def take(self, changes: Iterable[Change]) -> None:
        """Makes the changes, as `remit.directory.changes.changed` does."""
        for change in changes:
            match change:
                case UserPut(user):
                    before = self._users.get(user.id)
                    self._replace(user, before.assignments if before else ())
                    self._users[user.id] = user
                    self._removed.pop(user.id, None)
                    if self._domains is not None and registered(user):
                        self._domains.add(domain_of(user.id))
                case UserGone(id):
                    self._replace(User(id), self._users.pop(id).assignments)
                    for name in self._direct.pop(id, ()):
                        del self._members[name][id]
                    self._removed[id] = None
                    if self._domains is not None:
                        self._domains.add(domain_of(id))
                case Joined(name, id):
                    self._members[name][id] = None
                    self._direct.setdefault(id, {})[name] = None
                case Left(name, id):
                    del self._members[name][id]
                    del self._direct[id][name]
                case GroupPut(name, assignments):
                    former = self._groups.get(name, Group(name))
                    group = former._replace(assignments=assignments)
                    self._replace(group, former.assignments)
                    self._groups[name] = group
                    self._members.setdefault(name, {})
                    self._inner.setdefault(name, {})
                case GroupGone(name):
                    self._replace(Group(name), self._groups.pop(name).assignments)
                    for above in self._outer.pop(name, ()):
                        del self._inner[above][name]
                    del self._members[name], self._inner[name]
                case ScopePut(scope):
                    self._scopes[scope.name] = scope
                case ScopeGone(name):
                    del self._scopes[name]
                case DomainJoined(domain):
                    self._joined.add(domain)
                    self._plain_joined.add(domain)

    def _replace(self, holder: User | Group, before: tuple[Assignment, ...]) -> None:
        """Keeps the index of holders in step with somebody's assignments."""
        if self._holding is None:
            return
        key = _key(holder)
        for given in before:
            self._holding.get(given.role, {}).pop(key, None)
        self._index(holder, holder.assignments)

    def _index(self, holder: User | Group, assignments: tuple[Assignment, ...]) -> None:
        assert self._holding is not None
        for given in assignments:
            self._holding.setdefault(given.role, {})[_key(holder)] = None


def _key(holder: User | Group) -> tuple[bool, str]:
    return (True, holder.name) if isinstance(holder, Group) else (False, holder.id)


__all__ = ["MemoryRoster", "Roster", "domain_of", "registered"]
