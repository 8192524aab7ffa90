"""Partial evaluation: what is left of a condition when some attributes are known and others are still open.

The idea is old (Jones, Gomard, Sestoft, *Partial Evaluation and Automatic Program Generation*, 1993) and serves
authorization well (OPA's partial queries): evaluate what is known, keep the rest as a smaller condition. Here three
values must survive it. An allow counts where its condition is TRUE and a deny unless it is FALSE, that is, where `not
deny` is not TRUE, so both sides ask one question: is this formula TRUE? In negation normal form (De Morgan holds in
Kleene's logic) a formula is monotone in its literals, and one that is unknown for good (an attribute the directory
lacks, a value of a wrong type) makes nothing TRUE that a false one would not: it becomes `false`, on either side. What
is kept is TRUE for exactly those completions of the open attributes, incomplete ones too, for which the whole was.

    condition treats = resource.vet == user.id
    allow … when treats and resource.status == "open" and user.department == "surgery"

    ann, department "surgery", nothing given:   resource.vet == "ann" and resource.status == "open"
    ann, status "closed" given:                 false: never
    bob, whose department is unknown:           false: never

Inside an `and`, what one part settles is known to the others (*unit propagation*, Davis, Logemann, Loveland 1962):
`x == "a" and (x == "b" or y)` is `x == "a" and y`, for where the first part is not TRUE the whole is not. Order is kept
but for `has`, which comes first, so it stands before what it guards and the result is a condition the language accepts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from remit.evaluator.conditions import compile_condition, reader
from remit.evaluator.facts import NOBODY, Facts
from remit.instant import format_instant, parse_instant
from remit.model import expression as ex
from remit.model.types import BUILT_IN, Reading, Type

_NEGATED = {"==": "!=", "!=": "==", "<": ">=", ">=": "<", ">": "<=", "<=": ">"}
_MIRRORED = {"==": "==", "!=": "!=", "<": ">", ">": "<", "<=": ">=", ">=": "<="}
_USER_ID, _RESOURCE_ID = ex.Attr("user", "id"), ex.Attr("resource", "id")
_PASSES = 3
_MOST_ABSORBED = 200  # parts of one `and` or `or` that are compared pair by pair; beyond, absorption is left out


class Known:
    """What one question settles. Open are declared attributes of the resource and the context that are not given, and
    the resource's id where there is none; `null` is given, and means absent. The scope, the time and all about the user
    are never open. `present`: open attributes that are there, whatever their value."""

    __slots__ = ("facts", "present", "reading")

    def __init__(self, reading: Reading, facts: Facts, present: frozenset[ex.Attr] = frozenset()) -> None:
        self.reading = reading
        self.facts = facts
        self.present = present

    def is_open(self, attr: ex.Attr) -> bool:
        if attr.root == "resource":
            if attr.name in ("id", "scope"):
                return attr.name == "id" and self.facts.resource_id is None
            return attr.name not in self.facts.properties and self.reading.find(attr) is not None
        if attr.root == "context":
            return attr.name != "time" and attr.name not in self.facts.context and self.reading.find(attr) is not None
        return False

    def read(self, attr: ex.Attr) -> Any:
        """The value in the form conditions compare; None where it is unknown."""
        return reader(attr, self.reading)(self.facts)

    def json(self, attr: ex.Attr) -> Any:
        """The value of a known attribute that `read` can read, in JSON's terms."""
        if attr.name not in BUILT_IN.get(attr.root, {}):
            return self.facts.section(attr.root)[attr.name]
        value = self.read(attr)
        if attr.root == "context":
            return format_instant(value)
        return sorted(value) if isinstance(value, frozenset) else value

    def given(self, values: Mapping[ex.Attr, Any], present: Iterable[ex.Attr] = ()) -> Known:
        """The same, knowing some open attributes more; a value of None says that it is absent."""
        resource, context = dict(self.facts.properties), dict(self.facts.context)
        identifier = self.facts.resource_id
        for attr, value in values.items():
            if attr == _RESOURCE_ID:
                identifier = value
            else:
                (resource if attr.root == "resource" else context)[attr.name] = value
        facts = self.facts._replace(properties=resource, context=context, resource_id=identifier)
        return Known(self.reading, facts, self.present.union(present))


def residual(node: ex.Expr | None, known: Known, negated: bool = False) -> ex.Expr:
    """What must be TRUE of the open attributes for the condition (`negated`: for `not` of it) to be TRUE: `TRUE`,
    `FALSE`, or a condition in negation normal form. No condition at all is TRUE."""
    return tidy(reduced(node, known, negated), known)


def reduced(node: ex.Expr | None, known: Known, negated: bool = False) -> ex.Expr:
    """The same, each literal looked at by itself."""
    if node is None:
        return ex.FALSE if negated else ex.TRUE
    if isinstance(node, ex.Named):
        return reduced(node.body, known, negated)
    if isinstance(node, ex.Not):
        return reduced(node.operand, known, not negated)
    if isinstance(node, ex.And | ex.Or):
        parts = [reduced(part, known, negated) for part in node.operands]
        return every(parts) if isinstance(node, ex.And) != negated else some(parts)
    if isinstance(node, ex.Const):
        return _settled(bool(node.value) != negated)
    if isinstance(node, ex.Has):
        return _has(node, known, negated)
    return _literal(node, known, negated)


def _settled(value: bool) -> ex.Expr:
    return ex.TRUE if value else ex.FALSE


# -- and, or ---------------------------------------------------------------------------------------------------------


def some(parts: Iterable[ex.Expr]) -> ex.Expr:
    """The `or` of residuals: flat, each part once, absorbed ones left out."""
    flat: dict[ex.Expr, None] = {}
    for part in parts:
        for one in part.operands if isinstance(part, ex.Or) else (part,):
            if one == ex.TRUE:
                return ex.TRUE
            if one != ex.FALSE:
                flat[one] = None
    kept = _absorbed(list(flat), ex.And)
    return ex.FALSE if not kept else kept[0] if len(kept) == 1 else ex.Or(tuple(kept))


def every(parts: Iterable[ex.Expr]) -> ex.Expr:
    """The `and` of residuals: flat, each part once, `has` first, absorbed ones left out."""
    flat: dict[ex.Expr, None] = {}
    for part in parts:
        for one in part.operands if isinstance(part, ex.And) else (part,):
            if one == ex.FALSE:
                return ex.FALSE
            if one != ex.TRUE:
                flat[one] = None
    kept = _absorbed(sorted(flat, key=lambda part: not isinstance(part, ex.Has)), ex.Or)
    return ex.TRUE if not kept else kept[0] if len(kept) == 1 else ex.And(tuple(kept))


def tidy(node: ex.Expr, known: Known) -> ex.Expr:
    """A residual in which every `and` has told each of its parts what the others settle. Telling may settle more, so it
    is done again, a few times at most: each pass is quadratic at worst, and what is left over is right all the same."""
    for _ in range(_PASSES):
        before, node = node, _told(node, known)
        if node == before:
            break
    return node


def _told(node: ex.Expr, known: Known) -> ex.Expr:
    if isinstance(node, ex.Or):
        return some([_told(part, known) for part in node.operands])
    if not isinstance(node, ex.And):
        return node
    values, present = _units(node.operands)
    if not values and not present:
        return every([_told(part, known) for part in node.operands])
    more = known.given(values, present)
    parts = [part if _gives(part, values) else _told(reduced(part, more), more) for part in node.operands]
    return every(parts)


def _units(parts: Iterable[ex.Expr]) -> tuple[dict[ex.Attr, Any], list[ex.Attr]]:
    """The values that parts of an `and` settle by themselves (None: absent), and the attributes they say are there."""
    values: dict[ex.Attr, Any] = {}
    present: list[ex.Attr] = []
    for part in parts:
        if isinstance(part, ex.Has):
            present.append(part.attr)
        elif (unit := _unit(part)) is not None:
            values.setdefault(*unit)
    return values, [attr for attr in present if values.get(attr, attr) is not None]


def _unit(part: ex.Expr) -> tuple[ex.Attr, Any] | None:
    if isinstance(part, ex.Attr):
        return part, True
    if isinstance(part, ex.Not) and isinstance(part.operand, ex.Attr):
        return part.operand, False
    if isinstance(part, ex.Not) and isinstance(part.operand, ex.Has):
        return part.operand.attr, None
    if not isinstance(part, ex.Compare) or part.operator != "==":
        return None
    return (
        (part.left, part.right.value) if isinstance(part.left, ex.Attr) and isinstance(part.right, ex.Const) else None
    )


def _gives(part: ex.Expr, values: Mapping[ex.Attr, Any]) -> bool:
    """Whether the part is where one of the values, or a presence, comes from: it stays as it is."""
    if isinstance(part, ex.Has):
        return values.get(part.attr, part) is not None
    unit = _unit(part)
    return unit is not None and values[unit[0]] is unit[1]


def _absorbed(parts: list[ex.Expr], inner: type[ex.And] | type[ex.Or]) -> list[ex.Expr]:
    """Without those that another one makes superfluous: `a or a and b` is a, `a and (a or b)` is a."""
    if not 1 < len(parts) <= _MOST_ABSORBED:
        return parts
    pieces = [frozenset(part.operands) if isinstance(part, inner) else frozenset((part,)) for part in parts]
    return [part for part, own in zip(parts, pieces, strict=True) if not any(other < own for other in pieces)]


# -- literals --------------------------------------------------------------------------------------------------------


def _has(node: ex.Has, known: Known, negated: bool) -> ex.Expr:
    if node.attr in known.present:
        return _settled(not negated)
    if known.is_open(node.attr):
        return ex.Not(node) if negated else node
    return _settled(bool(compile_condition(node, known.reading)(known.facts)) != negated)


def _literal(node: ex.Expr, known: Known, negated: bool) -> ex.Expr:
    """A comparison, membership or bool attribute. Each is strict: unknown as soon as something it reads is."""
    for condition in ex.children(node):
        if not isinstance(condition, ex.Attr | ex.Const | ex.Minus):
            return _of_condition(node, condition, known, negated)
    read = ex.attributes(node)
    opened = [attr for attr in read if known.is_open(attr)]
    if not opened:
        value = compile_condition(node, known.reading)(known.facts)
        return _settled(value is not None and value != negated)
    if any(known.read(attr) is None for attr in read if attr not in opened):
        return ex.FALSE
    if isinstance(node, ex.Compare):
        operator = _NEGATED[node.operator] if negated else node.operator
        return _compare(ex.Compare(operator, node.left, node.right), known)
    if isinstance(node, ex.Member):
        return _member(node, known, negated)
    return ex.Not(node) if negated else node


def _of_condition(node: ex.Expr, condition: ex.Expr, known: Known, negated: bool) -> ex.Expr:
    """A comparison or membership of a condition (`(a or b) == resource.flag`): either it is TRUE and stands for true,
    or its negation is and it stands for false."""
    cases = []
    for value in (True, False):
        constant = ex.Const("bool", value)
        if isinstance(node, ex.Member):
            rest: ex.Expr = ex.Member(constant, node.collection)
        else:
            assert isinstance(node, ex.Compare)
            left, right = (constant if side is condition else side for side in (node.left, node.right))
            rest = ex.Compare(node.operator, left, right)
        cases.append(every([reduced(condition, known, not value), reduced(rest, known, negated)]))
    return some(cases)


def _nobody(node: ex.Expr, known: Known) -> bool:
    return node == _USER_ID and known.facts.user_id is NOBODY


def _compare(node: ex.Compare, known: Known) -> ex.Expr:
    if _nobody(node.left, known) or _nobody(node.right, known):
        return ex.FALSE if node.operator == "==" else node  # equal to no id, and different from any that is there
    shifted = _shifted(node, known)
    if shifted is not None:
        return shifted
    left, right, operator = _put(node.left, known), _put(node.right, known), node.operator
    if isinstance(left, ex.Const):
        left, right, operator = right, left, _MIRRORED[operator]
    if not isinstance(right, ex.Const) or not isinstance(left, ex.Attr):
        return ex.Compare(operator, left, right)
    kind = known.reading.type_of(left)
    if kind.kind == "bool" and operator in ("==", "!="):
        return left if right.value == (operator == "==") else ex.Not(left)
    if not _nameable(right, kind):
        return ex.FALSE if operator == "==" else node
    return ex.Compare(operator, left, right)


def _member(node: ex.Member, known: Known, negated: bool) -> ex.Expr:
    if _nobody(node.operand, known):
        return ex.Not(node) if negated else ex.FALSE
    operand, collection = _put(node.operand, known), node.collection
    if isinstance(collection, ex.Attr) and known.is_open(collection):
        element = known.reading.type_of(collection).element
        if isinstance(operand, ex.Const) and element is not None and not _nameable(operand, element):
            return ex.Not(node) if negated else ex.FALSE
        member = ex.Member(operand, collection)
        return ex.Not(member) if negated else member
    if isinstance(collection, ex.Attr):
        kind = known.reading.type_of(node.operand)
        items = [_constant(item) for item in dict.fromkeys(known.json(collection))]
        collection = tuple(item for item in items if _nameable(item, kind))
    if not collection and not negated:
        return ex.FALSE
    if len(collection) == 1 and isinstance(operand, ex.Attr):
        return _compare(ex.Compare("!=" if negated else "==", operand, collection[0]), known)
    member = ex.Member(operand, collection)
    return ex.Not(member) if negated else member


def _nameable(constant: ex.Const, kind: Type) -> bool:
    """Whether the language lets a value be written beside the type: only an enumeration's own values are."""
    return kind.kind != "enum" or constant.value in kind.values


def _put(node: ex.Expr, known: Known) -> ex.Expr:
    """The operand with known attributes replaced by their values."""
    if isinstance(node, ex.Minus):
        return ex.Minus(_put(node.left, known), _put(node.right, known))
    if isinstance(node, ex.Attr) and not known.is_open(node) and not _nobody(node, known):
        return _constant(known.json(node))
    return node


def _constant(value: Any) -> ex.Const:
    return ex.Const("bool" if isinstance(value, bool) else "int" if isinstance(value, int) else "string", value)


def _shifted(node: ex.Compare, known: Known) -> ex.Expr | None:
    """`context.time - resource.created < 30d` with the time known, as `resource.created > "…"`: the moment 30 days
    before it. None where the comparison is no such thing, or the moment none that can be written."""
    left, right, operator = node.left, node.right, node.operator
    if isinstance(right, ex.Minus):
        left, right, operator = right, left, _MIRRORED[operator]
    if not isinstance(left, ex.Minus) or not (isinstance(right, ex.Const) and right.kind == "duration"):
        return None
    first, second = _moment(left.left, known), _moment(left.right, known)
    duration = int(right.value)
    try:
        if first is not None and second is None:
            moment = ex.Const("string", format_instant(first - duration))
            return ex.Compare(_MIRRORED[operator], left.right, moment)
        if second is not None and first is None:
            return ex.Compare(operator, left.left, ex.Const("string", format_instant(second + duration)))
    except ValueError:
        pass
    return None


def _moment(node: ex.Expr, known: Known) -> int | None:
    """The nanoseconds of a time that is known; None of one that is open."""
    if isinstance(node, ex.Attr):
        return None if known.is_open(node) else known.read(node)
    return parse_instant(str(node.value)) if isinstance(node, ex.Const) else None
