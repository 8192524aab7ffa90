"""Runs the `test` blocks of a policy: each is a small directory, some resources, and what is expected of decisions.

    test "a vet signs own records" {
      user ann is vet at branch/north in group desk    ann is in group desk, which holds vet at branch/north
      given record r1 at branch/north { vet: ann }     branch/north is below the root, as no `scope` line says otherwise
      ann may sign r1 because treats                   decided by the evaluator, then held against its reason
    }

What users, groups and places a test needs come to be by being named; several lines of one user or group add up. A
test's directory is not held to the guards. Events are not judged yet: from the first line that says an event is
accepted, what follows would see its result, so it is not judged either, and the test says so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from remit.directory.circles import circles
from remit.directory.fit import misfits
from remit.directory.shape import Assignment, Directory, Group, Scope, Status, User
from remit.evaluator.index import Index
from remit.evaluator.pdp import Judged, Pdp
from remit.explanation.repairs import repairs
from remit.model import expression as ex
from remit.table.shape import Place, RuleEntry, Table, TestEntry

Line = Mapping[str, Any]  # a line of a test, as `remit.table.shape.TestEntry` has it


@dataclass(frozen=True, slots=True)
class Failure:
    """A line that did not come out as expected, in words: `expected` and `got`. `code` is the decision's, empty where
    it did not come to one; `rules` are the deciding ones, or the nearest ones where no rule decided."""

    place: Place
    expected: str
    got: str
    code: str = ""
    rules: tuple[RuleEntry, ...] = ()


@dataclass(frozen=True, slots=True)
class TestResult:
    """`judged` expectations were decided, `unjudged` lines were not."""

    __test__ = False  # no test class of pytest's

    title: str
    place: Place
    judged: int = 0
    unjudged: int = 0
    failures: tuple[Failure, ...] = field(default=())

    @property
    def result(self) -> Literal["passed", "failed", "unjudged"]:
        if self.failures:
            return "failed"
        return "unjudged" if self.unjudged else "passed"


def run_tests(table: Table, clock: Callable[[], int], index: Index | None = None) -> list[TestResult]:
    """Every test of the table, in the order of the text. `clock` gives nanoseconds since 1970."""
    shared = index or Index(table)
    return [run_test(table, entry, clock, shared) for entry in table.tests]


def run_test(table: Table, entry: TestEntry, clock: Callable[[], int], index: Index) -> TestResult:
    """One test: its directory, then its expectations in order."""
    directory = directory_of(table, entry)
    if wrong := tuple(_unusable(table, entry, directory)):
        return TestResult(entry.title, entry.place, failures=wrong)
    pdp = Pdp(table, directory, clock, index)
    given = {line["id"]: line for line in entry.lines if line["kind"] == "given"}
    failures: list[Failure] = []
    judged = unjudged = 0
    changed = False  # whether an event before has changed who holds what
    for line in entry.lines:
        if line["kind"] == "event":
            unjudged += 1
            changed = changed or line["accepted"]
        elif line["kind"] == "may" and changed:
            unjudged += 1
        elif line["kind"] == "may":
            judged += 1
            if failure := _expect(pdp, entry, line, given[line["resource"]]):
                failures.append(failure)
    return TestResult(entry.title, entry.place, judged, unjudged, tuple(failures))


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
    for line in entry.lines:
        for name in _places(line):
            if name is not None and name != table.root:
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
    return [line["scope"]] if line["kind"] == "given" else []


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


def _expect(pdp: Pdp, entry: TestEntry, line: Line, given: Line) -> Failure | None:
    """What is wrong with a decision, or None."""
    properties = dict(given["properties"])
    if given["scope"] is not None:
        properties["scope"] = given["scope"]
    resource = {"type": given["type"], "id": given["id"], "properties": properties}
    judged = pdp.ask(line["user"], line["action"], resource, line["context"] or None).judged
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
