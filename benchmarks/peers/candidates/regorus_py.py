"""regorus, a Rego engine in Rust, from Python: its virtual machine on a compiled policy, or with the argument
`interpreter` the engine that its page shows.

The rules are data, indexed by type, action and role (objects, not arrays, as the guide to Rego's speed advises); roles
are closed over what they include when the data is made, so that only a user's own one to three are walked.
"""

from __future__ import annotations

import json
import sys
from importlib.metadata import version
from typing import Any

from regorus import regorus  # type: ignore[import-not-found]  # the package itself gives on the interpreter alone

from benchmarks.peers.candidates.serving import Plain, Request, closure, digits, serve

POLICY = """package app
import rego.v1

cell := data.cells[input.type][input.action]
roles := data.users[input.user]

default allow := false
allow if { permitted; not denied }

permitted if { some role in roles; cell.allow[role] }
permitted if { input.owner == input.user; some role in roles; cell.allow_own[role] }

denied if { some role in roles; cell.deny[role] }
denied if { input.owner == input.user; some role in roles; cell.deny_own[role] }
"""
ALLOW = "data.app.allow"


def data(policy: Plain) -> Plain:
    """{"users": {user: [role]}, "cells": {type: {action: {kind: {role: true}}}}}, the kinds being those of POLICY."""
    cells: Plain = {}
    holders: dict[str, list[str]] = {role: [] for role in policy["roles"]}  # a role → those that have its rules
    for role, closed in closure(policy).items():
        for included in closed:
            holders[included].append(role)
    for rule in policy["rules"]:
        kind = rule["effect"] + ("_own" if rule["owner"] else "")
        for action in rule["actions"]:
            cell = cells.setdefault(rule["type"], {}).setdefault(action, {})
            cell.setdefault(kind, {}).update(dict.fromkeys(holders[rule["role"]], True))
    return {"users": policy["users"], "cells": cells}


class Machine:
    name = "regorus (Python)"
    includes = (
        "`Rvm.set_input_json(text)` and `Rvm.execute()` from Python: the request's JSON, written beforehand, is read "
        "in the call; the decision comes as JSON text"
    )
    data: str
    machine: Any
    batches: dict[str, list[str]]

    def version(self) -> str:
        return version("celine-regorus")

    def encode(self, policy: Plain) -> None:
        self.data = json.dumps(data(policy))

    def prepare(self, batches: dict[str, list[Request]]) -> None:
        self.batches = {
            name: [json.dumps({key: asked[key] for key in ("user", "action", "type", "owner")}) for asked in batch]
            for name, batch in batches.items()
        }

    def load(self) -> str:
        text = self.data
        self.machine = regorus.Rvm()
        self.machine.load_program(regorus.Program.compile_from_modules(text, [("app.rego", POLICY)], [ALLOW]))
        self.machine.set_data_json(text)
        return "compiled for the machine"

    def ask(self, asked: str) -> bool:
        self.machine.set_input_json(asked)
        return bool(json.loads(self.machine.execute()))

    def decide(self, batch: str) -> tuple[str, str]:
        decisions = digits([self.ask(asked) for asked in self.batches[batch]])
        return decisions, "?" * len(decisions)

    def run(self, batch: str, passes: int) -> None:
        give, execute, requests = self.machine.set_input_json, self.machine.execute, self.batches[batch]
        for _ in range(passes):
            for asked in requests:
                give(asked)
                execute()


class Interpreter(Machine):
    name = "regorus (Python), interpreter"
    includes = (
        "`Engine.set_input_json(text)` and `Engine.eval_rule(name)` from Python, the request's JSON read in the call"
    )

    def load(self) -> str:
        """With a first evaluation, at which the engine compiles what it was given."""
        self.machine = regorus.Engine()
        self.machine.add_policy("app.rego", POLICY)
        self.machine.add_data_json(self.data)
        self.ask("{}")
        return "with a first evaluation, which compiles it"

    def ask(self, asked: str) -> bool:
        self.machine.set_input_json(asked)
        return bool(self.machine.eval_rule(ALLOW))

    def run(self, batch: str, passes: int) -> None:
        give, evaluate, requests = self.machine.set_input_json, self.machine.eval_rule, self.batches[batch]
        for _ in range(passes):
            for asked in requests:
                give(asked)
                evaluate(ALLOW)


if __name__ == "__main__":
    serve(Interpreter() if sys.argv[1:] == ["interpreter"] else Machine())
