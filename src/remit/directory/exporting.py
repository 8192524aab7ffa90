"""A directory as the text of a YAML file, an entry a line, which reads back as it.

users:
  ann: {assignments: [{role: vet, scope: branch/north}]}
groups:
  desk: {members: [ann], assignments: [{role: viewer}]}
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from remit.directory.rendering import Style, body, written
from remit.directory.shape import Directory, Group, Scope, User


def directory_text(directory: Directory) -> str:
    """The whole text. Raises ValueError or TypeError where an attribute holds what JSON cannot say, and where a member
    could be read as a group."""
    for group in directory.groups.values():
        if odd := next((name for name in group.members if name.startswith("group/")), None):
            raise ValueError(f"the user `{odd}` is in a group, where a file would name the group")
    return "".join(_lines(directory)) or "{}\n"


def _lines(directory: Directory) -> Iterator[str]:
    yield from _section("scopes", directory.scopes.items())
    yield from _section("users", directory.users.items())
    yield from _section("groups", directory.groups.items())
    for name, listed in (("joined_domains", directory.joined_domains), ("removed", directory.removed)):
        if listed:
            yield f"{name}:\n"
            yield from (f"  - {written(item, Style())}\n" for item in sorted(listed))


def _section(name: str, entries: Iterable[tuple[str, User | Group | Scope]]) -> Iterator[str]:
    style, begun = Style(), False
    for key, value in entries:
        if not begun:
            begun = True
            yield f"{name}:\n"
        yield f"  {written(key, style)}: {written(body(value), style)}\n"
