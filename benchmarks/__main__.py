"""`python -m benchmarks [--quick] [-o FILE] [NAME …]`: a Markdown table of figures and targets."""

from __future__ import annotations

import argparse
import platform
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

from benchmarks import decide, diff, frontend, people, startup
from benchmarks.peers import report as peers
from benchmarks.timing import Figure

PARTS: dict[str, tuple[str, Callable[[bool], list[Figure]]]] = {
    "decide": ("Decisions", decide.measure),
    "frontend": ("From text to table", frontend.measure),
    "startup": ("One question from a shell", startup.measure),
    "people": ("Directories in databases", people.measure),
    "diff": ("Proofs and checks of a large policy", diff.measure),
}
PEERS = "peers"  # only where it is asked for: it fetches and builds other engines
_MET = {True: "yes", False: "**no**", None: ""}


def table(title: str, figures: Iterable[Figure]) -> str:
    rows = [f"| {f.name} | {f.value} | {f.target} | {_MET[f.met]} |" for f in figures]
    return "\n".join([f"## {title}", "", "| what | median (least … most) | target | met |", "|---|---|---|---|", *rows])


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="tiny sizes, whose figures mean nothing")
    parser.add_argument("-o", "--output", metavar="FILE", type=Path, help="write the report there")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"only these of {', '.join(PARTS)}; or {PEERS}")
    parser.add_argument("--peers-home", metavar="DIR", type=Path, help=f"{PEERS}: where other engines are kept")
    parser.add_argument("--only", action="append", default=[], metavar="ENGINE", help=f"{PEERS}: beside remit, these")
    parser.add_argument("--size", action="append", default=[], choices=("small", "medium", "large"), help=f"{PEERS}")
    asked = parser.parse_args()
    for name in asked.names:
        if name not in PARTS and name != PEERS:
            parser.error(f"there is no part `{name}`: there are {', '.join(PARTS)}, {PEERS}")
    try:
        peers.chosen(asked.only)
    except ValueError as unknown:
        parser.error(str(unknown))
    size = "tiny sizes, which mean nothing" if asked.quick else "full sizes"
    report = [f"Python {platform.python_version()}, {platform.system()} {platform.machine()}, {size}."]
    for name in asked.names or PARTS:
        print(f"measuring: {name} …", file=sys.stderr, flush=True)
        if name == PEERS:
            report.append(peers.report(asked.quick, asked.peers_home, asked.only, asked.size))
            continue
        title, measure = PARTS[name]
        report.append(table(title, measure(asked.quick)))
    text = "\n\n".join(report) + "\n"
    if asked.output:
        asked.output.write_text(text, encoding="utf-8")
    else:
        print(text, end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
