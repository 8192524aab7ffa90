"""Lists of things to do: a list's owner does all; teams read it, other teams edit it, and teams lie within teams.

For remit, a list is a place, a team is a group, and both owning a list and having it shared with one is a role held
there. Sets of teams on the resource would be no policy of remit's: a condition asks whether one value is in a set,
never whether two sets meet.
"""

from __future__ import annotations

import random
from typing import Any

from benchmarks.applications.worlds import Application, Request, World, names, teams_of

ACTIONS = ("read", "update", "create_task", "share", "delete")
READING = ("read",)
EDITING = ("read", "update", "create_task")
POLICY = """policy tinytodo "Shared lists"

scope site
scope list in site

area lists {
  resource list { actions read, update, create_task, share, delete }
}

role reader { allow read on list }
role editor includes reader { allow update, create_task on list }
role owner includes editor { allow share, delete on list }
"""


def _fill(world: World, count: int, dice: random.Random) -> None:
    """A list has one to three teams of readers, and none to two of editors."""
    teams = list(world["teams"])
    world["lists"] = {
        name: {
            "owner": dice.choice(world["users"]),
            "readers": dice.sample(teams, dice.randint(1, 3)),
            "editors": dice.sample(teams, dice.randint(0, 2)),
        }
        for name in names("l", count)
    }


def _resources(world: World) -> list[tuple[str, str]]:
    return [("list", name) for name in world["lists"]]


def _own(world: World, request: Request) -> bool:
    owner: str = world["lists"][request["id"]]["owner"]
    return owner == request["user"]


def _may(world: World, request: Request) -> bool:
    if _own(world, request):
        return True
    about, action = world["lists"][request["id"]], request["action"]
    teams = teams_of(world, request["user"])
    reads, edits = teams.intersection(about["readers"]), teams.intersection(about["editors"])
    return bool((edits and action in EDITING) or (reads and action in READING))


# -- for remit -------------------------------------------------------------------------------------------------------


def _scopes(world: World) -> dict[str, Any]:
    return {f"list/{name}": {} for name in world["lists"]}


def _assignments(world: World) -> list[tuple[str, str, str, str]]:
    found = [("user", about["owner"], "owner", f"list/{name}") for name, about in world["lists"].items()]
    for name, about in world["lists"].items():
        found += [("team", team, "reader", f"list/{name}") for team in about["readers"]]
        found += [("team", team, "editor", f"list/{name}") for team in about["editors"]]
    return found


def _properties(world: World, request: Request) -> dict[str, str]:
    return {"scope": f"list/{request['id']}"}


TINYTODO = Application(
    name="tinytodo",
    actions={"list": list(ACTIONS)},
    fill=_fill,
    resources=_resources,
    may=_may,
    own=_own,
    policy=POLICY,
    scopes=_scopes,
    assignments=_assignments,
    properties=_properties,
)
