"""The page of all figures: where remit is behind comes first, then what was not measured, then everything."""

from __future__ import annotations

import platform
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from benchmarks.timing import Figure

_MET = {True: "yes", False: "**no**", None: ""}


class Part(NamedTuple):
    """A part of the page. `behind`: where something was promised and is not so, or another engine is ahead; `missing`:
    what was not measured, and why."""

    title: str
    text: str
    behind: Sequence[str] = ()
    missing: Sequence[str] = ()


def figures(title: str, found: Iterable[Figure], about: str = "") -> Part:
    """A part that is one table of figures."""
    kept = list(found)
    rows = [f"| {f.name} | {f.value} | {f.target} | {_MET[f.met]} |" for f in kept]
    text = "\n".join(["| what | median (least … most) | target | met |", "|---|---|---|---|", *rows])
    behind = [f"{f.name}: {f.value}, where {f.target} was promised" for f in kept if f.met is False]
    return Part(title, f"{about}\n\n{text}" if about else text, behind)


def page(parts: Sequence[Part], quick: bool, command: str) -> str:
    """The whole page as Markdown."""
    size = "Tiny sizes, which mean nothing" if quick else "Full sizes"
    machine = (
        f"{size}; Python {platform.python_version()}, {platform.system()} {platform.machine()}, one core at a time."
    )
    lines = [
        "# How fast",
        "",
        f"Made by `{command}`. {machine}",
        "",
        "What is compared takes turns in one run, and each figure is the median of several rounds with the least and",
        "the most of them. Read the ratios: what hangs on the machine is said to. How each part is measured stands in",
        "[benchmarks](../benchmarks/README.md).",
        "",
        "## Where remit is behind",
        "",
        *_listed([line for part in parts for line in part.behind], "Nowhere among what was measured here."),
        "",
        "## What was not measured",
        "",
        *_listed([line for part in parts for line in part.missing], "Nothing was left out."),
    ]
    for part in parts:
        lines += ["", f"## {part.title}", "", part.text] if part.title else []
    return "\n".join(lines) + "\n"


def _listed(lines: Sequence[str], otherwise: str) -> list[str]:
    return [f"- {line}" for line in dict.fromkeys(lines)] or [otherwise]


def bars(title: str, unit: str, values: Sequence[tuple[str, float]]) -> str:
    """A bar chart, as Markdown's readers draw it from Mermaid."""
    names = ", ".join(f'"{name}"' for name, _ in values)
    most = max((value for _, value in values), default=1)
    return "\n".join(
        [
            "```mermaid",
            "xychart-beta horizontal",
            f'  title "{title}"',
            f"  x-axis [{names}]",
            f'  y-axis "{unit}" 0 --> {most:.3g}',
            f"  bar [{', '.join(f'{value:.3g}' for _, value in values)}]",
            "```",
        ]
    )
