"""The long run: `python -m tests.referee --decisions 300000 --seed 1`.

Judges generated cases until that many decisions are judged, or stops at the first disagreement, which it prints whole,
with what a file in `cases` would hold.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from pathlib import Path
from random import Random

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from referee.generate import make_case
from referee.judge import build, disagreements


def main() -> int:
    options = argparse.ArgumentParser(prog="python -m tests.referee", description=__doc__)
    options.add_argument("--decisions", type=int, default=100_000, help="how many to judge")
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--requests", type=int, default=60, help="for each policy")
    options.add_argument("--repairs", action="store_true", help="smaller policies, and repairs as well")
    options.add_argument("--all", action="store_true", help="do not stop at a disagreement, count them")
    chosen = options.parse_args()
    judged = policies = wrong = 0
    codes: Counter[str] = Counter()
    began = time.monotonic()
    while judged < chosen.decisions:
        case = make_case(Random(f"{chosen.seed}/{policies}"), chosen.requests, small=chosen.repairs)
        policy = build(case.sources, case.overlays)
        for found in disagreements(policy, case, with_repairs=chosen.repairs, seen=codes):
            wrong += 1
            say(f"policy {policies} of seed {chosen.seed}: {found}")
            if not chosen.all:
                return 1
            break
        judged += len(case.requests)
        policies += 1
    spent = time.monotonic() - began
    say(f"{judged} decisions over {policies} policies judged in {spent:.0f} s; {wrong} policies disagree")
    say(", ".join(f"{code} {count}" for code, count in codes.most_common()))
    return 1 if wrong else 0


def say(text: str) -> None:
    sys.stdout.write(text + "\n")


if __name__ == "__main__":
    sys.exit(main())
