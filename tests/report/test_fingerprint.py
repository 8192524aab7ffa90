"""A finding's fingerprint: the same as long as it is the same finding."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remit.diagnostics import Diagnostic
from remit.report.fingerprint import fingerprints
from remit.source import Source, Span

from .findings import FINDINGS

TEXT = "role vet {\n  allow read on record\n  allow sign on record\n}\n"


def finding(text: str, words: str, message: str = "m", code: str = "W305", path: str = "a.remit") -> Diagnostic:
    start = text.index(words)
    return Diagnostic(code, message, Span(Source("a.remit", text, path), start, start + len(words)))


def of(*findings: Diagnostic, folder: str = "/srv") -> list[str]:
    return fingerprints(findings, folder)


def test_lines_above_do_not_count() -> None:
    """Lines put above a finding, and another indentation, leave its fingerprint as it is."""
    moved = "# a comment\n\n" + TEXT.replace("  allow", "      allow")
    assert of(finding(TEXT, "allow read on record")) == of(finding(moved, "allow read on record"))


def test_white_space_does_not_count() -> None:
    """What is underlined may be laid out anew."""
    assert of(finding(TEXT, "allow read on record")) == of(
        finding("allow read\n\ton record", "allow read\n\ton record")
    )


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("as in roles.remit:14", "as in roles.remit:9"),
        ("as in roles.remit:14:21", "as in roles.remit:9:1"),
        ("as in people.yaml:3", "as in people.yaml:4"),
        ("since line 14", "since line 15"),
        ("on lines 3", "on lines 4"),
        ("at column 2", "at column 22"),
    ],
)
def test_positions_in_messages_do_not_count(before: str, after: str) -> None:
    """The line that a message names is no part of what it says."""
    assert of(finding(TEXT, "vet", before)) == of(finding(TEXT, "vet", after))


@pytest.mark.parametrize(
    "other",
    [
        finding(TEXT, "allow sign on record"),
        finding(TEXT, "allow read on record", "another"),
        finding(TEXT, "allow read on record", "m 2"),
        finding(TEXT, "allow read on record", code="W306"),
        finding(TEXT, "allow read on record", path="b/a.remit"),
        Diagnostic("W305", "m"),
    ],
)
def test_what_counts(other: Diagnostic) -> None:
    """Another text, message, number in it, code or file gives another fingerprint, and so does no place."""
    assert of(finding(TEXT, "allow read on record")) != of(other)


def test_numbers_that_are_no_positions_count() -> None:
    """A number in a name is part of the name, and a limit is not a line."""
    assert of(finding(TEXT, "vet", "role `vet1`")) != of(finding(TEXT, "vet", "role `vet2`"))
    assert of(finding(TEXT, "vet", "deadline 5")) != of(finding(TEXT, "vet", "deadline 6"))


def test_the_fixed_set() -> None:
    """No two findings have one fingerprint, alike as they may be, and each is 32 hexadecimal digits."""
    found = fingerprints(FINDINGS, "/srv/clinic")
    assert len(set(found)) == len(FINDINGS)
    assert {len(mark) for mark in found} == {32}
    assert int("".join(found), 16)


@given(st.permutations(range(6)))
def test_order_does_not_count(order: list[int]) -> None:
    """Findings that are alike are told apart by their order in the text, in whatever order they are given."""
    text = "x x x y y y"
    source = Source("a.remit", text)
    found = [Diagnostic("W305", "m", Span(source, at, at + 1)) for at in range(0, 11, 2)]
    marks = fingerprints(found, "")
    assert len(set(marks)) == 6
    assert fingerprints([found[at] for at in order], "") == [marks[at] for at in order]


def test_a_new_finding_beside_old_ones() -> None:
    """One more of what was there already, below it, is new, and the old ones stay what they were."""
    source = Source("a.remit", "x x")
    old, new = (Diagnostic("W305", "m", Span(source, at, at + 1)) for at in (0, 2))
    assert of(old, new)[0] == of(old)[0]
    assert of(old, new)[1] != of(old)[0]


def test_paths_are_relative() -> None:
    """However the file is named, and from wherever: what counts is its place below the base."""
    written = ["policy/a.remit", "./policy/a.remit", "policy/../policy/a.remit", "/srv/policy/a.remit"]
    assert len({mark for path in written for mark in of(finding(TEXT, "vet", path=path))}) == 1
    inside = fingerprints([finding(TEXT, "vet", path="a.remit")], "/srv/policy", "/srv")
    assert inside == of(finding(TEXT, "vet", path="policy/a.remit"))
    assert inside == fingerprints([finding(TEXT, "vet", path="../policy/a.remit")], "/srv/other", "/srv")
