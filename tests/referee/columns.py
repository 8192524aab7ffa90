"""Requests as columns, and what `decide_many` answers against what `decide` does, row by row."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from random import Random
from typing import Any

import pyarrow as pa
from referee.decide import Json
from referee.differences import fits
from referee.generate import Case
from referee.judge import build
from referee.world import NOW

from remit import Pdp
from remit.bulk.codes import CODES
from remit.bulk.engine import Decisions
from remit.directory.shape import Assignment, Directory

Columns = dict[str, list[Any]]


def has_columns(request: Json) -> bool:
    """Whether a request has the parts that columns can say; what is wrong inside them, they can say, too."""
    if not isinstance(request, Mapping):
        return False
    subject, action, resource = (request.get(name) for name in ("subject", "action", "resource"))
    if not (isinstance(subject, Mapping) and isinstance(action, Mapping) and isinstance(resource, Mapping)):
        return False
    bags = (subject.get("properties"), resource.get("properties"), request.get("context"))
    return all(bag is None or isinstance(bag, Mapping) for bag in bags)


def columns(requests: Sequence[Any]) -> Columns:
    """The requests, column by column; None where a request lacks what others have."""
    found: Columns = {
        "user": [request["subject"].get("id") for request in requests],
        "subject.type": [request["subject"].get("type") for request in requests],
        "action": [request["action"].get("name") for request in requests],
        "type": [request["resource"].get("type") for request in requests],
        "resource.id": [request["resource"].get("id") for request in requests],
    }
    bags = {
        "resource": [request["resource"].get("properties") or {} for request in requests],
        "context": [request.get("context") or {} for request in requests],
        "subject": [request["subject"].get("properties") or {} for request in requests],
    }
    for root, rows in bags.items():
        for name in sorted({name for row in rows for name in row}):
            if f"{root}.{name}" not in found:
                found[f"{root}.{name}"] = [row.get(name) for row in rows]
    return found


def unlike_columns(case: Case, random: Random) -> Iterator[str]:
    """Where `decide_many` answers otherwise than `decide`: the code, the deciding rules, or the first of them."""
    policy = build(case.sources, case.overlays)
    directory = _laden(case, random) if random.random() < 0.5 else case.directory
    if not fits(policy, directory):
        return
    pdp = policy.bind(directory, clock=lambda: NOW)
    requests: list[Any] = [request for request in case.requests if has_columns(request)]
    without = random.choice(("", "scope", "time"))
    if without == "scope":  # no request names a place, so none of the columns is one
        requests = [one for one in requests if "scope" not in (one["resource"].get("properties") or {})]
    if without == "time":
        requests = [one for one in requests if "time" not in (one.get("context") or {})]
    if random.random() < 0.3:
        requests = [_far(request, random) for request in requests]
    size = random.choice((1, 2, 3, len(requests)))
    for start in range(0, len(requests), size or 1):
        some = requests[start : start + size]
        for _ in range(random.choice((1, 1, 3))):  # what is kept from one call serves the next, in another order
            given = columns(some)
            shared = _shared(given) if random.random() < 0.3 else {}
            told = {name: shared.get(name, _formed(values, random)) for name, values in given.items()}
            yield from otherwise(pdp, some, pdp.decide_many(told, rules="all"))
            some = random.sample(some, len(some))


def _laden(case: Case, random: Random) -> Directory:
    """The directory with somebody who holds many roles, here and there."""
    directory = case.directory
    if not directory.users:
        return directory
    name = random.choice(sorted(directory.users))
    places = [None, *directory.scopes] if case.world.scopes else [None]
    more = tuple(Assignment(role, random.choice(places)) for role in case.world.roles for _ in range(3))
    user = directory.users[name]
    user = user._replace(assignments=(*user.assignments, *more))
    return directory._replace(users={**directory.users, name: user})


def _far(request: Any, random: Random) -> Any:
    """A request whose times are so far away that 64 bits cannot tell their difference."""

    def moved(bag: Any) -> Any:
        return {
            name: value.replace("2026", random.choice(("0001", "2026", "9998"))) if isinstance(value, str) else value
            for name, value in (bag or {}).items()
        }

    resource = {**request["resource"], "properties": moved(request["resource"].get("properties"))}
    return {**request, "resource": resource, "context": moved(request.get("context"))}


def _shared(given: Columns) -> Columns:
    """The columns of texts, by one dictionary that has the texts of all of them."""
    texts = {name: values for name, values in given.items() if _encodable(values)}
    every = sorted({value for values in texts.values() for value in values if value is not None})
    at = {None: None} | {text: place for place, text in enumerate(every)}
    dictionary = pa.array(every, pa.string())
    return {
        name: pa.DictionaryArray.from_arrays(pa.array([at[value] for value in values], pa.int32()), dictionary)
        for name, values in texts.items()
    }


def _encodable(values: list[Any]) -> bool:
    if any(value is not None and type(value) is not str for value in values):
        return False
    try:
        pa.array(values, pa.string())
    except UnicodeEncodeError:  # half of a character
        return False
    return True


def _formed(values: list[Any], random: Random) -> Any:
    """The values as they are, or where they are texts as one of Arrow's arrays."""
    if not _encodable(values):
        return values
    array = pa.array(values, random.choice((pa.string(), pa.string(), pa.large_string())))
    match random.randrange(5):
        case 0:
            return values
        case 1:
            return array
        case 2:
            return pa.chunked_array([array[: len(array) // 2], array[len(array) // 2 :]])
        case 3:
            return array.dictionary_encode()
    # a dictionary with values twice, a null among them, small indices, and as a slice of more
    texts = array.dictionary_encode().dictionary.to_pylist()
    twice = [*texts, None, *texts]
    at = [len(texts) if value is None else texts.index(value) + random.choice((0, len(texts) + 1)) for value in values]
    kind = pa.int8() if len(twice) < 128 else pa.uint64()
    return pa.DictionaryArray.from_arrays(pa.array([0, *at], kind), pa.array(twice, pa.string()))[1:]


def otherwise(pdp: Pdp, requests: Sequence[Any], answers: Decisions) -> Iterator[str]:
    """The rows that are answered otherwise."""
    assert answers.rule is not None
    assert answers.first is not None
    assert answers.rules is not None
    for row, request in enumerate(requests):
        judged = pdp.decide(request).judged
        deciding = judged.allows if judged.code == "allowed" else judged.denies if judged.denies else ()
        expected = sorted(entry.rule.number for entry in deciding)
        found = answers.rules[answers.first[row] : answers.first[row + 1]].tolist()
        told = (CODES[answers.code[row]], bool(answers.allowed[row]), found, int(answers.rule[row]))
        wanted = (judged.code, judged.code == "allowed", expected, min(expected, default=-1))
        if told != wanted:
            yield f"row {row} {request}: {told}, and one by one {wanted}"
