"""How the cost of a decision and of getting ready grows: one thing grows at a time, everything else stays.

Five curves: the policy's rules (with its roles and types), the users, the roles that one user holds, the depth of the
place that a request names, and the conditions of the one cell it asks about. For each step the same 100 requests are
decided by `allows` and, a thousand times over, as columns; the exponent e of cost ~ size^e comes from least squares on
the logarithms. A decision should not grow with what it does not touch (rules, users), and at most linearly with what it
must read (roles held, conditions).
"""

from __future__ import annotations

import gc
import json
import math
import random
import tracemalloc
from collections.abc import Callable, Iterator, Sequence
from time import process_time
from typing import Any, NamedTuple

from benchmarks.timing import Figure
from remit import Directory, Pdp, Policy

Ask = tuple[str, str, dict[str, Any]]  # user, action, resource
REQUESTS, TURNS = 100, 9
TYPES = "resource note { owner: user  n: int  actions read, write }"


class Step(NamedTuple):
    """A curve's size, and what is decided there."""

    size: int
    policy: str
    directory: dict[str, Any]
    asked: list[Ask]


class Curve(NamedTuple):
    """`most`: the exponent that a decision may have at most."""

    name: str
    sizes: Sequence[int]
    quick: Sequence[int]
    make: Callable[[int], Step]
    most: float


class Point(NamedTuple):
    """Microseconds of one decision by `allows`, nanoseconds of one as columns, seconds and mebibytes to get ready."""

    size: int
    allows: float
    columns: float
    ready: float
    memory: float


# -- what grows ------------------------------------------------------------------------------------------------------


def _rules(count: int) -> Step:
    """So many rules, a hundred a type and fifty a role."""
    dice = random.Random(f"rules {count}")
    types = [f"t{at}" for at in range(max(count // 100, 1))]
    lines = ["area a {", *(f"resource {name} {{ owner: user  actions read, write, sign }}" for name in types), "}"]
    roles = [f"r{at}" for at in range(max(count // 50, 2))]
    for role in roles:
        lines.append(f"role {role} {{")
        for _ in range(count // len(roles)):
            own = " when resource.owner == user.id" if dice.random() < 0.25 else ""
            lines.append(f"allow {dice.choice(('read', 'write', 'sign'))} on {dice.choice(types)}{own}")
        lines.append("}")
    users = {f"u{at}": {"assignments": [{"role": dice.choice(roles)}]} for at in range(REQUESTS)}
    asked = [_ask(user, dice.choice(("read", "write")), dice.choice(types), owner=user) for user in users]
    return Step(count, "\n".join(lines), {"users": users}, asked)


def _users(count: int) -> Step:
    """So many users; the same hundred ask."""
    text = f"area a {{ {TYPES} }}\nrole reader {{ allow read on note when resource.owner == user.id }}"
    users = {f"u{at}": {"assignments": [{"role": "reader"}]} for at in range(count)}
    step = max(count // REQUESTS, 1)
    asked = [_ask(f"u{at * step % count}", "read", "note", owner=f"u{at * step % count}") for at in range(REQUESTS)]
    return Step(count, text, {"users": users}, asked)


def _held(count: int) -> Step:
    """One user with so many roles, one of which decides."""
    lines = [
        f"area a {{ {TYPES} }}",
        *(f"role r{at} {{ allow write on note when resource.n == {at} }}" for at in range(count)),
    ]
    lines.append("role last { allow read on note }")
    held = [{"role": f"r{at}"} for at in range(count - 1)] + [{"role": "last"}]
    return Step(
        count, "\n".join(lines), {"users": {"ann": {"assignments": held}}}, [_ask("ann", "read", "note")] * REQUESTS
    )


def _depth(count: int) -> Step:
    """A place so deep below the one where the role is held."""
    text = f"scope top\nscope part in top\narea a {{ {TYPES} }}\nrole reader {{ allow read on note }}"
    places: dict[str, Any] = {"part/p0": {}}
    places.update({f"part/p{at}": {"parent": f"part/p{at - 1}"} for at in range(1, count)})
    users = {"ann": {"assignments": [{"role": "reader", "scope": "part/p0"}]}}
    asked = [_ask("ann", "read", "note", scope=f"part/p{count - 1}")] * REQUESTS
    return Step(count, text, {"users": users, "scopes": places}, asked)


def _conditions(count: int) -> Step:
    """So many conditions in the cell that is asked about; the last one decides."""
    rules = [f"allow read on note when resource.n == {at}" for at in range(count)]
    text = f"area a {{ {TYPES} }}\nrole reader {{ {'  '.join(rules)} }}"
    asked = [_ask("ann", "read", "note", n=count - 1)] * REQUESTS
    return Step(count, text, {"users": {"ann": {"assignments": [{"role": "reader"}]}}}, asked)


def _ask(user: str, action: str, resource_type: str, **properties: Any) -> Ask:
    return user, action, {"type": resource_type, "id": "n1", "properties": properties}


CURVES = (
    Curve("rules", (100, 1_000, 10_000, 100_000), (100, 400), _rules, 0.1),
    Curve("users", (100, 1_000, 10_000, 100_000, 1_000_000), (100, 400), _users, 0.1),
    Curve("roles of one user", (1, 10, 100, 1_000), (1, 10), _held, 0.1),
    Curve("depth of places", (1, 10, 100), (1, 10), _depth, 0.1),
    Curve("conditions in one cell", (1, 10, 100, 1_000), (1, 10), _conditions, 1.05),
)


# -- measuring -------------------------------------------------------------------------------------------------------


def measure(quick: bool) -> list[Figure]:
    """A figure for each curve and way, with the exponent."""
    found: list[Figure] = []
    for curve in CURVES:
        points = [_point(curve.make(size)) for size in (curve.quick if quick else curve.sizes)]
        for way, unit, values, most in (
            ("`allows`", "µs", [point.allows for point in points], curve.most),
            ("columns", "ns", [point.columns for point in points], None),
            ("getting ready", "s", [point.ready for point in points], None),
            ("memory", "MiB", [point.memory for point in points], None),
        ):
            listed = " · ".join(f"{point.size:,}: {value:,.3g}" for point, value in zip(points, values, strict=True))
            power = exponent([point.size for point in points], values)
            target = f"e ≤ {most}" if most is not None else ""
            met = power <= most if most is not None and not quick else None
            found.append(Figure(f"{curve.name}: {way}", f"{listed} {unit}; e = {power:.2f}", target, met))
    return found


def exponent(sizes: Sequence[int], values: Sequence[float]) -> float:
    """The e of value ~ size^e, by least squares on the logarithms."""
    x, y = [math.log(size) for size in sizes], [math.log(max(value, 1e-12)) for value in values]
    mean_x, mean_y = sum(x) / len(x), sum(y) / len(y)
    spread = sum((one - mean_x) ** 2 for one in x)
    return sum((one - mean_x) * (other - mean_y) for one, other in zip(x, y, strict=True)) / spread


def _point(step: Step) -> Point:
    text = json.dumps(step.directory)
    gc.collect()
    began = process_time()
    pdp = _bound(step.policy, text)
    ready = process_time() - began
    tracemalloc.start()
    again = _bound(step.policy, text)
    memory = tracemalloc.get_traced_memory()[0] / 2**20
    tracemalloc.stop()
    del again
    return Point(step.size, _allows(pdp, step.asked), _columns(pdp, step.asked), ready, memory)


def _bound(policy: str, directory: str) -> Pdp:
    return Policy.from_sources({"scale.remit": policy}).bind(Directory.from_text(directory, "directory.json"))


def _allows(pdp: Pdp, asked: Sequence[Ask]) -> float:
    """Microseconds of a decision, asked before; the least of several turns."""
    for ask in asked:
        pdp.allows(*ask)
    return min(_turns(lambda: [pdp.allows(*ask) for ask in asked for _ in range(20)])) * 1e6 / len(asked) / 20


def _columns(pdp: Pdp, asked: Sequence[Ask]) -> float:
    """Nanoseconds of a decision as columns of codes."""
    import pyarrow as pa

    rows = list(asked) * 1000
    names = sorted(rows[0][2]["properties"])
    texts = {
        "user": [row[0] for row in rows],
        "action": [row[1] for row in rows],
        "type": [row[2]["type"] for row in rows],
    }
    texts |= {f"resource.{name}": [row[2]["properties"][name] for row in rows] for name in names}
    columns = {name: pa.array(values).dictionary_encode() for name, values in texts.items()}
    answers, expected = pdp.decide_many(columns).allowed, [pdp.allows(*ask) for ask in asked]
    if answers[: len(asked)].tolist() != expected:
        raise RuntimeError("columns are decided otherwise than `allows` decides")
    return min(_turns(lambda: pdp.decide_many(columns))) * 1e9 / len(rows)


def _turns(work: Callable[[], object]) -> Iterator[float]:
    for _ in range(TURNS):
        began = process_time()
        work()
        yield process_time() - began
