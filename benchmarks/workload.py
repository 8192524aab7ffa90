"""Policies, directories and requests of any size, made from a seed: the same seed gives the same text everywhere.

A policy has areas of ten resource types, roles in chains (`clerk_3 includes clerk_2 includes …`), rules in blocks by
area, one a line. A quarter of the allows ask for ownership, some read other attributes; a twentieth of the rules deny,
every second one under a condition. People hold one to three roles, at the root or at one of two levels of places,
themselves or through groups.
"""

from __future__ import annotations

import json
import random
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from remit import Pdp


class Size(NamedTuple):
    """`rules` counts the written rules of the policy, those of `everyone` and `members` included."""

    name: str
    rules: int
    roles: int
    types: int
    users: int


SMALL = Size("small", 80, 10, 10, 100)
MEDIUM = Size("medium", 3_000, 100, 200, 10_000)
LARGE = Size("large", 60_000, 400, 1_000, 100_000)
# For a look whether everything runs: `--quick`.
QUICK = (Size("small", 80, 10, 10, 60), Size("medium", 200, 12, 20, 150), Size("large", 600, 20, 50, 400))

CHAIN = 5  # roles in one chain of includes
TYPES_PER_AREA = 10
COMMON_RULES = 4  # in the blocks `everyone` and `members`
ACTIONS = ("read", "create", "update", "delete")
SPECIAL = ("approve", "archive", "export", "sign", "assign")  # each type has one of them, too
WRITE = ("create", "update", "delete")  # `actions write` in the policy
ROLE_NAMES = ("clerk", "editor", "auditor", "planner", "manager", "analyst", "operator", "reviewer")
TYPE_NAMES = ("invoice", "contract", "customer", "project", "document", "ticket", "shipment", "payment")
DEPARTMENTS = ("sales", "support", "finance", "legal", "surgery", "research", "logistics", "people")
STATUSES = ("open", "closed", "locked")

OUTRIGHT, CONDITION, DENIED, NO_RULE = "allowed outright", "allowed by condition", "denied by rule", "no rule"
CLASSES = (OUTRIGHT, CONDITION, DENIED, NO_RULE)
# The mix, in twentieths: every second request is allowed.
MIX = (OUTRIGHT,) * 6 + (CONDITION,) * 4 + (DENIED,) * 3 + (NO_RULE,) * 7


class Rule(NamedTuple):
    effect: str
    actions: tuple[str, ...]  # those it covers
    written: str  # how they are written
    type: str
    condition: str  # empty: none


class Question(NamedTuple):
    """A request as `allows` takes it."""

    user: str
    action: str
    resource: dict[str, Any]

    def request(self) -> dict[str, Any]:
        """The same as `decide` takes it."""
        return {
            "subject": {"type": "user", "id": self.user},
            "action": {"name": self.action},
            "resource": self.resource,
        }


@dataclass(slots=True)
class Workload:
    """`directory` is in the shape of a directory file; `rules` are those of each role, without the included ones."""

    size: Size
    seed: int
    policy: str = ""
    directory: dict[str, Any] = field(default_factory=dict)
    types: dict[str, tuple[str, ...]] = field(default_factory=dict)
    rules: dict[str, list[Rule]] = field(default_factory=dict)
    includes: dict[str, str] = field(default_factory=dict)
    places: dict[str, list[str]] = field(default_factory=dict)  # a place → those directly below it
    holdings: dict[str, list[tuple[str, str | None]]] = field(default_factory=dict)  # user → (role, place)

    def directory_text(self) -> str:
        return json.dumps(self.directory)

    def closure(self, role: str) -> list[Rule]:
        """The rules of a role and of all it includes."""
        found = list(self.rules[role])
        while role in self.includes:
            role = self.includes[role]
            found += self.rules[role]
        return found


def workload(size: Size, seed: int = 1) -> Workload:
    """A policy and a directory of this size."""
    made = Workload(size, seed)
    made.policy = _policy(made, random.Random(f"{seed} policy {size.name}"))
    made.directory = _directory(made, random.Random(f"{seed} directory {size.name}"))
    return made


def of_lines(lines: int, seed: int = 1) -> Workload:
    """A policy of about so many lines, without people. Roles and types grow with it, so every role has about as many
    rules, and every type as many rules about it, whatever the size."""
    rules = max(round(lines * 0.714), 40)
    return workload(Size(f"{lines} lines", rules, max(rules // 100, 5), max(rules // 40, 5), 0), seed)


# -- the policy ------------------------------------------------------------------------------------------------------


def _policy(made: Workload, dice: random.Random) -> str:
    size = made.size
    types = [f"{TYPE_NAMES[at % len(TYPE_NAMES)]}_{at}" for at in range(size.types)]
    areas = [types[at : at + TYPES_PER_AREA] for at in range(0, len(types), TYPES_PER_AREA)]
    roles = [f"{ROLE_NAMES[at % len(ROLE_NAMES)]}_{at}" for at in range(size.roles)]
    made.types = {name: (*ACTIONS, SPECIAL[at % len(SPECIAL)]) for at, name in enumerate(types)}
    made.includes = {role: roles[at - 1] for at, role in enumerate(roles) if at % CHAIN}
    lines = [
        'policy bench "A policy for measuring"',
        "scope company",
        "scope division in company",
        "scope team in division",
        "actions write = create, update, delete",
        "user { department: string }",
        "condition own = resource.owner == user.id",
        "condition same_department = resource.department == user.department",
    ]
    for number, names in enumerate(areas):
        lines.append(f'area area_{number} "Area {number}" {{')
        for name in names:
            lines += [
                f"  resource {name} {{",
                "    owner: user",
                '    status: "open" | "closed" | "locked"',
                "    amount: int",
                "    department: string",
                f"    actions {', '.join(made.types[name])}",
                "  }",
            ]
        lines.append("}")
    lines += _common_rules(types[0])
    counts = _shares(size.rules - COMMON_RULES, len(roles))
    for at, role in enumerate(roles):
        included = f" includes {made.includes[role]}" if role in made.includes else ""
        lines.append(f'role {role} "{role.replace("_", " ").title()}"{included} {{')
        lines += _role(made, role, counts[at], areas, dice)
        lines.append("}")
    return "\n".join(lines) + "\n"


def _common_rules(name: str) -> list[str]:
    """COMMON_RULES rules."""
    return [
        "everyone {",
        f'  deny delete on {name} when resource.status == "locked" because "what is locked stays"',
        f"  allow read on {name} when own",
        "}",
        "members {",
        f'  allow read on {name} when same_department because "colleagues see each other\'s work"',
        f'  deny update on {name} when resource.status == "locked"',
        "}",
    ]


def _shares(total: int, parts: int) -> list[int]:
    """`total` in nearly equal parts."""
    return [total * (at + 1) // parts - total * at // parts for at in range(parts)]


def _role(made: Workload, role: str, count: int, areas: list[list[str]], dice: random.Random) -> list[str]:
    """The lines of a role of `count` rules, in blocks by area."""
    rules: list[Rule] = []
    lines: list[str] = []
    counts = _shares(count, max(1, min(len(areas), round(count / 10))))
    for number, share in zip(dice.sample(range(len(areas)), len(counts)), counts, strict=True):
        lines.append(f"  in area_{number} {{")
        written: set[tuple[str, ...]] = set()
        while len(written) < share:
            rule = _rule(made, dice.choice(areas[number]), dice)
            if (key := (rule.effect, rule.type, rule.written)) not in written:
                written.add(key)
                rules.append(rule)
                lines.append("    " + _written(rule, dice))
        lines.append("  }")
    made.rules[role] = rules
    return lines


def _rule(made: Workload, name: str, dice: random.Random) -> Rule:
    has = made.types[name]
    kind = dice.random()
    if kind < 0.80:
        actions: tuple[str, ...] = (dice.choice(has),)
    elif kind < 0.93:
        actions = tuple(dice.sample(has, 2))
    else:
        actions = WRITE
    written = "write" if actions == WRITE else ", ".join(actions)
    if dice.random() < 0.05:
        bound = f"resource.amount > {dice.randrange(5, 10)}000"
        return Rule("deny", actions, written, name, dice.choice(['resource.status == "locked"', bound, "", ""]))
    kind = dice.random()
    condition = ""
    if kind < 0.25:
        condition = dice.choice(["own", "resource.owner == user.id"])
    elif kind < 0.29:
        condition = f"resource.amount <= {dice.randrange(1, 50)}00"
    elif kind < 0.32:
        condition = f'resource.status == "open" and resource.amount < {dice.randrange(1, 50)}00'
    elif kind < 0.34:
        condition = "same_department"
    return Rule("allow", actions, written, name, condition)


def _written(rule: Rule, dice: random.Random) -> str:
    when = f" when {rule.condition}" if rule.condition else ""
    because = f' because "{rule.type.split("_")[0]}s are their daily work"' if dice.random() < 0.1 else ""
    return f"{rule.effect} {rule.written} on {rule.type}{when}{because}"


# -- the directory ---------------------------------------------------------------------------------------------------


def _directory(made: Workload, dice: random.Random) -> dict[str, Any]:
    """Some 50 users a team, ten teams a division, a group for every 20 users; one group in ten is inside another."""
    count, roles = made.size.users, list(made.rules)
    divisions = [f"division/d{at}" for at in range(max(2, count // 500))]
    teams = [f"team/t{at}" for at in range(max(4, count // 50))]
    made.places = {place: [] for place in (*divisions, *teams)}
    scopes: dict[str, Any] = {division: {} for division in divisions}
    for at, team in enumerate(teams):
        parent = divisions[at % len(divisions)]
        scopes[team] = {"parent": parent}
        made.places[parent].append(team)

    def assignment() -> tuple[str, str | None]:
        kind = dice.random()
        place = None if kind < 0.6 else dice.choice(divisions) if kind < 0.75 else dice.choice(teams)
        return dice.choice(roles), place

    names = [f"u{at}" for at in range(count)]
    users: dict[str, Any] = {}
    for name in names:
        held = [assignment() for _ in range(dice.choice((1, 1, 1, 2, 2, 3)))]
        made.holdings[name] = held
        users[name] = {"attributes": {"department": dice.choice(DEPARTMENTS)}, "assignments": _listed(held)}
    for name in dice.sample(names, count // 50):
        users[name]["status"] = "disabled"
    groups: dict[str, Any] = {}
    for at in range(count // 20):
        members, held = dice.sample(names, dice.randrange(3, 15)), [assignment()]
        for member in members:
            made.holdings[member] += held
        inner = [f"group/g{at - 1}"] if at % 10 == 9 else []
        groups[f"g{at}"] = {"members": members + inner, "assignments": _listed(held)}
    return {"scopes": scopes, "users": users, "groups": groups}


def _listed(held: list[tuple[str, str | None]]) -> list[dict[str, str]]:
    return [{"role": role} if place is None else {"role": role, "scope": place} for role, place in held]


# -- the requests ----------------------------------------------------------------------------------------------------


def class_of(pdp: Pdp, question: Question) -> str:
    """One of CLASSES, or another code of the decision."""
    decision = pdp.decide(question.request())
    if decision.code == "allowed":
        outright = any(rule["condition"] is None for rule in decision.rules)
        return OUTRIGHT if outright else CONDITION
    return {"denied_by_rule": DENIED, "no_rule": NO_RULE}.get(decision.code, decision.code)


def questions(made: Workload, pdp: Pdp, count: int, seed: int = 1) -> dict[str, list[Question]]:
    """`count` requests in the proportions of MIX, by class. Each is aimed at a rule of a role that its user holds, and
    counted for what remit then decides."""
    dice = random.Random(f"{seed} requests {made.size.name}")
    found: dict[str, list[Question]] = {name: [] for name in CLASSES}
    wanted = {name: count * MIX.count(name) // len(MIX) for name in CLASSES}
    users = list(made.holdings)
    open_classes = list(CLASSES)
    for _ in range(count * 200):
        aim = dice.choice(open_classes)
        question = _aimed(made, dice.choice(users), aim, dice)
        came = class_of(pdp, question)
        if came in open_classes:
            found[came].append(question)
            if len(found[came]) == wanted[came]:
                open_classes.remove(came)
                if not open_classes:
                    return found
    raise RuntimeError(f"too few requests of the class {open_classes[0]}")


def mixed(by_class: dict[str, list[Question]], seed: int = 1) -> list[Question]:
    """The requests of all classes, shuffled."""
    together = [question for name in CLASSES for question in by_class[name]]
    random.Random(f"{seed} mix").shuffle(together)
    return together


def _aimed(made: Workload, user: str, aim: str, dice: random.Random) -> Question:
    """A request that is likely of the class `aim`."""
    role, place = dice.choice(made.holdings[user])
    name = dice.choice(list(made.types)) if aim == NO_RULE else ""
    action = dice.choice(made.types[name]) if name else ""
    if aim != NO_RULE:
        effect = "deny" if aim == DENIED else "allow"
        rules = [rule for rule in made.closure(role) if rule.effect == effect]
        rules = [rule for rule in rules if bool(rule.condition) == (aim == CONDITION)] if effect == "allow" else rules
        if rules:
            rule = dice.choice(rules)
            name, action = rule.type, dice.choice(rule.actions)
        else:
            name, action = dice.choice(list(made.types)), "read"
    properties: dict[str, Any] = {
        "owner": user if aim == CONDITION else dice.choice(list(made.holdings)[:50]),
        "status": "open" if aim == CONDITION else dice.choice(STATUSES),
        "amount": dice.randrange(100) if aim == CONDITION else dice.randrange(10_000),
        "department": dice.choice(DEPARTMENTS),
    }
    if aim == CONDITION:
        properties["department"] = made.directory["users"][user]["attributes"]["department"]
    below = [place, *made.places[place]] if place else [None, None, *dice.sample(list(made.places), 2)]
    scope = dice.choice(below)
    if scope is not None:
        properties["scope"] = scope
    return Question(user, action, {"type": name, "id": f"{name}-{dice.randrange(10**6)}", "properties": properties})
