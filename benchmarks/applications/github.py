"""Repositories in organisations: roles on a repository, roles in an organisation that hold for all its repositories,
teams within teams that hold either. Who reported an issue may edit it, as long as they see the repository.

For remit, an organisation and a repository are places, a team is a group, and what is held is held at a place.
"""

from __future__ import annotations

import random
from typing import Any

from benchmarks.applications.worlds import Application, Request, World, names, teams_of

ROLES = ("read", "triage", "write", "maintain", "admin")  # each includes the one before it
LOWEST = {  # the role from which on one may
    "repository": {
        "pull": "read",
        "fork": "read",
        "push": "write",
        "manage_settings": "maintain",
        "manage_access": "admin",
        "delete": "admin",
    },
    "issue": {"triage": "triage", "assign": "triage", "edit": "write", "delete": "maintain"},
}
POLICY = """policy github "Repositories and issues"

scope site
scope organisation in site
scope repository in organisation

area code {
  resource repository { actions pull, fork, push, manage_settings, manage_access, delete }
  resource issue { reporter: user  actions triage, assign, edit, delete }
}

condition reported "the issue's own reporter" = resource.reporter == user.id

role read {
  allow pull, fork on repository
  allow edit on issue when reported
}
role triage includes read { allow triage, assign on issue }
role write includes triage {
  allow push on repository
  allow edit on issue
}
role maintain includes write {
  allow manage_settings on repository
  allow delete on issue
}
role admin includes maintain { allow manage_access, delete on repository }
"""


def _fill(world: World, count: int, dice: random.Random) -> None:
    """Each role of a repository is held by none to two users and at most one team; in an organisation, two of the roles
    by one user and one of them by a team."""
    organisations, repositories = names("o", count), names("r", count)
    users, teams = world["users"], list(world["teams"])

    def held(at_repository: bool) -> dict[str, dict[str, list[str]]]:
        by_users = ROLES if at_repository else dice.sample(ROLES, 2)
        by_teams = dice.sample(ROLES, 3 if at_repository else 1)
        most = 2 if at_repository else 1
        return {
            role: {
                "users": dice.sample(users, dice.randint(1, most)) if role in by_users else [],
                "teams": dice.sample(teams, 1) if role in by_teams else [],
            }
            for role in ROLES
        }

    world["organisations"] = {name: {"roles": held(False)} for name in organisations}
    world["repositories"] = {
        name: {"organisation": dice.choice(organisations), "roles": held(True)} for name in repositories
    }
    world["issues"] = {
        name: {"repository": dice.choice(repositories), "reporter": dice.choice(users)} for name in names("i", count)
    }


def _resources(world: World) -> list[tuple[str, str]]:
    return [*(("repository", name) for name in world["repositories"]), *(("issue", name) for name in world["issues"])]


def _own(world: World, request: Request) -> bool:
    own = request["type"] == "issue" and world["issues"][request["id"]]["reporter"] == request["user"]
    return own and request["action"] == "edit"


def _may(world: World, request: Request) -> bool:
    kind, user = request["type"], request["user"]
    issue = world["issues"][request["id"]] if kind == "issue" else None
    repository = world["repositories"][issue["repository"] if issue else request["id"]]
    teams = teams_of(world, user)
    ranks = [
        rank
        for place in (repository, world["organisations"][repository["organisation"]])
        for rank, role in enumerate(ROLES)
        if user in place["roles"][role]["users"] or teams.intersection(place["roles"][role]["teams"])
    ]
    if not ranks:
        return False
    return _own(world, request) or max(ranks) >= ROLES.index(LOWEST[kind][request["action"]])


# -- for remit -------------------------------------------------------------------------------------------------------


def _scopes(world: World) -> dict[str, Any]:
    found: dict[str, Any] = {f"organisation/{name}": {} for name in world["organisations"]}
    for name, about in world["repositories"].items():
        found[f"repository/{name}"] = {"parent": f"organisation/{about['organisation']}"}
    return found


def _assignments(world: World) -> list[tuple[str, str, str, str]]:
    places = [
        *((f"organisation/{name}", about) for name, about in world["organisations"].items()),
        *((f"repository/{name}", about) for name, about in world["repositories"].items()),
    ]
    return [
        (holder, name, role, place)
        for place, about in places
        for role, held in about["roles"].items()
        for holder, several in (("user", held["users"]), ("team", held["teams"]))
        for name in several
    ]


def _properties(world: World, request: Request) -> dict[str, str]:
    if request["type"] == "repository":
        return {"scope": f"repository/{request['id']}"}
    issue = world["issues"][request["id"]]
    return {"scope": f"repository/{issue['repository']}", "reporter": issue["reporter"]}


GITHUB = Application(
    name="github",
    actions={kind: list(actions) for kind, actions in LOWEST.items()},
    fill=_fill,
    resources=_resources,
    may=_may,
    own=_own,
    policy=POLICY,
    scopes=_scopes,
    assignments=_assignments,
    properties=_properties,
)
