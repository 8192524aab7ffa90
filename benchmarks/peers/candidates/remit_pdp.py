"""remit itself: `allows`, or with the argument `deciding` the call that gives the deciding rule's id."""

from __future__ import annotations

import json
import sys
from typing import Any

from benchmarks.peers import plain
from benchmarks.peers.candidates.serving import Plain, Request, digits, serve
from remit import Directory, Pdp, Policy, __version__

_LETTERS = {plain.OUTRIGHT: "a", plain.OWNER: "a", plain.DENIED: "d", plain.NOTHING: "n"}


class Remit:
    includes = "`pdp.allows(user, action, resource)` in Python, resource a dictionary; gives the decision"
    name = "remit"
    sources: dict[str, str]
    people: str
    pdp: Pdp
    batches: dict[str, list[tuple[str, str, dict[str, Any]]]]
    requests: dict[str, list[Request]]

    def version(self) -> str:
        return __version__

    def encode(self, policy: Plain) -> None:
        self.sources = {"plain.remit": plain.remit_policy(policy)}
        self.people = json.dumps(plain.remit_directory(policy))

    def load(self) -> str:
        self.pdp = Policy.from_sources(self.sources).bind(Directory.from_text(self.people, "directory.json"))
        return ""

    def prepare(self, batches: dict[str, list[Request]]) -> None:
        self.requests = batches
        self.batches = {
            name: [(asked["user"], asked["action"], plain.remit_resource(asked)) for asked in batch]
            for name, batch in batches.items()
        }

    def decide(self, batch: str) -> tuple[str, str]:
        decisions = [self.pdp.allows(*asked) for asked in self.batches[batch]]
        reasons = [_LETTERS.get(plain.class_of(self.pdp, asked), "?") for asked in self.requests[batch]]
        return digits(decisions), "".join(reasons)

    def run(self, batch: str, passes: int) -> None:
        allows, requests = self.pdp.allows, self.batches[batch]
        for _ in range(passes):
            for user, action, resource in requests:
                allows(user, action, resource)


class Deciding(Remit):
    name = "remit, with the rule"
    includes = "`pdp.deciding(user, action, resource)`; gives the id of the rule that decides, or nothing"

    def decide(self, batch: str) -> tuple[str, str]:
        """The deciding rule's effect is the decision."""
        letters = [self._letter(request) for request in self.requests[batch]]
        return digits([letter == "a" for letter in letters]), "".join(letters)

    def _letter(self, request: Request) -> str:
        found = self.pdp.deciding(request["user"], request["action"], plain.remit_resource(request))
        rules = self.pdp.decide(plain.remit_request(request)).rules
        return next(rule["effect"][0] for rule in rules if rule["id"] == found) if found else "n"

    def run(self, batch: str, passes: int) -> None:
        deciding, requests = self.pdp.deciding, self.batches[batch]
        for _ in range(passes):
            for user, action, resource in requests:
                deciding(user, action, resource)


if __name__ == "__main__":
    serve(Deciding() if sys.argv[1:] == ["deciding"] else Remit())
