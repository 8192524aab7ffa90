"""What tests reach, for people: the counts, then each thing that is missing with its line.

cells 31 of 34 · both outcomes of 11 of 14 conditions · 18 of 18 rules decided · 94 %
  record.sign     `treats` was never false                roles.remit:14
  invoice.refund  no test                                 roles.remit:19
  suggest them with: remit test --suggest
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import NamedTuple

from remit.report.quote import Paint, plain, safe
from remit.table.shape import Place, RuleEntry
from remit.testing.coverage import Coverage
from remit.testing.goals import Goal

MOST_MISSING = 60  # that are listed in text; the other formats list all
_WIDEST = 48  # of a column that others stand behind


class Gap(NamedTuple):
    """Something that is missing, in words: at which `type.action`, or in whose rule, and where in the policy. `goals`
    are those it stands for. What is missing alike in several actions of a type is one."""

    where: str
    said: str
    place: Place
    goals: tuple[Goal, ...]


def draw_coverage(coverage: Coverage, path: Callable[[str], str], paint: Paint = plain) -> str:
    """The counts and what is missing; `path` gives a file's name from where the reader stands."""
    lines = [summary(coverage, paint)]
    found = gaps(coverage)
    shown = found[:MOST_MISSING]
    rows = [(safe(gap.where), safe(gap.said), safe(f"{path(gap.place.file)}:{gap.place.line}")) for gap in shown]
    first = min(max((len(where) for where, _, _ in rows), default=0), _WIDEST)
    second = min(max((len(said) for _, said, _ in rows), default=0), _WIDEST)
    lines += [f"  {where.ljust(first)}  {said.ljust(second)}  {paint(at, 'frame')}" for where, said, at in rows]
    if len(found) > len(shown):
        lines.append(f"  … and {len(found) - len(shown):,} more: --output-format json lists all")
    if found:
        lines.append("  suggest them with: remit test --suggest")
    return "\n".join(lines)


def summary(coverage: Coverage, paint: Paint = plain) -> str:
    """`cells 31 of 34 · both outcomes of 11 of 14 conditions · 18 of 18 rules decided · 94 %`."""
    cells, conditions, rules = coverage.cells, coverage.conditions, coverage.rules
    parts = [f"cells {cells.covered:,} of {cells.total:,}"]
    if conditions.total:
        parts.append(f"both outcomes of {conditions.covered:,} of {conditions.total:,} conditions")
    parts.append(f"{rules.covered:,} of {rules.total:,} rules decided")
    said = percent(coverage)
    return " · ".join([*parts, said if not coverage.missing else paint(said, "warning")])


def percent(coverage: Coverage) -> str:
    """Rounded down: nothing but all is 100 %."""
    return f"{math.floor(coverage.percent)} %"


def gaps(coverage: Coverage) -> list[Gap]:
    """What is missing, in the order of the catalogue, then the rules that never decided. A cell without any test is one
    gap, whatever it holds, with the rules that are in no other cell."""
    alike: dict[tuple[str, str, Place], Gap] = {}
    for gap in _gaps(coverage):
        name, _, action = gap.where.rpartition(".")
        key = (name or gap.where, gap.said, gap.place)
        known = alike.get(key)
        alike[key] = (
            gap if known is None else known._replace(where=f"{known.where}, {action}", goals=known.goals + gap.goals)
        )
    return list(alike.values())


def _gaps(coverage: Coverage) -> Iterator[Gap]:
    untested = coverage.untested()
    missing: dict[tuple[str, str], list[Goal]] = {}
    silent: list[Goal] = []
    for goal in coverage.missing:
        if goal.kind == "rule":
            home = _only_in(coverage.table.rules[goal.rule], untested)
            (missing[home] if home else silent).append(goal)
        else:
            missing.setdefault((goal.type, goal.action), []).append(goal)
    for (name, action), here in missing.items():
        where = f"{name}.{action}"
        if (name, action) in untested:
            allowing = next((goal for goal in here if goal.kind == "cell" and goal.outcome), here[0])
            yield Gap(where, "no test", coverage.place(allowing), tuple(here))
            continue
        for goal in here:
            if goal.kind == "cell":
                said = "was never allowed" if goal.outcome else "was never denied"
                yield Gap(where, said, coverage.place(goal), (goal,))
        by_condition: dict[tuple[int, str], list[Goal]] = {}
        for goal in here:
            if goal.kind == "condition":
                by_condition.setdefault((goal.rule, goal.condition), []).append(goal)
        for (_, text), both in by_condition.items():
            yield Gap(where, _condition(coverage, text, both), coverage.place(both[0]), tuple(both))
    for goal in silent:
        rule = coverage.table.rules[goal.rule]
        yield Gap(rule.role or rule.block or "", f"this {rule.effect} never decided", rule.place, (goal,))


def _only_in(rule: RuleEntry, untested: set[tuple[str, str]]) -> tuple[str, str] | None:
    """The first cell of a rule that is in none but untested ones."""
    cells = [(name, action) for name, actions in rule.cells.items() for action in actions]
    return cells[0] if all(cell in untested for cell in cells) else None


def _condition(coverage: Coverage, text: str, both: list[Goal]) -> str:
    one = f"`{text}` was never"
    if len(both) == 1:
        return f"{one} {'true' if both[0].outcome else 'false'}"
    if both[0]._replace(outcome=None) in coverage.unknown:
        return f"`{text}` was only ever unknown"
    return f"{one} true, and never false"
