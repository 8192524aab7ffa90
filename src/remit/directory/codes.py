"""The findings that reading a directory can give: that part of the registry."""

from __future__ import annotations

from remit.codes import CODES

DIRECTORY_CODES: dict[str, str] = {code: name for code, name in CODES.items() if "E401" <= code <= "E417"}
