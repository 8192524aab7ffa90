"""What tests reach, for people: the counts, then each thing that is missing with its line.

cells 31 of 34 · both outcomes of 11 of 14 conditions · 18 of 18 rules decided · 94 %
  record.sign     roles.remit:14  `treats` was never false
  invoice.refund  roles.remit:19  no test
  suggest them with: remit test --suggest
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from remit.report.quote import Paint, plain, safe
from remit.table.shape import Place, RuleEntry
from remit.testing.coverage import Coverage
from remit.testing.goals import Goal

MOST_MISSING = 60  # that are listed in text; the other formats list all
_WIDEST = 48  # columns of the screen for what others stand behind
_LONGEST, _TAIL = 160, 40  # characters of what is said, and of its end, which stays


class Gap(NamedTuple):
    """Something that is missing, in words: at which `type.action`, or in whose rule, and where in the policy. `goals`
    are those it stands for. What is missing alike in several actions of a type is one."""

    where: str
    said: str
    place: Place
    goals: tuple[Goal, ...]


def draw_coverage(coverage: Coverage, path: Callable[[str], str], paint: Paint = plain, hint: bool = True) -> str:
    """The counts and what is missing; `path` gives a file's name from where the reader stands. `hint`: say how to come
    by the missing tests."""
    lines = [summary(coverage, paint)]
    found = gaps(coverage)
    shown = found[:MOST_MISSING]
    lines += _rows(
        [(_where(gap), f"{path(gap.place.file)}:{gap.place.line}", _clipped(gap.said)) for gap in shown], paint
    )
    if len(found) > len(shown):
        lines.append(f"  … and {len(found) - len(shown):,} more: --output-format json lists all")
    if found and hint:
        lines.append("  suggest them with: remit test --suggest")
    return "\n".join(lines)


def _rows(rows: Sequence[tuple[str, str, str]], paint: Paint) -> list[str]:
    """Rows with their cells below each other. What is wider than a column has a line of its own, and the row goes on
    below it; the last cell has all the room it needs."""
    from rich.cells import cell_len

    made = [(safe(where), safe(at), safe(said)) for where, at, said in rows]
    sizes = [[size for row in made if (size := cell_len(row[column])) <= _WIDEST] for column in (0, 1)]
    first, second = (max(found, default=_WIDEST) for found in sizes)
    lines = []
    for where, at, said in made:
        if cell_len(where) > first:
            lines.append(f"  {where}")
            where = ""
        head = f"  {where}{' ' * (first - cell_len(where))}  {paint(at, 'frame')}"
        if cell_len(at) > second:
            lines.append(head)
            head = " " * (first + second + 4)
        else:
            head += " " * (second - cell_len(at))
        lines.append(f"{head}  {said}")
    return lines


def _where(gap: Gap) -> str:
    """`member.invite, remove and 7 more`, as many as have room."""
    first, *others = gap.where.split(", ")
    shown = first
    for number, name in enumerate(others):
        left = len(others) - number
        if len(shown) + len(name) + 2 > _WIDEST - len(f" and {left - 1} more") * (left > 1):
            return f"{shown} and {left} more"
        shown += f", {name}"
    return shown


def _clipped(said: str) -> str:
    """Without the middle of a condition that is too long to be read here; its line is named."""
    return said if len(said) <= _LONGEST else f"{said[: _LONGEST - _TAIL]}…{said[-_TAIL:]}"


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
    cells = list(rule.pairs())
    return cells[0] if all(cell in untested for cell in cells) else None


def _condition(coverage: Coverage, text: str, both: list[Goal]) -> str:
    one = f"`{text}` was never"
    if len(both) == 1:
        return f"{one} {'true' if both[0].outcome else 'false'}"
    if both[0]._replace(outcome=None) in coverage.unknown:
        return f"`{text}` was only ever unknown"
    return f"{one} true, and never false"
