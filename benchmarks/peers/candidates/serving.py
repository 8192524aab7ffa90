"""A candidate as a process: one JSON object a line in, one a line out. The commands are in `benchmarks/README.md`."""

from __future__ import annotations

import gc
import json
import sys
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Any, Protocol

Plain = dict[str, Any]
Request = dict[str, str]
BATCHES = ("hot", "cold")


class Engine(Protocol):
    """What a module of this folder gives to `serve`."""

    name: str
    includes: str  # what one timed call includes, in words

    def version(self) -> str: ...

    def encode(self, policy: Plain) -> None:
        """Keep the neutral policy as the engine's own texts, as they would lie in its files."""
        ...

    def load(self) -> str:
        """Build the engine from those texts, until it could decide; a note on that, or nothing. This is timed."""
        ...

    def prepare(self, batches: dict[str, list[Request]]) -> None:
        """Prepare the requests as far as the engine's API lets a caller prepare them."""
        ...

    def decide(self, batch: str) -> tuple[str, str]:
        """A digit for each request, 1 allowed; and a letter for each: a, d, n, or ? where the engine does not tell."""
        ...

    def run(self, batch: str, passes: int) -> None:
        """Decide the batch's requests one after the other, `passes` times: this is timed."""
        ...


def serve(engine: Engine) -> None:
    """Answer until `bye` or the end of the input. What fails is an answer, too."""
    answers: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
        "hello": lambda _: {"name": engine.name, "version": engine.version(), "includes": engine.includes},
        "load": lambda asked: _load(engine, Path(asked["folder"])),
        "decide": lambda asked: dict(zip(("decisions", "reasons"), engine.decide(asked["batch"]), strict=True)),
        "round": lambda asked: _round(engine, asked["batch"], asked["passes"]),
    }
    counts: dict[str, int] = {}
    for line in sys.stdin:
        asked = json.loads(line)
        if asked["do"] == "bye":
            return
        try:
            answer = answers[asked["do"]](asked)
            if asked["do"] == "decide":
                counts[asked["batch"]] = len(answer["decisions"])
            elif asked["do"] == "round":
                answer["count"] = counts[asked["batch"]] * asked["passes"]
        except Exception as problem:
            answer = {"error": f"{type(problem).__name__}: {problem}"}
        print(json.dumps(answer), flush=True)


def _load(engine: Engine, folder: Path) -> dict[str, Any]:
    """Neither the neutral files nor the requests are the engine's to read, so they are not counted."""
    policy = json.loads((folder / "policy.json").read_text(encoding="utf-8"))
    batches = {name: json.loads((folder / f"{name}.json").read_text(encoding="utf-8")) for name in BATCHES}
    engine.encode(policy)
    del policy
    gc.collect()
    began = perf_counter()
    note = engine.load()
    seconds = perf_counter() - began
    engine.prepare(batches)
    return {"seconds": seconds, "note": note}


def _round(engine: Engine, batch: str, passes: int) -> dict[str, Any]:
    gc.collect()
    gc.disable()
    try:
        began = perf_counter()
        engine.run(batch, passes)
        return {"seconds": perf_counter() - began}
    finally:
        gc.enable()


def closure(policy: Plain) -> dict[str, list[str]]:
    """For each role, itself and all that it includes."""
    closed: dict[str, list[str]] = {}
    for role in policy["roles"]:
        found, waiting = [role], [*policy["roles"][role]["includes"]]
        while waiting:
            if (included := waiting.pop()) not in found:
                found.append(included)
                waiting += policy["roles"][included]["includes"]
        closed[role] = found
    return closed


def digits(decisions: list[bool]) -> str:
    return "".join("1" if allowed else "0" for allowed in decisions)
