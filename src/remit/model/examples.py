"""Check, last part: asserts, and tests with their users, resources and expectations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from remit.model import coverage
from remit.model.catalogue import only, selector, unknown_action
from remit.model.names import EVENTS, Names
from remit.model.policy import (
    Assertion,
    Expectation,
    ResourceType,
    Test,
    TestEvent,
    TestLine,
    TestResource,
    TestScope,
    TestUser,
    TestValue,
)
from remit.model.types import TIME, Attributes, AttributeType, Type, belongs
from remit.model.typing import Subject, bind
from remit.syntax import tree

DECISION_CODES = ("unknown_user", "inactive_user", "denied_by_rule", "no_rule", "allowed")
EVENT_CODES = (
    "not_permitted guard_failed inactive_user unknown_user unknown_role unknown_scope unknown_group already_exists "
    "not_empty no_rule invalid_event"
).split()


# -- asserts ---------------------------------------------------------------------------------------------------------


def build_assertions(names: Names, statements: Sequence[tree.Statement]) -> tuple[Assertion, ...]:
    """The asserts, in the order of the text."""
    built = [_assertion(names, written) for written in only(statements, tree.Assertion)]
    return tuple(assertion for assertion in built if assertion)


def _assertion(names: Names, written: tree.Assertion) -> Assertion | None:
    claim, title = written.claim, written.title.text if written.title else ""
    if isinstance(claim, tree.AssertWithin):
        known = [names.role(role) for role in claim.roles]
        roles = tuple(role.text for role in claim.roles)
        return Assertion(title, "within", roles, None, None, None, written.span) if all(known) else None
    selected = selector(names, claim.actions, claim.types, "the policy", None)
    if isinstance(claim, tree.AssertNever):
        other = selector(names, claim.other_actions, claim.other_types, "the policy", None)
        if selected is None or other is None:
            return None
        return Assertion(title, "never", (), selected, other, None, written.span)
    when = claim.expression if isinstance(claim, tree.AssertRequires) else claim.when
    condition = bind(when, names.conditions) if when else None
    if when and selected:
        covered = coverage.cells(selected, None, names.areas, names.types)
        names.checker().check(when, [Subject(names.reading(names.types[name]), name) for name in covered])
    if isinstance(claim, tree.AssertRequires):
        return Assertion(title, "requires", (), selected, None, condition, written.span) if selected else None
    holders = [claim.role] if isinstance(claim, tree.AssertNo) else claim.roles
    known = [names.role(role) for role in holders]
    if not all(known) or selected is None:
        return None
    kind: Any = "no" if isinstance(claim, tree.AssertNo) else "only"
    return Assertion(title, kind, tuple(role.text for role in holders), selected, None, condition, written.span)


# -- tests -----------------------------------------------------------------------------------------------------------


def build_tests(names: Names, statements: Sequence[tree.Statement]) -> tuple[Test, ...]:
    """The tests, in the order of the text, each line checked against the names of the policy and of its test."""
    return tuple(_Example(names, written).build() for written in only(statements, tree.Test))


class _Example:
    """One test: its users and resources are declared by its own lines."""

    def __init__(self, names: Names, written: tree.Test) -> None:
        self.names = names
        self.written = written
        self.users: set[str] = set()
        self.resources: dict[str, tree.TestGiven] = {}

    def build(self) -> Test:
        for line in self.written.lines:
            if isinstance(line, tree.TestUser):
                self.users.add(line.id.text)
            elif isinstance(line, tree.TestEvent) and line.user:
                self.users.add(line.user.text)
            elif isinstance(line, tree.TestGiven):
                if line.id.text in self.resources:
                    self.names.duplicate("resource", line.id, self.resources[line.id.text].id.span)
                self.resources.setdefault(line.id.text, line)
        lines = [found for line in self.written.lines if (found := self._line(line))]
        return Test(self.written.title.text, tuple(lines), self.written.span)

    def _line(self, line: Any) -> TestLine | None:
        if isinstance(line, tree.TestUser):
            return self._user(line)
        if isinstance(line, tree.TestGiven):
            return self._given(line)
        if isinstance(line, tree.TestMay):
            return self._may(line)
        if isinstance(line, tree.TestEvent):
            return self._event(line)
        assert isinstance(line, tree.TestScope)
        name = self.names.place(line.place)
        parent = self.names.place(line.parent) if line.parent else None
        return TestScope(name, parent, line.span) if name else None

    def _user(self, line: tree.TestUser) -> TestUser | None:
        held = []
        for role in line.held:
            if self.names.role(role.role):
                scope = self.names.place(role.at) if role.at else None
                held.append((role.role.text, scope, role.group.text if role.group else None))
        attributes = self._values(line.attributes, self.names.user, "user")
        groups = (line.group.text,) if line.group else ()
        return TestUser(line.id.text, line.status, tuple(held), groups, attributes, line.span)

    def _given(self, line: tree.TestGiven) -> TestResource | None:
        kind = self.names.type(line.type, "the policy", None)
        scope = self.names.place(line.at) if line.at else None
        if kind is None:
            return None
        if line.at and scope is None:
            scope = self.names.root
        properties = self._values(line.attributes, kind.attributes, f"{kind.name}")
        return TestResource(kind.name, line.id.text, scope, properties, line.span)

    def _may(self, line: tree.TestMay) -> Expectation | None:
        because = line.because.text if line.because else ""
        if line.user.text not in self.users and because != "unknown_user":
            help = self.names.near.similar(line.user.text, self.users, f"declare them: `user {line.user.text} is ROLE`")
            self.names.error("E504", f"this test has no user `{line.user.text}`", line.user.span, help=help)
        given = self.resources.get(line.resource.text)
        if given is None:
            help = self.names.near.similar(
                line.resource.text, self.resources, f"declare it: `given TYPE {line.resource.text}`"
            )
            message = f"this test has no resource `{line.resource.text}`"
            self.names.error("E504", message, line.resource.span, help=help)
            return None
        kind = self.names.types.get(given.type.text)
        if kind is None:
            return None
        if line.action.text not in kind.actions:
            unknown_action(self.names, line.action, kind)
            return None
        if line.because:
            self._because(line.because, kind)
        context = self._values(line.context, {**self.names.context, "time": AttributeType(TIME)}, "context")
        return Expectation(
            line.user.text, line.expected, line.action.text, line.resource.text, context, because, line.span
        )

    def _because(self, because: tree.Name, kind: ResourceType) -> None:
        known = {
            *self.names.conditions.known(),
            *self.names.roles,
            *DECISION_CODES,
            "everyone",
            "members",
        }
        if because.text in known or self.names.lost("condition", because.text) or self.names.lost("role", because.text):
            return
        help = self.names.near.similar(because.text, known, "`because` names a condition, a role or a code")
        self.names.error("E504", f"nothing is called `{because.text}`", because.span, help=help)

    def _event(self, line: tree.TestEvent) -> TestEvent | None:
        kind = line.kind.text
        if kind not in EVENTS:
            self.names.error(
                "E501", f"there is no event `{kind}`", line.kind.span, help=self.names.near.similar(kind, EVENTS)
            )
            return None
        if line.because and line.because.text not in self.names.guards and line.because.text not in EVENT_CODES:
            known = [*self.names.guards, *EVENT_CODES]
            help = self.names.near.similar(line.because.text, known, "`because` names a guard or a code here")
            self.names.error("E504", f"nothing is called `{line.because.text}`", line.because.span, help=help)
        claims = self._values(line.claims, self.names.claims, "claims")
        return TestEvent(
            kind,
            line.user.text if line.user else None,
            line.group.text if line.group else None,
            line.by.text if line.by else None,
            line.role.text if line.role else None,  # an unknown one is the event's to refuse: `because unknown_role`
            line.at.text if line.at else None,
            claims,
            line.accepted,
            line.because.text if line.because else "",
            line.span,
        )

    def _values(self, pairs: list[tree.Pair], declared: Attributes, owner: str) -> Mapping[str, TestValue]:
        values: dict[str, TestValue] = {}
        for pair in pairs:
            name = pair.name.text
            found = declared.get(name)
            if name in values:
                self.names.error("E101", f"`{name}` is given twice", pair.name.span, help="remove one of them")
            if found is None:
                near = self.names.near.nearest(name, declared)
                help = f"`{near}` has a similar name" if near else "declare it, or leave it out"
                self.names.error("E201", f"`{owner}` has no attribute `{name}`", pair.name.span, help=help)
                continue
            value = pair.value.value
            if not belongs(value, found.type):
                self.names.error("E208", f"`{name}` is {found.type.spoken}", pair.value.span, help=_written(found.type))
                continue
            values[name] = tuple(value) if isinstance(value, list) else value
        return values


def _written(kind: Type) -> str:
    """How a value of the type is written."""
    if kind.kind == "enum":
        return "write one of these"
    return {
        "int": "write a whole number, as in `500`",
        "bool": "write `true` or `false`",
        "time": 'write a time with its zone, as in `"2026-01-31T09:00:00Z"`',
        "set": 'write a list, as in `["a", "b"]`',
    }.get(kind.kind, 'write a text in quotes, as in `"a"`')


__all__ = ["DECISION_CODES", "EVENT_CODES", "build_assertions", "build_tests"]
