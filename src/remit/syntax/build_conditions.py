"""Callbacks of types, attributes and conditions."""

from __future__ import annotations

from remit.diagnostics import Diagnostic
from remit.syntax import tree
from remit.syntax.pieces import LARGEST, NANOSECONDS, Children, Pieces


class ConditionCallbacks(Pieces):
    """Named as the rules of the grammar."""

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
            value = int(digits) * NANOSECONDS[token[-1]] if len(digits) < 20 else LARGEST + 1
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
