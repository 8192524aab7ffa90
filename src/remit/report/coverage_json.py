"""What tests reach, for machines. Files are relative to the policy's folder, as in decisions."""

from __future__ import annotations

from typing import Any

from remit.report.coverage_text import gaps
from remit.table.shape import Place
from remit.testing.coverage import Count, Coverage
from remit.testing.goals import Goal


def coverage_data(coverage: Coverage) -> dict[str, Any]:
    """`percent` is of the goals, `goals`: how many were reached of how many can be. Each of `missing` is what the text
    has a line for; `left_out` are goals that nothing was found to reach."""
    return {
        "percent": round(coverage.percent, 2),
        "goals": {"covered": len(coverage.reached), "total": coverage.total},
        "cells": _count(coverage.cells),
        "conditions": _count(coverage.conditions),
        "rules": _count(coverage.rules),
        "missing": [
            {"where": gap.where, "message": gap.said, **_place(gap.place), "goals": [_goal(goal) for goal in gap.goals]}
            for gap in gaps(coverage)
        ],
        "left_out": [
            {**_goal(left.goal), **_place(coverage.place(left.goal)), "impossible": left.impossible}
            for left in coverage.left_out
        ],
        "unknown": [_goal(goal) for goal in sorted(coverage.unknown, key=lambda goal: goal[:5])],
    }


def _count(count: Count) -> dict[str, int]:
    return {"covered": count.covered, "total": count.total}


def _goal(goal: Goal) -> dict[str, Any]:
    """`outcome`: of a cell, allowed or denied; of a condition, true or false, null where it could not be evaluated."""
    data: dict[str, Any] = {"kind": goal.kind}
    if goal.type:
        data |= {"type": goal.type, "action": goal.action}
    if goal.rule >= 0:
        data["rule"] = goal.rule
    if goal.kind == "condition":
        data["condition"] = goal.condition
    return data if goal.kind == "rule" else data | {"outcome": goal.outcome}


def _place(place: Place) -> dict[str, Any]:
    return {"file": place.file, "line": place.line, "column": place.column}
