"""What both applications share: teams within teams, the requests, and the folder that every engine reads.

A *world* is an application with all that is in it, made from a seed, in a form that no engine has for its own:

    {"application": "tinytodo", "users": ["u0", "u1"],
     "teams": {"t0": {"members": ["u1"], "within": []}, "t1": {"members": ["u0"], "within": ["t0"]}},
     "lists": {"l0": {"owner": "u0", "readers": ["t0"], "editors": ["t1"]}}}

A member of t1 is one of t0, too. What a user may do in it is read off by each application's `may`, with no engine; by
that the requests are drawn, half of them allowed.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

World = dict[str, Any]
Request = dict[str, str]  # "user", "action", "type", "id"

REQUESTS = 500


class Application(NamedTuple):
    """One application, and how remit is told of it.

    `fill` adds to the world of `count` users and teams the rest, `count` of each kind, with the dice given; `resources`
    gives each resource's type and id; `may` is the plain reading; `own` says whether a request is about what the user
    owns or reported, and asks for what that may count. `policy` is remit's; `scopes` are those of its directory file,
    `assignments` are (holder, name, role, scope), where the holder is "user" or "team"; `properties` are those of a
    request's resource."""

    name: str
    actions: dict[str, list[str]]  # by type of resource
    fill: Callable[[World, int, random.Random], None]
    resources: Callable[[World], list[tuple[str, str]]]
    may: Callable[[World, Request], bool]
    own: Callable[[World, Request], bool]
    policy: str
    scopes: Callable[[World], dict[str, Any]]
    assignments: Callable[[World], list[tuple[str, str, str, str]]]
    properties: Callable[[World, Request], dict[str, str]]


# -- the world -------------------------------------------------------------------------------------------------------


def world(application: Application, count: int, seed: int = 1) -> World:
    """The application with `count` entities of each kind. A user is in one or two teams, a team directly within
    none to two others, which stand before it."""
    dice = random.Random(f"{seed} {application.name} {count}")
    users, teams = names("u", count), names("t", count)
    made: World = {"application": application.name, "users": users}
    made["teams"] = {
        team: {"members": [], "within": dice.sample(teams[:at], min(at, dice.choice((0, 1, 1, 2))))}
        for at, team in enumerate(teams)
    }
    for user in users:
        for team in dice.sample(teams, dice.choice((1, 1, 2))):
            made["teams"][team]["members"].append(user)
    application.fill(made, count, dice)
    return made


def names(letter: str, count: int) -> list[str]:
    return [f"{letter}{at}" for at in range(count)]


def teams_of(world: World, user: str) -> set[str]:
    """All teams that the user is in, through other teams as well."""
    waiting = [name for name, team in world["teams"].items() if user in team["members"]]
    found: set[str] = set()
    while waiting:
        if (team := waiting.pop()) not in found:
            found.add(team)
            waiting += world["teams"][team]["within"]
    return found


# -- the requests ----------------------------------------------------------------------------------------------------


def requests(application: Application, world: World, count: int = REQUESTS, seed: int = 1) -> list[Request]:
    """`count` requests, shuffled: half of them drawn from all that are allowed, half from all that are not; of each
    half a fifth from `own` ones, where there are any, since chance alone meets few. In a small world some come more
    than once. Raises RuntimeError where all are allowed, or none."""
    dice = random.Random(f"{seed} {application.name} {len(world['users'])} requests")
    sides: dict[bool, list[Request]] = {True: [], False: []}
    for kind, name in application.resources(world):
        for user in world["users"]:
            for action in application.actions[kind]:
                request = {"user": user, "action": action, "type": kind, "id": name}
                sides[application.may(world, request)].append(request)
    if not all(sides.values()):
        raise RuntimeError(f"`{application.name}` allows all or nothing")
    drawn: list[Request] = []
    for side, share in ((sides[True], count // 2), (sides[False], count - count // 2)):
        own = [request for request in side if application.own(world, request)]
        drawn += dice.choices(own or side, k=share // 5)
        drawn += dice.choices(side, k=share - share // 5)
    dice.shuffle(drawn)
    return drawn


def write(folder: Path, application: Application, count: int, seed: int = 1) -> tuple[list[Request], str]:
    """Write the world as `policy.json`, the requests as `hot.json` and an empty `cold.json`; give back the requests and
    the plain reading of them, a digit each, 1 allowed."""
    made = world(application, count, seed)
    drawn = requests(application, made, seed=seed)
    for name, content in (("policy", made), ("hot", drawn), ("cold", [])):
        (folder / f"{name}.json").write_text(json.dumps(content), encoding="utf-8")
    return drawn, "".join(str(int(application.may(made, request))) for request in drawn)


# -- for remit -------------------------------------------------------------------------------------------------------


def directory(application: Application, world: World) -> dict[str, Any]:
    """The world's people in the shape of remit's directory file: a team is a group."""
    held: dict[tuple[str, str], list[dict[str, str]]] = {}
    for kind, name, role, scope in application.assignments(world):
        held.setdefault((kind, name), []).append({"role": role, "scope": scope})
    inner: dict[str, list[str]] = {team: [] for team in world["teams"]}
    for name, team in world["teams"].items():
        for outer in team["within"]:
            inner[outer].append(f"group/{name}")
    return {
        "scopes": application.scopes(world),
        "users": {user: {"assignments": held.get(("user", user), [])} for user in world["users"]},
        "groups": {
            name: {"members": [*team["members"], *inner[name]], "assignments": held.get(("team", name), [])}
            for name, team in world["teams"].items()
        },
    }


def resource(application: Application, world: World, request: Request) -> dict[str, Any]:
    """A request's resource as `allows` takes it."""
    return {"type": request["type"], "id": request["id"], "properties": application.properties(world, request)}
