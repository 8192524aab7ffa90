"""A table whose sums fit and whose content does not: refused, or harmless, and never a crash."""

from __future__ import annotations

import json
from collections.abc import Iterator
from random import Random
from typing import Any

import pytest

from remit import Directory, Policy
from remit.analysis.queries import matrix
from remit.table import artifact, meaning
from tests.clinic import DIRECTORY, POLICY

TESTED = (
    POLICY
    + """
assert "vets sign": only owner, vet may sign on record
test "signing" { user ann is vet given record r { vet: ann } ann may update r }
"""
)
TEXT = artifact.write(Policy.from_sources({"clinic.remit": TESTED}).table)
ODD: tuple[Any, ...] = (None, True, -1, 99, 10**30, 1.5, "", "zz", [], [[]], ["zz"], {}, {"a": 1}, [1, 2, 3, 4, 5, 6])


def leaves(data: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of every value, inner ones too."""
    if path:
        yield path
    if isinstance(data, dict):
        for key, value in data.items():
            yield from leaves(value, (*path, key))
    elif isinstance(data, list):
        for number, value in enumerate(data):
            yield from leaves(value, (*path, number))


def changed(path: tuple[Any, ...], value: Any) -> str:
    """The table with one value exchanged, and its sums made to fit."""
    data = json.loads(TEXT)
    place = data
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    meant, kept = (meaning.canonical(data.get(part)) for part in ("meaning", "provenance"))
    data["digest"] = meaning.digest_of(meant) if path[0] != "digest" else data["digest"]
    data["checksum"] = artifact._checksum(str(data["digest"]), meant, kept)
    return json.dumps(data)


def use(text: str) -> None:
    """Reads the table and puts every kind of question to it."""
    table = artifact.read(text)
    policy = Policy(table)
    pdp = policy.bind(Directory.from_text(DIRECTORY), lambda: 0)
    for user in ("ann", "bob"):
        for action in ("sign", "delete", "refund"):
            for kind in ("record", "invoice"):
                resource = {"type": kind, "id": "r", "properties": {"vet": "bob", "scope": "branch/north"}}
                pdp.allows(user, action, resource)
                pdp.explain(
                    {"subject": {"type": "user", "id": user}, "action": {"name": action}, "resource": resource}
                ).to_dict()
    matrix(table)


PATHS = sorted((path for path in leaves(json.loads(TEXT)) if path[0] in ("provenance", "digest", "meaning")), key=str)


@pytest.mark.parametrize("part", range(8))
def test_a_value_exchanged_is_refused_or_harmless(part: int) -> None:
    """Whatever single value is another: the table is damaged, or its answers are still answers."""
    random = Random(part)
    read = refused = 0
    for path in PATHS[part::8]:
        for value in random.sample(ODD, 2):
            try:
                use(changed(path, value))
                read += 1
            except artifact.DamagedError:
                refused += 1
    assert refused > read / 10
