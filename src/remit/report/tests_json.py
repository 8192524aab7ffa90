"""What came of tests and asserts, for machines. Files are relative to the policy's folder, as in decisions."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from remit.evaluator.index import Index
from remit.report.coverage_json import coverage_data
from remit.report.tests_text import failure_text, offence_text
from remit.table.shape import Place, RuleEntry, TestEntry
from remit.testing.asserts import AssertResult, Offence
from remit.testing.examples import Failure, TestResult, explained
from remit.testing.run import Results


def results_json(found: Sequence[tuple[Results, float]]) -> str:
    """One JSON text for all policies; `passed`, `failed` and `unproven` count tests and asserts together."""
    return json.dumps(results_data(found), indent=2)


def results_data(found: Sequence[tuple[Results, float]]) -> dict[str, Any]:
    """The same as plain data."""
    return {
        "policies": [
            {
                "policy": results.table.name,
                "tests": [_test(test, results) for test in results.tests],
                "assertions": [_assertion(claim) for claim in results.assertions],
                "seconds": round(seconds, 3),
                **({"stopped": True} if results.stopped else {}),
                **({"coverage": coverage_data(results.coverage)} if results.coverage is not None else {}),
                **_mutation(results),
            }
            for results, seconds in found
        ],
        "passed": sum(results.passed for results, _ in found),
        "failed": sum(results.failed for results, _ in found),
        "unproven": sum(results.unproven for results, _ in found),
    }


def _mutation(results: Results) -> dict[str, Any]:
    if results.mutation is None:
        return {}
    from remit.report.mutation_json import mutation_data

    return {"mutation": mutation_data(results.mutation)}


def _test(test: TestResult, results: Results) -> dict[str, Any]:
    entry = next((entry for entry in results.table.tests if entry.place == test.place), None)
    return {
        "name": test.title,
        **_where(test.place),
        "result": test.result,
        "judged": test.judged,
        "failures": [_failure(failure, entry, results) for failure in test.failures],
    }


def _failure(failure: Failure, entry: TestEntry | None, results: Results) -> dict[str, Any]:
    table = results.table
    why = explained(table, entry, failure, lambda: results.now, Index(table)) if entry is not None else None
    return {
        **_where(failure.place),
        "text": failure.place.text,
        "message": failure_text(failure),
        "expected": failure.expected,
        "got": failure.got,
        "code": failure.code or None,
        "rules": [_rule(rule) for rule in failure.rules],
        "explanation": why.to_dict() if why is not None else None,
    }


def _assertion(claim: AssertResult) -> dict[str, Any]:
    return {
        "title": claim.title,
        "kind": claim.kind,
        **_where(claim.place),
        "text": claim.place.text,
        "result": claim.result,
        "failures": [_offence(offence) for offence in claim.offences],
        "open": [{"roles": list(cell.roles), "type": cell.type, "action": cell.action} for cell in claim.open],
    }


def _offence(offence: Offence) -> dict[str, Any]:
    data: dict[str, Any] = {
        "message": offence_text(offence),
        "roles": list(offence.roles),
        "type": offence.type,
        "action": offence.action,
        "rules": [_rule(rule) for rule in offence.rules],
        "example": offence.example or None,
    }
    if offence.also:
        kind, action, rules = offence.also
        data["also"] = {"type": kind, "action": action, "rules": [_rule(rule) for rule in rules]}
    return data


def _rule(rule: RuleEntry) -> dict[str, Any]:
    data: dict[str, Any] = {"effect": rule.effect, "role": rule.role, **_where(rule.place), "text": rule.place.text}
    return data | ({"block": rule.block} if rule.block else {})


def _where(place: Place) -> dict[str, Any]:
    return {"file": place.file, "line": place.line, "column": place.column}
