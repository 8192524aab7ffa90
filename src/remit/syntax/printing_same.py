"""Whether two trees say the same: equal but for where they stand."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from typing import Any

from remit.source import Source, Span
from remit.syntax import tree

_FIELDS: dict[type, tuple[str, ...]] = {}  # of each kind of node, but for its place


def _fields(kind: type) -> tuple[str, ...]:
    """The fields of a kind of node; none of what is no node."""
    if kind not in _FIELDS:
        _FIELDS[kind] = (
            tuple(field.name for field in fields(kind) if field.name != "span") if is_dataclass(kind) else ()
        )
    return _FIELDS[kind]


def same(left: Any, right: Any) -> bool:
    """Nodes, lists of nodes, or what stands in them: the same kinds, names, texts, numbers and order."""
    pending = [(left, right)]
    while pending:  # no recursion: a tree may be deep
        one, other = pending.pop()
        kind = type(one)
        if kind is not type(other):
            return False
        if kind is Span or kind is Source:
            continue
        if kind is list:
            if len(one) != len(other):
                return False
            pending += zip(one, other, strict=True)
        elif kind is tree.Name:
            if one.text != other.text:
                return False
        elif names := _fields(kind):
            pending += [(getattr(one, name), getattr(other, name)) for name in names]
        elif one != other:
            return False
    return True
