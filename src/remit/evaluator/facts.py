"""What a condition may read in one decision: the request's and the directory's facts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

EMPTY: Mapping[str, Any] = {}


class Nobody:
    """The `user.id` of somebody who is known by their roles alone: equal to no id."""

    def __repr__(self) -> str:
        return "nobody"


NOBODY = Nobody()


class Person(NamedTuple):
    """What stays the same for one user at one scope, and is seldom asked. `groups`, `roles` and `time` are found only
    when a condition asks: each is a function that gives the value, or None where it is unknown. `time` is nanoseconds
    since 1970."""

    scope: str | None
    groups: Callable[[], frozenset[str] | None]
    roles: Callable[[], frozenset[str] | None]
    time: Callable[[], int | None]


FactTuple = tuple[Any, Mapping[str, Any], Mapping[str, Any], Mapping[str, Any], "str | None", Person]
USER_ID: Final = 0
PROPERTIES: Final = 1
CONTEXT: Final = 2
ATTRIBUTES: Final = 3
RESOURCE_ID: Final = 4
PERSON: Final = 5


class Facts(NamedTuple):
    """One decision's facts. On the fast path they are the bare `FactTuple`: it is made in a fifth of the time, and
    its places are read faster than names. `attributes` are the user's."""

    user_id: Any
    properties: Mapping[str, Any]
    context: Mapping[str, Any]
    attributes: Mapping[str, Any]
    resource_id: str | None
    person: Person

    @property
    def scope(self) -> str | None:
        return self.person.scope

    @property
    def groups(self) -> Callable[[], frozenset[str] | None]:
        return self.person.groups

    @property
    def roles(self) -> Callable[[], frozenset[str] | None]:
        return self.person.roles

    @property
    def time(self) -> Callable[[], int | None]:
        return self.person.time

    def section(self, root: str) -> Mapping[str, Any]:
        """The declared attributes' values under `resource`, `user` or `context`."""
        if root == "resource":
            return self.properties
        return self.attributes if root == "user" else self.context
