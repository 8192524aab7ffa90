"""Two at once, and one that is killed: the last owner stays, and the directory and its log are one.

Stepped: two transactions in two threads, each statement let through by the test, in every order there is. A statement
that waits for the other's lock makes the other go on, as in life. Then in earnest: processes, all at one moment; and
processes that are killed, at every statement and anywhere between.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from remit.stores.sql import SqlStore
from remit.stores.store import StoreError
from tests.stores.owners import NOW, TWO_OWNERS, assert_whole_log, invites, setting
from tests.stores.postgres import Database, Server

RACES = int(os.environ.get("REMIT_RACES", "100"))  # rounds for each database
KILLS = int(os.environ.get("REMIT_KILLS", "80"))  # at random moments, for each database; beside one at each statement
ROOT = Path(__file__).resolve().parents[2]
REMOVALS = [{"type": "remove", "user": "bob", "by": "ann"}, {"type": "remove", "user": "ann", "by": "bob"}]

pytestmark = pytest.mark.slow


@pytest.fixture
def store(database: Database) -> Iterator[SqlStore]:
    made = SqlStore(database.url)
    made.import_directory(TWO_OWNERS)
    yield made
    made.close()


def assert_one_owner_left(store: SqlStore, results: list[dict[str, Any]]) -> str:
    """Who it is."""
    codes = [result["code"] for result in results]
    assert sorted(result["accepted"] for result in results) == [False, True], results
    assert {*codes} <= {"accepted", "guard_failed", "not_permitted"}
    (left,) = store.load().users.values()
    assert (left.status, left.assignments) == ("active", TWO_OWNERS.users["ann"].assignments)
    return left.id


def bring_back(store: SqlStore, left: str) -> None:
    """Two owners again."""
    other = {"ann": "bob", "bob": "ann"}[left]
    assert store.apply(setting(), {"type": "invite", "user": other, "by": left, "role": "owner"}, NOW)["accepted"]


# -- stepped -------------------------------------------------------------------------------------------------------


class Stepped:
    """One of two transactions: it stops before each statement, and before its commit, until it is told to go on."""

    def __init__(self, url: str, event: dict[str, Any], wake: threading.Condition) -> None:
        self.wake = wake
        self.state = "running"  # · waiting (for the word) · done
        self.lock = "far"  # · asked (its statement was let through) · held, until the end
        self.about_to_lock = False
        self.result: dict[str, Any] = {}
        self.store = SqlStore(url)
        self.store.version()  # connects, and looks at the form of the tables
        sa.event.listen(self.store._engine, "before_cursor_execute", self.stop)
        sa.event.listen(self.store._engine, "commit", self.stop)
        self.thread = threading.Thread(target=self.run, args=(event,))
        self.thread.start()

    def stop(self, _connection: object, _cursor: object = None, statement: str = "", *_: object) -> None:
        with self.wake:
            if self.lock == "asked":
                self.lock = "held"
            self.about_to_lock = statement == "BEGIN IMMEDIATE" or "FOR UPDATE" in statement
            self.state = "waiting"
            self.wake.notify_all()
            while self.state == "waiting":
                self.wake.wait()

    def run(self, event: dict[str, Any]) -> None:
        try:
            self.result = self.store.apply(setting(), event, NOW)
        except StoreError as error:
            self.result = {"code": str(error), "accepted": False}
        self.store.close()
        with self.wake:
            self.state = "done"
            self.wake.notify_all()

    def go(self) -> None:
        if self.about_to_lock:
            self.lock = "asked"
        self.state = "running"
        self.wake.notify_all()


def settled(both: list[Stepped]) -> bool:
    """Whether each has stopped before its next statement, or ended, or waits in the database for the other."""
    return all(
        one.state != "running" or (one.lock == "asked" and other.lock == "held" and other.state == "waiting")
        for one, other in zip(both, reversed(both), strict=True)
    )


def play(url: str, prefix: list[int]) -> tuple[list[int], list[list[int]], list[dict[str, Any]]]:
    """Plays one schedule: whose step it is as `prefix` says, then always the first that can. Gives the schedule, who
    could have stepped each time, and the results."""
    wake = threading.Condition()
    both = [Stepped(url, event, wake) for event in REMOVALS]
    taken: list[int] = []
    able: list[list[int]] = []
    with wake:
        while any(one.state != "done" for one in both):
            assert wake.wait_for(lambda: settled(both), 20), "both are stuck"
            can = [number for number, one in enumerate(both) if one.state == "waiting"]
            if not can:
                break
            choice = prefix[len(taken)] if len(taken) < len(prefix) else can[0]
            assert choice in can, (prefix, taken, can)
            taken.append(choice)
            able.append(can)
            both[choice].go()
    for one in both:
        one.thread.join()
    return taken, able, [one.result for one in both]


def test_every_order_of_statements(store: SqlStore, database: Database) -> None:
    """In every order in which two transactions can step, one owner is removed and the other stays."""
    pending: list[list[int]] = [[]]
    schedules = events = 0
    stayed = set()
    while pending:
        prefix = pending.pop()
        taken, able, results = play(database.url, prefix)
        schedules += 1
        events += 3
        left = assert_one_owner_left(store, results)
        stayed.add(left)
        bring_back(store, left)
        for at in range(len(prefix), len(taken)):
            pending.extend([*taken[:at], other] for other in able[at] if other != taken[at])
    assert assert_whole_log(store) == events
    assert stayed == {"ann", "bob"}
    assert schedules >= 20, schedules
    print(f"{schedules} schedules")  # noqa: T201  # with `-s`, for the note of a release


# -- processes ------------------------------------------------------------------------------------------------------


class Worker:
    """A process of `tests.stores.worker`."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.stores.worker"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def order(self, **order: Any) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()

    def answer(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        answer: dict[str, Any] = json.loads(self.process.stdout.readline())
        return answer

    def close(self) -> None:
        for pipe in (self.process.stdin, self.process.stdout):
            assert pipe is not None
            pipe.close()
        self.process.wait()


@pytest.fixture
def workers() -> Iterator[list[Worker]]:
    made = [Worker(), Worker()]
    yield made
    for worker in made:
        worker.close()


def test_two_processes_at_once(store: SqlStore, database: Database, workers: list[Worker]) -> None:
    """Round after round, two processes each remove the other of the last two owners at the same moment: one does."""
    stayed = set()
    for _ in range(RACES):
        start = time.time() + 0.01
        for worker, event in zip(workers, REMOVALS, strict=True):
            worker.order(url=database.url, events=[event], wait_until=start)
        results = [result for worker in workers for result in worker.answer()["results"]]
        assert len(results) == 2
        left = assert_one_owner_left(store, results)
        stayed.add(left)
        bring_back(store, left)
    assert assert_whole_log(store) == 3 * RACES
    assert RACES < 50 or stayed == {"ann", "bob"}


# -- kills ----------------------------------------------------------------------------------------------------------


def assert_as_one(store: SqlStore, events: list[dict[str, Any]], told: int, people: int, records: int) -> int:
    """So many of the events were applied as the directory shows: at least those that were told, at most one more, and
    the log has a record of each. How many."""
    with store._writing():
        pass  # a server may still be at the commit that a killed process sent: it holds the lock until it is done
    there = store.load().users.keys()
    applied = sum(event["user"] in there for event in events)
    assert told <= applied <= told + 1
    assert [event["user"] in there for event in events] == [True] * applied + [False] * (len(events) - applied)
    assert len(there) == people + applied
    assert assert_whole_log(store) == records + applied
    return applied


def test_killed_at_every_statement(store: SqlStore, database: Database, workers: list[Worker]) -> None:
    """Killed before or after any statement of an event, or before its commit: the event never was. Sent again, it is
    applied once."""
    statement, kills, records = 0, 0, 0
    stream = invites("kill")
    finished = False
    while not finished:
        statement += 1
        for when in ("before", "after"):
            event = next(stream)
            workers[0].order(url=database.url, events=[event], die_at=[statement, when])
            answer = workers[0].answer()
            if not answer["killed"]:  # the commit has no `after`, and there is no statement past it
                finished = finished or when == "before"
                assert answer["results"][0]["accepted"]
            else:
                kills += 1
                assert assert_as_one(store, [event], 0, 2 + records, records) == 0
            first = store.apply(setting(), event, NOW)
            assert first["accepted"]
            records += 1
            assert assert_as_one(store, [event], 1, 1 + records, records - 1) == 1
    assert kills >= 20, kills


def test_killed_anywhere(store: SqlStore, database: Database, workers: list[Worker]) -> None:
    """Killed at a random moment of a stream of events: what was answered is there, at most one event more, and nothing
    of any other."""
    dice = random.Random()
    kills = records = 0
    stream = invites("kill")
    while kills < KILLS:
        events = list(islice(stream, 40))
        workers[0].order(url=database.url, events=events, kill_after=dice.uniform(0, 0.04))
        answer = workers[0].answer()
        kills += answer["killed"]
        assert all(result.get("accepted") for result in answer["results"]), answer
        records += assert_as_one(store, events, len(answer["results"]), 2 + records, records)
    assert records > 0


@pytest.mark.xdist_group("postgresql")
def test_a_killed_server(server: Server, workers: list[Worker]) -> None:
    """The server is shot while events run: those that were answered are there when it is back, an event that was not
    is there with its record or not at all, and the error says what to do."""
    url = server.database()
    store = SqlStore(url)
    store.import_directory(TWO_OWNERS)
    stream = invites("shot")
    records = 0
    workers[0].order(url=url, events=[], wait_until=0)  # prepares
    workers[0].answer()
    for _ in range(3):
        events = list(islice(stream, 300))
        shot = time.time() + random.uniform(0.2, 0.5)
        workers[0].order(url=url, events=events, wait_until=0)
        time.sleep(max(0, shot - time.time()))
        server.stop("immediate")
        try:
            results = workers[0].answer()["results"]
        finally:
            server.start()
        told = [result for result in results if "code" in result]
        wrong = [result for result in results if "error" in result]
        assert wrong or len(told) == len(events)
        assert all("connection" in result["error"] and result["help"] for result in wrong)
        records += assert_as_one(store, events, len(told), 2 + records, records)
    store.close()
