"""`python -m benchmarks [--quick] [-o FILE] [NAME …]`: figures and targets as a page, where remit is behind first.

python -m benchmarks                             # everything of remit's own
python -m benchmarks --all -o docs/benchmarks.md # other engines too, which are fetched and built
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

from benchmarks import columns, decide, diff, frontend, people, scale, startup
from benchmarks.applications import report as applications
from benchmarks.page import NOT_ASKED, Part, figures, page
from benchmarks.peers import report as peers
from benchmarks.timing import Figure


def _table(title: str, measure: Callable[[bool], list[Figure]], about: str = "") -> Callable[[bool], Part]:
    return lambda quick: figures(title, measure(quick), quick, about)


PARTS: dict[str, Callable[[bool], Part]] = {
    "decide": _table("Decisions", decide.measure, decide.ABOUT),
    "columns": _table("Columns of requests", columns.measure, columns.ABOUT),
    "frontend": _table("From text to table", frontend.measure),
    "startup": _table("Starting up", startup.measure),
    "scale": scale.report,
    "people": _table("Directories in databases", people.measure),
    "diff": _table("Proofs and checks of a large policy", diff.measure),
}
PEERS, APPLICATIONS = "peers", "applications"  # only where asked for: they fetch and build other engines
OTHERS = (PEERS, APPLICATIONS)


def parser() -> argparse.ArgumentParser:
    """What can be asked for."""
    made = argparse.ArgumentParser(
        prog="python -m benchmarks", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    made.add_argument("--quick", action="store_true", help="tiny sizes, whose figures mean nothing")
    made.add_argument("--all", action="store_true", help=f"every part, {' and '.join(OTHERS)} too")
    made.add_argument("-o", "--output", metavar="FILE", type=Path, help="write the page there")
    made.add_argument("names", nargs="*", metavar="NAME", help=f"only these of {', '.join([*PARTS, *OTHERS])}")
    made.add_argument("--peers-home", metavar="DIR", type=Path, help="where other engines are kept")
    made.add_argument("--only", action="append", default=[], metavar="ENGINE", help=f"{PEERS}: beside remit, these")
    made.add_argument(
        "--size", action="append", default=[], choices=("small", "medium", "large"), help=f"{PEERS}: only these sizes"
    )
    return made


def main() -> int:
    asking = parser()
    asked = asking.parse_args()
    for name in asked.names:
        if name not in PARTS and name not in OTHERS:
            asking.error(f"there is no part `{name}`: there are {', '.join([*PARTS, *OTHERS])}")
    try:
        peers.chosen(asked.only)
    except ValueError as unknown:
        asking.error(str(unknown))
    names = asked.names or [*PARTS, *(OTHERS if asked.all else ())]
    others: dict[str, Callable[[], Part]] = {
        PEERS: partial(peers.report, asked.quick, asked.peers_home, asked.only, asked.size),
        APPLICATIONS: partial(applications.report, asked.quick, asked.peers_home),
    }
    parts: list[Part] = []
    for name in names:
        print(f"measuring: {name} …", file=sys.stderr, flush=True)
        parts.append(others[name]() if name in others else PARTS[name](asked.quick))
    left = [name for name in (*PARTS, *OTHERS) if name not in names]
    if left:
        parts.append(Part("", "", missing=[NOT_ASKED.format(names=", ".join(left))]))
    text = page(parts, asked.quick, " ".join(["python -m benchmarks", *_without_places(sys.argv[1:])]))
    if asked.output:
        asked.output.write_text(text, encoding="utf-8")
    else:
        print(text, end="")
    return 0


def _without_places(words: list[str]) -> list[str]:
    """The call without where other engines are kept and the page is put, which is this machine's affair."""
    places = {
        at + more for at, word in enumerate(words) if word in ("--peers-home", "-o", "--output") for more in (0, 1)
    }
    return [word for at, word in enumerate(words) if at not in places]


if __name__ == "__main__":
    sys.exit(main())
