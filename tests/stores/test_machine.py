"""Long histories on every store at once: a rule-based machine (hypothesis) takes steps, and after each of them file,
database and memory must hold the same directory, no guard may be worse, and the logs must be whole.

Longer: `REMIT_STEPS=500 REMIT_MACHINES=100 pytest tests/stores/test_machine.py`.
"""

from __future__ import annotations

import os
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from remit import Directory, Policy
from remit.directory import shape
from remit.directory.exporting import directory_text
from remit.instant import parse_instant
from remit.membership.apply import apply_event
from remit.membership.record import check_chain
from remit.stores.file import FileStore
from remit.stores.sql import SqlStore
from remit.stores.store import Setting, Store
from tests.stores.owners import plain
from tests.stores.postgres import Server

POLICY = """
scope company
scope branch in company
area people { resource member { new_role: string?  actions invite, manage } }
area work { resource note { actions read, write } }
role viewer { allow read on note }
role vet includes viewer { allow write on note }
role chief {
  allow invite on member
  allow manage on member when has resource.new_role and resource.new_role != "owner"
}
role owner { allow * on * }
claims { groups: set of string }
user { team: string }
assignments {
  individual over group
  on signup when first in domain assign owner
  on sso_login when unassigned assign viewer
  on sso_login when "vets" in claims.groups assign vet
  on register
  on invite requires invite on member
  on change_role requires manage on member
  on assign requires manage on member
  on assign to group requires manage on member
  on revoke requires invite on member
  on revoke to group requires invite on member
  on disable requires invite on member
  on enable requires invite on member
  on remove requires invite on member
  on join requires invite on member
  on leave requires invite on member
  on create_group requires invite on member
  on delete_group requires invite on member
  on create_scope requires invite on member
  on delete_scope requires invite on member
}
guard last_owner: at least 1 active owner
guard branch_vet: at least 1 vet per branch
guard few_owners: at most 2 owner
guard few_roles: at most 3 role per user
guard duties: never chief with owner
"""
START = """
# Who is here.
scopes: {branch/north: {}}
users:
  ann: {assignments: [{role: owner}]}   # founder
  bob:
    # looks after the north
    assignments:
      - {role: vet, scope: branch/north, until: 2026-06-01T00:00:00Z}
      - {role: vet, scope: branch/north, from: 2026-05-01T00:00:00Z}
groups:
  desk: {members: [bob], assignments: [{role: viewer}]}
"""
MACHINES, STEPS = int(os.environ.get("REMIT_MACHINES", "6")), int(os.environ.get("REMIT_STEPS", "40"))
PEOPLE = ("ann", "bob", "cyd", "dan@acme.com", "eve@acme.com")
ROLES = ("viewer", "vet", "chief", "owner")
PLACES = ("branch/north", "branch/south")
GROUPS = ("desk", "night")
SPRING, MAY, JULY = 1_772_000_000 * 10**9, 1_778_000_000 * 10**9, 1_783_000_000 * 10**9

people, roles, groups = st.sampled_from(PEOPLE), st.sampled_from(ROLES), st.sampled_from(GROUPS)
places = st.none() | st.sampled_from(PLACES)
actors = st.sampled_from(("ann", "ann", "ann", *PEOPLE))
windows = st.sampled_from(
    [{}, {}, {"until": "2026-07-01T00:00:00Z"}, {"from": "2026-05-15T00:00:00Z", "until": "2026-05-16T00:00:00Z"}]
)


def held(directory: shape.Directory, user: shape.User, time: int, hidden: bool) -> list[shape.Assignment]:
    """What counts for somebody then, by the plainest reading; without what an individual assignment hides, if asked."""

    def counts(one: shape.Assignment) -> bool:
        return (one.start is None or one.start <= time) and (one.end is None or time < one.end)

    own = [one for one in user.assignments if counts(one)]
    through = [
        one
        for group in directory.groups.values()
        if user.id in group.members
        for one in group.assignments
        if counts(one)
    ]
    places = {one.scope for one in own}
    return own + [one for one in through if hidden or one.scope not in places]


def moments(directory: shape.Directory, now: int) -> set[int]:
    """Now, and whenever later an assignment begins or ends."""
    given = [one for user in directory.users.values() for one in user.assignments]
    given += [one for group in directory.groups.values() for one in group.assignments]
    return {now} | {at for one in given for at in (one.start, one.end) if at is not None and at > now}


def badness(directory: shape.Directory, times: set[int]) -> Counter[tuple[str, ...]]:
    """How badly each guard is broken, at each of the moments, at each place and for each person."""
    found: Counter[tuple[str, ...]] = Counter()
    for time in sorted(times):
        users = list(directory.users.values())
        seen = {user.id: held(directory, user, time, hidden=False) for user in users}
        owners = [u for u in users if any(one.role == "owner" and one.scope is None for one in seen[u.id])]
        found["last_owner", str(time)] = max(0, 1 - sum(user.status == "active" for user in owners))
        for place in directory.scopes:
            vets = [u for u in users if any(one.role == "vet" and one.scope in (None, place) for one in seen[u.id])]
            found["branch_vet", place, str(time)] = max(0, 1 - len(vets))
        everything = {user.id: {one.role for one in held(directory, user, time, hidden=True)} for user in users}
        found["few_owners", str(time)] = max(0, sum("owner" in names for names in everything.values()) - 2)
        for user, names in everything.items():
            found["few_roles", user, str(time)] = max(0, len(names) - 3)
            found["duties", user, str(time)] = int({"chief", "owner"} <= names)
    return found


def worse(old: shape.Directory, new: shape.Directory, now: int) -> list[tuple[str, ...]]:
    """What is broken worse in the new directory than in the old one at the same moment: a guard that was broken all
    along is no worse for a window that ends in the midst of it. A new place has no `before`."""
    times = moments(old, now) | moments(new, now)
    before, after = badness(old, times), badness(new, times)
    known = {key: count for key, count in after.items() if key[0] != "branch_vet" or key[1] in old.scopes}
    return [key for key, count in known.items() if count > before[key]]


class Histories(RuleBasedStateMachine):
    """One history. `stores` are the directory's keepers, `model` what memory makes of the same events."""

    server: Server | None = None
    accepted: ClassVar[Counter[str]] = Counter()

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        policy = Policy.from_sources({"people.remit": POLICY})
        self.setting = Setting(policy.index, policy.digest, "acme")
        self.model = Directory.from_text(START).data
        self.now = SPRING
        self.events = self.number = 0
        self.path = Path(self.folder.name) / "directory.yaml"
        self.urls = [f"sqlite:///{self.folder.name}/people.db"]
        if self.server is not None:
            self.urls.append(self.server.database())
        self.stores: list[Store] = []

    @initialize()
    def begin(self) -> None:
        self.path.write_text(START, encoding="utf-8")
        for url in self.urls:
            store = SqlStore(url)
            store.migrate()
            store.import_directory(self.model)
            store.close()
        self.open()

    def open(self) -> None:
        self.stores = [FileStore(self.path, self.path.with_name("audit.jsonl")), *map(SqlStore, self.urls)]

    def teardown(self) -> None:
        for store in self.stores:
            store.close()
        self.folder.cleanup()

    def take(self, **event: Any) -> None:
        """The same event everywhere: one result, and no guard worse."""
        given = {key: value for key, value in event.items() if value is not None}
        applied = apply_event(self.setting.index, self.model, given, self.now)
        for store in self.stores:
            assert store.apply(self.setting, given, self.now) == applied.result
        assert worse(self.model, applied.directory, self.now) == []
        self.model = applied.directory
        self.events += 1
        self.accepted[event["type"] if applied.outcome.accepted else applied.outcome.code] += 1

    # -- what happens ----------------------------------------------------------------------------------------------

    @rule(kind=st.sampled_from(["signup", "sso_login", "register"]), user=people, vet=st.booleans())
    def somebody_comes(self, kind: str, user: str, vet: bool) -> None:
        self.take(type=kind, user=user, claims={"groups": ["vets"]} if vet else None)

    @rule(user=people, by=actors, role=roles, scope=places, window=windows)
    def invite(self, user: str, by: str, role: str, scope: str | None, window: dict[str, str]) -> None:
        self.take(type="invite", user=user, by=by, role=role, scope=scope, attributes={"team": "x"}, **window)

    @rule(kind=st.sampled_from(["assign", "assign", "change_role"]), user=people, by=actors, role=roles, scope=places,
          window=windows)  # fmt: skip
    def give(self, kind: str, user: str, by: str, role: str, scope: str | None, window: dict[str, str]) -> None:
        self.take(type=kind, user=user, by=by, role=role, scope=scope, **window)

    @rule(user=people, by=actors, role=st.none() | roles, scope=places)
    def revoke(self, user: str, by: str, role: str | None, scope: str | None) -> None:
        self.take(type="revoke", user=user, by=by, role=role, scope=scope)

    @rule(kind=st.sampled_from(["assign", "revoke"]), group=groups, by=actors, role=roles, scope=places, window=windows)
    def of_a_group(self, kind: str, group: str, by: str, role: str, scope: str | None, window: dict[str, str]) -> None:
        self.take(type=kind, group=group, by=by, role=role, scope=scope, **(window if kind == "assign" else {}))

    @rule(kind=st.sampled_from(["disable", "enable", "remove"]), user=people, by=actors)
    def status(self, kind: str, user: str, by: str) -> None:
        self.take(type=kind, user=user, by=by)

    @rule(kind=st.sampled_from(["join", "join", "leave"]), user=people, group=groups, by=actors)
    def membership(self, kind: str, user: str, group: str, by: str) -> None:
        self.take(type=kind, user=user, group=group, by=by)

    @rule(kind=st.sampled_from(["create_group", "delete_group"]), group=groups, by=actors)
    def groups_come_and_go(self, kind: str, group: str, by: str) -> None:
        self.take(type=kind, group=group, by=by)

    @rule(kind=st.sampled_from(["create_scope", "delete_scope"]), scope=st.sampled_from(PLACES), by=actors)
    def places_come_and_go(self, kind: str, scope: str, by: str) -> None:
        self.take(type=kind, scope=scope, by=by)

    @rule(user=people, by=actors)
    def twice(self, user: str, by: str) -> None:
        """An event with an id comes again: every store answers as the first time, and nothing happens."""
        self.number += 1
        event = {"type": "disable", "user": user, "by": by, "id": f"e{self.number}"}
        applied = apply_event(self.setting.index, self.model, event, self.now)
        for store in self.stores:
            assert [store.apply(self.setting, event, self.now) for _ in range(2)] == [applied.result] * 2
        self.model = applied.directory
        self.events += 1

    @precondition(lambda self: self.now < JULY)
    @rule(step=st.sampled_from([MAY, JULY]))
    def time_passes(self, step: int) -> None:
        self.now = max(self.now, step)

    @rule()
    def everything_starts_anew(self) -> None:
        for store in self.stores:
            store.close()
        self.open()

    @rule()
    def the_file_is_laid_out_anew(self) -> None:
        """A hand edit that changes no more than the layout."""
        self.path.write_text("# by hand\n" + directory_text(self.model), encoding="utf-8")

    # -- what stays true -------------------------------------------------------------------------------------------

    @invariant()
    def all_hold_the_same(self) -> None:
        for store in self.stores:
            assert plain(store.load()) == plain(self.model)

    @invariant()
    def logs_are_whole(self) -> None:
        for store in self.stores:
            checked = check_chain(store.log())
            assert checked.flaws == ()
            assert checked.count == self.events
            assert store.log_end() in ((checked.count, checked.last), None if not checked.count else ())


def test_a_window_that_ends_while_a_guard_is_broken() -> None:
    """A new moment makes nothing worse that is broken before it and after it, and hides nothing that it makes worse."""
    policy = Policy.from_sources({"people.remit": POLICY})
    old = Directory.from_text(START).data
    events: list[dict[str, Any]] = [
        {"type": "create_scope", "scope": "branch/south", "by": "ann"},  # where there is no vet
        {"type": "assign", "user": "ann", "by": "ann", "role": "viewer", "until": "2026-07-01T00:00:00Z"},
    ]
    for event in events:
        applied = apply_event(policy.index, old, event, SPRING)
        assert applied.outcome.accepted
        assert worse(old, applied.directory, SPRING) == []
        old = applied.directory
    bob = old.users["bob"]  # `north` has its vet from May on; without that, none then, and none at ann's July
    coming, never = bob._replace(assignments=bob.assignments[1:]), bob._replace(assignments=())
    with_bob, without = (old._replace(users={**old.users, "bob": one}) for one in (coming, never))
    instants = [parse_instant(f"2026-{month}-01T00:00:00Z") for month in ("05", "07")]
    assert worse(with_bob, without, SPRING) == [("branch_vet", "branch/north", str(at)) for at in instants]


@pytest.mark.parametrize("beside", [pytest.param("", id="sqlite"), pytest.param("server", id="postgresql")])
def test_histories_on_every_store(beside: str, request: pytest.FixtureRequest) -> None:
    """Whatever happens, in whatever order: one directory, one result, whole logs, and no guard ever worse."""
    Histories.accepted = Counter()
    Histories.server = request.getfixturevalue("server") if beside else None
    run_state_machine_as_test(
        Histories,
        settings=settings(
            max_examples=MACHINES, stateful_step_count=STEPS, deadline=None, derandomize=MACHINES == 6,
            suppress_health_check=list(HealthCheck), print_blob=True,
        ),
    )  # fmt: skip
    assert sum(Histories.accepted.values()) > MACHINES * STEPS // 4
    assert len(Histories.accepted) > 10, Histories.accepted
