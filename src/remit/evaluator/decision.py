"""A decision with its reason, filled when looked at."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from remit.evaluator.pdp import Judged, Pdp


class Decision:
    """`allowed`, `code` and the deciding `rules`. It has no truth value: `if pdp.decide(…)` would always hold."""

    __slots__ = ("_pdp", "_rules", "judged")

    def __init__(self, pdp: Pdp, judged: Judged) -> None:
        self._pdp = pdp
        self._rules: list[dict[str, Any]] | None = None
        self.judged = judged

    @property
    def allowed(self) -> bool:
        return self.judged.code == "allowed"

    @property
    def code(self) -> str:
        return self.judged.code

    @property
    def rules(self) -> list[dict[str, Any]]:
        """The deciding rules, sorted by file, line and column: the allows of an `allowed`, the denies of a
        `denied_by_rule`, else none. Each has id, effect, role (null in a block), file, line and column."""
        if self._rules is None:
            judged = self.judged
            index, cell, entries = self._pdp.index, judged.cell, judged.deciding
            self._rules = [rule_data(index.rule_id(entry.rule, cell), entry.rule) for entry in entries] if cell else []
        return self._rules

    def to_response(self) -> dict[str, Any]:
        """The answer in AuthZEN's shape."""
        context: dict[str, Any] = {"code": self.code, "rules": [brief(rule) for rule in self.rules]}
        if self.judged.why:
            context["message"] = self.judged.why
        return {"decision": self.allowed, "context": context}

    def __bool__(self) -> NoReturn:
        raise TypeError("a Decision is neither true nor false: ask decision.allowed")

    def __repr__(self) -> str:
        return f"Decision({self.code})"


def rule_data(identifier: str, rule: Any) -> dict[str, Any]:
    """A rule as decisions report it."""
    data: dict[str, Any] = {
        "id": identifier,
        "effect": rule.effect,
        "role": rule.role,
        "file": rule.place.file,
        "line": rule.place.line,
        "column": rule.place.column,
        "text": rule.place.text,
        "because": rule.because or None,
        "condition": rule.condition_text or None,
    }
    if rule.block:
        data["block"] = rule.block
    return data


def brief(rule: dict[str, Any]) -> dict[str, Any]:
    """The part of a rule that a response carries."""
    return {key: rule[key] for key in ("id", "role", "block", "file", "line", "column") if key in rule}
