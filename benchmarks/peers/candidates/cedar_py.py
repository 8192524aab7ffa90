"""Cedar from Python, by cedarpy: policies and entities parsed once into handles, as its own page advises. With the
argument `sliced` the caller also keeps the policies apart by action, which Cedar leaves to those who call it.

Users are in roles, a role is in the roles that it includes. An action is the application's own (`invoice_0.read`), and
what a role may do is a group of actions, so that a role is one policy for each effect with and without ownership:

    permit(principal in Role::"clerk_0", action in Action::"clerk_0 allow own", resource)
    when { resource.owner == principal };

Written rule by rule (`action == …, resource is …`) Cedar is more than ten times slower at medium, since it looks at
every policy.
"""

from __future__ import annotations

import json
import sys
from importlib.metadata import version
from typing import Any

import cedarpy  # type: ignore[import-not-found]

from benchmarks.peers.candidates.serving import Plain, Request, digits, serve

_EFFECTS = {"allow": "permit", "deny": "forbid"}


class Cedar:
    name = "cedarpy"
    includes = (
        "`is_authorized(request, policies, entities)` from Python, with parsed handles; users, roles, actions and all "
        "resources stand in the entities beforehand; request strings are read in the call, its answer comes as JSON"
    )

    def version(self) -> str:
        return version("cedarpy")

    def encode(self, policy: Plain) -> None:
        self.groups, self.grouped = _grouped(policy)
        self.listed = [_entity("Action", name, within) for name, within in self.groups.items()]
        self.listed += [_entity("Action", group, []) for group in self.grouped]
        self.listed += [_entity("Role", role, about["includes"]) for role, about in policy["roles"].items()]
        self.listed += [_entity("User", user, held) for user, held in policy["users"].items()]
        self.texts = "\n".join(self.grouped.values()), json.dumps(self.listed)

    def load(self) -> str:
        policies, entities = self.texts
        self.policies: Any = cedarpy.PolicySet.from_str(policies)
        self.entities: Any = cedarpy.Entities.from_json_str(entities)
        return f"{len(self.grouped)} policies in one set"

    def prepare(self, batches: dict[str, list[Request]]) -> None:
        """Entities are parsed anew, with the resources of all requests."""
        for batch in batches.values():
            for asked in batch:
                owner = {"__entity": {"type": "User", "id": asked["owner"]}}
                self.listed.append(_entity(asked["type"], asked["id"], [], {"owner": owner}))
        self.entities = cedarpy.Entities.from_json_str(json.dumps(self.listed))
        self.batches: dict[str, list[dict[str, Any]]] = {
            name: [
                {
                    "principal": f'User::"{asked["user"]}"',
                    "action": f'Action::"{asked["type"]}.{asked["action"]}"',
                    "resource": f'{asked["type"]}::"{asked["id"]}"',
                    "context": {},
                }
                for asked in batch
            ]
            for name, batch in batches.items()
        }

    def answers(self, batch: str) -> list[Any]:
        return [cedarpy.is_authorized(asked, self.policies, self.entities) for asked in self.batches[batch]]

    def decide(self, batch: str) -> tuple[str, str]:
        answers = self.answers(batch)
        for answer in answers:
            if answer.diagnostics.errors:
                raise RuntimeError(answer.diagnostics.errors[0])
        decided = [(bool(answer.allowed), bool(answer.diagnostics.reasons)) for answer in answers]
        letters = ["a" if allowed else "d" if reasons else "n" for allowed, reasons in decided]
        return digits([allowed for allowed, _ in decided]), "".join(letters)

    def run(self, batch: str, passes: int) -> None:
        ask, policies, entities, requests = cedarpy.is_authorized, self.policies, self.entities, self.batches[batch]
        for _ in range(passes):
            for asked in requests:
                ask(asked, policies, entities)


class Sliced(Cedar):
    name = "cedarpy, sliced"
    includes = f"the caller's look-up of the policies about one action, then {Cedar.includes}"

    def load(self) -> str:
        self.entities = cedarpy.Entities.from_json_str(self.texts[1])
        self.slices: dict[str, Any] = {
            f'Action::"{name}"': cedarpy.PolicySet.from_str("\n".join(self.grouped[group] for group in within))
            for name, within in self.groups.items()
        }
        return f"{len(self.grouped)} policies, in {len(self.slices)} sets by action"

    def answers(self, batch: str) -> list[Any]:
        return [
            cedarpy.is_authorized(asked, self.slices[asked["action"]], self.entities) for asked in self.batches[batch]
        ]

    def run(self, batch: str, passes: int) -> None:
        ask, slices, entities, requests = cedarpy.is_authorized, self.slices, self.entities, self.batches[batch]
        for _ in range(passes):
            for asked in requests:
                ask(asked, slices[asked["action"]], entities)


def _grouped(policy: Plain) -> tuple[dict[str, list[str]], dict[str, str]]:
    """Each action with the groups it is in, and the policy of each group."""
    groups: dict[str, list[str]] = {
        f"{name}.{action}": [] for name, about in policy["types"].items() for action in about["actions"]
    }
    policies: dict[str, str] = {}
    for rule in policy["rules"]:
        group = f"{rule['role']} {rule['effect']}{' own' if rule['owner'] else ''}"
        for action in rule["actions"]:
            if group not in (within := groups[f"{rule['type']}.{action}"]):
                within.append(group)
        when = " when { resource.owner == principal }" if rule["owner"] else ""
        head = f'principal in Role::"{rule["role"]}", action in Action::"{group}", resource'
        policies[group] = f"{_EFFECTS[rule['effect']]}({head}){when};"
    return groups, policies


_ABOVE = {"User": "Role", "Role": "Role", "Action": "Action"}


def _entity(kind: str, name: str, within: list[str], attributes: Plain | None = None) -> Plain:
    parents = [{"type": _ABOVE[kind], "id": above} for above in within]
    return {"uid": {"type": kind, "id": name}, "attrs": attributes or {}, "parents": parents}


if __name__ == "__main__":
    serve(Sliced() if sys.argv[1:] == ["sliced"] else Cedar())
