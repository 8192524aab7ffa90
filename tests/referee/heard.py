"""An event that makes sense, or not: its shape, and the names in it (SEMANTICS 3, 8)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from referee.decide import Json, Unknown, current_name, moment, place_of, places, typed

from remit.directory.shape import Directory
from remit.model.policy import Model

OWN = ("signup", "sso_login", "register")  # the user's own events
GIVING = ("invite", "change_role", "assign")  # those that give the role they name
ON_PLACES = ("create_scope", "delete_scope")
ON_GROUPS = ("create_group", "delete_group")
LEAVING_NOBODY = ("remove", "delete_group", *ON_PLACES)  # to whom a role could be given
NAMES = ("user", "group", "by", "role", "scope", "id", "domain")  # a character at least
ALWAYS = {"type", "by", "claims", "id"}
WINDOW = {"scope", "from", "until"}
KEYS: dict[str, tuple[set[str], set[str]]] = {  # what a kind needs, and what it may have besides
    "signup": ({"user"}, {"domain", "attributes", "scope"}),
    "sso_login": ({"user"}, {"domain", "attributes", "scope"}),
    "register": ({"user"}, {"domain", "attributes", "scope"}),
    "invite": ({"user", "role"}, {"attributes", *WINDOW}),
    "change_role": ({"user", "role"}, WINDOW),
    "assign": ({"role"}, {"user", "group", *WINDOW}),
    "revoke": (set(), {"user", "group", "role", "scope"}),
    "disable": ({"user"}, set()),
    "enable": ({"user"}, set()),
    "remove": ({"user"}, set()),
    "join": ({"user", "group"}, set()),
    "leave": ({"user", "group"}, set()),
    "create_group": ({"group"}, set()),
    "delete_group": ({"group"}, set()),
    "create_scope": ({"scope"}, {"parent"}),
    "delete_scope": ({"scope"}, set()),
}


@dataclass(frozen=True)
class Heard:
    """An event that makes sense. `scope` as it stands there, `place` where that is."""

    kind: str
    time: int
    user: str | None
    group: str | None
    by: str | None
    role: str | None
    scope: str | None
    place: str
    domain: str
    attributes: Mapping[str, Json]
    claims: Mapping[str, Json]
    parents: tuple[str, ...]
    start: int | None
    end: int | None

    @property
    def holder(self) -> str | None:
        """Whose roles it changes."""
        return self.user if self.user is not None else self.group


def hear(model: Model, event: Json, now: int) -> Heard | None:
    """8: the event, None where it makes no sense. Null is absent."""
    if not isinstance(event, Mapping):
        return None
    said = {key: value for key, value in event.items() if value is not None}
    if not isinstance(said.get("type"), str) or said["type"] not in KEYS:
        return None
    needed, besides = KEYS[said["type"]]
    if not needed <= set(said) <= needed | besides | ALWAYS:
        return None
    if said["type"] in ("assign", "revoke") and ("user" in said) == ("group" in said):
        return None
    if any(not is_name(said[key]) for key in NAMES if key in said):
        return None
    if not isinstance(said.get("claims", {}), Mapping) or not isinstance(said.get("attributes", {}), Mapping):
        return None
    for name, value in said.get("attributes", {}).items():
        if name not in model.user:
            return None
        if value is not None and isinstance(typed(value, model.user[name].type), Unknown):
            return None
    written = said.get("parent", [])
    parents = [written] if isinstance(written, str) else written
    if not isinstance(parents, list) or not all(is_name(parent) for parent in parents):
        return None
    if not all(is_written_well(scope) for scope in [*parents, *([said["scope"]] if "scope" in said else [])]):
        return None
    times = {key: moment(said[key]) for key in ("from", "until") if key in said}
    start, end = times.get("from"), times.get("until")
    if any(isinstance(time, Unknown) for time in times.values()):
        return None
    if start is not None and end is not None and start >= end:
        return None
    user = said.get("user")
    return Heard(
        kind=said["type"],
        time=now,
        user=user,
        group=said.get("group"),
        by=said.get("by"),
        role=said.get("role"),
        scope=said.get("scope"),
        place=place_of(model, said.get("scope")),
        domain=said["domain"].lower() if "domain" in said else domain_of(user or ""),
        attributes=said.get("attributes", {}),  # a null among them leaves the user without (2)
        claims=said.get("claims", {}),
        parents=tuple(dict.fromkeys(parents)),
        start=start,
        end=end,
    )


def is_name(value: Json) -> bool:
    return isinstance(value, str) and value != ""


def is_written_well(scope: str) -> bool:
    """3: `KIND/ID`, or a kind alone; whether the place exists is asked later."""
    kind, slash, instance = scope.partition("/")
    return bool(kind) and (bool(instance) or not slash)


def domain_of(user: str) -> str:
    """8: what follows the last `@`, in lower case."""
    return user.rpartition("@")[2].lower() if "@" in user else ""


def unknown_name(model: Model, directory: Directory, heard: Heard) -> str | None:
    """8: a role that the policy lacks, a scope or group that the directory lacks, in this order."""
    if heard.role is not None and current_name(model, heard.role) is None and not cleans_up(directory, heard):
        return "unknown_role"
    if heard.kind == "create_scope":
        if not may_be_made(model, directory, heard):
            return "unknown_scope"
    elif heard.scope is not None and places(model, directory, heard.scope) is None:
        return "unknown_scope"
    if heard.group is not None and heard.kind != "create_group" and heard.group not in directory.groups:
        return "unknown_group"
    return None


def cleans_up(directory: Directory, heard: Heard) -> bool:
    """013: `revoke` of a role that the policy lacks and that is assigned by this very name, wherever."""
    holder = directory.groups.get(heard.group or "") if heard.user is None else directory.users.get(heard.user)
    return heard.kind == "revoke" and holder is not None and heard.role in {one.role for one in holder.assignments}


def may_be_made(model: Model, directory: Directory, heard: Heard) -> bool:
    """3: a place of a kind below the root, whose parents exist and are of its own kind or a kind above."""
    assert heard.scope is not None
    if any(places(model, directory, parent) is None for parent in heard.parents):
        return False
    if heard.scope == model.root:
        return True
    kind, slash, _ = heard.scope.partition("/")
    if not slash or kind not in model.scopes or kind == model.root:
        return False
    above, one = {kind}, model.scopes[kind]
    while one is not None:
        above.add(one)
        one = model.scopes[one]
    return all(parent.partition("/")[0] in above for parent in heard.parents)
