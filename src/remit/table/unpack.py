"""A table from its plain data (`remit.table.pack`), whole or not at all.

Whatever stands in the data: names that are not declared, numbers out of their range, things of another type are refused
here or in `remit.table.soundness`. Columns are checked whole, and each condition, text and set once, however many rules
share it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from operator import le
from typing import Any, TypeVar

from remit.model.expression import Expr
from remit.table import condition_data, meaning, soundness
from remit.table.shape import (
    BLOCKS,
    AssertEntry,
    Cells,
    EventEntry,
    GuardEntry,
    Place,
    RoleEntry,
    RuleEntry,
    Table,
    TestEntry,
    TypeEntry,
)

Item = TypeVar("Item")

_MOST_FACETS = 8_000_000  # of all rules together
_EFFECTS = {"a": "allow", "d": "deny"}


class UnsoundError(Exception):
    """The data is no table's."""


def unpack(data: Any) -> Table:
    """The table that was packed. Raises UnsoundError."""
    try:
        return _table(data["meaning"], data["provenance"])
    except ValueError as error:
        raise UnsoundError(str(error)) from error
    except (KeyError, TypeError, IndexError, AttributeError, OverflowError, RecursionError) as error:
        raise UnsoundError("parts of it are missing") from error


def _table(meant: Any, kept: Any) -> Table:
    catalogue, scopes = meant["catalogue"], meant["scopes"]
    conditions = condition_data.read(kept["expressions"])
    soundness.check_conditions(conditions)
    files, texts = _texts(kept["files"]), _texts(kept["texts"])
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
    cell_sets = _cell_sets(kept["cell_sets"], types)

    def place(found: Any) -> Place:
        number, line, column, text, lead, trail = found
        return Place(_at(files, number), int(line), int(column), str(text), str(lead), str(trail))

    def condition(number: Any) -> Expr | None:
        return None if type(number) is int and number == -1 else _at(conditions, number)

    roles = _roles(meant["roles"], kept["roles"], place)
    facet_count = _numbers([kept["facets"]], 0)[0]
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
        roles=roles,
        facet_count=facet_count,
        rules=_rules(kept["rules"], [*roles], kept["facet_sets"], facet_count, cell_sets, conditions, files, texts),
        individual_over_group=bool(meant["assignments"]["individual_over_group"]),
        roles_from_subject=bool(meant["assignments"]["roles_from_subject"]),
        events=tuple(
            EventEntry(
                event["kind"],
                bool(event["to_group"]),
                (event["requires"][0], event["requires"][1]) if event["requires"] else None,
                bool(event["within_own"]),
                _word(event["trigger"]) or condition(event["condition"]),
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
                _at(cell_sets, claim["cells"]),
                _at(cell_sets, claim["other"]),
                condition(claim["condition"]),
                place(claim["place"]),
            )
            for claim in kept["assertions"]
        ),
        tests=tuple(TestEntry(test["title"], tuple(test["lines"]), place(test["place"])) for test in kept["tests"]),
        conditions=dict(kept["conditions"]),
        origins={},
        kept={},
    )
    if len(table.roles) != len(meant["roles"]) or len(table.types) != len(catalogue["types"]):
        raise ValueError("meaning and provenance differ")
    soundness.check(table)
    return table


def _roles(meant: Any, kept: Any, place: Callable[[Any], Place]) -> dict[str, RoleEntry]:
    return {
        role["name"]: RoleEntry(
            role["name"],
            role["title"],
            bool(meant[role["name"]]["locked"]),
            tuple(role["former"]),
            tuple(meant[role["name"]]["includes"]),
            frozenset(role["facets"]),
            place(role["place"]),
        )
        for role in kept
    }


def _guard(name: str, title: str, data: Any, place: Place) -> GuardEntry:
    kind, count, active, role, other, per = data
    return GuardEntry(name, title, kind, count, active, role, other, per, place)


def _cell_sets(data: Any, types: dict[str, TypeEntry]) -> list[Cells]:
    actions_of = {name: frozenset(kind.actions) for name, kind in types.items()}
    found: list[Cells] = []
    for cells in data:
        for name, actions in cells.items():
            if not actions_of[name].issuperset(actions):
                raise ValueError(f"{name} has other actions")
        found.append({name: tuple(actions) for name, actions in cells.items()})
    return found


# -- rules -----------------------------------------------------------------------------------------------------------


def _rules(
    columns: Any,
    roles: Sequence[str],
    facet_sets: Any,
    facet_count: int,
    cell_sets: Sequence[Cells],
    conditions: Sequence[Expr],
    files: Sequence[str],
    texts: Sequence[str],
) -> tuple[RuleEntry, ...]:
    facets = _picked(_facet_sets(facet_sets, facet_count), columns["facets"])
    if sum(map(len, facets)) > _MOST_FACETS:
        raise ValueError("more facets than rules have")
    own = _picked(texts, columns["text"])
    offsets = _numbers(columns["condition_at"], 0)
    if not all(map(le, offsets, map(len, own))):
        raise ValueError("no place of a condition")
    # `tuple.__new__` makes a NamedTuple from its values without the function that its own `__new__` is: half the time
    # of reading a large table. It takes any tuple, so the lengths are those written here.
    entry: Any = partial(tuple.__new__, RuleEntry)
    place: Any = partial(tuple.__new__, Place)
    places = map(
        place,
        zip(
            _picked(files, columns["file"]),
            _numbers(columns["line"], 1),
            _numbers(columns["column"], 1),
            own,
            _picked(texts, columns["lead"]),
            _picked(texts, columns["trail"]),
            strict=True,
        ),
    )
    rules: Iterable[RuleEntry] = map(
        entry,
        zip(
            range(len(own)),
            list(map(_EFFECTS.__getitem__, columns["effect"])),
            _picked([*[None] * len(BLOCKS), *roles], columns["holder"]),
            _picked([*BLOCKS, *[None] * len(roles)], columns["holder"]),
            facets,
            _picked(cell_sets, columns["cells"]),
            _picked([*conditions, None], columns["condition"], -1),  # the last one, for -1
            _picked(texts, columns["condition_text"]),
            offsets,
            _picked(texts, columns["because"]),
            places,
            strict=True,
        ),
    )
    return tuple(rules)


def _facet_sets(data: Any, facet_count: int) -> list[tuple[int, ...]]:
    return [tuple(_numbers(facets, 0, facet_count)) for facets in data]


def _numbers(column: Any, least: int, end: int | None = None) -> list[int]:
    """A column of whole numbers from `least` on, below `end`."""
    if not isinstance(column, list) or not set(map(type, column)) <= {int}:
        raise ValueError("no numbers")
    if column and (min(column) < least or (end is not None and max(column) >= end)):
        raise ValueError("no such number")
    return column


def _picked(pool: Sequence[Item], column: Any, least: int = 0) -> list[Item]:
    """What a column's numbers stand for."""
    return list(map(pool.__getitem__, _numbers(column, least, len(pool))))


def _word(data: Any) -> str | None:
    if not isinstance(data, str | None):
        raise ValueError("no text")
    return data


def _texts(data: Any) -> list[str]:
    if not isinstance(data, list) or not set(map(type, data)) <= {str}:
        raise ValueError("no texts")
    return data


def _at(pool: Sequence[Item], number: Any) -> Item:
    if type(number) is not int or number < 0:
        raise ValueError("no place in a list")
    return pool[number]
