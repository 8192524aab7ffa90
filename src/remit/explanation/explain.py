"""An explanation: everything that bears on one decision, as data. Text and JSON are made of it elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

from remit.evaluator.decision import rule_data
from remit.evaluator.holding import Holding
from remit.evaluator.index import Entry
from remit.evaluator.pdp import Judged, Pdp
from remit.evaluator.request import Asked, Malformed, read_request
from remit.explanation.repairs import Atom, Repair, repairs
from remit.explanation.trace import Traced, trace
from remit.model import expression as ex
from remit.table.shape import RuleEntry


class Applied(NamedTuple):
    """A rule that bears on the decision. `decides`: it is of the effect that decided. `needed`: without it the
    decision would be another."""

    rule: RuleEntry
    id: str
    decides: bool
    needed: bool
    condition: Traced | None


@dataclass(frozen=True, slots=True, repr=False)
class Explanation:
    """`applied` are all rules that applied, `nearest` those a repair would make allow, `failing` other allows of the
    user's roles; `held` what the user holds that bears on this place, `hidden` those of them whose allows an individual
    assignment hides, with what hides it."""

    judged: Judged
    request: Any
    applied: tuple[Applied, ...]
    nearest: tuple[Applied, ...]
    failing: tuple[Applied, ...]
    held: tuple[Holding, ...]
    hidden: tuple[tuple[Holding, Holding], ...]
    repairs: tuple[Repair, ...]
    repairs_complete: bool
    pdp: Pdp

    @property
    def allowed(self) -> bool:
        return self.judged.code == "allowed"

    @property
    def code(self) -> str:
        return self.judged.code

    def __repr__(self) -> str:
        return f"Explanation({self.code}, {len(self.applied)} rules, {len(self.repairs)} repairs)"

    def to_dict(self) -> dict[str, Any]:
        """The JSON object of DESIGN 2; `nearest` is beside it: the rules that `repairs` name, as `rules`."""
        user = self.judged.user
        data = {
            "decision": self.allowed,
            "code": self.code,
            "status": user.status if user and user.id else None,
            "request": self.request,
            "rules": [_applied(rule) for rule in self.applied],
            "held": [self.holding(holding) for holding in self.held],
            "hidden": [{**self.holding(one), "hidden_by": self.holding(by)} for one, by in self.hidden],
            "repairs": [[self.atom(atom) for atom in repair.atoms] for repair in self.repairs],
            "repairs_complete": self.repairs_complete,
            "nearest": [_applied(rule) for rule in self.nearest],
        }
        return {**data, "message": self.judged.why} if self.judged.why else data

    def holding(self, holding: Holding) -> dict[str, Any]:
        """A way a role is held, as JSON."""
        return {
            "role": holding.role,
            "scope": holding.scope or self.pdp.table.root,
            "via": holding.via,
            "group": holding.group,
            "includes": list(self.pdp.table.roles[holding.role].includes),
        }

    def atom(self, atom: Atom) -> dict[str, Any]:
        """An atom of a repair, as JSON (SEMANTICS 5)."""
        if atom.kind == "activate":
            return {"kind": "activate"}
        if atom.kind == "hold_role":
            return {
                "kind": "hold_role",
                "role": atom.role,
                "scope": atom.scope or self.pdp.table.root,
                "hides": [self.holding(holding) for holding in atom.hides],
                "guards": list(atom.guards),
            }
        assert atom.rule is not None
        place = {"file": atom.rule.place.file, "line": atom.rule.place.line, "column": atom.rule.place.column}
        if atom.kind == "deny":
            return {"kind": "deny", **place, "how": list(atom.how), "attributes": atom.attributes}
        return {"kind": "condition", **place, "condition": atom.rule.condition_text, "attributes": atom.attributes}


def explain(pdp: Pdp, request: Any) -> Explanation:
    """The explanation of a request in AuthZEN's shape. Never raises."""
    return explain_asked(pdp, read_request(request, pdp.holders.scopes), request)


def explain_asked(pdp: Pdp, asked: Asked | Malformed, request: Any) -> Explanation:
    """The same, of a request already read."""
    return explain_judged(pdp, pdp.judge(asked), request)


def explain_judged(pdp: Pdp, judged: Judged, request: Any) -> Explanation:
    """The same, of a decision already made."""
    held = judged.held
    found, complete = repairs(pdp, judged)
    applied = tuple(
        _applied_rule(pdp, judged, entry) for entry in sorted((*judged.allows, *judged.denies), key=_in_order)
    )
    nearest = _nearest(pdp, judged, found)
    bearing = tuple(sorted(_bearing(pdp, judged), key=_by_role)) if held else ()
    return Explanation(
        judged,
        request,
        applied,
        nearest,
        _failing(pdp, judged, nearest),
        bearing,
        tuple(sorted(held.hidden, key=lambda pair: _by_role(pair[0]))) if held else (),
        tuple(found),
        complete,
        pdp,
    )


def _in_order(entry: Entry) -> tuple[str, int, int]:
    return (entry.rule.place.file, entry.rule.place.line, entry.rule.place.column)


def _by_role(holding: Holding) -> tuple[str, str, str, str]:
    return (holding.role, holding.scope or "", holding.via, holding.group or "")


def _bearing(pdp: Pdp, judged: Judged) -> list[Holding]:
    """What is held at the place, and elsewhere only what a deny that applied needs."""
    assert judged.held is not None
    assert judged.asked is not None
    scopes = pdp.holders.scopes
    places = scopes.above(judged.asked.scope) if scopes.state(judged.asked.scope) == "known" else frozenset((None,))
    denying = 0
    for entry in judged.denies:
        denying |= entry.mask
    return [h for h in judged.held.holdings if h.scope in places or h.bit & denying]


def _applied_rule(pdp: Pdp, judged: Judged, entry: Entry) -> Applied:
    deciding = "deny" if judged.code == "denied_by_rule" else "allow"
    decides = entry.rule.effect == deciding
    # Without it: an allow was needed where it was the only one; a deny where it was the only one and something allows.
    alone = len(judged.allows if entry.rule.effect == "allow" else judged.denies) == 1
    needed = decides and alone and (deciding == "allow" or bool(judged.allows))
    return _traced(pdp, judged, entry.rule, decides, needed)


def _traced(pdp: Pdp, judged: Judged, rule: RuleEntry, decides: bool, needed: bool) -> Applied:
    assert judged.cell is not None
    assert judged.facts is not None
    traced = None
    if rule.condition is not None:
        traced = trace(rule.condition, pdp.index.reading(judged.cell.type), judged.facts)
    return Applied(rule, pdp.index.rule_id(rule, judged.cell), decides, needed, traced)


def _nearest(pdp: Pdp, judged: Judged, found: list[Repair]) -> tuple[Applied, ...]:
    """The rules that the repairs' condition atoms name, in the order of the repairs."""
    rules: dict[int, RuleEntry] = {}
    for repair in found:
        for atom in repair.atoms:
            if atom.kind == "condition" and atom.rule is not None:
                rules.setdefault(atom.rule.number, atom.rule)
    return tuple(_traced(pdp, judged, rule, False, False) for rule in rules.values())


def _failing(pdp: Pdp, judged: Judged, nearest: tuple[Applied, ...]) -> tuple[Applied, ...]:
    """The allows that the user's roles bring and whose conditions no value of the request would make true."""
    if judged.code != "no_rule" or judged.cell is None or judged.held is None:
        return ()
    known = {applied.rule.number for applied in nearest}
    held = judged.held.allow
    rules = [e.rule for e in judged.cell.allows if e.mask & held and e.rule.number not in known]
    return tuple(_traced(pdp, judged, rule, False, False) for rule in rules)


def _applied(applied: Applied) -> dict[str, Any]:
    rule = applied.rule
    data = rule_data(applied.id, rule)
    data["decides"], data["needed"] = applied.decides, applied.needed
    if applied.condition is None or rule.condition is None:
        data["condition"] = None
        return data
    traced = applied.condition
    data["condition"] = {
        "name": rule.condition.name if isinstance(rule.condition, ex.Named) else None,
        "text": rule.condition_text,
        "value": traced.value,
        "parts": [
            {"text": part.text, "value": part.value, "saw": part.saw, **({"condition": part.name} if part.name else {})}
            for part in traced.parts
        ],
        "missing": traced.missing,
    }
    return data
