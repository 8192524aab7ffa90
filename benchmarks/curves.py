"""What grows, one curve each: for a size a policy, a directory and the requests that are decided there, all else being
the same; what is promised of its growth, and why it bends where it does."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

Ask = tuple[str, str, dict[str, Any]]  # user, action, resource
REQUESTS = 100  # different ones, where not all users ask
LINES = 50_000  # of one file, since a file has bounds
TYPES = "resource note { owner: user  n: int  actions read, write }"
HELD = "scope top\nscope part in top\n" + f"area a {{ {TYPES} }}\nrole reader {{ allow read on note }}"
OWNED = f"area a {{ {TYPES} }}\nrole reader {{ allow read on note when resource.owner == user.id }}"
IN_MEMORY = 10_000_000  # users that are no longer read from a text


class Step(NamedTuple):
    """A curve's size, and what is decided there. `directory`: its JSON text; or how many users it is made of in memory,
    each one a `reader` at the root."""

    size: int
    policy: list[str]
    directory: str | int
    asked: list[Ask]


class Curve(NamedTuple):
    """`most`: the exponents promised. `bends`: what is measured, and the size → why it bends there, unless a constant
    explains it."""

    name: str
    sizes: Sequence[int]
    quick: Sequence[int]
    make: Callable[[int], Step]
    most: Mapping[str, float]
    bends: Mapping[tuple[str, int], str]


def of_rules(count: int) -> Step:
    """So many rules, a hundred a type and fifty a role; a hundred users."""
    dice = random.Random(f"rules {count}")
    types = [f"t{at}" for at in range(max(count // 100, 1))]
    blocks = [["area a {", *(f"resource {name} {{ owner: user  actions read, write, sign }}" for name in types), "}"]]
    roles = [f"r{at}" for at in range(max(count // 50, 2))]
    for role in roles:
        block = [f"role {role} {{"]
        for _ in range(count // len(roles)):
            own = " when resource.owner == user.id" if dice.random() < 0.25 else ""
            block.append(f"allow {dice.choice(('read', 'write', 'sign'))} on {dice.choice(types)}{own}")
        blocks.append([*block, "}"])
    files: list[list[str]] = [[]]
    for block in blocks:
        if len(files[-1]) > LINES:
            files.append([])
        files[-1] += block
    users = {f"u{at}": {"assignments": [{"role": dice.choice(roles)}]} for at in range(REQUESTS)}
    asked = [_ask(user, dice.choice(("read", "write")), dice.choice(types), owner=user) for user in users]
    return Step(count, ["\n".join(file) for file in files], json.dumps({"users": users}), asked)


def of_users(count: int) -> Step:
    """So many users; the same hundred ask."""
    directory: str | int = count
    if count < IN_MEMORY:
        directory = json.dumps({"users": {f"u{at}": {"assignments": [{"role": "reader"}]} for at in range(count)}})
    step = max(count // REQUESTS, 1)
    asked = [_ask(f"u{at * step % count}", "read", "note", owner=f"u{at * step % count}") for at in range(REQUESTS)]
    return Step(count, [OWNED], directory, asked)


def of_asking(count: int) -> Step:
    """So many users, all of whom ask, in no order; as columns each one has one row."""
    users = [f"u{at}" for at in range(count)]
    random.Random(count).shuffle(users)
    return Step(count, [OWNED], count, [_ask(user, "read", "note", owner=user) for user in users])


def of_places(count: int) -> Step:
    """So many places, a hundred in each of those at the top; a hundred users are readers at one place each, and ask
    there or below it, and every second time somewhere else."""
    tops = max(count // 100, 1)
    places: dict[str, Any] = {f"part/p{at}": {} for at in range(tops)}
    places.update({f"part/p{at}": {"parent": f"part/p{at % tops}"} for at in range(tops, count)})
    dice = random.Random(f"places {count}")
    at_home = [f"part/p{dice.randrange(tops)}" for _ in range(REQUESTS)]
    users = {f"u{at}": {"assignments": [{"role": "reader", "scope": at_home[at]}]} for at in range(REQUESTS)}
    asked = []
    for at in range(REQUESTS):
        below = f"part/p{int(at_home[at][6:]) + tops * dice.randrange(1, max(count // tops, 2))}"
        place = below if below in places else at_home[at]
        asked.append(_ask(f"u{at}", "read", "note", scope=place if at % 2 else f"part/p{dice.randrange(count)}"))
    return Step(count, [HELD], json.dumps({"users": users, "scopes": places}), asked)


def of_roles(count: int) -> Step:
    """One user with so many roles, one of which decides."""
    lines = [
        f"area a {{ {TYPES} }}",
        *(f"role r{at} {{ allow write on note when resource.n == {at} }}" for at in range(count)),
        "role last { allow read on note }",
    ]
    held = [{"role": f"r{at}"} for at in range(count - 1)] + [{"role": "last"}]
    users = {"ann": {"assignments": held}}
    return Step(count, ["\n".join(lines)], json.dumps({"users": users}), [_ask("ann", "read", "note")] * REQUESTS)


def of_depth(count: int) -> Step:
    """A place so deep below the one where the role is held."""
    places: dict[str, Any] = {"part/p0": {}}
    places.update({f"part/p{at}": {"parent": f"part/p{at - 1}"} for at in range(1, count)})
    users = {"ann": {"assignments": [{"role": "reader", "scope": "part/p0"}]}}
    asked = [_ask("ann", "read", "note", scope=f"part/p{count - 1}")] * REQUESTS
    return Step(count, [HELD], json.dumps({"users": users, "scopes": places}), asked)


def of_conditions(count: int) -> Step:
    """So many conditions in the cell that is asked about; the last one decides."""
    rules = [f"allow read on note when resource.n == {at}" for at in range(count)]
    text = f"area a {{ {TYPES} }}\nrole reader {{ {'  '.join(rules)} }}"
    users = {"ann": {"assignments": [{"role": "reader"}]}}
    return Step(count, [text], json.dumps({"users": users}), [_ask("ann", "read", "note", n=count - 1)] * REQUESTS)


def _ask(user: str, action: str, resource_type: str, **properties: Any) -> Ask:
    return user, action, {"type": resource_type, "id": "n1", "properties": properties}


# -- the curves ----------------------------------------------------------------------------------------------------

READY = {"reading": 1.1, "binding": 1.1, "first columns": 1.1, "memory": 1.05, "memory for columns": 1.05}
FLAT = {"`allows`": 0.1, "columns": 0.1, "one row of columns": 0.1, **READY}  # what is not touched
# What is touched, and of which the processor's caches hold less and less:
TOUCHED = {**FLAT, "`allows`": 0.25, "columns": 0.25, "a newcomer": 0.1}
LINEAR = {**FLAT, "`allows`": 1.05, "columns": 1.05, "one row of columns": 1.05}  # what must be read
CURVES = (
    Curve(
        "rules",
        (100, 1_000, 10_000, 100_000, 1_000_000),
        (100, 400),
        of_rules,
        FLAT,
        {
            ("binding", 100_000): "each rule is put beside the others of its type, and the lists of ten thousand types "
            "no longer fit the processor's nearer caches",
        },
    ),
    Curve(
        "users",
        (100, 1_000, 10_000, 100_000, 1_000_000, IN_MEMORY),
        (100, 400),
        of_users,
        FLAT,
        {
            ("memory", 1_000_000): "the last size is made in memory, while the others are read, which takes four times "
            "what stays",
        },
    ),
    Curve("users, who all ask", (10_000, 100_000, 1_000_000), (400, 800), of_asking, TOUCHED, {}),
    Curve("places", (100, 1_000, 10_000, 100_000, 1_000_000), (100, 400), of_places, FLAT, {}),
    Curve("roles of one user", (1, 10, 100, 1_000), (1, 10), of_roles, FLAT, {}),
    Curve("depth of places", (1, 10, 100), (1, 10), of_depth, FLAT, {}),
    Curve(
        "conditions in one cell",
        (1, 10, 100, 1_000),
        (1, 10),
        of_conditions,
        LINEAR,
        {
            ("columns", 10): "four conditions of a table have bits of their own, and are run over whole columns; from "
            "the fifth on, each row is paired with each condition (decision 017)",
        },
    ),
)
