"""Conditions once names are bound: immutable, comparable, without places; shared by checker, table and evaluator.

Types are not part of a node: the same condition is read at every resource type its rule covers, and `resource.status`
may be another enumeration at each (`remit.model.types.Reading` knows them).
"""

from __future__ import annotations

from collections.abc import Iterator


class Node:
    """A part of a condition: compared and hashed by what it is and holds. INVARIANT: never changed once made.

    Plain classes, since ten frozen dataclasses cost a plain answer 5 ms of its start."""

    __slots__: tuple[str, ...] = ()

    def _held(self) -> tuple[object, ...]:
        return tuple(getattr(self, name) for name in self.__slots__)

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self._held() == other._held()

    def __hash__(self) -> int:
        return hash((type(self).__name__, self._held()))

    def __repr__(self) -> str:
        return f"{type(self).__name__}{self._held()!r}"


class Const(Node):
    """`kind`: string, int, bool or duration (nanoseconds). A time is written as a string."""

    __slots__ = ("kind", "value")

    def __init__(self, kind: str, value: str | int | bool) -> None:
        self.kind = kind
        self.value = value


class Attr(Node):
    """`root` is resource, user, context or claims."""

    __slots__ = ("name", "root")

    def __init__(self, root: str, name: str) -> None:
        self.root = root
        self.name = name

    def __str__(self) -> str:
        return f"{self.root}.{quoted(self.name)}"


class Has(Node):
    __slots__ = ("attr",)

    def __init__(self, attr: Attr) -> None:
        self.attr = attr


class Not(Node):
    __slots__ = ("operand",)

    def __init__(self, operand: Expr) -> None:
        self.operand = operand


class And(Node):
    __slots__ = ("operands",)

    def __init__(self, operands: tuple[Expr, ...]) -> None:
        self.operands = operands


class Or(Node):
    __slots__ = ("operands",)

    def __init__(self, operands: tuple[Expr, ...]) -> None:
        self.operands = operands


class Minus(Node):
    __slots__ = ("left", "right")

    def __init__(self, left: Expr, right: Expr) -> None:
        self.left = left
        self.right = right


class Compare(Node):
    """`operator`: == != < <= > >=."""

    __slots__ = ("left", "operator", "right")

    def __init__(self, operator: str, left: Expr, right: Expr) -> None:
        self.operator = operator
        self.left = left
        self.right = right


class Member(Node):
    """`operand in collection`: a set attribute or literals."""

    __slots__ = ("collection", "operand")

    def __init__(self, operand: Expr, collection: Attr | tuple[Const, ...]) -> None:
        self.operand = operand
        self.collection = collection


class Named(Node):
    """A condition by its name, with what it stands for."""

    __slots__ = ("body", "name")

    def __init__(self, name: str, body: Expr) -> None:
        self.name = name
        self.body = body


Expr = Const | Attr | Has | Not | And | Or | Minus | Compare | Member | Named

TRUE = Const("bool", True)
FALSE = Const("bool", False)


def children(node: Expr) -> tuple[Expr, ...]:
    """The nodes directly below."""
    if isinstance(node, And | Or):
        return node.operands
    if isinstance(node, Compare | Minus):
        return (node.left, node.right)
    if isinstance(node, Not):
        return (node.operand,)
    if isinstance(node, Named):
        return (node.body,)
    if isinstance(node, Member):
        return (node.operand, node.collection) if isinstance(node.collection, Attr) else (node.operand,)
    if isinstance(node, Has):
        return (node.attr,)
    return ()


def walk(node: Expr) -> Iterator[Expr]:
    """The node and all below it, named conditions followed."""
    pending = [node]
    while pending:
        current = pending.pop()
        yield current
        pending.extend(children(current))


def size(node: Expr) -> int:
    """How many parts it has when every name in it is written out. Each name is counted once and multiplied, so a
    few lines of conditions that each use the one before twice are no trap."""
    known: dict[int, int] = {}

    def count(part: Expr) -> int:
        found = known.get(id(part))
        if found is None:
            found = known[id(part)] = 1 + sum(count(child) for child in children(part))
        return found

    return count(node)


def attributes(node: Expr) -> frozenset[Attr]:
    """Every attribute it reads or asks for."""
    return frozenset(part for part in walk(node) if isinstance(part, Attr))


def names(node: Expr) -> frozenset[str]:
    """The named conditions it uses."""
    return frozenset(part.name for part in walk(node) if isinstance(part, Named))


# -- text ----------------------------------------------------------------------------------------------------------

_UNITS = ((86400 * 10**9, "d"), (3600 * 10**9, "h"), (60 * 10**9, "m"), (10**9, "s"))


def quoted(name: str) -> str:
    """A name as the language writes it: in backticks where it is no plain one."""
    plain = name.isascii() and name.isidentifier()
    return name if plain else f"`{name}`"


def literal(value: str | int | bool) -> str:
    """A string, int or bool as the language writes it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\t", "\\t")
    return '"' + "".join(c if c.isprintable() else f"\\u{{{ord(c):x}}}" for c in escaped) + '"'


def text(node: Expr, level: int = 0) -> str:
    """The condition in the language's own words. `level`: 0 anywhere, 1 inside `or`, 2 inside `and`, 3 inside a
    comparison; parentheses only where needed."""
    if isinstance(node, Const):
        if node.kind == "duration":
            amount = int(node.value)
            for size, unit in _UNITS:
                if amount % size == 0:
                    return f"{amount // size}{unit}"
            return f"{amount}ns"
        return literal(node.value)
    if isinstance(node, Attr):
        return str(node)
    if isinstance(node, Named):
        return quoted(node.name)
    if isinstance(node, Has):
        return f"has {node.attr}"
    if isinstance(node, Not):
        if isinstance(node.operand, Member):
            return _member(node.operand, "not in")
        return _wrap(f"not {text(node.operand, 2)}", level > 2)
    if isinstance(node, And):
        return _wrap(" and ".join(text(part, 2) for part in node.operands), level > 1)
    if isinstance(node, Or):
        return _wrap(" or ".join(text(part, 1) for part in node.operands), level > 0)
    if isinstance(node, Minus):
        return f"{text(node.left, 3)} - {text(node.right, 3)}"
    if isinstance(node, Member):
        return _wrap(_member(node, "in"), level > 2)
    return _wrap(f"{text(node.left, 3)} {node.operator} {text(node.right, 3)}", level > 2)


def _member(node: Member, word: str) -> str:
    collection = node.collection
    if isinstance(collection, Attr):
        return f"{text(node.operand, 3)} {word} {collection}"
    return f"{text(node.operand, 3)} {word} [{', '.join(text(item) for item in collection)}]"


def _wrap(inner: str, needed: bool) -> str:
    return f"({inner})" if needed else inner
