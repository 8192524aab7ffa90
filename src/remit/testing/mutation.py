"""Runs mutants (`remit.testing.mutants`) against a policy's tests and asserts, and says which of them nobody notices.

    mutant ──tests that ask what it changes, short ones first──▶ ──asserts about that──▶ ──same access?──▶ survives
                 │ fails: killed                                      │ fails: killed       │ yes: equivalent

A rule's mutant decides otherwise in few cells, so only tests that ask one of them can notice it, and of the asserts
only that part of each need be settled; an event asks what its line requires. Whether a mutant that nobody noticed is
*equivalent* is no guess: the two policies are compared over all requests (`remit.proof.compare`). What survives is
different for somebody, by a request that the comparison finds: as a test, it would kill the mutant.

    role vet { allow refund on invoice when resource.amount <= 500 }    ann, a vet, may refund i1 { amount: 20 }
    drop-condition survives: somebody with vet, amount 501, denied today, allowed with the change
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Literal, NamedTuple

from remit.evaluator.index import Index
from remit.model.policy import Model
from remit.proof.compare import Change, Comparison
from remit.table.shape import AssertEntry, EventEntry, Table, TestEntry
from remit.testing.accepted import Acceptance, Trouble, unused
from remit.testing.asserts import Settler
from remit.testing.examples import run_test
from remit.testing.mutants import Cell, Mutant, cells_of, changed_cells, mutants, mutated, narrowed
from remit.testing.selection import title

_MOST_EXAMPLES = 50  # differences that are looked at for one that a test can show

Result = Literal["killed", "equivalent", "survived"]


class Outcome(NamedTuple):
    """What became of a mutant. `by`: the title of the test or assert that notices it. Of one that survives: an
    `example` by which it is told from the policy, where there is one; `unproven`: whether it changes anything could not
    be told; `reason`: why it may."""

    mutant: Mutant
    result: Result
    by: str = ""
    example: Change | None = None
    unproven: bool = False
    reason: str = ""


class Proposal(NamedTuple):
    """A test in the language, with a comment above and a line end, that would notice some survivors: `notices` are
    their numbers among the outcomes."""

    title: str
    text: str
    notices: tuple[int, ...]


class Mutation(NamedTuple):
    """All of a policy's mutants, in the order of the text. `troubles` are with comments that accept survivors;
    `left_out` says what was not changed, and why. `proposals` would notice the survivors, where somebody asked for
    them (`remit.testing.proposals`)."""

    outcomes: tuple[Outcome, ...]
    troubles: tuple[Trouble, ...] = ()
    left_out: tuple[str, ...] = ()
    seconds: float = 0.0
    proposals: tuple[Proposal, ...] = ()

    @property
    def killed(self) -> int:
        return sum(one.result == "killed" for one in self.outcomes)

    @property
    def equivalent(self) -> int:
        return sum(one.result == "equivalent" for one in self.outcomes)

    @property
    def accepted(self) -> list[Outcome]:
        return [one for one in self.outcomes if one.result == "survived" and one.reason]

    @property
    def survivors(self) -> list[Outcome]:
        """Those that no reason is given for."""
        return [one for one in self.outcomes if one.result == "survived" and not one.reason]

    @property
    def score(self) -> float:
        """Of those that change anything, how many are noticed, in percent."""
        real = len(self.outcomes) - self.equivalent
        return 100 * self.killed / real if real else 100.0


def has_events(table: Table) -> bool:
    """Whether some test tells of events, which alone can notice what becomes of guards and assignments."""
    return any(line["kind"] == "event" for entry in table.tests for line in entry.lines)


def all_mutants(table: Table, model: Model | None) -> list[Mutant]:
    """Those that are tried: guards and assignments are changed where tests tell of events."""
    return mutants(table, model, has_events(table))


def left_out(table: Table, model: Model | None) -> tuple[str, ...]:
    """What is not changed at all, in words."""
    found = []
    if model is None:
        found.append("includes, `except` and named conditions: a compiled table does not keep how they are written")
    if not has_events(table) and (table.events or table.guards):
        found.append("guards and `assignments`: no test tells of events")
    return tuple(found)


def concluded(
    outcomes: Iterable[Outcome],
    accepting: Sequence[Acceptance] = (),
    troubles: Sequence[Trouble] = (),
    left: tuple[str, ...] = (),
    seconds: float = 0.0,
) -> Mutation:
    """The whole, with the comments that accept survivors."""
    found = []
    for one in outcomes:
        if one.result == "survived":
            reason = next((c.reason for c in accepting if c.takes(one.mutant.operator, one.mutant.place)), "")
            one = one._replace(reason=reason)
        found.append(one)
    used = [(one.mutant.operator, one.mutant.place) for one in found if one.result == "survived"]
    return Mutation(tuple(found), (*troubles, *unused(accepting, used)), left, seconds)


def mutate(table: Table, model: Model | None, now: int) -> Mutation:
    """Every mutant of a policy whose tests pass and whose asserts are proved. `now`: nanoseconds since 1970. Raises
    MissingSolverError where it takes the solver to tell whether something changed."""
    trial = Trial(table, model, now)
    return concluded((trial.outcome(mutant) for mutant in all_mutants(table, model)), left=left_out(table, model))


class _Asks(NamedTuple):
    """A test with what it asks: `everything` where an event of it weighs one role against another."""

    entry: TestEntry
    cells: frozenset[Cell]
    events: frozenset[tuple[str, bool]]  # kind, to a group
    everything: bool


class Trial:
    """Tries the mutants of one policy."""

    def __init__(self, table: Table, model: Model | None, now: int) -> None:
        self.table = table
        self.model = model
        self.now = now
        self.tests = sorted((self._asks(entry) for entry in table.tests), key=lambda asks: len(asks.entry.lines))

    def outcome(self, mutant: Mutant) -> Outcome:
        """What becomes of one. Raises MissingSolverError."""
        made = mutated(self.table, mutant, self.model)
        if mutant.adding_up:
            killer = self._failing(made, (asks.entry for asks in self.tests))
            return Outcome(mutant, "killed", killer) if killer else Outcome(mutant, "survived")
        if mutant.guard is not None or mutant.line is not None:
            killer = self._failing(made, self._with_events(mutant.line)) or self._broken_by_guards(mutant, made)
            return Outcome(mutant, "killed", killer) if killer else Outcome(mutant, "survived")
        cells = changed_cells(self.table, mutant.rules) if mutant.rules else self._moved(made)
        includes = mutant.includes is not None
        asking = (
            asks.entry
            for asks in self.tests
            if asks.everything or not asks.cells.isdisjoint(cells) or (includes and asks.events)
        )
        if killer := self._failing(made, asking) or self._broken(made, cells, includes):
            return Outcome(mutant, "killed", killer)
        old, new = narrowed(self.table, cells), narrowed(made, cells)
        equal = Comparison(old, new, quick=True).equal()
        if equal:
            counts = includes and _counted_otherwise(self.table, made)
            return Outcome(mutant, "survived" if counts else "equivalent")
        return self._surviving(mutant, old, new) if equal is False else Outcome(mutant, "survived", unproven=True)

    # -- tests -------------------------------------------------------------------------------------------------------

    def _asks(self, entry: TestEntry) -> _Asks:
        given = {line["id"]: line["type"] for line in entry.lines if line["kind"] == "given"}
        cells = {(given[line["resource"]], line["action"]) for line in entry.lines if line["kind"] == "may"}
        events = frozenset(_kind(line) for line in entry.lines if line["kind"] == "event")
        lines = [line for line in self.table.events if (line.kind, line.to_group) in events]
        cells |= {(line.requires[1], line.requires[0]) for line in lines if line.requires is not None}
        return _Asks(entry, frozenset(cells), events, any(line.within_own for line in lines))

    def _with_events(self, changed: tuple[int, EventEntry | None] | None) -> Iterator[TestEntry]:
        """Tests with events: of the kind of a line that is changed, or any."""
        wanted = None if changed is None else self.table.events[changed[0]]
        for asks in self.tests:
            if (wanted is None and asks.events) or (wanted and (wanted.kind, wanted.to_group) in asks.events):
                yield asks.entry

    def _failing(self, made: Table, entries: Iterable[TestEntry]) -> str:
        """The title of the first test that fails, or nothing."""
        index = Index(made)
        clock: Callable[[], int] = lambda: self.now  # noqa: E731  # what the tests' time is
        return next((title(entry) for entry in entries if run_test(made, entry, clock, index).failures), "")

    # -- asserts -----------------------------------------------------------------------------------------------------

    def _broken(self, made: Table, cells: set[Cell], includes: bool) -> str:
        """The title of the first assert that a change in these cells breaks, or leaves unproven, or nothing."""
        concerned: list[tuple[AssertEntry, set[Cell]]] = []
        for claim in made.assertions:
            own, other = cells_of(claim), cells_of(claim._replace(cells=claim.other))
            if claim.kind == "within":
                concerned.append((claim, cells))
            elif claim.kind == "never" and not (own | other).isdisjoint(cells):
                concerned.append((claim, own | other))
            elif includes and claim.kind == "only":
                concerned.append((claim, own))  # who includes a role that may, may
            elif claim.kind != "never" and not own.isdisjoint(cells):
                concerned.append((claim, own & cells))
        return self._refuted(made, concerned)

    def _broken_by_guards(self, mutant: Mutant, made: Table) -> str:
        """The same of a change in a guard: guards say which roles go together."""
        never = [claim for claim in made.assertions if claim.kind == "never" and mutant.guard is not None]
        return self._refuted(
            made, [(claim, cells_of(claim) | cells_of(claim._replace(cells=claim.other))) for claim in never]
        )

    def _refuted(self, made: Table, concerned: Sequence[tuple[AssertEntry, set[Cell]]]) -> str:
        for claim, cells in concerned:
            small = narrowed(made, cells, [claim])
            if cells and Settler(small).settle(small.assertions[0]).result == "failed":
                return title(claim)
        return ""

    # -- access ------------------------------------------------------------------------------------------------------

    def _moved(self, made: Table) -> set[Cell]:
        """The cells in which somebody has other rules than before, or has them by another way."""
        comparison = Comparison(self.table, made, quick=True)
        found = {
            cell
            for cell in {*comparison.old.cells, *comparison.new.cells}
            if not comparison.passed_over(cell, comparison.old.view(cell), comparison.new.view(cell))
        }
        for before, after in zip(self.table.rules, made.rules, strict=True):
            if comparison.old.mask(before) != comparison.new.mask(after):
                found |= cells_of(before)
        return found

    def _surviving(self, mutant: Mutant, old: Table, new: Table) -> Outcome:
        """With the request that tells it best: one that leaves nothing out, and that a test can ask."""
        best: Change | None = None
        for number, found in enumerate(Comparison(old, new).walk()):
            if isinstance(found, Change) and (best is None or _awkward(found) < _awkward(best)):
                best = found
            if number >= _MOST_EXAMPLES or (best is not None and not any(_awkward(best))):
                break
        if best is None:
            return Outcome(mutant, "survived", unproven=True)
        return Outcome(mutant, "survived", example=best)


def _awkward(change: Change) -> tuple[bool, bool, bool]:
    case = change.case
    return (not case.placed or case.uncertain or case.id is None, change.kind == "incomplete_only", bool(case.missing))


def _kind(line: object) -> tuple[str, bool]:
    assert isinstance(line, dict)
    return line["event"], line["event"] in ("assign", "revoke") and line["group"] is not None and line["user"] is None


def _counted_otherwise(old: Table, new: Table) -> bool:
    """Whether guards or events may tell two policies of one access apart: by roles that are held by including them."""
    moved = {
        name
        for role in old.roles
        for name in {*old.roles[role].includes} ^ {*new.roles[role].includes}
    }  # fmt: skip
    if any({guard.role, guard.other} & moved for guard in old.guards.values()):
        return True
    asked = {line.requires[1] for line in old.events if line.requires is not None}
    return any({"roles", "new_roles"} & set(old.types[name].attributes) for name in asked)


__all__ = ["Mutation", "Outcome", "Proposal", "Trial", "all_mutants", "concluded", "has_events", "left_out", "mutate"]
