"""How a difference is folded for its readers, and whom it concerns."""

from __future__ import annotations

import pytest

from remit.analysis.concerned import Concerned
from remit.analysis.folding import Entry
from remit.analysis.reviewing import Review, chosen, review, review_people, with_people
from remit.directory.reader import read_directory
from remit.directory.shape import Directory, Group, User
from remit.evaluator.pdp import Pdp
from remit.policy import Policy
from remit.proof.compare import compare
from remit.proof.people import compare_people
from remit.source import Source
from remit.table.shape import Table

pytest.importorskip("z3")

CATALOGUE = """
policy p "P"
area one { resource a { owner: user n: int actions read, write, drop } }
area two { resource b { n: int actions read, write } }
condition own = resource.owner == user.id
"""
NOW = 1_800_000_000 * 10**9


def table(text: str) -> Table:
    return Policy.from_sources({"p.remit": CATALOGUE + text}).table


def reviewed(old: str, new: str) -> Review:
    before, after = table(old), table(new)
    return review(compare(before, after), before, after)


def only(old: str, new: str) -> Entry:
    [entry] = reviewed(old, new).entries
    return entry


def people(text: str) -> Directory:
    found, wrong = read_directory(Source("directory.yaml", text))
    assert wrong == []
    return found


# -- folding -----------------------------------------------------------------------------------------------------------


def test_one_line_over_many_cells_is_one_entry() -> None:
    """With every type and action it changed."""
    entry = only("role r { }", "role r { allow read, write on * }")
    assert entry.cells == (("a", "read"), ("a", "write"), ("b", "read"), ("b", "write"))
    assert (entry.kind, entry.who, entry.before, entry.after) == ("gained", ("r",), (), (("allow", ""),))


def test_roles_that_include_a_changed_one_are_below_it() -> None:
    """All of them, however far; what else they have is no matter."""
    roles = "role s includes r { allow read on a when own } role t includes s { } role u { }"
    entry = only(f"role r {{ }} {roles}", f"role r {{ allow write on a }} {roles}")
    assert (entry.who, entry.through) == (("r",), ("s", "t"))


def test_roles_with_a_cause_each_are_entries_of_their_own() -> None:
    """Two lines that say the same in two roles are two changes."""
    found = reviewed("role r { } role s { }", "role r { allow read on a } role s { allow read on a }")
    assert [entry.who for entry in found.entries] == [("r",), ("s",)]


def test_includes_that_are_turned_round_lose_nobody() -> None:
    """Each role that changed is in some entry."""
    found = reviewed(
        "role r { allow read on a } role s includes r { }", "role r includes s { } role s { allow write on a }"
    )
    assert {role for entry in found.entries for role in (*entry.who, *entry.through)} == {"r", "s"}


def test_what_comes_by_an_include_is_one_entry() -> None:
    """Whatever the lines are; a role that is new says what of it is its own."""
    base = "role r { allow read on a  allow write on b when resource.n > 1 }"
    entry = only(f"{base} role s {{ }}", f"{base} role s includes r {{ }}")
    assert (entry.kind, entry.who, entry.lent) == ("gained", ("s",), ("r",))
    assert entry.cells == (("a", "read"), ("b", "write"))
    found = reviewed(
        f"{base} members {{ allow drop on a }}",
        f"{base} members {{ allow drop on a }} role s includes r {{ allow read on b }}",
    )
    assert [(entry.lent, entry.cells) for entry in found.entries] == [
        (("r",), (("a", "drop"), ("a", "read"), ("b", "write"))),
        ((), (("b", "read"),)),
    ]
    gone = only(f"{base} role s includes r {{ }}", f"{base} role s {{ }}")
    assert (gone.kind, gone.lent, gone.declared is not None) == ("lost", ("r",), True)


def test_a_block_that_changed_speaks_for_all() -> None:
    """`everyone`, where those without a role see it too."""
    entry = only("role r { }", "role r { } everyone { allow read on a }")
    assert (entry.block, entry.who, entry.through) == ("everyone", (), ())


def test_members_speak_for_every_role() -> None:
    """But not for whoever holds none."""
    entry = only("role r { } role s { }", "role r { } role s { } members { allow read on a }")
    assert (entry.block, entry.who) == ("members", ())


def test_a_deny_of_all_that_hit_one_role_is_that_role_s() -> None:
    """Where only one role was allowed, only that one gains by it."""
    roles = "role r { allow drop on a } role s { }"
    entry = only(f"{roles} everyone {{ deny drop on a }}", roles)
    assert (entry.block, entry.who, entry.kind) == ("", ("r",), "gained")


def test_what_a_role_forbids_goes_with_what_it_may() -> None:
    """One deny that comes takes from its role, and from whom another role allows it."""
    other = "role s { allow write on a }"
    entry = only(f"role r {{ allow write on a }} {other}", f"role r {{ allow write on a deny write on a }} {other}")
    assert (entry.part, entry.kind, entry.who, entry.forbids_too) == ("may", "lost", ("r",), True)


def test_a_deny_alone_is_said_as_forbidding() -> None:
    """A role that allows nothing there takes from others only."""
    entry = only("role r { } role s { allow write on a }", "role r { deny write on a } role s { allow write on a }")
    assert (entry.part, entry.kind, entry.who) == ("forbids", "lost", ("r",))


def test_denies_that_stay_are_left_out_of_before_and_after() -> None:
    """They are `kept`."""
    deny = "everyone { deny * on * when resource.n > 9 }"
    entry = only(f"role r {{ }} {deny}", f"role r {{ allow read on b }} {deny}")
    assert (entry.before, entry.after, entry.kept) == ((), (("allow", ""),), (("deny", "resource.n > 9"),))


def test_before_and_after_say_nothing_twice() -> None:
    """What a condition repeats is left out, and so is a rule that another one makes superfluous."""
    entry = only(
        "role r { allow read on a when own or (own and resource.n > 1) }",
        "role r { allow read on a when not (not own) and resource.n > 2  allow read on a when resource.n > 2 and own "
        "and resource.n < 9 }",
    )
    assert (entry.before, entry.after) == ((("allow", "own"),), (("allow", "own and resource.n > 2"),))


def test_every_permission_is_counted_once() -> None:
    """One for each role and cell, folded or not."""
    roles = "role s includes r { } role t includes s { }"
    found = reviewed(f"role r {{ }} {roles}", f"role r {{ allow read, write on a }} {roles}")
    assert found.changed["gained"] == 6
    assert sum(found.changed.values()) == 6
    assert sum(len(entry.cells) * len((*entry.who, *entry.through)) for entry in found.entries) == 6


def test_gains_come_first_and_incomplete_requests_last() -> None:
    """The order of the classes."""
    always = "resource.n <= 5 or resource.n > 5"
    found = reviewed(
        f"role r {{ allow read on a  allow drop on a when resource.n > 3  allow read on b when {always} }}",
        "role r { allow write on a  allow drop on a  allow read on b }",
    )
    assert [entry.kind for entry in found.entries] == ["gained", "widened", "lost", "incomplete_only"]


def test_a_selection_leaves_out_the_rest() -> None:
    """By role and by area."""
    before, after = table("role r { } role s { }"), table("role r { allow read on * } role s { allow read on a }")
    whole = compare(before, after)
    assert {change.type for change in chosen(whole, before, after, frozenset(), frozenset({"two"})).changes} == {"b"}
    some = chosen(whole, before, after, frozenset({"s"}), frozenset()).changes
    assert {(change.type, change.roles) for change in some} == {("a", ("s",))}


# -- lines -------------------------------------------------------------------------------------------------------------


def standing(old: str, new: str) -> tuple[list[str], list[str]]:
    """The lines behind a difference that stand on both sides, by side."""
    before, after = table(old), table(new)
    found = review(compare(before, after), before, after)
    texts = [
        [rule.place.text for rule in side.rules if rule.number in numbers]
        for side, numbers in zip((before, after), found.standing, strict=True)
    ]
    return texts[0], texts[1]


def test_a_line_that_counts_for_another_role_stands_on_both_sides() -> None:
    """What a role includes newly, or includes no longer, was written before and still is."""
    base = "role r { allow read on a }"
    with_, without = f"{base} role s includes r {{ }}", f"{base} role s {{ }}"
    assert standing(without, with_) == ([], ["allow read on a"])
    assert standing(with_, without) == (["allow read on a"], [])


def test_a_line_is_new_where_there_are_more_of_it() -> None:
    """The same words in one role more are a new line there; those of the role that had them before stand."""
    base = "role r { allow read on a when own }"
    before = table(f"{base} role s {{ }}")
    after = table(f"role s {{ allow read on a when own }} {base}")
    assert review(compare(before, after), before, after).standing == (frozenset(), frozenset())
    assert standing(
        f"{base} role s {{ }}", "role t { allow read on a when own } role s includes r { } role r { allow read on a }"
    ) == (["allow read on a when own"], ["allow read on a when own"])


def test_lines_of_a_role_that_was_renamed_stand() -> None:
    """The new name's lines go with the old one's."""
    condition = "condition own_too = resource.owner == user.id and resource.n > 1"
    old = f"{condition} role x {{ }} role r {{ allow read on a when own_too }}"
    new = "condition own_too = resource.owner == user.id  role x { allow read on a when own_too }"
    assert standing(old, f"{new} role q was r {{ allow read on a when own_too }}") == (
        ["allow read on a when own_too"], ["allow read on a when own_too"]
    )  # fmt: skip


# -- people ------------------------------------------------------------------------------------------------------------


def test_the_people_of_a_role() -> None:
    """By assignment and by group, through groups in groups; at any place; with their status; not once it is over."""
    holders = Concerned(
        people("""
scopes: {}
users:
  ann: {assignments: [{role: r}]}
  bob: {status: disabled}
  cyd: {}
  dot: {assignments: [{role: r, until: "2020-01-01T00:00:00Z"}]}
  eve: {assignments: [{role: former, from: "2090-01-01T00:00:00Z"}]}
groups:
  outer: {members: [group/inner], assignments: [{role: r}]}
  inner: {members: [bob]}
"""),
        [table("role r was former { } role s includes r { }")],
        NOW,
    )
    assert [(person.id, person.status) for person in holders.holders(["r"])] == [
        ("ann", "active"),
        ("bob", "disabled"),
        ("eve", "active"),
    ]
    assert holders.holders(["s", "nobody"]) == ()
    assert [person.id for person in holders.without_roles()] == ["cyd", "dot"]


def test_long_chains_of_groups_are_walked_once() -> None:
    """50,000 groups in one another, and as many users."""
    count = 50_000
    groups = {f"g{n}": Group(f"g{n}", (f"u{n}",), (f"g{n + 1}",) if n + 1 < count else ()) for n in range(count)}
    groups["g0"] = groups["g0"]._replace(
        assignments=people("groups: {x: {assignments: [{role: r}]}}").groups["x"].assignments
    )
    users = {f"u{n}": User(f"u{n}") for n in range(count)}
    holders = Concerned(Directory(users, groups), [table("role r { }")], NOW)
    assert len(holders.holders(["r"])) == count


def test_the_example_is_somebody_who_sees_it() -> None:
    """Of all who hold the role the first for whom the evaluator decides otherwise, as the request would name them."""
    directory = people("""
users:
  ann: {assignments: [{role: r}, {role: s}]}
  bob: {assignments: [{role: r}]}
""")
    before = table("role r { } role s { allow write on a when own }")
    after = table("role r { allow write on a when own } role s { allow write on a when own }")
    found = review(compare(before, after), before, after)
    pdps = (Pdp(before, directory, lambda: NOW), Pdp(after, directory, lambda: NOW))
    [entry] = with_people(found, Concerned(directory, [after], NOW), pdps).entries
    assert entry.example is not None
    assert (entry.example.user, entry.example.properties["owner"]) == ("bob", "bob")
    assert entry.people is not None
    assert [person.id for person in entry.people] == ["ann", "bob"]


def test_users_who_see_the_same_are_one_entry() -> None:
    """By user, whatever roles they hold."""
    before, after = table("role r { allow read on a }"), table("role r { allow read on a  allow write on b }")
    directory = people("users: {ann: {assignments: [{role: r}]}, bob: {assignments: [{role: r}]}, cyd: {}}")
    found = review_people(compare_people(before, directory, after, directory, NOW), (), before, after)
    [entry] = found.entries
    assert (entry.who, entry.cells, entry.scopes) == (("ann", "bob"), (("b", "write"),), ())
    assert found.changed["gained"] == 2
