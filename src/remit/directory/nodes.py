"""The nodes of a YAML or JSON text: what stands there, and from which offset to which."""

from __future__ import annotations

import re
from typing import TypeAlias, final

from remit.source import Source, Span

_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?", re.ASCII)
_LONGEST_NUMBER = 4000  # digits; Python refuses to convert much longer ones
_WORDS: dict[str, object] = {"": None, "null": None, "true": True, "false": False}


@final
class Scalar:
    """`text` is what a key or an id is; `value` is what anything else is. `plain`: written without quotes."""

    __slots__ = ("end", "plain", "start", "text")

    def __init__(self, text: str, start: int, end: int, plain: bool = False) -> None:
        self.text = text
        self.start = start
        self.end = end
        self.plain = plain

    @property
    def value(self) -> object:
        """As in JSON: null, a bool, an int, a float, else the text. Never NaN or infinite."""
        return plain_value(self.text) if self.plain else self.text

    @property
    def is_null(self) -> bool:
        return self.plain and self.text in ("", "null")


@final
class Mapping:
    __slots__ = ("end", "entries", "start")

    def __init__(self, start: int, end: int) -> None:
        self.start = start
        self.end = end
        self.entries: dict[str, tuple[Scalar, Node]] = {}


@final
class Sequence:
    __slots__ = ("end", "items", "start")

    def __init__(self, start: int, end: int) -> None:
        self.start = start
        self.end = end
        self.items: list[Node] = []


@final
class Hole:
    """Where an alias stood: reported already, and nothing is known about it."""

    __slots__ = ("end", "start")

    def __init__(self, start: int, end: int) -> None:
        self.start = start
        self.end = end


Node: TypeAlias = Scalar | Mapping | Sequence | Hole


def plain_value(text: str) -> object:
    """What an unquoted scalar means. `no`, `~`, `0x1F`, `.nan`, `1e999` are text; JSON knows none of them."""
    if text in _WORDS:
        return _WORDS[text]
    number = _NUMBER.fullmatch(text)
    if number is None or len(text) > _LONGEST_NUMBER:
        return text
    if number[1] is None and number[2] is None:
        return int(text)
    value = float(text)
    return text if value in (float("inf"), float("-inf")) else value


def value_of(node: Node) -> object:
    """The node as JSON would give it: dicts, lists and scalars. Recursion is bounded by `DEPTH`."""
    match node:
        case Scalar():
            return node.value
        case Mapping():
            return {name: value_of(value) for name, (_, value) in node.entries.items()}
        case Sequence():
            return [value_of(item) for item in node.items]
        case Hole():
            return None


def span_of(source: Source, node: Node) -> Span:
    """Where the node is written, as far as its first line goes: what is underlined fits on one line."""
    text, end = source.text, node.end
    line_end = text.find("\n", node.start, end)
    if line_end >= 0:
        end = line_end
    while end > node.start and text[end - 1].isspace():
        end -= 1
    return Span(source, node.start, end)
