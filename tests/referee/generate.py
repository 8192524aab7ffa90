"""Policies as text, overlays over them, directories and requests, small and dense enough that rules meet each other.

Everything is drawn from a `random.Random`: hypothesis hands in one that it can shrink (`cases`), the long run one with
a seed. Text that is made here always compiles: `Conditions` keeps to the types, and to `has` before what may be absent.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random
from typing import TypeVar

from hypothesis import strategies as st
from referee.conditions import Conditions
from referee.decide import Json
from referee.world import (
    ACTIONS,
    ADDED_ROLES,
    CONTEXT_ATTRIBUTES,
    DAY,
    ENDS,
    IDS,
    INTEGERS,
    NO_TIMES,
    NOW,
    RESOURCE_ATTRIBUTES,
    ROLES,
    TIMES,
    USER_ATTRIBUTES,
    USERS,
    WORDS,
    Declared,
    Kind,
    Named,
    World,
    fits,
)

from remit.directory.shape import STATUSES, Assignment, Directory, Group, Scope, User

T = TypeVar("T")


@dataclass
class Case:
    """A policy as statements and as files, overlays over it and each other, a directory, and requests."""

    statements: list[str]
    sources: dict[str, str]
    overlays: list[dict[str, str]]
    directory: Directory
    requests: list[Json]
    world: World = field(default_factory=World)


def make_case(random: Random, requests: int = 40, small: bool = False) -> Case:
    """A case of everything. `small` keeps to fewer rules and to few attributes in a condition, for repairs."""
    maker = Maker(random, small)
    statements = maker.policy()
    overlays: list[dict[str, str]] = []
    while random.random() < 0.4 and len(overlays) < 2:
        over = maker.overlay(len(overlays))
        overlays.append({f"over{len(overlays) or ''}.remit": lines(over)})
    directory = maker.directory()
    return Case(
        statements,
        maker.files(statements),
        overlays,
        directory,
        [maker.request(directory) for _ in range(requests)],
        maker.world,
    )


def cases(requests: int = 40, small: bool = False) -> st.SearchStrategy[Case]:
    """The same for hypothesis, which shrinks what it finds."""
    randoms = st.randoms(use_true_random=False, note_method_calls=False)
    return randoms.map(lambda random: make_case(random, requests, small))


def lines(statements: Sequence[str]) -> str:
    return "\n\n".join(statements) + "\n"


class Maker:
    def __init__(self, random: Random, small: bool) -> None:
        self.random = random
        self.small = small
        self.world = World()

    # -- chance ------------------------------------------------------------------------------------------------------

    def chance(self, probability: float) -> bool:
        return self.random.random() < probability

    def one(self, items: Sequence[T]) -> T:
        return items[self.random.randrange(len(items))]

    def some(self, items: Sequence[T], least: int, most: int) -> list[T]:
        """Between `least` and `most` of the items, as far as there are so many, in their order."""
        count = min(self.random.randint(least, most), len(items))
        chosen = set(self.random.sample(range(len(items)), count))
        return [item for number, item in enumerate(items) if number in chosen]

    # -- the policy --------------------------------------------------------------------------------------------------

    def policy(self) -> list[str]:
        """The statements of a policy, in any order."""
        found = ['policy main "Main"'] if self.chance(0.5) else []
        kinds = ["company", "region", "branch"][: self.one((0, 1, 2, 3, 3))]
        for number, kind in enumerate(kinds):
            above = kinds[number - 1] if number else ""
            if number == 2 and self.chance(0.3):
                above = "company"
            self.world.scopes[kind] = above
            found.append(f"scope {kind} in {above}" if above else f"scope {kind}")
        self.world.user = [self.vary(declared) for declared in self.some(USER_ATTRIBUTES, 0, 3)]
        self.world.context = [self.vary(declared) for declared in self.some(CONTEXT_ATTRIBUTES, 0, 3)]
        for root, attributes in (("user", self.world.user), ("context", self.world.context)):
            if attributes:
                found.append(f"{root} {{ {'  '.join(declared.text for declared in attributes)} }}")
        found.extend(self.catalogue())
        self.world.focus = self.one(("", "", "", "roles", "scope"))
        if self.chance(0.3):
            self.world.pool = [self.common() for _ in range(2)]
        found.extend(self.named_conditions(["fresh", "own", "late"]))
        found.extend(self.roles())
        for block in ("everyone", "members", "everyone" if self.chance(0.2) else "members"):
            if self.chance(0.5):
                found.append(f"{block} {{\n{self.rules(0, 2)}\n}}")
        switches = ["individual over group"] if self.chance(0.4) else []
        if self.chance(0.4):
            switches.append("roles from subject")
            self.world.from_subject = True
        if switches:
            found.append(f"assignments {{ {' '.join(switches)} }}")
        self.random.shuffle(found)
        return found

    def files(self, statements: list[str]) -> dict[str, str]:
        """The statements spread over files."""
        names = ["main.remit", "more/roles.remit", "z.remit"][: self.one((1, 1, 2, 3))]
        found: dict[str, list[str]] = {name: [] for name in names}
        for statement in statements:
            found[self.one(names)].append(statement)
        return {name: lines(inside) for name, inside in found.items()}

    def vary(self, declared: Declared) -> Declared:
        """The attribute, optional now and then."""
        optional = self.chance(0.35)
        return Declared(declared.name, declared.kind, optional, declared.values, declared.element)

    def catalogue(self) -> list[str]:
        """Areas with their types and permissions, and sets of actions."""
        found: list[str] = []
        sets = {"write": ("create", "update", "delete"), "change": ("update", "sign"), "most": ("write", "read")}
        areas = ["patients", "money", "people"][: self.random.randint(1, 3)]
        names = ["record", "invoice", "member", "report"][: max(self.random.randint(2, 4), len(areas))]
        bodies: dict[str, list[str]] = {area: [] for area in areas}
        for number, name in enumerate(names):
            area = areas[number] if number < len(areas) else self.one(areas)
            chosen = self.some(RESOURCE_ATTRIBUTES, 1, 3 if self.small else 6)
            kind = Kind(
                name,
                area,
                {declared.name: self.vary(self.one(declared.variants)) for declared in chosen},
                tuple(self.some(ACTIONS, 1, 4)),
            )
            self.world.kinds[name] = kind
            self.world.areas.setdefault(area, []).append(name)
            inside = "  ".join(declared.text for declared in kind.attributes.values())
            bodies[area].append(f"  resource {name} {{ {inside}  actions {', '.join(kind.actions)} }}")
        everywhere = {action for kind in self.world.kinds.values() for action in kind.actions}
        for name, words in sets.items():
            actions = frozenset[str]().union(*(self.world.sets.get(word, frozenset({word})) for word in words))
            known = all(word in self.world.sets or word in everywhere for word in words)
            if known and self.chance(0.6):
                self.world.sets[name] = actions
                found.append(f"actions {name} = {', '.join(words)}")
        for area in areas:
            self.world.permissions[area] = {}
            for name in self.some(["view", "desk"], 0, 2):
                bundles, cells = [], set[tuple[str, str]]()
                for _ in range(self.random.randint(1, 2)):
                    text, taken = self.selection(self.world.areas[area])
                    bundles.append(text)
                    cells |= taken
                bodies[area].append(f"  permission {name} {{ {'  '.join(bundles)} }}")
                self.world.permissions[area][name] = cells
            found.append(f"area {area} {{\n{lines(bodies[area])}}}")
        return found

    def selection(self, types: list[str]) -> tuple[str, set[tuple[str, str]]]:
        """`a, b on t, u` over these types, and the cells it takes."""
        named = None if self.chance(0.4) else self.some(types, 1, 2)
        inside = types if named is None else named
        actions = [set(self.world.kinds[name].actions) for name in inside]
        single = sorted(set.union(*actions) if named is None else set.intersection(*actions))
        fit = any if named is None else all
        sets = [name for name, held in sorted(self.world.sets.items()) if fit(held & has for has in actions)]
        words = self.some([*single, *sets], 1, 2) if self.chance(0.75) else []
        taken = {
            (name, action)
            for name in inside
            for action in self.world.kinds[name].actions
            if not words or any(action in self.world.sets.get(word, {word}) for word in words)
        }
        if self.chance(0.5):
            words.reverse()
        return f"{', '.join(words) or '*'} on {', '.join(named or ['*'])}", taken

    def named_conditions(self, names: list[str]) -> list[str]:
        found: list[str] = []
        for name in self.some(names, 0, len(names)):
            types = self.some(sorted(self.world.kinds), 1, 4)
            writer = Conditions(self, types, about=self.one(types))
            text = writer.write(2)
            self.world.conditions.append(Named(name, frozenset(types), frozenset(writer.asked)))
            title = ' "in plain words"' if self.chance(0.3) else ""
            found.append(f"condition {name}{title} = {text}")
        return found

    def common(self) -> tuple[Named, str]:
        """A condition that fits every type, or nearly."""
        types = sorted(self.world.kinds)
        writer = Conditions(self, types)
        text = writer.write(1)
        return Named("", frozenset(types), frozenset(writer.asked)), text

    # -- roles -------------------------------------------------------------------------------------------------------

    def roles(self) -> list[str]:
        """Roles that include earlier ones: chains and diamonds."""
        found: list[str] = []
        for name in ROLES[: self.random.randint(2, 5)]:
            locked = self.chance(0.3)
            if locked:
                self.world.locked.add(name)
            found.append(("locked " if locked else "") + self.role(name, self.world.roles, former=self.chance(0.25)))
            self.world.roles.append(name)
        return found

    def role(self, name: str, before: Sequence[str], former: bool) -> str:
        if former:
            self.world.former[f"old_{name}"] = name
        head = f"role {name}" + (f" was old_{name}" if former else "")
        included = self.some(before, 0, 2)
        if self.chance(0.5):
            included.reverse()
        if included:
            head += f" includes {', '.join(included)}"
        return f"{head} {{\n{self.rules(0 if included else 1, 3 if self.small else 5)}\n}}"

    def rules(self, least: int, most: int) -> str:
        """The body of a role or block: rules at the top and in areas."""
        found: list[str] = []
        left = self.random.randint(least, most)
        while left > 0:
            if self.chance(0.3):
                found.append(f"  {self.rule(None)}")
                left -= 1
                continue
            areas = self.some(sorted(self.world.areas), 1, 2)
            if self.chance(0.5):
                areas.reverse()
            inside = [self.rule(areas) for _ in range(min(left, self.random.randint(1, 3)))]
            left -= len(inside)
            body = ("  " if self.chance(0.3) else "\n    ").join(inside)
            found.append(f"  in {', '.join(areas)} {{\n    {body}\n  }}")
        return "\n".join(found)

    def rule(self, areas: list[str] | None) -> str:
        """One rule. `areas` None: at the top."""
        inside = sorted(self.world.areas) if areas is None else areas
        permissions = sorted({name for area in inside for name in self.world.permissions[area]})
        if permissions and self.chance(0.2):
            names = self.some(permissions, 1, 2)
            cells = {
                cell for area in inside for name in names for cell in self.world.permissions[area].get(name, set())
            }
            return f"grant {', '.join(names)}" + self.tail(cells)
        text, cells = self.selection([name for area in inside for name in self.world.areas[area]])
        if self.chance(0.35):
            excepts, taken = self.excepts(cells)
            if cells - taken:
                text, cells = f"{text} except {', '.join(excepts)}", cells - taken
        effect = "deny " if self.chance(0.35) else "allow"
        return f"{effect} {text}" + self.tail(cells)

    def excepts(self, cells: set[tuple[str, str]]) -> tuple[list[str], set[tuple[str, str]]]:
        """What an `except` takes out of these cells."""
        items, taken = [], set[tuple[str, str]]()
        for _ in range(self.random.randint(1, 2)):
            name, action = self.one(sorted(cells))
            held = [word for word, inside in sorted(self.world.sets.items()) if action in inside]
            word = self.one(held) if held and self.chance(0.4) else action
            match self.random.randrange(4):
                case 0:
                    items.append(name)
                    taken |= {cell for cell in cells if cell[0] == name}
                case 1:
                    items.append(f"{word} on *")
                    taken |= {cell for cell in cells if cell[1] in self.world.sets.get(word, {word})}
                case _:
                    items.append(f"{word} on {name}")
                    inside = self.world.sets.get(word, {word})
                    taken |= {cell for cell in cells if cell[0] == name and cell[1] in inside}
        return items, taken

    def tail(self, cells: set[tuple[str, str]]) -> str:
        """`when` and `because`."""
        text = ""
        if self.chance(0.6):
            types = sorted({name for name, _ in cells})
            known = [named.name for named in self.world.conditions if fits(self.world, named, types)]
            common = [text for named, text in self.world.pool if fits(self.world, named, types)]
            if common and self.chance(0.6):
                text = f" when {self.one(common)}"
            elif known and self.chance(0.25):
                text = f" when {self.one(known)}"
            else:
                text = f" when {Conditions(self, types).write(1 if self.small else self.random.randint(0, 2))}"
        return text + (' because "so it is"' if self.chance(0.15) else "")

    # -- the overlay -------------------------------------------------------------------------------------------------

    def overlay(self, number: int) -> list[str]:
        """Roles replaced, extended and added over the policy, locked ones left alone."""
        world = self.world
        found = [f'policy custom{number} extends ".."'] if self.chance(0.5) else []
        if self.chance(0.5) and "all_writes" not in world.sets:
            actions = [a for a in ("create", "update") if any(a in kind.actions for kind in world.kinds.values())]
            if actions:
                world.sets["all_writes"] = frozenset(actions)
                found.append(f"actions all_writes = {', '.join(actions)}")
        found.extend(self.named_conditions([f"mine{number}"]))
        for before, name in enumerate(list(world.roles)):
            if name in world.locked or self.chance(0.4):
                continue
            if self.chance(0.6):
                found.append(f"extend role {name} {{\n{self.rules(1, 2)}\n}}")
            else:
                kept = name in world.former.values()
                found.append(self.role(name, world.roles[:before], former=kept))
        for name in self.some(ADDED_ROLES[number], 0, 2):
            locked = self.chance(0.2)
            if locked:
                world.locked.add(name)
            found.append(("locked " if locked else "") + self.role(name, world.roles, former=False))
            world.roles.append(name)
        self.random.shuffle(found)
        return found

    # -- the directory -----------------------------------------------------------------------------------------------

    def directory(self) -> Directory:
        """Users, groups in groups, scopes with several parents."""
        scopes: dict[str, Scope] = {}
        for name in self.world.places:
            kind = name.partition("/")[0]
            above = [
                other for other in scopes if self.world.may_hold(other.partition("/")[0], kind) and self.chance(0.5)
            ]
            if self.chance(0.1):
                above.append(next(iter(self.world.scopes)))
            if self.chance(0.95) or kind == "region":
                scopes[name] = Scope(name, tuple(above[:2]))
        users = {}
        for name in USERS:
            if self.chance(0.9):
                users[name] = User(
                    name,
                    "service" if name == "bot" else "user",
                    self.one(STATUSES) if self.chance(0.1) else "active",
                    self.values(self.world.user, 0.85),
                    self.assignments(scopes, 2),
                )
        groups: dict[str, Group] = {}
        for name in self.some(["desk", "staff", "all"], 0, 3):
            inner = tuple(self.some(list(groups), 0, 2))
            members = tuple(self.some(list(users), 0, 3))
            groups[name] = Group(name, members, inner, self.assignments(scopes, 2))
        return Directory(users, groups, scopes, frozenset(), frozenset({"zed"}))

    def assignments(self, scopes: dict[str, Scope], most: int) -> tuple[Assignment, ...]:
        names = [*self.world.roles, *self.world.roles, *self.world.former, "ghost"]
        found = []
        for _ in range(self.random.randint(0, most)):
            scope: str | None = None
            if self.world.scopes and self.chance(0.65):
                scope = self.one([*scopes, *scopes, *scopes, *list(self.world.scopes)[:1]])
            start = end = None
            if self.chance(0.25):
                start = NOW + self.one((-40, -1, 0, 1)) * DAY if self.chance(0.7) else None
                end = (start or NOW) + self.one((0, 1, 2)) * DAY if self.chance(0.6) else None
                end = None if end == start else end
            found.append(Assignment(self.one(names), scope, start, end))
        return tuple(found)

    # -- requests ----------------------------------------------------------------------------------------------------

    def request(self, directory: Directory) -> Json:
        """A request, mostly sensible."""
        tidy = self.chance(0.4)  # nothing is missing or wrong
        kind = self.world.kinds[self.one(sorted(self.world.kinds))]
        user = self.one([*directory.users]) if directory.users and (tidy or self.chance(0.9)) else "zed"
        if user == "zed" and self.chance(0.7):
            user = "eve"
        subject = {"type": directory.users[user].type if user in directory.users else "user", "id": user}
        if not tidy and self.chance(0.05):
            subject["type"] = "service"
        claims: dict[str, Json] = {}
        if user not in directory.users or self.chance(0.1):
            claims = self.claims()
        request: dict[str, Json] = {
            "subject": {**subject, "properties": claims} if claims else subject,
            "action": {"name": self.one(kind.actions)},
            "resource": {"type": kind.name},
        }
        if tidy or self.chance(0.9):
            request["resource"]["id"] = self.one(IDS)
        properties = self.values(list(kind.attributes.values()), 1.0 if tidy else 0.8)
        context = self.values(self.world.context, 1.0 if tidy else 0.8)
        if self.world.scopes and self.chance(0.85):
            properties["scope"] = self.scope(directory, tidy)
        if self.chance(0.3):
            context["time"] = self.one(TIMES) if tidy or self.chance(0.7) else self.one([*NO_TIMES, 5, None, True, []])
        if not tidy and self.chance(0.2):
            properties["stranger"] = self.one(WORDS)
            context["stranger"] = 1
        others = [one for other in self.world.kinds.values() for one in other.attributes.values()]
        undeclared = [one for one in others if one.name not in kind.attributes]
        if undeclared and self.chance(0.3):
            properties.update(self.values(undeclared, 0.9))
        if properties or self.chance(0.5):
            request["resource"]["properties"] = properties
        if context or self.chance(0.3):
            request["context"] = context
        if not tidy and self.chance(0.12):
            self.damage(request)
            if self.chance(0.05):
                return self.one([None, [], "ann", 5, [request], {}])
        return request

    def scope(self, directory: Directory, tidy: bool) -> Json:
        known = [*directory.scopes]
        kinds = list(self.world.scopes)
        if tidy or self.chance(0.75):
            return self.one([*known, *known, kinds[0]])
        below = [f"{kind}/{name}" for kind in kinds[1:] for name in ("lost", "one")]
        malformed = ["", "/", "galaxy", "galaxy/x", f"{kinds[-1]}/", "/north", 7, True, [kinds[0]], {}, *kinds[1:]]
        return self.one([None, f"{kinds[0]}/x", *below, *below]) if self.chance(0.7) else self.one(malformed)

    def claims(self) -> dict[str, Json]:
        """What a subject says of itself."""
        found = self.values(self.world.user, 0.8)
        if self.chance(0.85):
            places = [*self.world.places, *list(self.world.scopes)[:1], "branch/lost", "branch", None]
            names = [*self.world.roles, *self.world.roles, *self.world.former, "ghost"]
            roles: list[Json] = []
            for _ in range(self.random.randint(0, 3)):
                role = self.one(names)
                roles.append({"role": role, "scope": self.one(places)} if self.chance(0.5) else role)
            if self.chance(0.1):
                roles.append(self.one([5, None, {}, {"role": 5}, {"role": "vet", "scope": 5}, ["vet"], True]))
            if self.chance(0.1):
                roles.append({"role": self.one(names)})
            found["roles"] = roles if self.chance(0.93) else self.one([None, "vet", {}, 5, False])
        return found

    def values(self, attributes: list[Declared], care: float) -> dict[str, Json]:
        """Values for attributes; without `care` some are missing, null, or of a wrong type."""
        found: dict[str, Json] = {}
        for declared in attributes:
            if self.chance(care):
                if not declared.optional or self.chance(0.65):
                    found[declared.name] = self.value(declared)
            elif self.chance(0.25):
                found[declared.name] = None
            elif self.chance(0.6):
                found[declared.name] = self.wrong(declared)
        return found

    def value(self, declared: Declared) -> Json:
        if declared.kind == "set":
            inside = Declared("", "enum" if declared.values else declared.element, False, declared.values)
            return [self.value(inside) for _ in range(self.one((0, 1, 2, 2, 3)))]
        pools: dict[str, Sequence[Json]] = {
            "enum": declared.values,
            "int": (*INTEGERS, *INTEGERS, *ENDS),
            "bool": (True, False),
            "time": TIMES,
            "string": WORDS,
            "user": USERS,
        }
        return self.one(pools[declared.kind])

    def wrong(self, declared: Declared) -> Json:
        """A value that is none of the attribute's type, or just about."""
        if declared.kind == "set" and self.chance(0.6):
            inside = Declared("", "enum" if declared.values else declared.element, False, declared.values)
            return [self.value(inside), self.one([self.wrong(inside), None])]
        if declared.kind == "time" and self.chance(0.7):
            return self.one(NO_TIMES)
        if declared.kind == "enum" and self.chance(0.7):
            return self.one(["elsewhere", "", "Open"])
        strangers: list[Json] = [
            1,
            0,
            1.0,
            True,
            False,
            "1",
            "true",
            2**63,
            -(2**63) - 1,
            2.5,
            float("nan"),
            [],
            {},
            ["red"],
        ]
        strangers += [{"red": 1}, [[]], "2026-03-01T12:00:00Z"]
        return self.one(strangers)

    def damage(self, request: dict[str, Json]) -> None:
        """Something that a request may not be, or that the policy does not know."""
        subject, action, resource = request["subject"], request["action"], request["resource"]
        match self.random.randrange(12):
            case 0:
                request.pop(self.one(["subject", "action", "resource"]))
            case 1:
                request[self.one(["subject", "action", "resource"])] = self.one([None, "ann", [], 5])
            case 2:
                subject["type"] = self.one([None, 5, "service", ""])
            case 3:
                subject["id"] = self.one([None, 5, "", "eve", "zed", True])
            case 4:
                action["name"] = self.one([None, 5, "", "fly", "Read"])
            case 5:
                resource["type"] = self.one([None, 5, "", "dragon", []])
            case 6:
                resource["id"] = self.one([None, 5, "", True, []])
            case 7:
                resource["properties"] = self.one([None, [], "x", 5, False])
            case 8:
                request["context"] = self.one([None, [], "x", 5, False])
            case 9:
                subject["properties"] = self.one([None, [], "x", 5, {}])
            case 10:
                subject.pop(self.one(["type", "id"]))
            case _:
                (action if self.chance(0.5) else resource).clear()
