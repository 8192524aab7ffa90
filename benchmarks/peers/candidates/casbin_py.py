"""Casbin in Python, by pycasbin's FastEnforcer: rules indexed by type and action, roles with inheritance,
deny-override, and the resource as an object whose owner the matcher reads.

The matcher leaves out that type and action are equal, since the index has settled it: the shortest one, so the fastest.
"""

from __future__ import annotations

from importlib.metadata import version
from types import SimpleNamespace
from typing import Any

import casbin  # type: ignore[import-not-found]
from casbin.model import FastModel  # type: ignore[import-not-found]
from casbin.persist.adapters.string_adapter import StringAdapter  # type: ignore[import-not-found]

from benchmarks.peers.candidates.serving import Plain, Request, digits, serve

MODEL = """
[request_definition]
r = sub, typ, act, obj

[policy_definition]
p = sub, typ, act, own, eft

[role_definition]
g = _, _

[policy_effect]
e = some(where (p.eft == allow)) && !some(where (p.eft == deny))

[matchers]
m = (p.own == "any" || r.obj.owner == r.sub) && g(r.sub, p.sub)
"""
TYPE, ACTION = 1, 2  # where they stand in a request and in a rule alike


class Casbin:
    name = "pycasbin FastEnforcer"
    includes = (
        "`FastEnforcer.enforce(user, type, action, resource)` in Python, rules indexed by type and action; the "
        "resource is an object with an `owner`; its log is off"
    )

    def version(self) -> str:
        return version("pycasbin")

    def encode(self, policy: Plain) -> None:
        lines = [
            f"p, {rule['role']}, {rule['type']}, {action}, {'own' if rule['owner'] else 'any'}, {rule['effect']}"
            for rule in policy["rules"]
            for action in rule["actions"]
        ]
        lines += [f"g, {role}, {above}" for role, about in policy["roles"].items() for above in about["includes"]]
        lines += [f"g, {user}, {role}" for user, held in policy["users"].items() for role in held]
        self.text = "\n".join(lines)

    def load(self) -> str:
        model = FastModel([TYPE, ACTION])
        model.load_model_from_text(MODEL)
        self.enforcer: Any = casbin.FastEnforcer(model, StringAdapter(self.text), cache_key_order=[TYPE, ACTION])
        return f"{self.text.count(chr(10)) + 1} lines"

    def prepare(self, batches: dict[str, list[Request]]) -> None:
        self.batches = {
            name: [
                (asked["user"], asked["type"], asked["action"], SimpleNamespace(id=asked["id"], owner=asked["owner"]))
                for asked in batch
            ]
            for name, batch in batches.items()
        }

    def decide(self, batch: str) -> tuple[str, str]:
        decisions = digits([self.enforcer.enforce(*asked) for asked in self.batches[batch]])
        return decisions, "?" * len(decisions)

    def run(self, batch: str, passes: int) -> None:
        enforce, requests = self.enforcer.enforce, self.batches[batch]
        for _ in range(passes):
            for user, name, action, resource in requests:
                enforce(user, name, action, resource)


if __name__ == "__main__":
    serve(Casbin())
