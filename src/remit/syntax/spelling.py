"""Names that deceive: backticks allow any text, so what cannot be seen, or passes for another letter, is refused."""

from __future__ import annotations

import unicodedata

from remit.diagnostics import Diagnostic
from remit.source import Span

_UNSEEN = ("Cf", "Cc", "Co", "Cs", "Zl", "Zp")
_LOOK_LATIN = {"CYRILLIC", "GREEK", "CHEROKEE", "ARMENIAN"}  # alphabets with letters that pass for a, e, o, p, …


def deceptive(name: str, span: Span) -> Diagnostic | None:
    """The finding for a name with an unseen character, or with letters of two alphabets that look alike."""
    if name.isascii() and name.isprintable():
        return None
    for character in name:
        if unicodedata.category(character) in _UNSEEN:
            message = f"this name holds an unseen character, U+{ord(character):04X}"
            return Diagnostic("E113", message, span, help="remove it: two names must not look the same")
    scripts = {_script(character) for character in name if character.isalpha()}
    if "LATIN" in scripts and scripts & _LOOK_LATIN:
        other = next(character for character in name if _script(character) in _LOOK_LATIN)
        named = unicodedata.name(other).lower()
        message = f"this name mixes look-alike letters: `{other}` is {named}"
        return Diagnostic("E113", message, span, help="use one alphabet")
    return None


def _script(character: str) -> str:
    return unicodedata.name(character, "?").split()[0]
