"""Whether a directory fits a policy's scopes: what would make decisions guess is refused when the two are bound.

An assignment of a role that the policy lacks is no misfit: it gives nothing, and `lint` reports it, as it does
attributes that no condition could read.
"""

from __future__ import annotations

from remit.diagnostics import Diagnostic, Level, Suggestions
from remit.directory.shape import Assignment, Directory, Group, Scope, User
from remit.model.types import belongs
from remit.source import Source, Span
from remit.table.shape import Table


class _Found:
    """What is found, at lines and columns of the directory's file, whose text the binding does not keep."""

    def __init__(self, directory: Directory) -> None:
        self.name = directory.name
        self.near = Suggestions()
        self.raw: list[tuple[str, str, int, int, str, Level]] = []

    def add(self, code: str, message: str, at: Scope | Assignment | User, help: str, level: Level = "error") -> None:
        self.raw.append((code, message, max(at.line, 1), max(at.column, 1), help, level))

    def placed(self) -> list[Diagnostic]:
        """The findings, in one blank text that has just the lines and columns they need."""
        widths: dict[int, int] = {}
        for _, _, line, column, _, _ in self.raw:
            widths[line] = max(widths.get(line, 1), column)
        starts: dict[int, int] = {}
        pieces: list[str] = []
        length = last = 0
        for line, width in sorted(widths.items()):
            pieces += ["\n" * (line - 1 - last), " " * (width - 1), "\n"]
            starts[line] = length + line - 1 - last
            length, last = starts[line] + width, line
        source = Source(self.name, "".join(pieces), self.name)
        places = [starts[line] + column - 1 for _, _, line, column, _, _ in self.raw]
        return [
            Diagnostic(code, message, Span(source, at, at), help=help, level=level)
            for at, (code, message, _, _, help, level) in zip(places, self.raw, strict=True)
        ]


def misfits(table: Table, directory: Directory) -> list[Diagnostic]:
    """Scopes of kinds the policy lacks, parents of a kind below, assignments at places that are not there."""
    found = _Found(directory)
    depth = {kind: _depth(table, kind) for kind in table.scopes}
    for scope in directory.scopes.values():
        kind = scope.name.split("/", 1)[0]
        if kind not in depth or kind == table.root:
            help = f"the root is just `{kind}`" if kind in depth else found.near.similar(kind, depth, _kinds(table))
            message = f"the policy has no scope kind `{kind}`" if kind not in depth else f"`{scope.name}` is no place"
            found.add("E418", message, scope, help)
            continue
        for parent in scope.parents:
            above = parent.split("/", 1)[0]
            if parent != table.root and (above not in depth or "/" not in parent or not may_hold(table, above, kind)):
                message = f"`{parent}` cannot be above `{scope.name}`"
                help = f"a {kind} is in a {table.scopes[kind]}, or in another {kind}"
                found.add("E419", message, scope, help)
    for user in directory.users.values():
        _places(table, directory, user.assignments, found)
    for group in directory.groups.values():
        _places(table, directory, group.assignments, found)
    return found.placed()


def unknown_roles(table: Table, directory: Directory) -> list[Diagnostic]:
    """Assignments of roles that the policy lacks, and of former names."""
    found = _Found(directory)
    holders: list[User | Group] = [*directory.users.values(), *directory.groups.values()]
    former = {name: role.name for role in table.roles.values() for name in role.former}
    for holder in holders:
        for given in holder.assignments:
            if given.role in table.roles:
                continue
            if given.role in former:
                message = f"role `{given.role}` is now called `{former[given.role]}`"
                found.add("W421", message, given, "use the new name", "warning")
            else:
                message = f"the policy has no role `{given.role}`"
                help = found.near.similar(given.role, table.roles, "this assignment gives nothing")
                found.add("E420", message, given, help)
    return found.placed()


def wrong_attributes(table: Table, directory: Directory) -> list[Diagnostic]:
    """Users' attributes that the policy does not declare, or of another type: conditions read them as missing."""
    found = _Found(directory)
    for user in directory.users.values():
        for name, value in user.attributes.items():
            declared = table.user.get(name)
            if declared is None:
                help = found.near.similar(name, table.user, "no condition can read it")
                found.add("W422", f"the policy declares no user attribute `{name}`", user, help, "warning")
            elif value is not None and not belongs(value, declared.type):
                message = f"the user attribute `{name}` is {declared.type.spoken}, and this is none"
                found.add("W423", message, user, "conditions that read it are unknown", "warning")
    return found.placed()


def _places(table: Table, directory: Directory, given: tuple[Assignment, ...], found: _Found) -> None:
    for assignment in given:
        scope = assignment.scope
        if scope is None or scope == table.root or scope in directory.scopes:
            continue
        help = found.near.similar(scope, directory.scopes, "declare it under `scopes`")
        found.add("E412", f"the directory has no scope `{scope}`", assignment, help)


def may_hold(table: Table, above: str, kind: str) -> bool:
    """Whether an instance of `above` may be the parent of one of `kind`: the same kind, or one above it."""
    place: str | None = kind
    while place is not None:
        if place == above:
            return True
        place = table.scopes[place]
    return False


def _depth(table: Table, kind: str) -> int:
    depth, place = 0, table.scopes[kind]
    while place is not None:
        depth, place = depth + 1, table.scopes[place]
    return depth


def _kinds(table: Table) -> str:
    below = [kind for kind in table.scopes if kind != table.root]
    return f"its kinds are {', '.join(f'`{kind}`' for kind in below)}" if below else "it declares none"
