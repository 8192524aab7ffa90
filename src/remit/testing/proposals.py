"""The tests that would notice the mutants which nobody noticed: few, each once, with what it notices.

For each survivor the comparison has found a request that tells it from the policy. Written as a test, that request
often tells others of the same cell, too. So each such test is asked of each survivor that changes its cell, and those
are taken that together notice all, the ones that notice most first (the greedy cover of a set).

    allow refund on invoice when treats and resource.amount <= 500

    without `treats`            amount 500, somebody else's     notices this one alone
    with `or` for `and`         amount 501, one's own           notices both below
    without the condition       amount 501, somebody else's     notices this one alone        two of three are proposed
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from heapq import heapify, heappop, heappush

from remit.evaluator.index import Index
from remit.model.policy import Model
from remit.proof.case import World
from remit.table.shape import Table
from remit.testing.mutants import Cell, Mutant, changed_cells, mutated, narrowed
from remit.testing.mutation import Mutation, Outcome, Proposal
from remit.testing.reach import Witness
from remit.testing.suggest import Draft, Writer

MOST_IN_CELL = 40  # tests of a cell that are asked of one survivor, beside its own
MOST_NAMED = 5  # mutants in the comment of a test
_LONGEST = 90  # characters of what is said of a mutant there


def with_proposals(mutation: Mutation, table: Table, model: Model | None, titles: Iterable[str] = ()) -> Mutation:
    """The same with tests that together notice every survivor that a test can show, in the order of the text. `titles`
    are taken, besides those of the table's tests."""
    asked = {
        number: witness
        for number, one in enumerate(mutation.outcomes)
        if one.result == "survived" and not one.reason and (witness := _asked(one)) is not None
    }
    if not asked:
        return mutation
    bench = _Bench(table, model, mutation.outcomes, Writer(table, Index(table), titles))
    return mutation._replace(proposals=tuple(bench.proposed(asked)))


def _asked(one: Outcome) -> Witness | None:
    """The request of an example, where a test can make it."""
    found = one.example
    if found is None or not found.case.placed or found.case.uncertain or found.case.hidden:
        return None
    allowed = found.before == "allowed"
    return Witness(found.asking, found.type, found.action, found.case, allowed, frozenset())


class _Bench:
    """Asks tests of survivors."""

    def __init__(self, table: Table, model: Model | None, outcomes: tuple[Outcome, ...], writer: Writer) -> None:
        self.table = table
        self.model = model
        self.outcomes = outcomes
        self.writer = writer
        self.tests: dict[Draft, None] = {}
        self.by_cell: dict[Cell, list[Draft]] = {}

    def proposed(self, asked: Mapping[int, Witness]) -> Iterator[Proposal]:
        """Few of the tests that make these requests, by the number of the outcome that each tells."""
        own = {number: draft for number, witness in asked.items() if (draft := self._drafted(witness)) is not None}
        noticed: dict[Draft, list[int]] = {}
        for number, draft in own.items():
            mutant = self.outcomes[number].mutant
            cells = self._cells(mutant) & self.by_cell.keys()
            world = World(narrowed(mutated(self.table, mutant, self.model), cells))
            telling = [test for cell in sorted(cells) for test in self.by_cell[cell][:MOST_IN_CELL] if test != draft]
            found = [test for test in (draft, *telling) if _tells(world, test)]
            if draft not in found and (plain := self.writer.draft(asked[number], renamed=False)) is not None:
                found.append(plain)  # what it tells hung on the names
            for test in found:
                noticed.setdefault(test, []).append(number)
        for test in sorted(_cover(noticed), key=lambda test: noticed[test]):
            title, text = self.writer.text(test, self._notes(noticed[test]))
            yield Proposal(title, text, tuple(noticed[test]))

    def _drafted(self, witness: Witness) -> Draft | None:
        draft = self.writer.draft(witness)
        if draft is not None and draft not in self.tests:
            self.tests[draft] = None
            self.by_cell.setdefault((witness.type, witness.action), []).append(draft)
        return draft

    def _cells(self, mutant: Mutant) -> set[Cell]:
        return changed_cells(self.table, mutant.rules) if mutant.rules else set(self.by_cell)

    def _notes(self, numbers: list[int]) -> list[str]:
        said = [self._note(self.outcomes[number].mutant) for number in numbers[:MOST_NAMED]]
        more = len(numbers) - MOST_NAMED
        return [*said, f"notices: {more:,} other change{'' if more == 1 else 's'}"] if more > 0 else said

    def _note(self, mutant: Mutant) -> str:
        said = " ".join(mutant.said.split())
        said = said if len(said) <= _LONGEST else f"{said[: _LONGEST - 1]}…"
        return f"notices: {mutant.place.file}:{mutant.place.line} {said}"


def _tells(world: World, test: Draft) -> bool:
    """Whether a policy decides otherwise than the test expects."""
    asked = test.witness
    return (world.judge(asked.roles, asked.type, asked.action, asked.case).code == "allowed") != asked.allowed


def _cover(noticed: Mapping[Draft, list[int]]) -> Iterator[Draft]:
    """Tests that together notice what all do."""
    tests = list(noticed)
    left = {number for numbers in noticed.values() for number in numbers}
    heap = [(-len(noticed[test]), at) for at, test in enumerate(tests)]
    heapify(heap)
    while left:
        size, at = heappop(heap)
        new = left.intersection(noticed[tests[at]])
        if len(new) == -size:
            left -= new
            yield tests[at]
        elif new:  # others have taken some since: it may still be the one that notices most
            heappush(heap, (-len(new), at))
