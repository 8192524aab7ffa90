"""Columns are decided as their rows are one by one, whatever is in them."""

from __future__ import annotations

from random import Random
from unittest import mock

import pytest
from referee.columns import unlike_columns
from referee.generate import make_case

from remit.bulk import chunk, engine, layout, matrix, part, texts


@pytest.mark.parametrize("chunk", range(4))
def test_generated_requests_are_decided_as_one_by_one(chunk: int) -> None:
    """Policies, directories and requests of all kinds, wrong values too: the code, the first rule and all rules."""
    for number in range(15):
        random = Random(f"columns/{chunk}/{number}")
        case = make_case(random, 200, small=random.random() < 0.3)
        for found in unlike_columns(case, random):
            pytest.fail(f"{chunk}/{number}: {found}\n{case.sources}", pytrace=False)


@pytest.mark.parametrize("number", range(25))
def test_every_way_through_the_arrays_decides_alike(number: int) -> None:
    """Small blocks and chunks, one bit for conditions, kinds of users or none, one holding gathered for all."""
    random = Random(f"columns/ways/{number}")
    case = make_case(random, 150)
    with (
        mock.patch.object(part, "_MOST_BYTES", random.choice((0, 1 << 26))),
        mock.patch.object(part, "_PAYS", 1 << 20),
        mock.patch.object(layout, "_MOST_BYTES", random.choice((0, 1 << 24))),
        mock.patch.object(layout, "_PAYS", random.choice((0, 4, 1 << 20))),
        mock.patch.object(chunk, "_PAIRS", random.choice((1, 3, 1 << 20))),
        mock.patch.object(texts, "_FEW", random.choice((0, 1, 16))),
        mock.patch.object(part, "_MOST_TURNS", random.choice((0, 1, 2))),
        mock.patch.object(part, "_FEW_HELD", random.choice((0, 8))),
        mock.patch.object(part, "CHUNK", 37),
        mock.patch.object(engine, "CHUNK", 37),
        mock.patch.object(engine, "PART", 64),
        mock.patch.object(matrix, "FLAG_BITS", random.choice(((), (16,), (16, 32)))),
    ):
        for found in unlike_columns(case, random):
            pytest.fail(f"{number}: {found}\n{case.sources}", pytrace=False)
