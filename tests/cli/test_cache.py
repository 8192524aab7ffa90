"""The cache: what was put is there, whatever else lies in its folder; and it never stands in anybody's way."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from remit.project import cache as module
from remit.project.cache import OF_A_PROJECT, Cache, Limits

DATA = {"findings": [1, "é\ud800", None, {"deep": [True]}]}


@pytest.fixture
def kept(tmp_path: Path) -> Cache:
    """A cache with one entry."""
    cache = Cache(tmp_path)
    cache.put("lint", "key", DATA)
    return cache


def entry(folder: Path) -> Path:
    [found] = (folder / ".remit_cache" / "lint").iterdir()
    return found


def tree(folder: Path) -> set[str]:
    return {file.relative_to(folder).as_posix() for file in folder.rglob("*")}


def test_what_is_put_is_there(tmp_path: Path, kept: Cache) -> None:
    """In this process and the next, under its own kind and key alone."""
    assert kept.get("lint", "key") == DATA
    assert Cache(tmp_path).get("lint", "key") == DATA
    assert kept.get("lint", "other") is None
    assert kept.get("fmt", "key") is None


def test_a_later_entry_replaces_an_earlier_one(kept: Cache) -> None:
    """A key has one value."""
    kept.put("lint", "key", False)
    assert kept.get("lint", "key") is False


def test_entries_are_json(tmp_path: Path, kept: Cache) -> None:
    """An entry is a JSON file, and nothing else could be run from it."""
    assert json.loads(entry(tmp_path).read_text())["data"] == DATA


def test_the_folder_is_marked(tmp_path: Path, kept: Cache) -> None:
    """git ignores the folder, and backups know it for a cache."""
    folder = tmp_path / ".remit_cache"
    assert (folder / ".gitignore").read_text() == "*\n"
    assert (folder / "CACHEDIR.TAG").read_text().startswith("Signature: 8a477f597d28d172789f06886806bc55\n")


def test_another_version_sees_nothing(tmp_path: Path, kept: Cache, monkeypatch: pytest.MonkeyPatch) -> None:
    """What one version of remit kept is void for another."""
    monkeypatch.setattr(module, "__version__", "99.0")
    assert Cache(tmp_path).get("lint", "key") is None


def test_without_a_folder_nothing_is_kept(tmp_path: Path) -> None:
    """A cache that is turned off takes everything and has nothing."""
    cache = Cache(None)
    cache.put("lint", "key", DATA)
    assert cache.get("lint", "key") is None


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: "",
        lambda text: text[:-10],
        lambda text: text + " ",
        lambda text: text.replace("findings", "findinks"),
        lambda text: json.dumps({"sum": "0" * 64, "data": DATA}),
        lambda text: json.dumps(DATA),
        lambda text: "[" * 100_000,
        lambda text: "\0" * 500,
        lambda text: "x" * (OF_A_PROJECT.entry + 1),
    ],
    ids=["empty", "cut", "longer", "changed", "wrong sum", "foreign", "deep", "zeros", "large"],
)
def test_a_damaged_entry_is_none(tmp_path: Path, kept: Cache, damage: object) -> None:
    """An entry that is not as it was written is none, and can be written anew."""
    assert callable(damage)
    place = entry(tmp_path)
    place.write_text(damage(place.read_text()))
    assert kept.get("lint", "key") is None
    kept.put("lint", "key", DATA)
    assert kept.get("lint", "key") == DATA


def test_bytes_that_are_no_text(tmp_path: Path, kept: Cache) -> None:
    """Neither is one that is no text."""
    entry(tmp_path).write_bytes(b"\xff\xfe" * 100)
    assert kept.get("lint", "key") is None


def test_an_entry_under_another_name(tmp_path: Path, kept: Cache) -> None:
    """An entry counts under the name it was written for alone."""
    kept.put("lint", "other", "mine")
    first, second = (tmp_path / ".remit_cache" / "lint").iterdir()
    text = first.read_text()
    first.write_text(second.read_text())
    second.write_text(text)
    assert kept.get("lint", "key") is None
    assert kept.get("lint", "other") is None


def test_links_are_not_followed(tmp_path: Path, kept: Cache) -> None:
    """A link in place of an entry, a kind or the whole folder is as if nothing were there, and nothing is written
    through it."""
    elsewhere = tmp_path / "elsewhere"
    for part in (entry(tmp_path), entry(tmp_path).parent, tmp_path / ".remit_cache"):
        part.rename(elsewhere)
        part.symlink_to(elsewhere)
        assert kept.get("lint", "key") is None
        before = {file: file.stat().st_mtime_ns for file in [elsewhere, *elsewhere.rglob("*")]}
        if elsewhere.is_dir():
            Cache(tmp_path).put("lint", "key", "another")
            assert {file: file.stat().st_mtime_ns for file in [elsewhere, *elsewhere.rglob("*")]} == before
        part.unlink()
        elsewhere.rename(part)
        assert kept.get("lint", "key") == DATA


def test_a_pipe_is_not_waited_for(tmp_path: Path, kept: Cache) -> None:
    """A pipe in place of an entry is none."""
    place = entry(tmp_path)
    place.unlink()
    os.mkfifo(place)
    assert kept.get("lint", "key") is None


@pytest.mark.parametrize("part", [".remit_cache", ".remit_cache/lint"])
def test_a_file_where_a_folder_should_be(tmp_path: Path, part: str) -> None:
    """Where something else has the name, nothing is kept and nothing fails."""
    (tmp_path / part).parent.mkdir(exist_ok=True)
    (tmp_path / part).write_text("mine")
    cache = Cache(tmp_path)
    cache.put("lint", "key", DATA)
    assert cache.get("lint", "key") is None
    assert (tmp_path / part).read_text() == "mine"


def test_a_disk_that_is_full(tmp_path: Path, kept: Cache, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nothing can be written nothing is kept, and what was there stays."""

    def full(path: Path, text: str) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(module, "_write", full)
    for cache in (kept, Cache(tmp_path)):
        cache.put("lint", "another", DATA)
        assert cache.get("lint", "another") is None
        assert cache.get("lint", "key") == DATA


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    """Nor where the folder is gone; it is not made."""
    cache = Cache(tmp_path / "gone")
    cache.put("lint", "key", DATA)
    assert cache.get("lint", "key") is None
    assert tree(tmp_path) == set()


@pytest.mark.parametrize("part", ["", "lint", "lint/*", "CACHEDIR.TAG"])
def test_it_may_be_deleted(tmp_path: Path, kept: Cache, part: str) -> None:
    """The folder, or any part of it, may go at any time; the next process makes it anew."""
    for place in (tmp_path / ".remit_cache").glob(part) if part else [tmp_path / ".remit_cache"]:
        shutil.rmtree(place) if place.is_dir() else place.unlink()
    assert kept.get("lint", "key") == (DATA if part == "CACHEDIR.TAG" else None)
    kept.put("lint", "another", DATA)
    again = Cache(tmp_path)
    again.put("lint", "key", DATA)
    assert again.get("lint", "key") == DATA
    assert (tmp_path / ".remit_cache" / "CACHEDIR.TAG").is_file()


def test_what_is_too_large_is_not_kept(tmp_path: Path, kept: Cache) -> None:
    """An entry has its limit, and what is beyond it leaves what was there."""
    kept.put("lint", "key", "x" * OF_A_PROJECT.entry)
    assert kept.get("lint", "key") == DATA


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> Limits:
    """Of a cache of eight entries of a kind, which is looked through at every fourth."""
    monkeypatch.setattr(module, "_PRUNED_EVERY", 4)
    return OF_A_PROJECT._replace(entries=8)


def test_it_stays_small(tmp_path: Path, small: Limits) -> None:
    """Entries that were not used for longest go first; other people's files stay."""
    cache = Cache(tmp_path, small)
    folder = tmp_path / ".remit_cache" / "fmt"
    for number in range(40):
        cache.put("fmt", str(number), number)
        for age, file in enumerate(sorted(folder.iterdir(), key=lambda file: -file.stat().st_mtime_ns)):
            os.utime(file, (1_000_000 - age, 1_000_000 - age))
        (folder / "mine.txt").write_text("mine")
        assert len(list(folder.glob("[0-9a-f]*"))) <= small.entries + 4
    assert cache.get("fmt", "39") == 39
    assert cache.get("fmt", "0") is None
    assert (folder / "mine.txt").read_text() == "mine"


def test_it_stays_small_in_bytes(tmp_path: Path, small: Limits) -> None:
    """Few large entries are bounded, too."""
    cache = Cache(tmp_path, small._replace(bytes=5_000))
    for number in range(12):
        cache.put("fmt", str(number), "x" * 1_000)
    assert sum(file.stat().st_size for file in (tmp_path / ".remit_cache" / "fmt").iterdir()) <= 5_000 + 4 * 1_200


def test_what_is_used_stays_young(tmp_path: Path, kept: Cache) -> None:
    """An old entry that is asked for counts as new."""
    os.utime(entry(tmp_path), (1, 1))
    assert kept.get("lint", "key") == DATA
    assert time.time() - entry(tmp_path).stat().st_mtime < 60


def test_what_was_never_finished_goes(tmp_path: Path, kept: Cache) -> None:
    """What a killed process left is removed once it is nobody's."""
    left = entry(tmp_path).parent / ".x.remit-abcdefgh"
    fresh = entry(tmp_path).parent / ".y.remit-abcdefgh"
    left.write_text("{")
    os.utime(left, (1, 1))
    fresh.write_text("{")
    Cache(tmp_path).put("lint", "another", DATA)
    assert not left.exists()
    assert fresh.exists()


WRITER = """
import shutil, sys
from pathlib import Path
from remit.project.cache import Cache, _PRUNED_EVERY
folder, own = Path(sys.argv[1]), int(sys.argv[2])
wrong = 0
for turn in range(300):
    cache = Cache(folder)
    key = str(turn % 7)
    cache.put("lint", key, [key] * 50)
    found = cache.get("lint", key)
    wrong += found is not None and found != [key] * 50
    if own == 0 and turn % 20 == 19:
        shutil.rmtree(folder / ".remit_cache", ignore_errors=True)
print(wrong)
"""


def test_processes_at_once(tmp_path: Path) -> None:
    """Processes that write the same entries at once, one of which deletes the folder now and then, read whole entries
    or none."""
    command = [sys.executable, "-c", WRITER, str(tmp_path)]
    running = [subprocess.Popen([*command, str(number)], stdout=subprocess.PIPE, text=True) for number in range(4)]
    assert [process.communicate(timeout=120)[0].strip() for process in running] == ["0"] * 4
    assert [process.returncode for process in running] == [0] * 4


def test_each_kind_has_its_own_room(tmp_path: Path) -> None:
    """One cache keeps entries of several kinds, whichever came first."""
    cache = Cache(tmp_path)
    cache.put("one", "key", {"of": "one"})
    cache.put("other", "key", {"of": "other"})
    assert (cache.get("one", "key"), cache.get("other", "key")) == ({"of": "one"}, {"of": "other"})
