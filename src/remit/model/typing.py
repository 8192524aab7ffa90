"""Types of conditions: three things are found out in one walk over a condition.

- its type, and whether every name it reads is declared;
- whether each optional attribute is read only after `has` on every path (*flow typing*, as Kotlin's smart casts:
  each part yields what is known to be present when it is true and when it is false). For `has x and x == 1 or y`:
  `has x` true makes x present, so the right of `and` may read it; the right of `or` knows only what its false left
  leaves, which is nothing;
- the bound form (`remit.model.expression`).

A rule may cover types that declare an attribute differently: the walk runs once for each different set of
declarations, and says of the same place only once what is wrong there.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from remit.diagnostics import Diagnostic, Suggestions
from remit.instant import parse_instant
from remit.model import expression as ex
from remit.model.types import ANY, BOOL, BUILT_IN, DURATION, INT, STRING, Reading, Type
from remit.source import Span
from remit.syntax import tree

LARGEST_CONDITION = 20_000  # parts, with every name written out

Present = frozenset[tuple[str, str]]
NOTHING: Present = frozenset()


class Typed(NamedTuple):
    """What one part is: its type, and the attributes known to be present when it is true, and when it is false."""

    type: Type
    if_true: Present = NOTHING
    if_false: Present = NOTHING


@dataclass(slots=True)
class Subject:
    """What a condition is read at: `where` names it in messages (a resource type, or empty)."""

    reading: Reading
    where: str = ""


@dataclass(slots=True)
class Conditions:
    """The named conditions of a policy: their text, and their bound form once found."""

    written: Mapping[str, tree.Condition]
    inherited: Mapping[str, ex.Expr] = field(default_factory=dict)  # of the base
    lost: frozenset[str] = frozenset()  # did not parse
    bound: dict[str, ex.Expr] = field(default_factory=dict)
    named: dict[str, ex.Named] = field(default_factory=dict)  # one node for each name, however often it is used
    circular: set[str] = field(default_factory=set)

    def known(self) -> set[str]:
        return {*self.written, *self.inherited}


def bind(node: tree.Expression, conditions: Conditions) -> ex.Expr:
    """The bound form. Unknown names become false; the walk that checks says so."""
    if isinstance(node, tree.Literal):
        return ex.Const(node.kind, node.value)
    if isinstance(node, tree.Path):
        return ex.Attr(node.root.text, node.attribute.text)
    if isinstance(node, tree.Reference):
        name = node.name.text
        if name in conditions.named:
            return conditions.named[name]
        if name in conditions.inherited:
            return conditions.named.setdefault(name, ex.Named(name, conditions.inherited[name]))
        written = conditions.written.get(name)
        if written is None or name in conditions.circular:
            return ex.FALSE
        if name not in conditions.bound:
            conditions.bound[name] = bind(written.expression, conditions)
        return conditions.named.setdefault(name, ex.Named(name, conditions.bound[name]))
    if isinstance(node, tree.Has):
        return ex.Has(ex.Attr(node.path.root.text, node.path.attribute.text))
    if isinstance(node, tree.Not):
        return ex.Not(bind(node.operand, conditions))
    if isinstance(node, tree.And):
        return ex.And(tuple(bind(part, conditions) for part in node.operands))
    if isinstance(node, tree.Or):
        return ex.Or(tuple(bind(part, conditions) for part in node.operands))
    if isinstance(node, tree.Compare):
        return ex.Compare(node.operator, bind(node.left, conditions), bind(node.right, conditions))
    if isinstance(node, tree.Minus):
        return ex.Minus(bind(node.left, conditions), bind(node.right, conditions))
    operand = bind(node.operand, conditions)
    if isinstance(node.collection, tree.Path):
        member = ex.Member(operand, ex.Attr(node.collection.root.text, node.collection.attribute.text))
    else:
        member = ex.Member(operand, tuple(ex.Const(item.kind, item.value) for item in node.collection.items))
    return ex.Not(member) if node.negated else member


class Checker:
    """Checks conditions against what they are read at, and gathers what is wrong."""

    def __init__(self, conditions: Conditions, report: Callable[[Diagnostic], None], near: Suggestions) -> None:
        self.conditions = conditions
        self.report = report
        self.near = near
        self.subject = Subject(Reading({}))
        self.findings: dict[tuple[str, int, int], tuple[Diagnostic, list[str]]] = {}
        self.asked: dict[tuple[int, int], tuple[tree.Path, bool]] = {}  # each `has`: does any type declare it
        self.quiet: dict[tuple[str, int], Typed] = {}

    def check(self, node: tree.Expression, subjects: Sequence[Subject]) -> None:
        """Checks `node` at each subject and reports each mistake once, naming the types it is wrong for."""
        self.findings, self.asked = {}, {}
        seen: set[tuple[object, ...]] = set()
        bound = bind(node, self.conditions)
        if found_too_large := too_large(bound, node.span):
            self.report(found_too_large)
            return
        read = sorted(ex.attributes(bound), key=str)
        for subject in subjects:
            signature = tuple(subject.reading.find(attr) for attr in read)
            if signature in seen:
                continue
            seen.add(signature)
            self.subject, self.quiet = subject, {}
            self._condition(node, NOTHING)
        for path, declared in self.asked.values():
            if not declared:
                self._unknown(path, [])
        for finding, where in self.findings.values():
            places = [f"`{name}`" for name in where if name]
            if places and finding.code in ("E201", "E202", "E203", "E204", "E205") and len(subjects) > 1:
                listed = ", ".join(places[:3]) + (f" and {len(places) - 3} more" if len(places) > 3 else "")
                label = f"{finding.label + ', ' if finding.label else ''}at {listed}, which this covers"
                finding = Diagnostic(
                    finding.code, finding.message, finding.span, label, finding.help, finding.secondary
                )
            self.report(finding)

    def _add(self, code: str, message: str, span: Span, label: str = "", help: str = "") -> None:
        key = (code, span.start, span.end)
        if key in self.findings:
            self.findings[key][1].append(self.subject.where)
        else:
            self.findings[key] = (Diagnostic(code, message, span, label, help), [self.subject.where])

    # -- the walk --------------------------------------------------------------------------------------------------

    def _walk(self, node: tree.Expression, present: Present) -> Typed:
        if isinstance(node, tree.And):
            return self._all(node.operands, present, negated=False)
        if isinstance(node, tree.Or):
            return self._all(node.operands, present, negated=True)
        if isinstance(node, tree.Not):
            inner = self._condition(node.operand, present)
            return Typed(BOOL, inner.if_false, inner.if_true)
        if isinstance(node, tree.Has):
            return self._has(node.path)
        if isinstance(node, tree.Reference):
            return self._reference(node)
        if isinstance(node, tree.Compare):
            return self._compare(node, present)
        if isinstance(node, tree.Member):
            return self._member(node, present)
        if isinstance(node, tree.Minus):
            times = [self._is_time(side, self._operand(side, present)) for side in (node.left, node.right)]
            return Typed(DURATION if all(times) else ANY)
        return Typed(self._operand(node, present))

    def _condition(self, node: tree.Expression, present: Present) -> Typed:
        found = self._walk(node, present)
        if found.type.kind not in ("bool", "any"):
            self._add(
                "E206", f"this is {found.type.spoken}, not a condition", node.span, help="compare it, as in `… == …`"
            )
        return found

    def _all(self, parts: list[tree.Expression], present: Present, negated: bool) -> Typed:
        """`and`; and `or` by De Morgan: what an `or` knows when false is what an `and` of negations knows when true."""
        known, lost = NOTHING, None
        for part in parts:
            found = self._condition(part, present | known)
            held, failed = (found.if_false, found.if_true) if negated else (found.if_true, found.if_false)
            here = failed | known  # this part failed and all before it held
            lost = here if lost is None else lost & here
            known = known | held
        lost = lost or NOTHING
        return Typed(BOOL, lost, known) if negated else Typed(BOOL, known, lost)

    def _reference(self, node: tree.Reference) -> Typed:
        name = node.name.text
        if name not in self.conditions.written and name not in self.conditions.inherited:
            if name not in self.conditions.lost:
                known = self.conditions.known()
                attribute = f"write `resource.{name}` to read an attribute"
                help = self.near.similar(name, known, attribute)
                self._add("E108", f"the policy has no condition `{name}`", node.span, help=help)
            return Typed(ANY)
        written = self.conditions.written.get(name)
        if written is None or name in self.conditions.circular:
            return Typed(BOOL)
        key = (name, 0)
        if key not in self.quiet:
            self.quiet[key] = Typed(BOOL)
            # A named condition guards itself: it is read with nothing known, whatever stands before its name.
            self.quiet[key] = self._condition(written.expression, NOTHING)
        return self.quiet[key]

    def _has(self, path: tree.Path) -> Typed:
        attr = (path.root.text, path.attribute.text)
        key = (path.span.start, path.span.end)
        declared = self.subject.reading.find(ex.Attr(*attr))
        self.asked[key] = (path, declared is not None or self.asked.get(key, (path, False))[1])
        if declared and not declared.optional:
            reason = "is always there" if attr[1] in BUILT_IN.get(attr[0], {}) else "is required"
            self._add("E204", f"`{path.span.text}` {reason}", path.span, help="`has` asks for optional attributes only")
        return Typed(BOOL, frozenset({attr}), NOTHING)

    # -- operands --------------------------------------------------------------------------------------------------

    def _operand(self, node: tree.Expression, present: Present) -> Type:
        if isinstance(node, tree.Literal):
            return {"string": STRING, "int": INT, "bool": BOOL, "duration": DURATION}[node.kind]
        if not isinstance(node, tree.Path):
            return self._walk(node, present).type
        declared = self.subject.reading.find(ex.Attr(node.root.text, node.attribute.text))
        guarded = (node.root.text, node.attribute.text) in present
        if declared is None:
            if not guarded:
                self._unknown(node, [self.subject.where])
            return ANY
        if declared.optional and not guarded:
            self._add(
                "E203",
                f"`{node.span.text}` may be absent here",
                node.span,
                help=f"write `has {node.span.text} and …` before it",
            )
        return declared.type

    def _unknown(self, path: tree.Path, where: list[str]) -> None:
        root, name = path.root.text, path.attribute.text
        roots = self.subject.reading.roots
        if root not in roots and root not in ("resource", "user", "context", "claims"):
            help = self.near.similar(root, roots, f"here a condition reads {_roots(roots)}")
            self._add("E201", f"nothing is called `{root}` here", path.root.span, help=help)
            return
        if root not in roots:
            self._add(
                "E201",
                f"`{root}` cannot be read here",
                path.root.span,
                help=f"here a condition reads {_roots(roots)}",
            )
            return
        known = {*roots[root], *BUILT_IN.get(root, {})}
        near = self.near.nearest(name, known)
        owner = f"`{self.subject.where}`" if root == "resource" and self.subject.where else f"`{root}`"
        help = f"`{near}` has a similar name" if near else f"declare it, or read one of {_listed(known)}"
        self._add("E201", f"{owner} has no attribute `{name}`", path.attribute.span, help=help)

    # -- comparisons -----------------------------------------------------------------------------------------------

    def _compare(self, node: tree.Compare, present: Present) -> Typed:
        left, right = self._operand(node.left, present), self._operand(node.right, present)
        ordered = node.operator not in ("==", "!=")
        if "set" in (left.kind, right.kind):
            self._add("E202", "a set is not compared", node.span, help="ask what it holds: `… in …`")
        elif not self._fit(node.left, left, node.right, right):
            self._add(
                "E202", f"{left.spoken} cannot be compared to {right.spoken}", node.span, help=_alike(node, left, right)
            )
        elif ordered and not {left.kind, right.kind} & {"int", "time", "duration", "any"}:
            self._add(
                "E202",
                f"{'an enumeration' if left.kind == 'enum' else left.spoken} has no order",
                node.span,
                help="`<` is for `int`, `time` and `duration`",
            )
        return Typed(BOOL)

    def _member(self, node: tree.Member, present: Present) -> Typed:
        item = self._operand(node.operand, present)
        if isinstance(node.collection, tree.Path):
            held = self._operand(node.collection, present)
            if held.kind == "any":
                return Typed(BOOL)
            if held.kind != "set" or held.element is None:
                self._add(
                    "E202",
                    f"`in` needs a set, and this is {held.spoken}",
                    node.collection.span,
                    help="`==` compares one value",
                )
            elif not self._fit(node.operand, item, node.collection, held.element):
                self._add("E202", f"{item.spoken} is never in a `{held}`", node.span, help="ask for what the set holds")
            return Typed(BOOL)
        for literal in node.collection.items:
            if not self._fit(node.operand, item, literal, self._operand(literal, present)):
                self._add(
                    "E202", f"{item.spoken} is never {literal.span.text}", literal.span, help="remove it from the list"
                )
        return Typed(BOOL)

    def _fit(self, left: tree.Expression, a: Type, right: tree.Expression, b: Type) -> bool:
        """Whether the two may be compared; says itself what is wrong with a literal."""
        if "any" in (a.kind, b.kind):
            return True
        for literal, other in ((left, b), (right, a)):
            if not isinstance(literal, tree.Literal) or literal.kind != "string":
                continue
            if other.kind == "time":
                if parse_instant(str(literal.value)) is None:
                    self._add(
                        "E207", "this is no time with a zone", literal.span, help='write it as `"2026-01-31T09:00:00Z"`'
                    )
                return True
            if other.kind == "enum" and literal.value not in other.values:
                help = self.near.similar(str(literal.value), other.values, "write one of these, or add it to them")
                self._add("E205", f"{literal.span.text} is not among {other}", literal.span, help=help)
                return True
        if a.kind == "enum" and b.kind == "enum":
            return bool(set(a.values) & set(b.values))
        return a.kind == b.kind if a.kind != "set" and not (a.textual and b.textual) else a.textual and b.textual

    def _is_time(self, node: tree.Expression, found: Type) -> bool:
        """Whether a side of a difference is a time; says itself what is wrong with it."""
        if found.kind in ("time", "any"):
            return True
        if isinstance(node, tree.Literal) and node.kind == "string":
            if parse_instant(str(node.value)) is None:
                self._add("E207", "this is no time with a zone", node.span, help='write it as `"2026-01-31T09:00:00Z"`')
            return True
        self._add("E202", f"only times are subtracted, and this is {found.spoken}", node.span, help="read a `time`")
        return False


def _alike(node: tree.Compare, left: Type, right: Type) -> str:
    """What to compare instead: the side that is read decides."""
    if isinstance(node.left, tree.Path) or not isinstance(node.right, tree.Path):
        return f"compare `{node.left.span.text}` to {left.spoken}"
    return f"compare `{node.right.span.text}` to {right.spoken}"


def _roots(roots: Collection[str]) -> str:
    *before, last = (f"`{root}.…`" for root in sorted(roots))
    return f"{', '.join(before)} and {last}" if before else last


def too_large(condition: ex.Expr, span: Span) -> Diagnostic | None:
    """The finding for a condition that no one could read, nor a table hold."""
    size = ex.size(condition)
    if size > LARGEST_CONDITION:
        parts = f"{size:,}" if size < 10**12 else "over a million million"
        message = f"this condition has {parts} parts when its names are written out"
        return Diagnostic("E209", message, span, help=f"at most {LARGEST_CONDITION:,} are read; use names less often")
    return None


def _listed(names: set[str]) -> str:
    shown = sorted(names)[:6]
    return ", ".join(f"`{name}`" for name in shown) + (" …" if len(names) > 6 else "")
