"""The table: `python -m tests.lint.seeding --each 30 --generated 60`.

Puts every kind of defect into the shipped policies and into generated ones, and prints for each rule how many were
found, and how many findings were false. `--code W203` for some rules only; `--all` shows every defect that was missed.
`--truth 300` judges what the exact rules find in so many generated policies as they are.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from . import alike, exact, held, people, risky, silence, twice, unused, words  # noqa: F401  (they register)
from .ground import generated, shipped
from .measure import Tally, measure
from .seeder import SEEDERS
from .truth import judge_all


def main() -> int:
    options = argparse.ArgumentParser(prog="python -m tests.lint.seeding", description=__doc__)
    options.add_argument("--each", type=int, default=20, help="how often every kind of defect is put somewhere")
    options.add_argument("--generated", type=int, default=40, help="how many generated policies")
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--code", default="", help="these rules only, with commas between")
    options.add_argument("--all", action="store_true", help="show all that is missed or false, not a few of each")
    options.add_argument("--truth", type=int, default=0, help="judge the exact rules on so many generated policies")
    options.add_argument("--requests", type=int, default=2000, help="for each claim, with --truth")
    chosen = options.parse_args()
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        if chosen.truth:
            seen: Counter[str] = Counter()
            wrong = list(judge_all(Path(folder), chosen.truth, chosen.requests, chosen.seed, seen))
            say("\n\n".join(wrong[: None if chosen.all else 5]))
            say(", ".join(f"{what} {count}" for what, count in sorted(seen.items())))
            say(f"{chosen.truth} policies judged in {time.monotonic() - began:.0f} s; {len(wrong)} claims are wrong")
            return 1 if wrong else 0
        grounds = [*shipped(Path(folder)), *generated(Path(folder), chosen.generated, chosen.seed)]
        codes = chosen.code.split(",") if chosen.code else []
        tally = measure(grounds, chosen.each, chosen.seed, [one for one in SEEDERS if not codes or one.code in codes])
    show(tally, chosen.all)
    say(f"{sum(row.seeded for row in tally.rows.values())} defects in {time.monotonic() - began:.0f} s")
    return 0


def show(tally: Tally, whole: bool) -> None:
    say("rule   seeded   found   false")
    for code, row in sorted(tally.rows.items()):
        say(f"{code:4}   {row.seeded:6}   {row.found:5}   {row.false:5}")
    shown: Counter[tuple[str, str]] = Counter()
    for missed in tally.missed:
        key = (missed.seeder.code, missed.seeder.how)
        shown[key] += 1
        if whole or shown[key] <= 2:
            say(f"\nmissed {key[0]}, {key[1]}, in {missed.ground}:\n  {missed.marked}")
    shown.clear()
    for false in tally.false:
        key = (false.seeder.code, false.finding[:4])
        shown[key] += 1
        if whole or shown[key] <= 2:
            say(f"\nfalse, {false.seeder.code}, {false.seeder.how}, in {false.ground}:\n  {false.finding}")
            say(f"  beside {false.marked}")
    never = [one for one in SEEDERS if one.code in tally.rows and not tally.by_seeder[one.code, one.how]]
    for one in never:
        say(f"\nnever fitted: {one.code}, {one.how}")


def say(text: str) -> None:
    sys.stdout.write(text + "\n")


if __name__ == "__main__":
    sys.exit(main())
