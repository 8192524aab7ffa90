"""Callbacks of the parser: each grammar rule's children become a node of `remit.syntax.tree`, without a tree between.

Children are tokens and nodes already built, in the order of the text. lark calls the method named as the rule.
"""

from __future__ import annotations

import re
from typing import Any, TypeVar

from lark import Token, Transformer

from remit.diagnostics import Diagnostic
from remit.source import Source, Span
from remit.syntax import tree

Children = list[Any]  # tokens, nodes and lists of nodes, as the grammar has them
Node = TypeVar("Node")

_ESCAPE = re.compile(r"\\(u\{([0-9A-Fa-f]{1,6})\}|.)", re.DOTALL)
_PLAIN_ESCAPES = {'"': '"', "\\": "\\", "n": "\n", "t": "\t"}
_NANOSECONDS = {"s": 10**9, "m": 60 * 10**9, "h": 3600 * 10**9, "d": 86400 * 10**9}
LARGEST = 2**63 - 1


class Builder(Transformer[Token, Any]):
    """One builder serves one parser; `begin` turns it to the next source. `findings` collects what is wrong inside
    a token: escapes, numbers too large."""

    def __init__(self) -> None:
        super().__init__()
        self.source = Source("", "")
        self.findings: list[Diagnostic] = []
        self.statements: list[tree.Statement] = []

    def begin(self, source: Source) -> None:
        self.source = source
        self.findings = []
        self.statements = []

    # -- pieces --------------------------------------------------------------------------------------------------

    def _name(self, token: Token) -> tree.Name:
        text = str(token)
        if text[0] == "`":
            text = text[1:-1]
        return tree.Name(text, self.source, token.start_pos or 0, token.end_pos or 0)

    def _names(self, children: Children) -> list[tree.Name]:
        return [self._name(child) for child in children if child.type != "COMMA"]

    def _token_span(self, token: Token) -> Span:
        return Span(self.source, token.start_pos or 0, token.end_pos or 0)

    def _span(self, first: Any, last: Any) -> Span:
        return Span(self.source, _start(first), _end(last))

    def _text(self, token: Token) -> tree.Text:
        return tree.Text(self._unescaped(token), self._token_span(token))

    def _unescaped(self, token: Token) -> str:
        inner = str(token)[1:-1]
        if "\\" not in inner:
            return inner
        start = (token.start_pos or 0) + 1

        def resolve(match: re.Match[str]) -> str:
            if match[2] is not None:
                code = int(match[2], 16)
                if code < 0x110000 and not 0xD800 <= code < 0xE000:
                    return chr(code)
            elif match[1] in _PLAIN_ESCAPES:
                return _PLAIN_ESCAPES[match[1]]
            span = Span(self.source, start + match.start(), start + match.end())
            self.findings.append(
                Diagnostic("E003", f"`{match[0]}` is no escape", span, help=r"strings know \" \\ \n \t and \u{1F600}")
            )
            return ""

        return _ESCAPE.sub(resolve, inner)

    def _int(self, token: Token) -> int:
        digits = str(token)
        if len(digits) > 20 or not -LARGEST - 1 <= (value := int(digits)) <= LARGEST:
            self.findings.append(
                Diagnostic(
                    "E004",
                    "this number does not fit in 64 bits",
                    self._token_span(token),
                    help=f"write a number from {-LARGEST - 1} to {LARGEST}",
                )
            )
            return 0
        return value

    # -- the file ------------------------------------------------------------------------------------------------

    def start(self, children: Children) -> None:
        return None

    def policy(self, c: Children) -> tree.Policy:
        extends = _after(c, "EXTENDS")
        title = c[2] if len(c) > 2 and c[2].type == "STRING" else None
        return self._keep(
            tree.Policy(
                self._name(c[1]),
                self._text(title) if title else None,
                self._text(extends) if extends else None,
                self._span(c[0], c[-1]),
            )
        )

    def scope(self, c: Children) -> tree.Scope:
        parent = _after(c, "IN")
        title = c[2] if len(c) > 2 and c[2].type == "STRING" else None
        return self._keep(
            tree.Scope(
                self._name(c[1]),
                self._text(title) if title else None,
                self._name(parent) if parent else None,
                self._span(c[0], c[-1]),
            )
        )

    def _keep(self, statement: Node) -> Node:
        self.statements.append(statement)  # type: ignore[arg-type]  # callers pass statements only
        return statement

    # -- catalogue -----------------------------------------------------------------------------------------------

    def area(self, c: Children) -> tree.Area:
        return self._keep(
            tree.Area(
                self._name(c[1]),
                self._title(c),
                [child for child in c if isinstance(child, tree.Resource)],
                [child for child in c if isinstance(child, tree.Permission)],
                self._span(c[0], c[-1]),
            )
        )

    def _title(self, c: Children) -> tree.Text | None:
        for child in c:
            if isinstance(child, Token) and child.type == "STRING":
                return self._text(child)
        return None

    def resource(self, c: Children) -> tree.Resource:
        return tree.Resource(
            self._name(c[1]),
            self._title(c),
            [child for child in c if isinstance(child, tree.Attribute)],
            [name for child in c if isinstance(child, list) for name in child],
            self._span(c[0], c[-1]),
        )

    def own_actions(self, c: Children) -> list[tree.Name]:
        return self._names(c[1:])

    def permission(self, c: Children) -> tree.Permission:
        bundles = [child for child in c if isinstance(child, tree.Bundle)]
        return tree.Permission(self._name(c[1]), self._title(c), bundles, self._span(c[0], c[-1]))

    def bundle(self, c: Children) -> tree.Bundle:
        return tree.Bundle(c[0], c[2])

    def bundle_actions(self, c: Children) -> list[tree.Name]:
        return self._names(c)

    bundle_types = rule_actions = rule_types = names = bundle_actions

    def attribute(self, c: Children) -> tree.Attribute:
        return tree.Attribute(self._name(c[0]), c[2])

    def plain_type(self, c: Children) -> tree.PlainType:
        return tree.PlainType(self._name(c[0]), len(c) > 1, self._span(c[0], c[-1]))

    def enumeration(self, c: Children) -> tree.Enumeration:
        return tree.Enumeration([self._text(t) for t in c if t.type == "STRING"], False, self._span(c[0], c[-1]))

    def optional_enumeration(self, c: Children) -> tree.Enumeration:
        return tree.Enumeration(c[1].values, c[-1].type == "QUESTION", self._span(c[0], c[-1]))

    def set_type(self, c: Children) -> tree.SetType:
        element = c[2]
        optional, element.optional = element.optional, False
        return tree.SetType(element, optional, self._span(c[0], c[-1]))

    def action_set(self, c: Children) -> tree.ActionSet:
        return self._keep(tree.ActionSet(self._name(c[1]), c[3], self._span(c[0], c[3][-1])))

    def context(self, c: Children) -> tree.Attributes:
        attributes = [child for child in c if isinstance(child, tree.Attribute)]
        return self._keep(tree.Attributes(str(c[0]), attributes, self._span(c[0], c[-1])))  # type: ignore[arg-type]

    user = claims = context

    # -- conditions ----------------------------------------------------------------------------------------------

    def condition(self, c: Children) -> tree.Condition:
        return self._keep(tree.Condition(self._name(c[1]), self._title(c[:3]), c[-1], self._span(c[0], c[-1])))

    def or_(self, c: Children) -> tree.Or:
        return tree.Or(c[::2], self._span(c[0], c[-1]))

    def and_(self, c: Children) -> tree.And:
        return tree.And(c[::2], self._span(c[0], c[-1]))

    def not_(self, c: Children) -> tree.Not:
        return tree.Not(c[1], self._span(c[0], c[1]))

    def compare(self, c: Children) -> tree.Compare:
        return tree.Compare(str(c[1]), c[0], c[2], self._span(c[0], c[2]))

    def member(self, c: Children) -> tree.Member:
        return tree.Member(c[0], c[-1], len(c) == 4, self._span(c[0], c[-1]))

    def list_(self, c: Children) -> tree.ListLiteral:
        return tree.ListLiteral([child for child in c if isinstance(child, tree.Literal)], self._span(c[0], c[-1]))

    def has(self, c: Children) -> tree.Has:
        return tree.Has(c[1], self._span(c[0], c[1]))

    def minus(self, c: Children) -> tree.Minus:
        return tree.Minus(c[0], c[2], self._span(c[0], c[2]))

    def path(self, c: Children) -> tree.Path:
        return tree.Path(self._name(c[0]), self._name(c[2]), self._span(c[0], c[2]))

    def reference(self, c: Children) -> tree.Reference:
        return tree.Reference(self._name(c[0]), self._token_span(c[0]))

    def literal(self, c: Children) -> tree.Literal:
        token, span = c[0], self._token_span(c[0])
        if token.type == "STRING":
            return tree.Literal("string", self._unescaped(token), span)
        if token.type == "INT":
            return tree.Literal("int", self._int(token), span)
        if token.type == "DURATION":
            digits = str(token)[:-1]
            value = int(digits) * _NANOSECONDS[token[-1]] if len(digits) < 20 else LARGEST + 1
            if value > LARGEST:
                self.findings.append(
                    Diagnostic("E004", "this duration is longer than 292 years", span, help="write a shorter one")
                )
                value = 0
            return tree.Literal("duration", value, span)
        return tree.Literal("bool", token.type == "TRUE", span)

    def group(self, c: Children) -> tree.Expression:
        inner: tree.Expression = c[1]
        inner.span = self._span(c[0], c[2])
        return inner

    # -- roles ---------------------------------------------------------------------------------------------------

    def role(self, c: Children) -> tree.Role:
        at = 1 if c[0].type == "LOCKED" else 0
        former = next((child[1] for child in c if _tagged(child, "was")), [])
        includes = next((child[1] for child in c if _tagged(child, "includes")), [])
        return self._keep(
            tree.Role(
                self._name(c[at + 1]),
                self._title(c),
                at == 1,
                former,
                includes,
                _body(c),
                self._span(c[0], c[-1]),
                self._span(c[0], c[at + 1]),
            )
        )

    def former(self, c: Children) -> tuple[str, list[tree.Name]]:
        return ("was", c[1])

    def includes(self, c: Children) -> tuple[str, list[tree.Name]]:
        return ("includes", c[1])

    def extend_role(self, c: Children) -> tree.ExtendRole:
        return self._keep(tree.ExtendRole(self._name(c[2]), _body(c), self._span(c[0], c[-1])))

    def everyone(self, c: Children) -> tree.Block:
        return self._keep(tree.Block(str(c[0]), _body(c), self._span(c[0], c[-1])))  # type: ignore[arg-type]

    members = everyone

    def in_areas(self, c: Children) -> tree.AreaBlock:
        rules = [child for child in c[2:] if isinstance(child, tree.AccessRule | tree.GrantRule)]
        return tree.AreaBlock(c[1], rules, self._span(c[0], c[-1]))

    def access_rule(self, c: Children) -> tree.AccessRule:
        excepts: list[tree.ExceptItem] = []
        when: tree.Expression | None = None
        because: tree.Text | None = None
        last: Any = c[3][-1]
        for child in c[4:]:
            if isinstance(child, tree.Text):
                because = child
                last = child
            elif isinstance(child, list):
                excepts = child
                last = child[-1].type
            else:
                when = child
                last = child
        return tree.AccessRule(str(c[0]), c[1], c[3], excepts, when, because, self._span(c[0], last))  # type: ignore[arg-type]

    def except_(self, c: Children) -> list[tree.ExceptItem]:
        return [child for child in c if isinstance(child, tree.ExceptItem)]

    def except_item(self, c: Children) -> tree.ExceptItem:
        if len(c) == 1:
            return tree.ExceptItem(None, self._name(c[0]))
        return tree.ExceptItem(self._name(c[0]), self._name(c[2]))

    def grant_rule(self, c: Children) -> tree.GrantRule:
        when: tree.Expression | None = None
        because: tree.Text | None = None
        for child in c[2:]:
            if isinstance(child, tree.Text):
                because = child
            else:
                when = child
        return tree.GrantRule(c[1], when, because, self._span(c[0], c[-1] if len(c) > 2 else c[1][-1]))

    def when(self, c: Children) -> tree.Expression:
        return c[1]  # type: ignore[no-any-return]

    def because(self, c: Children) -> tree.Text:
        return self._text(c[1])

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
        end = max(_end(c[1]), *(child[2] for child in c if isinstance(child, tuple))) if len(c) > 2 else _end(c[1])
        return tree.OnEvent(
            self._name(c[1]),
            "to group" in parts,
            parts.get("requires"),
            parts.get("when"),
            parts.get("assign", []),
            Span(self.source, _start(c[0]), end),
        )

    def to_group(self, c: Children) -> tuple[str, bool, int]:
        return ("to group", True, _end(c[1]))

    def requires(self, c: Children) -> tuple[str, tree.Requires, int]:
        within = len(c) == 5
        end = c[4] if within else _end(c[3])
        span = Span(self.source, _start(c[0]), end)
        return ("requires", tree.Requires(self._name(c[1]), self._name(c[3]), within, span), end)

    def within_own(self, c: Children) -> int:
        return _end(c[-1])

    def trigger(self, c: Children) -> tuple[str, Any, int]:
        if isinstance(c[1], tuple):
            return ("when", c[1][0], c[1][1])
        return ("when", c[1], _end(c[1]))

    def first_in_domain(self, c: Children) -> tuple[str, int]:
        return ("first in domain", _end(c[-1]))

    def unassigned(self, c: Children) -> tuple[str, int]:
        return ("unassigned", _end(c[-1]))

    def assign(self, c: Children) -> tuple[str, list[tree.Name], int]:
        return ("assign", c[1], _end(c[1][-1]))

    def guard(self, c: Children) -> tree.Guard:
        rule, end = c[-1]
        return self._keep(
            tree.Guard(self._name(c[1]), self._title(c[:3]), rule, Span(self.source, _start(c[0]), end))
        )

    def guard_count(self, c: Children) -> tuple[tree.GuardCount, int]:
        per = _after(c, "PER")
        active = c[3].type == "ACTIVE"
        role = c[4] if active else c[3]
        bound: Any = str(c[1])
        rule = tree.GuardCount(bound, self._int(c[2]), active, self._name(role), self._name(per) if per else None)
        return rule, _end(c[-1])

    def guard_per_user(self, c: Children) -> tuple[tree.GuardPerUser, int]:
        per = c[7] if len(c) > 6 else None
        return tree.GuardPerUser(self._int(c[2]), self._name(per) if per else None), _end(c[-1])

    def guard_never(self, c: Children) -> tuple[tree.GuardNever, int]:
        per = _after(c, "PER")
        return tree.GuardNever(self._name(c[1]), self._name(c[3]), self._name(per) if per else None), _end(c[-1])

    # -- asserts ---------------------------------------------------------------------------------------------------

    def assertion(self, c: Children) -> tree.Assertion:
        claim, end = c[-1]
        span = Span(self.source, _start(c[0]), end)
        return self._keep(tree.Assertion(self._title(c[:2]), claim, span))

    def assert_within(self, c: Children) -> tuple[tree.AssertWithin, int]:
        return tree.AssertWithin([self._name(child) for child in c[::2]]), _end(c[-1])

    def assert_only(self, c: Children) -> tuple[tree.AssertOnly, int]:
        when = c[6] if len(c) > 6 else None
        return tree.AssertOnly(c[1], c[3], c[5], when), _end(when or c[5][-1])

    def assert_no(self, c: Children) -> tuple[tree.AssertNo, int]:
        when = c[6] if len(c) > 6 else None
        return tree.AssertNo(self._name(c[1]), c[3], c[5], when), _end(when or c[5][-1])

    def assert_requires(self, c: Children) -> tuple[tree.AssertRequires, int]:
        return tree.AssertRequires(c[0], c[2], c[4]), _end(c[4])

    def assert_never(self, c: Children) -> tuple[tree.AssertNever, int]:
        return tree.AssertNever(c[3], c[5], c[7], c[9]), _end(c[9][-1])

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
            Span(self.source, _start(c[0]), end),
        )

    def status(self, c: Children) -> tuple[str, str, int]:
        return ("status", str(c[0]), _end(c[0]))

    def holds(self, c: Children) -> tuple[str, list[tree.Held], int]:
        held = [child[0] for child in c if isinstance(child, tuple)]
        return ("is", held, c[-1][1])

    def held(self, c: Children) -> tuple[tree.Held, int]:
        parts: dict[str, Any] = {child[0]: child[1] for child in c[1:]}
        end = max((child[2] for child in c[1:]), default=_end(c[0]))
        return tree.Held(self._name(c[0]), parts.get("at"), parts.get("in group")), end

    def in_group(self, c: Children) -> tuple[str, tree.Name, int]:
        return ("in group", c[2], c[2].end)

    def at(self, c: Children) -> tuple[str, tree.Place, int]:
        return ("at", c[1], c[1].span.end)

    def with_(self, c: Children) -> tuple[str, list[tree.Pair], int]:
        pairs, end = c[1]
        return ("with", pairs, end)

    def object_(self, c: Children) -> tuple[list[tree.Pair], int]:
        return [child for child in c if isinstance(child, tree.Pair)], _end(c[-1])

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
        at = next((child[1] for child in c if isinstance(child, tuple) and child[0] == "at"), None)
        pairs, end = c[-1] if isinstance(c[-1], tuple) and c[-1][0] != "at" else ([], _end(c[-1]))
        if isinstance(c[-1], tuple) and c[-1][0] == "at":
            end = c[-1][2]
        return tree.TestGiven(self._name(c[1]), c[2], at, pairs, Span(self.source, _start(c[0]), end))

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
        return ("because", self._name(c[1]), _end(c[1]))

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
            Span(self.source, _start(c[0]), end),
        )

    def to_named_group(self, c: Children) -> tuple[str, tree.Name, int]:
        return ("to group", c[2], c[2].end)

    def by(self, c: Children) -> tuple[str, tree.Name, int]:
        return ("by", c[1], c[1].end)

    def as_(self, c: Children) -> tuple[str, tree.Name, int]:
        return ("as", self._name(c[1]), _end(c[1]))

    def accepted(self, c: Children) -> tuple[str, Any, int]:
        return ("outcome", (True, None, _end(c[1])), 0)

    def refused(self, c: Children) -> tuple[str, Any, int]:
        because, end = (c[2][1], c[2][2]) if len(c) > 2 else (None, _end(c[1]))
        return ("outcome", (False, because, end), 0)


def _start(node: Any) -> int:
    if isinstance(node, Token):
        return node.start_pos or 0
    if isinstance(node, tree.Name):
        return node.start
    return node.span.start  # type: ignore[no-any-return]


def _end(node: Any) -> int:
    if isinstance(node, Token):
        return node.end_pos or 0
    if isinstance(node, tree.Name):
        return node.end
    return node.span.end  # type: ignore[no-any-return]


def _after(children: Children, kind: str) -> Token | None:
    """The token after the keyword `kind`, if the keyword is there."""
    for keyword, token in zip(children, children[1:], strict=False):
        if isinstance(keyword, Token) and keyword.type == kind:
            return token  # type: ignore[no-any-return]
    return None


def _tagged(child: Any, tag: str) -> bool:
    return isinstance(child, tuple) and child[0] == tag


def _body(children: Children) -> tree.Body:
    body = tree.Body()
    for child in children:
        if isinstance(child, tree.AccessRule | tree.GrantRule):
            body.rules.append(child)
        elif isinstance(child, tree.AreaBlock):
            body.blocks.append(child)
    return body

