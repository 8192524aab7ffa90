r"""JSON writes what lies beyond U+FFFF as two escapes, `"\ud83d\ude00"`; YAML knows no such pairs.

So the halves are masked by escapes of the same length before the text is parsed (offsets stay true), and the few
scalars that hold one are read again from the text itself: in double quotes with the pairs joined, `"\U0001f600"`;
anywhere else a backslash is just a backslash, and the mask is taken off.
"""

from __future__ import annotations

import re

HALF = re.compile(r"\\u[dD][89a-fA-F][0-9a-fA-F]{2}")
_MASKED_OR_NOT = re.compile(r"\\u[deDE][89a-fA-F][0-9a-fA-F]{2}")
_ESCAPE = re.compile(
    r"\\(?:u(?P<high>[dD][89abAB][0-9a-fA-F]{2})\\u(?P<low>[dD][c-fC-F][0-9a-fA-F]{2})"
    r"|(?P<lone>u[dD][89a-fA-F][0-9a-fA-F]{2})|.)",
    re.DOTALL,
)


def masked(text: str) -> str | None:
    r"""The text with each `\ud83d` as `\ue83d`, or None where it has none."""
    return HALF.sub(lambda half: f"\\ue{half[0][3:]}", text) if "\\u" in text and HALF.search(text) else None


def unmasked(value: str, raw: str) -> str:
    """A scalar's value without the masks; `raw` is how it was written. The escapes are the same ones, in order."""
    originals = iter(_MASKED_OR_NOT.findall(raw))
    return _MASKED_OR_NOT.sub(lambda found: next(originals, found[0]), value)


def joined(raw: str) -> tuple[str, list[tuple[int, int]]]:
    """A double-quoted scalar with its pairs as one escape each, and where in `raw` a half stands alone."""
    lone: list[tuple[int, int]] = []

    def rewrite(escape: re.Match[str]) -> str:
        if escape["high"]:
            high, low = int(escape["high"], 16), int(escape["low"], 16)
            return f"\\U{0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00):08x}"
        if escape["lone"]:
            lone.append(escape.span())
        return escape[0]

    return _ESCAPE.sub(rewrite, raw), lone
