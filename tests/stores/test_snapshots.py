"""What a reader of a database sees: one moment whatever happens meanwhile, the file that is there now, and a log in
which every change by another hand shows."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from click.testing import CliRunner

from remit import Directory, DirectoryError, Pdp, Policy
from remit.cli.main import remit
from remit.directory.layered import Layered
from remit.directory.shape import Assignment, User
from remit.directory.shape import Directory as Data
from remit.membership.apply import apply_event
from remit.stores import schema, sql_changes
from remit.stores.engines import Place, engine_of
from remit.stores.sql import SqlStore
from remit.stores.store import Setting, StoreError
from tests.stores.owners import NOW, OWNER, POLICY, TWO_OWNERS, assert_whole_log, invites, plain, setting
from tests.stores.postgres import Database

READER = Assignment("reader")
BOB_LEFT = {"type": "revoke", "user": "bob", "by": "ann"}
MEMBER = {"type": "member", "id": "x"}


@pytest.fixture
def store(database: Database) -> Iterator[SqlStore]:
    made = SqlStore(database.url)
    made.import_directory(TWO_OWNERS)
    yield made
    made.close()


def policy() -> Policy:
    return Policy.from_sources({"people.remit": POLICY})


def follower(url: str) -> Pdp:
    return policy().bind(Directory.load(url))


def rows(database: Database, statement: str) -> list[Any]:
    """What a statement gives, or that it was done, past the store."""
    engine = engine_of(Place(database.url))
    with engine.begin() as connection:
        found = connection.execute(sa.text(statement))
        given = list(found) if found.returns_rows else []
    engine.dispose()
    return given


# -- one moment --------------------------------------------------------------------------------------------------------


def busy() -> Iterator[dict[str, Any]]:
    """Events without end that change every table by turns."""
    for number in count():
        yield {"type": "create_scope", "scope": f"branch/b{number}", "by": "ann", "parent": "company"}
        yield {"type": "create_group", "group": f"g{number}", "by": "ann"}
        yield {"type": "assign", "group": f"g{number}", "role": "reader", "scope": f"branch/b{number}", "by": "ann"}
        yield {"type": "invite", "user": f"u@{number}.com", "role": "reader", "scope": f"branch/b{number}", "by": "ann"}
        yield {"type": "join", "user": f"u@{number}.com", "group": f"g{number}", "by": "ann"}
        yield {"type": "remove", "user": f"u@{number - 1}.com", "by": "ann"} if number else {**BOB_LEFT}


class Meddler:
    """Applies an event by another store before each statement of the one it watches; `states` are all directories there
    were, by their versions."""

    def __init__(self, store: SqlStore, url: str) -> None:
        self.other = SqlStore(url)
        self.events = busy()
        self.version, now = self.other.snapshot()
        self.states = {self.version: plain(now)}
        self.meddling = False
        sa.event.listen(store._engine, "before_cursor_execute", self.meddle)

    def meddle(self, *_: Any) -> None:
        if not self.meddling:
            return
        event = next(self.events)
        assert self.other.apply(setting(), event, NOW)["accepted"], event
        applied = apply_event(setting().index, self.states[self.version], event, NOW)
        self.version += 1
        self.states[self.version] = plain(applied.directory)


@pytest.fixture
def meddler(store: SqlStore, database: Database) -> Iterator[Meddler]:
    made = Meddler(store, database.url)
    yield made
    made.other.close()


def test_a_load_between_events_is_of_one_moment(store: SqlStore, meddler: Meddler) -> None:
    """Though something is changed before each of its statements, what is loaded is a directory that there was."""
    store.load()
    for _ in range(3):
        first = meddler.version
        meddler.meddling = True
        loaded = plain(store.load())
        version, directory = store.snapshot()
        meddler.meddling = False
        assert meddler.version - first > 16  # so many statements were interrupted
        assert loaded in [meddler.states[one] for one in range(first, meddler.version + 1)]
        assert plain(directory) == meddler.states[version]


def test_following_between_events_is_of_one_moment(store: SqlStore, meddler: Meddler) -> None:
    """Changed rows are read as of the version that is said with them, and the next look goes on from there."""
    version, directory = store.snapshot()
    assert plain(directory) == meddler.states[version]
    meddler.meddling = True
    for _ in range(6):
        meddler.meddle()
        before = version
        version, changes = store.changes_since(version)
        assert changes is not None
        directory = changes.on(directory)
        assert version > before
        assert plain(directory) == meddler.states[version]


def test_a_log_that_is_read_while_it_grows_is_whole(store: SqlStore, meddler: Meddler) -> None:
    """Records that come while it is listed are not half there."""
    meddler.meddling = True
    lengths = [len(list(store.log())) for _ in range(3)]
    meddler.meddling = False
    assert lengths == sorted(lengths)
    assert assert_whole_log(store) == meddler.version - 1


# -- the log in a database ---------------------------------------------------------------------------------------------


TAMPERED: dict[str, tuple[str, ...]] = {
    "changed": ("UPDATE audit SET text = replace(text, 'acme', 'emca') WHERE number = {n}",),
    "removed": ("DELETE FROM audit WHERE number = {n}",),
    "swapped": (
        "UPDATE audit SET number = -1 WHERE number = {n}",
        "UPDATE audit SET number = {n} WHERE number = {m}",
        "UPDATE audit SET number = {m} WHERE number = -1",
    ),
}


@pytest.mark.parametrize("number", range(1, 6))
@pytest.mark.parametrize("how", TAMPERED)
def test_a_tampered_log_is_found(
    store: SqlStore, database: Database, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, how: str, number: int
) -> None:
    """A record changed, removed, or moved, whichever it is, with the hash that is kept beside it or without."""
    (tmp_path / "people.remit").write_text(POLICY, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    events = invites()
    for _ in range(5):
        store.apply(setting(), next(events), NOW)

    def verify() -> Any:
        return CliRunner().invoke(remit, ["audit", "verify", "--directory", database.url])

    assert (verify().exit_code, verify().stdout[:20]) == (0, "5 records, unbroken;")
    for statement in TAMPERED[how]:
        rows(database, statement.format(n=number, m=number % 5 + 1))
    found = verify()
    assert found.exit_code == 1, found.output
    assert "broken; " in found.stdout.splitlines()[-1]
    assert found.stdout.startswith("line ")
    store.apply(setting(), next(events), NOW)
    assert verify().exit_code == 1  # what comes later hides nothing


# -- what is forgotten -------------------------------------------------------------------------------------------------


def test_old_changes_are_forgotten(store: SqlStore, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows of old versions go, now and then; who is too far behind loads all, who is not goes on following."""
    monkeypatch.setattr(sql_changes, "KEPT_VERSIONS", 6)
    monkeypatch.setattr(sql_changes, "_PRUNED_EVERY", 4)
    late, events = follower(database.url), invites()
    assert store.apply(setting(), next(events), NOW)["accepted"]
    for number in range(30):
        near, version = follower(database.url), store.version()
        assert store.apply(setting(), next(events), NOW)["accepted"]
        kept = {row[0] for row in rows(database, "SELECT version FROM changes")}
        newest = version + 1
        assert kept == set(range(min(kept), newest + 1))
        assert min(kept) <= max(newest - 5, 1)  # what was promised is there
        assert len(kept) <= 6 + 4  # and not much more
        assert store.changes_since(newest - 5)[1] is not None or newest < 6
        changes = store.changes_since(version)[1]
        assert changes is not None
        assert changes.users.keys() == {f"new{number + 2}@acme.com"}
        assert plain(near.refreshed().directory) == plain(store.load())
        assert near.source is not None
        near.source.close()
    assert late.source is not None
    version = late.source.version
    assert version is not None
    assert store.changes_since(version) == (store.version(), None)
    assert not late.allows("new3@acme.com", "invite", MEMBER)
    caught_up = late.refreshed()
    assert plain(caught_up.directory) == plain(store.load())
    late.source.close()


# -- another file ------------------------------------------------------------------------------------------------------


def alone(path: Path) -> None:
    """The file holds all there is: nothing stays in the log beside it."""
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()


def backup(path: Path) -> Path:
    """A copy of a database, in a file beside it."""
    alone(path)
    made = path.with_suffix(".backup")
    made.write_bytes(path.read_bytes())
    return made


def with_bob_reading(path: Path) -> SqlStore:
    store = SqlStore(f"sqlite:///{path}")
    users = {"ann": User("ann", assignments=(OWNER,)), "bob": User("bob")}
    store.import_directory(Data(users))
    return store


GIVE = {"type": "assign", "user": "bob", "role": "reader", "by": "ann"}
Change = Callable[[SqlStore], None]


@pytest.mark.parametrize("later", [0, 1, 2], ids=["older", "as old", "newer"])
def test_a_file_that_was_replaced(tmp_path: Path, later: int) -> None:
    """A backup in the place of the database is noticed whatever its version: who has nothing there is denied again."""
    path = tmp_path / "people.db"
    store = with_bob_reading(path)
    copy = backup(path)
    if later:
        other, events = SqlStore(f"sqlite:///{copy}"), invites()
        for _ in range(later):
            assert other.apply(setting(), next(events), NOW)["accepted"]
        other.close()
        alone(copy)
    assert store.apply(setting(), GIVE, NOW)["accepted"]
    alone(path)
    pdp = follower(store._place.url.render_as_string())
    assert pdp.allows("bob", "invite", MEMBER)
    os.replace(copy, path)
    now = pdp.refreshed()
    assert not now.allows("bob", "invite", MEMBER)
    assert len(now.directory.users) == 2 + later
    assert now.refreshed() is now
    # The store that wrote goes on with the file that is there, too.
    assert store.apply(setting(), GIVE, NOW)["accepted"]
    assert now.refreshed().allows("bob", "invite", MEMBER)
    assert assert_whole_log(store) == later + 1
    store.close()


def test_a_file_that_is_gone(tmp_path: Path) -> None:
    """Where the database was removed there is an error, and not the directory of yesterday for ever."""
    path = tmp_path / "people.db"
    store = with_bob_reading(path)
    alone(path)
    pdp = follower(f"sqlite:///{path}")
    assert pdp.refreshed() is pdp
    path.unlink()
    for use in (pdp.refreshed, store.load, store.version, lambda: store.apply(setting(), GIVE, NOW)):
        with pytest.raises(StoreError, match="there is no database"):
            use()
    assert not path.exists()
    store.close()


# -- what no longer fits, and what it costs ----------------------------------------------------------------------------


WIDER = POLICY.replace("scope branch in company", "scope branch in company\nscope planet in company")


@pytest.mark.parametrize(
    "events",
    [
        [{"type": "create_scope", "scope": "planet/mars", "by": "ann"}],
        [
            {"type": "create_scope", "scope": "planet/mars", "by": "ann"},
            {"type": "assign", "user": "bob", "role": "reader", "scope": "planet/mars", "by": "ann"},
        ],
        [{"type": "create_scope", "scope": "branch/b", "by": "ann"}, "parents"],
        ["user"],
        ["group"],
    ],
    ids=["a scope", "a scope and who is there", "a parent", "a user", "a group"],
)
def test_what_no_longer_fits_the_policy(store: SqlStore, database: Database, events: list[Any]) -> None:
    """An entry that another policy let in, or another hand, is an error, and the old point answers as before."""
    store.apply(setting(), {"type": "create_group", "group": "desk", "by": "ann"}, NOW)
    store.apply(setting(), {"type": "create_scope", "scope": "branch/a", "by": "ann"}, NOW)
    pdp, wider = follower(database.url), Policy.from_sources({"people.remit": WIDER})
    at = "(%s, 0, 'reader', 'planet/mars', NULL, NULL)"
    past = {
        "parents": ("scope", "branch/b", "INSERT INTO scope_parents VALUES ('branch/b', 0, 'planet/mars')"),
        "user": ("user", "bob", "UPDATE user_assignments SET scope = 'planet/mars' WHERE user_id = 'bob'"),
        "group": ("group", "desk", f"INSERT INTO group_assignments VALUES {at % repr('desk')}"),
    }
    for event in events:
        if isinstance(event, str):
            kind, key, statement = past[event]
            version = store.version() + 1
            rows(database, statement)
            rows(database, f"UPDATE directory_state SET version = {version}")
            rows(database, f"INSERT INTO changes (version, kind, key) VALUES ({version}, '{kind}', '{key}')")
        else:
            assert store.apply(Setting(wider.index, wider.digest), event, NOW)["accepted"]
    with pytest.raises(DirectoryError) as caught:
        pdp.refreshed()
    assert caught.value.diagnostics[0].code.startswith("E4")
    assert pdp.allows("ann", "manage", MEMBER)
    assert pdp.source is not None
    pdp.source.close()


def test_refreshing_copies_nothing(database: Database) -> None:
    """Of ten thousand people only those who changed are new; the rest are in the mapping that was there before."""
    store = SqlStore(database.url)
    people = {f"u{number:05}": User(f"u{number:05}", assignments=(READER,)) for number in range(10_000)}
    store.import_directory(Data({**TWO_OWNERS.users, **people}))
    first = follower(database.url)
    loaded = first.directory.users
    assert store.apply(setting(), {"type": "disable", "user": "u00007", "by": "ann"}, NOW)["accepted"]
    second = first.refreshed()
    assert store.apply(setting(), {"type": "remove", "user": "u00008", "by": "ann"}, NOW)["accepted"]
    third = second.refreshed()
    for point, changed in ((second, 1), (third, 2)):
        users = point.directory.users
        assert isinstance(users, Layered)
        assert users._base is loaded
        assert len(users._patch) == changed
    assert [point.allows("u00007", "invite", MEMBER) for point in (first, second, third)] == [True, False, False]
    assert [point.allows("u00008", "invite", MEMBER) for point in (first, second, third)] == [True, True, False]
    assert [len(point.directory.users) for point in (first, second, third)] == [10_002, 10_002, 10_001]
    assert plain(third.directory).users == plain(store.load()).users
    assert first.source is not None
    first.source.close()
    store.close()


def test_tables_are_called_as_these_tests_call_them() -> None:
    """The statements above, which go past the store, name tables and columns that there are."""
    assert {"audit", "changes", "directory_state", "scope_parents", "user_assignments"} <= schema.metadata.tables.keys()
    assert schema.audit.c.keys() == ["number", "text", "hash"]
