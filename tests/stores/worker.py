"""A process for races, and for tests that kill: it prepares once, then forks a child for each order that may end so.

    {"url": …, "events": […], "wait_until": 17e8}       begins at that moment, in this process
    {"url": …, "events": […], "die_at": [7, "after"]}   a child dies of its own hand at the 7th statement
    {"url": …, "events": […], "kill_after": 0.01}       a child is killed from outside so long after it connected

For each order a line: the results there were before the end, and what the end was.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Iterator
from functools import cache
from typing import Any

import sqlalchemy as sa

from remit.stores.sql import SqlStore
from remit.stores.store import StoreError
from tests.stores.owners import NOW, invites, setting


@cache
def known(url: str) -> SqlStore:
    """A store whose statements are compiled, and without a connection that a fork could share."""
    store = SqlStore(url)
    for event in (next(invites()), {"type": "remove", "user": "bob", "by": "ann"}):
        store.apply(setting(), event, NOW, dry_run=True)
    store.close()
    return store


def results(store: SqlStore, events: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for event in events:
        try:
            yield store.apply(setting(), event, NOW)
        except StoreError as error:
            yield {"error": str(error), "help": error.help}


def raced(order: dict[str, Any]) -> dict[str, Any]:
    """Begins when told, with a connection that is there."""
    store = known(order["url"])
    store.version()
    while time.time() < order["wait_until"]:
        pass
    return {"killed": False, "results": list(results(store, order["events"]))}


def forked(order: dict[str, Any]) -> dict[str, Any]:
    store = known(order["url"])
    readable, writable = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            run(store, order, writable)
        finally:
            os._exit(0)
    os.close(writable)
    with os.fdopen(readable) as written:
        assert written.readline() == "ready\n"
        if "kill_after" in order:
            time.sleep(order["kill_after"])
            os.kill(child, signal.SIGKILL)
        found = [json.loads(text) for text in written if text.endswith("\n")]
    _, status = os.waitpid(child, 0)
    return {"killed": os.WIFSIGNALED(status), "results": found}


def run(store: SqlStore, order: dict[str, Any], out: int) -> None:
    """Applies the order's events, and writes each result as it comes."""
    store.version()  # connects
    if "die_at" in order:
        die_at(store._engine, *order["die_at"])
    os.write(out, b"ready\n")
    for result in results(store, order["events"]):
        os.write(out, (json.dumps(result) + "\n").encode())
    store.close()


def die_at(engine: sa.Engine, number: int, when: str) -> None:
    """Kills this process before or after a statement of the event, the commit being the last; preparations of the
    store, which come before `BEGIN` with the lock, do not count."""
    count = 0

    def step(at: str) -> None:
        if count == number and at == when:
            os.kill(os.getpid(), signal.SIGKILL)

    @sa.event.listens_for(engine, "before_cursor_execute")
    def before(connection: sa.Connection, *_: object) -> None:
        nonlocal count
        if connection.get_execution_options().get("takes_lock"):
            count += 1
            step("before")

    @sa.event.listens_for(engine, "after_cursor_execute")
    def after(connection: sa.Connection, *_: object) -> None:
        if connection.get_execution_options().get("takes_lock"):
            step("after")

    @sa.event.listens_for(engine, "commit")
    def commit(connection: sa.Connection) -> None:
        nonlocal count
        if connection.get_execution_options().get("takes_lock"):
            count += 1
            step("before")


def main() -> None:
    setting()  # compiled once, for all children
    for line in sys.stdin:
        order = json.loads(line)
        answer = raced(order) if "wait_until" in order else forked(order)
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
