"""JSON Lines as users send them: a value a line, read strictly and without ever holding more than a line.

{"a": 1}                → {"a": 1}
{"a": 1, "a": 2}        → what is wrong: key `a` is given twice
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, BinaryIO

LONGEST = 64 * 1024 * 1024  # bytes of one line
MOST_VALUES = 4_000_000  # commas and opening brackets of one line: what it may take in memory
_MEBIBYTE = 1024 * 1024


def lines(source: BinaryIO) -> Iterator[tuple[int, bytes | None]]:
    """Each line that is not blank with its number, without the file's byte-order mark; None for one that is too long,
    of which no more is read than what says so."""
    number = 0
    while line := source.readline(LONGEST):
        number += 1
        if number == 1:
            line = line.removeprefix(b"\xef\xbb\xbf")
        if len(line) >= LONGEST and not line.endswith(b"\n"):
            while (rest := source.readline(_MEBIBYTE)) and not rest.endswith(b"\n"):
                pass
            yield number, None
        elif line.strip():
            yield number, line


def read_line(line: bytes | None) -> tuple[Any, str]:
    """The JSON value of a line, or what is wrong with it in words. Stricter than Python's reader: a key given twice,
    NaN and Infinity are refused. A whole number of any length is read, as one that is beyond 64 bits."""
    if line is None:
        return None, f"longer than {LONGEST // _MEBIBYTE} MiB"
    if line.count(b",") + line.count(b"[") + line.count(b"{") > MOST_VALUES:
        return None, f"more than {MOST_VALUES:,} values"
    try:
        return _read(line.rstrip(b"\r\n").decode("utf-8")), ""
    except UnicodeDecodeError as error:
        return None, f"no UTF-8 from byte {error.start + 1} on"
    except json.JSONDecodeError as error:
        return None, f"no JSON from column {error.pos + 1} on: {error.msg[:1].lower()}{error.msg[1:]}"
    except RecursionError:
        return None, "nested too deeply"
    except MemoryError:
        return None, "too large for the memory there is"
    except ValueError as error:
        return None, str(error)


def _read(text: str) -> Any:
    return json.loads(text, object_pairs_hook=_object, parse_constant=_constant, parse_int=_int)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]  # None, as wanted
        shown = twice[:80].encode("utf-8", "backslashreplace").decode()
        raise ValueError(f"key `{shown}` is given twice")
    return found


def _constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


def _int(digits: str) -> int:
    """Past twenty digits only the sign counts: the number is beyond 64 bits, and conditions read it as unknown."""
    return int(digits) if len(digits) <= 20 else (-1 if digits[0] == "-" else 1) << 64
