"""What a long run draws in a terminal: how far it is, on standard error alone, and nothing of it stays."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from remit import Policy
from remit.cli import progress
from remit.testing.run import Part, completed

pty = pytest.importorskip("pty", reason="there is no terminal to be had here")

CLINIC = """policy clinic
area patients { resource record { vet: user  actions read, sign } }
role vet { allow sign on record when resource.vet == user.id }
test "a vet signs" { user ann is vet  given record r { vet: ann }  ann may sign r }
"""
_STEERING = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
_HIDDEN, _SHOWN = "\x1b[?25l", "\x1b[?25h"  # the cursor
_UP_AND_ERASED = "\x1b[1A\x1b[2K"


def call(folder: Path, *words: str, terminal: bool = True, **wishes: str) -> tuple[str, str]:
    """Standard output, which is a pipe, and standard error, which is a terminal or another pipe."""
    (folder / "clinic.remit").write_text(CLINIC, encoding="utf-8")
    command = [sys.executable, "-m", "remit", "test", "clinic.remit", *words]
    near, far = pty.openpty() if terminal else os.pipe()
    environment = {**os.environ, "TERM": "xterm", **wishes}
    writes = far
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=writes, env=environment) as running:
        os.close(writes)
        told: list[bytes] = []
        reader = threading.Thread(target=lambda: told.extend(_read(near)))
        reader.start()
        assert running.stdout is not None
        out = running.stdout.read()
        reader.join(timeout=60)
    os.close(near)
    return out.decode(), b"".join(told).decode()


def _read(handle: int) -> list[bytes]:
    found = []
    while True:
        try:
            piece = os.read(handle, 65536)
        except OSError:  # how a terminal says that nobody writes any more
            return found
        if not piece:
            return found
        found.append(piece)


@pytest.mark.parametrize(
    ("words", "said"),
    [([], ["0 tests"]), (["--mutate"], ["0 tests", "mutants"]), (["--suggest"], ["0 tests"])],
)
def test_a_bar_is_drawn_and_goes(tmp_path: Path, words: list[str], said: list[str]) -> None:
    """Each part of the run has its bar on standard error, which is erased at the end; standard output is what it is in
    a pipe, and nothing but the messages is left."""
    out, told = call(tmp_path, *words)
    plain, messages = call(tmp_path, *words, terminal=False)
    assert re.sub(r"\d+\.\d s", "", out) == re.sub(r"\d+\.\d s", "", plain)
    assert "\x1b" not in out
    shown = _STEERING.sub("", told)
    assert [word in shown for word in said] == [True] * len(said)
    assert told.count(_HIDDEN) == told.count(_SHOWN) == told.count(_UP_AND_ERASED) == len(said)
    assert _STEERING.sub("", told.rpartition(_UP_AND_ERASED)[2]).replace("\r\n", "\n") == messages


def test_the_search_for_goals_is_told_of() -> None:
    """What looks for the goals that no test reaches says how many of how many it has looked for, up to the last."""
    policy = Policy.from_sources({"clinic.remit": CLINIC})
    told: list[tuple[int, int]] = []
    completed(policy.table, 0, policy.index, Part(), True, looked=lambda done, total: told.append((done, total)))
    assert told == [(number, len(told)) for number in range(len(told))]
    assert len(told) > 2


def test_a_bar_is_not_drawn_all_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """However often it is told something, it is drawn ten times a second at most, with what is true then."""
    now = [100.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    drawn: list[str] = []

    class Recorder:
        def add_task(self, description: str, total: int | None) -> int:
            return 0

        def update(self, task: int, description: str, completed: int, total: int | None, refresh: bool) -> None:
            drawn.append(description)

    bar = progress.Bar(Recorder(), "tests")  # type: ignore[arg-type]  # all that a bar needs of one
    for _ in range(1000):
        bar(1)
    now[0] += 0.2
    bar(1)
    now[0] += 0.2
    bar.so_far("goals", 7, 2000)
    assert drawn == ["1 tests", "1,001 tests", "7 of 2,000 goals"]


def test_nothing_is_drawn_in_a_pipe(tmp_path: Path) -> None:
    """Where standard error is no terminal there is no bar, and no sign that would steer one."""
    _, told = call(tmp_path, "--mutate", terminal=False)
    assert told == ""
