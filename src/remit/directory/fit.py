"""Whether a directory fits a policy's scopes: what would make decisions guess is refused when the two are bound.

An assignment of a role that the policy lacks is no misfit: it gives nothing, and `lint` reports it.
"""

from __future__ import annotations

from remit.diagnostics import Diagnostic, similar
from remit.directory.shape import Assignment, Directory, Group, User
from remit.source import Source, Span
from remit.table.shape import Table


def misfits(table: Table, directory: Directory) -> list[Diagnostic]:
    """Scopes of kinds the policy lacks, parents of a kind below, assignments at places that are not there."""
    found: list[Diagnostic] = []
    depth = {kind: _depth(table, kind) for kind in table.scopes}
    for scope in directory.scopes.values():
        kind = scope.name.split("/", 1)[0]
        if kind not in depth or kind == table.root:
            help = f"the root is just `{kind}`" if kind in depth else similar(kind, depth, _kinds(table))
            message = f"the policy has no scope kind `{kind}`" if kind not in depth else f"`{scope.name}` is no place"
            found.append(_finding(directory, "E418", message, scope.line, scope.column, help))
            continue
        for parent in scope.parents:
            above = parent.split("/", 1)[0]
            if parent != table.root and (above not in depth or "/" not in parent or not _may_hold(table, above, kind)):
                message = f"`{parent}` cannot be above `{scope.name}`"
                help = f"a {kind} is in a {table.scopes[kind]}, or in another {kind}"
                found.append(_finding(directory, "E419", message, scope.line, scope.column, help))
    for user in directory.users.values():
        _places(table, directory, user.assignments, found)
    for group in directory.groups.values():
        _places(table, directory, group.assignments, found)
    return found


def unknown_roles(table: Table, directory: Directory) -> list[Diagnostic]:
    """Assignments of roles that the policy lacks, and of former names."""
    found: list[Diagnostic] = []
    holders: list[User | Group] = [*directory.users.values(), *directory.groups.values()]
    former = {name: role.name for role in table.roles.values() for name in role.former}
    for holder in holders:
        for given in holder.assignments:
            if given.role in table.roles:
                continue
            if given.role in former:
                message = f"role `{given.role}` is now called `{former[given.role]}`"
                finding = _finding(directory, "E421", message, given.line, given.column, "use the new name")
                found.append(Diagnostic(finding.code, message, finding.span, "", finding.help, (), "warning"))
            else:
                message = f"the policy has no role `{given.role}`"
                help = similar(given.role, table.roles, "this assignment gives nothing")
                found.append(_finding(directory, "E420", message, given.line, given.column, help))
    return found


def _places(table: Table, directory: Directory, given: tuple[Assignment, ...], found: list[Diagnostic]) -> None:
    for assignment in given:
        scope = assignment.scope
        if scope is None or scope == table.root or scope in directory.scopes:
            continue
        help = similar(scope, directory.scopes, "declare it under `scopes`")
        message = f"the directory has no scope `{scope}`"
        found.append(_finding(directory, "E412", message, assignment.line, assignment.column, help))


def _may_hold(table: Table, above: str, kind: str) -> bool:
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


def _finding(
    directory: Directory, code: str, message: str, line: int, column: int, help: str
) -> Diagnostic:
    """At a line of the directory's file, whose text the binding does not keep."""
    text = "\n" * max(line - 1, 0) + " " * max(column - 1, 0)
    source = Source(directory.name, text, directory.name)
    return Diagnostic(code, message, Span(source, len(text), len(text)), help=help)
