"""The workload that every engine can say: roles in chains, rules on (type, action), ownership, denies; no scopes, no
groups. It is made once, in a neutral form, and each engine reads that.

    {"types": {"invoice_0": {"actions": ["read", …]}},
     "roles": {"clerk_0": {"includes": []}, "editor_1": {"includes": ["clerk_0"]}},
     "rules": [{"number": 0, "effect": "allow", "role": "clerk_0", "actions": ["read"], "type": "invoice_0",
                "owner": true}],
     "users": {"u0": ["editor_1"]}}

A role has the rules of all that it includes, denies too; a deny beats every allow; a rule with `owner` counts only
where the resource's owner is the user. A request is {"user", "action", "type", "id", "owner"}; no two have the same id.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from benchmarks import workload as w
from benchmarks.peers.candidates.serving import closure
from remit import Directory, Pdp, Policy

Plain = dict[str, Any]
Request = dict[str, str]

OUTRIGHT, OWNER, DENIED, NOTHING = "allowed outright", "allowed by ownership", "denied by rule", "no rule"
CLASSES = (OUTRIGHT, OWNER, DENIED, NOTHING)
MIX = (OUTRIGHT,) * 6 + (OWNER,) * 4 + (DENIED,) * 3 + (NOTHING,) * 7  # in twentieths
HOT, COLD = 200, 20_000
LEAST_DENIED = 0.05  # of a batch, by a deny rule


# -- the policy ------------------------------------------------------------------------------------------------------


def policy(size: w.Size, seed: int = 1) -> Plain:
    """A policy and its users. A twentieth of the rules deny; a quarter of the allows and of the denies ask for
    ownership; a role's rules lie in a few areas of ten types."""
    dice = random.Random(f"{seed} plain {size.name} {size.rules}")
    types = [f"{w.TYPE_NAMES[at % len(w.TYPE_NAMES)]}_{at}" for at in range(size.types)]
    actions = {name: [*w.ACTIONS, w.SPECIAL[at % len(w.SPECIAL)]] for at, name in enumerate(types)}
    roles = [f"{w.ROLE_NAMES[at % len(w.ROLE_NAMES)]}_{at}" for at in range(size.roles)]
    return {
        "types": {name: {"actions": has} for name, has in actions.items()},
        "roles": {role: {"includes": [roles[at - 1]] if at % w.CHAIN else []} for at, role in enumerate(roles)},
        "rules": _rules(size.rules, roles, actions, dice),
        "users": {f"u{at}": dice.sample(roles, dice.choice((1, 1, 1, 2, 2, 3))) for at in range(size.users)},
    }


def _rules(count: int, roles: list[str], actions: Mapping[str, list[str]], dice: random.Random) -> list[Plain]:
    denies = count // 20
    kinds = [("deny", at % 4 == 0) for at in range(denies)]
    kinds += [("allow", at % 4 == 0) for at in range(count - denies)]
    dice.shuffle(kinds)
    types = list(actions)
    areas = [types[at : at + w.TYPES_PER_AREA] for at in range(0, len(types), w.TYPES_PER_AREA)]
    rules: list[Plain] = []
    for at, role in enumerate(roles):
        share = kinds[count * at // len(roles) : count * (at + 1) // len(roles)]
        names = [name for area in dice.sample(areas, max(1, min(len(areas), len(share) // 10))) for name in area]
        written: set[tuple[Any, ...]] = set()
        for effect, owner in share:
            while True:
                name = dice.choice(names)
                covered = _actions(actions[name], dice)
                if (key := (effect, owner, name, *covered)) not in written:
                    break
            written.add(key)
            rules.append(
                {
                    "number": len(rules),
                    "effect": effect,
                    "role": role,
                    "actions": covered,
                    "type": name,
                    "owner": owner,
                }
            )
    return rules


def _actions(has: list[str], dice: random.Random) -> list[str]:
    kind = dice.random()
    return [dice.choice(has)] if kind < 0.80 else sorted(dice.sample(has, 2)) if kind < 0.93 else list(w.WRITE)


# -- the same for remit ----------------------------------------------------------------------------------------------


def remit_policy(plain: Plain) -> str:
    """The policy as remit has it."""
    types = list(plain["types"])
    lines = ['policy plain "A policy for comparing"', "condition own = resource.owner == user.id"]
    for at in range(0, len(types), w.TYPES_PER_AREA):
        lines.append(f'area area_{at // w.TYPES_PER_AREA} "Area {at // w.TYPES_PER_AREA}" {{')
        for name in types[at : at + w.TYPES_PER_AREA]:
            lines.append(f"  resource {name} {{ owner: user  actions {', '.join(plain['types'][name]['actions'])} }}")
        lines.append("}")
    by_role: dict[str, list[Plain]] = {}
    for rule in plain["rules"]:
        by_role.setdefault(rule["role"], []).append(rule)
    for role, about in plain["roles"].items():
        includes = f" includes {', '.join(about['includes'])}" if about["includes"] else ""
        lines.append(f'role {role} "{role}"{includes} {{')
        for rule in by_role.get(role, ()):
            when = " when own" if rule["owner"] else ""
            lines.append(f"  {rule['effect']} {', '.join(rule['actions'])} on {rule['type']}{when}")
        lines.append("}")
    return "\n".join(lines) + "\n"


def remit_directory(plain: Plain) -> dict[str, Any]:
    """The users in the shape of a directory file."""
    users = plain["users"].items()
    return {"users": {user: {"assignments": [{"role": role} for role in held]} for user, held in users}}


def remit_resource(request: Request) -> dict[str, Any]:
    """A request's resource as `allows` takes it."""
    return {"type": request["type"], "id": request["id"], "properties": {"owner": request["owner"]}}


def remit_request(request: Request) -> dict[str, Any]:
    """A request as `decide` takes it."""
    return {
        "subject": {"type": "user", "id": request["user"]},
        "action": {"name": request["action"]},
        "resource": remit_resource(request),
    }


def remit_pdp(plain: Plain) -> Pdp:
    made = Policy.from_sources({"plain.remit": remit_policy(plain)})
    return made.bind(Directory.from_text(json.dumps(remit_directory(plain)), "directory.json"))


# -- the requests ----------------------------------------------------------------------------------------------------


def class_of(pdp: Pdp, request: Request) -> str:
    """One of CLASSES, or another code of the decision."""
    decision = pdp.decide(remit_request(request))
    if decision.code == "allowed":
        return OUTRIGHT if any(rule["condition"] is None for rule in decision.rules) else OWNER
    return {"denied_by_rule": DENIED, "no_rule": NOTHING}.get(decision.code, decision.code)


def requests(plain: Plain, pdp: Pdp, count: int, batch: str, seed: int = 1) -> list[Request]:
    """`count` requests in the proportions of MIX, shuffled. Each is aimed at a rule that its user's roles have, and
    counted for what remit then decides."""
    dice = random.Random(f"{seed} {batch}")
    aims = _Aims(plain)
    wanted = {name: count * MIX.count(name) // len(MIX) for name in CLASSES}
    found: list[Request] = []
    open_classes = list(CLASSES)
    for _ in range(count * 400):
        request = aims.request(dice.choice(open_classes), f"{batch}{len(found)}", dice)
        came = class_of(pdp, request)
        if came in open_classes:
            found.append(request)
            wanted[came] -= 1
            if not wanted[came]:
                open_classes.remove(came)
                if not open_classes:
                    dice.shuffle(found)
                    return found
    raise RuntimeError(f"too few requests of the class {open_classes[0]}")


class _Aims:
    """What a request of each class may be aimed at."""

    def __init__(self, plain: Plain) -> None:
        self.users: dict[str, list[str]] = plain["users"]
        self.names = list(self.users)
        self.types: dict[str, Plain] = plain["types"]
        self.type_names = list(self.types)
        own: dict[str, list[Plain]] = {role: [] for role in plain["roles"]}
        for rule in plain["rules"]:
            own[rule["role"]].append(rule)
        closed = closure(plain)
        self.rules: dict[tuple[str, str], list[Plain]] = {}  # (role, class) → rules that may decide so
        for role in own:
            for rule in (rule for included in closed[role] for rule in own[included]):
                aim = DENIED if rule["effect"] == "deny" else OWNER if rule["owner"] else OUTRIGHT
                self.rules.setdefault((role, aim), []).append(rule)

    def request(self, aim: str, number: str, dice: random.Random) -> Request:
        user = dice.choice(self.names)
        rules = self.rules.get((dice.choice(self.users[user]), aim))
        if rules:
            rule = dice.choice(rules)
            name, action, owned = rule["type"], dice.choice(rule["actions"]), rule["owner"]
        else:
            name, owned = dice.choice(self.type_names), False
            action = dice.choice(self.types[name]["actions"])
        owner = user if owned else dice.choice(self.names)
        return {"user": user, "action": action, "type": name, "id": f"{name}-{number}", "owner": owner}


def write(folder: Path, size: w.Size, cold: int = COLD, seed: int = 1) -> dict[str, list[Request]]:
    """Write `policy.json`, `hot.json` and `cold.json`; give back the batches. Raises RuntimeError where too few of
    the requests are denied by a rule to say anything about denies."""
    plain = policy(size, seed)
    pdp = remit_pdp(plain)
    batches = {
        "hot": requests(plain, pdp, HOT, "h", seed),
        "cold": requests(plain, pdp, cold, "c", seed),
    }
    for name, batch in batches.items():
        if denied_share(pdp, batch) < LEAST_DENIED:
            raise RuntimeError(f"fewer than {LEAST_DENIED:.0%} of the {name} requests are denied by a rule")
        (folder / f"{name}.json").write_text(json.dumps(batch), encoding="utf-8")
    (folder / "policy.json").write_text(json.dumps(plain), encoding="utf-8")
    return batches


def denied_share(pdp: Pdp, batch: Iterable[Request]) -> float:
    """Which part of the batch a deny rule denies."""
    classes = [class_of(pdp, request) for request in batch]
    return classes.count(DENIED) / len(classes)
