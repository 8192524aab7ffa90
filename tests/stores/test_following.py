"""A running decision point follows its database: changed rows alone, and each decision on one directory whole."""

from __future__ import annotations

import random
from typing import Any

import pytest

from remit import Directory, Pdp, Policy
from remit.directory.shape import Directory as Data
from remit.stores import sql
from remit.stores.sql import SqlStore
from remit.stores.store import Setting
from tests.stores.postgres import Database

POLICY = """
policy clinic
scope company
scope branch in company
area people { resource member { actions read, invite, change_role, disable, remove } }
area work { resource record { actions read, sign } }
role viewer { allow read on record }
role vet includes viewer { allow sign on record  deny disable on member }
role owner { allow * on * }
assignments {
  individual over group
  on invite  on disable  on enable  on remove  on assign  on assign to group  on revoke  on revoke to group
  on join  on leave  on create_group  on delete_group  on create_scope  on delete_scope  on change_role
}
"""
START = """
scopes: {branch/north: {}, branch/south: {}}
users:
  ann: {assignments: [{role: owner}]}
  bob: {assignments: [{role: vet, scope: branch/north}]}
  cyd: {}
groups:
  desk: {members: [cyd, group/inner], assignments: [{role: viewer}]}
  inner: {members: [bob]}
"""
PEOPLE, GROUPS, PLACES = ("bob", "cyd", "dan", "eve"), ("desk", "inner", "night"), ("branch/north", "branch/south")


@pytest.fixture
def policy() -> Policy:
    return Policy.from_sources({"main.remit": POLICY})


@pytest.fixture
def url(database: Database) -> str:
    store = SqlStore(database.url)
    store.migrate()
    store.import_directory(Directory.from_text(START).data)
    store.close()
    return database.url


def anew(policy: Policy, url: str) -> Pdp:
    """A decision point that has just been bound to all of the directory."""
    directory = Directory.load(url)
    directory.close()
    return policy.bind(directory)


def event(chance: random.Random) -> dict[str, Any]:
    """Some event by ann that may or may not come to something."""
    kind = chance.choice(
        ["invite", "disable", "enable", "remove", "assign", "assign", "revoke", "join", "leave", "change_role"]
    )
    made: dict[str, Any] = {"type": kind, "by": "ann", "user": chance.choice(PEOPLE)}
    if kind in ("assign", "revoke") and chance.random() < 0.4:
        made["group"] = chance.choice(GROUPS)
        del made["user"]
    if kind in ("invite", "assign", "revoke", "change_role"):
        made |= {"role": chance.choice(["viewer", "vet"]), "scope": chance.choice([*PLACES, "company"])}
    if kind in ("join", "leave"):
        made["group"] = chance.choice(GROUPS)
    return made


def answers(pdp: Pdp) -> list[Any]:
    """Everything that can be asked here."""
    records = [{"type": "record", "properties": {"scope": place}} for place in (*PLACES, "company", "branch/none")]
    return [
        (user, action, record["properties"], pdp.ask(user, action, record).code)
        for user in ("ann", *PEOPLE)
        for record in records
        for action in ("read", "sign")
    ]


@pytest.mark.parametrize("seed", range(5))
def test_following_is_as_good_as_loading(policy: Policy, url: str, seed: int) -> None:
    """After every event the point that followed answers as one that was bound to the whole directory anew."""
    chance = random.Random(seed)
    store, setting = SqlStore(url), Setting(policy.index, policy.digest)
    pdp = policy.bind(Directory.load(url))
    accepted = 0
    store.apply(setting, {"type": "create_group", "group": "night", "by": "ann"}, 0)
    for _ in range(25):
        before, was = pdp, answers(pdp)
        accepted += store.apply(setting, event(chance), 0)["accepted"]
        pdp = pdp.refreshed()
        loaded = anew(policy, url)
        assert answers(pdp) == answers(loaded)
        assert answers(before) == was
        for user in PEOPLE:
            assert pdp.holders.groups_of(user) == loaded.holders.groups_of(user)
    assert accepted > 5
    store.close()


def test_nothing_new_is_the_same_point(policy: Policy, url: str) -> None:
    """Where nothing has changed, the decision point stays; one of a file always does."""
    pdp = policy.bind(Directory.load(url))
    assert pdp.refreshed() is pdp
    assert (of_file := policy.bind(Directory.from_text(START))).refreshed() is of_file
    assert (bare := policy.bind(Data())).refreshed() is bare


def test_an_import_is_followed_by_reading_all(policy: Policy, url: str) -> None:
    """What cannot be followed row by row is read anew."""
    pdp = policy.bind(Directory.load(url))
    store = SqlStore(url)
    store.import_directory(Directory.from_text("users: {zoe: {assignments: [{role: vet}]}}").data, replace=True)
    pdp = pdp.refreshed()
    assert pdp.allows("zoe", "sign", {"type": "record"})
    assert not pdp.allows("bob", "sign", {"type": "record", "properties": {"scope": "branch/north"}})


def test_only_changed_entries_are_read(policy: Policy, url: str) -> None:
    """Following shares every entry that did not change."""
    store, setting = SqlStore(url), Setting(policy.index, policy.digest)
    pdp = policy.bind(Directory.load(url))
    store.apply(setting, {"type": "disable", "user": "bob", "by": "ann"}, 0)
    later = pdp.refreshed()
    assert later.directory.users["cyd"] is pdp.directory.users["cyd"]
    assert later.directory.users["bob"].status == "disabled"


def test_columns_follow_a_directory_that_is_read_anew(
    policy: Policy, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was made of the policy stays, and whoever changed is read anew."""
    monkeypatch.setattr(sql, "_FOLLOWED", 0)  # more has changed than is followed
    store, pdp = SqlStore(url), policy.bind(Directory.load(url))
    asked = {"user": ["ann", "bob"], "action": "read", "type": "record"}
    assert pdp.decide_many(asked).allowed.tolist() == [True, True]
    store.apply(Setting(policy.index, policy.digest), {"type": "disable", "by": "ann", "user": "bob"}, 0)
    later = pdp.refreshed()
    assert later.decide_many(asked).allowed.tolist() == [True, False]
    assert pdp.decide_many(asked).allowed.tolist() == [True, True]
    assert later._columns is not None
    assert pdp._columns is not None
    assert later._columns.bound.layouts is pdp._columns.bound.layouts
    store.close()
