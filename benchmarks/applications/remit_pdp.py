"""remit on the applications: `allows`, or with the argument `deciding` the call that gives the deciding rule's id."""

from __future__ import annotations

import json
import sys

from benchmarks.applications import worlds
from benchmarks.applications.github import GITHUB
from benchmarks.applications.tinytodo import TINYTODO
from benchmarks.peers.candidates import remit_pdp
from benchmarks.peers.candidates.serving import Plain, digits, serve
from remit import Pdp

APPLICATIONS = {application.name: application for application in (GITHUB, TINYTODO)}


def bound(world: worlds.World) -> Pdp:
    """remit with the policy of the world's application and its people."""
    made = Remit()
    made.encode(world)
    made.load()
    return made.pdp


class _Applied(remit_pdp.Remit):
    """What both calls share: the application's policy, and its requests as `allows` takes them."""

    world: worlds.World

    def encode(self, policy: Plain) -> None:
        self.world, application = policy, APPLICATIONS[policy["application"]]
        self.sources = {f"{application.name}.remit": application.policy}
        self.people = json.dumps(worlds.directory(application, policy))

    def prepare(self, batches: dict[str, list[worlds.Request]]) -> None:
        world, application = self.world, APPLICATIONS[self.world["application"]]
        self.batches = {
            name: [(asked["user"], asked["action"], worlds.resource(application, world, asked)) for asked in batch]
            for name, batch in batches.items()
        }


class Remit(_Applied):
    def decide(self, batch: str) -> tuple[str, str]:
        decisions = digits([self.pdp.allows(*asked) for asked in self.batches[batch]])
        return decisions, decisions.replace("1", "a").replace("0", "n")


class Deciding(_Applied, remit_pdp.Deciding):
    def decide(self, batch: str) -> tuple[str, str]:
        """No rule of these policies denies, so where one decides, it allows."""
        decisions = digits([self.pdp.deciding(*asked) is not None for asked in self.batches[batch]])
        return decisions, decisions.replace("1", "a").replace("0", "n")


if __name__ == "__main__":
    serve(Deciding() if sys.argv[1:] == ["deciding"] else Remit())
