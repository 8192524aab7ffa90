"""Points in time: RFC 3339 text to nanoseconds and back."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remit.instant import EARLIEST, LATEST, format_instant, parse_instant

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("1970-01-01t00:00:00z", 0),
        ("1970-01-01T00:00:01+00:00", 10**9),
        ("1970-01-01T00:00:00-00:00", 0),
        ("1969-12-31T23:59:59.5Z", -(10**9) // 2),
        ("1970-01-01T01:00:00.000000001+01:00", 1),
        ("1970-01-01T00:00:00.0000000019Z", 1),
        ("1970-01-01T00:00:00.123Z", 123_000_000),
        ("2016-12-31T23:59:60Z", 1_483_228_800 * 10**9),
        ("2017-01-01T00:59:60.25+01:00", 1_483_228_800_250_000_000),
        ("2000-02-29T00:00:00Z", 951_782_400 * 10**9),
        ("1970-01-01T00:00:00." + "9" * 10_000 + "Z", 999_999_999),
    ],
)
def test_a_time_is_read(text: str, instant: int) -> None:
    """A time with its zone is nanoseconds since 1970; digits past the ninth are cut, second 60 is the next one."""
    assert parse_instant(text) == instant


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2024",
        "2024-01-01",
        "2024-01-01T00:00:00",
        "2024-01-01 00:00:00Z",
        "2024-01-01T00:00Z",
        "2024-01-01T00:00:00.Z",
        "2024-01-01T00:00:00,5Z",
        "2024-01-01T00:00:00+1:00",
        "2024-01-01T00:00:00+0100",
        "2024-01-01T00:00:00+24:00",
        "2024-01-01T00:00:00+01:60",
        "2024-01-01T00:00:00+01",
        "2024-01-01T24:00:00Z",
        "2024-01-01T00:60:00Z",
        "2024-01-01T00:00:61Z",
        "2024-00-01T00:00:00Z",
        "2024-13-01T00:00:00Z",
        "2024-01-00T00:00:00Z",
        "2024-01-32T00:00:00Z",
        "2023-02-29T00:00:00Z",
        "1900-02-29T00:00:00Z",
        "2024-04-31T00:00:00Z",
        "0000-01-01T00:00:00Z",
        "10000-01-01T00:00:00Z",
        "-2024-01-01T00:00:00Z",
        " 2024-01-01T00:00:00Z",
        "2024-01-01T00:00:00Z\n",
        "２０２４-01-01T00:00:00Z",
        "9999-12-31T23:59:60-23:59",
    ],
)
def test_anything_else_is_no_time(text: str) -> None:
    """A missing zone, an impossible date, a digit of another script or a blank make it no time."""
    assert parse_instant(text) is None


@pytest.mark.parametrize(
    ("instant", "text"),
    [
        (0, "1970-01-01T00:00:00Z"),
        (1, "1970-01-01T00:00:00.000000001Z"),
        (-1, "1969-12-31T23:59:59.999999999Z"),
        (120_000_000, "1970-01-01T00:00:00.12Z"),
        (951_782_400 * 10**9, "2000-02-29T00:00:00Z"),
        (EARLIEST, "0001-01-01T00:00:00+23:59"),
        (LATEST, "9999-12-31T23:59:59.999999999-23:59"),
    ],
)
def test_a_time_is_written(instant: int, text: str) -> None:
    """Times are written in UTC with as many digits as they need, with a zone only where UTC has no year for them."""
    assert format_instant(instant) == text


@pytest.mark.parametrize("instant", [EARLIEST - 1, LATEST + 1])
def test_what_no_text_can_name_is_refused(instant: int) -> None:
    """Past the last time that RFC 3339 can write there is no text."""
    with pytest.raises(ValueError, match="no RFC 3339 time"):
        format_instant(instant)


@given(st.integers(EARLIEST, LATEST))
def test_what_is_written_is_read_back(instant: int) -> None:
    """Every instant survives being written and read."""
    assert parse_instant(format_instant(instant)) == instant


@given(st.datetimes(timezones=st.integers(-1439, 1439).map(lambda m: timezone(timedelta(minutes=m)))))
def test_the_calendar_is_that_of_datetime(moment: datetime) -> None:
    """Dates and zones mean what Python's own calendar says."""
    assert parse_instant(moment.isoformat()) == (moment - EPOCH) // timedelta(microseconds=1) * 1000


@given(st.text(alphabet="0123456789-+:.TtZz ", max_size=40))
def test_no_text_raises(text: str) -> None:
    """Whatever the text, the answer is an instant or None."""
    assert isinstance(parse_instant(text), int | None)


def test_nothing_heavy_is_imported() -> None:
    """Reading times brings in neither `datetime` nor a third package."""
    code = "import sys, remit.instant; print(sorted({'datetime', 'yaml', 'pydantic'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
