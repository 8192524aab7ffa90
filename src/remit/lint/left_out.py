"""Rules that decide otherwise, and for the better, when a request leaves an optional attribute out (SEMANTICS 2).

Who leaves out an optional attribute says that it is absent. So we compare, at each type, where the condition is true
with any value of the attribute, and where it is true without it: `has x` is false then, `has not` true, and no other
comparison of x is reached.

    allow … when not has resource.lock or resource.lock == user.id
    without `lock`: always    with it: where it is the user's      → leaving it out widens the rule
    allow … when has resource.lock and resource.lock == user.id
    without `lock`: never                                          → it does not

A deny is turned round: what counts is where it is false. The question "is it true with any value, wherever it is true
without one?" goes to the tableau, once for each way in which other attributes asked for are there or not; what stays
open there is a difference.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import product
from typing import NamedTuple

from remit.diagnostics import Label, Level
from remit.lint.bare_text import bare, part
from remit.lint.rule import Effect, Subject, Written
from remit.model import expression as ex
from remit.model.types import Reading
from remit.source import Span
from remit.table import normal
from remit.table.held import reads
from remit.table.normal import Normal
from remit.table.tableau import implies

Term = list[str]  # an attribute in a normal form: root and name

_MOST_SPLIT = 5  # attributes whose presence is settled case by case


class LeftOut(NamedTuple):
    """A rule, the optional attributes that it pays to leave out, and where the first is asked for: in the rule (or
    the name of the condition that asks), and where in that condition."""

    written: Written
    attributes: tuple[ex.Attr, ...]
    span: Span
    secondary: tuple[Label, ...]

    @property
    def level(self) -> Level:
        """A note where only the context is concerned, which honest callers may not have."""
        return "note" if all(attribute.root == "context" for attribute in self.attributes) else "warning"

    @property
    def names(self) -> str:
        return " or ".join(f"`{attribute}`" for attribute in self.attributes)


def left_out(subject: Subject, effect: Effect) -> Iterator[LeftOut]:
    """The rules of this layer that a request escapes, or comes by, when it leaves something out."""
    asked: dict[int, frozenset[ex.Attr]] = {}
    proofs: dict[tuple[str, str], bool] = {}
    for written in subject.written:
        entry = written.entry
        if entry is None or entry.effect != effect or entry.condition is None:
            continue
        found = [
            attribute
            for attribute in sorted(_asked(entry.condition, asked), key=str)
            if any(_differs(subject, entry.condition, effect, name, attribute, proofs) for name in entry.cells)
        ]
        if found:
            span, secondary = _place(subject, written, found[0], asked)
            yield LeftOut(written, tuple(found), span, secondary)


def _asked(node: ex.Expr, known: dict[int, frozenset[ex.Attr]]) -> frozenset[ex.Attr]:
    """What a condition asks for with `has`; each named condition is looked into once."""
    found = known.get(id(node))
    if found is None:
        if isinstance(node, ex.Has):
            found = frozenset((node.attr,))
        else:
            found = frozenset[ex.Attr]().union(*(_asked(child, known) for child in ex.children(node)))
        known[id(node)] = found
    return found


def _differs(
    subject: Subject, condition: ex.Expr, effect: Effect, name: str, asked: ex.Attr, proofs: dict[tuple[str, str], bool]
) -> bool:
    reading = subject.index.reading(name)
    if reading.find(asked) is None:
        return False
    form = subject.forms.of(condition, name)
    term = [asked.root, asked.name]
    if not reads(form, term):
        return False
    question = (normal.key(form), str(asked))
    if question not in proofs:
        good = form if effect == "allow" else normal.normal(ex.Not(condition), reading)
        proofs[question] = _better_without(good, term, reading)
    return proofs[question]


def _better_without(good: Normal, term: Term, reading: Reading) -> bool:
    """Whether a form is true of some request without the attribute that, with some value of it, it is not true of."""
    others = [other for other in _asked_in(good) if other != term][:_MOST_SPLIT]
    for there in product((False, True), repeat=len(others)):
        form = good
        for other, present in zip(others, there, strict=True):
            form = _where(form, other, present)
        without, with_it = _where(form, term, False), _where(form, term, True)
        if without is not False and not implies(without, with_it, reading).closed:
            return True
    return False


def _asked_in(form: Normal) -> list[Term]:
    """The attributes that a form asks for, each once."""
    found: dict[tuple[str, ...], Term] = {}
    pending = [form]
    while pending:
        part = pending.pop()
        if isinstance(part, list) and part[0] in ("and", "or"):
            pending.extend(part[1:])
        elif isinstance(part, list) and part[0] in ("has", "has not"):
            found[tuple(part[1])] = part[1]
    return list(found.values())


def _where(form: Normal, term: Term, present: bool) -> Normal:
    """Where a form is true of requests that have the attribute, or of those that have not."""
    if isinstance(form, bool) or not reads(form, term):
        return form
    if form[0] in ("and", "or"):
        parts = [_where(piece, term, present) for piece in form[1:]]
        return normal.both(parts) if form[0] == "and" else normal.either(parts)
    if form[0] in ("has", "has not"):
        return bool((form[0] == "has") == present)
    return form if present else False


# -- where it is written ---------------------------------------------------------------------------------------------


def _place(
    subject: Subject, written: Written, asked: ex.Attr, known: Mapping[int, frozenset[ex.Attr]]
) -> tuple[Span, tuple[Label, ...]]:
    rule = written.rule
    whole = rule.condition_span or rule.span
    direct = _has(whole, asked)
    if direct is not None:
        return direct, ()
    inner = next((name for name in _names(rule.condition) if asked in known[id(name)]), None)
    found = re.search(rf"(?<![\w.`]){_spelt(inner.name)}", whole.text) if inner else None
    span = part(whole, *found.span()) if found else whole
    while inner is not None:
        condition = next(
            (layer.conditions[inner.name] for layer in subject.model.layers() if inner.name in layer.conditions), None
        )
        there = _has(condition.span, asked) if condition else None
        if there is not None:
            return span, (Label(there, f"`{inner.name}` asks for it here"),)
        inner = next((name for name in _names(inner.body) if asked in known[id(name)]), None)
    return span, ()


def _spelt(name: str) -> str:
    """A pattern for a name, in backticks or not."""
    return rf"(?:`{re.escape(name)}`|{re.escape(name)}(?![\w`]))"


def _names(node: ex.Expr | None) -> Iterator[ex.Named]:
    """The named conditions that an expression uses itself, not those inside them."""
    pending = [node] if node is not None else []
    while pending:
        current = pending.pop()
        if isinstance(current, ex.Named):
            yield current
        else:
            pending.extend(reversed(ex.children(current)))


def _has(span: Span, asked: ex.Attr) -> Span | None:
    """`has x` as a text has it, or None."""
    text, said = span.text, bare(span.text)
    for found in re.finditer(rf"(?<!\w)has\s+{asked.root}\s*\.\s*{_spelt(asked.name)}", text):
        if said.startswith("has", found.start()):  # neither in a comment nor in a string
            return part(span, *found.span())
    return None
