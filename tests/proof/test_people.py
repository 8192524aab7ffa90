"""Two policies with their directories, compared for each user."""

from __future__ import annotations

import json
from typing import Any

import pytest
from proof.pairs import table

from remit import Directory
from remit.instant import parse_instant
from remit.proof import solver
from remit.proof.people import PersonChange, compare_people
from remit.proof.solver import MissingSolverError, Solver, UnknownError

NOW = parse_instant("2026-03-01T12:00:00Z") or 0
AREA = """
scope company
scope region in company
scope branch in region
area desk { resource note { owner: user n: int actions read, write } }
user { level: int  mood: string? }
"""
ROLES = "role a { allow read on note } role b { allow write on note } role no { deny read on note }"


def found(old: str, new: str, before: dict[str, Any], after: dict[str, Any] | None = None) -> tuple[PersonChange, ...]:
    """The changes by user; nothing is unproven."""
    people = [Directory.from_text(json.dumps(one)).data for one in (before, before if after is None else after)]
    difference = compare_people(table(AREA + old), people[0], table(AREA + new), people[1], NOW)
    assert difference.unproven == ()
    return difference.changes


def told(old: str, new: str, before: dict[str, Any], after: dict[str, Any] | None = None) -> list[tuple[Any, ...]]:
    """User, class, action and places of each change."""
    return [(one.user, one.kind, one.action, one.scopes) for one in found(old, new, before, after)]


def holding(*assignments: Any, **more: Any) -> dict[str, Any]:
    """ann, who holds these: names of roles, or assignments; `more` are other sections of the directory."""
    given = [{"role": one} if isinstance(one, str) else one for one in assignments]
    return {"users": {"ann": {"assignments": given}}, **more}


ROOT = (None, "company")


def test_a_role_more_or_less() -> None:
    assert told(ROLES, ROLES, holding("a"), holding("a", "b")) == [("ann", "gained", "write", ROOT)]
    assert told(ROLES, ROLES, holding("a", "b"), holding("b")) == [("ann", "lost", "read", ROOT)]


def test_a_deny_more_or_less() -> None:
    assert told(ROLES, ROLES, holding("a", "no"), holding("a")) == [("ann", "gained", "read", ROOT)]
    assert told(ROLES, ROLES, holding("no"), holding()) == []


def test_a_user_is_compared_by_what_they_hold() -> None:
    """The role changes for everybody who holds it, and for nobody else."""
    people = {"users": {name: {"assignments": [{"role": role}]} for name, role in (("ann", "a"), ("bob", "b"))}}
    assert told(ROLES, ROLES.replace("allow read on note", ""), people) == [("ann", "lost", "read", ROOT)]


def test_a_condition_is_compared_for_all_requests() -> None:
    old, new = (f"role a {{ allow read on note when resource.n <= {most} }}" for most in (5, 6))
    (change,) = found(old, new, holding("a"))
    assert (change.kind, change.case.properties["n"], change.before, change.after) == (
        *("widened", 6, "no_rule", "allowed"),
    )


def test_what_a_directory_says_of_a_user_is_no_variable() -> None:
    """Who has level 4 is allowed by neither or by both."""
    old, new = (f"role a {{ allow read on note when user.level > {least} }}" for least in (3, 4))
    people = holding("a")
    for level, expected in ((3, []), (4, [("ann", "lost", "read", ROOT)]), (5, [])):
        people["users"]["ann"]["attributes"] = {"level": level}
        assert told(old, new, people) == expected


def test_what_a_directory_lacks_of_a_user_makes_no_request_incomplete() -> None:
    """Whatever ann asks, her level is not known."""
    old = "role a { allow read on note when user.level > 3 or resource.n > 5 }"
    assert told(old, "role a { allow read on note when user.level > 3 }", holding("a")) == [
        ("ann", "lost", "read", ROOT)
    ]


def test_an_attribute_of_the_user_changes_with_the_directory() -> None:
    role = 'role a { allow read on note when has user.mood and user.mood == "good" }'
    before, after = holding("a"), holding("a")
    after["users"]["ann"]["attributes"] = {"mood": "good"}
    assert told(role, role, before, after) == [("ann", "gained", "read", ROOT)]


def test_an_attribute_of_the_user_is_in_a_set_by_each_sides_value() -> None:
    role = "context { rights: set of int } role a { allow read on note when user.level in context.rights }"
    before, after = holding("a"), holding("a")
    for people, level in ((before, 3), (after, 4)):
        people["users"]["ann"]["attributes"] = {"level": level}
    (change,) = found(role, role, before, after)
    assert (change.kind, change.case.context) == ("changed", {"rights": [4]})


def test_each_side_reads_a_user_by_its_own_declarations() -> None:
    role = "role a { allow read on note when user.level == user.level }"
    people = holding("a")
    people["users"]["ann"]["attributes"] = {"level": 4}
    old, new = AREA + role, AREA.replace("level: int", "level: string") + role
    parsed = Directory.from_text(json.dumps(people)).data
    (change,) = compare_people(table(old), parsed, table(new), parsed, NOW).changes
    assert (change.kind, change.before, change.after) == ("lost", "allowed", "no_rule")


def test_groups_of_groups_count() -> None:
    inner = {"staff": {"members": ["group/desk"], "assignments": [{"role": "a"}]}, "desk": {"members": ["ann"]}}
    outer = {"staff": {"members": [], "assignments": [{"role": "a"}]}, "desk": {"members": ["ann"]}}
    assert told(ROLES, ROLES, holding(groups=inner), holding(groups=outer)) == [("ann", "lost", "read", ROOT)]


def test_an_individual_role_hides_what_a_group_allows() -> None:
    """Losing any role of one's own is a gain then."""
    policy = f"assignments {{ individual over group }} {ROLES}"
    groups = {"desk": {"members": ["ann"], "assignments": [{"role": "a"}]}}
    assert told(policy, policy, holding("b", groups=groups), holding(groups=groups)) == [
        ("ann", "gained", "read", ROOT),
        ("ann", "lost", "write", ROOT),
    ]


def test_a_switch_of_the_policy_shows_by_user_alone() -> None:
    groups = {"desk": {"members": ["ann"], "assignments": [{"role": "a"}]}}
    new = f"assignments {{ individual over group }} {ROLES}"
    assert told(ROLES, new, holding("b", groups=groups)) == [("ann", "lost", "read", ROOT)]


def test_a_place_below_two_has_what_is_held_at_both() -> None:
    scopes = {"region/north": {}, "region/south": {}, "branch/x": {"parent": ["region/north", "region/south"]}}
    roles = "role a { allow read on note when resource.n == 1 } role no { deny read on note }"
    held = [{"role": "a", "scope": "region/north"}, {"role": "no", "scope": "region/south"}]
    before, after = holding(*held, scopes=scopes), holding(held[0], scopes=scopes)
    assert told(roles, roles, before, after) == [("ann", "gained", "read", ("branch/x",))]


def test_a_place_that_neither_directory_knows_is_chosen_by_conditions() -> None:
    """It may be the very one that the user's team is called by, or one that has a name in a condition."""
    team = AREA.replace("level: int", "team: string")
    people = {"users": {"ann": {"attributes": {"team": "branch/lost"}}}, "scopes": {"branch/north": {}}}
    directory = Directory.from_text(json.dumps(people)).data
    for condition in ("resource.scope == user.team", 'resource.scope == "branch/lost"'):
        new = f"everyone {{ allow read on note when {condition} }}"
        changes = compare_people(table(team), directory, table(team + new), directory, NOW).changes
        assert [(one.user, one.kind, one.scopes) for one in changes] == [("ann", "gained", ("branch/lost",))]


def test_a_root_alone_has_no_places_that_anybody_knows() -> None:
    """`company/x` is one that nobody's role counts at, and everybody's rules do."""
    small = "scope company area desk { resource note { actions read } }"
    directory = Directory.from_text('{"users": {"ann": {}}}').data
    new = small + ' everyone { allow read on note when resource.scope != "company" }'
    changes = compare_people(table(small), directory, table(new), directory, NOW).changes
    assert [(one.kind, one.scopes) for one in changes] == [("gained", ("company/nowhere",))]


def test_a_deny_held_anywhere_binds_without_a_place() -> None:
    before = holding("a", {"role": "no", "scope": "region/north"}, scopes={"region/north": {}})
    after = holding("a", scopes={"region/north": {}})
    assert told(ROLES, ROLES, before, after) == [("ann", "gained", "read", (None, "region/north"))]


def test_a_renamed_role_is_the_same_in_both_directories() -> None:
    new = ROLES.replace("role a", "role reader was a")
    assert told(ROLES, new, holding("a")) == []
    assert told(ROLES, new, holding("a"), holding("reader")) == []


def test_a_window_that_has_ended_gives_nothing() -> None:
    ended = {"role": "a", "until": "2026-03-01T12:00:00Z"}
    lasts = {"role": "a", "until": "2026-03-01T12:00:01Z"}
    assert told(ROLES, ROLES, holding(ended), holding("a")) == [("ann", "gained", "read", ROOT)]
    [change] = found(ROLES, ROLES, holding(lasts), holding("a"))
    assert (change.kind, change.since) == ("gained", "2026-03-01T12:00:01Z")


def test_what_begins_or_ends_later_is_a_change_from_then_on() -> None:
    """Whoever is given a role from tomorrow on, or for longer, is told, with a request of that time."""
    later = {"role": "a", "from": "2026-03-05T00:00:00Z"}
    [change] = found(ROLES, ROLES, holding(), holding(later))
    assert (change.kind, change.since, change.case.context) == (
        "gained", "2026-03-05T00:00:00Z", {"time": "2026-03-05T00:00:00Z"},
    )  # fmt: skip
    ends, longer = ({"role": "a", "until": f"20{year}-01-01T00:00:00Z"} for year in (30, 40))
    [change] = found(ROLES, ROLES, holding(ends), holding(longer))
    assert (change.kind, change.since) == ("gained", "2030-01-01T00:00:00Z")
    [change] = found(ROLES, ROLES, holding("a"), holding(ends))
    assert (change.kind, change.since) == ("lost", "2030-01-01T00:00:00Z")
    assert found(ROLES, ROLES, holding(ends), holding(ends)) == ()


def test_a_change_is_told_once_however_often_something_begins() -> None:
    """What is so now and goes on is no other change later."""
    turns = [
        {"role": "no", "from": f"2026-03-0{day}T00:00:00Z", "until": f"2026-03-0{day + 1}T00:00:00Z"} for day in (3, 5)
    ]
    changes = found(ROLES, ROLES, holding("b", *turns), holding(*turns))
    assert [(one.action, one.since) for one in changes] == [("write", None)]


def test_somebody_new_and_somebody_who_is_gone() -> None:
    nobody: dict[str, Any] = {"users": {}}
    assert told(ROLES, ROLES, nobody, holding("a")) == [("ann", "gained", "read", ROOT)]
    (change,) = found(ROLES, ROLES, holding("a"), nobody)
    assert (change.kind, change.before, change.after) == ("lost", "allowed", "unknown_user")


def test_a_change_cites_the_rules_of_what_the_user_holds() -> None:
    (change,) = found(ROLES, ROLES, holding("a", "no"), holding("a"))
    assert [(rule.role, rule.effect) for rule in change.caused_old] == [("no", "deny")]
    assert [(rule.role, rule.effect) for rule in change.new] == [("a", "allow")]


def test_without_the_solver_roles_alone_can_be_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    """What has no condition in it needs none."""
    conditional = "role a { allow read on note when resource.n > 3 } role b { allow read on note when resource.n > 4 }"
    monkeypatch.setattr(solver, "available", lambda: False)
    assert told(ROLES, ROLES, holding("a", "b"), holding("b", "a")) == []
    with pytest.raises(MissingSolverError):
        told(conditional, conditional, holding("a"), holding("b"))


def test_what_z3_cannot_tell_of_a_user_is_unproven(monkeypatch: pytest.MonkeyPatch) -> None:
    def model(self: Solver, *formulas: Any) -> Any:
        raise UnknownError("timeout")

    monkeypatch.setattr(Solver, "model", model)
    people = [Directory.from_text(json.dumps(holding(role))).data for role in ("a", "b")]
    difference = compare_people(table(AREA + ROLES), people[0], table(AREA + ROLES), people[1], NOW)
    assert difference.changes == ()
    assert {(one.user, one.action) for one in difference.unproven} == {("ann", "read"), ("ann", "write")}
    assert not difference.empty
