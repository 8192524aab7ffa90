"""Columns are decided as their rows are one by one, whatever is in them."""

from __future__ import annotations

from random import Random

import pytest
from referee.columns import unlike_columns
from referee.generate import make_case

from remit.bulk import chunk, columns, engine, layout, matrix, part, people, texts


@pytest.mark.parametrize("chunk", range(4))
def test_generated_requests_are_decided_as_one_by_one(chunk: int) -> None:
    """Policies, directories and requests of all kinds, wrong values too: the code, the first rule and all rules."""
    for number in range(15):
        random = Random(f"columns/{chunk}/{number}")
        case = make_case(random, 200, small=random.random() < 0.3)
        for found in unlike_columns(case, random):
            pytest.fail(f"{chunk}/{number}: {found}\n{case.sources}", pytrace=False)


LIMITS = (  # what is else too large for small cases to meet
    (part, "_MOST_BYTES", (0, 1 << 26)),
    (part, "_PAYS", (1 << 20,)),
    (part, "_KNOWN_BY_ROW", (0, 4, 1 << 20)),
    (part, "_MOST_CELLS", (0, 1 << 20)),
    (part, "_MOST_KEPT", (0, 1, 3)),
    (part, "_MOST_USERS", (0, 1 << 18)),
    (part, "_MOST_TURNS", (0, 1, 2)),
    (part, "_FEW_HELD", (0, 8)),
    (part, "CHUNK", (37,)),
    (layout, "_MOST_BYTES", (0, 1 << 24)),
    (layout, "_PAYS", (0, 4, 1 << 20)),
    (layout, "_MOST_KEPT", (0, 1, 3)),
    (people, "_LATELY", (0, 1, 3)),
    (people, "_FEW", (0, 1, 4, 1 << 20)),
    (columns, "_FEW", (0, 1, 4)),
    (columns, "_LISTED", (0, 1 << 16)),
    (chunk, "_PAIRS", (1, 3, 1 << 20)),
    (chunk, "_SPARSE", (0, 1, 32, 1 << 20)),
    (texts, "_FEW", (0, 1, 16)),
    (engine, "_MOST_TOLD", (0, 1, 8)),
    (engine, "CHUNK", (37,)),
    (engine, "PART", (64,)),
    (matrix, "FLAG_BITS", ((), (16,), (16, 32))),
)


@pytest.mark.parametrize("number", range(40))
def test_every_way_through_the_arrays_decides_alike(number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Small blocks and chunks, one bit for conditions, kinds of users or none, one holding gathered for all, much or
    nothing kept between calls."""
    random = Random(f"columns/ways/{number}")
    case = make_case(random, 150)
    for module, name, choices in LIMITS:
        assert hasattr(module, name)
        monkeypatch.setattr(module, name, random.choice(choices))
    for found in unlike_columns(case, random):
        pytest.fail(f"{number}: {found}\n{case.sources}", pytrace=False)
