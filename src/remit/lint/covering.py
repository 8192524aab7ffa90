"""The rules that make another superfluous, as other places of a finding."""

from __future__ import annotations

from remit.diagnostics import Label
from remit.lint.rule import Subject
from remit.proof.prover import Dead

_MOST = 5  # that are shown


def labels(subject: Subject, dead: Dead, role: str | None) -> list[Label]:
    """Each rule that covers a dead one, with whose it is; of many the first few."""
    found = []
    included = subject.table.roles[role].includes if role else ()
    for rule in dead.cover[:_MOST]:
        whose = f"`{rule.role}`" if rule.role else f"`{rule.block}`"
        through = f", which `{role}` includes" if rule.role in included else ", for its holders" if rule.role else ""
        text = "by this rule" if rule.role == role else f"by this rule of {whose}{through}"
        found.append(Label(subject.span(rule.place), text))
    return found
