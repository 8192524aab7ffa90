"""A mapping under changes is what a plain one would be, and shares what stays."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from remit.directory.layered import Layered, followed

KEYS = st.sampled_from("abcdefghij")
CHANGES = st.dictionaries(KEYS, st.none() | st.integers(), max_size=4)


@given(st.dictionaries(KEYS, st.integers()), st.lists(CHANGES, max_size=8))
def test_it_is_what_a_plain_mapping_would_be(start: dict[str, int], steps: list[dict[str, int | None]]) -> None:
    """After any changes it has the keys, values and length of a dictionary that took them."""
    plain, layered = dict(start), followed(start, {})
    for step in steps:
        before = dict(layered)
        later = followed(layered, step)
        assert dict(layered) == before
        layered = later
        for key, value in step.items():
            if value is None:
                plain.pop(key, None)
            else:
                plain[key] = value
        assert dict(layered) == plain
        assert len(layered) == len(plain)
        assert sorted(layered) == sorted(plain)
        assert all(layered.get(key) == plain.get(key) and (key in layered) == (key in plain) for key in "abcdefghijk")


def test_what_stays_is_shared() -> None:
    """One change of a large mapping copies none of it."""
    base = {str(number): number for number in range(1000)}
    later = followed(base, {"5": None, "new": 7})
    assert isinstance(later, Layered)
    assert later._base is base
    assert (later.get("5"), later["new"], later["6"], len(later)) == (None, 7, 6, 1000)


def test_many_changes_are_joined() -> None:
    """Once the changes are a good part of the whole, they become a new whole."""
    base = {str(number): number for number in range(80)}
    later = followed(base, {str(number): None for number in range(20)})
    assert type(later) is dict
    assert len(later) == 60
