"""oso's library, deprecated since 2023: a mark of the past.

Roles held and grants are facts in Polar, which oso indexes by their constants; what a role includes is written out when
they are made. Each attribute of the Python objects is read once.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import version

from oso import Oso  # type: ignore[import-not-found]

from benchmarks.peers.candidates.serving import Plain, Request, closure, digits, serve

POLICY = """
allow(user, action, resource) if
  id = user.id and kind = resource.type and owner = resource.owner and
  permitted(id, action, kind, owner) and not denied(id, action, kind, owner);

permitted(id, action, kind, _) if holds(id, role) and grant(kind, action, role);
permitted(id, action, kind, id) if holds(id, role) and grant_own(kind, action, role);

denied(id, action, kind, _) if holds(id, role) and bar(kind, action, role);
denied(id, action, kind, id) if holds(id, role) and bar_own(kind, action, role);
"""
_FACTS = {("allow", False): "grant", ("allow", True): "grant_own", ("deny", False): "bar", ("deny", True): "bar_own"}


@dataclass(frozen=True)
class User:
    id: str


@dataclass(frozen=True)
class Thing:
    type: str
    id: str
    owner: str


class Polar:
    name = "oso"
    includes = "`Oso.is_allowed(user, action, resource)` in Python, on objects made beforehand"

    def version(self) -> str:
        return version("oso")

    def encode(self, policy: Plain) -> None:
        holders: dict[str, list[str]] = {role: [] for role in policy["roles"]}
        for role, closed in closure(policy).items():
            for included in closed:
                holders[included].append(role)
        facts = {
            f'{_FACTS[rule["effect"], rule["owner"]]}("{rule["type"]}", "{action}", "{role}");'
            for rule in policy["rules"]
            for action in rule["actions"]
            for role in holders[rule["role"]]
        }
        facts |= {f'holds("{user}", "{role}");' for user, held in policy["users"].items() for role in held}
        self.text, self.facts = POLICY + "\n".join(sorted(facts)), len(facts)
        self.users = {user: User(user) for user in policy["users"]}

    def load(self) -> str:
        self.oso = Oso()
        self.oso.register_class(User)
        self.oso.register_class(Thing)
        self.oso.load_str(self.text)
        return f"{self.facts} facts"

    def prepare(self, batches: dict[str, list[Request]]) -> None:
        self.batches = {
            name: [
                (self.users[asked["user"]], asked["action"], Thing(asked["type"], asked["id"], asked["owner"]))
                for asked in batch
            ]
            for name, batch in batches.items()
        }

    def decide(self, batch: str) -> tuple[str, str]:
        decisions = digits([self.oso.is_allowed(*asked) for asked in self.batches[batch]])
        return decisions, "?" * len(decisions)

    def run(self, batch: str, passes: int) -> None:
        allowed, requests = self.oso.is_allowed, self.batches[batch]
        for _ in range(passes):
            for user, action, resource in requests:
                allowed(user, action, resource)


if __name__ == "__main__":
    serve(Polar())
