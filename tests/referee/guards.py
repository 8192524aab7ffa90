"""Guards (SEMANTICS 8), counted over everybody, at every moment that can matter, before and after."""

from __future__ import annotations

from referee.decide import (
    ROOT,
    Held,
    assigned,
    current_name,
    groups_of,
    individual_first,
    names_held,
    places,
)

from remit.directory.shape import Directory
from remit.model.policy import Guard, Model

Counted = dict[tuple[str | None, str], int]  # of a place (None: of all) and, where a guard counts by person, a person


def first_broken(model: Model, before: Directory, after: Directory, now: int) -> str | None:
    """8: the first guard, by name, that something gets worse for, now or at a later `from` or `until`."""
    guards = {name: guard for layer in model.layers() for name, guard in layer.guards.items()}
    for name in sorted(guards):
        for time in [now, *moments(before, after, now)]:
            if worse(guards[name], *(counted(model, one, guards[name], time) for one in (before, after))):
                return name
    return None


def moments(before: Directory, after: Directory, now: int) -> list[int]:
    """8: every later `from` and `until`."""
    found: set[int] = set()
    for directory in (before, after):
        for holder in [*directory.users.values(), *directory.groups.values()]:
            for item in holder.assignments:
                found.update(time for time in (item.start, item.end) if time is not None and time > now)
    return sorted(found)


def worse(guard: Guard, before: Counted, after: Counted) -> bool:
    """8: a count below its least falls, one above its most rises, a person newly combines two roles. 013: a new place
    has no count that could fall, but what is held above it is held there at once."""
    for (place, person), count in after.items():
        past = before.get((place, person), 0)
        if guard.kind == "least" and count < guard.count and count < past:
            return True
        most = 0 if guard.kind == "never" else guard.count
        if guard.kind != "least" and count > most and count > past:
            return True
    return False


def counted(model: Model, directory: Directory, guard: Guard, time: int) -> Counted:
    """8: what the guard counts: at the root or anywhere, `per KIND` at each instance with what is held above it."""
    found: Counted = {}
    named = [carriers(model, role) for role in (guard.role, guard.other) if role]
    for place in counted_at(model, directory, guard):
        here = None if place is None else places(model, directory, place or model.root) or frozenset({ROOT})
        holders = 0
        for user in directory.users.values():
            everything = all_held(model, directory, user.id, time)
            held = [one for one in everything if here is None or one.place in here]
            if guard.kind == "least":
                held = [one for one in held if not hides(model, one, everything)]
            roles = {one.role for one in held}
            if guard.kind == "per_user":
                found[place, user.id] = len(roles)
            elif guard.kind == "never":
                found[place, user.id] = int(all(roles & carrying for carrying in named))
            elif roles & named[0] and not (guard.active and user.status != "active"):
                holders += 1
        if guard.kind in ("least", "most"):
            found[place, ""] = holders
    return found


def counted_at(model: Model, directory: Directory, guard: Guard) -> list[str | None]:
    """8: `at least` counts at the root, the others anywhere (None), `per KIND` at each place of the kind."""
    if not guard.per:
        return [ROOT] if guard.kind == "least" else [None]
    if guard.per == model.root:
        return [ROOT]
    return [name for name in sorted(directory.scopes) if name.partition("/")[0] == guard.per]


def carriers(model: Model, role: str) -> set[str]:
    """3: the roles that are the role or include it."""
    name = current_name(model, role)
    return {other for other in model.role_names() if name in names_held(model, other)}


def hides(model: Model, held: Held, everything: list[Held]) -> bool:
    """3: whether an individual assignment at its place hides what a group gives there."""
    if held.individual or not individual_first(model):
        return False
    return any(other.individual and other.place == held.place for other in everything)


def all_held(model: Model, directory: Directory, user: str, time: int) -> list[Held]:
    """3: every role of the policy that counts for the user at the time, hidden ones too."""
    if user not in directory.users:
        return []
    found = [assigned(model, time, item, individual=True) for item in directory.users[user].assignments]
    for name in sorted(groups_of(directory, user)):
        found += [assigned(model, time, item, individual=False) for item in directory.groups[name].assignments]
    return [one for one in found if one is not None]
