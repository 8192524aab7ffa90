"""What rules say, for readers: each condition once, in the policy's own words, and in no more of them than it takes.

    allow … when own                              own
    allow … when own and resource.n > 5           nothing: wherever it allows, the first does
    deny … when not (not late) or late and odd    late

What is left out changes no answer, be an attribute missing or not: Kleene's logic is a distributive lattice in which
`not not a` is `a`, so that `a or (a and b)` is `a` where `a` is unknown, too. Words stay as they were written where
nothing can be left out; named conditions stay names.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

from remit.analysis.residual import every, some
from remit.model import expression as ex
from remit.table.shape import RuleEntry

Term = tuple[str, str]  # effect, and its condition's text; empty: without one
_LARGE = 60  # parts of a condition that is not written out
_WORD = re.compile(r"[\w.`]+")
_JOINING = ("and", "or", "in", "has")
_LONG = 400  # parts of a condition that is not looked at for what it says twice


def terms(rules: Iterable[RuleEntry], written_out: bool = False) -> tuple[Term, ...]:
    """What rules say, each once; `written_out`: with the names of conditions resolved."""
    found: dict[Term, ex.Expr | None] = {}
    for rule in rules:
        short, text = _said(rule)
        if written_out and rule.condition is not None and ex.size(rule.condition) <= _LARGE:
            short = _shortened(_resolved(rule.condition))
            text = _text(short)
        if short != ex.FALSE:
            found[rule.effect, text] = short
    if len(found) < 2:
        return tuple(found)
    return tuple(term for term in found if not _said_by_others(term, found))


def condition_words(rule: RuleEntry) -> str:
    """The condition of a rule as `terms` says it; empty where it always holds."""
    return _said(rule)[1]


def without(some_terms: tuple[Term, ...], kept: tuple[Term, ...]) -> tuple[Term, ...]:
    """The others; beside a rule without a condition those with one say nothing."""
    rest = [term for term in some_terms if term not in kept]
    outright = {effect for effect, text in rest if not text}
    return tuple((effect, text) for effect, text in rest if not text or effect not in outright)


def _said(rule: RuleEntry) -> tuple[ex.Expr | None, str]:
    """The condition, and its text as it is written unless that says something twice."""
    written = " ".join(rule.condition_text.split())
    node = rule.condition
    if node is None or not isinstance(node, ex.And | ex.Or | ex.Not | ex.Const) or not _repeats(written):
        return node, written
    short = _shortened(node)
    return short, written if short is node else _text(short)


@lru_cache(10_000)
def _repeats(written: str) -> bool:
    """Whether a condition may be shortened: what says nothing twice has no name twice, no second `not`, no `true`."""
    seen = [word for word in _WORD.findall(written) if word not in _JOINING]
    return len(set(seen)) < len(seen) or "true" in seen or "false" in seen


def _text(node: ex.Expr | None) -> str:
    return "" if node is None or node == ex.TRUE else ex.text(node)


def _shortened(node: ex.Expr) -> ex.Expr:
    """The condition without what it says twice; itself where that is nothing."""
    if (size := ex.size(node)) > _LONG:
        return node
    short = _short(node)
    return short if ex.size(short) < size else node


def _short(node: ex.Expr) -> ex.Expr:
    if isinstance(node, ex.And | ex.Or):
        join = every if isinstance(node, ex.And) else some
        return join([_short(part) for part in node.operands])
    if not isinstance(node, ex.Not):
        return node
    inner = _short(node.operand)
    if isinstance(inner, ex.Not):
        return inner.operand
    return ex.FALSE if inner == ex.TRUE else ex.TRUE if inner == ex.FALSE else ex.Not(inner)


def _said_by_others(term: Term, found: dict[Term, ex.Expr | None]) -> bool:
    """Whether a rule of the same effect holds wherever this one does, by having some of its parts alone."""
    node = found[term]
    if not isinstance(node, ex.And) or ex.size(node) > _LONG:
        return False
    own = set(node.operands)
    return any(
        other is not None and own > (set(other.operands) if isinstance(other, ex.And) else {other})
        for (effect, _), other in found.items()
        if effect == term[0] and other is not node and (other is None or ex.size(other) <= _LONG)
    )


def _resolved(node: ex.Expr) -> ex.Expr:
    """The condition without names of conditions."""
    if isinstance(node, ex.Named):
        return _resolved(node.body)
    if isinstance(node, ex.And | ex.Or):
        return type(node)(tuple(_resolved(part) for part in node.operands))
    return ex.Not(_resolved(node.operand)) if isinstance(node, ex.Not) else node
