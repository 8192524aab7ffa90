"""A decision in one line: yes or no, and the reason in short. It searches no repairs, so it is cheap."""

from __future__ import annotations

from collections.abc import Callable

from remit.evaluator.pdp import Judged, Pdp
from remit.explanation.trace import trace
from remit.report.people import Person


def reason(pdp: Pdp, judged: Judged, path: Callable[[str], str]) -> str:
    """`no: nothing allows it; bob holds vet, but `treats` is false here`. `path` shows a policy file's name."""
    who = Person.of(judged.asked)
    if judged.code in ("allowed", "denied_by_rule"):
        return _by_rule(pdp, judged, path)
    if judged.code == "unknown_user":
        return f"no: there is no user {who.name}"
    if judged.code == "inactive_user" and judged.user:
        return f"no: {who.name} is {judged.user.status}"
    if judged.code != "no_rule" or judged.asked is None:
        return f"no: {judged.why or judged.code.replace('_', ' ')}"
    if pdp.holders.scopes.state(judged.asked.scope) == "unknown":
        return f"no: there is no {judged.asked.scope}"
    return f"no: nothing allows it; {_but(pdp, judged, who)}"


def _by_rule(pdp: Pdp, judged: Judged, path: Callable[[str], str]) -> str:
    allowed = judged.code == "allowed"
    entry = (judged.allows if allowed else judged.denies)[0]
    rule = entry.rule
    by = rule.role or f"the rule for {rule.block}"
    line = f"{by} {'allows' if allowed else 'denies'} it ({path(rule.place.file)}:{rule.place.line})"
    if rule.condition is not None and not allowed and judged.cell and judged.facts:
        traced = trace(rule.condition, pdp.index.reading(judged.cell.type), judged.facts)
        if traced.value is None and traced.missing:
            line += f", since {traced.missing[0]} is unknown"
    return f"{'yes' if allowed else 'no'}: {line}"


def _but(pdp: Pdp, judged: Judged, who: Person) -> str:
    """What the user holds here, and why the first rule of it does not apply."""
    held, cell, facts = judged.held, judged.cell, judged.facts
    assert held is not None
    hidden = {id(holding) for holding, _ in held.hidden}
    places = pdp.holders.scopes.above(judged.asked.scope if judged.asked else None)
    roles = sorted({h.role for h in held.holdings if h.scope in places and id(h) not in hidden})
    holds = f"{who.again} {who.holds} {' and '.join(roles) if roles else 'no role here'}"
    elsewhere = sorted({(h.scope, h.role) for h in held.holdings if h.scope is not None and h.scope not in places})
    if not roles and elsewhere:  # the question names no place
        scope, role = elsewhere[0]
        holds = f"{who.again} {who.holds} {role} at {scope}: ask with --at {scope}"
    for entry in cell.allows if cell else ():
        if not entry.mask & held.allow or entry.rule.condition is None or facts is None or cell is None:
            continue
        traced = trace(entry.rule.condition, pdp.index.reading(cell.type), facts)
        for part in traced.parts:
            if part.value is None and part.unread:
                name = part.unread[0]
                return f"{holds}, but {name} is {'missing' if part.saw[name] is None else 'of another type'}"
        wrong = next((part for part in traced.parts if part.value is False), None)
        if wrong is not None:
            return f"{holds}, but `{wrong.name or wrong.text}` is false here"
        return f"{holds}, but `{' '.join(entry.rule.condition_text.split())}` is not true here"
    return holds
