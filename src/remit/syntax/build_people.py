"""Callbacks of assignments, guards, asserts and tests."""

from __future__ import annotations

from typing import Any

from lark import Token

from remit.source import Span
from remit.syntax import tree
from remit.syntax.pieces import Children, Pieces, after, end_of, start_of


class PeopleCallbacks(Pieces):
    """Named as the rules of the grammar."""

    # -- assignments and guards ------------------------------------------------------------------------------------

    def assignments(self, c: Children) -> tree.Assignments:
        return self._keep(
            tree.Assignments(
                [child for child in c if isinstance(child, tree.OnEvent)],
                "individual" in c,
                "from subject" in c,
                self._span(c[0], c[-1]),
            )
        )

    def individual_over_group(self, c: Children) -> str:
        return "individual"

    def roles_from_subject(self, c: Children) -> str:
        return "from subject"

    def on_event(self, c: Children) -> tree.OnEvent:
        parts: dict[str, Any] = {child[0]: child[1] for child in c if isinstance(child, tuple)}
        end = max(end_of(c[1]), *(child[2] for child in c if isinstance(child, tuple))) if len(c) > 2 else end_of(c[1])
        return tree.OnEvent(
            self._name(c[1]),
            "to group" in parts,
            parts.get("requires"),
            parts.get("when"),
            parts.get("assign", []),
            Span(self.source, start_of(c[0]), end),
        )

    def to_group(self, c: Children) -> tuple[str, bool, int]:
        return ("to group", True, end_of(c[1]))

    def requires(self, c: Children) -> tuple[str, tree.Requires, int]:
        within = len(c) == 5
        end = c[4] if within else end_of(c[3])
        span = Span(self.source, start_of(c[0]), end)
        return ("requires", tree.Requires(self._name(c[1]), self._name(c[3]), within, span), end)

    def within_own(self, c: Children) -> int:
        return end_of(c[-1])

    def trigger(self, c: Children) -> tuple[str, Any, int]:
        if isinstance(c[1], tuple):
            return ("when", c[1][0], c[1][1])
        return ("when", c[1], end_of(c[1]))

    def first_in_domain(self, c: Children) -> tuple[str, int]:
        return ("first in domain", end_of(c[-1]))

    def unassigned(self, c: Children) -> tuple[str, int]:
        return ("unassigned", end_of(c[-1]))

    def assign(self, c: Children) -> tuple[str, list[tree.Name], int]:
        return ("assign", c[1], end_of(c[1][-1]))

    def guard(self, c: Children) -> tree.Guard:
        rule, end = c[-1]
        return self._keep(
            tree.Guard(self._name(c[1]), self._title(c[:3]), rule, Span(self.source, start_of(c[0]), end))
        )

    def guard_count(self, c: Children) -> tuple[tree.GuardCount, int]:
        per = after(c, "PER")
        active = c[3].type == "ACTIVE"
        role = c[4] if active else c[3]
        bound: Any = str(c[1])
        rule = tree.GuardCount(bound, self._int(c[2]), active, self._name(role), self._name(per) if per else None)
        return rule, end_of(c[-1])

    def guard_per_user(self, c: Children) -> tuple[tree.GuardPerUser, int]:
        per = c[7] if len(c) > 6 else None
        return tree.GuardPerUser(self._int(c[2]), self._name(per) if per else None), end_of(c[-1])

    def guard_never(self, c: Children) -> tuple[tree.GuardNever, int]:
        per = after(c, "PER")
        return tree.GuardNever(self._name(c[1]), self._name(c[3]), self._name(per) if per else None), end_of(c[-1])

    # -- asserts ---------------------------------------------------------------------------------------------------

    def assertion(self, c: Children) -> tree.Assertion:
        claim, end = c[-1]
        span = Span(self.source, start_of(c[0]), end)
        return self._keep(tree.Assertion(self._title(c[:2]), claim, span))

    def assert_within(self, c: Children) -> tuple[tree.AssertWithin, int]:
        return tree.AssertWithin([self._name(child) for child in c[::2]]), end_of(c[-1])

    def assert_only(self, c: Children) -> tuple[tree.AssertOnly, int]:
        when = c[6] if len(c) > 6 else None
        return tree.AssertOnly(c[1], c[3], c[5], when), end_of(when or c[5][-1])

    def assert_no(self, c: Children) -> tuple[tree.AssertNo, int]:
        when = c[6] if len(c) > 6 else None
        return tree.AssertNo(self._name(c[1]), c[3], c[5], when), end_of(when or c[5][-1])

    def assert_requires(self, c: Children) -> tuple[tree.AssertRequires, int]:
        return tree.AssertRequires(c[0], c[2], c[4]), end_of(c[4])

    def assert_never(self, c: Children) -> tuple[tree.AssertNever, int]:
        return tree.AssertNever(c[3], c[5], c[7], c[9]), end_of(c[9][-1])

    # -- tests -----------------------------------------------------------------------------------------------------

    def test(self, c: Children) -> tree.Test:
        return self._keep(tree.Test(self._text(c[1]), c[3:-1], self._span(c[0], c[-1])))

    def test_scope(self, c: Children) -> tree.TestScope:
        return tree.TestScope(c[1], c[3] if len(c) > 3 else None, self._span(c[0], c[-1]))

    def test_user(self, c: Children) -> tree.TestUser:
        parts: dict[str, Any] = {child[0]: child[1] for child in c if isinstance(child, tuple)}
        end = max((child[2] for child in c if isinstance(child, tuple)), default=c[1].end)
        return tree.TestUser(
            c[1],
            parts.get("status", "active"),
            parts.get("is", []),
            parts.get("in group"),
            parts.get("with", []),
            Span(self.source, start_of(c[0]), end),
        )

    def status(self, c: Children) -> tuple[str, str, int]:
        return ("status", str(c[0]), end_of(c[0]))

    def holds(self, c: Children) -> tuple[str, list[tree.Held], int]:
        held = [child[0] for child in c if isinstance(child, tuple)]
        return ("is", held, c[-1][1])

    def held(self, c: Children) -> tuple[tree.Held, int]:
        parts: dict[str, Any] = {child[0]: child[1] for child in c[1:]}
        end = max((child[2] for child in c[1:]), default=end_of(c[0]))
        return tree.Held(self._name(c[0]), parts.get("at"), parts.get("in group")), end

    def in_group(self, c: Children) -> tuple[str, tree.Name, int]:
        return ("in group", c[2], c[2].end)

    def at(self, c: Children) -> tuple[str, tree.Place, int]:
        return ("at", c[1], c[1].span.end)

    def with_(self, c: Children) -> tuple[str, list[tree.Pair], int]:
        pairs, end = c[1]
        return ("with", pairs, end)

    def object_(self, c: Children) -> tuple[list[tree.Pair], int]:
        return [child for child in c if isinstance(child, tree.Pair)], end_of(c[-1])

    def pair(self, c: Children) -> tree.Pair:
        return tree.Pair(self._name(c[0]), c[2])

    def value(self, c: Children) -> tree.Value:
        token, kind = c[0], c[0].type
        value: str | int | bool
        if kind == "STRING":
            value = self._unescaped(token)
        elif kind == "INT":
            value = self._int(token)
        elif kind == "NAME":
            value = self._name(token).text
        else:
            value = kind == "TRUE"
        return tree.Value(value, self._token_span(token))

    def values(self, c: Children) -> tree.Value:
        items: list[Any] = [child.value for child in c if isinstance(child, tree.Value)]
        return tree.Value(items, self._span(c[0], c[-1]))

    def id_(self, c: Children) -> tree.Name:
        token = c[0]
        if token.type == "STRING":
            return tree.Name(self._unescaped(token), self.source, token.start_pos or 0, token.end_pos or 0)
        return self._name(token)

    def place(self, c: Children) -> tree.Place:
        parts = [self._unescaped(t) if t.type == "STRING" else self._name(t).text for t in c if t.type != "SLASH"]
        return tree.Place("/".join(parts), self._span(c[0], c[-1]))

    def test_given(self, c: Children) -> tree.TestGiven:
        at: tree.Place | None = None
        pairs: list[tree.Pair] = []
        end = end_of(c[2])
        for child in c[3:]:
            if child[0] == "at":
                _, at, end = child
            else:
                pairs, end = child
        return tree.TestGiven(self._name(c[1]), c[2], at, pairs, Span(self.source, start_of(c[0]), end))

    def test_may(self, c: Children) -> tree.TestMay:
        negated = c[2].type == "NOT" if isinstance(c[2], Token) else False
        at = 3 if negated else 2
        parts: dict[str, Any] = {child[0]: child[1] for child in c if isinstance(child, tuple)}
        end = max((child[2] for child in c if isinstance(child, tuple)), default=c[at + 1].end)
        span = Span(self.source, c[0].start, end)
        return tree.TestMay(
            c[0], not negated, self._name(c[at]), c[at + 1], parts.get("with", []), parts.get("because"), span
        )

    def because_name(self, c: Children) -> tuple[str, tree.Name, int]:
        return ("because", self._name(c[1]), end_of(c[1]))

    def test_event(self, c: Children) -> tree.TestEvent:
        parts: dict[str, Any] = {child[0]: child[1] for child in c if isinstance(child, tuple)}
        user = c[2] if isinstance(c[2], tree.Name) else None
        accepted, because, end = parts["outcome"]
        return tree.TestEvent(
            self._name(c[1]),
            user,
            parts.get("to group"),
            parts.get("by"),
            parts.get("as"),
            parts.get("at"),
            parts.get("with", []),
            accepted,
            because,
            Span(self.source, start_of(c[0]), end),
        )

    def to_named_group(self, c: Children) -> tuple[str, tree.Name, int]:
        return ("to group", c[2], c[2].end)

    def by(self, c: Children) -> tuple[str, tree.Name, int]:
        return ("by", c[1], c[1].end)

    def as_(self, c: Children) -> tuple[str, tree.Name, int]:
        return ("as", self._name(c[1]), end_of(c[1]))

    def accepted(self, c: Children) -> tuple[str, Any, int]:
        return ("outcome", (True, None, end_of(c[1])), 0)

    def refused(self, c: Children) -> tuple[str, Any, int]:
        because, end = (c[2][1], c[2][2]) if len(c) > 2 else (None, end_of(c[1]))
        return ("outcome", (False, because, end), 0)
