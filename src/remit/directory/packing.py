"""A directory as plain data, which JSON can hold, and back: what is remembered of a file that was read once.

Columns, as for tables (`remit.table.pack`): what is made a column at a time costs a small part of what it costs a
person at a time, and words that many people share stand once. Lists inside lists stand one after the other, with how
many there are for each.

    ann: {assignments: [{role: vet}]}       ids         ["ann", "bob"]
    bob: {assignments: [{role: vet},        many        [1, 2]
                        {role: chief}]}     role        {"words": ["vet", "chief"], "at": [0, 0, 1]}
                                            scope       {"words": [null], "at": null}      (one word for all)
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from operator import attrgetter
from typing import Any, cast

from remit.directory.circles import circles
from remit.directory.shape import STATUSES, Assignment, Directory, Group, Scope, User

_TEXT, _NUMBER, _NONE = str, int, type(None)


class NotPackedError(Exception):
    """The data is none that `pack` made."""


def pack(directory: Directory) -> dict[str, Any]:
    """The directory as plain data, in the order it has; its `name` left out."""
    users, groups, scopes = ([*part.values()] for part in (directory.users, directory.groups, directory.scopes))
    return {
        "users": {
            "id": [user.id for user in users],
            "type": _coded(user.type for user in users),
            "status": _coded(user.status for user in users),
            "status_before": _coded(user.status_before for user in users),
            "attributes": [[number, user.attributes] for number, user in enumerate(users) if user.attributes],
            "assignments": _assignments(users),
            **_places(users),
        },
        "groups": {
            "name": [group.name for group in groups],
            "members": _lists([group.members for group in groups]),
            "groups": _lists([group.groups for group in groups]),
            "assignments": _assignments(groups),
            **_places(groups),
        },
        "scopes": {
            "name": [scope.name for scope in scopes],
            "parents": _lists([scope.parents for scope in scopes]),
            **_places(scopes),
        },
        "joined_domains": sorted(directory.joined_domains),
        "removed": sorted(directory.removed),
    }


def _assignments(holders: Sequence[User | Group]) -> dict[str, Any]:
    given = [assignment for holder in holders for assignment in holder.assignments]
    return {
        "many": [len(holder.assignments) for holder in holders],
        **{name: _coded(map(attrgetter(name), given)) for name in ("role", "scope", "start", "end")},
        **_places(given),
    }


def _places(items: Sequence[User | Group | Scope | Assignment]) -> dict[str, Any]:
    return {"line": [item.line for item in items], "column": [item.column for item in items]}


def _lists(lists: Sequence[Sequence[str]]) -> dict[str, Any]:
    return {"many": [len(one) for one in lists], "items": _coded(chain.from_iterable(lists))}


def _coded(column: Iterable[object]) -> dict[str, Any]:
    """What stands in a column, each once, and the numbers of it; no numbers where one word stands everywhere."""
    numbers: dict[object, int] = {}
    at = [numbers.setdefault(word, len(numbers)) for word in column]
    return {"words": [*numbers], "at": at if len(numbers) > 1 else None}


def unpack(data: Any) -> Directory:
    """The directory of packed data. Raises NotPackedError where it is not of that form, or where it breaks what
    `Directory` promises."""
    try:
        found = Directory(
            users={user.id: user for user in _users(data["users"])},
            groups={group.name: group for group in _groups(data["groups"])},
            scopes={scope.name: scope for scope in _scopes(data["scopes"])},
            joined_domains=frozenset(_all(data["joined_domains"], _TEXT)),
            removed=frozenset(_all(data["removed"], _TEXT)),
        )
        if not _is_sound(found, data) or len(found.users) != len(data["users"]["id"]):
            raise ValueError
        return found
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
        raise NotPackedError from error


def _is_sound(found: Directory, data: Mapping[str, Any]) -> bool:
    """Whether all that is named is there, and nothing runs in a circle."""
    users, groups, scopes = (data[name] for name in ("users", "groups", "scopes"))
    places: set[str] = set()
    for words in (scopes["parents"]["items"], users["assignments"]["scope"], groups["assignments"]["scope"]):
        places |= {word for word in words["words"] if word and "/" in word}  # of a kind alone only the policy knows
    members, inside = (set(groups[name]["items"]["words"]) for name in ("members", "groups"))
    if not (members <= found.users.keys() and inside <= found.groups.keys() and places <= found.scopes.keys()):
        return False
    inner = {name: group.groups for name, group in found.groups.items()}
    above = {name: scope.parents for name, scope in found.scopes.items()}
    return not any(circles(inner)) and not any(circles(above))


def _users(data: Mapping[str, Any]) -> Iterator[User]:
    ids = _all(data["id"], _TEXT)
    count = len(ids)
    statuses, before = _words(data["status"], count, _TEXT), _words(data["status_before"], count, _TEXT, _NONE)
    if not {*statuses, *before} <= {*STATUSES, None}:
        raise ValueError
    attributes: list[dict[str, object]] = [{} for _ in ids]
    for number, found in data["attributes"]:
        if type(found) is not dict or number < 0:
            raise ValueError
        attributes[number] = found
    types, held = _words(data["type"], count, _TEXT), _held(data["assignments"])
    return map(User._make, zip(ids, types, statuses, attributes, held, *_placed(data), before, strict=True))


def _groups(data: Mapping[str, Any]) -> Iterator[Group]:
    names, members, groups = _all(data["name"], _TEXT), _listed(data["members"]), _listed(data["groups"])
    rows = zip(names, members, groups, _held(data["assignments"]), *_placed(data), strict=True)
    return map(Group._make, rows)


def _scopes(data: Mapping[str, Any]) -> Iterator[Scope]:
    rows = zip(_all(data["name"], _TEXT), _listed(data["parents"]), *_placed(data), strict=True)
    return map(Scope._make, rows)


def _held(data: Mapping[str, Any]) -> Iterator[tuple[Assignment, ...]]:
    """What each holder is assigned."""
    many, lines = _numbers(data["many"]), _numbers(data["line"])
    count = len(lines)
    if sum(many) != count:
        raise ValueError
    roles, scopes = _words(data["role"], count, _TEXT), _words(data["scope"], count, _TEXT, _NONE)
    times = [_words(data[name], count, _NUMBER, _NONE) for name in ("start", "end")]
    given = [*map(Assignment._make, zip(roles, scopes, *times, *_placed(data), strict=True))]
    return _parted(given, many)


def _listed(data: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    many, items = _numbers(data["many"]), data["items"]
    if sum(many) > len(many) * len(items["words"]):  # a list has no word twice, and one word no numbers that end it
        raise ValueError
    return _parted(_words(items, sum(many), _TEXT), many)


def _parted(items: Sequence[Any], many: Iterable[int]) -> Iterator[tuple[Any, ...]]:
    end = 0
    for count in many:
        start, end = end, end + count
        yield tuple(items[start:end])


def _placed(data: Mapping[str, Any]) -> tuple[list[int], list[int]]:
    return _numbers(data["line"]), _numbers(data["column"])


def _words(data: Mapping[str, Any], count: int, *kinds: type) -> list[Any]:
    """So many words of a column."""
    words, at = _all(data["words"], *kinds), data["at"]
    found = words[:1] * count if at is None else [*map(words.__getitem__, _numbers(at))]
    if len(found) != count:
        raise ValueError
    return found


def _numbers(column: Any) -> list[int]:
    """Numbers that count something."""
    if min(_all(column, _NUMBER), default=0) < 0:
        raise ValueError
    return cast("list[int]", column)


def _all(column: Any, *kinds: type) -> list[Any]:
    """The column, all of whose values are of these types."""
    if type(column) is not list or not {*map(type, column)} <= {*kinds}:
        raise ValueError
    return column
