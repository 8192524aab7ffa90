"""Types of attributes, and which values belong to them. Where a value does not, conditions read it as unknown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from remit.instant import parse_instant
from remit.model.expression import Attr, Const, Expr, Minus

SMALLEST, LARGEST = -(2**63), 2**63 - 1


class Type(NamedTuple):
    """`kind`: string, int, bool, time, user, enum (with `values`), set (with `element`), duration, or any: the type of
    something that is wrong already, or absent for good."""

    kind: str
    values: tuple[str, ...] = ()
    element: Type | None = None

    def __str__(self) -> str:
        if self.kind == "enum":
            return " | ".join(f'"{value}"' for value in self.values)
        if self.kind == "set":
            inner = str(self.element)
            return f"set of ({inner})" if self.element and len(self.element.values) > 1 else f"set of {inner}"
        return self.kind

    @property
    def spoken(self) -> str:
        """With its article, for messages: "an `int`"."""
        if self.kind == "enum":
            return f"one of {self}" if len(self.values) > 1 else f"always {self}"
        return f"{'an' if self.kind == 'int' else 'a'} `{self}`"

    @property
    def textual(self) -> bool:
        return self.kind in ("string", "user", "enum")


STRING, INT, BOOL, TIME, USER, DURATION, ANY = (
    Type(kind) for kind in ("string", "int", "bool", "time", "user", "duration", "any")
)
PLAIN = {kind.kind: kind for kind in (STRING, INT, BOOL, TIME, USER)}
STRINGS = Type("set", element=STRING)


class AttributeType(NamedTuple):
    type: Type
    optional: bool = False


Attributes = Mapping[str, AttributeType]

BUILT_IN: Mapping[str, Attributes] = {
    "resource": {"id": AttributeType(STRING), "scope": AttributeType(STRING)},
    "user": {"id": AttributeType(USER), "groups": AttributeType(STRINGS), "roles": AttributeType(STRINGS)},
    "context": {"time": AttributeType(TIME)},
    "claims": {},
}


class Reading(NamedTuple):
    """The declared attributes that a condition may read, per root; `resource` those of one resource type."""

    roots: Mapping[str, Attributes]

    def find(self, attr: Attr) -> AttributeType | None:
        declared = self.roots.get(attr.root)
        if declared is None:
            return None
        return BUILT_IN[attr.root].get(attr.name) or declared.get(attr.name)

    def type_of(self, node: Expr) -> Type:
        """Of an operand of a checked comparison."""
        if isinstance(node, Attr):
            found = self.find(node)
            return found.type if found else ANY
        if isinstance(node, Const):
            return {"string": STRING, "int": INT, "bool": BOOL, "duration": DURATION}[node.kind]
        return DURATION if isinstance(node, Minus) else BOOL


def belongs(value: object, kind: Type) -> bool:
    """Whether a JSON value has the type: a bool is no int, an int fits 64 bits, a time has its zone."""
    name = kind.kind
    if name == "int":
        return type(value) is int and SMALLEST <= value <= LARGEST
    if name in ("string", "user"):
        return isinstance(value, str)
    if name == "bool":
        return isinstance(value, bool)
    if name == "enum":
        return isinstance(value, str) and value in kind.values
    if name == "time":
        return isinstance(value, str) and parse_instant(value) is not None
    if name == "set" and kind.element:
        return isinstance(value, list | tuple | set | frozenset) and all(belongs(item, kind.element) for item in value)
    return False
