"""Runs the `test` blocks of a policy: each is a small directory, some resources, and what is expected of decisions.

    test "a vet signs own records" {
      user ann is vet at branch/north in group desk    ann is in group desk, which holds vet at branch/north
      given record r1 at branch/north { vet: ann }     branch/north is below the root, as no `scope` line says otherwise
      ann may sign r1 because treats                   decided by the evaluator, then held against its reason
      on disable ann by bob is accepted                judged as an event is, and applied: what follows sees it
      ann may not sign r1 because inactive_user
    }

What users, groups and places a test needs come to be by being named; several lines of one user or group add up. Places
and groups named in events are there too, unless an event of the test creates them or is expected not to know them. A
test's directory is not held to the guards; its events are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, NamedTuple

from remit.directory.circles import circles
from remit.directory.fit import misfits
from remit.directory.shape import Assignment, Directory, Group, Scope, Status, User
from remit.evaluator.index import Index
from remit.evaluator.pdp import Judged, Pdp
from remit.explanation.explain import Explanation, explain_judged
from remit.explanation.repairs import repairs
from remit.membership.event import read_event
from remit.membership.judge import Outcome, judge_event
from remit.membership.roster import MemoryRoster
from remit.model import expression as ex
from remit.table.shape import Place, RuleEntry, Table, TestEntry

Line = Mapping[str, Any]  # a line of a test, as `remit.table.shape.TestEntry` has it


@dataclass(frozen=True, slots=True)
class Failure:
    """A line that did not come out as expected, in words: `expected` and `got`. `code` is the decision's, empty where
    it did not come to one; `rules` are the deciding ones, or the nearest ones where no rule decided; `at` is the line
    of the policy that decided an event; `line` is the number of the line in the test, from 0."""

    place: Place
    expected: str
    got: str
    code: str = ""
    rules: tuple[RuleEntry, ...] = ()
    at: Place | None = None
    line: int = -1


@dataclass(frozen=True, slots=True)
class TestResult:
    """`judged` expectations were decided, in so many `seconds` where somebody kept the time."""

    __test__ = False  # no test class of pytest's

    title: str
    place: Place
    judged: int = 0
    failures: tuple[Failure, ...] = field(default=())
    seconds: float = 0.0

    @property
    def result(self) -> Literal["passed", "failed"]:
        return "failed" if self.failures else "passed"


Watch = Callable[[Judged], None]  # what is told of each decision that came out as a test expects


def run_test(
    table: Table, entry: TestEntry, clock: Callable[[], int], index: Index, watch: Watch | None = None
) -> TestResult:
    """One test: its directory, then its expectations in order. `clock` gives nanoseconds since 1970."""
    directory = directory_of(table, entry)
    if wrong := tuple(_unusable(table, entry, directory)):
        return TestResult(entry.title, entry.place, failures=wrong)
    failures: list[Failure] = []
    judged = 0
    for step in _steps(table, entry, directory, clock, index):
        judged += 1
        if step.outcome is not None:
            failure = _expect_event(entry, step.line, step.outcome)
        else:
            assert step.judged is not None
            failure = _expect(step.pdp, entry, step.line, step.judged)
            if watch is not None and failure is None:
                watch(step.judged)
        if failure is not None:
            failures.append(replace(failure, line=step.number))
    return TestResult(entry.title, entry.place, judged, tuple(failures))


def explained(
    table: Table, entry: TestEntry, failure: Failure, clock: Callable[[], int], index: Index
) -> Explanation | None:
    """Why a decision came out as it did that a test expected otherwise; None of an event."""
    if failure.line < 0:
        return None
    for step in _steps(table, entry, directory_of(table, entry), clock, index):
        if step.number == failure.line:
            return explain_judged(step.pdp, step.judged, step.request) if step.judged is not None else None
    return None


class _Step(NamedTuple):
    """An expectation, number and line in its test, and what came of it: a decision, or of an event its outcome."""

    number: int
    line: Line
    pdp: Pdp
    request: dict[str, Any]
    judged: Judged | None = None
    outcome: Outcome | None = None


def _steps(
    table: Table, entry: TestEntry, directory: Directory, clock: Callable[[], int], index: Index
) -> Iterator[_Step]:
    pdp = Pdp(table, directory, clock, index)
    roster: MemoryRoster | None = None  # once there is an event
    given = {line["id"]: line for line in entry.lines if line["kind"] == "given"}
    for number, line in enumerate(entry.lines):
        if line["kind"] == "event":
            roster = roster or MemoryRoster(directory)
            event = _event(line)
            outcome = judge_event(index, roster, read_event(event, table), clock())
            yield _Step(number, line, pdp, event, outcome=outcome)
            if outcome.changes:
                roster.take(outcome.changes)
                pdp = Pdp(table, roster.directory(), clock, index)
        elif line["kind"] == "may":
            resource, context = _resource(given[line["resource"]]), line["context"]
            judged = pdp.ask(line["user"], line["action"], resource, context or None).judged
            request = {
                "subject": {"type": "user", "id": line["user"]},
                "action": {"name": line["action"]},
                "resource": resource,
                "context": context,
            }
            yield _Step(number, line, pdp, request, judged)


def _resource(given: Line) -> dict[str, Any]:
    """A `given` line as a request has it."""
    properties = dict(sorted(given["properties"].items()))  # as a table has them, in whatever order they were written
    if given["scope"] is not None:
        properties["scope"] = given["scope"]
    return {"type": given["type"], "id": given["id"], "properties": properties}


# -- the directory -----------------------------------------------------------------------------------------------------


def directory_of(table: Table, entry: TestEntry) -> Directory:
    """The users, groups and places that the lines of a test name."""
    users: dict[str, _Person] = {}
    members: dict[str, dict[str, None]] = {}
    given: dict[str, dict[Assignment, None]] = {}
    for line in entry.lines:
        if line["kind"] != "user":
            continue
        person = users.setdefault(line["id"], _Person())
        person.take(line)
        for group in line["groups"]:
            members.setdefault(group, {})[line["id"]] = None
        for held in line["held"]:
            assignment = Assignment(held["role"], held["scope"])
            if held["group"] is None:
                person.held[assignment] = None
            else:
                members.setdefault(held["group"], {})[line["id"]] = None
                given.setdefault(held["group"], {})[assignment] = None
    for group in _named_groups(entry):
        members.setdefault(group, {})
    return Directory(
        users={
            name: User(name, status=person.status, attributes=person.attributes, assignments=tuple(person.held))
            for name, person in users.items()
        },
        groups={
            name: Group(name, tuple(inside), assignments=tuple(given.get(name, ()))) for name, inside in members.items()
        },
        scopes=_scopes(table, entry),
        name=entry.place.file,
    )


@dataclass(slots=True)
class _Person:
    """What the lines of one user say so far."""

    status: Status = "active"
    attributes: dict[str, object] = field(default_factory=dict)
    held: dict[Assignment, None] = field(default_factory=dict)

    def take(self, line: Line) -> None:
        if line["status"] != "active":  # a line that names no status says active, and takes none away
            self.status = line["status"]
        self.attributes.update(line["attributes"])


def _scopes(table: Table, entry: TestEntry) -> dict[str, Scope]:
    """Every place named anywhere; its parents are those of its `scope` lines."""
    named: dict[str, Line] = {}
    parents: dict[str, dict[str, None]] = {}
    created = {line["scope"] for line in entry.lines if line["kind"] == "event" and line["event"] == "create_scope"}
    for line in entry.lines:
        for name in _places(line):
            if name is not None and name != table.root and not (line["kind"] == "event" and name in created):
                named.setdefault(name, line)
        if line["kind"] == "scope" and line["parent"] is not None:
            parents.setdefault(line["name"], {})[line["parent"]] = None
    return {
        name: Scope(name, tuple(parents.get(name, ())), line["line"], line["column"]) for name, line in named.items()
    }


def _places(line: Line) -> list[str | None]:
    if line["kind"] == "user":
        return [held["scope"] for held in line["held"]]
    if line["kind"] == "scope":
        return [line["name"], line["parent"]]
    if line["kind"] == "event":
        return [] if line["because"] in ("unknown_scope", "invalid_event") else [line["scope"]]
    return [line["scope"]] if line["kind"] == "given" else []


def _named_groups(entry: TestEntry) -> Iterator[str]:
    """The groups that events name and expect to be there."""
    events = [line for line in entry.lines if line["kind"] == "event" and line["group"] is not None]
    created = {line["group"] for line in events if line["event"] == "create_group"}
    for line in events:
        if line["group"] not in created and line["because"] not in ("unknown_group", "invalid_event"):
            yield line["group"]


def _unusable(table: Table, entry: TestEntry, directory: Directory) -> Iterator[Failure]:
    """Places that cannot be: a parent of a kind below, or a circle."""
    lines = {(line["line"], line["column"]): line for line in entry.lines}
    for finding in misfits(table, directory):
        at = (finding.span.line, finding.span.column) if finding.span else (0, 0)
        place = _place(entry, lines[at]) if at in lines else entry.place
        yield Failure(place, "places that can be", f"{finding.message}: {finding.help}")
    for circle in circles({name: scope.parents for name, scope in directory.scopes.items()}):
        yield Failure(entry.place, "places that can be", f"the places are in a circle: {circle.path}")


def _place(entry: TestEntry, line: Line) -> Place:
    return Place(entry.place.file, line["line"], line["column"], line["text"])


# -- expectations ------------------------------------------------------------------------------------------------------


def _expect(pdp: Pdp, entry: TestEntry, line: Line, judged: Judged) -> Failure | None:
    """What is wrong with a decision, or None."""
    allowed, because = judged.code == "allowed", line["because"]
    place, expected = _place(entry, line), "allowed" if line["allowed"] else "denied"
    got = "allowed" if allowed else "denied"
    if allowed != line["allowed"]:
        return Failure(place, expected, f"{got}{_why(judged)}", judged.code, deciding_rules(judged))
    if not because or because == judged.code:
        return None
    rules = nearest_rules(pdp, judged) if judged.code == "no_rule" else deciding_rules(judged)
    reasons = _open_conditions(pdp, judged, rules) if judged.code == "no_rule" else _reasons(rules)
    if because in reasons:
        return None
    named = ", ".join(f"`{reason}`" for reason in reasons)
    instead = f"{got}{_why(judged)}" + (f", because of {named}" if named else "")
    return Failure(place, f"{expected} because of `{because}`", instead, judged.code, rules)


def _event(line: Line) -> dict[str, Any]:
    """The event that a line tells of, as JSON would have it."""
    told = {key: line[key] for key in ("user", "by", "role", "scope", "group") if line[key] is not None}
    return {"type": line["event"], **told, **({"claims": line["claims"]} if line["claims"] else {})}


def _expect_event(entry: TestEntry, line: Line, outcome: Outcome) -> Failure | None:
    """What is wrong with what became of an event, or None."""
    place, because = _place(entry, line), line["because"]
    got = "accepted" if outcome.accepted else f"refused: {outcome.message}"
    code = "" if outcome.accepted or outcome.guard is not None else outcome.code
    if outcome.accepted != line["accepted"]:
        return Failure(place, "accepted" if line["accepted"] else "refused", got, code, at=outcome.at)
    if not because or because in (outcome.code, outcome.guard):
        return None
    return Failure(place, f"refused because of `{because}`", got, code, at=outcome.at)


def deciding_rules(judged: Judged) -> tuple[RuleEntry, ...]:
    """The allows of an `allowed`, the denies of a `denied_by_rule`, else none."""
    entries = {"allowed": judged.allows, "denied_by_rule": judged.denies}.get(judged.code, ())
    return tuple(entry.rule for entry in entries)


def nearest_rules(pdp: Pdp, judged: Judged) -> tuple[RuleEntry, ...]:
    """The rules that the repairs of a denial name (SEMANTICS 5), by place."""
    found, _ = repairs(pdp, judged)
    rules = {atom.rule.number: atom.rule for repair in found for atom in repair.atoms if atom.rule is not None}
    return tuple(rules[number] for number in sorted(rules))


def _reasons(rules: tuple[RuleEntry, ...]) -> list[str]:
    """What `because` may name where rules decided: who declares one, and its named conditions."""
    found: dict[str, None] = {}
    for rule in rules:
        found[rule.role or rule.block or ""] = None
        if rule.condition is not None:
            found.update(dict.fromkeys(sorted(ex.names(rule.condition))))
    return list(found)


def _open_conditions(pdp: Pdp, judged: Judged, rules: tuple[RuleEntry, ...]) -> list[str]:
    """What `because` may name where no rule decided: the named conditions that are not true in a nearest one."""
    assert judged.cell is not None
    assert judged.facts is not None
    found: dict[str, None] = {}
    for rule in rules:
        for node in ex.walk(rule.condition) if rule.condition is not None else ():
            if isinstance(node, ex.Named) and node.name not in found:
                test = pdp.index.test(node, judged.cell.type)
                if test is not None and test(judged.facts) is not True:
                    found[node.name] = None
    return sorted(found)


def _why(judged: Judged) -> str:
    """The reason of a decision, to follow its answer."""
    return {
        "allowed": "",
        "denied_by_rule": " by a rule",
        "no_rule": ": nothing allows it",
        "unknown_user": ": nobody knows this user",
        "inactive_user": f": the user is {judged.user.status}" if judged.user else ": the user is not active",
    }.get(judged.code, f" ({judged.code})")
