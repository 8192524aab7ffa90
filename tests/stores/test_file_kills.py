"""Killed at any moment, an event has happened whole or not at all, and two processes lose nothing to each other.

A *nursery*, this file run as a script, loads everything once and forks a child for each job; the child kills itself at
its n-th call of the system, or is killed from outside after a while. What is left is judged by another process.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from stores.test_file_store import NOW, PEOPLE, apply, files, hold, invite, logged, made, parsed, quick

from remit.membership.record import decision_record
from remit.stores.journal import Journal

__all__ = ["quick"]  # its tests need it too

Json = dict[str, Any]
KILLS = int(os.environ.get("REMIT_KILLS", "100"))  # at random moments; a long run takes thousands
CALLS = ("open", "write", "fsync", "chmod", "replace", "ftruncate", "unlink")

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="the kills need `fork`"),
    pytest.mark.xdist_group("kills"),
]


# -- the nursery, a process of its own -------------------------------------------------------------------------------


def nursery() -> None:
    """Runs jobs, a JSON object a line: all of one line at the same time, each in a child. Answers how each ended."""
    os.fsync = lambda handle: None  # type: ignore[assignment]  # a kill loses nothing that was written
    with tempfile.TemporaryDirectory() as folder:  # loads and compiles what every child needs
        apply(made(Path(folder)), invite("bob", id="bob"))
    for line in sys.stdin:
        children = []
        for job in json.loads(line):
            child = os.fork()
            if child == 0:
                try:
                    work(job)
                    os._exit(0)
                except BaseException:
                    sys.excepthook(*sys.exc_info())
                    os._exit(1)
            children.append((child, job.get("after")))
        for child, after in children:
            if after is not None:
                time.sleep(after)
                os.kill(child, signal.SIGKILL)
        ended = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child, _ in children]
        sys.stdout.write(json.dumps(ended) + "\n")
        sys.stdout.flush()


def work(job: Json) -> None:
    """Applies events, or records decisions, and is killed at a call if the job names one."""
    store = made(Path(job["folder"]))
    if job.get("at"):
        arm(job["at"])
    for event in job.get("events", ()):
        result, expected = apply(store, event), job.get("accepted", True)
        assert expected is None or result["accepted"] == expected, result
    if job.get("decisions"):
        store.record(decision(name) for name in job["decisions"])


def decision(name: str) -> Json:
    return decision_record(name, "invite", {"type": "member", "id": "x"}, [], NOW, "acme", "p")


def arm(at: int) -> None:
    """Kills this process before the call of that number. Lines are written in pieces, so that they tear."""
    count = 0

    def counted(name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **named: Any) -> Any:
            nonlocal count
            count += 1
            if count == at:
                os.kill(os.getpid(), signal.SIGKILL)
            if name == "write":
                handle, data = args
                return real(handle, data[: len(data) // 2] if len(data) > 400 else data)
            return real(*args, **named)

        return call

    for name in CALLS:
        setattr(os, name, counted(name, getattr(os, name)))


class Nursery:
    def __init__(self, root: Path) -> None:
        env = {**os.environ, "PYTHONPATH": str(root / "tests")}
        pipe = subprocess.PIPE
        self.process = subprocess.Popen([sys.executable, __file__], stdin=pipe, stdout=pipe, text=True, env=env)

    def run(self, *jobs: Json) -> list[int]:
        """How each ended: 0, or -9 where it was killed."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(jobs) + "\n")
        self.process.stdin.flush()
        ended: list[int] = json.loads(self.process.stdout.readline())
        assert set(ended) <= {0, -signal.SIGKILL}
        return ended


@pytest.fixture(scope="module")
def children(root: Path) -> Iterator[Nursery]:
    nursery = Nursery(root)
    with nursery.process:
        yield nursery
        assert nursery.process.stdin is not None
        nursery.process.stdin.close()


# -- what must hold --------------------------------------------------------------------------------------------------


def ids(folder: Path) -> Counter[str]:
    found = (record["additional_data"].get("event_id") for record in logged(folder))
    return Counter(name for name in found if name is not None)


def check_left(folder: Path) -> None:
    """What a kill left is whole once it is mended, and the directory is whole at once."""
    before = parsed(folder)
    store = made(folder)
    with store._locked():  # mends, as the next event does first
        pass
    assert parsed(folder) == before
    if logged(folder):
        hold(store)
    accepted = {
        record["reference_id"]
        for record in logged(folder)
        if record["action"] == "member.invited" and record["additional_data"]["accepted"]
    }
    assert set(before.users) == {"ann", "rob"} | accepted
    assert all("edited" not in notice and "does not end" not in notice for notice in store.notices), store.notices


def prepared(folder: Path, events: int) -> None:
    store = made(folder)
    for number in range(events):
        apply(store, invite(f"u{number}", id=f"u{number}"))


JOBS: dict[str, tuple[int, Json]] = {
    "the first event": (0, {"events": [invite("bob", id="bob")]}),
    "a later event": (2, {"events": [invite("bob", id="bob")]}),
    "several events": (1, {"events": [invite(name, id=name) for name in ("bob", "cyd")]}),
    "a refused event": (1, {"events": [invite("ann", by="nobody", id="bob")], "accepted": False}),
    "a first refused event": (0, {"events": [{"type": "nothing", "id": "bob"}], "accepted": False}),
    "decisions": (1, {"decisions": ["ann", "rob", "ann"]}),
    "first decisions": (0, {"decisions": ["ann"]}),
}


@pytest.mark.parametrize("name", JOBS)
def test_killed_at_each_call(children: Nursery, tmp_path: Path, name: str) -> None:
    """Before each call of the system, and in the middle of each write: what is left is before the event or after it,
    and the event may come again."""
    earlier, job = JOBS[name]
    for at in range(1, 1000):
        folder = tmp_path / str(at)
        folder.mkdir()
        prepared(folder, earlier)
        [ended] = children.run({**job, "folder": str(folder), "at": at})
        check_left(folder)
        children.run({**job, "folder": str(folder)})
        check_left(folder)
        for event in job.get("events", ()):
            assert ids(folder)[event["id"]] == 1
        last = made(folder)
        assert apply(last, invite("zoe"))["accepted"]
        hold(last)
        assert sorted(files(folder)) == ["audit.jsonl", "audit.jsonl.head", "directory.yaml"]
        if ended == 0:
            break
    assert at > 5


def left_torn(folder: Path) -> None:
    line = (folder / "audit.jsonl").read_bytes().splitlines(keepends=True)[-1]
    with (folder / "audit.jsonl").open("ab") as file:
        file.write(line[:77])


def left_undone(folder: Path) -> None:
    """The line is there, the directory is not."""
    before = files(folder)
    apply(made(folder), invite("bob", id="bob"))
    for name in ("directory.yaml", "audit.jsonl.head"):
        (folder / name).write_bytes(before[name])
    (folder / ".directory.yaml.remit-abcd_123").write_text("half of")


def left_put_back(folder: Path) -> None:
    """As `left_undone`, and the head counts the line."""
    before = files(folder)
    apply(made(folder), invite("bob", id="bob"))
    (folder / "directory.yaml").write_bytes(before["directory.yaml"])


def left_behind(folder: Path) -> None:
    """Line and directory are there, the head is not."""
    before = files(folder)
    apply(made(folder), invite("bob", id="bob"))
    (folder / "audit.jsonl.head").write_bytes(before["audit.jsonl.head"])
    (folder / ".audit.jsonl.head.remit-abcd_123").write_text("half of")


@pytest.mark.parametrize("leave", [left_torn, left_undone, left_put_back, left_behind])
def test_killed_while_mending(children: Nursery, tmp_path: Path, leave: Callable[[Path], None]) -> None:
    """Who mends what another left may be killed like any other."""
    for at in range(1, 1000):
        folder = tmp_path / str(at)
        folder.mkdir()
        prepared(folder, 2)
        leave(folder)
        job = {"folder": str(folder), "events": [invite("bob", id="bob")]}
        [ended] = children.run({**job, "at": at})
        check_left(folder)
        children.run(job)
        check_left(folder)
        assert ids(folder) == Counter(["u0", "u1", "bob"])
        assert sorted(files(folder)) == ["audit.jsonl", "audit.jsonl.head", "directory.yaml"]
        if ended == 0:
            break
    assert at > 5


def test_killed_at_random(children: Nursery, tmp_path: Path) -> None:
    """Killed again and again on its way, a process that starts each time where it was comes to the same end as one that
    was left alone."""
    luck = random.Random(os.environ.get("REMIT_KILLS", "kills"))
    made(tmp_path)
    longest = 0.02  # seconds; as fast as the machine is just now
    killed = 0  # after an event or more: others were killed before they began
    while killed < KILLS:
        done = len(logged(tmp_path))
        events = [invite(f"u{number}", id=f"u{number}") for number in range(max(0, done - 2), done + 60)]
        [ended] = children.run({"folder": str(tmp_path), "events": events, "after": luck.uniform(0, longest)})
        check_left(tmp_path)
        count = len(logged(tmp_path))
        killed += ended != 0 and count > done
        longest *= 0.9 if ended == 0 else 1.1 if count == done else 1
        assert ids(tmp_path) == Counter(f"u{number}" for number in range(count))
        if count > 150:  # a directory that grows makes later kills slow, not different
            for path in tmp_path.iterdir():
                path.unlink()
            made(tmp_path)


def test_two_at_once(children: Nursery, tmp_path: Path) -> None:
    """Two processes with events of their own: every event is in the log and in the directory, in one chain."""
    made(tmp_path)
    jobs = [
        {"folder": str(tmp_path), "events": [invite(f"{who}{number}", id=f"{who}{number}") for number in range(60)]}
        for who in "xy"
    ]
    assert children.run(*jobs) == [0, 0]
    expected = {f"{who}{number}" for who in "xy" for number in range(60)}
    assert set(parsed(tmp_path).users) == {"ann", "rob"} | expected
    assert ids(tmp_path) == Counter(expected)
    assert (tmp_path / "directory.yaml").read_text().startswith(PEOPLE)
    hold(made(tmp_path))


def test_two_with_the_same_events(children: Nursery, tmp_path: Path) -> None:
    """Events with an id that come twice, from two processes at once, happen once."""
    made(tmp_path)
    job = {"folder": str(tmp_path), "events": [invite(f"u{number}", id=f"u{number}") for number in range(60)]}
    assert children.run(job, job, job) == [0, 0, 0]
    assert ids(tmp_path) == Counter(f"u{number}" for number in range(60))
    hold(made(tmp_path))


def test_last_owners(children: Nursery, tmp_path: Path) -> None:
    """Two owners who each disable the other at the same moment: one of them stays."""
    for attempt in range(20):
        folder = tmp_path / str(attempt)
        folder.mkdir()
        made(folder, PEOPLE.replace("role: reader", "role: owner"))
        events = [{"type": "disable", "user": one, "by": other} for one, other in (("ann", "rob"), ("rob", "ann"))]
        children.run(*[{"folder": str(folder), "events": [event], "accepted": None} for event in events])
        assert sorted(record["additional_data"]["accepted"] for record in logged(folder)) == [False, True]
        hold(made(folder))


def test_killed_among_others(children: Nursery, tmp_path: Path) -> None:
    """One is killed while another goes on: the other loses nothing, and mends what it finds."""
    luck = random.Random(7)
    made(tmp_path)
    for turn in range(25):
        live = [invite(f"live{turn}x{number}", id=f"live{turn}x{number}") for number in range(6)]
        dead = [invite(f"dead{turn}x{number}", id=f"dead{turn}x{number}") for number in range(40)]
        jobs = [
            {"folder": str(tmp_path), "events": dead, "after": luck.uniform(0, 0.02)},
            {"folder": str(tmp_path), "events": live},
        ]
        assert children.run(*jobs)[1] == 0
        check_left(tmp_path)
        assert set(ids(tmp_path)) >= {event["id"] for event in live}
        assert set(ids(tmp_path).values()) == {1}


def test_journal_alone_two_at_once(children: Nursery, tmp_path: Path) -> None:
    """Decisions and events of several processes stand in one chain."""
    made(tmp_path)
    events = [invite(f"u{number}", id=f"u{number}") for number in range(20)]
    jobs = [{"folder": str(tmp_path), "decisions": ["ann"] * 5} for _ in range(6)]
    assert set(children.run({"folder": str(tmp_path), "events": events}, *jobs)) == {0}
    assert len(list(Journal(tmp_path / "audit.jsonl").lines())) == 20 + 30
    check_left(tmp_path)


if __name__ == "__main__":
    nursery()
