"""Files are written whole or not at all, but for what another file cannot take the place of."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path
from threading import Thread

import pytest
from click.testing import CliRunner

from remit.cli.main import remit
from remit.project import files
from remit.project.files import write_whole

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="pipes and hard links as POSIX has them")

OLD, NEW = "old, and longer than the new\n", "new\n"


@pytest.fixture
def named_twice(tmp_path: Path) -> tuple[Path, Path]:
    """One file by two names."""
    one, other = tmp_path / "one.remit", tmp_path / "other.remit"
    one.write_text(OLD, encoding="utf-8")
    os.link(one, other)
    return one, other


def test_another_file_takes_the_place(tmp_path: Path) -> None:
    """Whoever has the old file open still reads the old text: it is never half of each."""
    path = tmp_path / "a"
    path.write_text(OLD, encoding="utf-8")
    with path.open(encoding="utf-8") as before:
        write_whole(path, NEW)
        assert (before.read(), path.read_text(encoding="utf-8")) == (OLD, NEW)


def test_a_pipe_is_written_into(tmp_path: Path) -> None:
    """What is no file, such as a pipe or `/dev/null`, takes the text and stays what it is."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    read: list[str] = []
    reader = Thread(target=lambda: read.append(pipe.read_text(encoding="utf-8")), daemon=True)
    reader.start()
    write_whole(pipe, NEW)
    reader.join(timeout=20)
    assert read == [NEW]
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    assert [path.name for path in tmp_path.iterdir()] == ["pipe"]


def test_a_device_is_written_into() -> None:
    """`/dev/null` stays the device that it is, whoever writes to it."""
    before = os.stat(os.devnull)
    write_whole(Path(os.devnull), NEW)
    after = os.stat(os.devnull)
    assert stat.S_ISCHR(after.st_mode)
    assert (before.st_ino, before.st_mode) == (after.st_ino, after.st_mode)


def test_a_file_with_two_names_stays_one(named_twice: tuple[Path, Path]) -> None:
    """Both names of a file with hard links show the new text afterwards."""
    one, other = named_twice
    write_whole(one, NEW)
    assert (one.read_text(encoding="utf-8"), other.read_text(encoding="utf-8")) == (NEW, NEW)
    assert one.samefile(other)


def test_what_must_last_is_parted(named_twice: tuple[Path, Path]) -> None:
    """What has to outlive a power failure is written beside its place all the same, under the one name."""
    one, other = named_twice
    write_whole(one, NEW, durable=True)
    assert (one.read_text(encoding="utf-8"), other.read_text(encoding="utf-8")) == (NEW, OLD)


def test_a_write_that_fails_is_undone(named_twice: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the disk fails while such a file is overwritten, the old text is put back, and the error is told."""
    one, other = named_twice
    sync, calls = os.fsync, []

    def full(handle: int) -> None:
        calls.append(handle)
        if len(calls) == 1:
            raise OSError(28, "No space left on device")
        sync(handle)

    monkeypatch.setattr(files.os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write_whole(one, NEW)
    assert other.read_text(encoding="utf-8") == OLD
    assert len(calls) == 2


@pytest.mark.parametrize("words", [["fmt", "one.remit"], ["lint", "--fix", "--policy", "one.remit"]])
def test_a_policy_with_two_names(
    named_twice: tuple[Path, Path], words: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What `fmt` lays out and what `lint --fix` mends is still the same file by its other name."""
    one, other = named_twice
    text = "area a { resource r { actions read } }\nrole  x { allow read on r  allow read on r }\n"
    one.write_text(text, encoding="utf-8")
    monkeypatch.chdir(one.parent)
    CliRunner().invoke(remit, words)
    assert one.samefile(other)
    assert other.read_text(encoding="utf-8") != text
