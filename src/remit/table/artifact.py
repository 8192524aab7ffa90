"""The table as a file: JSON in five lines, loadable in place of the sources.

    {"format":"remit-table","version":1,
    "digest":"<SHA-256 of the meaning line's value>","checksum":<CRC-32 of digest, meaning and provenance>,
    "meaning":{…},
    "provenance":{…}}

*Meaning* is canonical: the same policy gives the same bytes, wherever and however it was written. *Provenance* keeps
places, texts, titles, reasons and tests, so that explanations need no sources. Both stand on a line of their own, so
a reader can check them without writing them again; a file that was laid out anew is checked by its content.
Plain data only: nothing in it is ever executed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from zlib import crc32

from remit.model import expression as ex
from remit.table import meaning, soundness
from remit.table.shape import (
    AssertEntry,
    EventEntry,
    GuardEntry,
    Place,
    RoleEntry,
    RuleEntry,
    Table,
    TestEntry,
    TypeEntry,
)

FORMAT, VERSION = "remit-table", 1
_MOST_VALUES = 8_000_000  # a gigabyte of memory holds twice as many


class NotATableError(Exception):
    """The text is no table at all."""


class DamagedError(Exception):
    """The text was a table, and is not any more what was written."""


class NewerError(Exception):
    """A table of a later version than this one reads."""


# -- writing ---------------------------------------------------------------------------------------------------------


def write(table: Table) -> str:
    """The artifact's text. Its meaning line is canonical."""
    meant = meaning.canonical(meaning.meaning(table))
    digest = table.kept["digest"] = meaning.digest_of(meant)
    kept = meaning.canonical(_provenance(table))
    head = meaning.canonical({"format": FORMAT, "version": VERSION})
    sums = f'"digest":"{digest}","checksum":{_checksum(digest, meant, kept)}'
    return f'{head[:-1]},\n{sums},\n"meaning":{meant},\n"provenance":{kept}}}\n'


def _provenance(table: Table) -> dict[str, Any]:
    pool = _Pool()
    places = _Places()
    rules = [
        {
            "effect": rule.effect,
            "role": rule.role,
            "block": rule.block,
            "facets": list(rule.facets),
            "cells": pool.cells(rule.cells),
            "condition": pool.expression(rule.condition),
            "condition_text": rule.condition_text,
            "condition_at": rule.condition_at,
            "because": rule.because,
            "place": places.of(rule.place),
        }
        for rule in table.rules
    ]
    return {
        "name": table.name,
        "title": table.title,
        "base": table.base,
        "areas": [[name, title] for name, title in table.areas.items()],
        "types": [[kind.name, kind.title, list(kind.actions)] for kind in table.types.values()],
        "scopes": list(table.scopes),
        "roles": [
            {"name": role.name, "title": role.title, "facets": sorted(role.facets), "place": places.of(role.place)}
            for role in table.roles.values()
        ],
        "facets": table.facet_count,
        "rules": rules,
        "events": [
            {
                "kind": event.kind,
                "to_group": event.to_group,
                "requires": event.requires,
                "within_own": event.within_own,
                "trigger": event.trigger if isinstance(event.trigger, str) else None,
                "condition": None if isinstance(event.trigger, str) else pool.expression(event.trigger),
                "assign": list(event.assign),
                "place": places.of(event.place),
            }
            for event in table.events
        ],
        "guards": [[guard.name, guard.title, places.of(guard.place)] for guard in table.guards.values()],
        "assertions": [
            {
                "title": claim.title,
                "kind": claim.kind,
                "roles": list(claim.roles),
                "cells": pool.cells(claim.cells),
                "other": pool.cells(claim.other),
                "condition": pool.expression(claim.condition),
                "place": places.of(claim.place),
            }
            for claim in table.assertions
        ],
        "tests": [
            {"title": test.title, "lines": [dict(line) for line in test.lines], "place": places.of(test.place)}
            for test in table.tests
        ],
        "conditions": dict(table.conditions),
        "files": places.files,
        "expressions": pool.expressions,
        "cell_sets": pool.cell_sets,
    }


class _Places:
    """Places with their file by number."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}

    @property
    def files(self) -> list[str]:
        return list(self._numbers)

    def of(self, place: Place) -> list[Any]:
        return [
            self._numbers.setdefault(place.file, len(self._numbers)),
            place.line,
            place.column,
            place.text,
            place.lead,
            place.trail,
        ]


class _Pool:
    """Conditions and cell sets, each once."""

    def __init__(self) -> None:
        self.expressions: list[Any] = []
        self.cell_sets: list[Any] = []
        self._known: dict[str, int] = {}
        self._by_identity: dict[int, int] = {}

    def expression(self, node: ex.Expr | None) -> int | None:
        if node is None:
            return None
        if id(node) not in self._by_identity:
            self._by_identity[id(node)] = self._number(encode(node), self.expressions, "e")
        return self._by_identity[id(node)]

    def cells(self, cells: Mapping[str, tuple[str, ...]]) -> int:
        return self._number({name: list(actions) for name, actions in cells.items()}, self.cell_sets, "c")

    def _number(self, data: Any, pool: list[Any], kind: str) -> int:
        key = kind + meaning.canonical(data)
        if key not in self._known:
            self._known[key] = len(pool)
            pool.append(data)
        return self._known[key]


def encode(node: ex.Expr) -> list[Any]:
    """A condition as JSON data."""
    if isinstance(node, ex.Const):
        return ["const", node.kind, node.value]
    if isinstance(node, ex.Attr):
        return ["attr", node.root, node.name]
    if isinstance(node, ex.Has):
        return ["has", encode(node.attr)]
    if isinstance(node, ex.Not):
        return ["not", encode(node.operand)]
    if isinstance(node, ex.And | ex.Or):
        return ["and" if isinstance(node, ex.And) else "or", *(encode(part) for part in node.operands)]
    if isinstance(node, ex.Minus):
        return ["-", encode(node.left), encode(node.right)]
    if isinstance(node, ex.Compare):
        return [node.operator, encode(node.left), encode(node.right)]
    if isinstance(node, ex.Named):
        return ["named", node.name, encode(node.body)]
    if isinstance(node.collection, ex.Attr):
        return ["in", encode(node.operand), encode(node.collection)]
    return ["in", encode(node.operand), ["list", *(encode(item) for item in node.collection)]]


# -- reading ---------------------------------------------------------------------------------------------------------


def read(text: str) -> Table:
    """The table in an artifact's text, whole or not at all. Raises NotATableError, DamagedError or NewerError."""
    if text.count(",") + text.count("[") + text.count("{") > _MOST_VALUES:
        raise DamagedError("it holds more values than a table has")
    try:
        data = json.loads(text, object_pairs_hook=_once, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise (DamagedError if text.startswith('{"format":"' + FORMAT) else NotATableError)("it is no JSON") from error
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        raise NotATableError("it is JSON of another kind")
    version = data.get("version")
    if type(version) is not int or version < 1:
        raise DamagedError("it has no version")
    if version > VERSION:
        raise NewerError(f"it is of version {version}, and this remit reads up to {VERSION}")
    meant, kept = _lines(text, data)
    if _checksum(str(data.get("digest")), meant, kept) != data.get("checksum"):
        raise DamagedError("its content does not match its checksum")
    try:
        table = _table(data["meaning"], data["provenance"])
    except (KeyError, TypeError, ValueError, IndexError, AttributeError, OverflowError, RecursionError) as error:
        raise DamagedError("parts of it are missing") from error
    digest = str(data["digest"])
    if len(digest) != 64 or not set(digest) <= set("0123456789abcdef"):
        raise DamagedError("its digest is none")
    return table  # its digest is found anew when it is asked for: it names what the table decides, not what a file says


def _lines(text: str, data: dict[str, Any]) -> tuple[str, str]:
    """The canonical texts of both parts: as they stand on their lines, else written anew."""
    lines = text.split("\n")
    if len(lines) == 5 and lines[2].startswith('"meaning":') and lines[3].startswith('"provenance":'):
        return lines[2][len('"meaning":') : -1], lines[3][len('"provenance":') : -1]
    try:
        return meaning.canonical(data.get("meaning")), meaning.canonical(data.get("provenance"))
    except (ValueError, RecursionError) as error:
        raise DamagedError("it cannot be read") from error


def _checksum(digest: str, meant: str, kept: str) -> int:
    """Guards against damage, not against forgery (a forger could sum anew): CRC-32 is enough, and needs no OpenSSL."""
    found = crc32(digest.encode())
    for part in (meant, kept):
        found = crc32(part.encode("utf-8", "surrogatepass"), found)
    return found


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice")
    return found


def _refuse(word: str) -> Any:
    raise ValueError(f"{word} is no JSON")


def _table(meant: Any, kept: Any) -> Table:
    catalogue, roles, scopes = meant["catalogue"], meant["roles"], meant["scopes"]
    expressions = [decode(data) for data in kept["expressions"]]
    cell_sets = [{str(name): tuple(actions) for name, actions in data.items()} for data in kept["cell_sets"]]
    files = [str(file) for file in kept["files"]]

    def place(data: Any) -> Place:
        number, line, column, text, lead, trail = data
        return Place(files[_index(number)], int(line), int(column), str(text), str(lead), str(trail))

    def expression(number: int | None) -> ex.Expr | None:
        return None if number is None else expressions[_index(number)]

    types = {
        name: TypeEntry(
            name,
            str(catalogue["types"][name]["area"]),
            title,
            tuple(actions),
            meaning.attributes_from(catalogue["types"][name]["attributes"]),
        )
        for name, title, actions in kept["types"]
    }
    for cells in cell_sets:
        for name, actions in cells.items():
            if not set(actions) <= set(types[name].actions):
                raise ValueError(f"{name} has other actions")
    facets = int(kept["facets"])
    table = Table(
        name=str(kept["name"]),
        title=str(kept["title"]),
        base=str(kept["base"]),
        root=scopes["root"],
        scopes={kind: scopes["kinds"][kind] for kind in kept["scopes"]},
        areas=dict(kept["areas"]),
        types=types,
        user=meaning.attributes_from(catalogue["user"]),
        context=meaning.attributes_from(catalogue["context"]),
        claims=meaning.attributes_from(catalogue["claims"]),
        roles={
            role["name"]: RoleEntry(
                role["name"],
                role["title"],
                bool(roles[role["name"]]["locked"]),
                tuple(roles[role["name"]]["former"]),
                tuple(roles[role["name"]]["includes"]),
                frozenset(role["facets"]),
                place(role["place"]),
            )
            for role in kept["roles"]
        },
        facet_count=facets,
        rules=tuple(
            RuleEntry(
                number,
                rule["effect"],
                rule["role"],
                rule["block"],
                tuple(rule["facets"]),
                cell_sets[_index(rule["cells"])],
                expression(rule["condition"]),
                rule["condition_text"],
                rule["condition_at"],
                rule["because"],
                place(rule["place"]),
            )
            for number, rule in enumerate(kept["rules"])
        ),
        individual_over_group=bool(meant["assignments"]["individual_over_group"]),
        roles_from_subject=bool(meant["assignments"]["roles_from_subject"]),
        events=tuple(
            EventEntry(
                event["kind"],
                bool(event["to_group"]),
                (event["requires"][0], event["requires"][1]) if event["requires"] else None,
                bool(event["within_own"]),
                event["trigger"] or expression(event["condition"]),
                tuple(event["assign"]),
                place(event["place"]),
            )
            for event in kept["events"]
        ),
        guards={
            name: _guard(name, title, meant["guards"][name], place(where)) for name, title, where in kept["guards"]
        },
        assertions=tuple(
            AssertEntry(
                claim["title"],
                claim["kind"],
                tuple(claim["roles"]),
                cell_sets[_index(claim["cells"])],
                cell_sets[_index(claim["other"])],
                expression(claim["condition"]),
                place(claim["place"]),
            )
            for claim in kept["assertions"]
        ),
        tests=tuple(TestEntry(test["title"], tuple(test["lines"]), place(test["place"])) for test in kept["tests"]),
        conditions=dict(kept["conditions"]),
        origins={},
        kept={},
    )
    if len(table.roles) != len(roles) or len(table.types) != len(catalogue["types"]):
        raise ValueError("meaning and provenance differ")
    soundness.check(table)
    return table


def _index(number: Any) -> int:
    if type(number) is not int or number < 0:
        raise ValueError("no place in a list")
    return number


def _guard(name: str, title: str, data: Any, place: Place) -> GuardEntry:
    kind, count, active, role, other, per = data
    return GuardEntry(name, title, kind, count, active, role, other, per, place)


def decode(data: Any) -> ex.Expr:
    """The inverse of `encode`. Raises ValueError, TypeError or IndexError on anything else."""
    word, *rest = data
    if word == "const":
        kind, value = rest
        if type(value) not in (str, int, bool):
            raise ValueError("no constant")
        return ex.Const(kind, value)
    if word == "attr":
        root, name = rest
        return ex.Attr(root, name)
    if word == "has":
        return ex.Has(_attr(rest[0]))
    if word == "not":
        return ex.Not(decode(rest[0]))
    if word in ("and", "or"):
        operands = tuple(decode(part) for part in rest)
        return ex.And(operands) if word == "and" else ex.Or(operands)
    if word == "-":
        return ex.Minus(decode(rest[0]), decode(rest[1]))
    if word in ("==", "!=", "<", "<=", ">", ">="):
        return ex.Compare(word, decode(rest[0]), decode(rest[1]))
    if word == "named":
        return ex.Named(rest[0], decode(rest[1]))
    if word == "in":
        collection = rest[1]
        if collection[0] == "list":
            return ex.Member(decode(rest[0]), tuple(_const(item) for item in collection[1:]))
        return ex.Member(decode(rest[0]), _attr(collection))
    raise ValueError(f"{word!r} begins no condition")


def _attr(data: Any) -> ex.Attr:
    found = decode(data)
    if not isinstance(found, ex.Attr):
        raise ValueError("no attribute")
    return found


def _const(data: Any) -> ex.Const:
    found = decode(data)
    if not isinstance(found, ex.Const):
        raise ValueError("no constant")
    return found
