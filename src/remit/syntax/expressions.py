"""Nodes of types and conditions: what was written, every part with its place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal as OneOf

from remit.source import Source, Span


@dataclass(slots=True, eq=False)
class Name:
    """A name without its backticks, and where it stands."""

    text: str
    source: Source
    start: int
    end: int

    @property
    def span(self) -> Span:
        return Span(self.source, self.start, self.end)


@dataclass(slots=True, eq=False)
class Text:
    """A string with its escapes resolved."""

    text: str
    span: Span


# -- types and attributes ------------------------------------------------------------------------------------------


@dataclass(slots=True, eq=False)
class PlainType:
    name: Name
    optional: bool
    span: Span


@dataclass(slots=True, eq=False)
class Enumeration:
    values: list[Text]
    optional: bool
    span: Span


@dataclass(slots=True, eq=False)
class SetType:
    element: PlainType | Enumeration
    optional: bool
    span: Span


WrittenType = PlainType | Enumeration | SetType


@dataclass(slots=True, eq=False)
class Attribute:
    name: Name
    type: WrittenType


# -- conditions ----------------------------------------------------------------------------------------------------


@dataclass(slots=True, eq=False)
class Literal:
    """`kind` is string, int, bool or duration; a duration's value is in nanoseconds."""

    kind: OneOf["string", "int", "bool", "duration"]
    value: str | int | bool
    span: Span


@dataclass(slots=True, eq=False)
class Path:
    root: Name
    attribute: Name
    span: Span


@dataclass(slots=True, eq=False)
class Reference:
    """The name of a condition."""

    name: Name
    span: Span


@dataclass(slots=True, eq=False)
class Has:
    path: Path
    span: Span


@dataclass(slots=True, eq=False)
class Not:
    operand: Expression
    span: Span


@dataclass(slots=True, eq=False)
class And:
    operands: list[Expression]
    span: Span


@dataclass(slots=True, eq=False)
class Or:
    operands: list[Expression]
    span: Span


@dataclass(slots=True, eq=False)
class Compare:
    operator: str
    left: Expression
    right: Expression
    span: Span


@dataclass(slots=True, eq=False)
class Minus:
    left: Expression
    right: Expression
    span: Span


@dataclass(slots=True, eq=False)
class ListLiteral:
    items: list[Literal]
    span: Span


@dataclass(slots=True, eq=False)
class Member:
    """`operand in collection`, or `not in` where negated."""

    operand: Expression
    collection: Path | ListLiteral
    negated: bool
    span: Span


Expression = Literal | Path | Reference | Has | Not | And | Or | Compare | Minus | Member
