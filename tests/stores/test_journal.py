"""The audit log as a file: what is appended stays in step with its head, and what somebody did to it shows."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from remit.membership.record import check_chain, line_hash
from remit.stores.journal import Journal, backwards
from remit.stores.store import StoreError


def record(name: str, event_id: str | None = None, **more: Any) -> dict[str, Any]:
    """A record that says little."""
    data = {"accepted": True, "code": "accepted", "event_id": event_id, "directory": "directory.yaml", **more}
    kept = {"company_id": "acme", "created_at": "2024-01-01T00:00:00Z", "action": name, "reference_type": "member"}
    return {**kept, "additional_data": data}


def write(path: Path, *names: str) -> Journal:
    """A log of records by these names, which are their events' ids too."""
    journal = Journal(path)
    with journal.lock():
        for name in names:
            with journal.appended([record(name, name)]):
                pass
    return journal


def names(path: Path) -> list[str]:
    return [json.loads(line)["action"] for line in path.read_text().splitlines()]


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """No power fails here."""
    monkeypatch.setattr(os, "fsync", lambda handle: None)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "audit.jsonl"


def whole(path: Path) -> bool:
    """Whether the chain and the head say that nothing was done to the log."""
    journal = Journal(path)
    checked = check_chain(journal.lines())
    return not checked.flaws and journal.head() == (checked.count, checked.last)


def test_lines_are_chained_and_counted(log: Path) -> None:
    """Each line names the one before; the head counts them and has the hash of the last."""
    write(log, "a", "b", "c")
    assert names(log) == ["a", "b", "c"]
    assert whole(log)
    assert json.loads((log.parent / "audit.jsonl.head").read_text()) == {
        "records": 3,
        "last": line_hash(log.read_text().splitlines()[-1]),
    }


def test_several_records_are_one_write(log: Path) -> None:
    """Records that come together are chained like others, and none writes nothing."""
    journal = write(log, "a")
    with journal.lock(), journal.appended([record("b"), record("c", "c")]):
        pass
    with journal.lock(), journal.appended([]):
        pass
    with journal.lock(), journal.appended([record("d")]):
        pass
    assert names(log) == ["a", "b", "c", "d"]
    assert whole(log)
    assert journal.end() == Journal(log).end()


def test_what_another_process_appended_is_followed(log: Path) -> None:
    """Two journals on one file, in turns: one chain."""
    one, other = Journal(log), Journal(log)
    for number in range(6):
        journal = (one, other)[number % 2]
        with journal.lock():
            journal.mend()
            with journal.appended([record(str(number), str(number))]):
                pass
    assert whole(log)
    assert one.seen("5", "directory.yaml") == other.seen("5", "directory.yaml") is not None


def test_only_the_end_is_read(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where log and head agree, the next line needs the last one alone."""
    write(log, *"abcdef")
    monkeypatch.setattr(Journal, "_count", lambda *_: pytest.fail("the whole log was read"))
    write(log, "g")
    assert whole(log)


@pytest.mark.parametrize("left", [1, 20, 100, -1])
def test_torn_line_is_dropped(log: Path, left: int) -> None:
    """A last line without its end never was: it is dropped with a notice, and the log is whole again."""
    head = log.parent / "audit.jsonl.head"
    write(log, "a", "b")
    before, counted = log.read_bytes(), head.read_bytes()
    write(log, "c")
    log.write_bytes(before + log.read_bytes()[len(before) :][:left])
    head.write_bytes(counted)
    journal = Journal(log)
    with journal.lock():
        journal.mend()
        journal.mend()
    assert log.read_bytes() == before
    assert journal.notices == ["the last line of `audit.jsonl` was cut short and is dropped"]
    assert whole(log)


def test_a_line_that_the_head_names_gets_its_end_back(log: Path) -> None:
    """Where only the end of the last line is missing, as some editors leave it, nothing is dropped."""
    write(log, "a", "b")
    before = log.read_bytes()
    log.write_bytes(before[:-1])
    journal = Journal(log)
    with journal.lock():
        journal.mend()
        journal.mend()
    assert log.read_bytes() == before
    assert journal.notices == ["the last line of `audit.jsonl` lacked its end, and has it again"]
    assert whole(log)


def test_hole_is_dropped(log: Path) -> None:
    """After a power failure a line may be there without its content and its end."""
    write(log, "a", "b")
    with log.open("ab") as file:
        file.write(b"\0" * 300)
    Journal(log).mend()
    assert names(log) == ["a", "b"]
    assert whole(log)


@pytest.mark.parametrize("line", [b"\0" * 300, b'{"company_id": "a', b"", b"{}"])
def test_a_line_with_an_end_that_is_no_record_stays(log: Path, line: bytes) -> None:
    """What was written whole is never dropped: it stays where it is, whatever comes behind it, and is a flaw."""
    write(log, "a", "b")
    with log.open("ab") as file:
        file.write(line + b"\n")
    before = log.read_bytes()
    journal = Journal(log)
    with journal.lock():
        journal.mend()
        assert log.read_bytes() == before
        with journal.appended([record("c", "c")]):
            pass
    assert log.read_bytes().startswith(before)
    assert 3 in [flaw.line for flaw in check_chain(Journal(log).lines()).flaws]


def test_first_line_torn(log: Path) -> None:
    """A log that was killed in its first line is empty, and goes on."""
    write(log, "a")
    log.write_bytes(log.read_bytes()[:30])
    (log.parent / "audit.jsonl.head").write_text('{"records": 0, "last": null}\n')
    Journal(log).mend()
    assert log.read_bytes() == b""
    write(log, "b")
    assert whole(log)


@pytest.mark.parametrize("text", ["# notes\nmine\n", "mine", '{"a": 1}\n'])
def test_another_file_is_no_log(log: Path, text: str) -> None:
    """A file that is no audit log is left alone, whoever names it as one."""
    log.write_text(text)
    journal = Journal(log)
    with pytest.raises(StoreError, match="is no audit log"):
        journal.mend()
    with pytest.raises(StoreError, match="no audit log"), journal.appended([record("a")]):
        pass
    assert log.read_text() == text


BEHIND = "`audit.jsonl.head` was 3 records behind and is brought in step"


@pytest.mark.parametrize("behind, notices", [(1, []), (3, [BEHIND])])
def test_head_is_brought_in_step(log: Path, behind: int, notices: list[str]) -> None:
    """The head of a process that was killed before it wrote it follows."""
    write(log, "a", "b")
    head = (log.parent / "audit.jsonl.head").read_bytes()
    write(log, *"cde"[:behind])
    (log.parent / "audit.jsonl.head").write_bytes(head)
    journal = Journal(log)
    journal.mend()
    assert journal.notices == notices
    assert whole(log)


@pytest.mark.parametrize("gone", [1, 2, 3])
def test_lines_cut_off_stay_found(log: Path, gone: int) -> None:
    """A head that names more than there is stays, and later events cover nothing: the count and the chain show it."""
    write(log, "a", "b", "c")
    head = (log.parent / "audit.jsonl.head").read_bytes()
    log.write_bytes(b"".join(log.read_bytes().splitlines(keepends=True)[:-gone]))
    journal = Journal(log)
    journal.mend()
    assert (log.parent / "audit.jsonl.head").read_bytes() == head
    assert journal.notices == ["`audit.jsonl` does not end as `audit.jsonl.head` says: see `remit audit verify`"]
    write(log, "d")
    write(log, "e")
    checked = check_chain(Journal(log).lines())
    assert Journal(log).head() == (5, checked.last)
    assert checked.count == 5 - gone
    assert [flaw.line for flaw in checked.flaws] == [4 - gone]


@pytest.mark.parametrize("line", [0, 1, 2])
def test_changed_line_stays_found(log: Path, line: int) -> None:
    """Whichever line was changed, the last one too: what is appended does not hide it."""
    write(log, "a", "b", "c")
    lines = log.read_text().splitlines(keepends=True)
    lines[line] = lines[line].replace("acme", "emca")
    log.write_text("".join(lines))
    Journal(log).mend()
    write(log, "d")
    assert [flaw.line for flaw in check_chain(Journal(log).lines()).flaws] == [line + 2]


HEADS = [None, "", "nonsense", "[]", '{"records": 2}', '{"records": "2", "last": null}', '{"records": 0, "last": "x"}']


@pytest.mark.parametrize("text", HEADS)
def test_lost_head(log: Path, text: str | None) -> None:
    """Without a head that can be read, the next event makes one, and somebody is told."""
    write(log, "a", "b")
    head = log.parent / "audit.jsonl.head"
    head.unlink() if text is None else head.write_text(text)
    journal = Journal(log)
    assert journal.head() is None
    journal.mend()
    journal.mend()
    assert journal.notices == ["`audit.jsonl.head` is missing: whether lines were cut off cannot be told"]
    write(log, "c")
    assert whole(log)


@pytest.mark.parametrize("head", ["in step", "behind"])
@pytest.mark.parametrize("count", [1, 3])
def test_what_never_happened_is_dropped(log: Path, head: str, count: int) -> None:
    """The last line goes where it tells of what was not done, and the head never names more than there is."""
    write(log, *"abc"[: count - 1])
    there = log.read_bytes() if count > 1 else b""
    kept = (log.parent / "audit.jsonl.head").read_bytes() if count > 1 else b'{"records": 0, "last": null}\n'
    write(log, "undone")
    if head == "behind":
        (log.parent / "audit.jsonl.head").write_bytes(kept)
    journal = Journal(log)
    assert journal.seen("undone", "directory.yaml")
    journal.mend(lambda found: found["action"] == "undone")
    assert journal.notices == ["the last line of `audit.jsonl` tells of an event that was not finished, and is dropped"]
    assert log.read_bytes() == there
    assert (log.parent / "audit.jsonl.head").read_bytes() == kept
    assert journal.seen("undone", "directory.yaml") is None
    write(log, "x")
    assert whole(log)


def test_failing_takes_the_line_back(log: Path) -> None:
    """Where what a line tells of fails, the line was never there."""
    journal = Journal(log)
    with pytest.raises(OSError), journal.lock(), journal.appended([record("a")]):
        raise OSError
    assert not log.exists()
    write(log, "b")
    before = log.read_bytes()
    with pytest.raises(OSError, match="'b', 'c'"), journal.lock(), journal.appended([record("c", "c")]):
        raise OSError(names(log))
    assert log.read_bytes() == before
    assert journal.seen("c", "directory.yaml") is None
    assert whole(log)


def test_interrupted_like_killed(log: Path) -> None:
    """Whoever interrupts leaves what a kill would leave: whether it was done is for `mend` to find out."""
    journal = write(log, "a")
    with pytest.raises(KeyboardInterrupt), journal.lock(), journal.appended([record("b")]):
        raise KeyboardInterrupt
    assert names(log) == ["a", "b"]
    journal.mend()
    assert whole(log)


def test_first_result_is_found(log: Path) -> None:
    """By its id, in a line of any age, and the first of several."""
    write(log, "a", "b")
    journal = Journal(log)
    found = dict.fromkeys(("guard", "roles", "status", "message", "at"))
    assert journal.seen("b", "directory.yaml") == {**found, "accepted": True, "code": "accepted"}
    assert journal.seen("z", "directory.yaml") is None
    with journal.lock(), journal.appended([record("c", "b", code="other"), record('"event_id": "z"', "c")]):
        pass
    assert (journal.seen("b", "directory.yaml") or {})["code"] == "accepted"
    assert journal.seen("c", "directory.yaml") is not None
    assert journal.seen("z", "directory.yaml") is None
    assert journal.seen("c", "directory.yaml", before=journal.end().start) is None


def test_another_log_in_the_same_place(log: Path) -> None:
    """A log that was moved away is forgotten, with the events it knew."""
    journal = write(log, "a", "b")
    assert journal.seen("a", "directory.yaml")
    for name in ("audit.jsonl", "audit.jsonl.head"):
        os.replace(log.parent / name, log.parent / f"old.{name}")
    assert journal.seen("a", "directory.yaml") is None
    assert journal.end().next == (0, None)
    write(log, "b", "a", "c")
    assert journal.seen("a", "directory.yaml") is not None
    assert journal.end().next.records == 3


def test_strange_text(log: Path) -> None:
    """Half a surrogate pair, line separators and quotes are kept as they came."""
    strange = '\ud800 \u2028 \x85 " \\ \n \0 ü'
    write(log, strange, "after")
    journal = Journal(log)
    assert [json.loads(line)["action"] for line in journal.lines()] == [strange, "after"]
    assert journal.seen(strange, "directory.yaml")
    assert whole(log)


def test_link_is_followed(log: Path) -> None:
    """A log behind a link has its head and its lock beside itself."""
    (log.parent / "logs").mkdir()
    log.symlink_to(log.parent / "logs" / "2024.jsonl")
    write(log, "a")
    write(log.parent / "logs" / "2024.jsonl", "b")
    assert log.is_symlink()
    assert names(log) == ["a", "b"]
    assert sorted(path.name for path in (log.parent / "logs").iterdir()) == [
        "2024.jsonl",
        "2024.jsonl.head",
        "2024.jsonl.lock",
    ]


@pytest.mark.parametrize("block", [1, 2, 3, 7, 1000])
@pytest.mark.parametrize(
    "text", [b"", b"\n", b"a", b"a\n", b"\n\n", b"a\nbb\n\nccc\n", b"a\nbb\n\nccc", b"aaaa\nb\n" * 9]
)
def test_backwards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: bytes, block: int) -> None:
    """The lines of a file from its end, whatever the size of what is read at a time."""
    monkeypatch.setattr("remit.stores.journal._BLOCK", block)
    (tmp_path / "x").write_bytes(text)
    lines = text.removesuffix(b"\n").split(b"\n") if text else []
    starts = [sum(len(line) + 1 for line in lines[:number]) for number in range(len(lines))]
    with (tmp_path / "x").open("rb") as file:
        assert list(backwards(file, len(text))) == list(zip(starts, lines, strict=True))[::-1]
