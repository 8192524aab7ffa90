"""The directory as a file: events whole or not at all, in the words of the file, nothing lost where a disk fails."""

from __future__ import annotations

import errno
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from remit import Policy
from remit.cli.main import remit
from remit.directory.reader import read_directory
from remit.directory.shape import Directory
from remit.membership.record import check_chain, decision_record
from remit.source import Source
from remit.stores.file import FileStore, digest_of
from remit.stores.store import Setting, StoreError, UnreadableError, open_store

POLICY = """
scope company
area people { resource member { actions invite, manage, remove } }
role owner { in people { allow invite, manage, remove on member } }
role reader { in people { allow invite on member } }
assignments {
  on invite requires invite on member
  on change_role requires manage on member
  on disable requires manage on member
  on enable requires manage on member
  on remove requires remove on member
}
guard last_owner: at least 1 active owner
"""
PEOPLE = """\
# Who works here.
users:
  ann:                        # founded it
    assignments: [{role: owner}]
  rob: {assignments: [{role: reader}]}
"""
NOW = 1_700_000_000_000_000_000
Json = dict[str, Any]


@cache
def setting() -> Setting:
    policy = Policy.from_sources({"people.remit": POLICY})
    return Setting(policy.index, policy.digest, "acme")


def invite(user: str, by: str = "ann", **more: Any) -> Json:
    return {"type": "invite", "user": user, "by": by, "role": "reader", **more}


def made(folder: Path, text: str = PEOPLE) -> FileStore:
    """A directory in a folder, where there is none yet, and its store."""
    path = folder / "directory.yaml"
    if not path.exists():
        path.write_text(text)
    store = open_store(str(path))
    assert isinstance(store, FileStore)
    return store


def apply(store: FileStore, event: Any, dry_run: bool = False) -> Json:
    return store.apply(setting(), event, NOW, dry_run)


def parsed(folder: Path) -> Directory:
    """The directory as anybody reads it who knows nothing of stores."""
    directory, findings = read_directory(Source("directory.yaml", (folder / "directory.yaml").read_text()))
    assert not findings
    return directory


def logged(folder: Path) -> list[Json]:
    path = folder / "audit.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def files(folder: Path) -> dict[str, bytes]:
    """Everything in a folder but the lock."""
    return {path.name: path.read_bytes() for path in folder.iterdir() if not path.name.endswith(".lock")}


def hold(store: FileStore) -> None:
    """Log, head and directory agree."""
    checked = check_chain(store.log())
    assert not checked.flaws
    assert store.log_end() == (checked.count, checked.last)
    digests = [record["additional_data"].get("directory_after") for record in map(json.loads, store.log())]
    known = [digest for digest in digests if digest is not None]
    assert not known or known[-1] == digest_of(store.path.read_text())


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """No power fails here, so nothing has to be on the disk; that it is put there in the right order has its test."""
    monkeypatch.setattr(os, "fsync", lambda handle: None)


@pytest.fixture
def store(tmp_path: Path) -> FileStore:
    return made(tmp_path)


# -- events ----------------------------------------------------------------------------------------------------------


def test_event_changes_its_line_alone(store: FileStore, tmp_path: Path) -> None:
    """What the event does not change stays as it was written."""
    result = apply(store, invite("bob"))
    assert result["accepted"]
    assert result["roles"] == ["reader"]
    assert (tmp_path / "directory.yaml").read_text().startswith(PEOPLE)
    assert set(parsed(tmp_path).users) == {"ann", "rob", "bob"}
    assert store.load() == parsed(tmp_path)._replace(name=str(store.path))
    [record] = logged(tmp_path)
    assert record["action"] == "member.invited"
    assert record["additional_data"]["directory_before"] == digest_of(PEOPLE)
    assert record["additional_data"]["directory_after"] == digest_of((tmp_path / "directory.yaml").read_text())
    assert sorted(files(tmp_path)) == ["audit.jsonl", "audit.jsonl.head", "directory.yaml"]
    assert store.notices == []
    hold(store)


def test_refused_and_invalid_events_are_logged_alone(store: FileStore, tmp_path: Path) -> None:
    """They leave a line that says that nothing changed."""
    codes = [
        apply(store, event)["code"]
        for event in (
            {"type": "disable", "user": "ann", "by": "ann"},
            invite("bob", by="nobody"),
            {"type": "invite"},
            {"type": "dance"},
            [],
            invite("rob"),
        )
    ]
    assert codes[:5] == ["guard_failed", "not_permitted", "invalid_event", "invalid_event", "invalid_event"]
    assert (tmp_path / "directory.yaml").read_text() == PEOPLE
    for record in logged(tmp_path):
        data = record["additional_data"]
        assert not data["accepted"]
        assert data["directory_before"] == data["directory_after"] == digest_of(PEOPLE)
    assert [record["additional_data"]["code"] for record in logged(tmp_path)] == codes
    hold(store)


def test_json_directory(tmp_path: Path) -> None:
    """A directory of JSON stays one."""
    (tmp_path / "people.json").write_text('{"users": {"ann": {"assignments": [{"role": "owner"}]}}}\n')
    store = FileStore(tmp_path / "people.json", tmp_path / "audit.jsonl")
    assert apply(store, invite("bob"))["accepted"]
    assert set(json.loads((tmp_path / "people.json").read_text())["users"]) == {"ann", "bob"}
    hold(store)


def test_many_events_read_and_parse_once(store: FileStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """One process that applies many events reads the file before the first alone."""
    from remit.stores import file

    count = {"read": 0, "parse": 0}

    def counted(name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any) -> Any:
            count[name] += 1
            return real(*args)

        return call

    monkeypatch.setattr(file, "read_directory_file", counted("read", file.read_directory_file))
    monkeypatch.setattr(file, "read_directory", counted("parse", file.read_directory))
    for number in range(20):
        assert apply(store, invite(f"u{number}", id=str(number)))["accepted"]
        assert not apply(store, invite(f"u{number}"))["accepted"]
    assert count == {"read": 1, "parse": 1}
    assert len(store.load().users) == 22
    hold(store)


def test_dry_run_leaves_everything(store: FileStore, tmp_path: Path) -> None:
    """Not a file more, not a byte else, and the same result."""
    foreseen = apply(store, invite("bob", id="1"), dry_run=True)
    assert [path.name for path in tmp_path.iterdir()] == ["directory.yaml"]
    assert foreseen == apply(store, invite("bob", id="1"), dry_run=True) == apply(store, invite("bob", id="1"))
    before = files(tmp_path)
    assert apply(store, invite("bob"), dry_run=True)["code"] == "already_exists"
    assert apply(made(tmp_path), invite("bob", id="1"), dry_run=True) == foreseen
    assert files(tmp_path) == before


def test_dry_run_sees_through_what_a_kill_left(store: FileStore, tmp_path: Path) -> None:
    """An event that never happened was not seen, and nothing is mended for a dry run."""
    apply(store, invite("bob", id="1"))
    (tmp_path / "directory.yaml").write_text(PEOPLE)
    before = files(tmp_path)
    assert apply(made(tmp_path), {**invite("cyd", by="nobody"), "id": "1"}, dry_run=True)["code"] == "not_permitted"
    assert files(tmp_path) == before


def test_event_seen_before(store: FileStore, tmp_path: Path) -> None:
    """It is answered with its first result, by any process, whatever it says now, and leaves no line."""
    events = [
        invite("bob", id="1"),
        {"type": "disable", "user": "ann", "by": "ann", "id": "2"},
        {"type": "x", "id": "3"},
    ]
    first = [apply(store, event) for event in events]
    before = files(tmp_path)
    assert [apply(store, event) for event in events] == first
    assert [apply(made(tmp_path), event) for event in events] == first
    assert apply(made(tmp_path), {"type": "remove", "user": "rob", "by": "ann", "id": "1"}) == first[0]
    assert files(tmp_path) == before


def test_decisions_in_the_log(store: FileStore, tmp_path: Path) -> None:
    """Records of requests stand between those of events, and hide neither kills nor edits."""
    allowed = decision_record("ann", "invite", {"type": "member", "id": "x"}, [], NOW, "acme", "p")
    apply(store, invite("bob"))
    store.record(iter([allowed, allowed]))
    store.record([])
    apply(store, invite("cyd"))
    store.record([allowed])
    assert len(logged(tmp_path)) == 5
    hold(store)
    other = made(tmp_path)
    other.record([allowed])
    assert other.notices == []
    hold(other)


def test_record_needs_no_directory(tmp_path: Path) -> None:
    """A log of decisions may be kept where no directory file is."""
    store = FileStore(tmp_path / "none.yaml", tmp_path / "audit.jsonl")
    store.record([decision_record("ann", "invite", {"type": "member"}, [], NOW, "acme", "p")])
    checked = check_chain(store.log())
    assert (checked.count, checked.flaws) == (1, ())


def test_nothing_is_made_by_reading(store: FileStore, tmp_path: Path) -> None:
    """Whoever only loads and lists leaves no file behind."""
    assert set(store.load().users) == {"ann", "rob"}
    assert list(store.log()) == []
    assert store.log_end() is None
    store.close()
    assert [path.name for path in tmp_path.iterdir()] == ["directory.yaml"]


def test_link_stays(tmp_path: Path) -> None:
    """A link is followed, and its rights and place stay."""
    (tmp_path / "real").mkdir()
    real = tmp_path / "real" / "people.yaml"
    real.write_text(PEOPLE)
    real.chmod(0o640)
    (tmp_path / "directory.yaml").symlink_to(Path("real") / "people.yaml")
    store = made(tmp_path)
    assert apply(store, invite("bob"))["accepted"]
    assert apply(store, invite("cyd"))["accepted"]
    assert (tmp_path / "directory.yaml").is_symlink()
    assert "cyd" in real.read_text()
    assert real.stat().st_mode & 0o777 == 0o640
    assert sorted(path.name for path in (tmp_path / "real").iterdir()) == ["people.yaml", "people.yaml.lock"]
    assert (tmp_path / "audit.jsonl").exists()
    hold(store)


def test_threads(store: FileStore, tmp_path: Path) -> None:
    """Threads of one process take turns."""

    def work(name: str) -> None:
        for number in range(10):
            apply(store, invite(f"{name}{number}"))

    threads = [threading.Thread(target=work, args=(name,)) for name in "xyz"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(parsed(tmp_path).users) == 32
    assert len(logged(tmp_path)) == 30
    hold(store)


# -- several processes, several logs, several directories ------------------------------------------------------------


def in_folder(folder: Path) -> None:
    """A policy and a directory for the command line."""
    (folder / "people.remit").write_text(POLICY)
    (folder / "directory.yaml").write_text(PEOPLE)


def events(folder: Path, name: str, count: int) -> set[str]:
    """A file of invitations; whom they invite."""
    people = [f"{name}{number}" for number in range(count)]
    (folder / f"{name}.jsonl").write_text("".join(json.dumps(invite(one)) + "\n" for one in people))
    return set(people)


def test_processes_with_logs_of_their_own_take_turns(tmp_path: Path) -> None:
    """Two processes on one directory, each with its own --audit: whoever comes second sees what the first did."""
    in_folder(tmp_path)
    wanted = events(tmp_path, "x", 40) | events(tmp_path, "y", 40)
    processes = [
        subprocess.Popen(
            [sys.executable, "-m", "remit", "apply", f"{name}.jsonl", "--audit", f"{name}.log"],
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for name in "xy"
    ]
    for process in processes:
        out, err = process.communicate(timeout=120)
        assert process.returncode == 0, err
        assert [json.loads(line)["code"] for line in out.splitlines()] == ["accepted"] * 40
    assert set(parsed(tmp_path).users) == {"ann", "rob"} | wanted
    for name in "xy":
        records = [json.loads(line) for line in (tmp_path / f"{name}.log").read_text().splitlines()]
        assert [record["reference_id"] for record in records] == [f"{name}{number}" for number in range(40)]
        assert not check_chain((tmp_path / f"{name}.log").read_text().splitlines()).flaws


def test_an_event_waits_for_one_with_another_log(
    store: FileStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While an event is under way, one that goes to another log is not judged: it would be judged on what was."""
    from remit.stores import file

    order: list[str] = []
    other = FileStore(store.path, tmp_path / "other.jsonl")
    late = threading.Thread(target=lambda: order.append(str(apply(other, invite("cyd"))["accepted"])))

    def judge(*given: Any) -> Any:
        order.append(given[2].user)
        if given[2].user == "bob":
            late.start()
            late.join(0.5)
        return real(*given)

    real = file.judge_event
    monkeypatch.setattr(file, "judge_event", judge)
    assert apply(store, invite("bob"))["accepted"]
    order.append("done")
    late.join(20)
    assert [step for step in order if step != "done"] == ["bob", "cyd", "True"]
    assert order.index("done") <= order.index("True")
    assert set(parsed(tmp_path).users) == {"ann", "rob", "bob", "cyd"}


def test_two_directories_with_one_log(tmp_path: Path) -> None:
    """Beside one another they share `audit.jsonl`, and no record of the one is taken for unfinished business of the
    other, though both hold the same."""
    (tmp_path / "staging.yaml").write_text(PEOPLE)
    one, other = made(tmp_path), open_store(str(tmp_path / "staging.yaml"))
    assert isinstance(other, FileStore)
    names = []
    for number in range(4):
        for store in (one, other):  # the other is now what the one was before its event
            for fresh in (store, open_store(str(store.path))):
                name = f"u{number}{store.path.stem}{fresh is store}"
                assert fresh.apply(setting(), invite(name), NOW)["accepted"]
                assert fresh.notices == []
                names.append(name)
    assert [record["reference_id"] for record in logged(tmp_path)] == names
    assert set(parsed(tmp_path).users) == {"ann", "rob", *(name for name in names if "directory" in name)}
    assert set(other.load().users) == {"ann", "rob", *(name for name in names if "staging" in name)}
    checked = check_chain(one.log())
    assert (checked.flaws, one.log_end()) == ((), (checked.count, checked.last))


def test_a_kill_beside_another_directory(tmp_path: Path) -> None:
    """What was left undone in one is not mended away by events of the other, unless it is the other's own."""
    (tmp_path / "staging.yaml").write_text(PEOPLE)
    one = made(tmp_path)
    assert apply(one, invite("bob", id="1"))["accepted"]
    staging = open_store(str(tmp_path / "staging.yaml"))
    assert staging.apply(setting(), invite("cyd"), NOW)["accepted"]
    assert [record["reference_id"] for record in logged(tmp_path)] == ["bob", "cyd"]
    (tmp_path / "staging.yaml").write_text(PEOPLE)  # as if the process had been killed before it was replaced
    assert apply(made(tmp_path), invite("dan"))["accepted"]
    assert [record["reference_id"] for record in logged(tmp_path)] == ["bob", "cyd", "dan"]


def append(path: Path, text: str) -> None:
    path.write_text(path.read_text() + text)


LEFT: dict[str, Callable[[Path], object]] = {
    "whole": lambda folder: None,
    "cut short": lambda folder: append(folder / "audit.jsonl", '{"company_id": "ac'),
    "a line that is none": lambda folder: append(folder / "audit.jsonl", "nonsense\n"),
    "undone": lambda folder: (folder / "directory.yaml").write_text(PEOPLE),
    "edited": lambda folder: append(folder / "directory.yaml", "# edited\n"),
    "head behind": lambda folder: (folder / "audit.jsonl.head").write_text('{"records": 0, "last": null}\n'),
    "head gone": lambda folder: (folder / "audit.jsonl.head").unlink(),
    "locks gone": lambda folder: [path.unlink() for path in folder.glob("*.lock")],
    "left beside": lambda folder: (folder / ".directory.yaml.abcdefgh.tmp").write_text("half"),
}


@pytest.mark.parametrize("left", LEFT)
@pytest.mark.parametrize("words", [["verify"], ["show", "--as", "ann"], ["verify", "audit.jsonl"]])
def test_reading_the_log_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, left: str, words: list[str]
) -> None:
    """Not a byte of any file, whatever a kill or a hand left, and no lock comes."""
    monkeypatch.chdir(tmp_path)
    in_folder(tmp_path)
    (tmp_path / "people.remit").write_text(POLICY.replace("actions invite", "actions audit, invite"))
    (tmp_path / "remit.toml").write_text('audit_permission = "invite on member"\n')
    assert CliRunner().invoke(remit, ["apply"], input=json.dumps(invite("bob")) + "\n").exit_code == 0
    for path in tmp_path.glob("*.lock"):
        path.unlink()
    LEFT[left](tmp_path)
    before = {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in tmp_path.iterdir()}
    done = CliRunner().invoke(remit, ["audit", *words])
    assert done.exit_code in (0, 1), done.output
    assert {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in tmp_path.iterdir()} == before


def test_a_line_that_is_no_record_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A line with its end stays though it is no record, through later events, and `verify` names it; a tail without
    an end is dropped by the next event."""
    monkeypatch.chdir(tmp_path)
    in_folder(tmp_path)
    log = tmp_path / "audit.jsonl"

    def one_more(name: str) -> str:
        done = CliRunner().invoke(remit, ["apply"], input=json.dumps(invite(name)) + "\n")
        assert done.exit_code == 0, done.output
        return done.stderr

    assert one_more("bob") == ""
    before = log.read_bytes()
    with log.open("ab") as file:
        file.write(b'{"company_id": "ac')
    assert CliRunner().invoke(remit, ["audit", "verify"]).exit_code == 0
    assert "was cut short and is dropped" in one_more("cyd")
    assert log.read_bytes().startswith(before)
    assert [record["reference_id"] for record in logged(tmp_path)] == ["bob", "cyd"]
    before = log.read_bytes()
    with log.open("ab") as file:
        file.write(b"nonsense\n")
    for name in ("dan", "eve"):
        one_more(name)
        assert log.read_bytes().startswith(before + b"nonsense\n")
        found = CliRunner().invoke(remit, ["audit", "verify"])
        assert (found.exit_code, "line 3: this is no JSON" in found.stdout) == (1, True), found.output
    assert set(parsed(tmp_path).users) == {"ann", "rob", "bob", "cyd", "dan", "eve"}


# -- edits by hand ---------------------------------------------------------------------------------------------------


def test_edit_between_events_is_seen_and_noted(store: FileStore, tmp_path: Path) -> None:
    """The next event is judged on what the editor left; the edit is noted once, and no line is dropped."""
    apply(store, invite("bob"))
    path = tmp_path / "directory.yaml"
    path.write_text(path.read_text().replace("rob", "roy"))
    assert apply(store, {"type": "disable", "user": "roy", "by": "ann"})["accepted"]
    assert apply(store, {"type": "disable", "user": "rob", "by": "ann"})["code"] == "unknown_user"
    assert store.notices == ["`directory.yaml` was edited since the last event, at 2023-11-14T22:13:20.000000Z"]
    path.write_text(path.read_text() + "\n# again\n")
    other = made(tmp_path)
    list(other.log())
    assert other.notices == []  # whoever reads is told nothing of it
    assert apply(other, invite("rob"))["accepted"]
    assert other.notices == store.notices
    path.write_text(path.read_text() + "\n# and again\n")
    apply(store, invite("cyd"))
    assert len(store.notices) == 2
    assert "# again" in path.read_text()
    assert "# and again" in path.read_text()
    assert len(logged(tmp_path)) == 5
    hold(store)


def test_touched_and_not_changed(store: FileStore, tmp_path: Path) -> None:
    """A file that was written again as it is was not edited."""
    apply(store, invite("bob"))
    path = tmp_path / "directory.yaml"
    path.write_bytes(path.read_bytes())
    apply(store, invite("cyd"))
    assert store.notices == []


def test_directory_put_back(store: FileStore, tmp_path: Path) -> None:
    """Where the directory is again what the last event found, that event is taken not to have happened, and may come
    again; an older state is an edit, which drops nothing."""
    apply(store, invite("bob", id="1"))
    between = (tmp_path / "directory.yaml").read_text()
    apply(store, invite("cyd", id="2"))
    (tmp_path / "directory.yaml").write_text(between)
    other = made(tmp_path)
    assert apply(other, invite("cyd", id="2"))["accepted"]
    assert other.notices == ["the last line of `audit.jsonl` tells of an event that was not finished, and is dropped"]
    assert len(logged(tmp_path)) == 2
    hold(other)
    (tmp_path / "directory.yaml").write_text(PEOPLE)
    apply(store, invite("dan"))
    assert len(logged(tmp_path)) == 3
    assert [notice.split(" since ")[0] for notice in store.notices] == ["`directory.yaml` was edited"]


def test_edit_while_judging(store: FileStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who saves the file while an event is under way loses nothing, and the event may come again."""
    from remit.stores import file

    apply(store, invite("bob"))
    path, log = tmp_path / "directory.yaml", (tmp_path / "audit.jsonl").read_bytes()
    edited = path.read_text() + "# saved\n"

    def judge(*given: Any) -> Any:
        path.write_text(edited)
        return real(*given)

    real = file.judge_event
    monkeypatch.setattr(file, "judge_event", judge)
    with pytest.raises(StoreError, match="was changed meanwhile"):
        apply(store, invite("cyd"))
    assert path.read_text() == edited
    assert (tmp_path / "audit.jsonl").read_bytes() == log
    monkeypatch.setattr(file, "judge_event", real)
    assert apply(store, invite("cyd"))["accepted"]
    assert "# saved" in path.read_text()
    hold(store)


def test_cut_log_stays_found(store: FileStore, tmp_path: Path) -> None:
    """Lines that somebody cut off the log show after later events too."""
    for name in ("bob", "cyd", "dan"):
        apply(store, invite(name))
    log = tmp_path / "audit.jsonl"
    log.write_bytes(b"".join(log.read_bytes().splitlines(keepends=True)[:1]))
    other = made(tmp_path)
    assert apply(other, invite("eve"))["accepted"]
    assert other.notices[0] == "`audit.jsonl` does not end as `audit.jsonl.head` says: see `remit audit verify`"
    checked = check_chain(other.log())
    assert [flaw.line for flaw in checked.flaws] == [2]
    assert other.log_end() == (4, checked.last)


# -- what goes wrong -------------------------------------------------------------------------------------------------


def test_missing_directory(tmp_path: Path) -> None:
    """It is said plainly, and nothing is made."""
    store = FileStore(tmp_path / "directory.yaml", tmp_path / "audit.jsonl")
    for call in (lambda: apply(store, invite("bob")), store.load, lambda: apply(store, invite("bob"), True)):
        with pytest.raises(StoreError, match=r"`directory.yaml` cannot be read: no such file or directory") as caught:
            call()
        assert caught.value.help == "check its path, and that its folder is there"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("text", ["users: [", "users: {ann: {status: gone}}\n", "\tx\n"])
def test_directory_with_mistakes(tmp_path: Path, text: str) -> None:
    """Its findings are the reader's, and nothing is written."""
    store = made(tmp_path, text)
    for call in (lambda: apply(store, invite("bob")), store.load):
        with pytest.raises(UnreadableError) as caught:
            call()
        assert caught.value.diagnostics[0].code.startswith("E")
    assert files(tmp_path) == {"directory.yaml": text.encode()}


def test_no_text(tmp_path: Path) -> None:
    """Bytes that are no UTF-8, or a folder, are no directory."""
    (tmp_path / "directory.yaml").write_bytes(b"users: {}\n\xff\n")
    with pytest.raises(UnreadableError):
        apply(made(tmp_path), invite("bob"))
    (tmp_path / "folder").mkdir()
    with pytest.raises(StoreError, match="this is no file"):
        apply(FileStore(tmp_path / "folder", tmp_path / "audit.jsonl"), invite("bob"))


def test_log_that_is_none(store: FileStore, tmp_path: Path) -> None:
    """A log that is another file, or a folder, or in a folder that is not there, is refused before anything changes."""
    (tmp_path / "notes.txt").write_text("mine\n")
    (tmp_path / "folder").mkdir()
    for name in ("notes.txt", "folder", "nowhere/audit.jsonl"):
        with pytest.raises(StoreError, match=r"cannot be written|no audit log"):
            apply(FileStore(store.path, tmp_path / name), invite("bob"))
    assert (tmp_path / "notes.txt").read_text() == "mine\n"
    assert store.path.read_text() == PEOPLE


def test_text_that_no_file_holds(store: FileStore, tmp_path: Path) -> None:
    """Half a surrogate pair in an event is refused or written so that it can be read again, and nothing is lost."""
    before = files(tmp_path)
    try:
        apply(store, invite("bob\ud800"))
    except StoreError:
        assert files(tmp_path) == before
    assert parsed(tmp_path).users
    assert apply(store, invite("cyd"))["accepted"]
    hold(store)


CALLS = ("open", "write", "fsync", "chmod", "replace", "ftruncate")


class Failing:
    """Lets the calls of the system fail from the `first` on: `times` of them."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, first: int, times: int, code: int, folder: Path) -> None:
        self.count, self.first, self.times, self.code, self.failed = 0, first, times, code, 0
        self.folder = str(folder)
        for name in CALLS:
            monkeypatch.setattr(os, name, self.call(getattr(os, name)))

    def call(self, real: Callable[..., Any]) -> Callable[..., Any]:
        def called(*args: Any, **named: Any) -> Any:
            self.count += 1
            if self.first <= self.count < self.first + self.times:
                self.failed += 1
                raise OSError(self.code, os.strerror(self.code))
            return real(*args, **named)

        return called


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO])
@pytest.mark.parametrize("times", [1, 1000])
@pytest.mark.parametrize("earlier", [0, 2])
def test_failing_disk(tmp_path: Path, times: int, earlier: int, code: int) -> None:
    """Whichever call of the system fails, once or from there on: the event has happened whole, or there is a plain
    error and everything is as it was. Once the disk is well again, so is the store."""
    errors: list[StoreError] = []
    for first in range(1, 100):
        folder = tmp_path / str(first)
        folder.mkdir()
        store = made(folder)
        for number in range(earlier):
            apply(store, invite(f"u{number}"))
        before = files(folder)
        with pytest.MonkeyPatch.context() as patched:
            failing = Failing(patched, first, times, code, folder)
            try:
                result = apply(store, invite("bob", id="1"))
            except StoreError as error:
                errors.append(error)
                happened = False
            else:
                assert result["accepted"]
                happened = True
        assert ("bob" in parsed(folder).users) == happened
        if not happened:
            after = files(folder)
            assert after["directory.yaml"] == before["directory.yaml"]
            if times == 1:  # else the line that could not be taken back is dropped by the next event
                assert after.get("audit.jsonl") == before.get("audit.jsonl")
        for again in (store, made(folder)):
            assert apply(again, invite("bob", id="1"))["accepted"]
            assert [record["reference_id"] for record in logged(folder)].count("bob") == 1
        apply(store, invite("cyd"))
        hold(store)
        assert sorted(files(folder)) == ["audit.jsonl", "audit.jsonl.head", "directory.yaml"]
        if not failing.failed:
            break
    else:
        pytest.fail("there is no end of calls")
    assert len(errors) >= 6
    assert all("cannot be written" in str(error) and os.strerror(code).lower() in str(error) for error in errors)
    assert all("nothing was changed" in error.help for error in errors)


FULL = """
import sys
from pathlib import Path
from stores.test_file_store import apply, files, hold, invite, made, parsed
from remit.stores.store import StoreError
folder = Path(sys.argv[1])
store = made(folder)
for number in range(10_000):
    before = files(folder)
    try:
        apply(store, invite(f"user{number}"))
    except StoreError as error:
        assert "no space left" in str(error), error
        assert {**files(folder), "audit.jsonl.head": b""} == {**before, "audit.jsonl.head": b""}
        break
people = len(parsed(folder).users)
(folder / "filler").unlink()
apply(store, invite("bob"))
assert len(parsed(folder).users) == people + 1
hold(store)
print(number)
"""


def test_full_disk(tmp_path: Path, root: Path) -> None:
    """On a disk that really is full: a plain error, nothing lost, and it goes on once there is space."""
    unshare = shutil.which("unshare")
    script = 'mount -t tmpfs -o size=96k none "$1" && head -c 30000 /dev/zero > "$1/filler" && exec "$2" -c "$3" "$1"'
    if unshare is None:
        pytest.skip("there is no `unshare`")
    own = [unshare, "--user", "--map-root-user", "--mount", "sh", "-c"]
    if subprocess.run([*own, 'mount -t tmpfs none "$1"', "sh", str(tmp_path)], capture_output=True).returncode:
        pytest.skip("nothing may be mounted here")
    done = subprocess.run(
        [*own, script, "sh", str(tmp_path), sys.executable, FULL],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(root / "tests")},
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 3


def test_rights(tmp_path: Path) -> None:
    """Who may not write the folder is told so, and nothing changes; reading goes on."""
    apply(made(tmp_path), invite("eve"), dry_run=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        store = made(folder)
        apply(store, invite("bob"))
        before = files(folder)
        for path in (folder, *folder.iterdir()):
            path.chmod(0o555 if path is folder else 0o444)
        somebody = os.geteuid() or 65534  # whom rights bind
        before_me, _ = os.geteuid(), os.seteuid(somebody)
        try:
            with pytest.raises(StoreError, match="permission denied") as caught:
                apply(made(folder), invite("cyd"))
            assert set(made(folder).load().users) == {"ann", "rob", "bob"}
            assert len(list(made(folder).log())) == 1
            assert files(folder) == before
        finally:
            os.seteuid(before_me)
            folder.chmod(0o700)
    assert "permissions" in caught.value.help


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="names of open files are read from /proc")
def test_order_on_the_disk(store: FileStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """For a power failure: the line is on the disk before the directory is replaced, and that before the head is."""
    apply(store, invite("bob"))
    calls: list[str] = []

    def sync(handle: int) -> None:
        name = Path(os.readlink(f"/proc/self/fd/{handle}")).relative_to(tmp_path.parent).as_posix()
        calls.append(
            "sync " + ".".join(part for part in Path(name).name.split(".") if part and not part.startswith("remit-"))
        )

    def replace(source: str, target: Path) -> None:
        calls.append(f"replace {target.name}")
        os.rename(source, target)

    monkeypatch.setattr(os, "fsync", sync)
    monkeypatch.setattr(os, "replace", replace)
    apply(store, invite("cyd"))
    folder = tmp_path.name
    assert calls == [
        "sync audit.jsonl",
        "sync directory.yaml",
        "replace directory.yaml",
        f"sync {folder}",
        "sync audit.jsonl.head",
        "replace audit.jsonl.head",
        f"sync {folder}",
    ]
