"""What else differs between two policies, beside what anybody may do: catalogue, assignments, guards, locks, asserts.

Read off the two meanings (`remit.table.meaning`), which are plain data by name, and of two directories off their users.
A role with a new name is the same where it keeps the old one by `was`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal, NamedTuple

from remit.directory.shape import Directory
from remit.table.meaning import meaning_beside, type_from
from remit.table.shape import Table

About = Literal["type", "action", "attribute", "scope", "role", "assignments", "guard", "assert", "user"]


class Beside(NamedTuple):
    """One thing that is new, gone, or otherwise. `name` is a name, or a text that says which; `what` says more."""

    about: About
    name: str
    how: Literal["added", "removed", "changed"]
    what: str = ""


def beside(old: Table, new: Table) -> Iterator[Beside]:
    """All of it, in a fixed order."""
    before, after = meaning_beside(old), meaning_beside(new)
    for side in (before, after):
        for role in side["roles"].values():  # the meaning has all that a role includes, also through another
            inner = {name for other in role["includes"] for name in side["roles"][other]["includes"]}
            role["includes"] = [name for name in role["includes"] if name not in inner]
    yield from _catalogue(before["catalogue"], after["catalogue"])
    yield from _named("scope", before["scopes"]["kinds"], after["scopes"]["kinds"])
    yield from _roles(before["roles"], after["roles"])
    yield from _assignments(old, new, before["assignments"], after["assignments"])
    yield from _named("guard", before["guards"], after["guards"])
    yield from _texts("assert", _asserts(old), _asserts(new))


def beside_people(old: Directory, new: Directory) -> Iterator[Beside]:
    """The users of whom the directories say another type, since a request that names the other one is by nobody they
    know; and those who are given roles and may not do anything yet."""
    for name in sorted(new.users):
        user, known = new.users[name], old.users.get(name)
        if known is not None and known.type != user.type:
            yield Beside("user", name, "changed", f"type {known.type} → {user.type}")
        had = {(one.role, one.scope) for one in known.assignments} if known is not None else set()
        come = [one for one in user.assignments if (one.role, one.scope) not in had]
        if come and user.status != "active":
            roles = ", ".join(dict.fromkeys(one.role for one in come))
            yield Beside("user", name, "changed", f"given {roles}, counting once they are no longer {user.status}")


def _catalogue(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Beside]:
    old, new = before["types"], after["types"]
    for name in sorted({*old, *new}):
        if name not in new or name not in old:
            yield Beside("type", name, "added" if name in new else "removed")
            continue
        if old[name]["area"] != new[name]["area"]:
            yield Beside("type", name, "changed", f"area {old[name]['area']} → {new[name]['area']}")
        for action in sorted({*old[name]["actions"], *new[name]["actions"]}):
            if (action in old[name]["actions"]) != (action in new[name]["actions"]):
                how: Literal["added", "removed"] = "added" if action in new[name]["actions"] else "removed"
                yield Beside("action", f"{action} on {name}", how)
        yield from _attributes(f"{name}.", old[name]["attributes"], new[name]["attributes"])
    for root in ("user", "context", "claims"):
        yield from _attributes(f"{root}.", before[root], after[root])


def _attributes(prefix: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Beside]:
    for one in _named("attribute", old, new):
        what = f"{_type(old[one.name])} → {_type(new[one.name])}" if one.how == "changed" else ""
        yield one._replace(name=prefix + one.name, what=what)


def _type(data: Any) -> str:
    kind, optional = data
    word = str(type_from(kind))
    if not optional:
        return word
    return f"({word})?" if " | " in word else f"{word}?"


def _named(about: About, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Beside]:
    for name in sorted({*old, *new}):
        if name not in old:
            yield Beside(about, name, "added")
        elif name not in new:
            yield Beside(about, name, "removed")
        elif old[name] != new[name]:
            yield Beside(about, name, "changed")


def _roles(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Beside]:
    renamed = {
        former: name for name, role in new.items() for former in role["former"] if former in old and former not in new
    }
    came = set()
    for former, name in sorted(renamed.items()):
        if name not in old and name not in came:
            came.add(name)
            old = {(name if key == former else key): value for key, value in old.items()}
            yield Beside("role", name, "changed", f"its name was {former}")
    old = {key: {**role, "includes": [renamed.get(one, one) for one in role["includes"]]} for key, role in old.items()}
    for name in came:  # which says that it was another's name
        old[name] = {**old[name], "former": new[name]["former"]}
    for one in _named("role", old, new):
        what = ""
        if one.how == "changed":
            before, after = old[one.name], new[one.name]
            said = []
            if before["locked"] != after["locked"]:
                said.append("locked" if after["locked"] else "no longer locked")
            if before["includes"] != after["includes"]:
                said.append(f"includes {_list(before['includes'])} → {_list(after['includes'])}")
            if before["former"] != after["former"]:
                said.append(f"was {_list(before['former'])} → {_list(after['former'])}")
            what = ", ".join(said)
        yield one._replace(what=what)


def _list(names: list[str]) -> str:
    return ", ".join(names) or "none"


def _assignments(old: Table, new: Table, before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Beside]:
    for name in ("individual_over_group", "roles_from_subject"):
        if before[name] != after[name]:
            yield Beside("assignments", name.replace("_", " "), "added" if after[name] else "removed")
    if before["lines"] != after["lines"]:
        lines = [[event.place.text for event in table.events] for table in (old, new)]
        yield from _texts("assignments", *lines)


def _asserts(table: Table) -> list[str]:
    return [" ".join(claim.place.text.split()) for claim in table.assertions]


def _texts(about: About, old: list[str], new: list[str]) -> Iterator[Beside]:
    """Lines that only one side has, by what they say."""
    before, after = {" ".join(text.split()) for text in old}, {" ".join(text.split()) for text in new}
    for text in sorted(before - after):
        yield Beside(about, text, "removed")
    for text in sorted(after - before):
        yield Beside(about, text, "added")
