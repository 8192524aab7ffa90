"""The page of all figures: where remit is behind comes first, then what was not measured, then everything.

Each line of the first two sections is written by a form, a text with fields in braces, which stands beside the code
that fills it in; a test holds the page that is kept to these forms.
"""

from __future__ import annotations

import platform
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from benchmarks.timing import Figure, Spread

NOT_JUDGED = "not judged: tiny sizes"
NOT_MEASURED = "not measured: "  # what a figure's value begins with where there is none
MISSED = "{name}: {value}; promised: {promised}"
WITHOUT = "{name}: not measured: {why}"
NOT_ASKED = "parts that were not asked for: {names}"
BEHIND, MISSING = "## Where remit is behind", "## What was not measured"
_MET = {True: "yes", False: "**no**", None: ""}


class Part(NamedTuple):
    """A part of the page. `behind`: where something was promised and is not so, or another engine is ahead; `missing`:
    what was not measured, and why."""

    title: str
    text: str
    behind: Sequence[str] = ()
    missing: Sequence[str] = ()


def figures(title: str, found: Iterable[Figure], quick: bool, about: str = "") -> Part:
    """A part that is one table of figures. Those of tiny sizes are not judged."""
    kept = [figure._replace(target="", met=None) if quick else figure for figure in found]
    rows = [row([f.name, f.value, f.target, _MET[f.met]]) for f in kept]
    text = "\n".join(["| what | median (least … most) | target | met |", "|---|---|---|---|", *rows])
    return Part(
        title,
        f"{about}\n\n{text}" if about else text,
        [missed(f.name, f.value, f.target) for f in kept if f.met is False],
        [
            WITHOUT.format(name=f.name, why=f.value.removeprefix(NOT_MEASURED))
            for f in kept
            if f.value.startswith(NOT_MEASURED)
        ],
    )


def missed(name: str, value: str, target: str) -> str:
    """The line of a promise that is not kept."""
    promised = target.replace("≤", "at most").replace("≥", "at least")
    return MISSED.format(name=name, value=value, promised=promised)


def page(parts: Sequence[Part], quick: bool, command: str) -> str:
    """The whole page as Markdown."""
    size = "Tiny sizes, which mean nothing" if quick else "Full sizes"
    machine = (
        f"{size}; Python {platform.python_version()}, {platform.system()} {platform.machine()}, one core at a time."
    )
    behind = [] if quick else [line for part in parts for line in part.behind]
    lines = [
        "# How fast",
        "",
        f"Made by `{command}`. {machine}",
        "",
        "What is compared takes turns in one run. A figure with two more in brackets is the median of several rounds,",
        "with the least and the most of them; one without was measured once, or is the least of several turns.",
        "Read the ratios: what depends on this machine alone is marked so. How each part is measured stands in",
        "[benchmarks](../benchmarks/README.md).",
        "",
        BEHIND,
        "",
        *_listed(behind, f"{NOT_JUDGED.capitalize()}." if quick else "Nowhere among what was measured here."),
        "",
        MISSING,
        "",
        *_listed([line for part in parts for line in part.missing], "Nothing was left out."),
    ]
    for part in parts:
        lines += ["", f"## {part.title}", "", part.text] if part.title else []
    return "\n".join(lines) + "\n"


def _listed(lines: Sequence[str], otherwise: str) -> list[str]:
    """Each on one line, whatever an engine said."""
    return [f"- {' '.join(line.split())}" for line in dict.fromkeys(lines)] or [otherwise]


# -- what tables and pictures are made of ------------------------------------------------------------------------------


def row(cells: Sequence[str]) -> str:
    """A line of a table, whatever stands in its cells."""
    return "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"


def shown(found: Spread | None) -> str:
    """A ratio with its spread, each in as many digits as tell something."""
    return f"{digits(found.median)} ({digits(found.low)} … {digits(found.high)})" if found else "–"


def digits(value: float) -> str:
    places = 3 if value < 0.1 else 2 if value < 10 else 1 if value < 100 else 0
    return f"{value:,.{places}f}"


def chart(
    title: str, unit: str, names: Sequence[str], bars: Sequence[float], line: Sequence[float] = (), across: bool = False
) -> str:
    """A bar for each name, and a line through as many values where they are given, as Markdown's readers draw it from
    Mermaid. `across`: bars lie, which leaves room for long names."""
    values = [*bars, *line]
    drawn = [
        "```mermaid",
        "xychart-beta horizontal" if across else "xychart-beta",
        f'  title "{title}"',
        f"  x-axis [{_quoted(names)}]",
        f'  y-axis "{unit}" {min(0.0, *values):.3g} --> {max(1.0, *values):.3g}',
        f"  bar [{_numbers(bars)}]",
    ]
    return "\n".join([*drawn, *([f"  line [{_numbers(line)}]"] if line else []), "```"])


def _quoted(names: Sequence[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)


def _numbers(values: Sequence[float]) -> str:
    return ", ".join(f"{value:.3g}" for value in values)
