"""A table whose sums fit and whose content does not: refused, or harmless, and never a crash."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest

from remit import Directory, Policy
from remit.analysis.queries import matrix
from remit.table import artifact, meaning
from remit.table.pack import pack
from remit.table.unpack import unpack
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
    return summed(data, path[0])


def summed(data: dict[str, Any], part: str = "provenance") -> str:
    """The table in its file, with sums that fit, unless `part` is the digest."""
    meant, kept = (meaning.canonical(data.get(part)) for part in ("meaning", "provenance"))
    data["digest"] = meaning.digest_of(meant) if part != "digest" else data["digest"]
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


# -- columns, and what stands in lists of its own ----------------------------------------------------------------------

COLUMNS = json.loads(TEXT)["provenance"]["rules"]
TRUE = ["const", "bool", True]


@pytest.mark.parametrize("column", sorted(COLUMNS))
def test_columns_are_of_one_length(column: str) -> None:
    """A rule without its effect, its place or anything else is none."""
    for other in (COLUMNS[column][:-1], COLUMNS[column] + COLUMNS[column][-1:]):
        with pytest.raises(artifact.DamagedError):
            artifact.read(changed(("provenance", "rules", column), other))


@pytest.mark.parametrize("column", sorted(set(COLUMNS) - {"effect", "line", "column", "condition_at"}))
def test_columns_name_what_is_there(column: str) -> None:
    """A number past the end of its list, or before its beginning, names nothing."""
    least = -1 if column == "condition" else 0
    for number in (least - 1, 10**6, 10**30):
        with pytest.raises(artifact.DamagedError):
            artifact.read(changed(("provenance", "rules", column, 0), number))


@pytest.mark.parametrize(
    "conditions",
    [
        [TRUE, *(["and", ["named", "c", number], ["named", "c", number]] for number in range(60))],
        [TRUE, *(["not", ["named", "c", number]] for number in range(300))],
        [TRUE, ["named", "c", 1]],
        [TRUE, ["named", "c", 2], TRUE],
        [TRUE, ["named", "c", -1]],
        [TRUE, ["named", "c", True]],
        [["and", *[TRUE] * 30_000]],
        [["-", TRUE, TRUE]],
    ],
    ids=["doubled", "deep", "itself", "later", "before", "no number", "wide", "operand"],
)
def test_conditions_that_no_compiler_takes(conditions: list[Any]) -> None:
    """Names that double what they name, chains that end nowhere or too deep, and what is no condition, are refused
    before anybody writes them out."""
    data = json.loads(TEXT)
    data["provenance"]["expressions"] += conditions
    base = len(json.loads(TEXT)["provenance"]["expressions"])

    def moved(part: Any) -> Any:
        if not isinstance(part, list):
            return part
        shift = base if part[:1] == ["named"] and type(part[2]) is int and part[2] >= 0 else 0
        return ["named", part[1], part[2] + shift] if shift else [moved(one) for one in part]

    data["provenance"]["expressions"][base:] = moved(conditions)
    with pytest.raises(artifact.DamagedError):
        artifact.read(summed(data))


def test_conditions_as_deep_as_the_compiler_takes_them() -> None:
    """What compiles is read again: a hundred levels in a row of names, below a hundred more."""
    lines = ["area a { resource t { n: int  actions go } }", "condition c0 = resource.n == 0"]
    lines += [f"condition c{k} = not (c{k - 1} and resource.n != {k})" for k in range(1, 38)]
    lines += [f"everyone {{ allow go on t when {'not ' * 100} c37 }}"]
    table = Policy.from_sources({"p.remit": "\n".join(lines)}).table
    assert unpack(json.loads(json.dumps(pack(table))))._replace(origins=table.origins) == table


def test_a_condition_is_written_once_however_often_it_is_named() -> None:
    """Names that use one another twice, below sixty rules, make no large file."""
    lines = ["area a { resource t { n: int  actions go } }", "condition c0 = resource.n == 0"]
    lines += [
        f"condition c{k} = c{k - 1} and resource.n != {k} or c{k - 1} and resource.n != {100 + k}" for k in range(1, 8)
    ]
    lines += [f"role r{k} {{ allow go on t when c7 and resource.n > {k} }}" for k in range(60)]
    table = Policy.from_sources({"p.remit": "\n".join(lines)}).table
    packed = json.dumps(pack(table))
    assert unpack(json.loads(packed))._replace(origins=table.origins) == table
    assert len(packed) < 40_000


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("provenance", "types", 0, 2), ["read", "read"]),
        (("provenance", "rules", "cells", 0), True),
        (("provenance", "rules", "holder", 0), False),
        (("provenance", "facets"), "4"),
        (("provenance", "facets"), 10**9),
        (("provenance", "name"), "half of a character: \ud800"),
    ],
)
def test_what_is_nearly_right_is_refused(path: tuple[Any, ...], value: Any) -> None:
    """An action twice, truth values as numbers, texts as numbers, more facets than memory has, half a character."""
    with pytest.raises(artifact.DamagedError):
        artifact.read(changed(path, value))


@pytest.mark.parametrize("trigger", [5, ["x"], "nonsense"])
def test_an_event_waits_for_what_there_is(trigger: Any) -> None:
    """A trigger is a condition, or one of two words."""
    policy = Policy.load(Path(__file__).parents[2] / "policies" / "amberflo", cache=False)
    data = json.loads(artifact.write(policy.table))
    assert data["provenance"]["events"]
    data["provenance"]["events"][0]["trigger"] = trigger
    with pytest.raises(artifact.DamagedError):
        artifact.read(summed(data))
