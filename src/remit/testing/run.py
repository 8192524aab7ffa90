"""Everything `remit test` finds out about one policy."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from remit.evaluator.index import Index
from remit.table.shape import Table
from remit.testing.asserts import AssertResult, settle_asserts
from remit.testing.examples import TestResult, run_tests


class Results(NamedTuple):
    """What came of a policy's tests and asserts. The counts are of both."""

    table: Table
    tests: list[TestResult]
    assertions: list[AssertResult]

    @property
    def passed(self) -> int:
        tests = sum(test.result == "passed" for test in self.tests)
        return tests + sum(claim.result == "proved" for claim in self.assertions)

    @property
    def failed(self) -> int:
        tests = sum(test.result == "failed" for test in self.tests)
        return tests + sum(claim.result == "failed" for claim in self.assertions)

    @property
    def unproven(self) -> int:
        return sum(claim.result == "unproven" for claim in self.assertions)


def run(table: Table, clock: Callable[[], int], index: Index | None = None) -> Results:
    """Runs the tests and settles the asserts. `clock` gives nanoseconds since 1970."""
    shared = index or Index(table)
    return Results(table, run_tests(table, clock, shared), settle_asserts(table, shared))
