"""What a node must be, and the finding where it is something else. The reader asks; every answer of None is reported.

Null counts as left out, wherever something may be left out.
"""

from __future__ import annotations

from collections.abc import Collection

from remit.diagnostics import Diagnostic, Label, similar
from remit.directory.nodes import Hole, Mapping, Node, Scalar, Sequence, span_of
from remit.source import Source, Span

_MOST_COMPARED = 50_000  # names looked at for similar ones in one file: a suggestion is not worth seconds


class Fields:
    """Reads nodes of one source and collects what is wrong with them."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.findings: list[Diagnostic] = []
        self._compared = 0

    def fail(self, code: str, message: str, node: Node | Span, help: str = "", label: str = "", *more: Label) -> None:
        span = node if isinstance(node, Span) else self.span(node)
        self.findings.append(Diagnostic(code=code, message=message, span=span, label=label, help=help, secondary=more))

    def span(self, node: Node) -> Span:
        return span_of(self.source, node)

    def place(self, node: Node) -> tuple[int, int]:
        return self.source.position(node.start)

    def suggest(self, word: str, known: Collection[str], otherwise: str = "") -> str:
        """A help line with the similar name. Gives up looking in large files with many mistakes."""
        self._compared += len(known)
        return similar(word, known, otherwise) if self._compared <= _MOST_COMPARED else otherwise

    def mapping(self, what: str, example: str, key: Node, node: Node) -> Mapping | None:
        """The mapping, an empty one for null. `key` is underlined where the value is not written at all."""
        if type(node) is Mapping:
            return node
        if type(node) is Scalar and node.is_null:
            return Mapping(node.start, node.end)
        self.wrong(what, "a mapping", f"for example `{example}`", key, node)
        return None

    def sequence(self, what: str, example: str, key: Node, node: Node) -> Sequence | None:
        """The list, an empty one for null."""
        if type(node) is Sequence:
            return node
        if type(node) is Scalar and node.is_null:
            return Sequence(node.start, node.end)
        self.wrong(what, "a list", f"for example `{example}`", key, node)
        return None

    def name(self, what: str, key: Node, node: Node) -> str | None:
        """An id: the text of any scalar, `no`, `123` and `null` too, that is not empty."""
        if type(node) is Scalar and node.text:
            return node.text
        self.wrong(what, "a name", "", key, node)
        return None

    def keys(self, what: str, known: Collection[str], node: Mapping) -> None:
        """Reports each key that is not known here."""
        for name, (key, _) in node.entries.items():
            if name not in known:
                listed = "known here: " + ", ".join(f"`{word}`" for word in known)
                self.fail("E404", f"{what} has no key `{name}`", key, self.suggest(name, known, listed))

    def wrong(self, what: str, expected: str, help: str, key: Node, node: Node) -> None:
        if type(node) is not Hole:
            at = key if node.end == node.start else node
            self.fail("E405", f"{what} is {expected}, but this is {found(node)}", at, help)


def found(node: Node) -> str:
    """What stands there, in plain words."""
    match node:
        case Mapping():
            return "a mapping"
        case Sequence():
            return "a list"
        case Scalar() if node.text == "":
            return "nothing" if node.plain else "an empty text"
        case Scalar() if node.plain and node.text in ("null", "true", "false"):
            return f"`{node.text}`"
        case Scalar():
            return "text" if isinstance(node.value, str) else "a number"
        case Hole():
            return "an alias"
