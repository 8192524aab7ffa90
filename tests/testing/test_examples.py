"""`test` blocks: the directory their lines make, what is expected of decisions, and why."""

from __future__ import annotations

from typing import Any

import pytest

from remit import Policy
from remit.directory.shape import Assignment, Directory, Group
from remit.testing.examples import TestResult, directory_of, run_tests

NOON = 1_767_268_800 * 10**9  # 2026-01-01T12:00:00Z

CLINIC = """
policy clinic
scope company
scope region in company
scope branch in region
area patients {
  resource record { vet: user  status: "open" | "closed"  seen: time  actions read, update, delete, sign }
}
user { department: string  tags: set of string }
context { hour: int }
condition treats = resource.vet == user.id
condition open = resource.status == "open"
condition ready = treats and open
condition fresh = context.time - resource.seen < 1d
condition surgeon = user.department == "surgery"
role viewer { allow read on record }
role vet includes viewer {
  allow update on record when fresh
  allow sign on record when ready
  deny delete on record when surgeon
}
role owner { allow delete on record }
everyone { deny sign on record when context.hour > 20 }
members { allow read on record when open }
guard one_owner: at most 1 owner
assignments { on disable }
"""


def results(*lines: str, policy: str = CLINIC) -> list[TestResult]:
    """What comes of one test with these lines."""
    table = Policy.from_sources({"clinic.remit": policy + 'test "one" {\n' + "\n".join(lines) + "\n}\n"}).table
    return run_tests(table, lambda: NOON)


def failures(*lines: str, policy: str = CLINIC) -> list[tuple[str, str]]:
    """The text and the code of each line that failed."""
    [found] = results(*lines, policy=policy)
    assert found.unjudged == 0
    return [(failure.place.text, failure.code) for failure in found.failures]


def directory(*lines: str, policy: str = CLINIC) -> Directory:
    """The directory that the lines of a test make."""
    table = Policy.from_sources({"clinic.remit": policy + 'test "one" {\n' + "\n".join(lines) + "\n}\n"}).table
    return directory_of(table, table.tests[0])


# -- the directory -----------------------------------------------------------------------------------------------------


def test_a_role_is_assigned_at_its_place() -> None:
    """Each role of a user line is an individual assignment at its own place, the root unless one is named."""
    found = directory("user ann is vet at branch/north, viewer, owner at company")
    assert found.users["ann"].assignments == (
        Assignment("vet", "branch/north"),
        Assignment("viewer"),
        Assignment("owner"),
    )


def test_a_role_through_a_group_is_the_groups() -> None:
    """`is R at PLACE in group G`: the group holds the role there, and the user is a member who holds nothing alone."""
    found = directory("user ann is vet at branch/north in group desk")
    assert found.users["ann"].assignments == ()
    assert found.groups == {"desk": Group("desk", ("ann",), assignments=(Assignment("vet", "branch/north"),))}


def test_a_group_is_shared() -> None:
    """Several users share a group and all it holds; a membership may come without a role."""
    found = directory("user ann is vet in group desk", "user bob is viewer in group desk", "user cyd in group desk")
    assert found.groups["desk"].members == ("ann", "bob", "cyd")
    assert found.groups["desk"].assignments == (Assignment("vet"), Assignment("viewer"))
    lines = ["user ann is vet in group desk", "user cyd in group desk", 'given record r { vet: cyd, status: "open" }']
    assert failures(*lines, "cyd may sign r with { hour: 9 } because vet") == []


def test_lines_of_one_user_add_up() -> None:
    """Roles, groups, attributes and status of one user's lines are merged."""
    found = directory(
        'user ann is vet with { department: "a" }', 'user ann pending is viewer with { tags: ["x"] }', "user ann is vet"
    )
    ann = found.users["ann"]
    assert (ann.status, ann.attributes) == ("pending", {"department": "a", "tags": ["x"]})
    assert ann.assignments == (Assignment("vet"), Assignment("viewer"))


def test_places_come_to_be_by_being_named() -> None:
    """Places of users, of resources and of `scope` lines exist, below the root unless a line says otherwise."""
    found = directory(
        "user ann is vet at branch/a", "given record r at branch/b {}", "scope branch/c in region/d",
        "given record s at company {}",
    )  # fmt: skip
    assert {name: scope.parents for name, scope in found.scopes.items()} == {
        "branch/a": (), "branch/b": (), "branch/c": ("region/d",), "region/d": (),
    }  # fmt: skip


def test_a_place_may_lie_in_several() -> None:
    """Two `scope` lines give one place two parents, and a role held at either counts there."""
    lines = ["scope branch/a in region/x", "scope branch/a in region/y", "given record r at branch/a {}"]
    lines += ["user ann is viewer at region/x", "user bob is viewer at region/y", "user cyd is viewer at branch/b"]
    assert failures(*lines, "ann may read r", "bob may read r", "cyd may not read r") == []


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (["scope region/a in branch/b"], "cannot be above"),
        (["scope branch/a in branch/b", "scope branch/b in branch/a"], "in a circle"),
    ],
)
def test_places_that_cannot_be_fail_the_test(lines: list[str], said: str) -> None:
    """A place below one of a lower kind, or below itself, fails the test at its line instead of deciding anything."""
    [found] = results("user ann is viewer", "given record r {}", "ann may read r", *lines)
    assert (found.result, found.judged) == ("failed", 0)
    assert said in found.failures[0].got


def test_a_directory_is_not_held_to_guards() -> None:
    """A test's users may hold what a guard forbids."""
    lines = ["user ann is owner", "user bob is owner", "given record r {}", "ann may delete r", "bob may delete r"]
    assert failures(*lines) == []


# -- decisions ---------------------------------------------------------------------------------------------------------

PEOPLE = (
    "user ann is vet",
    "user bob is vet at branch/north in group desk",
    "user cyd pending is vet",
    'user dan is vet, owner with { department: "surgery" }',
    "user eve in group nothing",
    "user fay is owner",
    'given record r1 at branch/north { vet: ann, status: "open", seen: "2026-01-01T10:00:00Z" }',
    'given record r2 { vet: bob, status: "closed" }',
)


@pytest.mark.parametrize(
    "line",
    [
        "ann may sign r1 with { hour: 9 }",
        "ann may sign r1 with { hour: 9 } because ready",
        "ann may sign r1 with { hour: 9 } because treats",
        "ann may sign r1 with { hour: 9 } because vet",
        "ann may sign r1 with { hour: 9 } because allowed",
        "ann may read r1 because viewer",
        "ann may read r1 because members",
        "ann may read r1 because open",
        "ann may update r1 because fresh",
        'ann may not update r1 with { time: "2026-01-02T10:00:00Z" } because fresh',
        "ann may not sign r1",
        "ann may not sign r1 because denied_by_rule",
        "ann may not sign r1 with { hour: 21 } because everyone",
        "bob may not sign r1 with { hour: 9 } because treats",
        "bob may not sign r1 with { hour: 9 } because ready",
        "bob may not sign r1 with { hour: 9 } because no_rule",
        "bob may read r1",
        "bob may not read r2 because no_rule",
        "bob may not update r2 because fresh",
        "cyd may not read r1 because inactive_user",
        "dan may not delete r1 because surgeon",
        "dan may not delete r1 because vet",
        "eve may not read r1",
        "eve may not sign r1 with { hour: 9 } because treats",
        "fay may delete r1 because owner",
        "ghost may not read r1 because unknown_user",
    ],
)
def test_what_is_so_passes(line: str) -> None:
    """Decision and reason as the policy has them pass."""
    assert failures(*PEOPLE, line) == []


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("ann may not sign r1 with { hour: 9 }", "allowed"),
        ("ann may sign r1 with { hour: 9 } because fresh", "allowed"),
        ("ann may sign r1 with { hour: 9 } because viewer", "allowed"),
        ("ann may read r1 because vet", "allowed"),
        ("ann may read r1 because no_rule", "allowed"),
        ("ann may sign r1 with { hour: 21 }", "denied_by_rule"),
        ("ann may not sign r1 with { hour: 21 } because treats", "denied_by_rule"),
        ("ann may not sign r1 with { hour: 21 } because no_rule", "denied_by_rule"),
        ("bob may sign r1 with { hour: 9 }", "no_rule"),
        ("bob may not sign r1 with { hour: 9 } because open", "no_rule"),
        ("bob may not sign r1 with { hour: 9 } because fresh", "no_rule"),
        ("bob may not sign r1 with { hour: 9 } because vet", "no_rule"),
        ("cyd may read r1", "inactive_user"),
        ("cyd may not read r1 because no_rule", "inactive_user"),
        ("ghost may read r1 because unknown_user", "unknown_user"),
    ],
)
def test_what_is_not_so_fails(line: str, code: str) -> None:
    """Another decision, or another reason for the right one, fails with what came."""
    assert failures(*PEOPLE, line) == [(line, code)]


def test_because_takes_a_condition_of_a_role_not_held() -> None:
    """The nearest rules are those the repairs name, of roles the user would have to hold, too."""
    assert failures("user eve in group g", "given record r {}", "eve may not update r because fresh") == []


def test_a_failure_says_where_and_what() -> None:
    """A failure carries the line, what was expected and what came, and the deciding rules."""
    [found] = results(*PEOPLE, "dan may delete r1")
    [failure] = found.failures
    assert (failure.place.file, failure.place.column) == ("clinic.remit", 1)
    assert failure.place.line == CLINIC.count("\n") + 1 + len(PEOPLE) + 1
    assert (failure.expected, failure.got) == ("allowed", "denied by a rule")
    assert [rule.place.text for rule in failure.rules] == ["deny delete on record when surgeon"]


def test_a_wrong_reason_names_the_right_ones() -> None:
    """Where the reason is another, the failure names what would have been right."""
    [found] = results(*PEOPLE, "bob may not sign r1 with { hour: 9 } because open")
    assert found.failures[0].expected == "denied because of `open`"
    assert found.failures[0].got == "denied: nothing allows it, because of `ready`, `treats`"


def test_the_clock_is_passed_in() -> None:
    """`context.time` is what the clock gives, unless the line gives it."""
    assert failures(*PEOPLE, "ann may update r1") == []
    later = Policy.from_sources({"c.remit": CLINIC + 'test "t" {' + "\n".join((*PEOPLE, "ann may update r1")) + "}"})
    [found] = run_tests(later.table, lambda: NOON + 2 * 86_400 * 10**9)
    assert found.result == "failed"


# -- events ------------------------------------------------------------------------------------------------------------


def counts(found: TestResult) -> dict[str, Any]:
    return {"result": found.result, "judged": found.judged, "unjudged": found.unjudged}


def test_events_are_not_judged() -> None:
    """A test with events says how many of its lines are not judged, and does not fail for them."""
    [found] = results(
        "user ann is owner", "given record r {}", "ann may delete r", "on disable ann by ann is refused",
        "ann may delete r",
    )  # fmt: skip
    assert counts(found) == {"result": "unjudged", "judged": 2, "unjudged": 1}


def test_what_follows_an_accepted_event_is_not_judged() -> None:
    """Expectations after an accepted event would see its result: they are not judged either."""
    lines = ["user ann is owner", "given record r {}", "on disable ann by ann is accepted", "ann may not delete r"]
    assert counts(results(*lines)[0]) == {"result": "unjudged", "judged": 0, "unjudged": 2}


def test_a_failure_beside_events_is_a_failure() -> None:
    """What is judged in a test with events can fail it."""
    lines = ["user ann is owner", "given record r {}", "ann may not delete r", "on disable ann by ann is accepted"]
    assert counts(results(*lines)[0]) == {"result": "failed", "judged": 1, "unjudged": 1}


def test_an_overlays_tests_are_its_own() -> None:
    """A base's tests are not run again under an overlay, whose roles may differ."""
    base = Policy.from_sources({"clinic.remit": CLINIC + 'test "base" { user a is vet }'})
    over = Policy.from_sources({"over.remit": 'test "over" { user a is vet }'}, base=base)
    assert [result.title for result in run_tests(over.table, lambda: NOON)] == ["over"]
