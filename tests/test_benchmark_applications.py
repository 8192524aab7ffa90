"""The two applications that engines are compared on are what they say. No test needs an engine but remit."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]
APPLICATIONS = ("github", "tinytodo")


def _module(name: str) -> ModuleType:
    """A module of `benchmarks/`, which stands beside the package and is not installed."""
    if str(ROOT) not in sys.path:
        sys.path.insert(0, str(ROOT))
    return import_module(f"benchmarks.{name}")


def _application(name: str) -> Any:
    return _module("applications.remit_pdp").APPLICATIONS[name]


@pytest.mark.parametrize("name", APPLICATIONS)
def test_an_application_has_as_many_of_each_kind_as_asked_and_the_same_seed_makes_the_same(name: str) -> None:
    worlds, application = _module("applications.worlds"), _application(name)
    one, same, other = (worlds.world(application, 20, seed) for seed in (1, 1, 2))
    assert {len(kind) for key, kind in one.items() if key != "application"} == {20}
    assert any(team["within"] for team in one["teams"].values())
    assert one == same
    assert one != other
    assert worlds.requests(application, one) == worlds.requests(application, same)


@pytest.mark.parametrize("name", APPLICATIONS)
def test_half_of_an_applications_requests_are_allowed(name: str, tmp_path: Path) -> None:
    requests, read = _module("applications.worlds").write(tmp_path, _application(name), 5)
    assert len(requests) == 500
    assert read.count("1") == read.count("0") == 250


@pytest.mark.parametrize("count", [10, 20, 50])
def test_nested_teams_organisations_owners_and_reporters_each_decide_some_requests(count: int) -> None:
    """Without them, some of the allowed requests are not allowed any more, so engines agree on them, too."""
    worlds = _module("applications.worlds")
    nobody: dict[str, list[str]] = {"users": [], "teams": []}
    without: dict[str, tuple[str, Any]] = {
        "teams": ("within", []),
        "organisations": ("roles", dict.fromkeys(("read", "triage", "write", "maintain", "admin"), nobody)),
        "issues": ("reporter", "nobody"),
        "lists": ("owner", "nobody"),
    }
    for name, kinds in (("github", ("teams", "organisations", "issues")), ("tinytodo", ("teams", "lists"))):
        application = _application(name)
        world = worlds.world(application, count)
        allowed = [one for one in worlds.requests(application, world) if application.may(world, one)]
        for kind in kinds:
            key, value = without[kind]
            less = {**world, kind: {id_: {**about, key: value} for id_, about in world[kind].items()}}
            assert sum(not application.may(less, one) for one in allowed) >= 5, (name, kind)


@pytest.mark.parametrize("name", APPLICATIONS)
def test_remit_decides_whatever_can_be_asked_of_an_application_as_a_plain_reading_does(name: str) -> None:
    """Every user, action and resource, by both of remit's calls."""
    worlds, application = _module("applications.worlds"), _application(name)
    world = worlds.world(application, 10, seed=3)
    pdp = _module("applications.remit_pdp").bound(world)
    for kind, id_ in application.resources(world):
        for user in world["users"]:
            for action in application.actions[kind]:
                request = {"user": user, "action": action, "type": kind, "id": id_}
                asked = (user, action, worlds.resource(application, world, request))
                expected = application.may(world, request)
                assert pdp.allows(*asked) == expected, request
                assert (pdp.deciding(*asked) is not None) == expected, request


def test_roles_come_through_outer_teams_and_organisations_and_a_reporter_must_see_the_repository() -> None:
    nobody: dict[str, list[str]] = {"users": [], "teams": []}
    none = dict.fromkeys(("read", "triage", "write", "maintain", "admin"), nobody)
    world = {
        "users": ["ann", "bob", "cyd"],
        "teams": {"outer": {"members": [], "within": []}, "inner": {"members": ["ann"], "within": ["outer"]}},
        "organisations": {"o": {"roles": {**none, "read": {"users": ["bob"], "teams": []}}}, "other": {"roles": none}},
        "repositories": {
            "r": {"organisation": "o", "roles": {**none, "write": {"users": [], "teams": ["outer"]}}},
            "hidden": {"organisation": "other", "roles": none},
        },
        "issues": {name: {"repository": name, "reporter": "bob"} for name in ("r", "hidden")},
    }
    asked = [
        ("ann", "push", "repository", "r", True),
        ("ann", "manage_settings", "repository", "r", False),
        ("ann", "edit", "issue", "r", True),
        ("bob", "pull", "repository", "r", True),
        ("bob", "push", "repository", "r", False),
        ("bob", "edit", "issue", "r", True),
        ("bob", "delete", "issue", "r", False),
        ("bob", "edit", "issue", "hidden", False),
        ("cyd", "pull", "repository", "r", False),
    ]
    may = _application("github").may
    for user, action, kind, id_, expected in asked:
        assert may(world, {"user": user, "action": action, "type": kind, "id": id_}) == expected, (user, action, id_)


def test_owners_do_all_editors_edit_and_readers_read() -> None:
    world = {
        "users": ["ann", "bob", "cyd", "dan"],
        "teams": {
            "readers": {"members": ["bob"], "within": []},
            "editors": {"members": [], "within": []},
            "inner": {"members": ["cyd"], "within": ["editors"]},
        },
        "lists": {"l": {"owner": "ann", "readers": ["readers"], "editors": ["editors"]}},
    }
    application = _application("tinytodo")
    allowed = {
        user: [
            action
            for action in application.actions["list"]
            if application.may(world, {"user": user, "action": action, "type": "list", "id": "l"})
        ]
        for user in world["users"]
    }
    assert allowed == {
        "ann": ["read", "update", "create_task", "share", "delete"],
        "bob": ["read"],
        "cyd": ["read", "update", "create_task"],
        "dan": [],
    }


def test_an_engine_that_decides_otherwise_than_the_plain_reading_is_told_with_the_request() -> None:
    report = _module("applications.report")
    requests = [{"user": user, "action": "read", "type": "list", "id": "l0"} for user in ("ann", "bob", "cyd")]
    rows = [
        report.Row(engine, decisions=digits) for engine, digits in zip(report.ENGINES, ("101", "111"), strict=False)
    ]
    assert list(report.disagreements(rows, requests, "101")) == [
        f"remit-deciding disagrees on 1: it allows {requests[1]}"
    ]
    assert list(report.disagreements(rows, requests, "1010")) == [
        f"{key} gave 3 decisions for 4 requests" for key in ("remit", "remit-deciding")
    ]


@pytest.mark.slow
def test_applications_are_timed_where_all_agree_and_nothing_is_where_they_do_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From end to end with remit alone; the second time, the plain reading is turned round."""
    report, engines, process = (_module(name) for name in ("applications.report", "peers.engines", "peers.process"))

    def missing(home: object) -> list[str]:
        raise process.PeerError("no compiler")

    asked = [*report.ENGINES[:2], engines.Engine("gone", "gone", missing)]
    home = engines.Home(tmp_path)
    found = report.compare(report.TINYTODO, 5, report.QUICK, home, asked)
    allows, deciding, gone = found.rows
    assert (found.disagreement, found.allowed) == ("", 0.5)
    assert allows.ratio == (1, 1, 1)
    assert deciding.ratio.median > 0
    assert gone.trouble == "not measured: no compiler"
    assert report.table([found]).count("| tinytodo | 5 |") == 3

    write = report.write

    def turned(*arguments: Any) -> Any:
        requests, read = write(*arguments)
        return requests, "1" + read[1:] if read[0] == "0" else "0" + read[1:]

    monkeypatch.setattr(report, "write", turned)
    found = report.compare(report.TINYTODO, 5, report.QUICK, home, asked)
    assert "remit disagrees on 1: it " in found.disagreement
    assert [row.ratio for row in found.rows] == [None, None, None]
    assert "disagrees on 1" in report.table([found])
