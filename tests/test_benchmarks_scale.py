"""The curves of growth: each lets one thing grow alone, and the page says of every bend why, or that nobody knows."""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from remit import Directory, Pdp, Policy

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def scale() -> ModuleType:
    if str(ROOT) not in sys.path:
        sys.path.insert(0, str(ROOT))
    return import_module("benchmarks.scale")


@pytest.fixture(scope="module")
def curves(scale: ModuleType) -> ModuleType:
    return import_module("benchmarks.curves")


@pytest.fixture(scope="module")
def growth(scale: ModuleType) -> ModuleType:
    return import_module("benchmarks.growth")


@pytest.fixture
def curve(scale: ModuleType, curves: ModuleType) -> Callable[..., Any]:
    """A curve that measures nothing, with these explanations of bends and exponents promised."""

    def made(bends: dict[tuple[str, int], str] | None = None, most: dict[str, float] | None = None) -> Any:
        return curves.Curve("things", (1, 10, 100), (1, 10), curves.of_roles, most or {}, bends or {})

    return made


def _points(growth: ModuleType, *values: float) -> list[Any]:
    return [growth.Point(10**at, {"`allows`": value, "binding": 1.0}) for at, value in enumerate(values)]


def _pdp(step: Any) -> Pdp:
    policy = Policy.from_sources({f"{at}.remit": text for at, text in enumerate(step.policy)})
    return policy.bind(Directory.from_text(step.directory, "directory.json"))


def test_a_bend_without_a_reason_is_said_to_have_none(growth: ModuleType, curve: Callable[..., Any]) -> None:
    figure = growth.figures_of(curve(), _points(growth, 2, 20, 20))[0]
    assert figure.value == (
        "1: 2 µs · 10: 10 × · 100: 10 ×; e = 0.50, at the end 0.00. At 10 (e = 1.00, then 0.00): a bend, not explained"
    )


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ((3, 3.3, 6.3), "3 µs whatever the size, and a linear part"),
        ((3, 4, 7.5), "3 µs whatever the size, and a linear part"),
        ((3, 5, 5.5), "a bend, not explained"),
        ((1, 3, 200), "a bend, not explained"),
        ((3, 3, 3), ""),
    ],
)
def test_a_constant_explains_a_bend_where_it_comes_to_what_was_measured(
    growth: ModuleType, curve: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, values: tuple[float, ...], said: str
) -> None:
    monkeypatch.setattr(growth, "BEND", 0.1)
    assert growth.figures_of(curve(), _points(growth, *values))[0].value.partition("): ")[2] == said


def test_a_bend_with_a_reason_is_told_with_it(growth: ModuleType, curve: Callable[..., Any]) -> None:
    """A reason of another size, or of another figure, is none."""
    reasons = {("`allows`", 10): "cats", ("`allows`", 1): "no bend", ("columns", 100): "another's"}
    figure = growth.figures_of(curve(reasons), _points(growth, 2, 2, 20, 20))[0]
    assert figure.value.endswith(
        "At 10 (e = 0.00, then 1.00): cats. At 100 (e = 1.00, then 0.00): a bend, not explained"
    )


def test_a_reason_is_not_told_where_nothing_bends(growth: ModuleType, curve: Callable[..., Any]) -> None:
    figure = growth.figures_of(curve({("`allows`", 10): "cats"}), _points(growth, 2, 20, 200))[0]
    assert figure.value == "1: 2 µs · 10: 10 × · 100: 100 ×; e = 1.00, at the end 1.00"


@pytest.mark.parametrize(("values", "met"), [((2, 2, 2), True), ((9, 1, 2), False), ((1, 3, 3), False)])
def test_a_target_holds_for_the_whole_curve_and_for_its_end(
    growth: ModuleType, curve: Callable[..., Any], values: tuple[float, ...], met: bool
) -> None:
    figure = growth.figures_of(curve(most={"`allows`": 0.1}), _points(growth, *values))[0]
    assert (figure.target, figure.met) == ("e ≤ 0.1", met)


def test_reasons_stand_where_two_steps_of_their_curve_meet(scale: ModuleType, growth: ModuleType) -> None:
    for curve in scale.CURVES:
        for way, size in curve.bends:
            assert way in growth.MEASURES
            assert size in curve.sizes[1:-1]
        assert set(curve.most) <= set(growth.MEASURES)


def test_a_curve_of_rules_has_so_many_rules_whatever_files_they_are_in(
    curves: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = curves.of_rules(1_000)
    monkeypatch.setattr(curves, "LINES", 200)
    several = curves.of_rules(1_000)
    assert (len(one.policy), len(several.policy)) == (1, 5)
    tables = [_pdp(step).table for step in (one, several)]
    assert [(len(table.rules), len(table.roles), len(table.types)) for table in tables] == [(1_000, 20, 10)] * 2


def test_more_places_are_all_that_grows_with_places(curves: ModuleType) -> None:
    """Who asks holds a role at one place, asks at it or below it every second time, and elsewhere otherwise."""
    for count in (100, 2_000):
        step = curves.of_places(count)
        pdp = _pdp(step)
        assert len(pdp.directory.scopes) == count
        assert len(pdp.directory.users) == curves.REQUESTS
        assert all(pdp.allows(*ask) for ask in step.asked[1::2])
    assert sum(not pdp.allows(*ask) for ask in step.asked[::2]) > 40


def test_users_made_in_memory_are_those_of_the_text(scale: ModuleType, curves: ModuleType) -> None:
    """But for the columns where they stand."""
    read = _pdp(curves.of_users(500)).directory.users
    made = scale._made(500).users
    held = [{name: user.assignments[0].role for name, user in users.items()} for users in (read, made)]
    assert held[0] == held[1]


@pytest.mark.parametrize("name", ["users, who all ask", "depth of places"])
def test_a_point_is_measured_in_a_process_of_its_own(scale: ModuleType, growth: ModuleType, name: str) -> None:
    curve = next(curve for curve in scale.CURVES if curve.name == name)
    point = scale._apart(curve, curve.quick[0], scale.QUICK_PATIENCE)
    assert point.trouble == ""
    assert {"`allows`", "columns", "binding", "first columns"} <= set(point.values) <= set(growth.MEASURES)
    assert all(value > 0 for value in point.values.values())
    assert ("reading" in point.values) == (name == "depth of places")


def test_a_point_that_fails_is_no_figure(scale: ModuleType, curves: ModuleType, curve: Callable[..., Any]) -> None:
    wrong = curve()._replace(make=lambda size: curves.Step(size, ["role"], "{}", []))
    with pytest.raises(RuntimeError, match=r"things, 1: (.|\n)*PolicyError"):
        scale._apart(wrong, 1, scale.QUICK_PATIENCE)


def test_memory_that_is_taken_is_seen_and_the_most_is_kept(scale: ModuleType) -> None:
    before = scale.resident()
    taken = bytearray(b"x") * (64 << 20)
    assert 60 < scale.resident() - before < 80
    del taken
    assert scale.most_resident() - before > 60


def test_a_picture_has_a_bar_for_each_size(growth: ModuleType, curve: Callable[..., Any]) -> None:
    drawn = growth.picture(curve(), [*_points(growth, 2, 2, 20), growth.Point(1_000, {}, "its process was ended")])
    assert 'x-axis ["1", "10", "100"]' in drawn
    assert "  bar [0, 0, 0]\n  line [0, 0, 1]\n" in drawn
