"""A difference as a whole in words: the head line, the classes its entries fall into, the lines of the policy behind
them, what else changed. Text only, no layout.

`vet` gains 1 permission, `audit` no longer forbids 1 to others

What a role forbids to others is told as that, for the role itself may nothing more or less by it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from remit.analysis.folding import GAINS, LOSSES, Entry
from remit.analysis.reviewing import Review
from remit.proof.beside import Beside
from remit.proof.compare import Kind, OpenCell
from remit.proof.people import OpenPerson
from remit.report.diff_words import MOST_NAMES, NO_ROLE, Paths, Quote, names, place_of
from remit.report.escape import safe
from remit.report.listing import counted
from remit.table.shape import RuleEntry

_MOST_SUBJECTS = 5  # in the head line
_LONGEST_NAME = 60  # characters of an assert's name
_ABOUT = {"type": "resource type", "scope": "scope kind"}
_HOW = {"added": "is new", "removed": "is gone", "changed": "changed"}
TITLES: dict[Kind, str] = {
    "gained": "Gained",
    "widened": "Allowed in more cases",
    "changed": "Allowed in other cases",
    "narrowed": "Allowed in fewer cases",
    "lost": "Lost",
    "incomplete_only": "Only where a request leaves something out",
}
_FORBIDS = {  # what a role does to others: as a verb, behind it, and as a title
    "now": ("now {}", "to others", "Now forbidden to others"),
    "no longer": ("no longer {}", "to others", "No longer forbidden to others"),
    "more": ("{}", "to others in more cases", "Forbidden to others in more cases"),
    "fewer": ("{}", "to others in fewer cases", "Forbidden to others in fewer cases"),
    "other": ("{}", "to others in other cases", "Forbidden to others in other cases"),
    "incomplete": (
        "{}",
        "to others otherwise on incomplete requests",
        "Forbidden to others otherwise, only where a request leaves something out",
    ),
}


# -- the head line -----------------------------------------------------------------------------------------------------


def head_words(review: Review, quote: Quote) -> str:
    """`vet` gains 1 permission, `viewer` loses 1. Where there are many roles, they are counted."""
    if not review.entries:
        if review.unproven:
            return f"it could not be told whether {counted(len(review.unproven), 'permission')} changed"
        return "no role allows or forbids anything else" if review.by == "role" else "nobody may anything more or less"
    by_who: dict[str, dict[str, int]] = {}
    by_what: dict[str, dict[str, int]] = {}
    for entry in review.entries:
        what = _what(entry)
        for who in entry.who or (entry.block or NO_ROLE,):
            for inner, key in ((by_who.setdefault(who, {}), what), (by_what.setdefault(what, {}), who)):
                inner[key] = inner.get(key, 0) + len(entry.cells)
    parts: list[str] = []
    if len(by_who) <= _MOST_SUBJECTS:
        for who, kinds in by_who.items():
            did = [_did(what, count, True, not parts and not at) for at, (what, count) in enumerate(kinds.items())]
            parts.append(f"{who if who == NO_ROLE else quote(who)} {' and '.join(did)}")
        return ", ".join(parts)
    for what, counts in by_what.items():
        thing = "user" if review.by == "user" else "role"
        many = quote(next(iter(counts))) if len(counts) == 1 else counted(len(counts), thing)
        parts.append(f"{many} {_did(what, sum(counts.values()), len(counts) == 1, not parts)}")
    return ", ".join(parts)


def _what(entry: Entry) -> str:
    """What became of a permission: a word of the head line."""
    if entry.part == "may":
        return "gain" if entry.kind in GAINS else "lose" if entry.kind in LOSSES else entry.kind
    if entry.kind == "incomplete_only":
        return "incomplete"
    if entry.kind in GAINS:
        return "no longer" if not entry.after else "fewer"
    if entry.kind in LOSSES:
        return "now" if not entry.before else "more"
    return "other"


def _did(what: str, count: int, one: bool, first: bool) -> str:
    number = counted(count, "permission") if first else f"{count:,}"
    if what in _FORBIDS:
        verb, behind, _ = _FORBIDS[what]
        return f"{verb.format('forbids' if one else 'forbid')} {number} {behind}"
    if what in ("gain", "lose"):
        return f"{what}{'s' if one else ''} {number}"
    changed = f"{'sees' if one else 'see'} {number} change"
    return changed if what == "changed" else f"{changed} on incomplete requests"


# -- classes -----------------------------------------------------------------------------------------------------------


class Class(NamedTuple):
    """Entries that are shown below one title; `sign` is theirs (`+`, `-`, `~`, `?`)."""

    title: str
    sign: str
    entries: tuple[Entry, ...]


def classes(review: Review) -> list[Class]:
    """The entries by what became of them, in the order they are shown."""
    found: dict[tuple[str, str], list[Entry]] = {}
    for entry in review.entries:
        title = TITLES[entry.kind] if entry.part == "may" else _FORBIDS[_what(entry)][2]
        found.setdefault((title, entry.sign), []).append(entry)
    return [Class(*key, tuple(entries)) for key, entries in found.items()]


def kept_words(review: Review) -> str:
    """The denies that bind before and after, which before and after leave out; empty where there are none."""
    texts = dict.fromkeys(safe(text) for entry in review.entries for _, text in entry.kept if text)
    shown = list(texts)[:MOST_NAMES]
    if not shown:
        return ""
    more = f" and {len(texts) - len(shown)} more" if len(texts) > len(shown) else ""
    return f"{', '.join(shown)}{more}"


# -- the lines of the policy -------------------------------------------------------------------------------------------


class Line(NamedTuple):
    """A line behind a difference: `+` is new, `-` gone, a blank stands on both sides, and counts for others by what
    includes its role, or by what it names."""

    file: str
    number: int
    sign: str
    text: str

    @property
    def place(self) -> str:
        return f"{self.file}:{self.number}"


def lines_behind(entries: Iterable[Entry], review: Review, paths: Paths) -> list[Line]:
    """The lines that made these entries, each once, by place."""
    found: dict[Line, None] = {}
    gone: list[Line] = []
    for entry in entries:
        for rule in entry.caused_new:
            found[_line(rule, " " if rule.number in review.standing[1] else "+", paths.new(rule.place.file))] = None
        for rule in entry.caused_old:
            gone.append(_line(rule, " " if rule.number in review.standing[0] else "-", paths.old(rule.place.file)))
    shown = {line.text for line in found if line.sign == " "}
    found.update((line, None) for line in gone if line.sign == "-" or line.text not in shown)
    return sorted(found, key=lambda line: (line.file, line.number, line.sign == "+"))


def _line(rule: RuleEntry, sign: str, file: str) -> Line:
    return Line(safe(file), rule.place.line, sign, safe(" ".join(rule.place.text.split())))


# -- what else ---------------------------------------------------------------------------------------------------------


def beside_lines(review: Review, paths: Paths, quote: Quote, text: Quote = str) -> Iterator[str]:
    """`guard `last_owner` is gone`, one for each thing; `text` quotes what is no name. An assert is named by its title
    or its first words, and its line; one of the same title on both sides changed."""
    titles = [{claim.title for one, claim in review.claims.items() if one.how == how} for how in ("removed", "added")]
    both = (titles[0] & titles[1]) - {""}
    for one in review.beside:
        claim = review.claims.get(one)
        if claim is None:
            more = f": {text(safe(one.what))}" if one.what else ""
            yield f"{_ABOUT.get(one.about, one.about)} {quote(safe(one.name))} {_HOW[one.how]}{more}"
        elif claim.title not in both or one.how == "added":
            how = "changed" if claim.title in both else one.how
            removed = one.how == "removed"
            place = text(place_of(claim.place, paths.old if removed else paths.new))
            yield f"assert {quote(_claim_name(one, claim.title))} {_HOW[how]} ({'was ' if removed else ''}{place})"


def _claim_name(one: Beside, title: str) -> str:
    name = title or one.name.removeprefix("assert ")
    if len(name) > _LONGEST_NAME:
        name = name[:_LONGEST_NAME].rpartition(" ")[0] or name[:_LONGEST_NAME]
        name += " …"
    return safe(name)


def unproven_words(one: OpenCell | OpenPerson) -> str:
    """`vet: refund on invoice`."""
    if isinstance(one, OpenPerson):
        return f"{safe(one.user)}: {safe(one.action)} on {safe(one.type)}"
    part = "what it forbids to others: " if one.part == "forbids" else ""
    return f"{names(one.roles, 3) or NO_ROLE}: {part}{safe(one.action)} on {safe(one.type)}"
