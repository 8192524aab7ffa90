"""A change in the policy's own words: what it was and is, whom it concerns, an example. Text only, no layout.

allow … when resource.amount <= 500   →   allow …        when resource.amount <= 500  →  always
allow … when own, deny … when sealed                     when own, unless sealed
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from remit.analysis.concerned import Person
from remit.analysis.folding import GAINS, LOSSES, Cell, Entry
from remit.analysis.folding import Term as Said
from remit.analysis.reviewing import Review
from remit.model import expression as ex
from remit.proof.beside import Beside
from remit.proof.case import Case
from remit.proof.compare import OpenCell
from remit.proof.people import OpenPerson
from remit.report.escape import safe
from remit.report.listing import counted
from remit.report.words import value_text
from remit.table.shape import RuleEntry

Path = Callable[[str], str]  # a policy's file → the path that the reader knows it by
_MOST_ALTERNATIVES = 3
_MOST_NAMES = 5
_MOST_SUBJECTS = 5  # in the head line
_NO_ROLE = "who holds no role"
_ABOUT = {"type": "resource type", "scope": "scope kind"}
_HOW = {"added": "is new", "removed": "is gone", "changed": "changed"}


class Paths(NamedTuple):
    """How files of either side are called."""

    old: Path
    new: Path


# -- before and after --------------------------------------------------------------------------------------------------


def before_words(entry: Entry) -> str:
    """What it was: `never`, `always`, `when …`, `unless …`; `as viewer may`, where that is what it includes."""
    if entry.lent:
        return "never" if entry.kind == "gained" else _lent_words(entry)
    return _terms_words(entry, entry.before)


def after_words(entry: Entry) -> str:
    """What it is now."""
    if entry.lent:
        return "never" if entry.kind == "lost" else _lent_words(entry)
    return _terms_words(entry, entry.after)


def _terms_words(entry: Entry, terms: Iterable[Said]) -> str:
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


def kept_words(review: Review) -> str:
    """The denies that bind before and after, which before and after leave out; empty where there are none."""
    texts = dict.fromkeys(safe(text) for entry in review.entries for _, text in entry.kept if text)
    shown = list(texts)[:_MOST_NAMES]
    if not shown:
        return ""
    more = f" and {len(texts) - len(shown)} more" if len(texts) > len(shown) else ""
    return f"{', '.join(shown)}{more}"


# -- who and what ------------------------------------------------------------------------------------------------------


def who_words(entry: Entry, most: int = 3) -> str:
    """`vet`, `vet, owner`, `everyone`."""
    if entry.block:
        return entry.block
    if not entry.who:
        return _NO_ROLE
    return names(entry.who, most)


def names(some: Sequence[str], most: int = _MOST_NAMES) -> str:
    """`ann, bob, cyd and 7 more`."""
    shown = ", ".join(safe(name) for name in some[:most])
    return shown if len(some) <= most else f"{shown} and {len(some) - most:,} more"


def through_words(entry: Entry) -> str:
    """`also vet, owner, which include it`; empty where there are none."""
    if not entry.through:
        return ""
    verb = "includes" if len(entry.through) == 1 else "include"
    return f"also {names(entry.through)}, which {verb} {'it' if len(entry.who) == 1 else 'them'}"


def cells_words(cells: Sequence[Cell], most: int = 6) -> str:
    """`read, update on customer, deal; delete on deal`: types with the same actions together."""
    actions: dict[str, list[str]] = {}
    for name, action in cells:
        actions.setdefault(name, []).append(action)
    types: dict[tuple[str, ...], list[str]] = {}
    for name, some in actions.items():
        types.setdefault(tuple(some), []).append(name)
    said = [f"{names(some, most)} on {names(alike, most)}" for some, alike in types.items()]
    return "; ".join(said[:most]) + (f"; and {len(said) - most} more" if len(said) > most else "")


def scopes_words(entry: Entry) -> str:
    """` at branch/north`, where it is so at some places alone."""
    if not entry.scopes:
        return ""
    places = [scope for scope in entry.scopes if scope is not None]
    return f" at {names(places, 3)}" if places else " where no place is named"


def forbids_words(entry: Entry) -> str:
    """What is said of the denies of a role, where that is not all in before and after."""
    if entry.part == "forbids":
        return "what it forbids to whom another role allows it"
    return "so too for whom another role allows it" if entry.forbids_too else ""


# -- places ------------------------------------------------------------------------------------------------------------


def place_words(entry: Entry, paths: Paths, most: int = 2) -> str:
    """The lines that made it: `roles.remit:19`; `was roles.remit:8` where the line is gone."""
    if entry.declared is not None:
        place, gone = entry.declared
        return ("was " if gone else "") + safe(f"{(paths.old if gone else paths.new)(place.file)}:{place.line}")
    rules, gone = entry.blamed
    lines = _lines(rules, paths.old if gone else paths.new)
    more = f" and {len(lines) - most} more" if len(lines) > most else ""
    return ("was " if gone and lines else "") + ", ".join(lines[:most]) + more


def _lines(rules: Iterable[RuleEntry], path: Path) -> list[str]:
    return list(dict.fromkeys(safe(f"{path(rule.place.file)}:{rule.place.line}") for rule in rules))


def lent_words(entry: Entry) -> str:
    """Where the line is another role's: `by a line of viewer`; empty where it is their own."""
    rules, _ = entry.blamed
    owners = dict.fromkeys(rule.role or rule.block or "" for rule in rules)
    if entry.block or entry.lent or not owners or {*owners} & {*entry.who} or not entry.who:
        return ""
    return f"by a line of {names(list(owners), 3)}"


def rule_text(rule: RuleEntry) -> str:
    """The rule as it is written, on one line."""
    return safe(" ".join(rule.place.text.split()))


# -- people ------------------------------------------------------------------------------------------------------------


def people_words(entry: Entry) -> str:
    """`3 people: ann, bob, cyd (disabled)`; empty where there is no directory."""
    if entry.people is None:
        return ""
    if not entry.people:
        return "nobody is without a role" if not entry.who else f"nobody holds {names(entry.who, 3)}"
    people = "1 person" if len(entry.people) == 1 else f"{len(entry.people):,} people"
    return f"{people}: {names([_person(person) for person in entry.people])}"


def _person(person: Person) -> str:
    return person.id if person.status == "active" else f"{person.id} ({person.status})"


def example_words(entry: Entry) -> str:
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
    missing = [name for name in case.missing if name in read or entry.kind == "incomplete_only"]
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
        if rule.condition is not None and " ".join(rule.condition_text.split()) not in kept:
            yield from ex.attributes(rule.condition)


# -- the whole ---------------------------------------------------------------------------------------------------------


def head_words(review: Review, quote: Callable[[str], str]) -> str:
    """`vet` gains 1 permission, `viewer` loses 1. Where there are many roles, they are counted."""
    if not review.entries:
        if review.unproven:
            return f"it could not be told whether {counted(len(review.unproven), 'permission')} changed"
        return "no role allows or forbids anything else" if review.by == "role" else "nobody may anything more or less"
    by_who: dict[str, dict[str, int]] = {}
    by_kind: dict[str, dict[str, int]] = {}
    for entry in review.entries:
        what = _verb(entry.kind)
        for who in entry.who or (entry.block or _NO_ROLE,):
            for inner, key in ((by_who.setdefault(who, {}), what), (by_kind.setdefault(what, {}), who)):
                inner[key] = inner.get(key, 0) + len(entry.cells)
    parts: list[str] = []
    if len(by_who) <= _MOST_SUBJECTS:
        for who, kinds in by_who.items():
            did = [_did(what, count, True, not parts and not at) for at, (what, count) in enumerate(kinds.items())]
            parts.append(f"{who if who == _NO_ROLE else quote(who)} {' and '.join(did)}")
        return ", ".join(parts)
    for what, counts in by_kind.items():
        thing = "user" if review.by == "user" else "role"
        many = quote(next(iter(counts))) if len(counts) == 1 else counted(len(counts), thing)
        parts.append(f"{many} {_did(what, sum(counts.values()), len(counts) == 1, not parts)}")
    return ", ".join(parts)


def _verb(kind: str) -> str:
    return "gain" if kind in GAINS else "lose" if kind in LOSSES else kind


def _did(what: str, count: int, one: bool, first: bool) -> str:
    number = counted(count, "permission") if first else f"{count:,}"
    if what in ("gain", "lose"):
        return f"{what}{'s' if one else ''} {number}"
    changed = f"{'sees' if one else 'see'} {number} change"
    return changed if what == "changed" else f"{changed} on incomplete requests"


def beside_words(one: Beside, quote: Callable[[str], str]) -> str:
    """`guard `last_owner` is gone`."""
    about = _ABOUT.get(one.about, one.about)
    more = f": {safe(one.what)}" if one.what else ""
    return f"{about} {quote(safe(one.name))} {_HOW[one.how]}{more}"


def unproven_words(one: OpenCell | OpenPerson) -> str:
    """`vet: refund on invoice`."""
    if isinstance(one, OpenPerson):
        return f"{safe(one.user)}: {safe(one.action)} on {safe(one.type)}"
    part = "what it forbids to others: " if one.part == "forbids" else ""
    return f"{names(one.roles, 3) or _NO_ROLE}: {part}{safe(one.action)} on {safe(one.type)}"
