"""Points in time: RFC 3339 text to and from whole nanoseconds since 1970 (UTC).

By hand, since `datetime` stops at microseconds, has no leap second and costs start-up time. Days are counted with
Howard Hinnant's civil-calendar algorithm (`days_from_civil`), exact for the proleptic Gregorian calendar.
"""

from __future__ import annotations

import re

_SECOND = 1_000_000_000
_DAY = 86_400 * _SECOND
_WRITTEN = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(?:\.(\d+))?(?:[Zz]|([+-])(\d\d):(\d\d))", re.ASCII
)
_MONTH_DAYS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


def parse_instant(text: str) -> int | None:
    """Nanoseconds since 1970 of an RFC 3339 time with its zone, or None for anything else.

    `2024-02-29T12:00:00Z`, `2024-02-29t13:00:00.5+01:00`. Digits past the nanosecond are cut off; a leap second (`:60`)
    is the second after it; years are 0001 to 9999, as written.
    """
    found = _WRITTEN.fullmatch(text)
    if found is None:
        return None
    year, month, day, hour, minute, second = map(int, found.group(1, 2, 3, 4, 5, 6))
    if not (year >= 1 and 1 <= month <= 12 and 1 <= day <= _days_in(year, month)):
        return None
    if hour > 23 or minute > 59 or second > 60:
        return None
    offset = 0
    if found[8]:
        zone_hour, zone_minute = int(found[9]), int(found[10])
        if zone_hour > 23 or zone_minute > 59:
            return None
        offset = (zone_hour * 3600 + zone_minute * 60) * (1 if found[8] == "+" else -1)
    fraction = int((found[7] or "0")[:9].ljust(9, "0"))
    seconds = _days_from_civil(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second - offset
    instant = seconds * _SECOND + fraction
    return instant if instant <= LATEST else None


def format_instant(ns: int) -> str:
    """RFC 3339 in UTC with `Z`; a fraction only where there is one, without trailing zeros.

    `parse_instant` reads it back. The few hours before year 1 and after year 9999, which only a zone can reach, are
    written with that zone. Raises ValueError for what no RFC 3339 text can name.
    """
    if not EARLIEST <= ns <= LATEST:
        raise ValueError("no RFC 3339 time is that far from 1970")
    zone = "Z"
    if ns < _FIRST:
        zone, ns = "+23:59", ns + _WIDEST_ZONE
    elif ns > _LAST:
        zone, ns = "-23:59", ns - _WIDEST_ZONE
    days, rest = divmod(ns, _DAY)
    year, month, day = _civil_from_days(days)
    second, fraction = divmod(rest, _SECOND)
    minute, second = divmod(second, 60)
    hour, minute = divmod(minute, 60)
    tail = f".{fraction:09}".rstrip("0") if fraction else ""
    return f"{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}{tail}{zone}"


def _days_in(year: int, month: int) -> int:
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    return 29 if month == 2 and leap else _MONTH_DAYS[month - 1]


def _days_from_civil(year: int, month: int, day: int) -> int:
    """Days since 1970-01-01. Years begin in March here, so that the leap day is the last of its year."""
    year -= month <= 2
    era, year_of_era = divmod(year, 400)
    day_of_year = (153 * ((month + 9) % 12) + 2) // 5 + day - 1
    return era * 146_097 + year_of_era * 365 + year_of_era // 4 - year_of_era // 100 + day_of_year - 719_468


def _civil_from_days(days: int) -> tuple[int, int, int]:
    era, day_of_era = divmod(days + 719_468, 146_097)
    year_of_era = (day_of_era - day_of_era // 1460 + day_of_era // 36_524 - day_of_era // 146_096) // 365
    day_of_year = day_of_era - (365 * year_of_era + year_of_era // 4 - year_of_era // 100)
    shifted = (5 * day_of_year + 2) // 153
    day, month = day_of_year - (153 * shifted + 2) // 5 + 1, (shifted + 2) % 12 + 1
    return era * 400 + year_of_era + (month <= 2), month, day


_FIRST = _days_from_civil(1, 1, 1) * _DAY
_LAST = (_days_from_civil(9999, 12, 31) + 1) * _DAY - 1
_WIDEST_ZONE = (24 * 60 - 1) * 60 * _SECOND
EARLIEST, LATEST = _FIRST - _WIDEST_ZONE, _LAST + _WIDEST_ZONE  # what RFC 3339 can write, in nanoseconds
