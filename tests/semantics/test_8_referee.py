"""SEMANTICS 8 and decision 013 as the referee (`tests/referee/events.py`) reads them. The product is not asked."""

from __future__ import annotations

from typing import Any

import pytest
from referee.decide import moment
from referee.events import EventVerdict, judge_event
from referee.guards import moments
from world import policy

from remit import Directory

POLICY = """
scope company
scope branch in company
area people { resource member {
  status: string?  role: string?  new_role: string?  roles: set of string  new_roles: set of string
  actions invite, change, lead
} }
area desk { resource note { label: string  actions read, write } }
user { team: string }
claims { groups: set of string }
role viewer { allow read on note }
role vet was doctor includes viewer { allow write on note when resource.label == "red" }
role owner { allow * on * }
role lead { allow invite on member  allow read on note }
"""
PEOPLE = """
joined_domains: [old.org]
removed: [zed, yan@gone.org]
scopes: {branch/north: {}, branch/south: {}}
users:
  ann: {assignments: [{role: owner}]}
  bob: {assignments: [{role: viewer, scope: branch/north}, {role: doctor, scope: branch/south}]}
  cyd: {status: pending, assignments: [{role: viewer, until: 2026-06-01T00:00:00Z}]}
  dan: {status: disabled, status_before: pending}
  eve@acme.com: {assignments: [{role: lead}]}
  kit: {}
groups:
  desk: {members: [kit], assignments: [{role: vet, scope: branch/north}]}
  all: {members: [group/desk], assignments: [{role: viewer}]}
  none: {}
"""
NOW = moment("2026-03-01T12:00:00Z")


def judged(text: str, event: dict[str, Any], directory: str | Directory = PEOPLE) -> EventVerdict:
    """What becomes of an event under `POLICY` with these lines, or with these guards beside lines for everything."""
    everything = "" if "assignments" in text else f"assignments {{ {' '.join(f'on {kind}' for kind in KINDS)} }}"
    model = policy("\n".join([POLICY, text, everything])).model
    assert model is not None
    assert isinstance(NOW, int)
    there = Directory.from_text(directory).data if isinstance(directory, str) else directory
    return judge_event(model, there, event, NOW)


KINDS = ["signup", "sso_login", "invite", "change_role", "assign", "revoke", "disable", "enable", "remove"]
KINDS += ["join", "leave", "create_group", "delete_group", "create_scope", "delete_scope"]


def by_ann(type: str, **more: Any) -> dict[str, Any]:
    return {"type": type, "by": "ann", **more}


@pytest.mark.parametrize(
    "event, code",
    [
        ({"type": "fly", "by": "ann"}, "invalid_event"),
        (by_ann("disable", user="bob", scope="company"), "invalid_event"),
        (by_ann("invite", user="new"), "invalid_event"),
        (by_ann("assign", role="vet", user="bob", group="desk"), "invalid_event"),
        (by_ann("assign", role="vet", user="bob", scope="branch/"), "invalid_event"),
        (by_ann("invite", user="new", role="vet", attributes={"team": 5}), "invalid_event"),
        (by_ann("invite", user="new", role="vet", attributes={"age": 5}), "invalid_event"),
        (
            by_ann("assign", user="bob", role="vet", until="2026-01-01T00:00:00Z", **{"from": "2026-01-01T00:00:00Z"}),
            "invalid_event",
        ),
        (by_ann("disable", user="bob", time="noon"), "invalid_event"),
        ({"type": "sso_login", "user": "kit", "domain": ""}, "invalid_event"),
        (by_ann("create_scope", scope="branch/x", parent=["company", ""]), "invalid_event"),
        ({"type": "register", "user": "cyd"}, "no_rule"),
        ({"type": "disable", "user": "bob"}, "not_permitted"),
        ({"type": "disable", "user": "bob", "by": "cyd"}, "not_permitted"),
        (by_ann("invite", user="bob", role="ghost", scope="branch/lost"), "unknown_role"),
        (by_ann("invite", user="bob", role="vet", scope="branch/lost"), "unknown_scope"),
        (by_ann("join", user="nobody", group="lost"), "unknown_group"),
        (by_ann("remove", user="zed"), "unknown_user"),
        (by_ann("invite", user="dan", role="vet"), "already_exists"),
        (by_ann("invite", user="zed", role="vet"), "accepted"),
        ({"type": "signup", "user": "zed"}, "unknown_user"),
        ({"type": "signup", "user": "dan"}, "inactive_user"),
        ({"type": "signup", "user": "bob"}, "already_exists"),
        (by_ann("create_scope", scope="company"), "already_exists"),
        (by_ann("create_scope", scope="branch/north"), "already_exists"),
        (by_ann("create_scope", scope="planet/x"), "unknown_scope"),
        (by_ann("create_scope", scope="branch/x", parent=["company", "branch/north"]), "accepted"),
        (by_ann("delete_scope", scope="branch/north"), "not_empty"),
        (by_ann("delete_scope", scope="company"), "not_empty"),
        (by_ann("delete_group", group="desk"), "not_empty"),
        (by_ann("delete_group", group="none"), "accepted"),
    ],
)
def test_refused_first(event: dict[str, Any], code: str) -> None:
    """The first code that fits, and a refusal changes nothing."""
    found = judged("", event)
    assert found.code == code
    assert (found.directory == Directory.from_text(PEOPLE).data) is (code != "accepted")


@pytest.mark.parametrize(
    "event, roles, status",
    [
        (by_ann("change_role", user="bob", role="owner", scope="branch/north"), ["owner"], "active"),
        (by_ann("assign", user="bob", role="owner", scope="branch/south"), ["owner", "vet"], "active"),
        (by_ann("assign", user="bob", role="vet", scope="branch/south"), ["vet"], "active"),
        (by_ann("revoke", user="bob", role="vet", scope="branch/south"), [], "active"),
        (by_ann("revoke", user="cyd"), [], "pending"),
        (by_ann("disable", user="bob"), [], "disabled"),
        (by_ann("enable", user="dan"), [], "pending"),
        (by_ann("enable", user="cyd"), ["viewer"], "pending"),
        (by_ann("remove", user="cyd"), [], None),
        (by_ann("invite", user="new", role="doctor"), ["vet"], "active"),
        ({"type": "sso_login", "user": "cyd"}, ["viewer"], "active"),
    ],
)
def test_afterwards(event: dict[str, Any], roles: list[str], status: str | None) -> None:
    """Roles at the event's scope, and the status, afterwards."""
    found = judged("", event)
    assert (found.code, found.roles, found.status) == ("accepted", roles, status)


def test_invited_users_wait_where_they_can_register() -> None:
    """With an `on register` line an invited user is pending, and registering makes them active."""
    text = "assignments { on invite on register }"
    invited = judged(text, by_ann("invite", user="new", role="vet"))
    assert invited.status == "pending"
    assert judged(text, {"type": "register", "user": "new"}, invited.directory).status == "active"
    assert judged(text, {"type": "register", "user": "new2"}, invited.directory).code == "unknown_user"


@pytest.mark.parametrize(
    "user, domain, roles",
    [
        ("new@fresh.org", None, ["vet"]),
        ("new@ACME.com", None, []),
        ("new@old.org", None, []),
        ("new@gone.org", None, []),
        ("new", None, []),
        ("new", "Fresh.org", ["vet"]),
        ("new@fresh.org", "acme.com", []),
    ],
)
def test_first_in_domain(user: str, domain: str | None, roles: list[str]) -> None:
    """Nobody ever joined from there: neither those listed, nor those who are there, nor removed ones."""
    found = judged(
        "assignments { on signup when first in domain assign vet }", {"type": "signup", "user": user, "domain": domain}
    )
    assert (found.code, found.roles) == ("accepted", roles)


def test_a_domain_stays_joined() -> None:
    """Who is removed and invited again is not the first in their domain."""
    text = "assignments { on invite on register when first in domain assign owner on remove }"
    gone = judged(text, by_ann("remove", user="eve@acme.com")).directory
    back = judged(text, by_ann("invite", user="eve@acme.com", role="viewer"), gone).directory
    assert judged(text, {"type": "register", "user": "eve@acme.com"}, back).roles == ["viewer"]


@pytest.mark.parametrize("user, roles", [("kit", []), ("new", ["viewer"]), ("eve@acme.com", ["lead"])])
def test_unassigned(user: str, roles: list[str]) -> None:
    """Roles through groups count."""
    found = judged("assignments { on sso_login when unassigned assign viewer }", {"type": "sso_login", "user": user})
    assert found.roles == roles


@pytest.mark.parametrize(
    "claims, by, code, roles",
    [
        ({"groups": ["vets"]}, "ann", "accepted", ["vet", "viewer"]),
        ({"groups": []}, "kit", "accepted", []),
        ({"groups": 5}, "ann", "accepted", []),
        ({"groups": 5}, "kit", "not_permitted", []),
        (None, "kit", "not_permitted", []),
    ],
)
def test_claims(claims: Any, by: str, code: str, roles: list[str]) -> None:
    """What is not known gives nothing and lifts nothing."""
    text = 'assignments { on assign requires invite on member when "vets" in claims.groups assign viewer }'
    event = {"type": "assign", "by": by, "user": "kit", "role": "vet", "claims": claims}
    found = judged(text, event)
    assert (found.code, found.roles) == (code, roles)


@pytest.mark.parametrize(
    "when, event, code",
    [
        ('"viewer" in resource.new_roles', {"user": "kit", "role": "vet"}, "accepted"),
        ('has resource.new_role and resource.new_role == "vet"', {"user": "kit", "role": "doctor"}, "accepted"),
        ('has resource.status and resource.status == "pending"', {"user": "cyd", "role": "vet"}, "accepted"),
        ("has resource.status", {"user": "nobody", "role": "vet"}, "not_permitted"),
        ("not has resource.status", {"user": "nobody", "role": "vet"}, "unknown_user"),
        ('"vet" in resource.roles', {"user": "kit", "role": "vet"}, "not_permitted"),
        ('"vet" in resource.roles', {"user": "kit", "role": "vet", "scope": "branch/north"}, "accepted"),
        ("has resource.role", {"user": "kit", "role": "vet", "scope": "branch/north"}, "not_permitted"),
        ("has resource.role", {"user": "kit", "role": "vet"}, "accepted"),
        ('resource.id == "kit"', {"user": "kit", "role": "vet"}, "accepted"),
        ('resource.scope == "company"', {"user": "kit", "role": "vet"}, "accepted"),
    ],
)
def test_the_member_concerned(when: str, event: dict[str, Any], code: str) -> None:
    """What an event says of the member."""
    text = f"assignments {{ on assign requires change on member }} role boss {{ allow change on member when {when} }}"
    people = PEOPLE.replace("{role: lead}", "{role: boss}")
    assert judged(text, {"type": "assign", "by": "eve@acme.com", **event}, people).code == code


def test_within_own() -> None:
    """Nobody gives what they may not do; what nothing speaks against is not settled here."""
    text = "assignments { on invite requires invite on member, role within own }"
    event = {"type": "invite", "by": "eve@acme.com", "user": "new"}
    assert judged(text, {**event, "role": "vet"}).code == "not_permitted"
    found = judged(text, {**event, "role": "viewer"})
    assert (found.code, found.unsure) == ("accepted", True)


def test_groups_have_lines_of_their_own() -> None:
    """`on assign` judges users, `on assign to group` groups."""
    event = by_ann("assign", group="desk", role="viewer", scope="branch/north")
    assert judged("assignments { on assign }", event).code == "no_rule"
    found = judged("assignments { on assign to group }", event)
    assert (found.roles, found.status) == (["vet", "viewer"], None)


def test_joining_is_judged_wherever_the_group_is_assigned() -> None:
    """At every place of the group or of one above it."""
    text = "assignments { on join requires invite on member }"
    join = {"type": "join", "by": "eve@acme.com", "user": "bob"}
    people = PEOPLE.replace("[{role: lead}]", "[{role: lead, scope: branch/north}]")
    assert judged(text, {**join, "group": "desk"}).code == "accepted"
    assert judged(text, {**join, "group": "desk"}, people).code == "not_permitted"


@pytest.mark.parametrize(
    "guard, event, fails",
    [
        ("at least 1 active owner", by_ann("disable", user="ann"), True),
        ("at least 1 owner", by_ann("disable", user="ann"), False),
        ("at least 3 active owner", by_ann("disable", user="kit"), False),
        ("at least 1 owner", by_ann("change_role", user="ann", role="vet"), True),
        ("at least 1 vet", by_ann("leave", user="kit", group="desk"), False),
        ("at least 1 vet per branch", by_ann("leave", user="kit", group="desk"), True),
        ("at least 1 viewer per branch", by_ann("create_scope", scope="branch/x"), False),
        ("at most 1 owner", by_ann("assign", user="bob", role="owner", scope="branch/north"), True),
        ("at most 1 owner per branch", by_ann("assign", user="bob", role="owner", scope="branch/north"), True),
        ("at most 0 owner", by_ann("assign", user="bob", role="vet"), False),
        ("never owner with viewer", by_ann("assign", user="kit", role="owner", scope="branch/south"), True),
        ("never owner with vet per branch", by_ann("assign", user="kit", role="owner", scope="branch/south"), False),
        ("at most 2 role per user", by_ann("assign", user="bob", role="lead"), True),
        ("at most 2 role per user", by_ann("assign", user="bob", role="vet"), False),
        ("at most 2 role per user per branch", by_ann("assign", user="bob", role="lead"), False),
        ("at most 1 viewer", by_ann("assign", user="ann", role="vet", **{"from": "2027-01-01T00:00:00Z"}), True),
    ],
)
def test_guards(guard: str, event: dict[str, Any], fails: bool) -> None:
    """Refused only where it makes things worse, now or later."""
    found = judged(f"guard kept: {guard}", event)
    assert (found.code, found.guard) == (("guard_failed", "kept") if fails else ("accepted", None))


def test_the_first_guard_by_name_is_told() -> None:
    """Where several fail."""
    guards = "guard b: at least 1 owner guard a: at least 1 active owner"
    assert judged(guards, by_ann("remove", user="ann")).guard == "a"


def test_moments() -> None:
    """Every later `from` and `until`, of before and after."""
    assert isinstance(NOW, int)
    directory = Directory.from_text(PEOPLE).data
    assert moments(directory, directory, NOW) == [moment("2026-06-01T00:00:00Z")]


# -- readings of 013 -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "kind, more",
    [
        ("create_group", {"group": "new"}),
        ("delete_group", {"group": "none"}),
        ("create_scope", {"scope": "branch/x"}),
        ("delete_scope", {"scope": "branch/empty"}),
    ],
)
@pytest.mark.parametrize("at, code", [("company", "accepted"), ("branch/empty", "not_permitted")])
def test_groups_and_places_come_and_go_at_the_root(kind: str, more: dict[str, Any], at: str, code: str) -> None:
    """Who may do something at a branch alone makes and deletes none, not even that branch."""
    people = PEOPLE.replace("branch/south: {}", "branch/south: {}, branch/empty: {}")
    people = people.replace("[{role: lead}]", f"[{{role: lead, scope: {at}}}]")
    event = {"type": kind, "by": "eve@acme.com", **more}
    assert judged(f"assignments {{ on {kind} requires invite on member }}", event, people).code == code


@pytest.mark.parametrize(
    "event, roles",
    [
        (by_ann("delete_group", group="all"), ["viewer"]),
        (by_ann("delete_group", group="none"), []),
        (by_ann("create_group", group="all"), ["viewer"]),
        (by_ann("join", group="all", user="bob"), []),
        (by_ann("delete_scope", scope="branch/north"), []),
    ],
)
def test_roles_of_the_group_itself(event: dict[str, Any], roles: list[str]) -> None:
    """At the root, where groups come and go; events for places have none."""
    assert judged("", event).roles == roles


GHOSTS = """
users:
  ann: {assignments: [{role: owner}]}
  bob: {assignments: [{role: ghost}, {role: wraith}, {role: vet}, {role: ghost, scope: branch/north}]}
scopes: {branch/north: {}}
groups: {desk: {members: [bob], assignments: [{role: wraith}, {role: shade}]}}
"""


@pytest.mark.parametrize(
    "event, code, roles",
    [
        (by_ann("revoke", user="bob", role="ghost"), "accepted", ["vet", "wraith"]),
        (by_ann("revoke", user="bob", role="wraith", scope="branch/north"), "accepted", ["ghost"]),
        (by_ann("revoke", user="bob", role="shade"), "unknown_role", ["ghost", "vet", "wraith"]),
        (by_ann("revoke", user="ann", role="ghost"), "unknown_role", ["owner"]),
        (by_ann("assign", user="bob", role="ghost"), "unknown_role", ["ghost", "vet", "wraith"]),
        (by_ann("revoke", group="desk", role="shade"), "accepted", ["wraith"]),
        (by_ann("revoke", group="desk", role="ghost"), "unknown_role", ["shade", "wraith"]),
    ],
)
def test_what_an_older_policy_gave_can_be_taken(event: dict[str, Any], code: str, roles: list[str]) -> None:
    """By exactly that name, held at any scope, by this user or group itself."""
    found = judged("assignments { on assign on revoke on revoke to group }", event, GHOSTS)
    assert (found.code, found.roles) == (code, roles)


@pytest.mark.parametrize(
    "when", ['"ghost" in resource.new_roles', 'has resource.new_role and resource.new_role == "ghost"']
)
@pytest.mark.parametrize("role, code", [("ghost", "unknown_role"), ("vet", "not_permitted")])
def test_an_unknown_role_has_its_name(when: str, role: str, code: str) -> None:
    """Who may give it is told that there is none."""
    text = f"assignments {{ on assign requires change on member }} role boss {{ allow change on member when {when} }}"
    people = PEOPLE.replace("{role: lead}", "{role: boss}")
    event = {"type": "assign", "by": "eve@acme.com", "user": "kit", "role": role}
    assert judged(text, event, people).code == code


def test_an_unknown_role_gives_nothing_beyond_own() -> None:
    """`role within own` holds of it, even where `everyone` may what the actor may not."""
    text = """assignments { on assign requires change on member, role within own }
    everyone { allow read on note }  role boss { allow change on member  deny read on note }"""
    people = PEOPLE.replace("{role: lead}", "{role: boss}")
    event = {"type": "assign", "by": "eve@acme.com", "user": "kit", "role": "ghost"}
    assert judged(text, event, people).code == "unknown_role"


@pytest.mark.parametrize(
    "declared, when, code",
    [
        ('status: "active" | "pending"', 'resource.status == "pending"', "accepted"),
        ('status: "active" | "disabled"', 'resource.status != "active"', "not_permitted"),
        ('status: ("active" | "pending")?', 'has resource.status and resource.status == "pending"', "accepted"),
        ("status: string", 'resource.status == "pending"', "accepted"),
        ("status: int?", "not has resource.status", "accepted"),
    ],
)
def test_a_status_of_any_textual_type(declared: str, when: str, code: str) -> None:
    """As it is; one that an enumeration lacks is unknown."""
    text = f"""area crew {{ resource person {{ {declared}  actions stop }} }}
    role boss {{ allow stop on person when {when} }}  assignments {{ on disable requires stop on person }}"""
    people = PEOPLE.replace("{role: lead}", "{role: boss}")
    assert judged(text, {"type": "disable", "by": "eve@acme.com", "user": "cyd"}, people).code == code


@pytest.mark.parametrize("kind, user", [("sso_login", "kit"), ("sso_login", "cyd"), ("register", "cyd")])
def test_attributes_are_merged(kind: str, user: str) -> None:
    """Into those of users who sign in, active ones too."""
    event = {"type": kind, "user": user, "attributes": {"team": "red"}}
    found = judged(f"assignments {{ on {kind} }}", event)
    assert found.code == "accepted"
    assert found.directory.users[user].attributes == {"team": "red"}


NO = 'when "x" in claims.groups'


@pytest.mark.parametrize("claims", [{"groups": []}, {}])
@pytest.mark.parametrize(
    "event, code",
    [
        (by_ann("disable", user="bob"), "accepted"),
        (by_ann("remove", user="bob"), "accepted"),
        (by_ann("revoke", user="bob", scope="branch/north"), "accepted"),
        (by_ann("invite", user="new", role="vet"), "accepted"),
        (by_ann("invite", user="bob", role="vet"), "already_exists"),
        (by_ann("change_role", user="nobody", role="vet"), "unknown_user"),
        (by_ann("assign", user="bob", role="ghost"), "unknown_role"),
        (by_ann("join", user="bob", group="none"), "accepted"),
        (by_ann("join", user="bob", group="lost"), "unknown_group"),
        (by_ann("create_group", group="new"), "accepted"),
        (by_ann("create_group", group="desk"), "already_exists"),
        (by_ann("delete_group", group="none"), "accepted"),
        (by_ann("delete_group", group="desk"), "not_empty"),
        (by_ann("create_scope", scope="branch/x"), "accepted"),
        (by_ann("delete_scope", scope="branch/north"), "not_empty"),
    ],
)
def test_where_no_line_matches_nothing_changes(event: dict[str, Any], code: str, claims: Any) -> None:
    """Accepted after every refusal that applies."""
    text = f"assignments {{ on {event['type']} {NO} assign vet }} guard none: at most 0 vet"
    found = judged(text, {**event, "claims": claims})
    assert (found.code, found.directory) == (code, Directory.from_text(PEOPLE).data)


def test_users_sign_up_where_no_line_matches() -> None:
    """What users do of their own is done."""
    found = judged(f"assignments {{ on signup {NO} assign vet }}", {"type": "signup", "user": "new"})
    assert (found.code, found.roles, found.status) == ("accepted", [], "active")


@pytest.mark.parametrize(
    "event, holder",
    [
        (by_ann("disable", user="kit"), "kit"),
        (by_ann("enable", user="dan"), "dan"),
        (by_ann("join", user="bob", group="none"), "bob"),
        (by_ann("leave", user="kit", group="desk"), "kit"),
        (by_ann("revoke", user="kit"), "kit"),
        (by_ann("create_group", group="new"), "new"),
        (by_ann("remove", user="kit"), None),
        (by_ann("delete_group", group="none"), None),
        (by_ann("create_scope", scope="branch/x"), None),
    ],
)
def test_lines_assign_on_every_kind(event: dict[str, Any], holder: str | None) -> None:
    """At the root; where nobody is left to give it to, nobody is judged for giving it."""
    text = f"assignments {{ on {event['type']} requires change on member, role within own assign owner }}"
    boss = f"{text} role boss {{ allow * on member }}"
    people = PEOPLE.replace("{role: lead}", "{role: boss}")
    found = judged(boss, event, people)
    assert found.code == "accepted"
    holders = {**found.directory.users, **found.directory.groups}
    owners = {name for name, one in holders.items() if "owner" in [item.role for item in one.assignments]}
    assert owners == {"ann", *([holder] if holder else [])}
    less = judged(boss, {**event, "by": "eve@acme.com"}, people)
    assert less.code == ("not_permitted" if holder else "accepted")


def test_what_has_ended_is_not_given_by_joining() -> None:
    """What begins later is."""
    text = """assignments { on join requires change on member }
    role boss { allow change on member when has resource.new_role and resource.new_role == "vet" }"""
    people = PEOPLE.replace("{role: lead}", "{role: boss}")
    ended, later = "{role: owner, until: 2026-03-01T12:00:00Z}", "{role: owner, from: 2027-01-01T00:00:00Z}"
    event = {"type": "join", "by": "eve@acme.com", "user": "bob", "group": "none"}
    for items, code in ((ended, "accepted"), (later, "not_permitted")):
        groups = people.replace("none: {}", f"none: {{assignments: [{{role: vet}}, {items}]}}")
        assert judged(text, event, groups).code == code


def test_the_domain_of_a_tombstone() -> None:
    """Who is invited again has joined from there before."""
    found = judged("", by_ann("invite", user="yan@gone.org", role="vet"))
    assert found.directory.joined_domains == {"old.org", "gone.org"}
    assert found.directory.removed == {"zed"}


@pytest.mark.parametrize(
    "guard, kind, fails",
    [
        ("at most 1 role per user", "join", True),
        ("never lead with viewer", "join", True),
        ("at most 1 role per user", "leave", False),
        ("at least 1 viewer", "leave", True),
    ],
)
def test_guards_see_both_what_joining_and_what_the_line_gives(guard: str, kind: str, fails: bool) -> None:
    """Membership and assignment are one event."""
    members = "kit" if kind == "leave" else ""
    people = f"""
users: {{ann: {{assignments: [{{role: owner}}]}}, kit: {{}}}}
groups: {{desk: {{members: [{members}], assignments: [{{role: viewer}}]}}}}
"""
    text = f"guard kept: {guard} assignments {{ on {kind} assign lead }}"
    found = judged(text, by_ann(kind, user="kit", group="desk"), people)
    assert found.code == ("guard_failed" if fails else "accepted")
