"""A condition that never varies: on every complete request it is true, or on every one it is false, whatever the
attributes say. Where it is always false its rule does nothing; where it is always true it only looks like a
restriction. Often it is an `and` where `or` was meant, or a bound on the wrong side.

It would have caught `when resource.status == "open" and resource.status == "closed"`, which was to let both through
and let none.

It is decided exactly, by the solver, for each condition of a rule and each named condition at the types it is used
at. A condition that is always true still asks for its attributes: without them it is unknown. So it has no fix.
"""

from __future__ import annotations

from collections.abc import Iterator

from remit.diagnostics import Diagnostic
from remit.lint.rule import Subject, rule
from remit.model import expression as ex
from remit.proof.prover import Prover


@rule("W206", "constant-condition", needs="exact")
def check(subject: Subject, prover: Prover) -> Iterator[Diagnostic]:
    used: dict[str, dict[str, None]] = {}  # named condition → the types it is used at
    constant: set[str] = set()
    for written in subject.written:
        if written.entry is not None and written.rule.condition is not None:
            for name in ex.names(written.rule.condition):
                used.setdefault(name, {}).update(dict.fromkeys(written.entry.cells))
    for name, types in used.items():
        condition = subject.model.conditions.get(name)
        always = prover.constant(condition.body, types) if condition is not None else None
        if condition is not None and always is not None:
            constant.add(name)
            yield check.finding(
                f"condition `{name}` is always {_word(always)}",
                condition.span,
                label=f"on every complete request, at {_types(types)}",
                help="say what was meant, or take the condition away",
            )
    for written in subject.written:
        rule_, entry = written.rule, written.entry
        if entry is None or rule_.condition is None or rule_.condition_span is None:
            continue
        if constant & ex.names(rule_.condition):
            continue  # said where the condition is declared
        always = prover.constant(rule_.condition, entry.cells)
        if always is not None:
            gives = {True: "restricts nothing", False: "never applies"}[always]
            yield check.finding(
                f"this condition is always {_word(always)}, so the rule {gives}",
                rule_.condition_span,
                label="on every complete request",
                help="say what was meant, or take " + ("the condition away" if always else "the rule away"),
            )


def _word(value: bool) -> str:
    return "true" if value else "false"


def _types(types: dict[str, None]) -> str:
    names = sorted(types)
    return ", ".join(f"`{name}`" for name in names[:3]) + (f" and {len(names) - 3} more types" if names[3:] else "")
