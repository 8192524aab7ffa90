"""The page of figures is what the code writes: how its lines read, and that the one that is kept is of this code.

After a change of what is measured or said: `python -m benchmarks --all -o docs/benchmarks.md`.
"""

from __future__ import annotations

import re
import shlex
import string
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]
KEPT = ROOT / "docs" / "benchmarks.md"
RATIO = r"[\d.,]+ \([\d.,]+ … [\d.,]+\)"
TIMES = r"[\d.,]+"


def _module(name: str) -> ModuleType:
    """A module of `benchmarks/`, which stands beside the package and is not installed."""
    if str(ROOT) not in sys.path:
        sys.path.insert(0, str(ROOT))
    return import_module(f"benchmarks.{name}")


@pytest.fixture(scope="module")
def page() -> ModuleType:
    return _module("page")


# -- how lines read ----------------------------------------------------------------------------------------------------


def test_a_promise_that_is_not_kept_is_told_in_words(page: ModuleType) -> None:
    figure = _module("timing").Figure
    found = [
        figure("codes", "13.7 ns", "≤ 10 ns on this machine", False),
        figure("lines", "9 lines/s", "≥ 20 lines/s", False),
        figure("kept", "1 ×", "≤ 2 ×", True),
    ]
    assert page.figures("Columns", found, False).behind == [
        "codes: 13.7 ns; promised: at most 10 ns on this machine",
        "lines: 9 lines/s; promised: at least 20 lines/s",
    ]


def test_what_is_of_tiny_sizes_is_not_judged(page: ModuleType) -> None:
    part = page.figures("Columns", [_module("timing").Figure("codes", "13.7 ns", "≤ 10 ns", False)], True)
    assert part.behind == []
    assert part.text.splitlines()[-1] == "| codes | 13.7 ns |  |  |"
    engines = part._replace(behind=["an engine is ahead"])
    assert f"{page.BEHIND}\n\nNot judged: tiny sizes.\n" in page.page([engines], True, "made")
    assert f"{page.BEHIND}\n\n- an engine is ahead\n" in page.page([engines], False, "made")


def test_a_figure_that_could_not_be_measured_is_listed_with_the_reason(page: ModuleType) -> None:
    figure = _module("timing").Figure("one event", f"{page.NOT_MEASURED}no PostgreSQL", "≤ 5 ms")
    assert page.figures("Directories", [figure], False).missing == ["one event: not measured: no PostgreSQL"]


def test_whatever_an_engine_says_stays_in_its_cell_and_on_its_line(page: ModuleType) -> None:
    assert page.row(["one | two", "first\nsecond"]) == "| one \\| two | first second |"
    part = page.Part("", "", missing=["an engine: first\nsecond"])
    assert "\n- an engine: first second\n" in page.page([part], False, "made")


def test_a_ratio_has_digits_that_tell_something(page: ModuleType) -> None:
    assert [page.digits(value) for value in (0.0123, 0.5, 9.876, 50.04, 1234.5)] == [
        "0.012",
        "0.50",
        "9.88",
        "50.0",
        "1,234",
    ]


# -- the page that is kept ---------------------------------------------------------------------------------------------


def _pattern(form: str, **fields: str) -> str:
    """The expression for what a form writes: each field as told here, or anything."""
    parts = ((re.escape(text), name) for text, name, *_ in string.Formatter().parse(form))
    return "".join(text + (f"(?:{fields.get(name, '.+')})" if name else "") for text, name in parts)


def _any(values: Any) -> str:
    return "|".join(re.escape(str(value)) for value in values)


def _forms() -> Iterator[tuple[str, str]]:
    """The section and the expression of each line that is not one of a table of figures."""
    page, scale, peers, shell, applications, workload = (
        _module(name) for name in ("page", "scale", "peers.report", "peers.shell", "applications.report", "workload")
    )
    sizes = _any(size.name for size in (workload.SMALL, workload.MEDIUM, workload.LARGE))
    commands = _any(command.name for command in shell.COMMANDS)
    batches = _any(peers.BATCHES)
    trouble = f"{page.NOT_MEASURED}.+|disagrees.+|not compared: .+"
    where = _pattern(
        applications.WHERE,
        application=_any(one.name for one in applications.APPLICATIONS),
        count=_any(applications.FULL.counts),
    )
    engines = _any(engine.key for engine in applications.ENGINES)
    promised = _any(f"at least {least} ×" for of_batch in peers.PROMISED.values() for least in of_batch.values())
    yield (
        page.BEHIND,
        _pattern(
            page.MISSED, name=f"(?:{sizes}): .+, (?:{batches})", value=f"{RATIO} × remit's time", promised=promised
        ),
    )
    ratios = rf"(?:(?:{batches}) {RATIO}(?:, )?)+"
    yield page.BEHIND, _pattern(peers.AHEAD, size=sizes, found=ratios)
    yield (
        page.BEHIND,
        _pattern(peers.SOONER, size=sizes, ours=TIMES, once=r"(?: \(.+ in [\d.,]+ s\))?", others=f".+ {TIMES}"),
    )
    yield page.BEHIND, _pattern(shell.SOONER, size=sizes, command=commands)
    yield page.BEHIND, _pattern(applications.AHEAD, where=where, engine=engines, ratio=RATIO)
    yield page.MISSING, _pattern(page.WITHOUT, name=r".+ in PostgreSQL, .+")
    for curve in scale.CURVES:
        of_curve = {"size": _any(f"{size:,}" for size in curve.sizes), "why": _any((scale.ENDED, scale.NO_MEMORY))}
        yield page.MISSING, _pattern(scale.NO_POINT, curve=re.escape(curve.name), **of_curve)
    yield page.MISSING, _pattern(peers.NOT_TIMED, size=sizes, why=trouble)
    yield page.MISSING, _pattern(peers.NO_BATCH, size=sizes, batch=batches)
    yield page.MISSING, _pattern(peers.NO_SHELL)
    yield page.MISSING, _pattern(shell.NOT_TIMED, size=sizes, command=commands, why=trouble)
    yield page.MISSING, _pattern(applications.NOT_TIMED, where=where, engine=engines, why=trouble)
    yield page.MISSING, _pattern(applications.DISAGREE, where=where)


def _written() -> dict[str, list[str]]:
    """Lines of each section, by the code that writes them, of figures that are made up."""
    page, runner, engines, peers, shell, workload, timing = (
        _module(name)
        for name in ("page", "peers.runner", "peers.engines", "peers.report", "peers.shell", "workload", "timing")
    )
    spread = timing.spread
    of_key = {engine.key: engine for engine in engines.ENGINES}
    rows = [
        runner.Row(engines.REMIT, "remit", load=1.5, first=0.5, ratios={"hot": spread([1]), "cold": spread([1])}),
        runner.Row(
            of_key["opa-go"], "OPA, as a library", load=0.125, ratios={"hot": spread([0.5]), "cold": spread([2])}
        ),
        runner.Row(of_key["regorus-py"], "regorus (Python)", load=9, ratios={"hot": spread([2]), "cold": spread([3])}),
        runner.Row(of_key["oso"], "oso", missing={"cold": "one pass would take 1,234 s"}),
        runner.Row(of_key["cedarpy"], trouble=f"{page.NOT_MEASURED}`pip` is not here"),
    ]
    compared = runner.Compared(workload.MEDIUM, rows, [], 0.15)
    asked = [
        shell.Row(shell.COMMANDS[3], spread([5]), {own: spread([0.05]) for own in shell.OWN}),
        shell.Row(shell.COMMANDS[5], trouble=f"{page.NOT_MEASURED}no compiler"),
    ]
    processes = shell.Compared(workload.MEDIUM, asked)
    return {
        page.BEHIND: [*peers._behind(compared), *shell.behind(processes)],
        page.MISSING: [*peers._missing(compared), *shell.missing(processes), peers.NO_SHELL],
    }


def test_lines_about_other_engines_have_their_forms(page: ModuleType) -> None:
    """And no others: a line of an engine that nobody measures, or at no size, has none."""
    forms = list(_forms())
    written = _written()
    assert [len(lines) for lines in written.values()] == [5, 4]
    for section, lines in written.items():
        expressions = [form for found, form in forms if found == section]
        for line in lines:
            assert any(re.fullmatch(form, line) for form in expressions), line
            assert not any(re.fullmatch(form, line.partition(": ")[2]) for form in expressions), line


def _section(text: str, title: str) -> list[str]:
    """What is listed under a title."""
    _, _, after = text.partition(f"{title}\n")
    return [line[2:] for line in after.partition("\n## ")[0].splitlines() if line.startswith("- ")]


def test_the_page_that_is_kept_is_made_by_one_command_that_measures_everything() -> None:
    text = KEPT.read_text(encoding="utf-8")
    named = re.search(r"^Made by `python -m benchmarks ?(.*)`\. Full sizes;", text, re.MULTILINE)
    assert named, "the first lines of docs/benchmarks.md name no command"
    asked = _module("__main__").parser().parse_args(shlex.split(named[1]))
    assert asked.all
    assert (asked.quick, asked.names, asked.only, asked.size) == (False, [], [], [])


@pytest.mark.parametrize("title", ["BEHIND", "MISSING"])
def test_each_line_that_is_said_first_has_a_form_that_the_code_writes(page: ModuleType, title: str) -> None:
    """A promise that is not kept has the line of its row in a table; every other line is of another form."""
    text, section = KEPT.read_text(encoding="utf-8"), getattr(page, title)
    lines = _section(text, section)
    rows = [re.split(r"(?<!\\) \| ", line[2:-2]) for line in text.splitlines() if line.endswith("| **no** |")]
    missed = [page.missed(*row[:3]) for row in rows] if title == "BEHIND" else []
    assert [line for line in missed if line not in lines] == []
    forms = [re.compile(form) for found, form in _forms() if found == section]
    unknown = [line for line in lines if line not in missed and not any(form.fullmatch(line) for form in forms)]
    assert unknown == []
