"""An entry in the policy's own words: what it was and is, whom it concerns, an example. Text only, no layout: a format
quotes names as it can.

allow … when resource.amount <= 500   →   allow …        when resource.amount <= 500  →  always
allow … when own, deny … when sealed                     when own, unless sealed
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from remit.analysis.concerned import Person
from remit.analysis.folding import Cell, Entry
from remit.analysis.wording import Term, condition_words
from remit.model import expression as ex
from remit.proof.case import Case
from remit.report.escape import safe
from remit.report.words import value_text
from remit.table.shape import Place

Path = Callable[[str], str]  # a policy's file → the path that the reader knows it by
Quote = Callable[[str], str]  # a text from outside, which was made safe → as the format shows it
_MOST_ALTERNATIVES = 3
MOST_NAMES = 5
NO_ROLE = "who holds no role"


class Paths(NamedTuple):
    """How files of either side are called."""

    old: Path
    new: Path


class Told(NamedTuple):
    """An entry in words; what does not concern it is empty. `more` are lines that belong below it."""

    who: str
    what: str
    before: str
    after: str
    place: str
    through: str
    people: str
    more: tuple[str, ...]


def told(entry: Entry, paths: Paths, quote: Quote = str, most_who: int = 3, most_cells: int = 6) -> Told:
    """The entry in words, of at most so many roles or users, and actions and types."""
    more = (_lent_by(entry, quote), _forbids_words(entry), f"for example: {quote(_example_words(entry))}")
    return Told(
        _who_words(entry, most_who),
        _cells_words(entry.cells, most_cells) + _scopes_words(entry),
        _before_words(entry),
        _after_words(entry),
        _place_words(entry, paths, quote),
        _through_words(entry, quote),
        _people_words(entry, quote),
        tuple(line for line in more if line),
    )


# -- before and after --------------------------------------------------------------------------------------------------


def _before_words(entry: Entry) -> str:
    """What it was: `never`, `always`, `when …`, `unless …`; `as viewer may`, where that is what it includes."""
    if entry.lent:
        return "never" if entry.kind == "gained" else _lent_words(entry)
    return _terms_words(entry, entry.before)


def _after_words(entry: Entry) -> str:
    """What it is now."""
    if entry.lent:
        return "never" if entry.kind == "lost" else _lent_words(entry)
    return _terms_words(entry, entry.after)


def _terms_words(entry: Entry, terms: Iterable[Term]) -> str:
    some = list(terms)
    denies = [text for effect, text in some if effect == "deny"]
    if entry.part == "forbids":
        return "never" if not denies else "always" if "" in denies else f"when {_any(denies)}"
    allows = [text for effect, text in some if effect == "allow"]
    if not allows or "" in denies:
        return "never"
    unless = f"unless {_any(denies)}" if denies else ""
    if "" in allows:
        return unless or "always"
    return f"when {_any(allows)}" + (f", {unless}" if unless else "")


def _lent_words(entry: Entry) -> str:
    return f"as {names(entry.lent, 3)} may"


def _any(texts: Sequence[str]) -> str:
    """Alternatives; `or` binds least, so none needs brackets."""
    if len(texts) > _MOST_ALTERNATIVES:
        return f"one of {len(texts)} conditions holds"
    return " or ".join(safe(text) for text in texts)


# -- who and what ------------------------------------------------------------------------------------------------------


def _who_words(entry: Entry, most: int = 3) -> str:
    """`vet`, `vet, owner`, `everyone`."""
    if entry.block:
        return entry.block
    if not entry.who:
        return NO_ROLE
    return names(entry.who, most)


def names(some: Sequence[str], most: int = MOST_NAMES) -> str:
    """`ann, bob, cyd and 7 more`."""
    shown = ", ".join(safe(name) for name in some[:most])
    return shown if len(some) <= most else f"{shown} and {len(some) - most:,} more"


def _through_words(entry: Entry, quote: Quote) -> str:
    """`also vet, owner, which include it`; empty where there are none."""
    if not entry.through:
        return ""
    verb = "includes" if len(entry.through) == 1 else "include"
    return f"also {quote(names(entry.through))}, which {verb} {'it' if len(entry.who) == 1 else 'them'}"


def _cells_words(cells: Sequence[Cell], most: int = 6) -> str:
    """`read, update on customer, deal; delete on deal`: types with the same actions together."""
    actions: dict[str, list[str]] = {}
    for name, action in cells:
        actions.setdefault(name, []).append(action)
    types: dict[tuple[str, ...], list[str]] = {}
    for name, some in actions.items():
        types.setdefault(tuple(some), []).append(name)
    said = [f"{names(some, most)} on {names(alike, most)}" for some, alike in types.items()]
    return "; ".join(said[:most]) + (f"; and {len(said) - most} more" if len(said) > most else "")


def _scopes_words(entry: Entry) -> str:
    """` at branch/north`, where it is so at some places alone, and ` from 2030-01-01T00:00:00Z on`."""
    since = f" from {entry.since} on" if entry.since else ""
    if not entry.scopes:
        return since
    places = [scope for scope in entry.scopes if scope is not None]
    return (f" at {names(places, 3)}" if places else " where no place is named") + since


def _forbids_words(entry: Entry) -> str:
    """What is said of the denies of a role, where that is not all in before and after."""
    if entry.part == "forbids":
        return "what it forbids to whom another role allows it"
    return "so too for whom another role allows it" if entry.forbids_too else ""


# -- places ------------------------------------------------------------------------------------------------------------


def _place_words(entry: Entry, paths: Paths, quote: Quote, most: int = 2) -> str:
    """The lines that made it: `roles.remit:19`; `was roles.remit:8` where the line is gone."""
    if entry.declared is not None:
        place, gone = entry.declared
        return ("was " if gone else "") + quote(place_of(place, paths.old if gone else paths.new))
    rules, gone = entry.blamed
    lines = list(dict.fromkeys(place_of(rule.place, paths.old if gone else paths.new) for rule in rules))
    more = f" and {len(lines) - most} more" if len(lines) > most else ""
    return ("was " if gone else "") + quote(", ".join(lines[:most]) + more) if lines else ""


def place_of(place: Place, path: Path) -> str:
    """`roles.remit:19`."""
    return safe(f"{path(place.file)}:{place.line}")


def _lent_by(entry: Entry, quote: Quote) -> str:
    """Where the line is another role's: `by a line of viewer`; empty where it is their own."""
    rules, _ = entry.blamed
    owners = dict.fromkeys(rule.role or rule.block or "" for rule in rules)
    if entry.block or entry.lent or not owners or {*owners} & {*entry.who} or not entry.who:
        return ""
    return f"by a line of {quote(names(list(owners), 3))}"


# -- people ------------------------------------------------------------------------------------------------------------


def _people_words(entry: Entry, quote: Quote) -> str:
    """`3 people: ann, bob, cyd (disabled)`; empty where there is no directory."""
    if entry.people is None:
        return ""
    if not entry.people:
        return "nobody is without a role" if not entry.who else f"nobody holds {quote(names(entry.who, 3))}"
    people = "1 person" if len(entry.people) == 1 else f"{len(entry.people):,} people"
    return f"{people}: {quote(names([_person(person) for person in entry.people]))}"


def _person(person: Person) -> str:
    return person.id if person.status == "active" else f"{person.id} ({person.status})"


def _example_words(entry: Entry) -> str:
    """`ann may now refund invoice {amount: 501}`."""
    case = entry.example or entry.case
    resource_type, action = entry.cells[0]
    verb = "may now" if entry.now_allowed else "may no longer"
    asked = f"{_asker(entry)} {verb} {safe(action)} {safe(resource_type)}"
    return f"{asked}{_circumstances(entry, case)}"


def _asker(entry: Entry) -> str:
    if entry.example is not None:
        return safe(entry.example.user)
    if not entry.asking:
        users = entry.who if entry.part == "may" and not entry.block else ()
        return safe(users[0]) if users else "anybody" if entry.block == "everyone" else "somebody without a role"
    return f"somebody who holds {' and '.join(safe(role) for role in entry.asking[:3])}"


def _circumstances(entry: Entry, case: Case) -> str:
    """The values that the conditions of the change read; the others are as good as any."""
    read = {str(attr) for attr in _read(entry, case)}
    own = entry.example is None and bool(entry.asking or not entry.who)

    def value(one: object) -> str:
        return "their own id" if own and one == case.user else safe(value_text(one))

    useless = case.useless
    read -= set(useless)
    said = [
        f"{safe(ex.quoted(n))}: {value(v)}" for n, v in case.properties.items() if f"resource.{ex.quoted(n)}" in read
    ]
    if "resource.id" in read and case.id is not None:
        said.insert(0, f"id: {value(case.id)}")
    text = f" {{{', '.join(said)}}}" if said else ""
    scope = case.properties.get("scope")
    if isinstance(scope, str) and "/" in scope:
        text += f" at {safe(scope)}"
    around = [f"{safe(n)} {value(v)}" for n, v in case.context.items() if f"context.{ex.quoted(n)}" in read]
    around += [
        f"{safe(n)} {value(v)} of their own" for n, v in case.attributes.items() if f"user.{ex.quoted(n)}" in read
    ]
    if case.groups and "user.groups" in read:
        around.append(f"membership in {names(case.groups, 3)}")
    if around:
        text += f" with {', '.join(around)}"
    if useless:
        text += f" with an unusable {names(useless, 3)}"
    missing = [
        name for name in case.missing if name not in useless and (name in read or entry.kind == "incomplete_only")
    ]
    if missing:
        text += f" without {names(missing, 3)}"
    return text


def _read(entry: Entry, case: Case) -> Iterable[ex.Attr]:
    """What matters: for what is forbidden all of the case, since the other role's conditions are not here."""
    if entry.part == "forbids":
        given = {"resource": case.properties, "context": case.context, "user": case.attributes}
        yield from (ex.Attr(root, name) for root, values in given.items() for name in values if name != "scope")
        return
    kept = {text for _, text in entry.kept}
    for rule in (*entry.old, *entry.new):
        if rule.condition is not None and not (kept and condition_words(rule) in kept):
            yield from ex.attributes(rule.condition)
