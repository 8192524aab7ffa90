"""Everything `remit test` finds out about one policy."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, NamedTuple

from remit.evaluator.index import Index
from remit.table.shape import Table, TestEntry
from remit.testing.asserts import AssertResult, settle_asserts
from remit.testing.coverage import Coverage, coverage
from remit.testing.examples import TestResult, run_test
from remit.testing.goals import Asked, Goal, Watch

if TYPE_CHECKING:
    from remit.testing.mutation import Mutation


class Results(NamedTuple):
    """What came of a policy's tests and asserts. The counts are of both. `now` is the time that tests were run at, in
    nanoseconds since 1970; `stopped`: a failure ended the run, and the rest was not looked at."""

    table: Table
    tests: list[TestResult]
    assertions: list[AssertResult]
    coverage: Coverage | None = None
    now: int = 0
    stopped: bool = False
    mutation: Mutation | None = None

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


@dataclass(frozen=True, slots=True)
class Part:
    """What came of some of a policy's tests; of a policy's whole run, of all of them."""

    tests: list[TestResult] = field(default_factory=list)
    seen: set[Goal] = field(default_factory=set)
    asked: set[Asked] = field(default_factory=set)

    def take(self, other: Part) -> None:
        """Adds what came of the tests that follow."""
        self.tests.extend(other.tests)
        self.seen.update(other.seen)
        self.asked.update(other.asked)


def run(table: Table, clock: Callable[[], int], index: Index | None = None, cover: bool = False) -> Results:
    """Runs the tests and settles the asserts; with `cover`, says what the tests reach. `clock` gives nanoseconds since
    1970."""
    shared = index or Index(table)
    return completed(table, clock(), shared, run_part(table, table.tests, clock, shared), cover)


def run_part(
    table: Table,
    entries: Sequence[TestEntry],
    clock: Callable[[], int],
    index: Index,
    done: Callable[[int], None] = lambda count: None,
    fail_fast: bool = False,
    timer: Callable[[], float] = lambda: 0.0,
) -> Part:
    """Some tests of a policy, in their order; `done` is told of each, and `timer` gives seconds. With `fail_fast` the
    first failure is the last."""
    watch, results = Watch(index), []
    for entry in entries:
        begun = timer()
        results.append(replace(run_test(table, entry, clock, index, watch), seconds=timer() - begun))
        done(1)
        if fail_fast and results[-1].failures:
            break
    return Part(results, watch.seen, watch.asked)


def completed(
    table: Table,
    now: int,
    index: Index,
    part: Part,
    cover: bool,
    fail_fast: bool = False,
    looked: Callable[[int, int], None] = lambda done, total: None,
) -> Results:
    """The whole of a run, once all tests have been: the asserts, and what the tests reached. `looked` is told how many
    of the goals that they do not reach have been looked for."""
    stopped = fail_fast and any(test.failures for test in part.tests)
    claims = [] if stopped else settle_asserts(table, index)
    reached = coverage(table, index, part.seen, part.asked, looked) if cover and not stopped else None
    return Results(table, part.tests, claims, reached, now, stopped)
