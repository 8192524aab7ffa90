"""The long run: `python -m tests.referee --decisions 300000 --seed 1`.

Judges generated cases until that many decisions are judged, or stops at the first disagreement, which it prints whole,
with what a file in `cases` would hold. `--histories 5000` judges the events of so many histories instead,
`--differences 500` what `remit diff` finds between so many policies and edits of them, policies and the same in other
words, and policies with their directories and edits of these; `--more 100000` decides so many requests for each two
policies that it finds no difference in.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from referee.differences import Unlike, unequal, unlike
from referee.generate import make_case
from referee.histories import make_history, parted
from referee.judge import build, disagreements
from referee.persons import unlike_people


def main() -> int:
    options = argparse.ArgumentParser(prog="python -m tests.referee", description=__doc__)
    options.add_argument("--decisions", type=int, default=100_000, help="how many to judge")
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--requests", type=int, default=60, help="for each policy")
    options.add_argument("--repairs", action="store_true", help="smaller policies, and repairs as well")
    options.add_argument("--all", action="store_true", help="do not stop at a disagreement, count them")
    options.add_argument("--histories", type=int, default=0, help="how many to judge, in place of decisions")
    options.add_argument("--events", type=int, default=40, help="for each history, at most")
    options.add_argument("--differences", type=int, default=0, help="how many of each kind to judge, in their place")
    options.add_argument("--more", type=int, default=0, help="requests for each two policies without a difference")
    chosen = options.parse_args()
    if chosen.differences:
        return differences(chosen)
    return histories(chosen) if chosen.histories else decisions(chosen)


def differences(chosen: argparse.Namespace) -> int:
    """Edited policies, policies in other words, and edited directories."""
    seen: Counter[str] = Counter()
    wrong = 0
    began = time.monotonic()
    judges: dict[str, Callable[[str], Iterator[Unlike]]] = {
        "edit": lambda seed: unlike(seed, chosen.requests, seen, chosen.more),
        "words": lambda seed: unequal(seed, chosen.requests, seen, chosen.more),
        "people": lambda seed: unlike_people(seed, chosen.requests, seen),
    }
    for number in range(chosen.differences):
        for kind, judge in judges.items():
            found = next(judge(f"{chosen.seed}/{kind}/{number}"), None)
            if found is not None:
                wrong += 1
                say(f"{kind} {number} of seed {chosen.seed}: {found}")
                if not chosen.all:
                    return 1
    spent = time.monotonic() - began
    say(f"{chosen.differences} of each kind judged in {spent:.0f} s; {wrong} are wrong")
    say(", ".join(f"{what} {count}" for what, count in seen.items()))
    return 1 if wrong else 0


def histories(chosen: argparse.Namespace) -> int:
    """Histories of 10 events and more."""
    codes: Counter[str] = Counter()
    wrong = 0
    began = time.monotonic()
    for number in range(chosen.histories):
        random = Random(f"{chosen.seed}/history/{number}")
        found = parted(make_history(random), random.randint(10, max(10, chosen.events)), codes)
        if found is not None:
            wrong += 1
            say(f"history {number} of seed {chosen.seed}: {found}")
            if not chosen.all:
                return 1
    spent = time.monotonic() - began
    say(f"{codes.total()} events of {chosen.histories} histories judged in {spent:.0f} s; {wrong} histories disagree")
    say(", ".join(f"{code} {count}" for code, count in codes.most_common()))
    return 1 if wrong else 0


def decisions(chosen: argparse.Namespace) -> int:
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
