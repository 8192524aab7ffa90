"""Text from outside, made safe for a terminal."""

from __future__ import annotations


def safe(text: str) -> str:
    """Text from outside on one line of a terminal: what is not printable, line ends too, as `\\u{…}`."""
    return text if text.isprintable() else "".join(printed(character) for character in text)


def printed(character: str) -> str:
    """One character as it may be shown."""
    return character if character.isprintable() else f"\\u{{{ord(character):x}}}"
