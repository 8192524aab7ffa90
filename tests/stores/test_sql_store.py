"""A directory in a database: the same answers as in memory, one log, and errors that people can read."""

from __future__ import annotations

import json
import os
import random
import sqlite3
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from referee.histories import make_history

from remit import Policy
from remit.directory.shape import Directory, Group, Scope, User
from remit.membership.apply import apply_event
from remit.membership.record import decision_record
from remit.membership.roster import MemoryRoster
from remit.stores import schema
from remit.stores.engines import Place, engine_of
from remit.stores.sql import SqlStore
from remit.stores.sql_roster import SqlRoster
from remit.stores.store import Setting, StoreError, open_store
from remit.stores.versions import VERSION_TABLE
from tests.stores.owners import NOW, RICH, TWO_OWNERS, assert_whole_log, invites, plain, setting
from tests.stores.postgres import Database

HISTORIES = int(os.environ.get("REMIT_HISTORIES", "25"))
EVENTS = 20  # in each history


@pytest.fixture
def store(database: Database) -> Iterator[SqlStore]:
    made = SqlStore(database.url)
    yield made
    made.close()


def remove(user: str, by: str, **more: Any) -> dict[str, Any]:
    return {"type": "remove", "user": user, "by": by, **more}


# -- whole directories -------------------------------------------------------------------------------------------------


def test_what_is_imported_is_loaded(store: SqlStore) -> None:
    """Everything but line numbers comes back: orders, times to the year 9999, statuses, tombstones, any text."""
    store.import_directory(RICH)
    assert plain(store.load()) == plain(RICH)


def test_import_replaces_only_when_told(store: SqlStore) -> None:
    """A second import is refused, and with `replace` nothing of the first is left."""
    store.import_directory(RICH)
    with pytest.raises(StoreError, match="holds a directory already"):
        store.import_directory(TWO_OWNERS)
    assert plain(store.load()) == plain(RICH)
    store.import_directory(TWO_OWNERS, replace=True)
    assert plain(store.load()) == plain(TWO_OWNERS)


def test_an_empty_directory(store: SqlStore) -> None:
    """The tables alone are a directory of nobody."""
    store.migrate()
    assert plain(store.load()) == Directory()
    assert store.version() == 0
    assert store.log_end() == (0, None)


@pytest.mark.parametrize(
    ("name", "said", "told"),
    [
        ("a\0b", "no database keeps", "no database keeps"),
        ("\ud800", "no database keeps", "half a surrogate pair"),
        ("x" * 601, "longer than 600 bytes", "longer than 600 bytes"),
    ],
)
def test_names_no_database_keeps(store: SqlStore, name: str, said: str, told: str) -> None:
    """They are refused in words at import and in events, and the log of decisions takes them."""
    with pytest.raises(StoreError, match=said):
        store.import_directory(Directory({name: User(name)}))
    store.import_directory(TWO_OWNERS, replace=True)
    for event in (remove(name, "ann"), {"type": "create_scope", "scope": "branch/a", "by": "ann", "parent": [name]}):
        result = store.apply(setting(), event, NOW)
        assert (result["code"], told in result["message"]) == ("invalid_event", True)
    store.record([decision_record(name, "read", {"type": "member", "id": name}, [], NOW, "acme", "digest")])
    assert assert_whole_log(store) == 4
    assert json.loads(list(store.log())[-1])["reference_id"] == name


# -- events ------------------------------------------------------------------------------------------------------------


def test_histories_are_those_of_memory(store: SqlStore) -> None:
    """Random policies, directories and events: the same results, the same directory, a whole log, and a follower who
    never loads again has the same directory too."""
    codes: Counter[str] = Counter()
    count = 0
    for seed in range(HISTORIES):
        history = make_history(random.Random(seed))
        policy = Policy.from_sources(history.sources)
        want = history.directory
        store.import_directory(want, replace=True)
        version, following = store.snapshot()
        for _ in range(EVENTS):
            event = history.event(want)
            if isinstance(event.get("id"), str) and event["id"]:  # else some were answered with their first result
                event["id"] += f"-{seed}-{count}"
            applied = apply_event(policy.index, want, event, NOW)
            result = store.apply(Setting(policy.index, policy.digest), event, NOW)
            assert result == applied.result, (seed, event)
            codes[result["code"]] += 1
            count += 1
            want = applied.directory
        assert plain(store.load()) == plain(want), seed
        _, changes = store.changes_since(version)
        assert changes is not None
        assert plain(changes.on(following)) == plain(want), seed
    assert assert_whole_log(store) == count + HISTORIES
    assert [json.loads(line)["action"] for line in store.log()].count("directory.replaced") == HISTORIES
    assert codes["accepted"] > count / 10
    assert len(codes) >= 8, codes


def test_roster_answers_as_memory_does(store: SqlStore, database: Database) -> None:
    """Each question about random directories has the answer that the roster in memory gives."""
    for seed in range(8):
        directory = RICH if seed == 0 else make_history(random.Random(seed)).directory
        store.import_directory(directory, replace=True)
        memory = MemoryRoster(directory)
        engine = engine_of(Place(database.url))
        with engine.connect() as connection:
            roster = SqlRoster(connection)
            names = [*directory.users, "nobody"]
            groups, scopes = [*directory.groups, "none"], [*directory.scopes, "branch/none"]
            for some in (
                {"users": names},
                {"groups": groups},
                {"scopes": scopes},
                {"users": names[:2], "groups": groups[:1]},
            ):
                assert shape(roster.neighbourhood(**some)) == shape(memory.neighbourhood(**some))
            domains = {name.rpartition("@")[2].lower() for name in (*names, *directory.removed)} | {"old.net", "none"}
            for domain in domains - {name for name in names if "@" not in name}:
                assert roster.has_joined(domain) == memory.has_joined(domain), domain
            assert all(roster.is_removed(name) == memory.is_removed(name) for name in (*names, *directory.removed))
            held = [
                given for one in (*directory.users.values(), *directory.groups.values()) for given in one.assignments
            ]
            roles = sorted({given.role for given in held})
            for where in (None, {None}, {given.scope for given in held}, {*scopes[:2]}):
                for active in (False, True):
                    got = list(roster.holders(roles, where, active))
                    assert sorted(got) == sorted(memory.holders(roles, where, active))
            for group in directory.groups:
                assert sorted(roster.members(group)) == sorted(memory.members(group))
                assert roster.group_in_use(group) == memory.group_in_use(group)
            for scope in scopes:
                assert roster.scope_in_use(scope) == memory.scope_in_use(scope)
                kind = scope.partition("/")[0]
                for below in (None, *directory.scopes):
                    assert sorted(roster.instances(kind, below)) == sorted(memory.instances(kind, below))
        engine.dispose()


def shape(directory: Directory) -> Any:
    """A neighbourhood without the order of members."""
    groups = {name: (set(one.members), set(one.groups)) for name, one in directory.groups.items()}
    return plain(directory)._replace(groups=groups)  # type: ignore[arg-type]


def test_many_holders_are_streamed(store: SqlStore, database: Database) -> None:
    """More holders than one look fetches come each once, and the connection is free for other questions meanwhile."""
    people = {
        f"u{number:04}": User(f"u{number:04}", assignments=TWO_OWNERS.users["ann"].assignments) for number in range(700)
    }
    store.import_directory(
        Directory(people, {"all": Group("all", tuple(people), (), TWO_OWNERS.users["ann"].assignments)})
    )
    engine = engine_of(Place(database.url))
    with engine.connect() as connection:
        roster = SqlRoster(connection)
        got = []
        for user in roster.holders(["owner"], {None}, True):
            got.append(user)
            assert len(got) % 100 or not roster.is_removed(user)
        assert sorted(got) == sorted(people)
        assert next(iter(roster.holders(["owner"], None, False))) in people
        assert len(roster.neighbourhood(users=list(people)).users) == 700
    engine.dispose()


def test_an_id_is_answered_once(store: SqlStore) -> None:
    """An event that was seen is answered with its first result, refused or not, whatever it says now."""
    store.import_directory(TWO_OWNERS)
    first = store.apply(setting(), remove("bob", "ann", id="e1"), NOW)
    assert first["accepted"]
    before = store.load()
    assert store.apply(setting(), remove("bob", "ann", id="e1"), NOW) == first
    assert store.apply(setting(), remove("ann", "ann", id="e1"), NOW, dry_run=True) == first
    refused = store.apply(setting(), remove("ann", "ann", id="e2"), NOW)
    assert refused["code"] == "guard_failed"
    store.apply(setting(), {"type": "invite", "user": "cyd", "by": "ann", "role": "owner"}, NOW)
    assert store.apply(setting(), remove("ann", "ann", id="e2"), NOW) == refused
    assert store.load().users.keys() == {*before.users, "cyd"}
    assert assert_whole_log(store) == 3


def test_dry_run_leaves_everything(store: SqlStore) -> None:
    """A dry run is judged like any event, and neither the directory nor the log nor the ids seen remember it."""
    store.import_directory(TWO_OWNERS)
    for _ in range(2):
        assert store.apply(setting(), remove("bob", "ann", id="e1"), NOW, dry_run=True)["accepted"]
    assert plain(store.load()) == plain(TWO_OWNERS)
    assert (store.version(), store.log_end()) == (1, (0, None))


def test_log_takes_events_and_decisions(store: SqlStore) -> None:
    """One chain, in the order of writing; a record names the version of the directory."""
    store.import_directory(TWO_OWNERS)
    store.apply(setting(), remove("bob", "ann"), NOW)
    store.record(decision_record(f"u{n}", "read", {"type": "member"}, [], NOW, "acme", "d") for n in range(250))
    store.record([])
    store.apply(setting(), remove("ann", "ann"), NOW)
    assert assert_whole_log(store) == 252
    records = [json.loads(line) for line in store.log()]
    assert [
        records[0]["additional_data"]["directory_version"],
        records[-1]["additional_data"]["directory_version"],
    ] == [2, 2]


# -- following ---------------------------------------------------------------------------------------------------------


def test_changes_since(store: SqlStore) -> None:
    """The entries that changed, as they are now; None for those that are gone."""
    store.import_directory(RICH)
    version = store.version()
    assert store.changes_since(version) == (version, ({}, {}, {}, frozenset()))
    by = {"by": "ann@acme.com"}
    for event in (
        {"type": "create_scope", "scope": "branch/b", "parent": "branch/a", **by},
        {"type": "join", "user": "Zoë 😀", "group": "desk", **by},
        {"type": "remove", "user": "cyd", **by},
        {"type": "delete_group", "group": "empty", **by},
        {"type": "signup", "user": "new@fresh.io"},
        {"type": "remove", "user": "nobody", **by},
    ):
        store.apply(setting(), event, NOW)
    now, changes = store.changes_since(version)
    assert now == version + 5
    assert changes is not None
    assert changes.scopes == {"branch/b": Scope("branch/b", ("branch/a",))}
    assert changes.users.keys() == {"cyd", "new@fresh.io"}
    assert changes.users["cyd"] is None
    assert changes.groups.keys() == {"desk", "empty"}
    assert changes.groups["empty"] is None
    desk = changes.groups["desk"]
    assert desk is not None
    assert (desk.members, desk.groups) == (("ann@acme.com", "Zoë 😀"), ("north",))
    assert changes.joined_domains == {"fresh.io"}
    assert store.changes_since(now + 1) == (now, None)
    assert store.changes_since(0) == (now, None)


def test_changes_that_were_forgotten(store: SqlStore, database: Database) -> None:
    """Where rows of a version between are pruned, only a full reload tells."""
    store.import_directory(TWO_OWNERS)
    version = store.version()
    events = invites()
    for _ in range(3):
        store.apply(setting(), next(events), NOW)
    assert store.changes_since(version)[1] is not None
    execute(database, f"DELETE FROM changes WHERE version = {version + 1}")
    assert store.changes_since(version) == (version + 3, None)
    later = store.changes_since(version + 1)[1]
    assert later is not None
    assert later.users.keys() == {"new2@acme.com", "new3@acme.com"}
    execute(database, f"DELETE FROM changes WHERE version = {version + 2}")
    assert store.changes_since(version + 1) == (version + 3, None)
    assert store.changes_since(version + 2)[1] is not None


# -- forms of the tables -----------------------------------------------------------------------------------------------


def test_migrations_make_the_tables(store: SqlStore, database: Database) -> None:
    """What the migrations make is what the schema says, and migrating again changes nothing."""
    store.migrate()
    store.migrate()
    engine = engine_of(Place(database.url))
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE})
        assert compare_metadata(context, schema.metadata) == []
    engine.dispose()


def execute(database: Database, *statements: str) -> None:
    engine = engine_of(Place(database.url), create=True)
    with engine.begin() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)
    engine.dispose()


def test_an_empty_database_is_no_directory(store: SqlStore, database: Database) -> None:
    execute(database, "CREATE TABLE x (y int)", "DROP TABLE x")
    with pytest.raises(StoreError, match="is empty") as caught:
        store.load()
    assert "import" in caught.value.help


def test_a_newer_form_is_refused(store: SqlStore, database: Database) -> None:
    store.migrate()
    execute(database, f"UPDATE {VERSION_TABLE} SET version_num = '9999'")
    late = SqlStore(database.url)
    for use in (late.load, late.migrate):
        with pytest.raises(StoreError, match="newer remit"):
            use()
    late.close()


def test_tables_of_others_are_left_alone(store: SqlStore, database: Database) -> None:
    execute(database, "CREATE TABLE users (id int)")
    for use in (store.load, store.migrate, lambda: store.import_directory(RICH)):
        with pytest.raises(StoreError, match="holds other tables"):
            use()
    execute(database, "DROP TABLE users")
    store.import_directory(RICH)


# -- addresses and extras ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url", ["mysql://a/b", "sqlite://", "sqlite:///:memory:", "nonsense://", "://", "postgresql://h:x/d"]
)
def test_wrong_addresses(url: str) -> None:
    """What names no database of ours is refused with an example."""
    with pytest.raises(StoreError) as caught:
        open_store(url)
    assert "sqlite:///" in caught.value.help


def test_a_missing_file_is_not_made(tmp_path: Path) -> None:
    """A misspelt path must not become an empty directory."""
    path = tmp_path / "people.db"
    store = SqlStore(f"sqlite:///{path}")
    for use in (store.load, store.version, store.log_end, lambda: store.apply(setting(), {}, NOW)):
        with pytest.raises(StoreError, match="there is no database"):
            use()
    assert not path.exists()


def test_a_relative_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    store = SqlStore("sqlite:///a %?#.db".replace("?", "%3F"))
    store.import_directory(TWO_OWNERS)
    store.close()
    assert any(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("absent", "url", "extra"),
    [
        ("sqlalchemy", "sqlite:///x.db", "remit[sql]"),
        ("alembic", "sqlite:///x.db", "remit[sql]"),
        ("psycopg", "postgresql://a/b", "remit[postgres]"),
    ],
)
def test_missing_extras_are_named(absent: str, url: str, extra: str) -> None:
    """Where a package is not installed, the extra that brings it is named."""
    script = f"""
import sys
sys.modules[{absent!r}] = None
from remit.stores.store import StoreError, open_store
try:
    open_store({url!r})
except StoreError as error:
    print(error.help)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert (done.stdout.strip(), done.stderr) == (f"install {extra}", "")


def test_passwords_are_not_shown() -> None:
    store = SqlStore("postgresql://ann:secret@127.0.0.1:1/people")
    with pytest.raises(StoreError) as caught:
        store.load()
    assert "127.0.0.1" in str(caught.value)
    assert "secret" not in f"{caught.value} {caught.value.help}"


# -- what breaks -------------------------------------------------------------------------------------------------------


def damaged(tmp_path: Path, people: int = 400) -> tuple[SqlStore, Path]:
    """A store of some size in a file without a log beside it."""
    path = tmp_path / "people.db"
    store = SqlStore(f"sqlite:///{path}")
    store.import_directory(Directory({**TWO_OWNERS.users, **{f"u{n}": User(f"u{n}") for n in range(people)}}))
    store.close()
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    return SqlStore(f"sqlite:///{path}"), path


def uses(store: SqlStore) -> list[StoreError]:
    """The errors of all that can be done with a store."""
    found = []
    for use in (
        store.load,
        store.version,
        lambda: list(store.log()),
        lambda: store.apply(setting(), next(invites()), NOW),
        store.migrate,
        lambda: store.import_directory(TWO_OWNERS, replace=True),
    ):
        try:
            use()
        except StoreError as error:
            found.append(error)
    store.close()
    return found


@pytest.mark.parametrize("keep", [0, 50, 100, 5_000, 20_000])
def test_a_truncated_file(tmp_path: Path, keep: int) -> None:
    """A file that was cut off is an error of ours, never the driver's, and is not taken for an empty directory."""
    store, path = damaged(tmp_path)
    content = path.read_bytes()
    path.write_bytes(content[:keep])
    with pytest.raises(StoreError) as caught:
        store.load()
    assert caught.value.help
    uses(store)


def test_no_database_at_all(tmp_path: Path) -> None:
    store, path = damaged(tmp_path)
    path.write_text("users:\n  ann: {}\n" * 100)
    errors = uses(store)
    assert len(errors) == 6
    assert all("no SQLite database" in str(error) for error in errors)
    assert path.read_text().startswith("users:")


def test_random_damage(tmp_path: Path) -> None:
    """Random bytes anywhere in the file: every use works or is an error of ours."""
    _, path = damaged(tmp_path)
    content = path.read_bytes()
    dice = random.Random(7)
    found = 0
    for _ in range(40):
        start, length = dice.randrange(100, len(content)), dice.choice((1, 16, 4096))
        path.write_bytes(content[:start] + dice.randbytes(length) + content[start + length :])
        for beside in tmp_path.glob("people.db-*"):
            beside.unlink()
        found += bool(uses(SqlStore(f"sqlite:///{path}")))
    assert found > 10


def test_rows_of_nobody_ours(store: SqlStore, database: Database) -> None:
    """What was written past the store and makes no sense is damage, in words."""
    store.import_directory(RICH)
    for wrong, right in (
        ("UPDATE users SET status = 'sleepy' WHERE id = '_'", "UPDATE users SET status = 'active' WHERE id = '_'"),
        ("UPDATE users SET attributes = '{' WHERE id = '_'", "UPDATE users SET attributes = NULL WHERE id = '_'"),
        ("UPDATE users SET attributes = '[]' WHERE id = '_'", "UPDATE users SET attributes = NULL WHERE id = '_'"),
        ("UPDATE user_assignments SET ends = 'later'", "UPDATE user_assignments SET ends = NULL"),
        ("INSERT INTO group_groups VALUES ('north', 0, 'desk')", "DELETE FROM group_groups WHERE group_name = 'north'"),
    ):
        execute(database, wrong)
        with pytest.raises(StoreError, match="is damaged"):
            store.load()
        execute(database, right)
        store.load()
    execute(database, "DELETE FROM directory_state")
    with pytest.raises(StoreError, match="its state is missing"):
        store.apply(setting(), next(invites()), NOW)


def test_a_full_disk(tmp_path: Path) -> None:
    """Where SQLite may not grow, the event is an error, and nothing of it is left; with room it works."""
    store, _ = damaged(tmp_path)
    before = plain(store.load())
    engine = store._engine
    full = True

    @sa.event.listens_for(engine, "begin")
    def no_room(connection: sa.Connection) -> None:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar() if full else 1_000_000
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")

    events, taken = invites(), 0
    message = ""
    while not message:
        event = next(events)
        try:
            store.apply(setting(), event, NOW)
            taken += 1
        except StoreError as error:
            message = str(error)
    assert "disk is full" in message
    after = plain(store.load())
    assert len(after.users) == len(before.users) + taken
    assert assert_whole_log(store) == taken
    full = False
    assert store.apply(setting(), event, NOW)["accepted"]
    store.close()


def test_a_file_that_may_not_be_written() -> None:
    """A file without the right to be written is read and not changed; with the right, the same store writes."""
    with tempfile.TemporaryDirectory() as name:
        store, path = damaged(Path(name))
        before = path.read_bytes()
        store.apply(setting(), next(invites()), NOW, dry_run=True)  # loads what others may not be able to read
        store.close()
        path.chmod(0o444)
        path.parent.chmod(0o777)
        somebody, me = os.geteuid() or 65534, os.geteuid()  # whom rights bind
        os.seteuid(somebody)
        try:
            assert len(store.load().users) == 402
            seen = decision_record("ann", "invite", {"type": "member"}, [], NOW, "acme", "digest")
            for use in (lambda: store.apply(setting(), next(invites()), NOW), lambda: store.record([seen])):
                with pytest.raises(StoreError, match="may not be written") as caught:
                    use()
                assert "permissions" in caught.value.help
            assert len(store.load().users) == 402
            store.close()
        finally:
            os.seteuid(me)
        assert path.read_bytes() == before
        path.chmod(0o644)
        assert store.apply(setting(), next(invites()), NOW)["accepted"]
        assert len(store.load().users) == 403
        assert assert_whole_log(store) == 1
        store.close()


def test_a_lock_held_too_long(store: SqlStore, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another's transaction that does not end is an error after a while, and not for ever."""
    monkeypatch.setattr("remit.stores.engines.PATIENCE", 0.3)
    store.import_directory(TWO_OWNERS)
    other = engine_of(Place(database.url))
    late = SqlStore(database.url)
    with other.connect().execution_options(takes_lock=True) as connection, connection.begin():
        connection.execute(sa.select(schema.directory_state).with_for_update())
        with pytest.raises(StoreError, match="locked by another process"):
            late.apply(setting(), next(invites()), NOW)
    assert late.apply(setting(), next(invites()), NOW)["accepted"]
    late.close()
    other.dispose()


@pytest.mark.xdist_group("postgresql")
def test_a_lost_server(server: Any) -> None:
    """A server that stops is a clear error; once it is back, the same store goes on and nothing is lost."""
    store = SqlStore(server.database())
    store.import_directory(TWO_OWNERS)
    events = invites()
    for _ in range(3):
        assert store.apply(setting(), next(events), NOW)["accepted"]
    server.stop()
    try:
        for use in (store.load, lambda: store.apply(setting(), next(events), NOW), lambda: list(store.log())):
            with pytest.raises(StoreError, match="connection") as caught:
                use()
            assert "server runs" in caught.value.help
    finally:
        server.start()
    assert store.apply(setting(), next(events), NOW)["accepted"]
    assert len(store.load().users) == 6
    assert assert_whole_log(store) == 4
    store.close()


@pytest.mark.xdist_group("postgresql")
def test_no_such_database(server: Any) -> None:
    with pytest.raises(StoreError, match="no such database"):
        SqlStore(server.url("missing")).load()
    with pytest.raises(StoreError, match="stranger"):
        SqlStore(server.url("postgres").replace("remit@", "stranger@")).load()
