"""Histories: policies with `assignments`, `claims` and guards, directories they fit, and the events that follow.

`HistoryMaker` draws on what `generate.Maker` makes and adds a type for the member concerned, which declares some of
what an event says of a member, and rules that read it.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from referee.decide import Json, current_name, place_of
from referee.events import EventVerdict, judge_event
from referee.generate import Maker
from referee.judge import build, written
from referee.lines import joined
from referee.world import ACTIONS, DAY, NOW, ROLES, Declared, Kind

from remit.directory.shape import Assignment, Directory, Group, User
from remit.instant import format_instant
from remit.model.policy import Model

PEOPLE = ("eve@acme.com", "fay@Bolt.io", "gus@acme.com", "hal", "ida@ACME.com", "jon@b@bolt.io", "kit")
DOMAINS = ("acme.com", "ACME.com", "bolt.io", "new.org", "Old.org")
SIGNING = ("signup", "sso_login", "register")
PLAIN = ("invite", "change_role", "assign", "revoke", "disable", "enable", "remove", "join", "leave")
PLACES = ("create_group", "delete_group", "create_scope", "delete_scope")
SAID = (
    Declared("role", "string", optional=True),
    Declared("new_role", "string", optional=True),
    Declared("roles", "set", element="string"),
    Declared("new_roles", "set", element="string"),
)
STATUSES_SAID = (
    Declared("status", "string", optional=True),
    Declared("status", "string"),
    Declared("status", "enum", optional=True, values=("active", "pending", "disabled")),
    Declared("status", "enum", values=("active", "disabled")),
)
CLAIMS = (
    Declared("groups", "set", element="string"),
    Declared("level", "int"),
    Declared("source", "enum", values=("web", "api")),
    Declared("verified", "bool", optional=True),
)
MALFORMED = ("/", "branch/", "/north", "", "branch", "galaxy", "branch/north/x")  # or nearly
NOT_NAMES = ("", 5, True, [], {})


@dataclass
class History:
    """A policy as files, the directory it begins with, and the maker of the events that follow."""

    sources: dict[str, str]
    directory: Directory
    maker: HistoryMaker

    def event(self, directory: Directory) -> dict[str, Json]:
        """An event for the directory as the ones before left it."""
        return self.maker.event(directory)


def make_history(random: Random) -> History:
    maker = HistoryMaker(random, small=True)
    statements = maker.policy()
    return History(maker.files(statements), maker.directory(), maker)


# -- a history put to both -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Parted:
    """Where the two part ways, after which events."""

    what: str
    referee: object
    product: object
    sources: dict[str, str]
    directory: Directory
    events: list[Json]  # the one that they disagree on is the last

    def __str__(self) -> str:
        policy = "\n".join(f"--- {name}\n{text}" for name, text in self.sources.items())
        events = "\n".join(json.dumps(event) for event in self.events)
        return (
            f"they disagree on the {self.what}\n{policy}\n--- directory\n{json.dumps(filed(self.directory))}\n"
            f"--- events\n{events}\n--- referee: {self.referee}\n--- product: {self.product}"
        )


def parted(history: History, length: int, seen: Counter[str] | None = None) -> Parted | None:
    """The first of so many events that the two judge differently. Counts the referee's codes in `seen`."""
    drawn = (history.maker.event for _ in range(length))
    return replay(history.sources, history.directory, drawn, seen)


def replay(
    sources: dict[str, str], directory: Directory, events: Iterable[Any], seen: Counter[str] | None = None
) -> Parted | None:
    """The same for events that stand there, or that are drawn for the directory as it is then."""
    from remit.membership.apply import apply_event

    policy = build(sources, [])
    assert policy.model is not None
    begun, so_far = directory, list[Json]()
    for one in events:
        event = one(directory) if callable(one) else one
        so_far.append(event)
        expected = judge_event(policy.model, directory, event, NOW)
        if seen is not None:
            seen[expected.code] += 1
        applied = apply_event(policy.index, directory, event, NOW)
        for what, left, right in differences(policy.model, directory, expected, applied):
            return Parted(what, left, right, sources, begun, so_far)
        directory = applied.directory
    return None


def differences(
    model: Model, before: Directory, expected: EventVerdict, applied: Any
) -> Iterator[tuple[str, object, object]]:
    """What the two say of an event, where they say different things."""
    keys = ("code", "guard", "roles", "status")
    said = {key: getattr(applied.outcome, key) for key in keys} | {"roles": list(applied.outcome.roles)}
    ours = {key: getattr(expected, key) for key in keys}
    left, right = plain(model, expected.directory), plain(model, applied.directory)
    if expected.unsure and said["code"] == "not_permitted":
        ours, left = said, plain(model, before)
    if said != ours:
        yield "verdict", ours, said
    for section in left:
        if left[section] != right[section]:
            yield section, left[section], right[section]


def plain(model: Model, directory: Directory) -> dict[str, Json]:
    """The directory without what makes no difference: places in its file, order, how the root or a role is called,
    and whether a domain is listed that somebody's id tells."""

    def held(items: Iterable[Assignment]) -> list[Json]:
        return sorted(
            [current_name(model, one.role) or one.role, place_of(model, one.scope), str(one.start), str(one.end)]
            for one in items
        )

    return {
        "users": {
            name: {
                "type": user.type,
                "status": user.status,
                "before": (user.status_before or "active") if user.status == "disabled" else None,
                "attributes": {name: value for name, value in user.attributes.items() if value is not None},
                "assignments": held(user.assignments),
            }
            for name, user in directory.users.items()
        },
        "groups": {
            name: {
                "members": sorted(group.members),
                "groups": sorted(group.groups),
                "assignments": held(group.assignments),
            }
            for name, group in directory.groups.items()
        },
        "scopes": {name: sorted({*scope.parents} - {model.root}) for name, scope in directory.scopes.items()},
        "joined domains": sorted(joined(directory)),
        "removed": sorted(directory.removed),
    }


def filed(directory: Directory) -> dict[str, Json]:
    """The directory as its file has it, with what events leave there."""
    found = written(directory)
    for name, user in directory.users.items():
        if user.status_before is not None:
            found["users"][name]["status_before"] = user.status_before
    return {**found, "joined_domains": sorted(directory.joined_domains)}


# -- making histories ----------------------------------------------------------------------------------------------


class HistoryMaker(Maker):
    """Policies over which events can be judged."""

    def __init__(self, random: Random, small: bool) -> None:
        super().__init__(random, small)
        self.claimed: list[Declared] = []
        self.events = 0

    # -- the policy --------------------------------------------------------------------------------------------------

    def policy(self) -> list[str]:
        found = super().policy()
        self.claimed = self.some(CLAIMS, 1, 4)
        found.append(f"claims {{ {'  '.join(declared.text for declared in self.claimed)} }}")
        found.append(f"assignments {{\n{self.lines()}\n}}")
        found.extend(self.guard(f"{self.one('abyz')}{number}") for number in range(self.one((0, 1, 1, 2, 2, 3))))
        self.random.shuffle(found)
        return found

    def catalogue(self) -> list[str]:
        """The types of the others, and those of members."""
        found = super().catalogue()
        self.world.permissions["crew"] = {}
        self.world.areas["crew"] = []
        body = []
        for name in ("person", "squad"):
            declared = {one.name: one for one in self.some((self.one(STATUSES_SAID), *SAID), 0, 5)}
            kind = Kind(name, "crew", declared, tuple(self.some(ACTIONS, 2, 4)))
            self.world.kinds[name] = kind
            self.world.areas["crew"].append(name)
            text = "  ".join(one.text for one in declared.values())
            body.append(f"  resource {name} {{ {text}  actions {', '.join(kind.actions)} }}")
        found.append("area crew {\n" + "\n".join(body) + "\n}")
        return found

    def roles(self) -> list[str]:
        """The roles of the others, and one that may everything."""
        found = super().roles()
        if self.chance(0.8):
            tail = self.about("person") if self.chance(0.2) else ""
            crew = f"  in crew {{ deny {self.one(self.world.kinds['person'].actions)} on person {tail} }}\n"
            found.append(f"role chief {{\n  allow * on *\n{crew if tail else ''}}}")
            self.world.roles.append("chief")
        return found

    def rule(self, areas: list[str] | None) -> str:
        """Now and then a rule about members."""
        if (areas is None or "crew" in areas) and self.chance(0.4):
            name = self.one(("person", "person", "squad"))
            action = "*" if self.chance(0.5) else self.one(self.world.kinds[name].actions)
            effect = "deny " if self.chance(0.2) else "allow"
            return f"{effect} {action} on {name} {self.about(name)}"
        return super().rule(areas)

    def about(self, name: str) -> str:
        """A condition on what an event says of a member."""
        role = self.one((*ROLES, "chief"))
        declared = self.world.kinds[name].attributes
        parts = [f"user.id {self.one(('==', '!='))} resource.id", f'"{role}" in user.roles', 'resource.id != "hal"']
        for one in ("status", "role", "new_role"):
            if one not in declared:
                continue
            value = self.one(declared[one].values or ("active", "pending", "disabled")) if one == "status" else role
            test = f'resource.{one} {self.one(("==", "!="))} "{value}"'
            if not declared[one].optional:
                parts.append(test)
            else:
                has = f"(has resource.{one} and {test})", f"(not has resource.{one} or {test})"
                parts += [*has, self.one(has), f"{self.one(('not ', ''))}has resource.{one}"]
        parts += [
            f'"{role}" {self.one(("in", "not in"))} resource.{one}' for one in ("roles", "new_roles") if one in declared
        ] * 2
        chosen = self.some(parts, 1, 2)
        return f"when {self.one((' and ', ' or ')).join(chosen)}" if self.chance(0.85) else ""

    def lines(self) -> str:
        """The lines of the `assignments` block."""
        found = []
        for kind in (*SIGNING, *PLAIN, *PLACES):
            missing = 0.5 if kind == "register" else 0.12
            if self.chance(missing):
                continue
            for _ in range(self.one((1, 1, 1, 2))):
                found.append(self.line(kind))
            if kind in ("assign", "revoke") and self.chance(0.85):
                found.append(self.line(f"{kind} to group"))
        return "\n".join(f"  {line}" for line in found)

    def line(self, kind: str) -> str:
        text = f"on {kind}"
        if self.chance(0.12 if kind in SIGNING else 0.6):
            name = self.one(("person", "person", "squad", *self.world.kinds))
            text += f" requires {self.one(self.world.kinds[name].actions)} on {name}"
            if self.chance(0.25):
                text += ", role within own"
        if kind in SIGNING and self.chance(0.75):
            text += f" when {self.one(('first in domain', 'unassigned', self.about_claims(), self.about_claims()))}"
        elif self.chance(0.3 if kind in ("invite", "change_role", "assign") else 0.2):
            text += f" when {self.one(('unassigned', self.about_claims()))}"
        if self.chance(0.8 if kind in SIGNING else 0.15):
            text += f" assign {', '.join(self.some(self.world.roles, 1, 2))}"
        return text

    def about_claims(self) -> str:
        one = self.one(self.claimed)
        if one.kind == "set":
            return f'"{self.one(("red", "blue"))}" {self.one(("in", "not in"))} claims.{one.name}'
        if one.kind == "int":
            return f"claims.{one.name} {self.one(('<', '>=', '=='))} 2"
        if one.kind == "enum":
            return f'claims.{one.name} == "web"'
        return f"has claims.{one.name} and claims.{one.name}"

    def guard(self, name: str) -> str:
        title = ' "so it stays"' if self.chance(0.2) else ""
        kinds = list(self.world.scopes)
        per = f" per {self.one(kinds)}" if kinds and self.chance(0.4) else ""
        active = "active " if self.chance(0.5) else ""
        often = [*self.world.roles, self.world.roles[-1], self.world.roles[-1]]
        role, other = self.one(often), self.one(often)
        match self.random.randrange(5):
            case 0 | 1:
                text = f"at least {self.one((1, 1, 2))} {active}{role}{per}"
            case 2:
                text = f"at most {self.one((0, 1, 2, 3))} {active}{role}{per}"
            case 3:
                text = f"at most {self.one((1, 1, 2))} role per user{per}"
            case _:
                text = f"never {role} with {other}{per}"
        return f"guard {name}{title}: {text}"

    # -- the directory -----------------------------------------------------------------------------------------------

    def directory(self) -> Directory:
        """The users of the others, some of them pending or disabled, and some with mail addresses."""
        found = super().directory()
        users = dict(found.users)
        for name in self.some(PEOPLE, 0, 4):
            users[name] = User(name, "user", "active", {}, self.assignments(dict(found.scopes), 2))
        for name, user in users.items():
            if self.chance(0.25):
                user = user._replace(status=self.one(("pending", "disabled")))
            if user.status == "disabled" and self.chance(0.6):
                user = user._replace(status_before=self.one(("active", "pending")))
            if "chief" in self.world.roles and self.chance(0.7 if name == "ann" else 0.1):
                user = user._replace(status="active", assignments=(*user.assignments, Assignment("chief")))
            users[name] = user
        removed = {"zed", *(name for name in PEOPLE if name not in users and self.chance(0.15))}
        domains = frozenset(domain.lower() for domain in self.some(DOMAINS[:-1], 0, 2)) if self.chance(0.4) else ()
        groups: dict[str, Group] = dict(found.groups)
        return found._replace(users=users, groups=groups, joined_domains=frozenset(domains), removed=frozenset(removed))

    # -- events ------------------------------------------------------------------------------------------------------

    def event(self, directory: Directory) -> dict[str, Json]:
        """An event, mostly sensible."""
        self.events += 1
        kind = self.one((*SIGNING, *PLAIN, *PLAIN, "assign", "change_role", "invite", *PLACES))
        event: dict[str, Json] = {"type": kind}
        if kind not in SIGNING:
            event["by"] = self.actor(directory)
        elif self.chance(0.1):
            event["by"] = "ann"
        with_group = kind in ("join", "leave", "create_group", "delete_group")
        with_group = with_group or (kind in ("assign", "revoke") and self.chance(0.25))
        if with_group:
            event["group"] = self.group(directory, new=kind == "create_group")
        if kind in (*SIGNING, *PLAIN) and not (with_group and kind in ("assign", "revoke")):
            event["user"] = self.user(directory, new=kind in ("signup", "invite"))
        if kind in ("invite", "change_role", "assign") or (kind == "revoke" and self.chance(0.7)):
            names = [*self.world.roles] * 4 + [*self.world.former, *self.world.former, "ghost"]
            event["role"] = self.one(names)
        if kind in (*SIGNING, "invite", "change_role", "assign", "revoke", *PLACES[2:]):
            self.place(event, directory)
        if kind in ("invite", "change_role", "assign") and self.chance(0.2):
            self.window(event)
        if kind in SIGNING and self.chance(0.3):
            event["domain"] = self.one(DOMAINS)
        if kind in (*SIGNING, "invite") and self.world.user and self.chance(0.4):
            event["attributes"] = self.values(
                [Declared(one.name, one.kind, True, one.values, one.element) for one in self.world.user], 1.0
            )
            if self.chance(0.15):
                event["attributes"][self.one(self.world.user).name] = None
        if self.chance(0.7 if kind in SIGNING else 0.3):
            event["claims"] = self.claimed_values()
        if self.chance(0.1):
            event["id"] = f"e{self.events}"
        if self.chance(0.05):
            self.damage(event)
        return event

    def actor(self, directory: Directory) -> str:
        chiefs = [
            name for name, user in directory.users.items() if any(one.role == "chief" for one in user.assignments)
        ]
        if chiefs and self.chance(0.65):
            return self.one(chiefs)
        return self.one([*directory.users, "eve@acme.com", "zed"] if self.chance(0.95) else ["nobody"])

    def user(self, directory: Directory, new: bool) -> str:
        strangers = [name for name in (*PEOPLE, *sorted(directory.removed)) if name not in directory.users]
        if strangers and self.chance(0.75 if new else 0.12):
            return self.one(strangers)
        return self.one([*directory.users] or ["ann"])

    def group(self, directory: Directory, new: bool) -> str:
        if not new and directory.groups and self.chance(0.93):
            return self.one([*directory.groups])
        return self.one(("desk", "staff", "crowd", "club"))

    def place(self, event: dict[str, Json], directory: Directory) -> None:
        kinds = list(self.world.scopes)
        known = [*directory.scopes, *kinds[:1]]
        if event["type"] == "create_scope":
            names = [f"{kind}/{name}" for kind in (kinds[1:] or ["branch"]) for name in ("north", "east", "west")]
            event["scope"] = (
                self.one(names) if self.chance(0.85) else self.one([*known, *MALFORMED, "galaxy/x", "company/x"])
            )
            if self.chance(0.5) and known:
                wrong = self.one([["branch/lost"], [*known[:1], ""], [self.one(MALFORMED)], [event["scope"]], []])
                chosen = self.some(known, 1, 2) if self.chance(0.9) else wrong
                event["parent"] = chosen if len(chosen) != 1 or self.chance(0.5) else chosen[0]
        elif event["type"] == "delete_scope":
            event["scope"] = self.one(known or ["branch/north"])
        elif self.chance(0.6) and known:
            event["scope"] = self.one(known)
        elif self.chance(0.05):
            event["scope"] = self.one(("branch/lost", "galaxy/x", "branch", "company", "company/x"))

    def window(self, event: dict[str, Json]) -> None:
        start = NOW + self.one((-2, -1, 0, 1, 2)) * DAY
        if self.chance(0.7):
            event["from"] = format_instant(start)
        if self.chance(0.7):
            event["until"] = format_instant(start + self.one((1, 1, 2, 3)) * DAY)

    def claimed_values(self) -> dict[str, Json]:
        found = self.values(self.claimed, 0.85)
        if "groups" in found and self.chance(0.6):
            found["groups"] = self.some(("red", "blue", "grey"), 0, 3)
        if self.chance(0.1):
            found["stranger"] = 1
        return found

    def damage(self, event: dict[str, Json]) -> None:
        """Something that an event may not be."""
        match self.random.randrange(9):
            case 0:
                event.pop(self.one([*event]))
            case 1:
                event["type"] = self.one(["fly", "", None, 5, "Invite", []])
            case 2:
                event[self.one([*event])] = self.one(NOT_NAMES)
            case 3:
                extras: Sequence[tuple[str, Json]] = (
                    ("role", "vet"),
                    ("group", "desk"),
                    ("user", "ann"),
                    ("scope", "company"),
                    ("scop", "company"),
                    ("domain", "acme.com"),
                    ("parent", "company"),
                    ("until", "2026-05-01T00:00:00Z"),
                    ("attributes", {}),
                )
                key, value = self.one(extras)
                event.setdefault(key, value)
            case 4:
                event[self.one(["scope", "scope", "parent"])] = self.one([*MALFORMED, 5, None])
            case 5:
                event["from"] = self.one(["noon", "2026-03-01", 5, None, "2026-03-05T00:00:00Z"])
                event["until"] = "2026-03-05T00:00:00Z"
            case 6:
                event["time"] = self.one(["noon", "", 5, "2026-03-01T12:00:00Z"])  # events happen when they are judged
            case 7:
                strange = [None, [], "x", {"stranger": 1}, {"level": True}, {"team": 5}, {"team": None}, {"x": None}]
                event["attributes"] = self.one(strange)
            case _:
                event[self.one(["claims", "domain"])] = self.one([None, [], "x", "", 5, {}])
