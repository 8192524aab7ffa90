"""Whether every comment of a text is where it belongs in another that says the same: between the same two words, behind
the one or on a line of its own before the other.

Both texts are read as one sequence of tokens and comments. A comment's *place* is the number of words before it; signs
that the printer may leave out do not count, parentheses and commas. The printer has one freedom: from inside what is
never parted (`resource.status`, `(treats`, `x,`, `{}`) a comment goes behind that, and from before a `{` behind it.

    allow sign # one        place 2       allow sign  # one        place 2: kept
      on resource. # two    place 5         on resource.x  # two   place 6, the end of `resource.x`: kept
      x                                                            anywhere else: moved
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import NamedTuple

from remit.syntax.printing_words import TO_THE_LEFT, TO_THE_RIGHT, TOKEN

# A comment on a line of its own is one token with the line end before it.
_MARKED = re.compile(rf"\n[^\S\n]*#[^\n]*|{TOKEN.pattern}")
_UNCOUNTED = frozenset({"(", ")", ","})


class _Place(NamedTuple):
    """A comment, how many words are before it, and before what it may go behind. `follows`: another comment is right
    before it."""

    text: str
    own: bool
    follows: bool
    at: int
    end: int


def marked(text: str) -> list[str]:
    """The tokens and comments of a text; those on lines of their own begin with the line end."""
    return _MARKED.findall(f"\n{text}")


def words(tokens: Sequence[str]) -> list[str]:
    """The tokens without the comments."""
    return [token for token in tokens if token[0] not in "#\n"]


def kept(before: Sequence[str], after: Sequence[str]) -> bool:
    """Whether the comments of two texts are the same, each in its place. A comment that was behind a word may come to a
    line of its own where another is behind that word already."""
    old, new = list(_places(before)), list(_places(after))
    if len(old) != len(new):
        return False
    return all(
        one.text == other.text
        and other.at in (one.at, one.end)
        and (one.own == other.own or (other.own and other.follows))
        for one, other in zip(old, new, strict=True)
    )


def _places(tokens: Sequence[str]) -> Iterator[_Place]:
    """The places of the comments, in order."""
    found = [number for number, token in enumerate(tokens) if token[0] in "#\n"]
    if not found:
        return
    signs = words(tokens)
    counts = [0, *accumulate(sign not in _UNCOUNTED for sign in signs)]  # words among so many signs
    for before, number in enumerate(found):
        at = end = number - before  # signs before the comment
        while 0 < end < len(signs) and _joined(signs[end - 1], signs[end]):
            end += 1
        if end == at < len(signs) and signs[at] == "{":
            end += 1
        follows = before > 0 and found[before - 1] == number - 1
        yield _Place(tokens[number].strip(), tokens[number][0] == "\n", follows, counts[at], counts[end])


def _joined(left: str, right: str) -> bool:
    """Whether no comment is written between two signs."""
    return right in TO_THE_LEFT or left in TO_THE_RIGHT or (left == "{" and right == "}")
