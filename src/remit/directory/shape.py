"""The directory as data: who holds which role where. The reader, the stores and the binding share these shapes."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

Status = Literal["active", "pending", "disabled"]
EMPTY: Mapping[str, Any] = MappingProxyType({})
STATUSES: tuple[Status, ...] = ("active", "pending", "disabled")


class Assignment(NamedTuple):
    """A role at a scope. `scope` is `KIND/ID`, the root's kind, or None for the root; `start` and `end` are nanoseconds
    since 1970 (UTC), from inclusive to exclusive, None where open. `line` and `column` are 0 where it has no file."""

    role: str
    scope: str | None = None
    start: int | None = None
    end: int | None = None
    line: int = 0
    column: int = 0

    @property
    def timed(self) -> bool:
        return self.start is not None or self.end is not None


class User(NamedTuple):
    id: str
    type: str = "user"
    status: Status = "active"
    attributes: Mapping[str, object] = EMPTY
    assignments: tuple[Assignment, ...] = ()
    line: int = 0
    column: int = 0
    status_before: Status | None = None  # what `enable` brings back


class Group(NamedTuple):
    """`members` are user ids, `groups` the names of the groups inside this one."""

    name: str
    members: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    assignments: tuple[Assignment, ...] = ()
    line: int = 0
    column: int = 0


class Scope(NamedTuple):
    """A place. No parents means directly below the root."""

    name: str
    parents: tuple[str, ...] = ()
    line: int = 0
    column: int = 0


class Directory(NamedTuple):
    """Everything a decision may know about people and places. INVARIANT: members and groups named exist, and neither
    groups nor scopes run in a circle; the reader and the stores refuse anything else."""

    users: Mapping[str, User] = EMPTY
    groups: Mapping[str, Group] = EMPTY
    scopes: Mapping[str, Scope] = EMPTY
    joined_domains: frozenset[str] = frozenset()
    removed: frozenset[str] = frozenset()
    name: str = ""  # the file or address it came from, for messages
