"""What fixed work costs in the interpreter's own terms: instructions of bytecode, which are the same on a busy machine.

`python -m benchmarks.effort` prints them, `--update` keeps them in `effort.json` for this version of Python. The tests
hold the work against what is kept (`tests/test_effort.py`): whoever makes something dearer sees by how much, and keeps
the new figure in the same change. What C code does inside one instruction is not seen; what calls it is.
"""

from __future__ import annotations

import argparse
import gc
import json
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any

from benchmarks import workload as w
from remit import Directory, Policy
from remit.source import Source
from remit.syntax.parser import parse

KEPT = Path(__file__).with_name("effort.json")
VERSION = f"{sys.version_info.major}.{sys.version_info.minor}"
REQUESTS = 200
SIZES = {"few": w.Size("few", 80, 10, 10, 60), "many": w.Size("many", 1_600, 60, 100, 600)}


def instructions(work: Callable[[], object]) -> int:
    """How many instructions of Python's bytecode some work takes, once it was done before."""
    work()
    count = 0

    def trace(frame: FrameType, event: str, _: Any) -> Any:
        nonlocal count
        frame.f_trace_opcodes = True
        frame.f_trace_lines = False
        count += event == "opcode"
        return trace

    before, collecting = sys.gettrace(), gc.isenabled()
    gc.disable()  # whose callbacks come when they please
    sys.settrace(trace)
    try:
        work()
    finally:
        sys.settrace(before)
        if collecting:
            gc.enable()
    return count


def figures() -> dict[str, int]:
    """Instructions by piece of work: for a decision, a line, or a chunk of rows."""
    found: dict[str, int] = {}
    for name, size in SIZES.items():
        made = w.workload(size)
        policy = Policy.from_sources({"bench.remit": made.policy})
        pdp = policy.bind(Directory.from_text(made.directory_text()), clock=lambda: 1_767_258_000_000_000_000)
        asked = w.mixed(w.questions(made, pdp, REQUESTS))
        requests = [question.request() for question in asked]

        def allows(pdp: Any = pdp, asked: Any = asked) -> None:
            for question in asked:
                pdp.allows(question.user, question.action, question.resource)

        def deciding(pdp: Any = pdp, asked: Any = asked) -> None:
            for question in asked:
                pdp.deciding(question.user, question.action, question.resource)

        def decide(pdp: Any = pdp, requests: Any = requests) -> None:
            for request in requests:
                _ = pdp.decide(request).code

        found[f"allows, {name} rules"] = instructions(allows) // REQUESTS
        found[f"deciding, {name} rules"] = instructions(deciding) // REQUESTS
        found[f"decide, {name} rules"] = instructions(decide) // REQUESTS
        lines = made.policy.count("\n")
        found[f"parse a line, {name} rules"] = instructions(partial(parse, Source("b.remit", made.policy))) // lines
        loading = partial(Policy.from_sources, {"b.remit": made.policy})
        found[f"load a line, {name} rules"] = instructions(loading) // lines
        found.update(_columns(pdp, asked, name))
    return found


def _columns(pdp: Any, asked: Any, name: str) -> dict[str, int]:
    """`decide_many`: what a further chunk of rows takes."""
    import pyarrow as pa

    def columns(chunks: int) -> dict[str, Any]:
        rows = [asked[at % len(asked)] for at in range(1 << 16)] * chunks
        texts = {
            "user": [row.user for row in rows],
            "action": [row.action for row in rows],
            "type": [row.resource["type"] for row in rows],
            "resource.owner": [row.resource["properties"]["owner"] for row in rows],
        }
        return {name: pa.array(some).dictionary_encode() for name, some in texts.items()}

    one, two = columns(1), columns(2)
    for rows in (one, two, one, two):
        pdp.decide_many(rows)  # what is made once for the names is made
    few = instructions(lambda: pdp.decide_many(one))
    return {f"decide_many, a further 65,536 rows, {name} rules": instructions(lambda: pdp.decide_many(two)) - few}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.effort", description=__doc__)
    parser.add_argument("--update", action="store_true", help="keep the figures for this version of Python")
    chosen = parser.parse_args()
    found = figures()
    for name, count in found.items():
        sys.stdout.write(f"{count:>12,}  {name}\n")
    if chosen.update:
        kept = json.loads(KEPT.read_text(encoding="utf-8")) if KEPT.exists() else {}
        KEPT.write_text(json.dumps({**kept, VERSION: found}, indent=2) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
