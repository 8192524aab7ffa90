"""A comment or a string holds a character that cannot be seen, or a word in which a letter of another alphabet passes
for a Latin one; or a string looks like another of the same file and is not. Whoever reviews a change reads
something else than what is compiled. Names are held to this by the compiler itself (E113, E007), and so is what
stands between words (E002).

Unseen are marks that turn the direction of reading (U+202A to U+202E, U+2066 to U+2069), blanks without width,
control characters and the like. Joiners stay where letters or signs other than Latin need them, and direction marks
(U+200E, U+200F, U+061C) in a text with letters written from right to left. Words are judged one by one: a comment may
change between alphabets as it likes.

It would have caught a comment that ended, to the eye, before a line that it held in truth: the `deny` that reviewers
saw was a part of the comment.

The fix writes an unseen character of a string as `\\u{…}` and takes one out of a comment. That is safe: the string is
the same. Look-alike letters are left to whoever knows what was meant.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import NamedTuple

from remit.diagnostics import Diagnostic, Edit, Fix, Label
from remit.lint.bare_text import SPOKEN
from remit.lint.rule import rule
from remit.source import Source, Span

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]|\r(?!\n)")
_ESCAPE = re.compile(r"\\(?:u\{[^}]*\}|.)")
_WORD = re.compile(r"[^\W\d_]+")
_FLAG = re.compile("\U0001f3f4[\U000e0020-\U000e007e]+\U000e007f")  # the flag of a region is spelt in unseen letters
_UNSEEN = ("Cf", "Cc", "Co", "Cs", "Zl", "Zp")
_TURNING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_JOINERS = frozenset("\u200c\u200d")
_DIRECTIONS = frozenset("\u200e\u200f\u061c")
_LOOK_ALIKE = dict(
    zip(
        "аеорсухіјѕһӏԁԛԝАВЕКМНОРСТУХІЈЅԌԚԜονΑΒΕΖΗΙΚΜΝΟΡΤΥΧօսհոցյՏԼՍՕᎠᎡᎢᎪᎫᎬᎳᎷᎻᏀᏃᏒᏚᏙᏞᏟᏢᏦᏴ",
        "aeopcyxijshldqwABEKMHOPCTYXIJSGQWovABEZHIKMNOPTYXouhngjSLUODRTAJEWMHGZRSVLCPKB",
        strict=True,
    )
)
_TO_LATIN = str.maketrans(_LOOK_ALIKE)


class _Spoken(NamedTuple):
    """A comment or string: where it begins, and its text with escapes and flags blanked."""

    what: str
    start: int
    text: str


@rule("W002", "confusable-text", needs="text")
def check(source: Source) -> Iterator[Diagnostic]:
    if source.text.isascii() and not _CONTROL.search(source.text):
        return
    for spoken in _spoken(source.text):
        unseen = [at for at in range(len(spoken.text)) if _is_unseen(spoken.text, at)]
        if unseen:
            yield _unseen(source, spoken, unseen)
        words = [word for word in _WORD.finditer(spoken.text) if _is_mixed(word[0])]
        for word in words:
            letter = next(letter for letter in word[0] if letter in _LOOK_ALIKE)
            named = unicodedata.name(letter).lower()
            yield check.finding(
                f"`{letter}` ({named}) in this {spoken.what} looks like `{_LOOK_ALIKE[letter]}`",
                Span(source, spoken.start + word.start(), spoken.start + word.end()),
                help=f"write `{word[0].translate(_TO_LATIN)}` in one alphabet",
            )
        if spoken.what == "string" and not words and not unseen:
            yield from _twin(source, spoken)


def _spoken(text: str) -> Iterator[_Spoken]:
    for found in SPOKEN.finditer(text):
        inner = found[0]
        if inner[0] == "`" or (inner.isascii() and not _CONTROL.search(inner)):
            continue
        if inner[0] == "#":
            inner = inner.removesuffix("\r")
        else:
            inner = _ESCAPE.sub(lambda escape: " " * len(escape[0]), inner)
        inner = _FLAG.sub(lambda flag: " " * len(flag[0]), inner)
        yield _Spoken("comment" if inner[0] == "#" else "string", found.start(), inner)


def _is_unseen(text: str, at: int) -> bool:
    character = text[at]
    if character in " \t" or unicodedata.category(character) not in _UNSEEN:
        return False
    if character in _JOINERS:
        return not any(_needs_joining(near) for near in (text[at - 1 : at], text[at + 1 : at + 2]))
    if character in _DIRECTIONS:
        return not any(unicodedata.bidirectional(other) in ("R", "AL") and other.isalpha() for other in text)
    return True


def _needs_joining(near: str) -> bool:
    """A letter of an alphabet whose letters join, or a sign such as those that are put together of several."""
    kind = unicodedata.category(near)[0] if near > "\u02ff" else ""
    return kind in ("L", "M", "S")


def _unseen(source: Source, spoken: _Spoken, found: list[int]) -> Diagnostic:
    first = spoken.text[found[0]]
    named = unicodedata.name(first, "").lower()
    label = f"{named}: what follows is not in the order it seems" if first in _TURNING else named
    at = spoken.start + found[0]
    edits = tuple(
        Edit(
            Span(source, spoken.start + here, spoken.start + here + 1),
            f"\\u{{{ord(spoken.text[here]):x}}}" if spoken.what == "string" else "",
        )
        for here in found
    )
    help, title = "remove it", "remove what cannot be seen"
    if spoken.what == "string":
        help, title = f"remove it, or write {edits[0].text}", "write it so that it can be seen"
    message = f"this {spoken.what} holds an unseen character, U+{ord(first):04X}"
    return check.finding(message, Span(source, at, at + 1), label, help, fix=Fix(title, edits))


def _is_mixed(word: str) -> bool:
    """Latin letters, and others that all pass for Latin ones."""
    if word.isascii():
        return False
    foreign = [letter for letter in word if not unicodedata.name(letter, "").startswith("LATIN")]
    return 0 < len(foreign) < len(word) and all(letter in _LOOK_ALIKE for letter in foreign)


def _twin(source: Source, spoken: _Spoken) -> Iterator[Diagnostic]:
    """Another string of the file that looks the same in Latin letters alone."""
    latin = spoken.text.translate(_TO_LATIN)
    if latin == spoken.text or not latin.isascii():
        return
    for found in SPOKEN.finditer(source.text):
        if found[0] == latin:
            letter = next(letter for letter in spoken.text if letter in _LOOK_ALIKE)
            yield check.finding(
                f"this string looks like `{latin}` and is another",
                Span(source, spoken.start, spoken.start + len(spoken.text)),
                label=f"`{letter}` is {unicodedata.name(letter).lower()}",
                help="use one alphabet",
                secondary=[Label(Span(source, *found.span()), "the other")],
            )
            return
