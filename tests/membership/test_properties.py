"""Any events on any small directory: refusals change nothing, guards never get worse, and everybody agrees.

Guards are counted here by hand, for everybody at every moment. `remit.membership.guards` is not asked.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from membership.acting import ACCEPTED, BASE, KINDS, NOW, OWN, Json, policy
from pydantic import ValidationError

from remit import wire
from remit.directory.changes import GroupPut, changed
from remit.directory.shape import Assignment, Directory, Group, Scope, Status, User
from remit.instant import format_instant
from remit.membership.apply import apply_event, apply_events
from remit.membership.event import BadEvent, Event, read_event
from remit.membership.roster import MemoryRoster

DAY = 86_400 * 10**9
INCLUDES = {"viewer": {"viewer"}, "vet": {"vet", "viewer"}, "lead": {"lead"}, "owner": {"owner"}}
FORMER = {"doctor": "vet"}
# name → (kind, number, active, role, other role, per)
GUARDS: dict[str, tuple[str, int, bool, str, str, str]] = {
    "a": ("least", 1, True, "owner", "", ""),
    "b": ("least", 1, False, "viewer", "", "branch"),
    "c": ("least", 2, True, "lead", "", "company"),
    "d": ("most", 2, True, "vet", "", ""),
    "e": ("most", 1, False, "lead", "", "branch"),
    "f": ("never", 0, False, "owner", "viewer", ""),
    "g": ("never", 0, False, "vet", "lead", "branch"),
    "h": ("per_user", 2, False, "", "", ""),
    "i": ("per_user", 1, False, "", "", "region"),
}
WRITTEN = """
guard a: at least 1 active owner  guard b: at least 1 viewer per branch  guard c: at least 2 active lead per company
guard d: at most 2 active vet  guard e: at most 1 lead per branch  guard f: never owner with viewer
guard g: never vet with lead per branch  guard h: at most 2 role per user  guard i: at most 1 role per user per region
"""
LINES = " ".join(f"on {kind}" for kind in KINDS if kind not in ("signup", "sso_login"))
LINES += ' on signup when first in domain assign owner on sso_login when "a" in claims.groups assign vet'
LINES += " on sso_login when unassigned assign viewer on assign to group on revoke to group"
LINES += "".join(
    f' on {kind} when "a" in claims.groups assign {role}'
    for kind, role in (
        ("join", "lead"),
        ("leave", "vet"),
        ("disable", "viewer"),
        ("enable", "owner"),
        ("revoke", "lead"),
    )
)
FREE = f"assignments {{ {LINES} }}"  # everybody may everything
HIDING = FREE.replace("{", "{ individual over group", 1)


# -- directories and events --------------------------------------------------------------------------------------------

USERS = ["a@x.com", "b@x.com", "c@y.com", "d", "e"]
GROUPS = ["g", "h", "k"]
SCOPES = ["region/e", "branch/n", "branch/s"]
TIMES = [NOW + days * DAY for days in (-2, -1, 0, 1, 2, 3)]

_windows = st.one_of(
    st.just((None, None)),
    st.lists(st.sampled_from(TIMES), min_size=2, max_size=2, unique=True).map(lambda pair: tuple(sorted(pair))),
    st.sampled_from(TIMES).map(lambda time: (time, None)),
    st.sampled_from(TIMES).map(lambda time: (None, time)),
)
_assignments = st.lists(
    st.tuples(
        st.sampled_from(["viewer", "vet", "doctor", "lead", "owner", "ghost"]),
        st.sampled_from([None, "company", *SCOPES]),
        _windows,
    ).map(lambda made: Assignment(made[0], made[1], *made[2])),
    max_size=2,
).map(tuple)
_statuses: st.SearchStrategy[Status] = st.sampled_from(["active", "active", "active", "pending", "disabled"])


@st.composite
def directories(draw: st.DrawFn) -> Directory:
    """A directory that fits `BASE`: groups lie inside later ones, so never in a circle."""
    there = draw(st.lists(st.sampled_from(USERS), unique=True, min_size=2))
    users = {
        name: User(name, status=draw(_statuses), assignments=draw(_assignments))._replace(status_before=None)
        for name in there
    }
    groups = {}
    for place, name in enumerate(GROUPS):
        members = tuple(draw(st.lists(st.sampled_from(there), unique=True, max_size=3)))
        inner = tuple(draw(st.lists(st.sampled_from(GROUPS[:place]), unique=True, max_size=2))) if place else ()
        groups[name] = Group(name, members, inner, draw(_assignments))
    parents = draw(st.sampled_from([(), ("company",), ("region/e",), ("company", "region/e")]))
    scopes = {"region/e": Scope("region/e"), "branch/n": Scope("branch/n", parents), "branch/s": Scope("branch/s")}
    removed = frozenset(draw(st.lists(st.sampled_from([name for name in [*USERS, "z"] if name not in there]))))
    return Directory(users, groups, scopes, frozenset(draw(st.sets(st.sampled_from(["x.com", "y.com"])))), removed)


_NAMED: dict[str, st.SearchStrategy[Any]] = {
    "user": st.sampled_from([*USERS, "z", "new@n.org"]),
    "role": st.sampled_from(["viewer", "vet", "vet", "lead", "lead", "owner", "owner", "doctor", "ghost"]),
    "scope": st.sampled_from([None, "company", *SCOPES, "branch/new", "planet/x"]),
    "group": st.sampled_from([*GROUPS, "new"]),
    "claims": st.sampled_from([None, {"groups": ["a"]}, {"groups": []}, {"groups": 5}]),
    "by": st.sampled_from([*USERS[:3], USERS[0], "z", None]),
    "domain": st.sampled_from([None, "X.com", "n.org"]),
    "parent": st.sampled_from([None, "company", "region/e", ["region/e", "branch/n"]]),
}
_TAKES = {
    "signup": "user domain scope", "sso_login": "user scope claims", "register": "user",
    "invite": "user role scope window", "change_role": "user role scope window", "assign": "whose role scope window",
    "revoke": "whose scope claims", "disable": "user claims", "enable": "user claims", "remove": "user",
    "join": "user group claims", "leave": "user group claims", "create_group": "group", "delete_group": "group",
    "create_scope": "scope parent", "delete_scope": "scope",
}  # fmt: skip


@st.composite
def events(draw: st.DrawFn, kinds: tuple[str, ...] = tuple(KINDS)) -> Json:
    """An event that is well formed, more often than not one that may be accepted."""
    kind = draw(st.sampled_from(kinds))
    made: Json = {"type": kind}
    if kind not in OWN:
        made["by"] = draw(_NAMED["by"])
    for key in _TAKES[kind].split():
        if key == "whose":
            key = draw(st.sampled_from(["user", "user", "group"]))
        if key == "window":
            start, end = draw(_windows)
            made |= {
                "from": start if start is None else format_instant(start),
                "until": end if end is None else format_instant(end),
            }
        else:
            made[key] = draw(_NAMED[key])
    if kind == "revoke":
        made["role"] = draw(st.one_of(st.none(), _NAMED["role"]))
    return made


# -- guards, counted by hand -------------------------------------------------------------------------------------------


def held(directory: Directory, user: User, time: int) -> list[tuple[str, str | None, bool]]:
    """Every role that counts then: its name, its place (the root is None), and whether it is the user's own."""
    found = [(one, True) for one in user.assignments]
    inside = {name for name, group in directory.groups.items() if user.id in group.members}
    while more := {n for n, group in directory.groups.items() if inside & set(group.groups)} - inside:
        inside |= more
    found += [(one, False) for name in inside for one in directory.groups[name].assignments]
    return [
        (FORMER.get(one.role, one.role), None if one.scope == "company" else one.scope, own)
        for one, own in found
        if FORMER.get(one.role, one.role) in INCLUDES
        and (one.start is None or one.start <= time)
        and (one.end is None or time < one.end)
    ]


def above(directory: Directory, place: str | None) -> set[str | None]:
    """A place and all above it."""
    found: set[str | None] = {None, place}
    if place is not None:
        for parent in directory.scopes[place].parents:
            found |= above(directory, None if parent == "company" else parent)
    return found


def counts(directory: Directory, guard: str, time: int, hiding: bool) -> dict[tuple[str | None, str], int]:
    """What the guard counts, by place and, where it counts by person, by person."""
    kind, _, active, role, other, per = GUARDS[guard]
    places: list[str | None] = [None]
    if per not in ("", "company"):
        places = [name for name in directory.scopes if name.startswith(per + "/")]
    found: dict[tuple[str | None, str], int] = {}
    for place in places:
        here = above(directory, place)
        holders = 0
        for user in directory.users.values():
            everything = held(directory, user, time)
            if per or kind == "least":
                bearing = [one for one in everything if one[1] in here]
            else:
                bearing = everything
            if kind == "least" and hiding:
                taken = {scope for _, scope, own in everything if own}
                bearing = [one for one in bearing if one[2] or one[1] not in taken]
            names = {name for name, _, _ in bearing}
            closed = set().union(*(INCLUDES[name] for name in names))
            if kind == "per_user":
                found[place, user.id] = len(names)
            elif kind == "never":
                found[place, user.id] = int(role in closed and other in closed)
            elif role in closed and (user.status == "active" or not active):
                holders += 1
        if kind in ("least", "most"):
            found[place, ""] = holders
    return found


def moments(*all: Directory, now: int) -> list[int]:
    """Now, and every later `from` and `until`."""
    holders: Iterator[User | Group] = (
        one for directory in all for one in [*directory.users.values(), *directory.groups.values()]
    )
    times = {time for one in holders for given in one.assignments for time in (given.start, given.end)}
    return [now, *sorted(time for time in times if time is not None and time > now)]


def worse(before: Directory, after: Directory, now: int, hiding: bool) -> list[str]:
    """The guards that are worse after than before: a count below its least fell, one above its most rose, somebody
    newly combines two roles. A place that is new, or gone, has nothing to compare."""
    found = []
    for guard, (kind, number, *_) in GUARDS.items():
        for time in moments(before, after, now=now):
            had, has = (counts(one, guard, time, hiding) for one in (before, after))
            places = {place for place, _ in had} if kind in ("least", "most") else {None, *before.scopes}
            for key, count in has.items():
                past = had.get(key, 0)
                if key[0] in places and (count < min(past, number) if kind == "least" else count > max(past, number)):
                    found.append(guard)
    return sorted(set(found))


# -- the properties ----------------------------------------------------------------------------------------------------

HISTORIES = st.tuples(directories(), st.lists(events(), min_size=1, max_size=8))


@pytest.mark.parametrize("hiding", [False, True])
@given(history=HISTORIES)
def test_guards_are_refused_where_things_get_worse_and_nowhere_else(
    hiding: bool, history: tuple[Directory, list[Json]]
) -> None:
    """Counted by hand: what would happen without guards is refused just where a guard gets worse, naming the first."""
    lines = HIDING if hiding else FREE
    guarded, free = policy(BASE + lines + WRITTEN).index, policy(BASE + lines).index
    directory, made = history
    for event in made:
        applied, unguarded = (apply_event(index, directory, event, NOW) for index in (guarded, free))
        code = unguarded.outcome.code
        broken = worse(directory, unguarded.directory, NOW, hiding)
        if code != "accepted":
            assert applied.outcome.code == code
        elif broken:
            assert (applied.outcome.code, applied.outcome.guard) == ("guard_failed", broken[0])
        else:
            assert applied.outcome.code == "accepted"
            assert applied.directory == unguarded.directory
        assert worse(directory, applied.directory, NOW, hiding) == []
        directory = applied.directory


@given(history=HISTORIES)
def test_events_are_pure(history: tuple[Directory, list[Json]]) -> None:
    """A refused event changes nothing, an accepted one nothing that it was given, and the same again gives the same."""
    index = policy(BASE + FREE + WRITTEN).index
    directory, made = history
    for event in made:
        kept, asked = copy.deepcopy(plain(directory)), copy.deepcopy(event)
        one, other = (apply_event(index, directory, event, NOW) for _ in range(2))
        assert one == other
        assert (plain(directory), event) == (kept, asked)
        if not one.outcome.accepted:
            assert one.directory == directory
            assert one.outcome.changes == ()
        wire.Result.model_validate(one.result)
        wire.Audit.model_validate(one.record(NOW, "acme", "digest"))
        directory = one.directory
        assert set(directory.users).isdisjoint(directory.removed)
        assert all(set(group.members) <= set(directory.users) for group in directory.groups.values())


def plain(directory: Directory) -> Any:
    """A directory as dictionaries that can be copied."""
    users = {name: user._replace(attributes=dict(user.attributes)) for name, user in directory.users.items()}
    return directory._replace(users=users, groups=dict(directory.groups), scopes=dict(directory.scopes))


@given(history=HISTORIES)
def test_the_roster_in_memory_makes_the_changes_that_changed_makes(history: tuple[Directory, list[Json]]) -> None:
    """Change by change; and what a roster that has seen events answers, a new one of the same directory does, too."""
    index = policy(BASE + FREE).index
    directory, made = history
    roster = MemoryRoster(directory)
    for event in made:
        changes = apply_event(index, directory, event, NOW).outcome.changes
        list(roster.holders(["vet", "doctor"], None, False))  # builds the index that `take` keeps in step
        roster.has_joined("x.com")
        roster.take(changes)
        directory = changed(directory, changes)
        assert roster.directory() == directory
        fresh = MemoryRoster(directory)
        for names in (["vet", "doctor"], ["viewer"], ["lead"], ["owner"]):
            for scopes in (None, {None, "company"}, {"branch/n"}):
                for active in (True, False):
                    asked = (names, scopes, active)
                    assert set(roster.holders(*asked)) == set(fresh.holders(*asked))
        for domain in ("x.com", "y.com", "n.org"):
            assert roster.has_joined(domain) is fresh.has_joined(domain)
        for name in directory.groups:
            assert set(roster.members(name)) == set(fresh.members(name))
            assert roster.group_in_use(name) is fresh.group_in_use(name)


def test_the_roster_keeps_where_a_group_is_written() -> None:
    """As `changed` does: a group whose roles change keeps its line, by which findings point at it."""
    directory = Directory({"ann": User("ann")}, {"g": Group("g", ("ann",), line=7, column=3)})
    changes = [GroupPut("g", (Assignment("vet"),))]
    roster = MemoryRoster(directory)
    roster.take(changes)
    assert roster.directory() == changed(directory, changes)


@given(history=HISTORIES)
def test_a_run_is_its_events_one_by_one(history: tuple[Directory, list[Json]]) -> None:
    """What earlier events looked up changes no later answer."""
    index = policy(BASE + FREE + WRITTEN).index
    directory, made = history
    for together in apply_events(index, directory, made, NOW):
        alone = apply_event(index, directory, made[0], NOW)
        assert (together.outcome, together.directory) == (alone.outcome, alone.directory)
        directory, made = together.directory, made[1:]


# -- what `requires` asks ----------------------------------------------------------------------------------------------

JUDGED = ("invite", "change_role", "assign", "revoke", "disable", "enable", "remove")
RULES = [
    "allow change on member",
    'allow change on member when "vet" in resource.roles',
    'allow change on member when "viewer" not in resource.new_roles',
    'allow change on member when has resource.new_role and resource.new_role == "vet"',
    'allow change on member when has resource.role and resource.role == "lead" or not has resource.status',
    'allow change on member deny change on member when has resource.status and resource.status == "disabled"',
    'allow change on member deny change on member when "owner" in resource.roles',
    'allow change on member when resource.id != user.id deny change on member when "lead" in user.roles',
]


@pytest.mark.parametrize("rule", RULES)
@settings(max_examples=25)
@given(directory=directories(), event=events(JUDGED))
def test_requires_is_the_answer_of_the_pdp(rule: str, directory: Directory, event: Json) -> None:
    """The same question asked directly, on the member as the directory has them, decides."""
    text = BASE.replace("role lead {", "role boss { " + rule + " }\nrole lead includes boss {")
    lines = " ".join(f"on {kind} requires change on member" for kind in JUDGED)
    known = policy(f"{text} assignments {{ {lines} }}")
    event = {key: value for key, value in event.items() if key != "group"}
    event.setdefault("user", "a@x.com")
    now = NOW
    actor, member = directory.users.get(event["by"] or ""), directory.users.get(event["user"])
    scope = event.get("scope")
    place = "company" if scope is None or scope not in directory.scopes else scope
    here = above(directory, None if place == "company" else place)
    names = set()
    if member is not None:
        names = {name for name, where, _ in held(directory, member, now) if where in here}
    includes = {**INCLUDES, "lead": {"lead", "boss"}}
    gives = FORMER.get(event.get("role") or "", event.get("role")) if event["type"] != "revoke" else None
    properties: Json = {
        "scope": place,
        "roles": sorted(set().union(*(includes[name] for name in names))),
        "new_roles": sorted(includes.get(gives, {gives})) if gives else [],
    }
    properties |= {"status": member.status} if member else {}
    properties |= {"role": next(iter(names))} if len(names) == 1 else {}
    properties |= {"new_role": gives} if gives else {}
    request = {
        "subject": {"type": "user", "id": event["by"] or "nobody"},
        "action": {"name": "change"},
        "resource": {"type": "member", "id": event["user"], "properties": properties},
        "context": {"time": format_instant(now)},
    }
    decision = known.bind(directory).decide(request)
    allowed = actor is not None and actor.status == "active" and decision.allowed
    outcome = apply_event(known.index, directory, event, NOW).outcome
    assert (outcome.code != "not_permitted") is allowed
    if outcome.accepted or (outcome.code == "not_permitted" and actor is not None and actor.status == "active"):
        assert list(outcome.rules) == [rule["id"] for rule in decision.rules]


# -- what is read as an event ------------------------------------------------------------------------------------------

_text = st.one_of(st.text(max_size=5), st.text(st.characters(codec=None), max_size=3))
JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), _text),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(_text, inner, max_size=3)),
    max_leaves=8,
)
_keys = st.one_of(
    st.sampled_from([*"type user by role scope group domain claims attributes parent from until time id".split(), ""]),
    _text,
)
_values = st.one_of(
    JSON,
    st.sampled_from([*KINDS, "", "2026-01-01T00:00:00Z", "2026-01-01", "branch/north", "branch/", "/", "company"]),
    st.lists(st.sampled_from(["region/east", "", None, 5]), max_size=2),
)
TABLE = policy(BASE + FREE).table


def check_read(value: Any) -> None:
    """What is read as an event is one by its shape; what is not is told in words."""
    read = read_event(value, TABLE)
    said = {key: item for key, item in value.items() if item is not None} if isinstance(value, dict) else value
    try:
        wire.Event.model_validate(said)
        shaped = True
    except ValidationError:
        shaped = False
    if isinstance(read, BadEvent):
        assert read.why
        assert "\n" not in read.why
    else:
        assert isinstance(read, Event)
        assert shaped
    outcome = apply_event(policy(BASE + FREE + WRITTEN).index, Directory({"ann": User("ann")}), value, NOW)
    assert (outcome.outcome.code == "invalid_event") is isinstance(read, BadEvent)
    wire.Result.model_validate(outcome.result)


def test_an_unknown_key_without_value() -> None:
    """Null is absent for keys that events have; what has no meaning is refused as the shape has it, null or not."""
    value = {**ACCEPTED["signup"], "scop": None}
    with pytest.raises(ValidationError):
        wire.Event.model_validate(value)
    assert isinstance(read_event(value, TABLE), BadEvent)


@settings(max_examples=200)
@given(JSON)
def test_any_json_is_read(value: Any) -> None:
    """Nothing raises, whatever comes."""
    check_read(value)


@settings(max_examples=400)
@given(event=events(), damage=st.lists(st.tuples(_keys, _values), max_size=2), lost=st.sets(_keys, max_size=1))
def test_damaged_events_are_read(event: Json, damage: list[tuple[str, Any]], lost: set[str]) -> None:
    """Keys taken away, put in, and given other values."""
    value = {key: item for key, item in {**event, **dict(damage)}.items() if key not in lost}
    check_read(value)


@settings(max_examples=200)
@given(kind=st.sampled_from(KINDS), key=_keys, value=_values)
def test_one_key_of_an_accepted_event(kind: str, key: str, value: Any) -> None:
    """Given any value."""
    check_read({**ACCEPTED[kind], key: value})


@given(event=events())
def test_well_formed_events_are_read(event: Json) -> None:
    """With and without their empty keys, and after a journey as JSON."""
    read = read_event(event, TABLE)
    bare = {key: value for key, value in event.items() if value is not None}
    again = [read_event(given, TABLE) for given in (bare, json.loads(json.dumps(event)))]
    assert [one._replace(given=None) if isinstance(one, BadEvent) else one for one in (read, *again)] == [
        read._replace(given=None) if isinstance(read, BadEvent) else read
    ] * 3
    if event["type"] not in ("create_scope", "delete_scope") or event["scope"] is not None:
        assert isinstance(read, Event)


@pytest.mark.parametrize("key", ["user", "by", "role", "scope", "group", "domain", "id"])
def test_a_text_that_is_no_unicode(key: str) -> None:
    """Half of a surrogate pair, which JSON can write and no file can hold, is refused wherever the shape refuses it."""
    kind = {"role": "assign", "group": "join"}.get(key, "signup")
    value = json.loads(json.dumps({**ACCEPTED[kind], key: "\ud800"}))
    with pytest.raises(ValidationError):
        wire.Event.model_validate(value)
    assert isinstance(read_event(value, TABLE), BadEvent)


def test_claims_of_any_depth() -> None:
    """Claims nested deeper than the shape takes are refused as it refuses them."""
    value = json.loads('{"type": "signup", "user": "new", "claims": ' + '{"a": ' * 400 + "1" + "}" * 401)
    with pytest.raises(ValidationError):
        wire.Event.model_validate(value)
    assert isinstance(read_event(value, TABLE), BadEvent)
