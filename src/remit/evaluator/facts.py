"""What a condition may read in one decision: the request's and the directory's facts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

EMPTY: Mapping[str, Any] = {}


class Nobody:
    """The `user.id` of somebody who is known by their roles alone: equal to no id."""

    def __repr__(self) -> str:
        return "nobody"


NOBODY = Nobody()


class Facts:
    """One decision's facts. `roles`, `groups` and `time` are found only when a condition asks: each is a function
    that gives the value, or None where it is unknown. `time` is nanoseconds since 1970."""

    __slots__ = ("attributes", "context", "groups", "properties", "resource_id", "roles", "scope", "time", "user_id")

    def __init__(
        self,
        user_id: Any,
        attributes: Mapping[str, Any],
        resource_id: str | None,
        scope: str | None,
        properties: Mapping[str, Any],
        context: Mapping[str, Any],
        groups: Callable[[], frozenset[str] | None],
        roles: Callable[[], frozenset[str] | None],
        time: Callable[[], int | None],
    ) -> None:
        self.user_id = user_id
        self.attributes = attributes
        self.resource_id = resource_id
        self.scope = scope
        self.properties = properties
        self.context = context
        self.groups = groups
        self.roles = roles
        self.time = time

    def section(self, root: str) -> Mapping[str, Any]:
        """The declared attributes' values under `resource`, `user` or `context`."""
        if root == "resource":
            return self.properties
        return self.attributes if root == "user" else self.context
