"""remit on the applications: `allows`, or with the argument `deciding` the call that gives the deciding rule's id."""

from __future__ import annotations

import json
import sys
from typing import Any

from benchmarks.applications import worlds
from benchmarks.applications.github import GITHUB
from benchmarks.applications.tinytodo import TINYTODO
from benchmarks.peers.candidates.serving import Plain, digits, serve
from remit import Directory, Pdp, Policy, __version__

APPLICATIONS = {application.name: application for application in (GITHUB, TINYTODO)}


def bound(world: worlds.World) -> Pdp:
    """remit with the policy of the world's application and its people."""
    application = APPLICATIONS[world["application"]]
    people = json.dumps(worlds.directory(application, world))
    policy = Policy.from_sources({f"{application.name}.remit": application.policy})
    return policy.bind(Directory.from_text(people, "directory.json"))


class Remit:
    includes = "`pdp.allows(user, action, resource)` in Python, resource a dictionary; the decision"
    name = "remit"
    pdp: Pdp
    batches: dict[str, list[tuple[str, str, dict[str, Any]]]]

    def version(self) -> str:
        return __version__

    def load(self, policy: Plain, batches: dict[str, list[worlds.Request]]) -> str:
        application = APPLICATIONS[policy["application"]]
        self.pdp = bound(policy)
        self.batches = {
            name: [(asked["user"], asked["action"], worlds.resource(application, policy, asked)) for asked in batch]
            for name, batch in batches.items()
        }
        return ""

    def decide(self, batch: str) -> tuple[str, str]:
        decisions = digits([self.pdp.allows(*asked) for asked in self.batches[batch]])
        return decisions, decisions.replace("1", "a").replace("0", "n")

    def run(self, batch: str, passes: int) -> None:
        allows, requests = self.pdp.allows, self.batches[batch]
        for _ in range(passes):
            for user, action, resource in requests:
                allows(user, action, resource)


class Deciding(Remit):
    name = "remit, with the rule"
    includes = "`pdp.deciding(user, action, resource)`; the id of the rule that decides, or nothing"

    def decide(self, batch: str) -> tuple[str, str]:
        """No rule of these policies denies, so where one decides, it allows."""
        decisions = digits([self.pdp.deciding(*asked) is not None for asked in self.batches[batch]])
        return decisions, decisions.replace("1", "a").replace("0", "n")

    def run(self, batch: str, passes: int) -> None:
        deciding, requests = self.pdp.deciding, self.batches[batch]
        for _ in range(passes):
            for user, action, resource in requests:
                deciding(user, action, resource)


if __name__ == "__main__":
    serve(Deciding() if sys.argv[1:] == ["deciding"] else Remit())
