"""The text of a policy without what it says to people."""

from __future__ import annotations

from remit.lint.bare_text import bare, claim
from remit.source import Source, Span


def test_offsets_stay() -> None:
    """Comments, strings and names in backticks are blanked, and all else stays where it was."""
    text = 'allow `a "b` on t  # "c" `d`\nwhen resource.x == "e # \\" }" and y'
    said = bare(text)
    assert said == "allow ______ on t           \nwhen resource.x ==            and y"
    assert len(said) == len(text)


def test_claim_is_without_its_reason() -> None:
    """A rule is underlined without its reason, and whole where it has none."""
    for rule, expected in (
        ('allow a on t because "b because c"', "allow a on t"),
        ('allow a on t when x  because # why\n  "b"', "allow a on t when x"),
        ("allow because on t", "allow because on t"),
    ):
        source = Source("main.remit", f"role r {{ {rule} }}")
        assert claim(Span(source, 9, 9 + len(rule))).text == expected
