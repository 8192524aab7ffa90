"""The normal form of a condition at a resource type (SEMANTICS 6), as plain JSON data.

Named conditions are inlined; `not` is pushed inward (De Morgan holds in Kleene's logic, and the negation of a
comparison is the opposite comparison, unknown where it was); comparisons are oriented (attributes before constants,
attributes by name); int bounds are made inclusive; `and` and `or` are flattened, sorted, de-duplicated and absorbed
(`a or (a and b)` is `a`: Kleene's logic is a distributive lattice). Nothing is folded that three values do not allow:
`a or not a` stays, for it is unknown where a is.

    not (resource.cost > 5 or not treats)
    → ["and", ["<=", ["resource", "cost"], 5], ["==", ["resource", "vet"], ["user", "id"]]]
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from itertools import chain
from typing import Any

from remit.instant import format_instant, parse_instant
from remit.model import expression as ex
from remit.model.types import LARGEST, SMALLEST, Reading

Normal = Any  # True, False, or a list: ["and" | "or", …], ["==", left, right], ["in", item, set], ["has", attribute], …

_NEGATED = {"==": "!=", "!=": "==", "<": ">=", ">=": "<", ">": "<=", "<=": ">"}
_MIRRORED = {"==": "==", "!=": "!=", "<": ">", ">": "<", "<=": ">=", ">=": "<="}
_OPPOSITE = {"in": "not in", "not in": "in", "has": "has not", "has not": "has"}
_encoded = json.JSONEncoder(separators=(",", ":"), sort_keys=True, ensure_ascii=False).encode
_MOST_KEPT = 20_000  # keys of one `Keys`
_MOST_ABSORBED = 500  # parts of one `and` or `or` that are compared pair by pair; beyond, absorption is left out


def normal(node: ex.Expr | None, reading: Reading, parts: Parts | None = None) -> Normal:
    """The normal form; of no condition at all, True. `parts` has what is known of parts of it, at the same type."""
    return True if node is None else _normal(node, reading, False, parts or Parts())


def key(form: Normal) -> str:
    """A total order on normal forms, and their identity."""
    return _encoded(form)


class Keys:
    """The keys of forms that are asked for again and again: each is made once. A form that was asked for stays as it
    is."""

    __slots__ = ("_known",)

    def __init__(self) -> None:
        self._known: dict[int, tuple[Normal, str]] = {}  # by its id, which is the form's for as long as it is kept here

    def __call__(self, form: Normal) -> str:
        found = self._known.get(id(form))
        if found is None:
            if len(self._known) >= _MOST_KEPT:
                self._known.clear()
            found = self._known[id(form)] = (form, key(form))
        return found[1]


class Parts:
    """The normal forms of parts of one condition at one type, for conditions that differ from it in some other part.
    The condition has to be kept for as long as this."""

    __slots__ = ("key", "known")

    def __init__(self, condition: ex.Expr | None = None, reading: Reading | None = None, keys: Keys | None = None):
        self.key: Callable[[Normal], str] = keys or key
        self.known: dict[tuple[int, bool], Normal] = {}  # by a part's id, and whether it is negated
        if condition is not None and reading is not None:
            for part in reversed([*ex.walk(condition)]):  # inner ones first
                if isinstance(part, ex.Named | ex.Not | ex.And | ex.Or | ex.Has | ex.Member | ex.Compare):
                    for negated in (False, True):
                        self.known[id(part), negated] = _normal(part, reading, negated, self)


def negated(form: Normal) -> Normal:
    """The normal form of `not` this one: true where it is false, false where it is true, unknown where it is."""
    if isinstance(form, bool):
        return not form
    word = form[0]
    if word in ("and", "or"):
        return _join("or" if word == "and" else "and", [negated(part) for part in form[1:]])
    if word in _OPPOSITE:
        return [_OPPOSITE[word], *form[1:]]
    left, right = form[1:]
    if word == "==" and isinstance(right, bool):
        return ["==", left, not right]
    return _bounded(_NEGATED[word], left, right, type(right) is int)


def either(forms: list[Normal]) -> Normal:
    """The normal `or` of normal forms."""
    return _join("or", forms)


def both(forms: list[Normal], key: Callable[[Normal], str] = key) -> Normal:
    """The normal `and` of normal forms; `key` may remember."""
    return _join("and", forms, key)


def _normal(node: ex.Expr, reading: Reading, negated: bool, parts: Parts) -> Normal:
    found = parts.known.get((id(node), negated))
    if found is not None:
        return found
    if isinstance(node, ex.Named):
        return _normal(node.body, reading, negated, parts)
    if isinstance(node, ex.Not):
        return _normal(node.operand, reading, not negated, parts)
    if isinstance(node, ex.And | ex.Or):
        word = "and" if isinstance(node, ex.And) != negated else "or"
        return _join(word, [_normal(part, reading, negated, parts) for part in node.operands], parts.key)
    if isinstance(node, ex.Const):
        return bool(node.value) != negated
    if isinstance(node, ex.Has):
        if reading.find(node.attr) is None:
            return negated
        return ["has not" if negated else "has", _term(node.attr)]
    if isinstance(node, ex.Attr):
        return ["==", _term(node), not negated]
    if isinstance(node, ex.Member):
        return _member(node, reading, negated)
    if isinstance(node, ex.Compare):
        return _compare(node, reading, negated)
    raise AssertionError(f"{type(node).__name__} is no condition")


def _term(attr: ex.Attr) -> list[str]:
    return [attr.root, attr.name]


def _member(node: ex.Member, reading: Reading, negated: bool) -> Normal:
    word = "not in" if negated else "in"
    kind = reading.type_of(node.operand).kind
    if isinstance(node.collection, ex.Attr):
        held = reading.type_of(node.collection)
        element = held.element.kind if held.element else "any"
        return [word, _side(node.operand, reading, element), _term(node.collection)]
    items = {key(item): item for item in (_side(item, reading, kind) for item in node.collection)}
    ordered = [items[name] for name in sorted(items)]
    item = _side(node.operand, reading, "any")
    if len(ordered) == 1 and isinstance(item, list):
        return ["!=" if negated else "==", item, ordered[0]]
    if not isinstance(item, list):
        return (item in ordered) != negated
    return [word, item, ["list", *ordered]]


def _side(node: ex.Expr, reading: Reading, other: str) -> Any:
    """An operand: an attribute, a difference, or a constant (times and durations as such beside a time)."""
    if isinstance(node, ex.Attr):
        return _term(node)
    if isinstance(node, ex.Minus):
        return ["-", _side(node.left, reading, "time"), _side(node.right, reading, "time")]
    if isinstance(node, ex.Const):
        if node.kind == "string" and other == "time":
            instant = parse_instant(str(node.value))
            return {"time": format_instant(instant)} if instant is not None else node.value
        return {"ns": node.value} if node.kind == "duration" else node.value
    return _normal(node, reading, False, Parts())


def _compare(node: ex.Compare, reading: Reading, negated: bool) -> Normal:
    operator = _NEGATED[node.operator] if negated else node.operator
    kinds = (reading.type_of(node.left).kind, reading.type_of(node.right).kind)
    left, right = _side(node.left, reading, kinds[1]), _side(node.right, reading, kinds[0])
    if _constant(left) and _constant(right):
        return _fold(operator, left, right)
    if _constant(left) or (not _constant(right) and key(left) > key(right)):
        left, right, operator = right, left, _MIRRORED[operator]
    if _constant(right) and left[0] == "-" and key(left[1]) > key(left[2]):
        # b - a < 5s is a - b > -5s
        left, right, operator = ["-", left[2], left[1]], {"ns": -right["ns"]}, _MIRRORED[operator]
    if operator in ("==", "!=") and isinstance(right, bool):
        return ["==", left, right == (operator == "==")]
    return _bounded(operator, left, right, type(right) is int and "int" in kinds)


def _bounded(operator: str, left: Any, right: Any, integer: bool) -> Normal:
    """A comparison; beside an int, with an inclusive bound."""
    if integer and operator == "<" and right > SMALLEST:
        operator, right = "<=", right - 1
    elif integer and operator == ">" and right < LARGEST:
        operator, right = ">=", right + 1
    return [operator, left, right]


def _constant(side: Any) -> bool:
    return not isinstance(side, list)


def _fold(operator: str, left: Any, right: Any) -> Normal:
    if isinstance(left, dict):
        left = parse_instant(left["time"]) if "time" in left else left["ns"]
    if isinstance(right, dict):
        right = parse_instant(right["time"]) if "time" in right else right["ns"]
    if operator == "==":
        return bool(left == right)
    if operator == "!=":
        return bool(left != right)
    below, same = left < right, left == right
    return bool({"<": below, "<=": below or same, ">": not below and not same, ">=": not below}[operator])


def _join(word: str, forms: list[Normal], key: Callable[[Normal], str] = key) -> Normal:
    """Flattened, sorted, without repeats and absorbed parts. `word` is and or or."""
    zero = word == "or"  # the value that settles it: true for or, false for and
    parts: dict[str, Normal] = {}
    pending = list(reversed(forms))
    while pending:
        form = pending.pop()
        if isinstance(form, bool):
            if form == zero:
                return zero
            continue
        if form[0] == word:
            pending.extend(reversed(form[1:]))
        else:
            parts[key(form)] = form
    if not parts:
        return not zero
    if 1 < len(parts) <= _MOST_ABSORBED:
        parts = _absorbed(parts, "and" if word == "or" else "or", key)
    if len(parts) == 1:
        return next(iter(parts.values()))
    return [word, *(parts[name] for name in sorted(parts))]


def _absorbed(parts: dict[str, Normal], inner: str, key: Callable[[Normal], str]) -> dict[str, Normal]:
    pieces = {
        name: frozenset(map(key, form[1:])) if form[0] == inner else frozenset((name,)) for name, form in parts.items()
    }
    if len({len(some) for some in pieces.values()}) == 1:
        return parts  # of sets of one size none holds another
    # Who holds another's pieces holds the one of them that is in the fewest: there alone it is looked for.
    times = Counter(chain.from_iterable(pieces.values()))
    by_rarest: dict[str, list[frozenset[str]]] = {}
    for some in pieces.values():
        by_rarest.setdefault(min(some, key=times.__getitem__), []).append(some)
    return {
        name: form
        for name, form in parts.items()
        if not any(other < pieces[name] for piece in pieces[name] for other in by_rarest.get(piece, ()))
    }
