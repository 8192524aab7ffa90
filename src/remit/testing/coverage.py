"""What the tests of a policy reach, and what they do not: not lines, but goals.

| goal | reached by |
|---|---|
| a (type, action) that a rule speaks of is *allowed* | a decision that allows it |
| it is *denied* | a decision that does not, though the user is known and active |
| a condition of a rule is *true* there, is *false* there | a decision there, of somebody for whom the rule counts |
| a rule *decides* | an allow: an allowed decision in which it applies; a deny: a denied one |

A decision is what a `USER may [not] …` line asks for, where it came out as the line says. (What an event requires is
not counted, for the event says nothing of which rule is behind it.) A *condition* is a part of what follows `when`:
a comparison, a membership, a `has`, a bool attribute, or a named condition, which counts as one by its name. It is
evaluated whatever stands beside it, as in the language, where the order of parts never matters. One that could not be
evaluated was neither true nor false: that is counted apart, as unknown. The parts of `a and b` are goals, and the whole
is, for it is the rule that then decides: with both outcomes of each part, so that MC/DC is asked for but for one thing,
that each part tells alone; whether a test would notice a part that is dropped is for mutants to find out.

    role vet { allow sign on record when treats and resource.status == "open" }

    test "own records" {
      user ann is vet    user bob is vet
      given record r1 { vet: ann, status: "open" }
      ann may sign r1              record.sign allowed, `treats` true, the status "open", the rule decides
      bob may not sign r1          record.sign denied, `treats` false
    }                              left: `resource.status == "open"` was never false                 6 of 7: 85 %

*What cannot be is no goal.* A goal counts where a request is known that reaches it: a test's, or one that was found
(`remit.testing.reach`). So everybody's unconditional allow need not be denied, and `has resource.note` need not be true
of a type without notes; 100 % can be had, and `remit test --suggest` writes down how. What was left out is listed, and
is *impossible* where a tableau shows that nothing could reach it; of the rest it is only known that the search, which
is finite, found nothing. What it had no time to look for counts as missing.

*Overlays.* The rules of the base count in the base's own tests. Of an overlay there count the rules it adds, in roles
of its own and by `extend role`, with their conditions, and the cells they speak of, there by decisions of somebody who
holds a role that one of these rules counts for.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import NamedTuple

from remit.evaluator.index import Index
from remit.table.shape import Place, Table
from remit.testing.goals import Asked, Goal, goals
from remit.testing.reach import Finder, Witness


class Count(NamedTuple):
    covered: int
    total: int


class LeftOut(NamedTuple):
    """A goal that nothing was found to reach; `impossible` where nothing could."""

    goal: Goal
    impossible: bool


@dataclass(frozen=True, slots=True)
class Coverage:
    """`reached` and `missing` are the goals, in the order of the catalogue, rules last. `witnesses` are requests that
    together reach all of `missing`, but for what there was no time to look for. `unknown` are conditions that could not
    be evaluated in some decision, as goals without outcome; `asked` are the roles that decisions were about."""

    table: Table
    reached: tuple[Goal, ...]
    missing: tuple[Goal, ...]
    left_out: tuple[LeftOut, ...]
    unknown: frozenset[Goal]
    witnesses: tuple[Witness, ...]
    asked: frozenset[Asked] = frozenset()

    @property
    def total(self) -> int:
        return len(self.reached) + len(self.missing)

    @property
    def percent(self) -> float:
        """Of the goals that can be reached; of none at all, 100."""
        return 100 * len(self.reached) / self.total if self.total else 100.0

    @property
    def cells(self) -> Count:
        """The cells that were allowed and denied, as far as they can be."""
        return self._count("cell")

    @property
    def conditions(self) -> Count:
        """The conditions, in each cell of their rules, that were true and false, as far as they can be."""
        return self._count("condition")

    @property
    def rules(self) -> Count:
        """The rules that decided."""
        return self._count("rule")

    def _count(self, kind: str) -> Count:
        every = {goal._replace(outcome=None) for goal in (*self.reached, *self.missing) if goal.kind == kind}
        open_ = {goal._replace(outcome=None) for goal in self.missing if goal.kind == kind}
        return Count(len(every) - len(open_), len(every))

    def untested(self) -> set[tuple[str, str]]:
        """The cells that no test asked for."""
        asked = {(goal.type, goal.action) for goal in self.reached if goal.kind == "cell"}
        return {(goal.type, goal.action) for goal in self.missing if goal.kind == "cell"} - asked

    def place(self, goal: Goal) -> Place:
        """The line that a goal is about: its rule's; of a cell the first rule that would bring it about, or else the
        first there is."""
        if goal.rule >= 0:
            return self.table.rules[goal.rule].place
        here = [rule for rule in self.table.own_rules() if goal.action in rule.cells.get(goal.type, ())]
        effect = "allow" if goal.outcome else "deny"
        return next((rule for rule in here if rule.effect == effect), here[0]).place


def coverage(
    table: Table,
    index: Index,
    seen: Iterable[Goal],
    asked: Iterable[Asked] = (),
    looked: Callable[[int, int], None] = lambda done, total: None,
) -> Coverage:
    """What of a policy's goals was seen in its tests' decisions (`remit.testing.goals.Watch`), and what is missing.
    `looked` is told how many of how many have been looked for."""
    met = frozenset(seen)
    wanted = list(goals(table))
    open_ = [goal for goal in wanted if goal not in met]
    finder = Finder(table, index)
    shown: set[Goal] = set()
    left_out: list[LeftOut] = []
    witnesses: list[Witness] = []
    cut: set[Goal] = set()
    # Conditions first: a request that shows one shows its cell and its rule as well, so fewer are needed.
    for number, goal in enumerate(sorted(open_, key=lambda goal: _EASE[goal.kind])):
        looked(number, len(open_))
        if goal in shown:
            continue
        search = finder.find(goal)
        if search.witness is not None:
            witnesses.append(search.witness)
            shown |= search.witness.reached
        elif search.cut:
            cut.add(goal)
        else:
            left_out.append(LeftOut(goal, search.impossible))
    reachable = shown | cut
    return Coverage(
        table,
        tuple(goal for goal in wanted if goal in met),
        tuple(goal for goal in open_ if goal in reachable),
        tuple(left for left in left_out if left.goal not in reachable),
        frozenset(goal for goal in met if goal.outcome is None),
        _needed(witnesses, {goal for goal in open_ if goal in shown}),
        frozenset(asked),
    )


_EASE = {"condition": 0, "rule": 1, "cell": 2}


def _needed(witnesses: list[Witness], wanted: set[Goal]) -> tuple[Witness, ...]:
    """Those without the ones whose goals others reach as well."""
    times = Counter(goal for witness in witnesses for goal in witness.reached & wanted)
    kept: list[Witness] = []
    for witness in witnesses:
        mine = witness.reached & wanted
        if any(times[goal] == 1 for goal in mine):
            kept.append(witness)
        else:
            times.subtract(mine)
    return tuple(kept)
