"""Directories that outgrow a file: binding them, deciding on them, changing them.

A million users with three assignments each, ten thousand groups, a thousand places; beside it, for ratios, a directory
of ten thousand users. Each is made in a process of its own, and what is said of memory is that of a process which does
nothing but bind.
"""

from __future__ import annotations

import gc
import json
import os
import random
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import yaml

from benchmarks.frontend import remembering
from benchmarks.page import NOT_MEASURED
from benchmarks.scale import most_resident
from benchmarks.timing import Figure, Spread, ratios, spread, turns
from remit import Directory, Pdp, Policy
from remit.directory import shape

FULL, SMALL, QUICK = 1_000_000, 10_000, 2_000
YAML_USERS, YAML_QUICK = 100_000, 500
ROLES, PLACES = 50, 1_000
ROOT = Path(__file__).resolve().parents[1]


def policy() -> Policy:
    """Fifty roles on ten types, with a guard that every change of an owner meets."""
    types = "\n".join(f"  resource t{n} {{ owner: user  actions read, write, sign }}" for n in range(10))
    roles = "\n".join(
        f"role r{n} {{ allow read on t{n % 10}  allow write on t{(n + 1) % 10} when resource.owner == user.id }}"
        for n in range(ROLES)
    )
    return Policy.from_sources(
        {
            "people.remit": f"""
scope company
scope branch in company
area people {{ resource member {{ actions manage }} }}
area work {{
{types}
}}
role owner {{ allow manage on member }}
{roles}
assignments {{
  on assign requires manage on member
  on revoke requires manage on member
  on disable requires manage on member
  on enable requires manage on member
}}
guard last_owner: at least 1 active owner
guard few: at most 30 role per user
"""
        }
    )


def directory(users: int) -> shape.Directory:
    """The directory of so many users; groups are a hundredth of them, of ten members each."""
    chance = random.Random(f"people {users}")
    places = [f"branch/b{n}" for n in range(PLACES)]
    given = [[shape.Assignment(f"r{role}", place) for place in places] for role in range(ROLES)]
    names = [f"user{n}@acme.example" for n in range(users)]
    people = {
        name: shape.User(
            name, assignments=tuple(given[chance.randrange(ROLES)][chance.randrange(PLACES)] for _ in range(3))
        )
        for name in names
    }
    for name in names[:3]:
        people[name] = shape.User(name, assignments=(shape.Assignment("owner"),))
    groups = {
        f"g{n}": shape.Group(f"g{n}", tuple(chance.sample(names, 10)), assignments=(given[n % ROLES][n % PLACES],))
        for n in range(max(users // 100, 1))
    }
    return shape.Directory(people, groups, {name: shape.Scope(name) for name in places}, frozenset({"acme.example"}))


def measure(quick: bool) -> list[Figure]:
    large, small = (QUICK, QUICK // 10) if quick else (FULL, SMALL)
    with tempfile.TemporaryDirectory() as folder:
        urls = {users: f"sqlite:///{folder}/{users}.db" for users in (large, small)}
        for users, url in urls.items():
            _child("make", url, str(users))
        found = _child("bind", urls[large], str(large))
        decisions = min(100_000, large)
        bind, asked = (
            f"bind {large:,} users from SQLite",
            f"{decisions:,} decisions on as many users, the first of each",
        )
        followed = spread(s / found["seconds"] for s in found["followed"])
        figures = [
            Figure(
                f"{bind} (this machine)", f"{found['seconds']:.1f} s, {found['memory']:,.0f} MB in all",
                "≤ 15 s, ≤ 1,000 MB", found["seconds"] <= 15 and found["memory"] <= 1_000,
            ),
            Figure(f"{bind}, over reading its rows in Python", f"{found['seconds'] / found['rows']:.1f} ×"),
            Figure(f"{asked} (this machine)", f"{found['first']:.1f} s", "≤ 10 s", found["first"] <= 10),
            Figure(f"{asked}, over the same again", f"{found['first'] / found['again']:.1f} ×"),
            Figure("follow one event, over binding anew", followed.text(digits=5)),
        ]  # fmt: skip
        warm = _child("warm", urls[large], str(large), urls[small], str(small))["ratio"]
        told = Spread(*warm).text(digits=2)
        figures.append(Figure(f"warm decision, over that on {small:,} users", told, "≤ 2 ×", warm[0] <= 2))
    return [*figures, *_events(large, small), *_yaml(YAML_QUICK if quick else YAML_USERS)]


def _yaml(users: int) -> list[Figure]:
    from remit.directory.exporting import directory_text

    text = directory_text(directory(users))
    with tempfile.TemporaryDirectory() as name, remembering(str(Path(name, "cache"))):
        file = Path(name, "directory.yaml")
        file.write_text(text, encoding="utf-8")
        Directory.load(file)  # fills the cache
        gc.collect()
        jobs: dict[str, Callable[[], object]] = {
            "read": lambda: Directory.from_text(text),
            "PyYAML": lambda: yaml.load(text, getattr(yaml, "CSafeLoader", yaml.SafeLoader)),
            "remembered": lambda: Directory.load(file),
        }
        taken = turns(jobs, 3, before=gc.collect)
    name, read = f"read {users:,} users from YAML", spread(taken["read"])
    return [
        Figure(f"{name} (this machine)", read.text("s"), "≤ 8 s", read.median <= 8),
        Figure(f"{name}, over PyYAML alone", ratios(taken["read"], taken["PyYAML"]).text("×", 2)),
        Figure(f"{name}, remembered, over reading it", ratios(taken["remembered"], taken["read"]).text("×", 3)),
    ]


# -- events in PostgreSQL ----------------------------------------------------------------------------------------------


def _events(large: int, small: int) -> list[Figure]:
    """Events on both directories in turns, each a transaction that is on disk when it ends."""
    name, counting = f"one event in PostgreSQL, on {large:,} users", "an event for which a guard counts the owners"
    try:
        from tests.stores.postgres import Server, programs
    except ImportError as missing:
        return [Figure(name, f"{NOT_MEASURED}{missing}", "≤ 5 ms")]
    found = programs()
    if found is None:
        return [Figure(name, f"{NOT_MEASURED}PostgreSQL is not installed", "≤ 5 ms")]
    server = Server(found)
    try:
        urls = {users: server.database() for users in (large, small)}
        for users, url in urls.items():
            _child("make", url, str(users))
        rounds = _rounds({users: _applied(url, users, _given) for users, url in urls.items()})
        guarded = _rounds({users: _applied(url, users, _owners) for users, url in urls.items()})
    finally:
        server.stop("immediate", check=False)
    milliseconds = [seconds * 1_000 for seconds in rounds[large]]
    ratio = ratios(rounds[large], rounds[small])
    return [
        Figure(
            f"{name} (this machine)",
            spread(milliseconds).text("ms", 2), "≤ 5 ms", statistics.median(milliseconds) <= 5,
        ),
        Figure(f"{name}, over that on {small:,} users", ratio.text("×", 2), "≤ 1.5 ×", ratio.median <= 1.5),
        Figure(
            f"{counting} (this machine)",
            spread(seconds * 1_000 for seconds in guarded[large]).text("ms", 2), "≤ 5 ms",
            statistics.median(guarded[large]) <= 0.005,
        ),
        Figure(f"{counting}, over that on {small:,} users", ratios(guarded[large], guarded[small]).text("×", 2)),
    ]  # fmt: skip


def _rounds(taken: dict[int, Generator[float, None, None]]) -> dict[int, list[float]]:
    """What each took, in turns; then all are closed."""
    rounds: dict[int, list[float]] = {users: [] for users in taken}
    for _ in range(300):
        for users, times in taken.items():
            rounds[users].append(next(times))
    for times in taken.values():
        times.close()
    return rounds


def _given(users: int, chance: random.Random) -> Iterator[dict[str, Any]]:
    """A role at a place is given to somebody, and taken."""
    while True:
        told = {"user": f"user{chance.randrange(3, users)}@acme.example", "role": f"r{chance.randrange(ROLES)}"}
        for kind in ("assign", "revoke"):
            yield {"type": kind, **told, "scope": "branch/b7"}


def _owners(users: int, chance: random.Random) -> Iterator[dict[str, Any]]:
    """One of three owners is disabled, and comes back."""
    while True:
        for kind in ("disable", "enable"):
            yield {"type": kind, "user": "user1@acme.example"}


def _applied(
    url: str, users: int, events: Callable[[int, random.Random], Iterator[dict[str, Any]]]
) -> Generator[float, None, None]:
    """The seconds of one event after the other."""
    from remit.stores.sql import SqlStore
    from remit.stores.store import Setting

    made, store = policy(), SqlStore(url)
    setting = Setting(made.index, made.digest, "acme")
    try:
        for event in events(users, random.Random(7)):
            began = time.perf_counter()
            result = store.apply(setting, {**event, "by": "user0@acme.example"}, time.time_ns())
            yield time.perf_counter() - began
            assert result["accepted"], result
    finally:
        store.close()


# -- what runs in a process of its own ---------------------------------------------------------------------------------


def _child(*job: str) -> dict[str, Any]:
    """What `python -m benchmarks.people JOB …` prints."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])}
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.people", *job], check=True, capture_output=True, text=True, env=environment
    )
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def _make(url: str, users: str) -> dict[str, Any]:
    from remit.stores.sql import SqlStore

    made = directory(int(users))
    store = SqlStore(url)
    began = time.perf_counter()
    store.import_directory(made)
    return {"seconds": time.perf_counter() - began}


def _bound(url: str) -> Pdp:
    return policy().bind(Directory.load(url))


def _questions(users: int, count: int) -> list[tuple[str, str, dict[str, Any]]]:
    chance = random.Random(3)
    return [
        (
            f"user{number}@acme.example", "read",
            {"type": f"t{chance.randrange(10)}", "properties": {"scope": f"branch/b{chance.randrange(PLACES)}"}},
        )
        for number in chance.sample(range(users), count)
    ]  # fmt: skip


def _bind(url: str, users: str) -> dict[str, Any]:
    """Seconds of this process's own computing, as everywhere: SQLite is part of it."""
    began = time.process_time()
    pdp = _bound(url)
    seconds = time.process_time() - began
    memory = most_resident() * 1.048576  # of a million bytes each
    rows = _rows(url)
    asked = _questions(int(users), min(100_000, int(users)))
    first, again = (_asked(pdp, asked) for _ in range(2))
    followed = [_followed(url, pdp) for _ in range(9)]
    return {
        "seconds": seconds, "rows": rows, "memory": memory, "first": first, "again": again, "followed": followed,
    }  # fmt: skip


def _rows(url: str) -> float:
    """The seconds in which Python alone reads every row of the same file."""
    began = time.process_time()
    with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as connection:
        tables = connection.execute("select name from sqlite_master where type = 'table'").fetchall()
        for (name,) in tables:
            for _ in connection.execute(f'select * from "{name}"'):
                pass
    return time.process_time() - began


def _asked(pdp: Pdp, questions: list[tuple[str, str, dict[str, Any]]]) -> float:
    """The seconds of so many decisions."""
    began = time.process_time()
    for question in questions:
        pdp.allows(*question)
    return time.process_time() - began


def _followed(url: str, pdp: Pdp) -> float:
    """The seconds in which a decision point follows one event."""
    from remit.stores.sql import SqlStore
    from remit.stores.store import Setting

    made, store = policy(), SqlStore(url)
    kind = "disable" if pdp.directory.users["user7@acme.example"].status == "active" else "enable"
    event = {"type": kind, "user": "user7@acme.example", "by": "user0@acme.example"}
    store.apply(Setting(made.index, made.digest), event, time.time_ns())
    store.close()
    began = time.process_time()
    assert pdp.refreshed() is not pdp
    return time.process_time() - began


def _warm(large_url: str, large: str, small_url: str, small: str) -> dict[str, Any]:
    """The same number of people asked about again and again, on both directories in turns."""
    points = {
        large: (_bound(large_url), _questions(int(large), 100)),
        small: (_bound(small_url), _questions(int(small), 100)),
    }

    def ask(users: str) -> None:
        pdp, asked = points[users]
        for _ in range(20):
            for question in asked:
                pdp.allows(*question)

    gc.freeze()
    for users in points:
        ask(users)
    taken = turns({users: partial(ask, users) for users in points}, 21)
    return {"ratio": list(ratios(taken[large], taken[small]))}


if __name__ == "__main__":
    jobs: dict[str, Callable[..., dict[str, Any]]] = {"make": _make, "bind": _bind, "warm": _warm}
    print(json.dumps(jobs[sys.argv[1]](*sys.argv[2:])))
