"""SEMANTICS 8 and decision 013: what an event needs, what it changes, and what it is refused for."""

from __future__ import annotations

from typing import Any

import pytest
from membership.acting import (
    ACCEPTED,
    BASE,
    EVERYTHING,
    KINDS,
    NOW,
    OWN,
    PEOPLE,
    Json,
    apply,
    by_ann,
    code,
    event,
    instant,
    people,
    policy,
    run,
)

from remit.directory.shape import Assignment, Group, Scope, User

JULY, AUGUST = "2026-07-01T00:00:00Z", "2026-08-01T00:00:00Z"
LED = "assignments { on assign requires lead on member }"  # what eve may do, who is lead, and ann, who is owner


def person(user: str, text: str, given: Json, directory: Any = PEOPLE) -> User:
    """A user after an event that is accepted."""
    applied = apply(text, given, directory)
    assert applied.result["code"] == "accepted", applied.result
    return applied.directory.users[user]


def roles(user: User) -> set[tuple[str, str | None]]:
    """The roles of a user's own, each with its place."""
    return {(one.role, one.scope) for one in user.assignments}


# -- who does it -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_is_accepted(kind: str) -> None:
    """A line that names the kind and asks for nothing accepts it, and the result cites the line."""
    at = apply(f"assignments {{\n on {kind} }}", ACCEPTED[kind]).result["at"]
    assert (at["file"], at["line"], at["column"]) == ("x.remit", BASE.count("\n") + 2, 2)


@pytest.mark.parametrize("kind", OWN)
def test_the_users_own_events_need_no_by(kind: str) -> None:
    """`signup`, `sso_login` and `register` are the user's own."""
    assert "by" not in ACCEPTED[kind]
    assert code(f"assignments {{ on {kind} }}", ACCEPTED[kind]) == "accepted"
    assert code(f"assignments {{ on {kind} }}", {**ACCEPTED[kind], "by": "ann"}) == "accepted"


@pytest.mark.parametrize("kind", ["signup", "sso_login", "register"])
@pytest.mark.parametrize("user", ["gus", "dan"])
def test_a_disabled_users_own_events_are_refused(kind: str, user: str) -> None:
    """Whatever they were before they were disabled."""
    assert code(EVERYTHING, event(kind, user=user)) == "inactive_user"


@pytest.mark.parametrize("by", [None, "nobody", "cyd", "gus", "zed"])
@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in OWN])
def test_every_other_event_needs_a_known_active_by(kind: str, by: str | None) -> None:
    """Nobody, an unknown, a pending, a disabled and a removed user may not, even where nothing is required."""
    applied = apply(EVERYTHING, {**ACCEPTED[kind], "by": by})
    assert applied.result["code"] == "not_permitted"
    assert applied.result["at"] is not None


def test_by_may_hold_nothing() -> None:
    """Being known and active is all that an event needs whose line requires nothing."""
    assert code(EVERYTHING, event("disable", user="bob", by="kit")) == "accepted"


@pytest.mark.parametrize(("user", "expected"), [("eve@acme.com", "accepted"), ("kit", "not_permitted")])
def test_the_actor_of_an_own_event_is_the_user(user: str, expected: str) -> None:
    """What its line requires, the user must be allowed; another in `by` is asked in their place."""
    text = "assignments { on sso_login requires lead on member }"
    assert code(text, event("sso_login", user=user)) == expected
    assert code(text, event("sso_login", user=user, by="ann")) == "accepted"
    assert code(text, event("sso_login", user=user, by="kit")) == "not_permitted"


# -- lines -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_that_the_block_does_not_name_is_no_rule(kind: str) -> None:
    """However many others it names; a policy without a block takes no events."""
    others = " ".join(f"on {other}" for other in KINDS if other != kind)
    for text in (f"assignments {{ {others} }}", "assignments { }", ""):
        result = apply(text, ACCEPTED[kind]).result
        assert (result["code"], result["at"]) == ("no_rule", None)


@pytest.mark.parametrize("kind", ["assign", "revoke"])
def test_lines_to_group_judge_groups_and_plain_ones_users(kind: str) -> None:
    """Neither stands in for the other."""
    to_user = by_ann(kind, user="bob", role="vet")
    to_group = by_ann(kind, group="desk", role="vet")
    plain, group = f"assignments {{ on {kind} }}", f"assignments {{ on {kind} to group }}"
    assert [code(plain, to_user), code(plain, to_group)] == ["accepted", "no_rule"]
    assert [code(group, to_user), code(group, to_group)] == ["no_rule", "accepted"]


def test_all_matching_requires_must_hold() -> None:
    """Of several lines of a kind each asks, whichever comes first; lines that do not match ask nothing."""
    allowing = "on assign requires lead on member"
    forbidding = "on assign requires change on member"
    given = event("assign", by="eve@acme.com", user="kit", role="vet", claims={"groups": ["a"]})
    assert code(f"assignments {{ {allowing} }}", given) == "accepted"
    assert code(f"assignments {{ {allowing} {forbidding} }}", given) == "not_permitted"
    assert code(f"assignments {{ {forbidding} {allowing} }}", given) == "not_permitted"
    assert code(f'assignments {{ {allowing} {forbidding} when "a" in claims.groups }}', given) == "not_permitted"
    assert code(f'assignments {{ {allowing} {forbidding} when "b" in claims.groups }}', given) == "accepted"


def test_all_matching_assigns_are_made() -> None:
    """Each line's, each role once, beside the role that the event gives."""
    text = """assignments { on sso_login when "a" in claims.groups assign viewer, lead
      on sso_login when "b" in claims.groups assign lead, owner on sso_login when "c" in claims.groups assign vet }"""
    login = event("sso_login", user="kit", claims={"groups": ["a", "b"]})
    assert apply(text, login).result["roles"] == ["lead", "owner", "viewer"]
    assert len(apply(text, login).directory.users["kit"].assignments) == 3
    text = 'assignments { on assign assign viewer on assign when "b" in claims.groups assign lead, vet }'
    assigned = by_ann("assign", user="kit", role="vet", claims={"groups": ["b"]})
    assert apply(text, assigned).result["roles"] == ["lead", "vet", "viewer"]


@pytest.mark.parametrize("kind", ["disable", "enable", "revoke", "join", "leave", *OWN])
def test_matching_assigns_are_made_of_every_kind(kind: str) -> None:
    """To the user, at the event's scope or the root."""
    found = apply(f"assignments {{ on {kind} assign lead }}", ACCEPTED[kind])
    assert ("lead", ACCEPTED[kind].get("scope")) in roles(found.directory.users[ACCEPTED[kind]["user"]])
    expected = {"disable": "disabled", "enable": "pending"}.get(kind, "active")
    assert found.result["status"] == expected
    if kind in ("join", "leave"):
        assert (ACCEPTED[kind]["user"] in found.directory.groups["desk"].members) is (kind == "join")


def test_what_is_assigned_beside_what_is_done_already() -> None:
    """An event that has nothing else to change still makes its `assign`."""
    for given in (
        by_ann("join", user="kit", group="desk"),
        by_ann("disable", user="gus"),
        by_ann("revoke", user="kit"),
    ):
        user, text = given["user"], f"assignments {{ on {given['type']} assign lead }}"
        assert roles(person(user, text, given)) == {("lead", None)}


@pytest.mark.parametrize(
    ("given", "group", "after"),
    [
        (by_ann("create_group", group="fresh"), "fresh", [("lead", None)]),
        (by_ann("assign", group="none", role="vet", scope="branch/north"), "none",
         [("vet", "branch/north"), ("lead", "branch/north")]),
        (by_ann("revoke", group="desk", scope="branch/north"), "desk", [("lead", "branch/north")]),
        (by_ann("revoke", group="desk"), "desk", [("vet", "branch/north"), ("lead", None)]),
    ],
)  # fmt: skip
def test_what_lines_for_groups_assign(given: Json, group: str, after: list[tuple[str, str | None]]) -> None:
    """Goes to the group, and the result's `roles` are the group's."""
    line = given["type"] if given["type"] == "create_group" else f"{given['type']} to group"
    applied = apply(f"assignments {{ on {line} assign lead }}", given)
    assert [(one.role, one.scope) for one in applied.directory.groups[group].assignments] == after
    assert applied.result["roles"] == sorted(role for role, scope in after if scope == given.get("scope"))
    assert applied.directory.users == people().users


@pytest.mark.parametrize("kind", ["remove", "delete_group", "create_scope", "delete_scope"])
def test_events_that_leave_nobody_to_give_to(kind: str) -> None:
    """Are accepted, and what their line assigns is given to nobody."""
    applied = apply(f"assignments {{ on {kind} assign lead }}", ACCEPTED[kind])
    assert applied.directory == apply(f"assignments {{ on {kind} }}", ACCEPTED[kind]).directory
    assert (applied.result["code"], applied.result["roles"]) == ("accepted", [])


@pytest.mark.parametrize("kind", OWN)
def test_a_named_kind_whose_when_does_not_match_assigns_nothing(kind: str) -> None:
    """It is accepted: who signs up without a matching line is there, and holds nothing new."""
    text = f'assignments {{ on {kind} when "a" in claims.groups assign owner }}'
    applied = apply(text, {**ACCEPTED[kind], "claims": {"groups": ["b"]}})
    assert applied.result["code"] == "accepted"
    assert ("owner", None) not in roles(applied.directory.users[ACCEPTED[kind]["user"]])
    assert applied.result["status"] == "active"


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in OWN])
def test_without_a_matching_line_nothing_changes(kind: str) -> None:
    """The event is accepted, and nobody is asked: a `when` that claims make false lifts nothing that would be done."""
    text = f'assignments {{ on {kind} requires change on member when "a" in claims.groups assign owner }}'
    applied = apply(text, {**ACCEPTED[kind], "by": "kit", "claims": {"groups": []}})
    assert applied.result["code"] == "accepted"
    assert (applied.outcome.changes, applied.directory) == ((), people())
    unknown = {**ACCEPTED[kind], "by": "kit", "claims": {}}
    assert code(text, unknown) == "not_permitted"
    applied = apply(text, {**unknown, "by": "ann"})
    assert (applied.result["code"], applied.directory) == ("accepted", people())
    matching = {**ACCEPTED[kind], "claims": {"groups": ["a"]}}
    assert code(text, {**matching, "by": "kit"}) == "not_permitted"
    assert apply(text, matching).directory != people()


@pytest.mark.parametrize("kind", ["assign", "revoke"])
def test_without_a_matching_line_a_group_stays(kind: str) -> None:
    """`to group` gives and takes where it matches only."""
    text = f'assignments {{ on {kind} to group when "a" in claims.groups }}'
    given = by_ann(kind, group="all", role="vet" if kind == "assign" else None)
    assert apply(text, {**given, "claims": {"groups": ["a"]}}).directory != people()
    applied = apply(text, {**given, "claims": {"groups": ["b"]}})
    assert (applied.result["accepted"], applied.directory) == (True, people())


@pytest.mark.parametrize("kind", ["invite", "change_role", "assign"])
def test_the_events_role_needs_no_assign_clause(kind: str) -> None:
    """`invite`, `change_role` and `assign` give the role they name."""
    user = ACCEPTED[kind]["user"]
    assert ("lead", None) in roles(person(user, f"assignments {{ on {kind} }}", by_ann(kind, user=user, role="lead")))


def test_own_events_take_no_role() -> None:
    """Who signs up cannot name the role they get."""
    for kind in OWN:
        assert code(EVERYTHING, {**ACCEPTED[kind], "role": "owner"}) == "invalid_event"


# -- when first in domain ----------------------------------------------------------------------------------------------

FIRST = "assignments { on invite on remove on disable on register when first in domain assign owner "
FIRST += "on signup when first in domain assign owner on sso_login when first in domain assign owner }"


@pytest.mark.parametrize("kind", ["signup", "sso_login"])
@pytest.mark.parametrize(
    ("user", "domain", "first"),
    [
        ("new@fresh.org", None, True),
        ("new@FRESH.org", None, True),
        ("new", "fresh.org", True),
        ("new@acme.com", "fresh.org", True),  # the domain given outweighs the id's
        ("a@b@fresh.org", None, True),
        ("a@acme.com@fresh.org", None, True),  # what follows the last `@`
        ("new@new.org", None, True),  # fay was invited from there and never registered
        ("new", None, False),
        ("new@", None, False),
        ("new@old.org", None, False),
        ("new@OLD.org", None, False),
        ("new", "Old.Org", False),
        ("new@acme.com", None, False),
        ("new@ACME.COM", None, False),
        ("new@fresh.org", "acme.com", False),
        ("new@gone.org", None, False),  # yan was removed
        ("new@sub.acme.com", None, True),
        ("new@eacme.com", None, True),
    ],
)
def test_first_in_domain(kind: str, user: str, domain: str | None, first: bool) -> None:
    """Nobody ever joined from there, in whichever case it is written; without a domain nobody is first."""
    applied = apply(FIRST, event(kind, user=user, domain=domain))
    assert applied.result["roles"] == (["owner"] if first else [])


def test_the_second_is_not_first() -> None:
    """The directory keeps the domain, in lower case."""
    one, two = run(FIRST, [event("signup", user="a@Fresh.org"), event("signup", user="b@fresh.ORG")])
    assert (one.result["roles"], two.result["roles"]) == (["owner"], [])
    assert two.directory.joined_domains == {"old.org", "fresh.org"}


def test_an_explicit_domain_is_kept() -> None:
    """In lower case; the id's own domain is not thereby joined from."""
    events = [event("signup", user="a", domain="Fresh.Org"), event("signup", user="b@fresh.org")]
    found = run(FIRST, events)
    assert [one.result["roles"] for one in found] == [["owner"], []]
    assert "fresh.org" in found[0].directory.joined_domains


def test_an_invited_user_joins_on_register() -> None:
    """Not on `invite`: whoever registers first is the first, through `sso_login` too."""
    invites = [by_ann("invite", user=f"{name}@fresh.org", role="viewer") for name in "ab"]
    for kind in ("register", "sso_login"):
        found = run(FIRST, [*invites, event(kind, user="b@fresh.org"), event(kind, user="a@fresh.org")])
        assert [one.result["roles"] for one in found[2:]] == [["owner", "viewer"], ["viewer"]]
        assert "fresh.org" not in found[1].directory.joined_domains


def test_who_is_active_already_has_joined() -> None:
    """An active user's sign-on from a domain nobody joined from makes them no first."""
    applied = apply(FIRST, event("sso_login", user="kit", domain="fresh.org"))
    assert (applied.result["roles"], applied.directory) == ([], people())


def test_an_invited_user_who_is_active_at_once_has_joined() -> None:
    """Where the policy has no `on register`, the invitation joins."""
    text = "assignments { on invite on signup when first in domain assign owner }"
    found = run(text, [by_ann("invite", user="a@fresh.org", role="viewer"), event("signup", user="b@fresh.org")])
    assert found[1].result["roles"] == []
    assert "fresh.org" in found[0].directory.joined_domains


def test_a_disabled_user_who_never_registered_has_not_joined() -> None:
    """One who was active before has."""
    for before, first in (("pending", True), ("active", False)):
        directory = f"users: {{ann: {{}}, a@fresh.org: {{status: disabled, status_before: {before}}}}}"
        applied = apply(FIRST, event("signup", user="b@fresh.org"), directory)
        assert applied.result["roles"] == (["owner"] if first else []), before


@pytest.mark.parametrize(
    "directory",
    [
        "users: {ann: {}, a@fresh.org: {}}",
        "joined_domains: [fresh.org]\nusers: {ann: {}, a@fresh.org: {}}",
        "users: {ann: {}}\nremoved: [a@fresh.org]",
    ],
)
def test_a_joined_domain_outlives_remove(directory: str) -> None:
    """And the invitation that lifts the tombstone: nobody becomes the first twice."""
    removed = [by_ann("remove", user="a@fresh.org")] if "a@fresh.org: {}" in directory else []
    back = by_ann("invite", user="a@fresh.org", role="viewer")
    found = run(FIRST, [*removed, event("signup", user="b@fresh.org")], directory)
    assert found[-1].result["roles"] == []
    found = run(FIRST, [*removed, back, event("register", user="a@fresh.org")], directory)
    assert found[-1].result["roles"] == ["viewer"]
    found = run(FIRST, [*removed, back, event("signup", user="b@fresh.org")], directory)
    assert found[-1].result["roles"] == []


def test_joined_domains_are_the_same_together_and_one_by_one() -> None:
    """What an earlier event of the same run looked up does not outlast what is known."""
    back = [by_ann("remove", user="a@fresh.org"), by_ann("invite", user="a@fresh.org", role="viewer")]
    events = [event("signup", user="c@else.org"), *back, event("register", user="a@fresh.org")]
    run(FIRST, events, "users: {ann: {}, a@fresh.org: {}}")


def test_a_refused_event_joins_no_domain() -> None:
    """Only who comes to be there has joined."""
    text = FIRST + " guard few: at most 0 active owner"
    applied = apply(text, event("signup", user="a@fresh.org"), "users: {}")
    assert applied.result["code"] == "guard_failed"
    assert applied.directory.joined_domains == frozenset()


# -- when unassigned ---------------------------------------------------------------------------------------------------

UNASSIGNED = "assignments { on sso_login when unassigned assign lead }"
PAST, FUTURE = "2026-02-01T00:00:00Z", "2026-04-01T00:00:00Z"


@pytest.mark.parametrize(
    ("assignments", "given"),
    [
        ("", True),
        ("{role: viewer}", False),
        ("{role: viewer, scope: branch/south}", False),
        ("{role: doctor}", False),
        ("{role: ghost}", True),
        (f"{{role: viewer, until: {PAST}}}", True),
        (f"{{role: viewer, from: {FUTURE}}}", True),
        ("{role: viewer, until: 2026-03-01T12:00:00Z}", True),
        ("{role: viewer, from: 2026-03-01T12:00:00Z}", False),
        (f"{{role: viewer, until: {PAST}}}, {{role: viewer, until: {FUTURE}}}", False),
    ],
)
@pytest.mark.parametrize("through", ["user", "group", "outer"])
def test_unassigned(assignments: str, given: bool, through: str) -> None:
    """No role of the policy counts now, anywhere, through groups of groups neither."""
    holding = dict.fromkeys(("user", "group", "outer"), "") | {through: assignments}
    directory = f"""
    scopes: {{branch/south: {{}}}}
    users: {{kit: {{assignments: [{holding["user"]}]}}}}
    groups:
      desk: {{members: [kit], assignments: [{holding["group"]}]}}
      all: {{members: [group/desk], assignments: [{holding["outer"]}]}}
    """
    applied = apply(UNASSIGNED, event("sso_login", user="kit"), directory)
    assert ("lead" in applied.result["roles"]) is given


def test_unassigned_counts_hidden_roles() -> None:
    """What an individual assignment of another place hides or not, a role through a group is a role."""
    directory = "users: {kit: {}}\ngroups: {desk: {members: [kit], assignments: [{role: viewer}]}}"
    text = "assignments { individual over group on sso_login when unassigned assign lead }"
    assert apply(text, event("sso_login", user="kit"), directory).result["roles"] == []


def test_who_is_new_is_unassigned() -> None:
    """Unknown users, and invited ones without a role."""
    assert apply(UNASSIGNED, event("sso_login", user="new")).result["roles"] == ["lead"]
    assert apply(UNASSIGNED, event("sso_login", user="fay@new.org")).result["roles"] == ["lead"]
    assert apply(UNASSIGNED, event("sso_login", user="cyd")).result["roles"] == ["viewer"]


# -- claims ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("when", "claims", "value"),
    [
        ('"a" in claims.groups', {"groups": ["a", "b"]}, True),
        ('"a" in claims.groups', {"groups": []}, False),
        ('"a" in claims.groups', {"groups": ["A"]}, False),
        ('"a" in claims.groups', {"groups": "a"}, None),
        ('"a" in claims.groups', {"groups": ["a", 5]}, None),
        ('"a" in claims.groups', {"groups": None}, None),
        ('"a" in claims.groups', {}, None),
        ('"a" in claims.groups', None, None),
        ('"a" not in claims.groups', None, None),
        ('"a" not in claims.groups', {"groups": []}, True),
        ("has claims.rank and claims.rank > 3", {"rank": 4}, True),
        ("has claims.rank and claims.rank > 3", {"rank": 3}, False),
        ("has claims.rank and claims.rank > 3", {}, False),
        ("has claims.rank and claims.rank > 3", {"rank": True}, None),
        ("has claims.rank and claims.rank > 3", {"rank": "4"}, None),
        ('"a" in claims.groups or has claims.rank', {"rank": 1}, True),
        ('"a" in claims.groups', {"groups": ["a"], "more": {"than": "declared"}}, True),
    ],
)
def test_a_when_over_claims(when: str, claims: Json | None, value: bool | None) -> None:
    """True: it requires and assigns. False: neither. Unknown: its `requires` must hold, its `assign` is not made."""
    text = f"assignments {{ on assign requires lead on member when {when} assign viewer }}"
    given = event("assign", by="eve@acme.com", user="kit", role="vet", claims=claims)
    applied = apply(text, given)
    assert applied.result["roles"] == (["vet", "viewer"] if value else [])
    assert code(text, {**given, "by": "kit"}) == ("accepted" if value is False else "not_permitted")


def test_an_unknown_claim_gives_no_role_at_sign_on() -> None:
    """Missing claims do not let anybody in by a `not`."""
    text = 'assignments { on sso_login when "guests" not in claims.groups assign owner }'
    assert apply(text, event("sso_login", user="new")).result["roles"] == []
    assert apply(text, event("sso_login", user="new", claims={"groups": ["x"]})).result["roles"] == ["owner"]


# -- what is required --------------------------------------------------------------------------------------------------


def asked(condition: str, given: Json, kind: str = "assign", directory: str = PEOPLE, to_group: bool = False) -> bool:
    """Whether somebody may who is allowed `change` on a member just where the condition is true."""
    line = f"on {kind} to group" if to_group else f"on {kind}"
    text = f"assignments {{ {line} requires change on member }} role boss {{ allow change on member when {condition} }}"
    found = code(text, {"by": "eve@acme.com", **given, "type": kind}, directory.replace("{role: lead}", "{role: boss}"))
    return found != "not_permitted"


KIT, NORTH = {"user": "kit", "role": "vet"}, {"scope": "branch/north"}
NOBODY = {"user": "nobody", "role": "vet"}


@pytest.mark.parametrize(
    ("condition", "given", "true"),
    [
        ('resource.id == "kit"', KIT, True),
        ('resource.id == "nobody"', NOBODY, True),
        ("resource.id == user.id", KIT, False),
        ("resource.id == user.id", {**KIT, "user": "eve@acme.com"}, True),
        # status
        ('has resource.status and resource.status == "active"', KIT, True),
        ('has resource.status and resource.status == "pending"', {**KIT, "user": "cyd"}, True),
        ('has resource.status and resource.status == "disabled"', {**KIT, "user": "dan"}, True),
        ("not has resource.status", NOBODY, True),
        ("not has resource.status", {**KIT, "user": "zed"}, True),
        # roles: what `user.roles` would be there
        ('"viewer" in resource.roles', KIT, True),
        ('"vet" in resource.roles', KIT, False),
        ('"vet" in resource.roles', {**KIT, **NORTH}, True),
        ('"viewer" in resource.roles', {"user": "bob", "role": "vet"}, False),
        ('"viewer" in resource.roles', {"user": "bob", "role": "vet", "scope": "branch/south"}, True),
        ('"doctor" in resource.roles', {"user": "bob", "role": "vet", "scope": "branch/south"}, False),
        ('"vet" in resource.roles', {"user": "bob", "role": "vet", "scope": "branch/south"}, True),
        ('"vet" not in resource.roles', NOBODY, True),
        # role: the one assigned for that scope, without what it includes
        ('has resource.role and resource.role == "viewer"', KIT, True),
        ("has resource.role", {**KIT, **NORTH}, False),
        ('has resource.role and resource.role == "vet"', {"user": "bob", "role": "vet", "scope": "branch/south"}, True),
        ("has resource.role", {"user": "bob", "role": "lead"}, False),
        ("has resource.role", NOBODY, False),
        # new_roles and new_role
        ('"viewer" in resource.new_roles', KIT, True),
        ('"vet" in resource.new_roles', KIT, True),
        ('"lead" in resource.new_roles', KIT, False),
        ('has resource.new_role and resource.new_role == "vet"', KIT, True),
        ('has resource.new_role and resource.new_role == "vet"', {**KIT, "role": "doctor"}, True),
        ('"doctor" in resource.new_roles', {**KIT, "role": "doctor"}, False),
        # the place and the time
        ('resource.scope == "company"', KIT, True),
        ('resource.scope == "company"', {**KIT, "scope": "company"}, True),
        ('resource.scope == "branch/north"', {**KIT, **NORTH}, True),
        ('resource.scope == "company"', {**KIT, "scope": "branch/lost"}, True),
    ],
)  # fmt: skip
def test_the_member_that_is_judged(condition: str, given: Json, true: bool) -> None:
    """The member's id, and of the attributes what the type declares, as they stand before the event."""
    assert asked(condition, given) is true


def test_the_judgement_is_made_now() -> None:
    """The actor's roles and the member's count as they are when the event is judged, whatever the event says."""
    directory = f"users: {{eve: {{assignments: [{{role: lead, from: {JULY}}}]}}, kit: {{}}}}"
    given = event("assign", by="eve", user="kit", role="vet")
    assert code(LED, given, directory) == "not_permitted"
    assert code(LED, {**given, "time": JULY}, directory) == "invalid_event"
    assert code(LED, given, directory, instant(JULY)) == "accepted"


def test_several_new_roles() -> None:
    """`new_roles` has all that the event gives; `new_role` is absent where that is several."""
    text = """assignments { on assign requires change on member assign lead }
    role boss { allow change on member when "lead" in resource.new_roles and "viewer" in resource.new_roles
      and not has resource.new_role }"""
    directory = PEOPLE.replace("{role: lead}", "{role: boss}")
    assert code(text, event("assign", by="eve@acme.com", user="kit", role="vet"), directory) == "accepted"


def test_roles_of_the_member_count_at_the_time() -> None:
    """Expired, future and unknown ones do not; hidden ones do."""
    windows = f"{{role: vet, until: {PAST}}}, {{role: lead, from: {FUTURE}}}, {{role: ghost}}, {{role: viewer}}"
    directory = f"""
    users: {{eve@acme.com: {{assignments: [{{role: lead}}]}}, kit: {{assignments: [{windows}]}}}}
    """
    given = {"user": "kit", "role": "owner"}
    assert asked('has resource.role and resource.role == "viewer"', given, directory=directory)
    assert not asked('"vet" in resource.roles or "lead" in resource.roles', given, directory=directory)
    hidden = "groups: {desk: {members: [kit], assignments: [{role: vet}]}}"
    assert asked('"vet" in resource.roles', given, directory=directory + hidden)


def test_a_type_that_declares_nothing_is_asked_without_attributes() -> None:
    """The id is all that is known of it."""
    text = "assignments { on disable requires invite on plain } role boss { allow invite on plain when resource.id == "
    directory = PEOPLE.replace("{role: lead}", "{role: boss}")
    given = event("disable", by="eve@acme.com", user="kit")
    assert code(text + '"kit" }', given, directory) == "accepted"
    assert code(text + '"bob" }', given, directory) == "not_permitted"


@pytest.mark.parametrize(
    ("kind", "given", "id"),
    [
        ("invite", {"user": "new", "role": "vet"}, "new"),
        ("change_role", {"user": "kit", "role": "vet"}, "kit"),
        ("revoke", {"user": "kit"}, "kit"),
        ("disable", {"user": "kit"}, "kit"),
        ("enable", {"user": "kit"}, "kit"),
        ("remove", {"user": "kit"}, "kit"),
        ("join", {"user": "kit", "group": "none"}, "kit"),
        ("leave", {"user": "kit", "group": "none"}, "kit"),
        ("create_group", {"group": "fresh"}, "fresh"),
        ("delete_group", {"group": "none"}, "none"),
        ("create_scope", {"scope": "branch/fresh"}, "branch/fresh"),
        ("delete_scope", {"scope": "branch/empty"}, "branch/empty"),
        ("assign", {"group": "none", "role": "vet"}, "none"),
        ("revoke", {"group": "none"}, "none"),
    ],
)
def test_the_id_in_the_judgement(kind: str, given: Json, id: str) -> None:
    """Of the user concerned; of the group or the scope where there is no user."""
    to_group = "user" not in given and kind in ("assign", "revoke")
    assert asked(f'resource.id == "{id}"', given, kind, to_group=to_group)
    assert not asked(f'resource.id != "{id}"', given, kind, to_group=to_group)


@pytest.mark.parametrize("kind", ["disable", "enable", "remove"])
def test_status_events_are_judged_at_the_root(kind: str) -> None:
    """Who leads a branch alone may not."""
    text = f"assignments {{ on {kind} requires lead on member }}"
    given = event(kind, user="bob", by="eve@acme.com")
    assert code(text, given) == "accepted"
    assert code(text, given, PEOPLE.replace("{role: lead}", "{role: lead, scope: branch/north}")) == "not_permitted"
    assert asked('resource.scope == "company"', {"user": "bob"}, kind)


@pytest.mark.parametrize("kind", ["disable", "enable", "remove", "join", "leave"])
def test_a_scope_in_events_without_one_is_invalid(kind: str) -> None:
    """The root too: they have no scope."""
    for scope in ("branch/north", "company"):
        assert code(EVERYTHING, {**ACCEPTED[kind], "scope": scope}) == "invalid_event"


@pytest.mark.parametrize("kind", ["invite", "change_role", "assign", "revoke"])
@pytest.mark.parametrize(
    ("held", "scope", "expected"),
    [
        ("branch/north", "branch/north", "accepted"),
        ("region/east", "branch/north", "accepted"),
        ("company", "branch/north", "accepted"),
        ("company", None, "accepted"),
        ("company", "company", "accepted"),
        ("branch/north", "region/east", "not_permitted"),
        ("branch/north", "branch/south", "not_permitted"),
        ("branch/north", None, "not_permitted"),
        ("branch/north", "company", "not_permitted"),
        ("branch/north", "branch/lost", "not_permitted"),
        ("company", "branch/lost", "unknown_scope"),
    ],
)
def test_the_place_of_the_judgement_is_the_events_scope(kind: str, held: str, scope: str | None, expected: str) -> None:
    """The root without one; a scope that the directory lacks is judged as the root is."""
    given = {**ACCEPTED[kind], "by": "eve@acme.com", "scope": scope}
    people = PEOPLE.replace("{role: lead}", f"{{role: lead, scope: {held}}}")
    assert code(f"assignments {{ on {kind} requires lead on member }}", given, people) == expected


ALL = "all: {members: [group/desk], assignments: [{role: viewer}]}"
TOP = "{members: [group/mid], assignments: [{role: vet, scope: branch/north}]}"


@pytest.mark.parametrize("kind", ["join", "leave"])
@pytest.mark.parametrize(
    ("leads", "groups", "expected"),
    [
        ("branch/north", "desk: {assignments: [{role: vet, scope: branch/north}]}", "accepted"),
        ("region/east", "desk: {assignments: [{role: vet, scope: branch/north}]}", "accepted"),
        ("branch/south", "desk: {assignments: [{role: vet, scope: branch/north}]}", "not_permitted"),
        ("branch/north", "desk: {assignments: [{role: vet}]}", "not_permitted"),
        ("branch/north", "desk: {}", "not_permitted"),
        ("company", "desk: {}", "accepted"),
        (
            "branch/north",
            "desk: {assignments: [{role: vet, scope: branch/north}, {role: vet, scope: branch/south}]}",
            "not_permitted",
        ),
        (
            "company",
            "desk: {assignments: [{role: vet, scope: branch/north}, {role: vet, scope: branch/south}]}",
            "accepted",
        ),
        (
            "branch/north",
            "desk: {assignments: [{role: vet, scope: branch/north}]}, " + ALL,
            "not_permitted",
        ),
        (
            "branch/north",
            "desk: {}, mid: {members: [group/desk]}, top: " + TOP,
            "accepted",
        ),
        (  # what a group inside is assigned, its members outside it do not get
            "branch/north",
            "in: {assignments: [{role: owner}]}, desk: " + TOP.replace("mid", "in"),
            "accepted",
        ),
    ],
)
def test_join_and_leave_are_judged_wherever_the_group_is_assigned(
    kind: str, leads: str, groups: str, expected: str
) -> None:
    """At every scope of the group and the groups above it, at the root if nowhere."""
    directory = f"""
    scopes: {{region/east: {{}}, branch/north: {{parent: region/east}}, branch/south: {{}}}}
    users: {{eve: {{assignments: [{{role: lead, scope: {leads}}}]}}, kit: {{}}}}
    groups: {{{groups}}}
    """
    text = f"assignments {{ on {kind} requires lead on member }}"
    assert code(text, event(kind, by="eve", user="kit", group="desk"), directory) == expected


def test_joining_gives_the_groups_roles() -> None:
    """`new_roles` of `join` are what the group and those above bring there; `roles` what the member has."""
    joins = {"user": "bob", "group": "desk"}
    directory = PEOPLE.replace("[{role: viewer}]}\n  none", "[]}\n  none")
    assert asked('"vet" in resource.new_roles and "viewer" in resource.new_roles', joins, "join", directory)
    assert asked('has resource.new_role and resource.new_role == "vet"', joins, "join", directory)
    assert asked('has resource.role and resource.role == "viewer"', joins, "join", directory)


def test_a_group_as_the_member() -> None:
    """Its roles are its own and those of groups above; it has no status."""
    given = {"group": "desk", "role": "lead", "scope": "branch/north"}
    for condition in ('"vet" in resource.roles', '"lead" in resource.new_roles', "not has resource.status"):
        assert asked(condition, given, to_group=True)
    assert asked('has resource.role and resource.role == "viewer"', {**given, "group": "all"}, to_group=True)
    assert not asked("has resource.role", given, to_group=True)


def test_a_rule_that_denies_the_actor_refuses() -> None:
    """The actor's denies bind, and the result names the line of the assignments."""
    text = LED + ' role tied { deny lead on member when resource.id == "kit" }'
    directory = PEOPLE.replace("{role: lead}", "{role: lead}, {role: tied}")
    applied = apply(text, event("assign", by="eve@acme.com", user="kit", role="vet"), directory)
    assert applied.result["code"] == "not_permitted"
    assert "denies" in applied.result["message"]
    assert len(applied.outcome.rules) == 1
    assert code(text, event("assign", by="eve@acme.com", user="bob", role="vet"), directory) == "accepted"


def test_a_role_that_is_not_there_as_new_role() -> None:
    """By the name it was given; whoever may is then told that it is unknown."""
    text = "assignments { on assign requires change on member } role boss { allow change on member when "
    text += 'has resource.new_role and resource.new_role == "ghost" and "ghost" in resource.new_roles }'
    directory = PEOPLE.replace("{role: lead}", "{role: boss}")
    given = event("assign", by="eve@acme.com", user="kit", role="ghost")
    assert code(text, given, directory) == "unknown_role"
    assert code(text, {**given, "role": "vet"}, directory) == "not_permitted"


@pytest.mark.parametrize(
    ("declared", "condition", "user", "expected"),
    [
        ('("active" | "pending")?', 'has resource.status and resource.status == "active"', "kit", "accepted"),
        ('("active" | "pending")?', 'has resource.status and resource.status == "active"', "cyd", "not_permitted"),
        ('("active" | "pending")?', 'has resource.status and resource.status != "active"', "cyd", "accepted"),
        # `disabled` is none of its values, and so unknown: neither one thing nor the other.
        ('("active" | "pending")?', 'has resource.status and resource.status == "active"', "gus", "not_permitted"),
        ('("active" | "pending")?', 'has resource.status and resource.status != "active"', "gus", "not_permitted"),
        ('"active" | "pending"', 'resource.status != "active"', "nobody", "not_permitted"),
    ],
)
def test_a_status_that_is_an_enumeration(declared: str, condition: str, user: str, expected: str) -> None:
    """The status as it is: one that the enumeration lacks is unknown there."""
    text = f"""area others {{ resource person {{ status: {declared}  actions touch }} }}
    role boss {{ allow touch on person when {condition} }} assignments {{ on disable requires touch on person }}"""
    directory = PEOPLE.replace("{role: lead}", "{role: boss}")
    assert code(text, event("disable", by="eve@acme.com", user=user), directory) == expected


@pytest.mark.parametrize(
    ("window", "gives"),
    [("", True), (f", until: {FUTURE}", True), (f", from: {FUTURE}", True), (f", until: {PAST}", False),
     (", until: 2026-03-01T12:00:00Z", False)],
)  # fmt: skip
def test_what_a_group_gives_on_join(window: str, gives: bool) -> None:
    """Roles that count now or later, not those that have ended."""
    directory = f"""
    users: {{eve@acme.com: {{assignments: [{{role: lead}}]}}, kit: {{}}}}
    groups: {{g: {{assignments: [{{role: vet{window}}}]}}}}
    """
    assert asked('"vet" in resource.new_roles', {"user": "kit", "group": "g"}, "join", directory) is gives


@pytest.mark.parametrize("kind", ["create_group", "delete_group", "create_scope", "delete_scope"])
def test_events_for_groups_and_places_are_judged_at_the_root(kind: str) -> None:
    """Who leads just the place itself, or one above it, may not."""
    text = f"assignments {{ on {kind} requires lead on member }}"
    given = {**ACCEPTED[kind], "by": "eve@acme.com"}
    assert code(text, given) == "accepted"
    for place in ("region/east", "branch/south"):
        directory = PEOPLE.replace("{role: lead}", f"{{role: lead, scope: {place}}}")
        if kind == "create_scope":
            given["parent"] = place
        assert code(text, given, directory) == "not_permitted"
    assert asked('resource.scope == "company"', ACCEPTED[kind] | {"by": "eve@acme.com"}, kind)


# -- role within own ---------------------------------------------------------------------------------------------------

WITHIN = """
assignments { on invite requires invite on member, role within own
  on join requires invite on member, role within own
  on assign to group requires invite on member, role within own }
condition red = resource.label == "red"
condition mine = resource.author == user.id
role boss { allow invite on member }
role reads { allow read on note }
role writes { allow write on note }
role writes_red { allow write on note when red }
role writes_red_mine { allow write on note when red and mine }
role writes_red_or_mine { allow write on note when red or mine }
role both includes writes_red { allow write on note when mine }
role never_red { allow write on note deny write on note when red }
role forbids_red { deny write on note when red }
role forbids { deny write on note }
role as_self { allow sign on note when "as_self" in user.roles }
role as_boss { allow sign on note when "boss" in user.roles }
role as_other { allow sign on note when "reads" in user.roles }
role signs { allow sign on note }
role empty { }
role has_some { allow write on note when resource.label == "a" or resource.label != "a" }
"""


@pytest.mark.parametrize(
    ("own", "gives", "within"),
    [
        ("", "empty", True),
        ("", "reads", False),
        ("reads", "reads", True),
        ("reads", "viewer", True),  # another role that allows the same
        ("reads", "vet", False),
        ("vet", "vet", True),
        ("vet", "doctor", True),  # a former name
        ("vet", "viewer", True),  # what own roles include
        ("reads, writes", "vet", True),  # own roles together
        ("owner", "vet", True),
        ("lead", "owner", False),
        # conditions
        ("writes", "writes_red", True),
        ("writes_red", "writes_red", True),
        ("writes_red", "writes_red_mine", True),
        ("writes_red", "writes", False),
        ("writes_red_mine", "writes_red", False),
        ("writes_red", "writes_red_or_mine", False),
        ("writes_red_or_mine", "writes_red", True),
        ("both", "writes_red_or_mine", True),
        ("writes_red_or_mine", "both", True),
        ("has_some", "writes", False),  # without a label it is unknown, and allows nothing
        # denies, the actor's and the new roles'
        ("writes, forbids_red", "writes", False),
        ("writes, forbids_red", "writes_red", False),
        ("writes, forbids_red", "never_red", True),
        ("never_red", "never_red", True),
        ("never_red", "writes", False),
        ("writes", "never_red", True),
        ("writes, forbids", "writes_red", False),
        ("", "forbids", True),
        ("", "forbids_red", True),
        # user.roles
        ("as_self", "as_self", True),
        ("", "as_self", False),
        ("as_boss", "signs", True),  # the actor is boss
        ("as_boss", "as_self", True),
        ("signs", "as_self", True),
        ("", "as_boss", True),  # who is no boss may nothing by it
        ("", "as_other", True),
        ("as_other", "signs", False),
        ("as_other, reads", "signs", True),
    ],
)
def test_role_within_own(own: str, gives: str, within: bool) -> None:
    """What a holder of just the new roles may do there, the actor may."""
    held = ", ".join(f"{{role: {role}}}" for role in ["boss", *filter(None, own.split(", "))])
    directory = f"users: {{eve: {{assignments: [{held}]}}}}"
    expected = "accepted" if within else "not_permitted"
    assert code(WITHIN, event("invite", by="eve", user="new", role=gives), directory) == expected
    # The same through a group, by a new member or a new role of it.
    groups = f"groups: {{g: {{assignments: [{{role: {gives}}}]}}, h: {{}}}}\n"
    directory = f"users: {{eve: {{assignments: [{held}]}}, kit: {{}}}}\n{groups}"
    assert code(WITHIN, event("join", by="eve", user="kit", group="g"), directory) == expected
    assert code(WITHIN, event("assign", by="eve", group="h", role=gives), directory) == expected


@pytest.mark.parametrize(
    ("held", "scope", "within"),
    [
        ("{role: writes}", None, True),
        ("{role: writes}", "branch/north", True),
        ("{role: writes, scope: branch/north}", "branch/north", True),
        ("{role: writes, scope: region/east}", "branch/north", True),
        ("{role: writes, scope: branch/north}", "branch/south", False),
        ("{role: writes, scope: branch/north}", "region/east", False),
        ("{role: writes, scope: branch/north}", None, False),
        (f"{{role: writes, until: {PAST}}}", None, False),
        (f"{{role: writes, from: {FUTURE}}}", None, False),
        (f"{{role: writes, until: {FUTURE}}}", None, True),
    ],
)
def test_own_is_what_counts_at_that_scope(held: str, scope: str | None, within: bool) -> None:
    """Held there or above, at the time."""
    directory = f"""
    scopes: {{region/east: {{}}, branch/north: {{parent: region/east}}, branch/south: {{}}}}
    users: {{eve: {{assignments: [{{role: boss}}, {held}]}}}}
    """
    found = code(WITHIN, event("invite", by="eve", user="new", role="writes", scope=scope), directory)
    assert found == ("accepted" if within else "not_permitted")


def test_hidden_roles_are_not_own() -> None:
    """What an individual role hides, the actor may not give; its denies bind."""
    text = WITHIN.replace("assignments {", "assignments { individual over group")
    directory = "users: {eve: {assignments: [{role: boss}]}}\ngroups: {g: {members: [eve], assignments: [{role: %s}]}}"
    given = event("invite", by="eve", user="new", role="writes")
    assert code(WITHIN, given, directory % "writes") == "accepted"
    assert code(text, given, directory % "writes") == "not_permitted"
    forbidden = directory.replace("{role: boss}", "{role: boss}, {role: writes}") % "forbids"
    assert code(text, given, forbidden) == "not_permitted"


def test_within_own_covers_assign_clauses() -> None:
    """All the event would give must lie within."""
    text = WITHIN + " assignments { on change_role requires invite on member, role within own assign writes }"
    directory = "users: {eve: {assignments: [{role: boss}, {role: reads}]}, kit: {}}"
    given = event("change_role", by="eve", user="kit", role="reads")
    assert code(text, given, directory) == "not_permitted"
    assert code(text, given, directory.replace("{role: reads}", "{role: reads}, {role: writes}")) == "accepted"


@pytest.mark.parametrize("kind", ["leave", "disable", "revoke", "create_group"])
def test_within_own_holds_where_nothing_is_given(kind: str) -> None:
    """What takes, and what makes no holder, lies within anybody's."""
    text = f"assignments {{ on {kind} requires lead on member, role within own }}"
    directory = PEOPLE.replace("role: vet, scope: branch/north", "role: owner")
    assert code(text, {**ACCEPTED[kind], "by": "eve@acme.com"}, directory) == "accepted"


def test_without_within_own_more_may_be_given() -> None:
    """A line that does not say so does not ask."""
    assert code("assignments { on invite requires invite on member }", event(
        "invite", by="eve@acme.com", user="new", role="owner")) == "accepted"  # fmt: skip


# -- what changes ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "scope", "role", "after", "said"),
    [
        ("change_role", "branch/north", "owner", {("owner", "branch/north"), ("doctor", "branch/south")}, ["owner"]),
        ("change_role", "branch/south", "lead", {("viewer", "branch/north"), ("lead", "branch/south")}, ["lead"]),
        ("change_role", None, "lead",
         {("viewer", "branch/north"), ("doctor", "branch/south"), ("lead", None)}, ["lead"]),
        ("assign", "branch/north", "lead",
         {("viewer", "branch/north"), ("lead", "branch/north"), ("doctor", "branch/south")}, ["lead", "viewer"]),
        ("assign", "branch/north", "viewer", {("viewer", "branch/north"), ("doctor", "branch/south")}, ["viewer"]),
        ("assign", "branch/south", "vet", {("viewer", "branch/north"), ("doctor", "branch/south")}, ["vet"]),
        ("assign", "branch/north", "doctor",
         {("viewer", "branch/north"), ("vet", "branch/north"), ("doctor", "branch/south")}, ["vet", "viewer"]),
        ("revoke", "branch/north", "viewer", {("doctor", "branch/south")}, []),
        ("revoke", "branch/south", "vet", {("viewer", "branch/north")}, []),
        ("revoke", "branch/south", "doctor", {("viewer", "branch/north")}, []),
        ("revoke", "branch/north", "vet", {("viewer", "branch/north"), ("doctor", "branch/south")}, ["viewer"]),
        ("revoke", "branch/north", None, {("doctor", "branch/south")}, []),
        ("revoke", None, None, {("viewer", "branch/north"), ("doctor", "branch/south")}, []),
    ],
)  # fmt: skip
def test_roles_afterwards(
    kind: str, scope: str | None, role: str | None, after: set[tuple[str, str | None]], said: list[str]
) -> None:
    """`change_role` replaces the individual roles at that scope, `assign` adds one, `revoke` takes one or all."""
    applied = apply(EVERYTHING, by_ann(kind, user="bob", role=role, scope=scope))
    assert roles(applied.directory.users["bob"]) == after
    assert applied.result["roles"] == said
    assert applied.result["status"] == "active"


def test_group_roles_are_not_the_users_own() -> None:
    """`change_role` and `revoke` leave what comes through groups, and `roles` does not show it."""
    applied = apply(EVERYTHING, by_ann("change_role", user="kit", role="lead", scope="branch/north"))
    assert applied.result["roles"] == ["lead"]
    assert applied.directory.groups == people().groups
    assert apply(EVERYTHING, by_ann("revoke", user="kit", scope="branch/north")).directory == people()


@pytest.mark.parametrize("written", ["company", None])
@pytest.mark.parametrize("named", ["company", None])
def test_the_root_is_one_place_however_it_is_written(written: str | None, named: str | None) -> None:
    """In the directory and in the event."""
    place = f", scope: {written}" if written else ""
    directory = f"users: {{ann: {{}}, kit: {{assignments: [{{role: viewer{place}}}]}}}}"
    given = by_ann("assign", user="kit", role="viewer", scope=named)
    applied = apply(EVERYTHING, given, directory)
    assert (applied.directory, applied.result["roles"]) == (people(directory), ["viewer"])
    applied = apply(EVERYTHING, {**given, "type": "change_role", "role": "lead"}, directory)
    assert (applied.result["roles"], len(applied.directory.users["kit"].assignments)) == (["lead"], 1)
    assert apply(EVERYTHING, by_ann("revoke", user="kit", scope=named), directory).result["roles"] == []


def test_one_role_per_event_is_one_assignment() -> None:
    """It is kept under its present name, at the event's scope."""
    made = person("new", EVERYTHING, by_ann("invite", user="new", role="doctor", scope="branch/north"))
    assert made.assignments == (Assignment("vet", "branch/north"),)


@pytest.mark.parametrize("kind", ["invite", "change_role", "assign"])
def test_windows(kind: str) -> None:
    """`from` and `until` are those of the role that is given."""
    given = by_ann(kind, user="new" if kind == "invite" else "kit", role="lead", start=JULY, until=AUGUST)
    made = person(given["user"], EVERYTHING, given)
    assert made.assignments == (Assignment("lead", None, instant(JULY), instant(AUGUST)),)
    assert apply(EVERYTHING, given).result["roles"] == ["lead"]


def test_the_same_role_for_another_time_is_another_assignment() -> None:
    """The same one twice is one; `revoke` takes them all."""
    july = by_ann("assign", user="kit", role="lead", start=JULY)
    always = by_ann("assign", user="kit", role="lead")
    found = run(EVERYTHING, [july, july, always, always, by_ann("revoke", user="kit", role="lead")])
    assert [len(one.directory.users["kit"].assignments) for one in found] == [1, 1, 2, 2, 0]
    assert {one.result["code"] for one in found} == {"accepted"}


def test_change_role_to_the_role_held_sets_its_window() -> None:
    """What is replaced is the assignment, not only its name."""
    found = run(EVERYTHING, [
        by_ann("assign", user="kit", role="lead", until=JULY), by_ann("change_role", user="kit", role="lead"),
    ])  # fmt: skip
    assert found[1].directory.users["kit"].assignments == (Assignment("lead"),)


@pytest.mark.parametrize(
    ("start", "until"),
    [
        (JULY, JULY),
        (AUGUST, JULY),
        ("2026-07-01T02:00:00+02:00", JULY),
        ("noon", None),
        (None, "2026-07-01"),
        (5, None),
    ],
)
def test_windows_that_cannot_be(start: Any, until: Any) -> None:
    """Empty ones, and what is no time with its zone, are invalid."""
    given = by_ann("assign", user="kit", role="lead", start=start, until=until)
    assert code(EVERYTHING, given) == "invalid_event"


def test_a_role_the_policy_lost_may_be_taken_away() -> None:
    """By its name, where it is held."""
    directory = "users: {ann: {}, kit: {assignments: [{role: ghost}, {role: lead}]}}"
    assert apply(EVERYTHING, by_ann("revoke", user="kit", role="ghost"), directory).result["roles"] == ["lead"]
    assert code(EVERYTHING, by_ann("revoke", user="ann", role="ghost"), directory) == "unknown_role"


# -- status ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("user", "disabled", "enabled"), [("bob", "disabled", "active"), ("cyd", "disabled", "pending")]
)
def test_enable_restores_the_status_before_disable(user: str, disabled: str, enabled: str) -> None:
    """`disable` keeps the assignments; disabling twice remembers the first status."""
    down, up = by_ann("disable", user=user), by_ann("enable", user=user)
    found = run(EVERYTHING, [down, up, down, down, up])
    assert [one.result["status"] for one in found] == [disabled, enabled, disabled, disabled, enabled]
    assert found[2].directory == found[3].directory
    assert {one.directory.users[user].assignments for one in found} == {people().users[user].assignments}
    assert found[1].directory == people()


@pytest.mark.parametrize(
    ("user", "status"), [("gus", "active"), ("dan", "pending"), ("cyd", "pending"), ("kit", "active")]
)
def test_enable(user: str, status: str) -> None:
    """Active where the status before is not known; a pending user's does nothing: enabling is no registration."""
    applied = apply(EVERYTHING, by_ann("enable", user=user))
    assert (applied.result["code"], applied.result["status"]) == ("accepted", status)
    assert (applied.directory == people()) is (user in ("cyd", "kit"))


def test_remove_forgets_and_keeps_a_tombstone() -> None:
    """Assignments and memberships go; the id stays among the removed."""
    applied = apply(EVERYTHING, by_ann("remove", user="kit"))
    assert (applied.result["status"], applied.result["roles"]) == (None, [])
    assert "kit" not in applied.directory.users
    assert applied.directory.removed == {"zed", "yan@gone.org", "kit"}
    assert applied.directory.groups["desk"].members == ()
    back = apply(EVERYTHING, by_ann("invite", user="kit", role="lead"), applied.directory).directory
    assert "kit" not in back.removed
    assert back.users["kit"].assignments == (Assignment("lead"),)
    assert back.groups["desk"].members == ()


@pytest.mark.parametrize(("user", "removed"), [("gus", True), ("cyd", True), ("zed", False), ("nobody", False)])
def test_who_may_be_removed(user: str, removed: bool) -> None:
    """Disabled and pending users, too; nobody twice."""
    assert code(EVERYTHING, by_ann("remove", user=user)) == ("accepted" if removed else "unknown_user")


@pytest.mark.parametrize(
    ("kind", "expected"),
    [("signup", "unknown_user"), ("sso_login", "unknown_user"), ("register", "unknown_user"), ("invite", "accepted"),
     ("change_role", "unknown_user"), ("assign", "unknown_user"), ("revoke", "unknown_user"),
     ("disable", "unknown_user"), ("enable", "unknown_user"), ("remove", "unknown_user"), ("join", "unknown_user"),
     ("leave", "unknown_user")],
)  # fmt: skip
def test_a_removed_user_comes_back_by_an_invitation_alone(kind: str, expected: str) -> None:
    """All else answers `unknown_user`, though other roads lead in for people nobody knew."""
    applied = apply(EVERYTHING, {**ACCEPTED[kind], "user": "zed"})
    assert (applied.result["code"], "zed" in applied.directory.removed) == (expected, expected != "accepted")


@pytest.mark.parametrize(
    ("kind", "expected"),
    [("signup", "accepted"), ("sso_login", "accepted"), ("register", "unknown_user"), ("invite", "accepted"),
     ("change_role", "unknown_user"), ("assign", "unknown_user"), ("revoke", "unknown_user"),
     ("disable", "unknown_user"), ("enable", "unknown_user"), ("remove", "unknown_user"), ("join", "unknown_user"),
     ("leave", "unknown_user")],
)  # fmt: skip
def test_a_stranger(kind: str, expected: str) -> None:
    """May sign up, sign in and be invited; is unknown to everything else."""
    applied = apply(EVERYTHING, {**ACCEPTED[kind], "user": "stranger"})
    assert applied.result["code"] == expected
    assert applied.result["status"] == (None if expected != "accepted" else "pending" if kind == "invite" else "active")


@pytest.mark.parametrize(
    ("kind", "user", "expected"),
    [("signup", "kit", "already_exists"), ("signup", "cyd", "already_exists"), ("register", "kit", "already_exists"),
     ("register", "cyd", "accepted"), ("sso_login", "kit", "accepted"), ("sso_login", "cyd", "accepted"),
     ("invite", "kit", "already_exists"), ("invite", "cyd", "already_exists"), ("invite", "gus", "already_exists"),
     ("signup", "gus", "inactive_user")],
)  # fmt: skip
def test_a_known_user(kind: str, user: str, expected: str) -> None:
    """Is not signed up or invited again; `register` of an active user has nothing left to register."""
    assert code(EVERYTHING, {**ACCEPTED[kind], "user": user}) == expected


@pytest.mark.parametrize("register", [True, False])
def test_an_invited_user_is_pending_where_they_can_register(register: bool) -> None:
    """Where the policy has an `on register` line, whatever its `when`; else active at once."""
    for line in ("on register", "on register when first in domain assign lead"):
        text = f"assignments {{ on invite {line if register else ''} }}"
        assert apply(text, by_ann("invite", user="new", role="vet")).result["status"] == (
            "pending" if register else "active"
        )


@pytest.mark.parametrize("kind", ["register", "sso_login"])
def test_a_pending_user_becomes_active_and_keeps_their_roles(kind: str) -> None:
    """`sso_login` registers, too."""
    applied = apply(EVERYTHING, event(kind, user="cyd"))
    assert (applied.result["status"], applied.result["roles"]) == ("active", ["viewer"])


@pytest.mark.parametrize("kind", OWN)
def test_signing_roles_are_given_at_the_events_scope(kind: str) -> None:
    """At the root without one."""
    text = f"assignments {{ on {kind} assign lead }}"
    user = ACCEPTED[kind]["user"]
    assert ("lead", None) in roles(person(user, text, ACCEPTED[kind]))
    given = {**ACCEPTED[kind], "scope": "branch/north"}
    assert ("lead", "branch/north") in roles(person(user, text, given))
    assert apply(text, given).result["roles"] == ["lead"]
    assert code(text, {**given, "scope": "branch/lost"}) == "unknown_scope"


@pytest.mark.parametrize("kind", ["change_role", "assign", "revoke"])
@pytest.mark.parametrize("user", ["cyd", "gus"])
def test_roles_of_pending_and_disabled_users_change_as_others_do(kind: str, user: str) -> None:
    """Their status stays."""
    applied = apply(EVERYTHING, by_ann(kind, user=user, role="lead"))
    assert (applied.result["code"], applied.result["status"]) == ("accepted", people().users[user].status)


@pytest.mark.parametrize("kind", ["signup", "sso_login", "register", "invite"])
def test_attributes_come_with_who_comes(kind: str) -> None:
    """Beside those that are there; of an undeclared name or another type they are invalid."""
    given = {**ACCEPTED[kind], "attributes": {"team": "red", "level": 3}}
    assert dict(person(given["user"], EVERYTHING, given).attributes) == {"team": "red", "level": 3}
    for wrong in ({"team": 3}, {"teams": "red"}, {"level": True}, {"level": 2**63}, ["team"], "team"):
        assert code(EVERYTHING, {**given, "attributes": wrong}) == "invalid_event"


def test_attributes_are_merged() -> None:
    """A sign-on replaces what it brings and leaves the rest."""
    directory = "users: {kit: {attributes: {team: blue, level: 1}}}"
    made = person("kit", EVERYTHING, event("sso_login", user="kit", attributes={"team": "red"}), directory)
    assert dict(made.attributes) == {"team": "red", "level": 1}


# -- groups and places -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "group"),
    [
        (by_ann("assign", group="none", role="vet"), Group("none", (), (), (Assignment("vet"),))),
        (by_ann("assign", group="none", role="doctor", scope="branch/north", start=JULY),
         Group("none", (), (), (Assignment("vet", "branch/north", instant(JULY)),))),
        (by_ann("revoke", group="all"), Group("all", (), ("desk",))),
        (by_ann("revoke", group="all", role="viewer"), Group("all", (), ("desk",))),
        (by_ann("revoke", group="all", role="vet"), Group("all", (), ("desk",), (Assignment("viewer"),))),
        (by_ann("revoke", group="desk", scope="branch/north"), Group("desk", ("kit",))),
        (by_ann("join", group="none", user="bob"), Group("none", ("bob",))),
        (by_ann("join", group="all", user="bob"), Group("all", ("bob",), ("desk",), (Assignment("viewer"),))),
        (by_ann("leave", group="desk", user="kit"), Group("desk", (), (), (Assignment("vet", "branch/north"),))),
        (by_ann("create_group", group="fresh"), Group("fresh")),
    ],
)  # fmt: skip
def test_groups_afterwards(given: Json, group: Group) -> None:
    """A group has roles like a user, and members come and go one by one."""
    applied = apply(EVERYTHING, given)
    assert applied.result["code"] == "accepted"
    found = applied.directory.groups[group.name]
    bare = tuple(one._replace(line=0, column=0) for one in found.assignments)
    assert found._replace(line=0, column=0, assignments=bare) == group
    if "user" not in given:
        assert applied.result["roles"] == sorted(
            one.role for one in group.assignments if one.scope == given.get("scope")
        )
        assert applied.result["status"] is None


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (by_ann("create_group", group="none"), "already_exists"),
        (by_ann("delete_group", group="lost"), "unknown_group"),
        (by_ann("delete_group", group="desk"), "not_empty"),  # a member
        (by_ann("delete_group", group="all"), "not_empty"),  # a group in it
        (by_ann("delete_group", group="none"), "accepted"),
        (by_ann("create_scope", scope="branch/north"), "already_exists"),
        (by_ann("create_scope", scope="company"), "already_exists"),
        (by_ann("create_scope", scope="planet/x"), "unknown_scope"),
        (by_ann("create_scope", scope="branch/x", parent="branch/lost"), "unknown_scope"),
        (by_ann("create_scope", scope="region/x", parent="branch/north"), "unknown_scope"),
        (by_ann("create_scope", scope="branch/x", parent=["region/east", "branch/south"]), "accepted"),
        (by_ann("create_scope", scope="branch/x", parent="company"), "accepted"),
        (by_ann("create_scope", scope="branch/x", parent=[]), "accepted"),
        (by_ann("delete_scope", scope="branch/lost"), "unknown_scope"),
        (by_ann("delete_scope", scope="company"), "not_empty"),
        (by_ann("delete_scope", scope="region/east"), "not_empty"),  # a place below it
        (by_ann("delete_scope", scope="branch/south"), "not_empty"),  # an assignment of a user
        (by_ann("delete_scope", scope="branch/north"), "not_empty"),
        (by_ann("delete_scope", scope="branch/empty"), "accepted"),
    ],
)
def test_making_and_deleting(given: Json, expected: str) -> None:
    """Nothing is made twice; what still has something in it is not deleted."""
    applied = apply(EVERYTHING, given)
    assert applied.result["code"] == expected
    if expected == "accepted" and given["type"] == "create_scope":
        parent = given["parent"]
        assert applied.directory.scopes["branch/x"] == Scope(
            "branch/x", (parent,) if parent == "company" else tuple(parent)
        )


def test_a_group_with_just_roles_is_in_use() -> None:
    """So is a place with just a group's role."""
    directory = "scopes: {branch/n: {}}\nusers: {ann: {}}\n"
    directory += "groups: {g: {assignments: [{role: vet, scope: branch/n}]}}"
    assert code(EVERYTHING, by_ann("delete_group", group="g"), directory) == "not_empty"
    assert code(EVERYTHING, by_ann("delete_scope", scope="branch/n"), directory) == "not_empty"


def test_a_deleted_group_leaves_the_groups_it_was_in() -> None:
    """Nothing names it any more."""
    directory = "users: {ann: {}}\ngroups: {in: {}, out: {members: [group/in]}}"
    assert apply(EVERYTHING, by_ann("delete_group", group="in"), directory).directory.groups["out"].groups == ()


def test_a_new_place_can_be_used_at_once() -> None:
    """And what is held above counts there."""
    text = EVERYTHING.replace("on assign ", "on assign requires lead on member ", 1)
    found = run(text, [
        by_ann("create_scope", scope="branch/fresh", parent="region/east"),
        by_ann("assign", user="kit", role="lead", scope="region/east"),
        event("assign", by="kit", user="bob", role="vet", scope="branch/fresh"),
        event("assign", by="kit", user="bob", role="vet", scope="branch/south"),
    ])  # fmt: skip
    assert [one.result["code"] for one in found] == ["accepted"] * 3 + ["not_permitted"]


@pytest.mark.parametrize(
    "given",
    [
        by_ann("assign", user="ann", role="owner"),
        by_ann("assign", user="bob", role="vet", scope="branch/south"),
        by_ann("revoke", user="bob", role="owner"),
        by_ann("revoke", user="kit"),
        by_ann("change_role", user="ann", role="owner"),
        by_ann("join", user="kit", group="desk"),
        by_ann("leave", user="bob", group="desk"),
        by_ann("leave", user="kit", group="all"),  # a member of a group inside, no direct one
        by_ann("disable", user="gus"),
        by_ann("enable", user="kit"),
        by_ann("assign", group="all", role="viewer"),
        by_ann("revoke", group="none"),
    ],
)
def test_doing_what_is_done_already(given: Json) -> None:
    """Is accepted, and nothing changes."""
    applied = apply(EVERYTHING, given)
    assert (applied.result["code"], applied.outcome.changes, applied.directory) == ("accepted", (), people())


# -- what is refused first ---------------------------------------------------------------------------------------------

STRICT = """assignments { on invite requires lead on member on change_role requires lead on member
on assign requires lead on member on join requires lead on member on signup requires lead on member }
guard none: at most 0 vet"""
# Faults of an `assign` or `join`, in the order in which they are told. Each leaves the others in place.
FAULTS: dict[str, Json] = {
    "invalid_event": {"claims": 5},
    "no_rule": {"type": "change_role"},
    "not_permitted": {"by": "kit"},
    "unknown_role": {"role": "ghost"},
    "unknown_scope": {"scope": "branch/lost"},
    "unknown_user": {"user": "nobody"},
    "guard_failed": {},
}


@pytest.mark.parametrize("first", FAULTS)
@pytest.mark.parametrize("second", FAULTS)
def test_what_is_refused_first(first: str, second: str) -> None:
    """Of two faults in one event the earlier is told, whichever was made first."""
    text = STRICT.replace("on change_role requires lead on member", "")
    given = {**by_ann("assign", user="eve@acme.com", role="vet", scope="branch/north")}
    given |= {**FAULTS[second], **FAULTS[first]}
    order = list(FAULTS)
    assert code(text, given) == min(first, second, key=order.index)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        # invalid, before the kind is looked for
        (event("disable"), "invalid_event"),
        (event("disable", user="kit", scope="branch/lost"), "invalid_event"),
        # no line, before who does it and before names
        (event("disable", user="nobody"), "no_rule"),
        (event("delete_group", group="lost", by="nobody"), "no_rule"),
        # not permitted, before names and users
        (event("invite", user="bob", role="ghost", scope="branch/lost"), "not_permitted"),
        (event("join", user="nobody", group="lost", by="kit"), "not_permitted"),
        (event("signup", user="gus"), "not_permitted"),
        # a role before a scope, a scope before a group, names before users
        (by_ann("assign", user="nobody", role="ghost", scope="branch/lost"), "unknown_role"),
        (by_ann("invite", user="bob", role="ghost"), "unknown_role"),
        (by_ann("invite", user="bob", role="vet", scope="branch/lost"), "unknown_scope"),
        (by_ann("join", user="nobody", group="lost"), "unknown_group"),
        (by_ann("join", user="nobody", group="desk"), "unknown_user"),
        (event("signup", user="gus", by="ann", scope="branch/lost"), "unknown_scope"),
        # users before guards
        (by_ann("invite", user="bob", role="vet"), "already_exists"),
        (by_ann("assign", user="nobody", role="vet"), "unknown_user"),
        (event("signup", user="gus", by="ann"), "inactive_user"),
        (by_ann("invite", user="new", role="vet"), "guard_failed"),
    ],
)
def test_the_order_of_refusals(given: Json, expected: str) -> None:
    """`invalid_event`, `no_rule`, `not_permitted`, names, users, guards."""
    assert code(STRICT, given) == expected


def test_names_of_groups_come_in_order() -> None:
    """A role, then a scope, then a group."""
    given = by_ann("assign", group="lost", role="ghost", scope="branch/lost")
    assert code(EVERYTHING, given) == "unknown_role"
    assert code(EVERYTHING, {**given, "role": "vet"}) == "unknown_scope"
    assert code(EVERYTHING, {**given, "role": "vet", "scope": None}) == "unknown_group"


# -- the shape ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_an_event_needs_its_keys(kind: str) -> None:
    """Without each that it needs it is invalid; null is absent."""
    needed = {"user", "role", "group", "scope"} & set(ACCEPTED[kind])
    if kind == "revoke":
        needed = {"user"}
    for key in needed:
        assert (
            code(EVERYTHING, {name: value for name, value in ACCEPTED[kind].items() if name != key}) == "invalid_event"
        )
        assert code(EVERYTHING, {**ACCEPTED[kind], key: None}) == "invalid_event"
        assert code(EVERYTHING, {**ACCEPTED[kind], key: ""}) == "invalid_event"
        assert code(EVERYTHING, {**ACCEPTED[kind], key: 5}) == "invalid_event"


USES: dict[str, str] = {
    "user": "signup sso_login register invite change_role assign revoke disable enable remove join leave",
    "role": "invite change_role assign revoke",
    "scope": "signup sso_login register invite change_role assign revoke create_scope delete_scope",
    "group": "assign revoke join leave create_group delete_group",
    "domain": "signup sso_login register",
    "attributes": "signup sso_login register invite",
    "parent": "create_scope",
    "from": "invite change_role assign",
    "until": "invite change_role assign",
    "claims": " ".join(KINDS),
    "id": " ".join(KINDS),
    "by": " ".join(KINDS),
}
VALUES: Json = {
    "user": "kit", "role": "viewer", "scope": "branch/south", "group": "desk", "domain": "x.org", "attributes": {},
    "parent": "region/east", "from": JULY, "until": JULY, "claims": {}, "id": "e1", "by": "ann",
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("key", USES)
def test_a_key_that_the_kind_has_no_use_for_is_invalid(kind: str, key: str) -> None:
    """And a key it has a use for is not; null is absent."""
    if key in ACCEPTED[kind]:
        return
    assert code(EVERYTHING, {**ACCEPTED[kind], key: None}) == "accepted"
    both = kind in ("assign", "revoke") and key == "group"  # a user and a group at once
    found = code(EVERYTHING, {**ACCEPTED[kind], key: VALUES[key]})
    assert (found == "invalid_event") is (kind not in USES[key].split() or both)


@pytest.mark.parametrize(
    "given",
    [
        None, 5, "signup", [], ["signup"], True, {}, {"user": "kit"}, {"type": None, "user": "kit"}, {"type": 5},
        {"type": ["signup"]}, {"type": "sign_up", "user": "kit"}, {"type": "", "user": "kit"},
        {"type": "signup", "user": "kit", "scop": "branch/north"}, {"type": "signup", "user": "new", "claims": []},
        {"type": "signup", "user": "new", "time": JULY}, {"type": "signup", "user": "new", "id": ""},
        {"type": "signup", "user": "new", "domain": ""}, {"type": "signup", "user": "new", "scope": "/north"},
        {"type": "signup", "user": "new", "scope": "branch/"}, {"type": "signup", "user": "new", "": 1},
        by_ann("create_scope", scope="branch/x", parent=5), by_ann("create_scope", scope="branch/x", parent=""),
        by_ann("create_scope", scope="branch/x", parent=["region/east", None]),
        by_ann("assign", role="vet"), by_ann("assign", role="vet", user="kit", group="desk"), by_ann("revoke"),
        by_ann("revoke", user="kit", group="desk"),
    ],
)  # fmt: skip
def test_invalid_events(given: Any) -> None:
    """What is no event, names no kind, or has a value that cannot be."""
    result = apply(EVERYTHING, given).result
    assert (result["code"], result["roles"], result["status"], result["at"]) == ("invalid_event", [], None, None)


def test_an_unknown_key_is_told_with_a_near_one() -> None:
    """A misspelt `scope` must not mean the root."""
    message = apply(EVERYTHING, by_ann("assign", user="kit", role="vet", scop="branch/north")).result["message"]
    assert "`scop`" in message
    assert "`scope`" in message


# -- results -----------------------------------------------------------------------------------------------------------


def test_a_refused_result_shows_what_is_there() -> None:
    """`roles` and `status` of the user or group as they were, at the event's scope."""
    found = apply(EVERYTHING, event("assign", user="bob", role="owner", scope="branch/north", by="gus")).result
    assert (found["code"], found["roles"], found["status"]) == ("not_permitted", ["viewer"], "active")
    found = apply("", by_ann("disable", user="dan")).result
    assert (found["code"], found["roles"], found["status"]) == ("no_rule", [], "disabled")
    found = apply(EVERYTHING, event("assign", group="all", role="vet")).result
    assert (found["roles"], found["status"]) == (["viewer"], None)
    found = apply(EVERYTHING, by_ann("remove", user="zed")).result
    assert (found["roles"], found["status"]) == ([], None)


def test_roles_are_sorted_names_once_each() -> None:
    """Present names, of individual roles, at the event's scope alone; includes are not among them."""
    directory = f"""
    scopes: {{branch/n: {{}}}}
    users:
      ann: {{}}
      kit:
        assignments: [{{role: vet}}, {{role: doctor}}, {{role: lead, until: {PAST}}}, {{role: owner, scope: branch/n}}]
    """
    assert apply(EVERYTHING, by_ann("enable", user="kit"), directory).result["roles"] == ["lead", "vet"]
    given = by_ann("revoke", user="kit", role="viewer", scope="branch/n")
    assert apply(EVERYTHING, given, directory).result["roles"] == ["owner"]


def test_a_refusal_does_not_stop_the_rest() -> None:
    """One result for each event, invalid ones too, each judged as the one before left things."""
    found = run(EVERYTHING, [
        event("signup", user="new"), {"type": "fly"}, event("signup", user="new"), 7, by_ann("disable", user="new"),
        event("sso_login", user="new"), by_ann("remove", user="new"), event("sso_login", user="new"),
        by_ann("invite", user="new", role="vet"),
    ])  # fmt: skip
    assert [one.result["code"] for one in found] == [
        "accepted", "invalid_event", "already_exists", "invalid_event", "accepted", "inactive_user", "accepted",
        "unknown_user", "accepted",
    ]  # fmt: skip
    assert found[1].directory is found[0].directory


def test_an_actor_who_was_removed_may_nothing_more() -> None:
    """The next event sees it."""
    found = run(EVERYTHING, [
        by_ann("assign", user="kit", role="owner"), by_ann("remove", user="ann"), by_ann("disable", user="kit"),
    ])  # fmt: skip
    assert [one.result["code"] for one in found] == ["accepted", "accepted", "not_permitted"]


@pytest.mark.parametrize("kind", KINDS)
def test_an_accepted_event_names_the_rules_that_permit_it(kind: str) -> None:
    """Those of the evaluator's answer for the actor; refused ones without a deciding rule name none."""
    text = f"assignments {{ on {kind} requires lead on member }}"
    given = {**ACCEPTED[kind], "by": "ann"}
    assert len(set(apply(text, given).outcome.rules)) == 1
    assert apply(text, {**given, "by": "kit"}).outcome.rules == ()


def test_former_names_of_roles_count() -> None:
    """As the roles they became, in events as in directories."""
    found = run(EVERYTHING, [by_ann("assign", user="kit", role="doctor"), by_ann("assign", user="kit", role="vet")])
    assert [one.result["roles"] for one in found] == [["vet"], ["vet"]]
    assert len(found[1].directory.users["kit"].assignments) == 1


def test_groups_from_claims_do_not_make_an_actor() -> None:
    """`roles from subject` lets unknown users ask; an event's `by` must be known to the directory."""
    text = "assignments { roles from subject on disable }"
    assert code(text, event("disable", user="kit", by="stranger")) == "not_permitted"


def test_a_policy_without_scopes() -> None:
    """Has a root without a name; a scope named there is unknown."""
    text = """
    area people { resource member { actions lead } }
    role lead { allow lead on member }
    assignments { on assign requires lead on member }
    """
    index = policy(text).index
    from remit.membership.apply import apply_event  # the base of the other tests has scopes

    directory = people("users: {eve: {assignments: [{role: lead}]}, kit: {}}")
    given = event("assign", by="eve", user="kit", role="lead")
    assert apply_event(index, directory, given, NOW).result["roles"] == ["lead"]
    assert apply_event(index, directory, {**given, "scope": "company"}, NOW).result["code"] == "unknown_scope"
