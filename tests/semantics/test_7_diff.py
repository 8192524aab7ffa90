"""SEMANTICS 7: over what policies are compared, with the examples that show why."""

from __future__ import annotations

from typing import Any

import pytest
from world import policy

from remit import Directory, Policy
from remit.instant import parse_instant
from remit.proof.compare import compare, equivalent
from remit.proof.people import compare_people

NOW = parse_instant("2026-03-01T12:00:00Z") or 0
DESK = """
scope company
scope branch in company
area desk {
  resource note { status: "open" | "closed"  n: int  owner: user  flag: bool  tags: set of string  actions read, write }
}
"""


def told(old: str, new: str) -> list[str]:
    """Part, class and roles of each change."""
    found = compare(policy(DESK + old).table, policy(DESK + new).table)
    assert found.unproven == ()
    return sorted(" ".join([one.part, one.kind, *one.roles]) for one in found.changes)


def by_user(old: str, new: str, before: str, after: str | None = None) -> list[tuple[str, str, tuple[str | None, ...]]]:
    """User, class and places of each change by user."""
    people = [Directory.from_text(text).data for text in (before, before if after is None else after)]
    found = compare_people(policy(DESK + old).table, people[0], policy(DESK + new).table, people[1], NOW)
    assert found.unproven == ()
    return [(one.user, one.kind, one.scopes) for one in found.changes]


# -- incomplete requests ----------------------------------------------------------------------------------------------


def test_both_values_of_an_enumeration_are_no_condition_on_complete_requests() -> None:
    """Where status is missing, the one is unknown and the other true."""
    one, other = (
        'role r { allow read on note when resource.status == "open" or resource.status == "closed" }',
        ("role r { allow read on note }"),
    )
    assert told(one, other) == ["may incomplete_only r"]
    assert told(other, one) == ["may incomplete_only r"]
    (change,) = compare(policy(DESK + one).table, policy(DESK + other).table).changes
    assert change.case.missing == ("resource.status",)


def test_a_condition_or_its_opposite_is_not_true() -> None:
    once = "role r { allow read on note }"
    assert told(once, "role r { allow read on note when resource.flag or not resource.flag }") == [
        "may incomplete_only r"
    ]


def test_a_deny_on_what_may_be_missing_is_no_deny_of_nothing() -> None:
    """It binds where the value is missing, though no value makes it true."""
    once = "role r { allow read on note }"
    new = "role r { allow read on note deny read on note when resource.flag and not resource.flag }"
    assert told(once, new) == ["may incomplete_only r"]


def test_ints_end_at_64_bits() -> None:
    once = "role r { allow read on note when resource.n == resource.n }"
    assert told(once, f"role r {{ allow read on note when resource.n <= {2**63 - 1} }}") == []
    assert told(once, f"role r {{ allow read on note when resource.n < {2**63 - 1} }}") == ["may narrowed r"]


def test_a_set_holds_a_value_or_does_not() -> None:
    """Whoever is called ann is in it with her, by whatever name the element is read."""
    once = 'resource.owner == "ann" and "ann" in resource.tags'
    assert (
        told(
            f"role r {{ allow read on note when {once} }}",
            f"role r {{ allow read on note when {once} and not (resource.owner not in resource.tags) }}",
        )
        == []
    )


# -- roles, one beside the other --------------------------------------------------------------------------------------


def test_a_deny_that_is_dropped_shows_beside_a_role_that_allows() -> None:
    """Compared role by role alone, nothing would have changed."""
    reader = "role a { allow read on note }"
    assert told(f"{reader} role b {{ deny read on note }}", f"{reader} role b {{ }}") == ["forbids gained b"]
    assert told("role b { deny read on note }", "role b { }") == []


def test_a_deny_that_is_added_shows_beside_a_role_that_allows() -> None:
    reader = "role a { allow read on note }"
    assert told(f"{reader} role b {{ }}", f"{reader} role b {{ deny read on note }}") == ["forbids lost b"]


def test_rules_that_move_between_roles_that_everybody_holds_together_are_changes_of_each() -> None:
    """Per role, for anybody may hold the one without the other."""
    one = "role a { allow read on note } role b { }"
    assert told(one, "role a { } role b { allow read on note }") == ["may gained b", "may lost a"]


def test_a_role_that_is_renamed_and_keeps_its_former_name_is_no_change() -> None:
    assert told("role vet { allow read on note }", "role doctor was vet { allow read on note }") == []


def test_statements_in_another_order_and_another_file_are_no_change() -> None:
    one = policy(DESK + "role a { allow read on note } role b includes a { deny write on note }")
    other = Policy.from_sources(
        {"b.remit": "role b includes a { deny write on note } role a { allow read on note }", "a.remit": DESK}
    )
    assert compare(one.table, other.table).empty


def test_wildcards_sets_and_exceptions_are_what_they_take() -> None:
    assert told("role r { allow * on note }", "actions all = read, write role r { allow all on * }") == []
    assert told("role r { allow * on * except write on note }", "role r { allow read on note }") == []


def test_a_rule_that_another_covers_may_go() -> None:
    """Dead is what removing leaves an empty diff."""
    keeps = "allow read on note when resource.n < 5"
    assert told(f"role r {{ {keeps} allow read on note when resource.n < 3 }}", f"role r {{ {keeps} }}") == []


def test_a_rule_that_two_others_cover_together_may_go() -> None:
    keeps = "allow read on note when resource.n < 5 allow read on note when resource.n > 3"
    assert told(f"role r {{ {keeps} allow read on note when resource.n == 4 }}", f"role r {{ {keeps} }}") == []


def test_somebody_without_a_role_is_compared_too() -> None:
    assert told("everyone { allow read on note }", "") == ["may lost"]


# -- what is listed beside --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "beside"),
    [
        ("role r { }", "locked role r { }", ("role", "r", "changed", "locked")),
        ("role r { }", "role r { } guard one: at least 1 r", ("guard", "one", "added", "")),
        ("", "assignments { individual over group }", ("assignments", "individual over group", "added", "")),
    ],
)
def test_locks_guards_and_assignments_are_listed_beside(old: str, new: str, beside: Any) -> None:
    """They are no change of what anybody may."""
    found = compare(policy(DESK + old).table, policy(DESK + new).table)
    assert found.changes == ()
    assert [(one.about, one.name, one.how, one.what) for one in found.beside] == [beside]


def test_equivalent_is_true_false_and_never_a_guess() -> None:
    one, same, other = (
        policy(DESK + f"role r {{ allow read on note when {condition} }}").table
        for condition in ("resource.n > 5", "resource.n > 5 and resource.n > 2", "resource.n > 6")
    )
    assert equivalent(one, same) is True
    assert equivalent(one, other) is False


# -- by user ----------------------------------------------------------------------------------------------------------


READERS = "role a { allow read on note } role b { allow write on note } role c { allow read, write on note }"


def test_other_roles_that_come_to_the_same_are_no_change_for_a_user() -> None:
    """Though every role of theirs is another."""
    before = "users: {ann: {assignments: [{role: a}, {role: b}]}}"
    assert by_user(READERS, READERS, before, "users: {ann: {assignments: [{role: c}]}}") == []


def test_a_role_that_nobody_holds_changes_nobody() -> None:
    people = "users: {ann: {assignments: [{role: a}]}}"
    assert by_user(READERS, READERS.replace("role b { allow write on note }", "role b { }"), people) == []
    assert told(READERS, READERS.replace("role b { allow write on note }", "role b { }")) == ["may lost b"]


def test_somebody_who_moves_loses_at_one_place_and_gains_at_the_other() -> None:
    places = "scopes: {branch/north: {}, branch/south: {}}\n"
    north, south = (
        places + f"users: {{bob: {{assignments: [{{role: a, scope: branch/{at}}}]}}}}" for at in ("north", "south")
    )
    assert sorted(by_user(READERS, READERS, north, south)) == [
        ("bob", "gained", ("branch/south",)),
        ("bob", "lost", ("branch/north",)),
    ]


def test_a_place_that_comes_below_another_brings_what_is_held_there() -> None:
    """Nobody's assignments have changed, and none is at the place."""
    held = "users: {bob: {assignments: [{role: a, scope: branch/north}]}}"
    apart = f"scopes: {{branch/north: {{}}, branch/south: {{}}}}\n{held}"
    below = f"scopes: {{branch/north: {{}}, branch/south: {{parent: branch/north}}}}\n{held}"
    assert by_user(READERS, READERS, apart, below) == [("bob", "gained", ("branch/south",))]


def test_windows_are_judged_at_one_time_and_so_is_what_reads_it() -> None:
    """A request at another time finds other roles, and is not what is compared."""
    timed = 'role r { allow read on note when context.time < "2027-01-01T00:00:00Z" }'
    people = 'users: {ann: {assignments: [{role: r, from: "2026-02-01T00:00:00Z", until: "2026-04-01T00:00:00Z"}]}}'
    assert by_user(timed, "role r { allow read on note }", people) == []
    assert by_user(timed, "role r { }", people) == [("ann", "lost", (None, "company"))]


def test_who_is_disabled_or_gone_loses_all() -> None:
    before = "users: {ann: {assignments: [{role: a}]}}"
    assert by_user(READERS, READERS, before, "users: {ann: {status: disabled, assignments: [{role: a}]}}") == [
        ("ann", "lost", (None, "company"))
    ]
    assert by_user(READERS, READERS, before, "users: {}") == [("ann", "lost", (None, "company"))]


def test_a_users_own_attributes_and_groups_are_fixed() -> None:
    """Only what the resource and the request bring is free."""
    texts = [f"user {{ level: int }} role r {{ allow read on note when user.level > {bound} }}" for bound in (3, 4)]
    people = "users: {{ann: {{attributes: {{level: {0}}}, assignments: [{{role: r}}]}}}}"
    assert by_user(*texts, people.format(9)) == []
    assert by_user(*texts, people.format(4)) == [("ann", "lost", (None, "company"))]


def test_a_group_deny_that_goes_is_gained_by_who_is_in_it() -> None:
    roles = "role a { allow read on note } role no { deny read on note }"
    people = "users: {{ann: {{assignments: [{{role: a}}]}}}}\ngroups: {{g: {{members: [ann], assignments: [{0}]}}}}"
    assert by_user(roles, roles, people.format("{role: no}"), people.format("")) == [
        ("ann", "gained", (None, "company"))
    ]
