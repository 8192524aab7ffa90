"""What `Directory.load` remembers of files: what the reader reads, or nothing; and of a file just its last text."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import Any
from unittest.mock import Mock

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from referee.generate import make_case

from remit import Directory, DirectoryError, Policy
from remit.cli.main import remit
from remit.directory import packing, shape
from remit.directory.exporting import directory_text
from remit.directory.reader import read_directory
from remit.project import cache as caches
from remit.project import directory_memory, user_cache
from remit.source import Source
from tests.cli.remembered import asked_of_measure, in_order

ROOT = Path(__file__).resolve().parents[2]
SHIPPED = sorted((ROOT / "policies").glob("*/directory.yaml"))
ALL_OF_IT = """\
users:
  ann:
    status: active
    attributes: {level: 3, rate: 0.5, dept: "no", tags: [a, {b: null}], chief: true}
    assignments:
      - role: vet
      - {role: vet, scope: branch/north, from: 1969-01-01T00:00:00Z, until: 2030-01-01T00:00:00Z}
  bob: {status: disabled, status_before: pending, type: service}
  cy: {}
groups:
  all: {members: [group/desk, cy]}
  desk: {members: [bob, ann], assignments: [{role: chief, scope: region/east}]}
scopes:
  region/east: {}
  region/west: {}
  branch/north: {parent: [region/east, region/west]}
joined_domains: [Acme.com, other.org]
removed: [zoe, yan]
"""
PEOPLE = "users: {ann: {assignments: [{role: reader}]}, bob: {}}\n"


class Counted:
    """Loads directories, and says whether their text was read for it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.read = 0
        real = directory_memory._read

        def count(source: Source) -> Any:
            self.read += 1
            return real(source)

        monkeypatch.setattr(directory_memory, "_read", count)

    def load(self, path: Path) -> tuple[shape.Directory, bool]:
        before = self.read
        directory = Directory.load(path)
        return directory.data, self.read > before

    def warm(self, path: Path) -> bool:
        return not self.load(path)[1]


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> Counted:
    return Counted(monkeypatch)


@pytest.fixture(autouse=True)
def memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's cache, empty."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("REMIT_CACHE", str(folder))
    return folder


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def entries(memory: Path) -> list[Path]:
    return sorted((memory / "directory").glob("[0-9a-f]*"))


def same_twice(counted: Counted, path: Path) -> None:
    """What is remembered is what is read."""
    plain = Directory.load(path, cache=False).data
    cold, read = counted.load(path)
    warm, read_again = counted.load(path)
    assert (read, read_again) == (True, False)
    assert in_order(warm) == in_order(cold) == in_order(plain)
    assert warm == plain


# -- the same directory ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.parent.name)
def test_shipped_directories(counted: Counted, path: Path) -> None:
    """Every shipped directory, to the order of every mapping and the line of every assignment."""
    same_twice(counted, path)


def test_all_that_a_directory_can_say(counted: Counted, tmp_path: Path) -> None:
    """Every key of the format, in YAML and in JSON."""
    path = write(tmp_path / "people.yaml", ALL_OF_IT)
    same_twice(counted, path)
    found = counted.load(path)[0]
    assert found.users["ann"].attributes == {
        "level": 3,
        "rate": 0.5,
        "dept": "no",
        "tags": ["a", {"b": None}],
        "chief": True,
    }
    assert found.users["ann"].assignments[1].line == 7
    same_twice(counted, write(tmp_path / "people.json", json.dumps({"users": {"ann": {"type": "\u00e9\U0001f600"}}})))
    same_twice(counted, write(tmp_path / "empty.yaml", ""))


@pytest.mark.parametrize("number", range(24))
def test_generated_directories(counted: Counted, tmp_path: Path, number: int) -> None:
    """So are directories that nobody thought of."""
    directory = make_case(Random(f"people/{number}"), requests=1).directory
    same_twice(counted, write(tmp_path / "directory.yaml", directory_text(directory)))


NAMES = st.text(st.characters(codec="utf-8"), min_size=1, max_size=4)
KINDS = NAMES.filter(lambda name: "/" not in name)  # a place must be declared
NUMBERS = st.integers(0, 10**6)
PLAIN = st.none() | st.booleans() | st.integers(-(10**30), 10**30) | st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.recursive(
    PLAIN | NAMES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3)
)
TIMES = st.none() | st.integers(-(10**20), 10**20)
ASSIGNED = st.lists(
    st.builds(shape.Assignment, NAMES, st.none() | KINDS, TIMES, TIMES, NUMBERS, NUMBERS), max_size=3
).map(tuple)
STATUS = st.sampled_from(shape.STATUSES)
BAGS = st.dictionaries(NAMES, VALUES, max_size=2)
USERS = st.builds(shape.User, NAMES, NAMES, STATUS, BAGS, ASSIGNED, NUMBERS, NUMBERS, st.none() | STATUS)
LISTS = st.lists(NAMES, max_size=3, unique=True).map(tuple)
GROUPS = st.builds(shape.Group, NAMES, LISTS, LISTS, ASSIGNED, NUMBERS, NUMBERS)
SCOPES = st.builds(shape.Scope, NAMES, LISTS, NUMBERS, NUMBERS)
SETS = st.frozensets(NAMES, max_size=3)


@given(st.lists(USERS, max_size=4), st.lists(GROUPS, max_size=3), st.lists(SCOPES, max_size=3), SETS, SETS)
def test_packing_loses_nothing(
    users: list[shape.User],
    groups: list[shape.Group],
    scopes: list[shape.Scope],
    domains: frozenset[str],
    removed: frozenset[str],
) -> None:
    """Whatever a directory holds comes back, through the JSON that it is kept as."""
    people = {user.id: user for user in users}
    desks: dict[str, shape.Group] = {}
    for group in groups:  # what is named must be there, and in no circle
        inner = tuple(name for name in group.groups if name in desks and name != group.name)
        desks.setdefault(group.name, group._replace(members=(*people,)[: len(group.members)], groups=inner))
    places: dict[str, shape.Scope] = {}
    for scope in scopes:
        above = tuple({name: None for name in (*scope.parents, *places) if "/" not in name or name in places})
        places.setdefault(f"a/{scope.name}", shape.Scope(f"a/{scope.name}", above, scope.line, scope.column))
    directory = shape.Directory(people, desks, places, domains, removed)
    back = packing.unpack(json.loads(json.dumps(packing.pack(directory))))
    assert in_order(back) == in_order(directory)


# -- what makes an entry void ----------------------------------------------------------------------------------------


def test_an_edit_is_seen(counted: Counted, tmp_path: Path) -> None:
    """A text that changed is read anew, whatever its size and its time say."""
    path = write(tmp_path / "people.yaml", PEOPLE)
    counted.load(path)
    times = path.stat()
    write(path, PEOPLE.replace("reader", "writer"))
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    directory, read = counted.load(path)
    assert read
    assert directory.users["ann"].assignments[0].role == "writer"
    assert counted.warm(path)


def test_who_was_taken_out_is_out_of_the_cache(tmp_path: Path, memory: Path) -> None:
    """Of a file just its last text is kept: people whom it holds no more are not kept behind its back."""
    path = write(tmp_path / "people.yaml", PEOPLE)
    Directory.load(path)
    assert '"bob"' in entries(memory)[0].read_text()
    write(path, PEOPLE.replace("bob", "cy"))
    Directory.load(path)
    [entry] = entries(memory)
    assert '"bob"' not in entry.read_text()


@pytest.mark.parametrize("how", ["wrong", "gone", "too large", "another version", "interrupted", "no place for it"])
def test_nobody_is_left_behind(tmp_path: Path, memory: Path, monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    """What was kept of an earlier text goes, whether or not anything is kept of the new one."""
    path = write(tmp_path / "people.yaml", PEOPLE)
    Directory.load(path)
    write(path, PEOPLE.replace("bob", "cy"))
    if how == "wrong":
        write(path, "users: {ann: {}}\ngroups: {desk: {members: [nobody]}}\n")
    elif how == "gone":
        path.unlink()
    elif how == "too large":
        monkeypatch.setattr(directory_memory, "_LARGEST", 10)
    elif how == "another version":
        monkeypatch.setattr(caches, "__version__", "99.0")
    elif how == "interrupted":
        monkeypatch.setattr(directory_memory, "_read", Mock(side_effect=KeyboardInterrupt))
    else:
        monkeypatch.setattr(caches, "_write", Mock(side_effect=OSError))
    with suppress(DirectoryError, KeyboardInterrupt):
        Directory.load(path)
    assert not [entry for entry in entries(memory) if '"bob"' in entry.read_text()]


def test_no_more_are_kept_than_is_said(tmp_path: Path, memory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The one that was just read among them."""
    monkeypatch.setattr(directory_memory, "_LIMITS", directory_memory._LIMITS._replace(entries=3))
    for number in range(5):
        Directory.load(write(tmp_path / f"people{number}.yaml", PEOPLE))
        assert len(entries(memory)) <= 3
    assert entries(memory)


def test_a_file_that_is_wrong_is_not_remembered(counted: Counted, tmp_path: Path, memory: Path) -> None:
    """Its findings are said every time, and what was remembered of it before is not decided on."""
    path = write(tmp_path / "people.yaml", PEOPLE)
    counted.load(path)
    write(path, PEOPLE + "groups: {desk: {members: [nobody]}}\n")
    for _ in range(2):
        with pytest.raises(DirectoryError, match="E407"):
            counted.load(path)
    write(path, PEOPLE)
    assert counted.load(path)[0].groups == {}
    path.unlink()
    with pytest.raises(DirectoryError, match="E010"):
        counted.load(path)


def test_another_program_sees_nothing(counted: Counted, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither another version nor an edited checkout of this one takes what was kept."""
    path = write(tmp_path / "people.yaml", PEOPLE)
    counted.load(path)
    with monkeypatch.context() as other:
        other.setattr(directory_memory, "__version__", "99.0")
        assert not counted.warm(path)
    assert not counted.warm(path)
    assert counted.warm(path)
    with monkeypatch.context() as other:
        other.setattr(directory_memory, "_PROGRAM", ("directory",))
        assert not counted.warm(path)
    assert not counted.warm(path)
    assert counted.warm(path)


def test_a_program_that_was_updated_meanwhile_keeps_nothing(
    counted: Counted, tmp_path: Path, memory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the old one read would pass for what the new one reads."""
    monkeypatch.setattr(directory_memory, "is_updated", lambda rooms: True)
    path = write(tmp_path / "people.yaml", PEOPLE)
    counted.load(path)
    assert not entries(memory)


def test_the_program_is_all_that_directories_come_from() -> None:
    """Every module that reading a file brings in is watched, or does not say what the file comes to."""
    program = "import sys; from remit import Directory; Directory.load(sys.argv[1], cache=False); print(*sys.modules)"
    ran = subprocess.run([sys.executable, "-c", program, SHIPPED[0]], capture_output=True, text=True, check=True)
    rooms = {name.split(".")[1] for name in ran.stdout.split() if name.startswith("remit.") and name.count(".") > 1}
    assert "directory" in rooms
    assert rooms - {*directory_memory._PROGRAM} <= {"evaluator", "table", "model", "explanation"}
    assert user_cache.program_digest(directory_memory._PROGRAM)


def test_each_file_has_an_entry(counted: Counted, tmp_path: Path, memory: Path) -> None:
    """Two with the same text are two, and a link is what it leads to; messages name the path of the call."""
    one, two = write(tmp_path / "one.yaml", PEOPLE), write(tmp_path / "two.yaml", PEOPLE)
    assert not counted.warm(one)
    assert not counted.warm(two)
    assert len(entries(memory)) == 2
    (link := tmp_path / "link.yaml").symlink_to(one)
    found, read = counted.load(link)
    assert (found.name, read) == (str(link), False)


def test_what_does_not_fit_is_shown_at_its_place(counted: Counted, tmp_path: Path) -> None:
    """A remembered directory is held against the policy like any other, with its lines."""
    path = write(
        tmp_path / "people.yaml",
        "users:\n  ann: {assignments: [{role: reader, scope: branch/x}]}\nscopes: {branch/x: {}}\n",
    )
    policy = Policy.from_sources(
        {"main.remit": "area a { resource doc { actions read } }\nrole reader { allow read on doc }\n"}
    )
    said = []
    for _ in range(2):
        with pytest.raises(DirectoryError) as found:
            policy.bind(Directory.load(path))
        said.append(str(found.value))
    assert said[0] == said[1]
    assert f"{path}:3" in said[1]
    assert counted.warm(path)


# -- what is in the way ----------------------------------------------------------------------------------------------


def altered(data: Any) -> Iterator[Any]:
    """Data with one part of it in another form, everywhere in turn."""
    if isinstance(data, dict):
        for key, value in data.items():
            yield {name: held for name, held in data.items() if name != key}
            for other in altered(value):
                yield {**data, key: other}
    elif isinstance(data, list) and data:
        yield data[:-1]
        for other in altered(data[0]):
            yield [other, *data[1:]]
    for other in (None, -1, 10**9, "x", [[]], {"words": [1], "at": [5]}):
        if type(other) is not type(data) and not (isinstance(data, int) and other is None):
            yield other


def test_no_form_of_an_entry_is_taken_on_trust(tmp_path: Path, memory: Path) -> None:
    """With a sum that is right, too: what comes out is a directory as decisions and explanations may take it, or the
    text is read anew. It is never an error."""
    path = write(tmp_path / "people.yaml", ALL_OF_IT)
    plain = Directory.load(path).data
    [entry] = entries(memory)
    data = json.loads(entry.read_text())["data"]
    refused = tried = 0
    for packed in altered(data["directory"]):
        tried += 1
        try:
            packing.unpack(packed)
        except packing.NotPackedError:
            refused += 1
            payload = json.dumps({**data, "directory": packed}, separators=(",", ":"))
            entry.write_text(f'{{"sum": "{caches.hashed(entry.name, payload)}", "data": {payload}}}')
            assert Directory.load(path).data == plain
    assert tried > 300
    assert refused > 0.8 * tried


@pytest.mark.parametrize(
    ("of", "to"),
    [
        ("0.5", "NaN"),
        ("0.5", "Infinity"),
        ('["ann","bob","cy"]', '["ann","bob","ann"]'),
        ('[null,"branch/north"', '[null,"branch/south"'),
        ('["cy","bob","ann"]', '["cy","bob","dora"]'),
        ('"words":["desk"]', '"words":["all"]'),
    ],
)
def test_a_forged_word_is_refused(tmp_path: Path, memory: Path, of: str, to: str) -> None:
    """What no file may say, or only of people, groups and places that are there."""
    path = write(tmp_path / "people.yaml", ALL_OF_IT)
    plain = Directory.load(path).data
    [entry] = entries(memory)
    payload = json.dumps(json.loads(entry.read_text())["data"], separators=(",", ":"))
    assert of in payload
    payload = payload.replace(of, to)
    entry.write_text(f'{{"sum": "{caches.hashed(entry.name, payload)}", "data": {payload}}}')
    assert Directory.load(path).data == plain


def test_a_forged_number_fills_no_memory() -> None:
    """Where one word stands for a whole column, how long that is is said elsewhere, and held against it."""
    for part, name in (("users", "assignments"), ("groups", "members"), ("groups", "groups"), ("scopes", "parents")):
        packed = packing.pack(read_directory(Source("people.yaml", ALL_OF_IT))[0])
        lists = packed[part][name]
        column = lists["items"] if "items" in lists else lists["role"]
        column.update(words=["ann"], at=None)
        lists["many"][0] = 10**12
        with pytest.raises(packing.NotPackedError):
            packing.unpack(packed)


@pytest.mark.parametrize("data", [1, [], "x", {}, {"state": 1}, {"directory": {}}])
def test_an_entry_of_another_form_is_none(tmp_path: Path, memory: Path, data: Any) -> None:
    """Whatever JSON holds."""
    path = write(tmp_path / "people.yaml", PEOPLE)
    plain = Directory.load(path).data
    [entry] = entries(memory)
    payload = json.dumps(data, separators=(",", ":"))
    entry.write_text(f'{{"sum": "{caches.hashed(entry.name, payload)}", "data": {payload}}}')
    assert Directory.load(path).data == plain


def test_damage_is_seen(counted: Counted, tmp_path: Path, memory: Path) -> None:
    """A role that was changed without its sum opens nothing."""
    path = write(tmp_path / "people.yaml", PEOPLE)
    counted.load(path)
    [entry] = entries(memory)
    whole = entry.read_bytes()
    for damaged in (whole.replace(b"reader", b"admins"), whole[:-9], b"", b"\xff"):
        entry.write_bytes(damaged)
        directory, read = counted.load(path)
        assert read
        assert directory.users["ann"].assignments[0].role == "reader"


def test_it_is_closed_to_others(tmp_path: Path, memory: Path) -> None:
    """People's names and roles are read by nobody else, even where anybody may read the file itself."""
    path = write(tmp_path / "people.yaml", PEOPLE)
    path.chmod(0o644)
    Directory.load(path)
    assert stat.S_IMODE((memory / "directory").stat().st_mode) == 0o700
    assert [stat.S_IMODE(entry.stat().st_mode) for entry in entries(memory)] == [0o600]


@pytest.mark.parametrize("of", ["reading", "remembered"])
def test_a_folder_that_others_may_write_is_not_used(counted: Counted, tmp_path: Path, memory: Path, of: str) -> None:
    """Nothing is taken from it, and nothing kept in it."""
    path = write(tmp_path / "people.yaml", PEOPLE)
    counted.load(path)
    (memory if of == "reading" else memory / "directory").chmod(0o777)
    assert not counted.warm(path)


def test_a_call_can_do_without(counted: Counted, tmp_path: Path, memory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`cache=False` reads the text and keeps nothing; so does a text, and everything with `REMIT_CACHE=off`."""
    path = write(tmp_path / "people.yaml", PEOPLE)
    Directory.load(path, cache=False)
    Directory.from_text(PEOPLE)
    assert not memory.exists()
    counted.load(path)
    before = counted.read
    Directory.load(path, cache=False)
    assert counted.read == before + 1
    monkeypatch.setenv("REMIT_CACHE", "off")
    assert not counted.warm(path)


# -- commands --------------------------------------------------------------------------------------------------------


def test_a_remembered_directory_answers_without_yaml(memory: Path) -> None:
    """Neither PyYAML nor the reader is loaded for it, and the answer is the same."""
    reader = ["yaml", "remit.directory.reader"]
    assert [asked_of_measure(reader) for _ in range(2)] == [reader, []]


@pytest.mark.parametrize(
    "words",
    [
        ["explain", "rob", "read", "customer:c7", "--json"],
        ["explain", "rob", "delete", "customer:c7"],
        ["who", "read", "customer:c7"],
        ["members"],
    ],
    ids=lambda words: " ".join(words[:1]),
)
def test_commands_say_the_same(words: list[str], memory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a remembered directory as of its text, to the lines that they quote."""
    monkeypatch.chdir(ROOT)
    said = [CliRunner().invoke(remit, [*words, "--policy", "policies/measure"]) for _ in range(2)]
    monkeypatch.setenv("REMIT_CACHE", "off")
    plain = CliRunner().invoke(remit, [*words, "--policy", "policies/measure"])
    assert plain.output
    assert [one.output for one in said] == [plain.output] * 2
    assert {one.exit_code for one in said} == {plain.exit_code}


def test_an_import_into_a_database_keeps_nothing(tmp_path: Path, memory: Path) -> None:
    """It is asked about there from then on."""
    policy = write(
        tmp_path / "p" / "main.remit", "area a { resource doc { actions read } }\nrole reader { allow read on doc }\n"
    )
    people = write(tmp_path / "people.yaml", PEOPLE)
    place = ["--policy", str(policy), "--directory", f"sqlite:///{tmp_path}/people.db"]
    done = CliRunner().invoke(remit, ["directory", "import", *place, str(people)])
    assert done.exit_code == 0, done.output
    assert not entries(memory)
