"""How much work decisions and files take, counted in the interpreter's own instructions: the guard against slow-downs
that does not hang on how busy a machine is. After a change that is worth its price: `python -m benchmarks.effort
--update`."""

from __future__ import annotations

import json

import pytest
from benchmarks.effort import KEPT, VERSION, figures, instructions

pytestmark = pytest.mark.slow
MORE, LESS = 1.06, 0.8  # what a library's new version may add, and what is worth being kept


@pytest.fixture(scope="module")
def found() -> dict[str, int]:
    return figures()


def test_nothing_takes_more_than_is_kept(found: dict[str, int]) -> None:
    """Nor much less: then the new figure is kept, so that it cannot be lost again."""
    kept = json.loads(KEPT.read_text(encoding="utf-8")).get(VERSION)
    if kept is None:
        pytest.skip(f"no figures are kept for Python {VERSION}, whose instructions are others")
    assert found.keys() == kept.keys()
    dearer = {name: (kept[name], count) for name, count in found.items() if count > kept[name] * MORE}
    assert dearer == {}, "kept and found"
    cheaper = {name: (kept[name], count) for name, count in found.items() if count < kept[name] * LESS}
    assert cheaper == {}, "kept and found: keep them with `python -m benchmarks.effort --update`"


@pytest.mark.parametrize(
    ("work", "most"),
    [
        *((work, 1.2) for work in ("allows", "deciding", "decide", "parse a line", "load a line")),
        # with few rules, one look-up tells all that somebody holds; with many, each holding is gathered
        ("decide_many, a further 65,536 rows", 1.5),
    ],
)
def test_twenty_times_the_rules_make_nothing_dearer(found: dict[str, int], work: str, most: float) -> None:
    """A decision touches the rules of its own cell alone, and a line costs what it costs."""
    assert found[f"{work}, many rules"] < most * found[f"{work}, few rules"]


def test_the_count_is_of_instructions() -> None:
    """Twice the work has twice as many, and the same work as many again."""

    def work(turns: int) -> int:
        return instructions(lambda: [len(str(turn)) for turn in range(turns)])

    assert work(1000) == work(1000)
    assert 1.9 < (work(2000) - work(0)) / (work(1000) - work(0)) < 2.1
