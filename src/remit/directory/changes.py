"""What one event changes in a directory, as data: the same list is made into a new directory, edited into a YAML file
and written into a database.

    remove ann, who is in group desk   →  UserGone("ann")                 memberships and assignments go with her
    invite bob as vet at branch/north  →  UserPut(User("bob", status="pending", assignments=(vet at branch/north,)))
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple, TypeAlias

from remit.directory.shape import Assignment, Directory, Group, Scope, User


class UserPut(NamedTuple):
    """A user who comes to exist, or whose entry becomes this one. A tombstone of that id is lifted."""

    user: User


class UserGone(NamedTuple):
    """A user is forgotten: assignments and memberships go, a tombstone stays."""

    id: str


class Joined(NamedTuple):
    """A user becomes a direct member of a group."""

    group: str
    user: str


class Left(NamedTuple):
    group: str
    user: str


class GroupPut(NamedTuple):
    """A group comes to exist, without members, or its assignments become these; its members stay."""

    name: str
    assignments: tuple[Assignment, ...] = ()


class GroupGone(NamedTuple):
    """A group without members is deleted; groups that it was in lose it."""

    name: str


class ScopePut(NamedTuple):
    scope: Scope


class ScopeGone(NamedTuple):
    name: str


class DomainJoined(NamedTuple):
    """Somebody joined from this domain (lower case), for the first time."""

    domain: str


Change: TypeAlias = UserPut | UserGone | Joined | Left | GroupPut | GroupGone | ScopePut | ScopeGone | DomainJoined


def changed(directory: Directory, changes: Iterable[Change]) -> Directory:
    """The directory after the changes; the one before stays as it is."""
    users, groups, scopes = dict(directory.users), dict(directory.groups), dict(directory.scopes)
    domains, removed = set(directory.joined_domains), set(directory.removed)
    for change in changes:
        match change:
            case UserPut(user):
                users[user.id] = user
                removed.discard(user.id)
            case UserGone(id):
                del users[id]
                removed.add(id)
                for name, group in groups.items():
                    if id in group.members:
                        groups[name] = without(group, id)
            case Joined(name, user_id):
                groups[name] = groups[name]._replace(members=(*groups[name].members, user_id))
            case Left(name, user_id):
                groups[name] = without(groups[name], user_id)
            case GroupPut(name, assignments):
                groups[name] = groups.get(name, Group(name))._replace(assignments=assignments)
            case GroupGone(name):
                del groups[name]
                for above, group in groups.items():
                    if name in group.groups:
                        groups[above] = group._replace(groups=tuple(inner for inner in group.groups if inner != name))
            case ScopePut(scope):
                scopes[scope.name] = scope
            case ScopeGone(name):
                del scopes[name]
            case DomainJoined(domain):
                domains.add(domain)
    return Directory(users, groups, scopes, frozenset(domains), frozenset(removed), directory.name)


def without(group: Group, user: str) -> Group:
    return group._replace(members=tuple(member for member in group.members if member != user))
