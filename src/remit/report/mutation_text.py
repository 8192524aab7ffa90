"""What mutants came to, for people: the count, then each that survives with its line, how it is changed, who could tell
and the test that would, unless it was shown before; then those that may survive, and the comments that say so of
nothing.

    mutants 117 · 112 noticed by tests · 3 change nothing · 1 accepted · 1 survives · 98 %

    survives: without `when resource.amount <= 500`   drop-condition
       ┌─ roles.remit:14:5
       │
    14 │     allow refund on invoice when resource.amount <= 500
       │     ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
       │
       = somebody with vet may then refund on invoice: resource.amount is 501

       # unreviewed: …
       # notices: roles.remit:14 without `when resource.amount <= 500`
       test "refund on invoice, as it is today" {
"""

from __future__ import annotations

import math
from collections.abc import Container

from remit.model.expression import literal
from remit.proof.compare import Change
from remit.report.places import span_at
from remit.report.quote import Mark, Paint, frames, plain, safe
from remit.table.shape import Table
from remit.testing.accepted import Trouble
from remit.testing.mutation import Mutation, Outcome, Proposal

MOST_SURVIVORS = 20  # that are shown in text; the JSON lists all
_LONGEST = 200  # characters of what is said of a change


def draw_mutation(mutation: Mutation, table: Table, folder: str, paint: Paint = plain) -> list[str]:
    """Blocks to stand with an empty line between them."""
    survivors = [at for at, one in enumerate(mutation.outcomes) if one.result == "survived" and not one.reason]
    blocks = [mutation_summary(mutation, paint)]
    told: set[str] = set()
    for at in survivors[:MOST_SURVIVORS]:
        test = next((test for test in mutation.proposals if at in test.notices), None)
        blocks.append(_survivor(mutation.outcomes[at], test, told, table, folder, paint))
        told.update([test.title] if test is not None else ())
    if len(survivors) > MOST_SURVIVORS:
        more = len(survivors) - MOST_SURVIVORS
        blocks.append(f"… and {more:,} more that survive{'s' if more == 1 else ''}: --output-format json lists all")
    if mutation.accepted:
        blocks.append("\n".join(_accepted(one, table, folder, paint) for one in mutation.accepted))
    blocks += [_trouble(one, folder, paint) for one in mutation.troubles]
    if mutation.left_out:
        blocks.append("\n".join(f"{paint('left as they are', 'note')}: {safe(text)}" for text in mutation.left_out))
    return blocks


def mutation_summary(mutation: Mutation, paint: Paint = plain) -> str:
    """`mutants 117 · 112 noticed by tests · 3 change nothing · 1 accepted · 1 survives · 98 %`."""
    survive = len(mutation.survivors)
    parts = [f"mutants {len(mutation.outcomes):,}", f"{mutation.killed:,} noticed by tests"]
    if mutation.equivalent:
        parts.append(f"{mutation.equivalent:,} change{'s' if mutation.equivalent == 1 else ''} nothing")
    if mutation.accepted:
        parts.append(f"{len(mutation.accepted):,} accepted")
    if survive:
        parts.append(paint(f"{survive:,} survive{'s' if survive == 1 else ''}", "warning"))
    return " · ".join([*parts, percent(mutation)])


def percent(mutation: Mutation) -> str:
    """Rounded down: nothing but all is 100 %."""
    return f"{math.floor(mutation.score)} %"


def example_text(change: Change) -> str:
    """`somebody with vet may then refund on invoice: resource.amount is 501`."""
    who = f"somebody with {' and '.join(change.asking)}" if change.asking else "a user without a role"
    may = "may then" if change.after == "allowed" else "may then not"
    where = f": {change.case.text}" if change.case.text else ""
    return f"{who} {may} {change.action} on {change.type}{where}"


def _survivor(
    one: Outcome, test: Proposal | None, told: Container[str], table: Table, folder: str, paint: Paint
) -> str:
    """With the test that would notice it, or the title alone of one that was `told` before."""
    mutant = one.mutant
    lines = [f"{paint('survives', 'warning')}: {paint(_clipped(mutant.said), 'strong')}   {mutant.operator}"]
    drawn, gutter = frames([Mark(span_at(table, mutant.place), "", "^", "warning")], folder, paint)
    lines += [*drawn, f"{gutter} {paint('│', 'frame')}", f"{gutter} {paint('=', 'frame')} {safe(_told(one))}"]
    if test is not None and test.title in told:
        lines.append(f"{gutter} {paint('=', 'frame')} the test {literal(test.title)} above would notice it, too")
    elif test is not None:
        lines += ["", *(f"{gutter} {safe(line)}".rstrip() for line in test.text.splitlines())]
    return "\n".join(lines)


def _clipped(text: str) -> str:
    """On one line, and no longer than can be read: a condition may be."""
    return safe(text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…")


def _told(one: Outcome) -> str:
    if one.example is not None:
        return example_text(one.example)
    if one.unproven:
        return "whether it changes anything could not be told"
    return "no test comes out otherwise"


def _accepted(one: Outcome, table: Table, folder: str, paint: Paint) -> str:
    span = span_at(table, one.mutant.place)
    place = frames([Mark(span, "", "^", "note")], folder, plain)[0][0].partition("┌─ ")[2]
    said = f"{_clipped(one.mutant.said)}   {one.mutant.operator}   {paint(place, 'frame')}"
    return f"{paint('accepted', 'note')}: {said}\n  {safe(one.reason)}"


def _trouble(one: Trouble, folder: str, paint: Paint) -> str:
    drawn, gutter = frames([Mark(one.span, "", "^", "warning")], folder, paint)
    headline = f"{paint('comment', 'warning')}: {paint(safe(one.message), 'strong')}"
    return "\n".join([headline, *drawn, f"{gutter} {paint('│', 'frame')}", f"{gutter} = help: {safe(one.help)}"])
