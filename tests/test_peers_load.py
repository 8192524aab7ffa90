"""What the load of an engine is, beside others: from its own texts until it could decide. No test needs an engine."""

from __future__ import annotations

import json
import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]


def _module(name: str) -> ModuleType:
    """A module of `benchmarks/`, which stands beside the package and is not installed."""
    if str(ROOT) not in sys.path:
        sys.path.insert(0, str(ROOT))
    return import_module(f"benchmarks.{name}")


def test_neither_encoding_nor_preparing_is_in_the_seconds_of_a_load(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    serving = _module("peers.candidates.serving")
    done: list[tuple[str, Any]] = []

    class Engine:
        seconds = 0.0

        def encode(self, policy: object) -> None:
            self.seconds += 100
            done.append(("encode", policy))

        def load(self) -> str:
            self.seconds += 1
            done.append(("load", None))
            return "note"

        def prepare(self, batches: object) -> None:
            self.seconds += 100
            done.append(("prepare", batches))

    engine = Engine()
    monkeypatch.setattr(serving, "perf_counter", lambda: engine.seconds)
    for name, content in (("policy", {"rules": []}), ("hot", [1]), ("cold", [2])):
        (tmp_path / f"{name}.json").write_text(json.dumps(content), encoding="utf-8")
    assert serving._load(engine, tmp_path) == {"seconds": 1, "note": "note"}
    assert done == [("encode", {"rules": []}), ("load", None), ("prepare", {"hot": [1], "cold": [2]})]


def test_a_load_counts_once_the_process_has_loaded_a_small_policy(tmp_path: Path) -> None:
    """What a process does only once stands beside it."""
    runner, report = _module("peers.runner"), _module("peers.report")
    folders: list[str] = []

    class Candidate:
        def ask(self, seconds: float, **command: Any) -> dict[str, Any]:
            if command["do"] == "load":
                folders.append(command["folder"])
            return {
                "hello": {"name": "one", "version": "1", "includes": "a call"},
                "load": {"seconds": 0.5 if len(folders) == 1 else 0.125, "note": "noted"},
                "decide": {"decisions": "1", "reasons": "a"},
                "round": {"seconds": 1.0, "count": 1},
            }[command["do"]]

    row = runner.Row(report.REMIT)
    runner._load(row, Candidate(), tmp_path, {"hot": ["first"], "cold": ["first"]}, runner.QUICK)
    assert folders == [str(tmp_path / runner.FIRST), str(tmp_path)]
    assert (row.first, row.load) == (0.5, 0.125)
    assert "| 1 (0.125 s; the first 0.500 s), noted |" in report._line(row, row)
    base = runner.Row(report.REMIT, load=0.5, first=1.0)
    assert "| 0.25 (0.50), noted |" in report._line(row, base)


def test_engines_that_are_ready_sooner_are_said_to_be_ahead_and_remits_first_load_with_them() -> None:
    runner, report, engines, workload = (
        _module(name) for name in ("peers.runner", "peers.report", "peers.engines", "workload")
    )
    rows = [
        runner.Row(engines.REMIT, "remit", load=0.25, first=0.5),
        runner.Row(engines.Engine("sooner", "sooner", list), "sooner", load=0.125),
        runner.Row(engines.Engine("later", "later", list), "later", load=0.375),
    ]
    (said,) = report._behind(runner.Compared(workload.SMALL, rows, [], 0.15))
    assert said == (
        "small: from texts to ready to decide, as times of remit's 0.250 s (a small policy, as the first of a process, "
        "in 0.500 s): sooner 0.50"
    )
