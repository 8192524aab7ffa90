"""What all callbacks share: tokens to names, texts, numbers and spans, with findings for what is wrong inside them."""

from __future__ import annotations

import re
from typing import Any, TypeVar

from lark import Token

from remit.diagnostics import Diagnostic
from remit.source import Source, Span
from remit.syntax import tree
from remit.syntax.spelling import deceptive

Children = list[Any]  # tokens, nodes and lists of nodes, as the grammar has them
Node = TypeVar("Node")

_ESCAPE = re.compile(r"\\(u\{([0-9A-Fa-f]{1,6})\}|.)", re.DOTALL)
_PLAIN_ESCAPES = {'"': '"', "\\": "\\", "n": "\n", "t": "\t"}
NANOSECONDS = {"s": 10**9, "m": 60 * 10**9, "h": 3600 * 10**9, "d": 86400 * 10**9}
LARGEST = 2**63 - 1


class Pieces:
    """The state of a build and the small steps of every callback. `findings` collects what is wrong inside a token."""

    source: Source
    findings: list[Diagnostic]
    statements: list[tree.Statement]

    def begin(self, source: Source) -> None:
        """Turns to the next source."""
        self.source = source
        self.findings = []
        self.statements = []

    def _name(self, token: Token) -> tree.Name:
        text = str(token)
        if text[0] == "`":
            text = text[1:-1]
            finding = deceptive(text, self._token_span(token))
            if finding is not None:
                self.findings.append(finding)
        return tree.Name(text, self.source, token.start_pos or 0, token.end_pos or 0)

    def _names(self, children: Children) -> list[tree.Name]:
        return [self._name(child) for child in children if child.type != "COMMA"]

    def _token_span(self, token: Token) -> Span:
        return Span(self.source, token.start_pos or 0, token.end_pos or 0)

    def _span(self, first: Any, last: Any) -> Span:
        return Span(self.source, start_of(first), end_of(last))

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

    def _keep(self, statement: Node) -> Node:
        self.statements.append(statement)  # type: ignore[arg-type]  # callers pass statements only
        return statement

    def _title(self, c: Children) -> tree.Text | None:
        for child in c:
            if isinstance(child, Token) and child.type == "STRING":
                return self._text(child)
        return None


def start_of(node: Any) -> int:
    if isinstance(node, Token):
        return node.start_pos or 0
    if isinstance(node, tree.Name):
        return node.start
    return node.span.start  # type: ignore[no-any-return]  # a token or a node


def end_of(node: Any) -> int:
    if isinstance(node, Token):
        return node.end_pos or 0
    if isinstance(node, tree.Name):
        return node.end
    return node.span.end  # type: ignore[no-any-return]  # a token or a node


def after(children: Children, kind: str) -> Token | None:
    """The token after the keyword `kind`, if the keyword is there."""
    for keyword, token in zip(children, children[1:], strict=False):
        if isinstance(keyword, Token) and keyword.type == kind:
            return token  # type: ignore[no-any-return]  # a token or a node
    return None


def tagged(child: Any, tag: str) -> bool:
    return isinstance(child, tuple) and child[0] == tag


def body_of(children: Children) -> tree.Body:
    body = tree.Body()
    for child in children:
        if isinstance(child, tree.AccessRule | tree.GrantRule):
            body.rules.append(child)
        elif isinstance(child, tree.AreaBlock):
            body.blocks.append(child)
    return body
