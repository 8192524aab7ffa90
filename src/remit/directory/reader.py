"""The directory file → `Directory`: who holds which role, with everything that is wrong with the file.

    text ──compose──▶ tree ──sections──▶ users, groups, scopes ──names and circles──▶ Directory

Checked by hand and not by pydantic, since this lies on the path of a single question and must point at the text; a test
holds it to the verdicts of `remit.directory.wire`.
"""

from __future__ import annotations

from collections.abc import Collection

from remit.collection import paused
from remit.diagnostics import Diagnostic, Label, ordered
from remit.directory.circles import circles
from remit.directory.codes import DIRECTORY_CODES
from remit.directory.fields import Fields, found
from remit.directory.nodes import Hole, Mapping, Node, Scalar, Sequence, value_of
from remit.directory.shape import STATUSES, Assignment, Directory, Group, Scope, Status, User
from remit.directory.yaml_tree import compose
from remit.instant import parse_instant
from remit.source import Source

__all__ = ["DIRECTORY_CODES", "Reader", "read_directory"]

_SECTIONS = ("users", "groups", "scopes", "joined_domains", "removed")
_USER_KEYS = ("status", "type", "attributes", "assignments", "status_before")
_GROUP_KEYS = ("members", "assignments")
_SCOPE_KEYS = ("parent",)
_ASSIGNMENT_KEYS = ("role", "scope", "from", "until")
_STATUS_BY_NAME: dict[str, Status] = {name: name for name in STATUSES}
_GROUP_PREFIX = "group/"
_SCOPE_HELP = "a scope is written `KIND/ID`, as in `branch/north`"
_TIME_HELP = "write a time with its zone, as in `2024-06-01T00:00:00Z`"
_NO_ASSIGNMENTS: tuple[Assignment, ...] = ()


def read_directory(source: Source) -> tuple[Directory, list[Diagnostic]]:
    """The directory of a YAML or JSON text, and all that is wrong with it, sorted by place.

    With findings of level error the directory is partial and must not be decided on. Opens no file, raises nothing.
    """
    with paused():
        root, findings = compose(source)
        if root is None:
            return Directory(name=source.name), ordered(findings)
        reader = Reader(source)
        directory = reader.read(root)
        return directory, ordered([*findings, *reader.findings])


class Reader(Fields):
    """One reading. Sections whose names cannot be known (`None`) are not blamed on those who use the names."""

    def __init__(self, source: Source) -> None:
        super().__init__(source)
        self.users: dict[str, User] = {}
        self.groups: dict[str, Group] = {}
        self.scopes: dict[str, Scope] = {}
        self.user_names: Collection[str] | None = ()
        self.group_names: Collection[str] | None = ()
        self.scope_names: Collection[str] | None = ()
        self.instants: dict[str, int | None] = {}

    def read(self, root: Node) -> Directory:
        top = self.mapping("a directory", "users: {ann: {status: active}}", root, root)
        if top is None:
            return Directory(name=self.source.name)
        self.keys("a directory", _SECTIONS, top)
        users, groups, scopes = (self.section(top, name) for name in ("users", "groups", "scopes"))
        self.user_names = users.entries.keys() if users else None
        self.group_names = groups.entries.keys() if groups else None
        self.scope_names = {name for name in scopes.entries if _is_instance(name)} if scopes else None
        self.read_scopes(scopes)
        self.read_users(users)
        self.read_groups(groups)
        return Directory(
            users=self.users,
            groups=self.groups,
            scopes=self.scopes,
            joined_domains=frozenset(name.lower() for name in self.names_of(top, "joined_domains", "a domain")),
            removed=self.read_removed(top, users),
            name=self.source.name,
        )

    def section(self, top: Mapping, name: str) -> Mapping | None:
        entry = top.entries.get(name)
        return self.mapping(f"`{name}`", f"{name}: {_EXAMPLES[name]}", *entry) if entry else Mapping(0, 0)

    # Scopes

    def read_scopes(self, section: Mapping | None) -> None:
        parents: dict[str, dict[str, Node]] = {}
        for name, (key, node) in section.entries.items() if section else ():
            if not _is_instance(name):
                self.malformed_scope(name, key)
                continue
            parents[name] = self.parents_of(key, node)
            line, column = self.place(key)
            self.scopes[name] = Scope(name, tuple(parents[name]), line, column)
        for circle in circles(parents):
            at = parents[circle.last][circle.first]
            self.fail("E410", f"scopes run in a circle: {circle.path}", at, "take one parent away", "closes the circle")

    def parents_of(self, key: Node, node: Node) -> dict[str, Node]:
        body = self.mapping("a scope", "branch/north: {parent: region/east}", key, node)
        if body is None:
            return {}
        self.keys("a scope", _SCOPE_KEYS, body)
        entry = body.entries.get("parent")
        if entry is None or (type(entry[1]) is Scalar and entry[1].is_null):
            return {}
        items = entry[1].items if isinstance(entry[1], Sequence) else [entry[1]]
        known: dict[str, Node] = {}
        for item in items:
            name = self.scope_name("a parent", entry[0], item)
            if name is not None:
                known.setdefault(name, item)
        return known

    def scope_name(self, what: str, key: Node, node: Node) -> str | None:
        """A declared `KIND/ID`, or a bare kind, which only the policy can judge."""
        if type(node) is not Scalar or node.is_null:
            self.wrong(what, "a scope", _SCOPE_HELP, key, node)
            return None
        name = node.text
        if self.scope_names is None or name in self.scope_names or ("/" not in name and name):
            return name
        if not _is_instance(name):
            self.malformed_scope(name, node)
        else:
            otherwise = "declare it under `scopes`"
            self.fail("E412", f"no scope is called `{name}`", node, self.suggest(name, self.scope_names, otherwise))
        return None

    def malformed_scope(self, name: str, node: Node) -> None:
        message = f"the scope `{name}` does not name a kind and an id" if name else "a scope without a name"
        self.fail("E411", message, node, _SCOPE_HELP)

    # Users

    def read_users(self, section: Mapping | None) -> None:
        for name, (key, node) in section.entries.items() if section else ():
            body = self.mapping("a user", "ann: {status: active}", key, node)
            if not name:
                self.wrong("a user's id", "a name", "", key, key)
            if body is None:
                continue
            entries = body.entries
            if not entries.keys() <= _USER_KEY_SET:
                self.keys("a user", _USER_KEYS, body)
            user_type = "user"
            if (entry := entries.get("type")) is not None and not _absent(entry[1]):
                user_type = self.name("a user's `type`", *entry) or user_type
            attributes: dict[str, object] = {}
            if (entry := entries.get("attributes")) is not None:
                bag = self.mapping("`attributes`", "attributes: {department: surgery}", *entry)
                if bag is not None:
                    attributes = {word: value_of(value) for word, (_, value) in bag.entries.items()}
            known_so_far = len(self.findings)
            status = self.status(entries.get("status")) or "active"
            if len(self.findings) > known_so_far or _is_hole(entries.get("status")):
                status = "disabled"
            assignments = self.assignments(entries.get("assignments"))
            before = self.status(entries.get("status_before"))
            line, column = self.place(key)
            self.users[name] = User(name, user_type, status, attributes, assignments, line, column, before)

    def status(self, entry: tuple[Scalar, Node] | None) -> Status | None:
        if entry is None or _absent(entry[1]):
            return None
        key, node = entry
        if type(node) is not Scalar:
            self.wrong(f"`{key.text}`", "`active`, `pending` or `disabled`", "", key, node)
            return None
        status = _STATUS_BY_NAME.get(node.text)
        if status is None:
            otherwise = "one of `active`, `pending`, `disabled`"
            self.fail("E406", f"no status is called `{node.text}`", node, self.suggest(node.text, STATUSES, otherwise))
        return status

    # Groups

    def read_groups(self, section: Mapping | None) -> None:
        inner: dict[str, dict[str, Node]] = {}
        for name, (key, node) in section.entries.items() if section else ():
            body = self.mapping("a group", "desk: {members: [ann]}", key, node)
            if not name:
                self.wrong("a group's name", "a name", "", key, key)
            if body is None:
                continue
            self.keys("a group", _GROUP_KEYS, body)
            members, inner[name] = self.members(body.entries.get("members"))
            assignments = self.assignments(body.entries.get("assignments"))
            line, column = self.place(key)
            self.groups[name] = Group(name, members, tuple(inner[name]), assignments, line, column)
        for circle in circles(inner):
            at = inner[circle.last][circle.first]
            self.fail("E409", f"groups run in a circle: {circle.path}", at, "take one member away", "closes the circle")

    def members(self, entry: tuple[Scalar, Node] | None) -> tuple[tuple[str, ...], dict[str, Node]]:
        """The users, and the groups with the place that names each; every name once."""
        users: dict[str, None] = {}
        groups: dict[str, Node] = {}
        listed = self.sequence("`members`", "members: [ann, group/desk]", *entry) if entry else None
        for item in listed.items if listed else ():
            name = self.name("a member", item, item)
            if name is None:
                continue
            if name.startswith(_GROUP_PREFIX):
                group = name[len(_GROUP_PREFIX) :]
                if self.group_names is None or group in self.group_names:
                    groups.setdefault(group, item)
                else:
                    help_ = self.suggest(group, self.group_names, "declare it under `groups`")
                    self.fail("E408", f"no group is called `{group}`", item, help_)
            elif self.user_names is None or name in self.user_names:
                users[name] = None
            else:
                group = f"for the group write `{_GROUP_PREFIX}{name}`"
                otherwise = group if name in (self.group_names or ()) else "declare the user under `users`"
                help_ = group if otherwise == group else self.suggest(name, self.user_names, otherwise)
                self.fail("E407", f"no user is called `{name}`", item, help_)
        return tuple(users), groups

    # Assignments

    def assignments(self, entry: tuple[Scalar, Node] | None) -> tuple[Assignment, ...]:
        if entry is None:
            return _NO_ASSIGNMENTS
        listed = self.sequence("`assignments`", "assignments: [{role: vet}]", *entry)
        read = [self.assignment(item) for item in listed.items] if listed else ()
        return tuple(assignment for assignment in read if assignment is not None)

    def assignment(self, item: Node) -> Assignment | None:
        """None where any part of it is wrong: a role whose scope or time cannot be read must not count everywhere."""
        if type(item) is not Mapping:
            example = "for example `{role: vet, scope: branch/north}`"
            self.wrong("an assignment", "a mapping with a `role`", example, item, item)
            return None
        entries, known_so_far = item.entries, len(self.findings)
        if not entries.keys() <= _ASSIGNMENT_KEY_SET:
            self.keys("an assignment", _ASSIGNMENT_KEYS, item)
        role = scope = start = end = None
        if (entry := entries.get("role")) is None:
            self.fail("E405", "an assignment has no `role`", item, "for example `{role: vet}`")
        elif _absent(entry[1]):
            self.wrong("`role`", "a name", "for example `{role: vet}`", *entry)
        else:
            role = self.name("`role`", *entry)
        if (entry := entries.get("scope")) is not None and not _absent(entry[1]):
            scope = self.scope_name("`scope`", *entry)
        if len(entries) > 1 and ("from" in entries or "until" in entries):
            start, end = self.instant(entries.get("from")), self.instant(entries.get("until"))
            if start is not None and end is not None and start >= end:
                begun = Label(self.span(entries["from"][1]), "begins here")
                ended, message = entries["until"][1], "`until` is not after `from`"
                self.fail("E414", message, ended, "swap the two", "ends here", begun)
        if role is None or len(self.findings) > known_so_far or any(map(_is_hole, entries.values())):
            return None
        line, column = self.place(item)
        return Assignment(role, scope, start, end, line, column)

    def instant(self, entry: tuple[Scalar, Node] | None) -> int | None:
        if entry is None or _absent(entry[1]):
            return None
        key, node = entry
        if type(node) is not Scalar:
            self.wrong(f"`{key.text}`", "a time", _TIME_HELP, key, node)
            return None
        if node.text not in self.instants:
            self.instants[node.text] = parse_instant(node.text)
        instant = self.instants[node.text]
        if instant is None:
            shown = f"`{node.text}`" if node.text else found(node)
            self.fail("E413", f"{shown} is no time", node, _TIME_HELP)
        return instant

    # The two lists beside

    def read_removed(self, top: Mapping, users: Mapping | None) -> frozenset[str]:
        removed = self.names_of(top, "removed", "a removed user")
        for name, item in removed.items():
            if users is not None and name in users.entries:
                here = Label(self.span(users.entries[name][0]), "still a user here")
                self.fail("E415", f"the removed user `{name}` is a user", item, "keep one of the two", "", here)
        return frozenset(removed)

    def names_of(self, top: Mapping, section: str, what: str) -> dict[str, Node]:
        entry = top.entries.get(section)
        listed = self.sequence(f"`{section}`", f"{section}: {_EXAMPLES[section]}", *entry) if entry else None
        items = listed.items if listed else []
        return {name: item for item in items if (name := self.name(what, item, item)) is not None}


_USER_KEY_SET = frozenset(_USER_KEYS)
_ASSIGNMENT_KEY_SET = frozenset(_ASSIGNMENT_KEYS)
_EXAMPLES = {
    "users": "{ann: {status: active}}",
    "groups": "{desk: {members: [ann]}}",
    "scopes": "{branch/north: {}}",
    "joined_domains": "[acme.com]",
    "removed": "[ann]",
}


def _is_instance(name: str) -> bool:
    kind, slash, instance = name.partition("/")
    return bool(kind and slash and instance)


def _absent(node: Node) -> bool:
    """Null, or an alias that is reported already."""
    return type(node) is Hole or (type(node) is Scalar and node.is_null)


def _is_hole(entry: tuple[Scalar, Node] | None) -> bool:
    return entry is not None and type(entry[1]) is Hole
