"""One question from a shell: the whole process of `remit can` beside a Python that does nothing."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from time import perf_counter

from benchmarks.timing import Figure, children_computing, ratios, spread, turns

POLICY = Path(__file__).resolve().parents[1] / "policies" / "measure"
QUESTION = ("can", "rob", "read", "customer:c7", "--set", "owner=rob")
HEAVY = ("lark", "pydantic", "pydantic_core", "rich")  # what a single question must not load
PROMISED = 8
_IMPORTED = re.compile(r"^import time:\s*\d+ \|\s*\d+ \|\s*(\S+)$", re.MULTILINE)


def environment(cache: str = "off") -> dict[str, str]:
    """As a user's shell has it: compiled bytecode is kept, and nobody profiles. `cache`: the folder for what remit
    remembers, not the user's own."""
    unwanted = ("PYTHONDONTWRITEBYTECODE", "PYTHONPROFILEIMPORTTIME", "PYTHONDEVMODE", "PYTHONTRACEMALLOC")
    return {**{name: value for name, value in os.environ.items() if name not in unwanted}, "REMIT_CACHE": cache}


def run(command: Sequence[str], folder: Path, cache: str = "off") -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=folder, env=environment(cache), capture_output=True, text=True, check=False)


def remit(*words: str, options: Sequence[str] = ()) -> list[str]:
    return [sys.executable, *options, "-m", "remit", *words]


def script() -> list[str] | None:
    """`remit` as it was installed beside this Python; None where it was not."""
    found = Path(sys.executable).parent / "remit"
    return [str(found)] if found.is_file() else None


def compiled(folder: Path) -> list[str]:
    """The question, about the table of `policies/measure`, which this compiles into the folder. Raises RuntimeError."""
    table = folder / "measure.table.json"
    made = run(remit("compile", "--policy", str(POLICY), "-o", str(table)), folder)
    if made.returncode:
        raise RuntimeError(f"remit compile failed: {made.stderr}")
    return [*QUESTION, "--policy", str(table), "--directory", str(POLICY / "directory.yaml")]


def imported(question: Sequence[str], folder: Path) -> list[str]:
    """The modules that the question loads, in the order in which they are ready. Raises RuntimeError."""
    asked = run(remit(*question, options=("-X", "importtime")), folder)
    if asked.returncode or not asked.stdout.startswith("yes"):
        raise RuntimeError(f"remit can did not answer yes: {asked.stdout}{asked.stderr}")
    return _IMPORTED.findall(asked.stderr)


def heavy(modules: Sequence[str]) -> list[str]:
    """Those packages among HEAVY of which anything was loaded."""
    roots = {name.partition(".")[0] for name in modules}
    return [name for name in HEAVY if name in roots]


def measure(quick: bool = False) -> list[Figure]:
    rounds = 2 if quick else 31
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        question = compiled(folder)
        modules = imported(question, folder)  # this warms, too
        installed = script()
        commands = {"pass": [sys.executable, "-c", "pass"], "module": remit(*question)}
        if installed:
            commands["script"] = [*installed, *question]
        jobs: dict[str, Callable[[], object]] = {at: partial(run, command, folder) for at, command in commands.items()}
        jobs["again"] = partial(run, commands.get("script", commands["module"]), folder, str(folder / "cache"))
        turns(jobs, 1)
        taken = turns(jobs, rounds, perf_counter)
        computing = turns(jobs, rounds, children_computing)
    figures = []
    ways = {"script": "remit can", "module": "python -m remit can", "again": "remit can, with the directory remembered"}
    for way, spoken in ways.items():
        if way in taken:
            ratio = ratios(taken[way], taken["pass"])
            met = ratio.median <= PROMISED
            figures.append(Figure(spoken, ratio.text("× python -c pass"), f"≤ {PROMISED} × python -c pass", met))
            ratio = ratios(computing[way], computing["pass"])
            figures.append(Figure(f"{spoken}, its computing alone", ratio.text("× python -c pass")))
    loaded = heavy(modules)
    figures.append(Figure("remit can loads of lark, pydantic, rich", ", ".join(loaded) or "none", "none", not loaded))
    figures.append(Figure("remit can loads modules", f"{len(modules)}"))
    milliseconds = spread(seconds * 1000 for seconds in taken["pass"])
    figures.append(Figure("python -c pass (this machine)", milliseconds.text("ms")))
    return figures
