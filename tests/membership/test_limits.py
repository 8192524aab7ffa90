"""What no event may be, wherever it is applied; whom a limit names; and which directories events are judged on."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from membership.acting import ACCEPTED, BASE, EVERYTHING, KINDS, NOW, Json, apply, by_ann, code, event, people, policy

from remit import Directory, DirectoryError
from remit.directory.exporting import directory_text
from remit.directory.shape import Directory as Data
from remit.stores.sql import SqlStore
from remit.stores.store import Setting, Store, open_store
from tests.stores.postgres import database, server

__all__ = ["database", "server"]

LONGEST = 600  # bytes
WITH_USER = [kind for kind in KINDS if "user" in ACCEPTED[kind]]
NAMES = ("user", "by", "role", "scope", "group", "domain", "id", "parent")


# -- times -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_an_event_has_no_time_of_its_own(kind: str) -> None:
    """Nobody acts by roles of another day: an event happens when it is judged."""
    applied = apply(EVERYTHING, {**ACCEPTED[kind], "time": "2026-03-01T12:00:00Z"})
    assert (applied.result["code"], applied.directory) == ("invalid_event", people())


# -- names -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", WITH_USER)
@pytest.mark.parametrize("name", ["group/desk", "group/", "group/nobody"])
def test_no_user_is_called_like_a_group(kind: str, name: str) -> None:
    """Members that are groups are written `group/…`, so nobody may come by such an id, in no kind of event."""
    applied = apply(EVERYTHING, {**ACCEPTED[kind], "user": name})
    assert (applied.result["code"], applied.directory) == ("invalid_event", people())
    assert "`group/`" in applied.result["message"]


@pytest.mark.parametrize("name", ["groups/desk", "Group/desk", "group", "a group/b"])
def test_other_names_are_names(name: str) -> None:
    """Only that beginning is kept for groups."""
    assert code(EVERYTHING, by_ann("invite", user=name, role="viewer")) == "accepted"


def long(key: str, size: int, letter: str = "é") -> str:
    """A name of so many bytes, of the form that the key takes."""
    start = "branch/" if key in ("scope", "parent") else ""
    room = size - len(start)
    width = len(letter.encode())
    return start + letter * (room // width) + "x" * (room % width)


def keyed() -> Iterator[tuple[str, str]]:
    """Each kind of event with each key of it that is a name; an `id` every kind may have."""
    for kind in KINDS:
        for key in NAMES:
            if key in ACCEPTED[kind] or key == "id" or (kind, key) == ("create_scope", "parent"):
                yield kind, key


@pytest.mark.parametrize(("kind", "key"), list(keyed()))
@pytest.mark.parametrize("letter", ["x", "é", "😀"])
def test_a_name_of_more_bytes_than_600(kind: str, key: str, letter: str) -> None:
    """Is invalid in memory as it is in a database; counted in UTF-8, whatever the letters; 600 are no trouble."""
    name = long(key, LONGEST, letter)
    assert len(name.encode()) == LONGEST
    assert code(EVERYTHING, {**ACCEPTED[kind], key: name}) != "invalid_event"
    for much in (name + "x", name + letter, name * 50):
        applied = apply(EVERYTHING, {**ACCEPTED[kind], key: much})
        assert (applied.result["code"], applied.directory) == ("invalid_event", people())
        assert f"`{key}` is longer than 600 bytes" in applied.result["message"]


def in_file(folder: Path, data: Data) -> Store:
    (folder / "directory.yaml").write_text(directory_text(data), encoding="utf-8")
    return open_store(str(folder / "directory.yaml"))


@pytest.fixture(params=["file", "database"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """The people of these tests in a file, and in SQLite."""
    if request.param == "file":
        made = in_file(tmp_path, people())
    else:
        made = SqlStore(f"sqlite:///{tmp_path / 'people.db'}")
        made.import_directory(people())
    yield made
    made.close()


def unkept() -> Iterator[Json]:
    """Events that no store takes, of every kind."""
    for kind, key in keyed():
        yield {**ACCEPTED[kind], key: long(key, LONGEST + 1)}
        yield {**ACCEPTED[kind], key: long(key, LONGEST - 1) + "\0"}
        yield {**ACCEPTED[kind], key: long(key, 30) + "\ud800"}
    for kind in KINDS:
        yield {**ACCEPTED[kind], "time": "2026-03-01T12:00:01Z"}
        if kind in WITH_USER:
            yield {**ACCEPTED[kind], "user": "group/desk"}


def check_unkept(store: Store, events: list[Json]) -> None:
    known = policy(BASE + EVERYTHING)
    setting = Setting(known.index, known.digest)
    before = len(list(store.log()))
    for given in events:
        want = known.apply(people(), given, NOW).result
        assert want["code"] == "invalid_event", given
        assert store.apply(setting, given, NOW, dry_run=True) == want
        assert store.apply(setting, given, NOW) == want
    assert set(store.load().users) == set(people().users)
    assert len(list(store.log())) == before + len(events)
    longest = by_ann("invite", user="é" * 300, role="viewer", id="x" * 600)
    assert store.apply(setting, longest, NOW)["accepted"]
    assert "é" * 300 in store.load().users


def test_stores_refuse_what_memory_refuses(store: Store) -> None:
    """The same events with the same words, before anything is written; and the longest names are kept."""
    check_unkept(store, list(unkept()))


@pytest.mark.xdist_group("postgresql")
def test_postgresql_refuses_what_memory_refuses(server: Any) -> None:
    """The same on PostgreSQL."""
    store = SqlStore(server.database())
    store.import_directory(people())
    check_unkept(store, list(unkept())[::5])
    store.close()


# -- whom `at most` names ----------------------------------------------------------------------------------------------


def named(message: str) -> tuple[int, set[str], int]:
    """The count, the people by name, and how many more there are of them."""
    found = re.fullmatch(r"guard `g`: (\d+) would be (?:active )?vet: (.*?)(?: and (\d+) more)?", message)
    assert found, message
    return int(found[1]), set(re.split(r", | and ", found[2])), int(found[3] or 0)


@pytest.mark.parametrize("active", ["", "active "])
@pytest.mark.parametrize("how", ["alone", "through a group"])
@pytest.mark.parametrize("there", range(6))
def test_at_most_names_all_it_counts(there: int, how: str, active: str) -> None:
    """Those who have the role and those who would get it: as many as the message says, in a few names or all."""
    old = "".join(f"  v{number}: {{assignments: [{{role: vet}}]}}\n" for number in range(there))
    rest = "  kit: {}\n  lee: {status: disabled, assignments: [{role: vet}]}\n  meg: {assignments: [{role: viewer}]}\n"
    directory = f"users:\n  ann: {{}}\n{old}{rest}groups: {{desk: {{members: [kit]}}}}\n"
    given = by_ann("assign", user="kit", role="vet")
    if how == "through a group":
        given = by_ann("assign", group="desk", role="vet")
    holding = {"kit", *(f"v{number}" for number in range(there)), *([] if active else ["lee"])}
    limit = len(holding) - 1
    result = apply(f"{EVERYTHING} guard g: at most {limit} {active}vet", given, directory).result
    assert result["code"] == "guard_failed"
    count, names, more = named(result["message"])
    assert count == len(holding) == len(names) + more
    assert names <= holding
    assert more == 0 or len(names) >= 3
    assert code(f"{EVERYTHING} guard g: at most {limit + 1} {active}vet", given, directory) == "accepted"


@pytest.mark.parametrize("over", range(1, 6))
def test_at_most_that_is_broken_already_names_all_it_counts(over: int) -> None:
    """Where there were too many before, the message still counts those it names."""
    users = "".join(f"  v{number}: {{assignments: [{{role: vet}}]}}\n" for number in range(over + 1))
    given = by_ann("assign", user="kit", role="vet")
    result = apply(f"{EVERYTHING} guard g: at most 1 vet", given, f"users:\n  ann: {{}}\n  kit: {{}}\n{users}").result
    assert result["code"] == "guard_failed"
    count, names, more = named(result["message"])
    assert count == len(names) + more == over + 2
    assert names <= {"kit", *(f"v{number}" for number in range(over + 1))}


# -- directories -------------------------------------------------------------------------------------------------------


KINDS_OF_DIRECTORY: list[Callable[[Data], Any]] = [Directory, lambda data: data]


@pytest.mark.parametrize("wrapped", KINDS_OF_DIRECTORY, ids=["Directory", "data"])
def test_apply_takes_either_directory(wrapped: Callable[[Data], Any]) -> None:
    """One that was loaded, and the one that an event left: so events follow one another."""
    known = policy(BASE + EVERYTHING)
    first = known.apply(wrapped(people()), by_ann("invite", user="new", role="viewer"), NOW)
    second = known.apply(wrapped(first.directory), event("register", user="new"), NOW)
    third = known.apply(wrapped(second.directory), by_ann("remove", user="new"), NOW)
    assert [one.result["code"] for one in (first, second, third)] == ["accepted"] * 3
    assert (second.directory.users["new"].status, "new" in third.directory.users) == ("active", False)
    assert known.bind(second.directory).allows("new", "read", {"type": "note"})


@pytest.mark.parametrize("wrapped", KINDS_OF_DIRECTORY, ids=["Directory", "data"])
@pytest.mark.parametrize(
    "text",
    [
        "scopes: {branch/x: {parent: planet/mars}, planet/mars: {}}",
        "scopes: {planet/mars: {}}",
        "scopes: {region/r: {parent: branch/b}, branch/b: {}}",
    ],
)
def test_a_directory_that_does_not_fit(wrapped: Callable[[Data], Any], text: str) -> None:
    """Is a DirectoryError with what is wrong, as where it is bound, and no other error."""
    known = policy(BASE + EVERYTHING + " guard g: at most 5 vet per region")
    scope = text[text.index("{") + 1 : text.index(":", text.index("{"))]
    data = people(f"{text}\nusers: {{bob: {{assignments: [{{role: vet, scope: {scope}}}]}}}}")
    for given in (
        by_ann("assign", user="bob", role="viewer", scope=scope),
        by_ann("disable", user="bob"),
        by_ann("create_scope", scope="branch/new", parent=scope),
    ):
        with pytest.raises(DirectoryError) as caught:
            known.apply(wrapped(data), given, NOW)
        assert {one.code for one in caught.value.diagnostics} <= {"E412", "E418", "E419"}
    with pytest.raises(DirectoryError):
        known.bind(wrapped(data))
