"""Rows ↔ the shapes of a directory: what a column holds and how it is read.

('vet', 'branch/north', None, '2026-06-30T22:00:00Z')   Assignment("vet", "branch/north", None, 1782856800000000000)
('owner', '', None, None)                               Assignment("owner")

Equal rows become one object, and equal lists of them too: a million users share a few thousand.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeAlias

from remit.directory.shape import EMPTY, STATUSES, Assignment, Status, User
from remit.instant import format_instant, parse_instant

AssignmentRow: TypeAlias = tuple[str, str, str | None, str | None]  # role, scope, starts, ends
_STATUS: dict[str | None, Status] = {name: name for name in STATUSES}


class BadRowError(Exception):
    """A row that nobody of ours wrote."""


@contextmanager
def sound() -> Iterator[None]:
    """Rows that do not fit together, of a damaged database or changed by other hands, as BadRowError."""
    try:
        yield
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise BadRowError("its rows do not fit together") from error


class Shared(dict[AssignmentRow, Assignment]):
    """Assignments by their rows, each made once."""

    def __missing__(self, row: AssignmentRow) -> Assignment:
        role, scope, starts, ends = row
        made = self[row] = Assignment(role, scope or None, _instant(starts), _instant(ends))
        return made


def assignment_row(given: Assignment) -> AssignmentRow:
    return (given.role, given.scope or "", _written(given.start), _written(given.end))


def user_row(user: User) -> tuple[str, str, str, str | None, str | None]:
    attributes = json.dumps(dict(user.attributes)) if user.attributes else None
    return (user.id, user.type, user.status, user.status_before, attributes)


def user_of(
    id: str, type: str, status: str, before: str | None, attributes: str | None, assignments: tuple[Assignment, ...]
) -> User:
    return User(
        id, type, status_of(status), attributes_of(attributes) if attributes else EMPTY, assignments,
        status_before=None if before is None else status_of(before),
    )  # fmt: skip


def status_of(text: str) -> Status:
    known = _STATUS.get(text)
    if known is None:
        raise BadRowError("a user has a status that there is not")
    return known


def attributes_of(text: str) -> Mapping[str, Any]:
    try:
        read = json.loads(text)
    except (ValueError, TypeError, RecursionError):
        raise BadRowError("the attributes of a user are no JSON") from None
    if not isinstance(read, dict):
        raise BadRowError("the attributes of a user are no object")
    return read


def _written(instant: int | None) -> str | None:
    return None if instant is None else format_instant(instant)


def _instant(text: str | None) -> int | None:
    if text is None:
        return None
    found = parse_instant(text)
    if found is None:
        raise BadRowError("an assignment begins or ends at no time")
    return found


__all__ = ["BadRowError", "Shared", "assignment_row", "user_of", "user_row"]
