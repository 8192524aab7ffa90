"""`test` blocks: the directory their lines make, what is expected of decisions, and why."""

from __future__ import annotations

import pytest

from remit import Policy
from remit.directory.shape import Assignment, Directory, Group
from remit.testing.examples import TestResult, directory_of
from remit.testing.run import run

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
    return run(table, lambda: NOON).tests


def failures(*lines: str, policy: str = CLINIC) -> list[tuple[str, str]]:
    """The text and the code of each line that failed."""
    [found] = results(*lines, policy=policy)
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
    [found] = run(later.table, lambda: NOON + 2 * 86_400 * 10**9).tests
    assert found.result == "failed"


# -- events ------------------------------------------------------------------------------------------------------------


EVENTS = """
policy clinic
scope company
scope branch in company
area people { resource member { new_role: string?  actions read, invite, change_role, disable } }
claims { groups: set of string }
role viewer { allow read on member }
role manager {
  allow invite, disable on member
  allow change_role on member when has resource.new_role and resource.new_role != "owner"
}
role owner { allow * on * }
assignments {
  on signup when first in domain assign owner
  on sso_login when unassigned assign viewer
  on sso_login when "heads" in claims.groups assign manager
  on invite requires invite on member
  on register
  on change_role requires change_role on member
  on disable requires disable on member
  on join requires invite on member
  on create_scope requires invite on member
  on create_group requires invite on member
}
guard last_owner: at least 1 active owner
"""


@pytest.mark.parametrize(
    "lines",
    [
        # What follows an event sees its result.
        ["user ann is owner", "user bob is owner", "given member m {}", "on disable bob by ann is accepted",
         "bob may not read m because inactive_user", "on disable ann by bob is refused because not_permitted"],
        ["user ann is owner", "on disable ann by ann is refused because last_owner",
         "on disable ann by ann is refused because guard_failed"],
        # A refused event changes nothing.
        ["user mo is manager", "user kim is viewer", "given member m {}",
         "on change_role kim by mo as owner is refused because not_permitted", "kim may not invite m"],
        ["user mo is manager", "on invite kim by mo as viewer at branch/north is accepted",
         "given member m at branch/north {}", "kim may not read m because inactive_user", "on register kim is accepted",
         "kim may read m"],
        # Claims stand in `with`; what they do not match gives the default.
        ['on sso_login "a@x.com" with { groups: ["heads"] } is accepted', "given member m {}",
         '"a@x.com" may invite m'],
        ['on sso_login "a@x.com" is accepted', "given member m {}", '"a@x.com" may read m',
         '"a@x.com" may not invite m'],
        ['on signup "a@x.com" is accepted', 'on signup "b@x.com" is accepted', "given member m {}",
         '"a@x.com" may invite m', '"b@x.com" may not invite m'],
        # Groups and places that events name are there, unless an event makes them or should not know them.
        ["user ann is owner", "user kim is viewer in group desk", "user lee", "given member m {}",
         "on join lee to group desk by ann is accepted", "lee may read m"],
        ["user ann is owner", "user lee", "on join lee to group none by ann is refused because unknown_group",
         "on create_group to group none by ann is accepted", "on join lee to group none by ann is accepted"],
        ["user ann is owner", "on invite kim by ann as viewer at branch/x is refused because unknown_scope",
         "on create_scope by ann at branch/x is accepted",
         "on create_scope by ann at branch/x is refused because already_exists",
         "on invite kim by ann as viewer at branch/x is accepted"],
        ["user ann is owner", "on invite kim by ann as vet is refused because unknown_role",
         "on invite kim by ann is refused because invalid_event",
         "on leave kim to group g by ann is refused because no_rule"],
    ],
)  # fmt: skip
def test_events_are_judged_in_order(lines: list[str]) -> None:
    """Each event is judged against what the one before left, and decisions after it see its result."""
    [found] = results(*lines, policy=EVENTS)
    assert [(failure.place.text, failure.got) for failure in found.failures] == []
    assert found.judged == sum(line.startswith("on ") or " may " in line for line in lines)


@pytest.mark.parametrize(
    ("line", "expected", "got"),
    [
        ("on disable ann by ann is accepted", "accepted",
         "refused: guard `last_owner`: ann is the only active owner"),
        ("on disable ann by mo is refused because not_permitted", "refused because of `not_permitted`",
         "refused: guard `last_owner`: ann is the only active owner"),
        ("on invite kim by ann as viewer is refused", "refused", "accepted"),
        ("on invite mo by ann as viewer is accepted", "accepted", "refused: mo is active already"),
    ],
)  # fmt: skip
def test_an_event_that_comes_out_otherwise_fails(line: str, expected: str, got: str) -> None:
    """The failure says what became of the event, and names the line of the policy that decided."""
    [found] = results("user ann is owner", "user mo is manager", line, policy=EVENTS)
    [failure] = found.failures
    assert (failure.place.text, failure.expected, failure.got) == (line, expected, got)
    assert failure.at is None or failure.at.text.startswith(("guard", "on "))


def test_an_overlays_tests_are_its_own() -> None:
    """A base's tests are not run again under an overlay, whose roles may differ."""
    base = Policy.from_sources({"clinic.remit": CLINIC + 'test "base" { user a is vet }'})
    over = Policy.from_sources({"over.remit": 'test "over" { user a is vet }'}, base=base)
    assert [result.title for result in run(over.table, lambda: NOON).tests] == ["over"]
