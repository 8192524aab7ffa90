"""The findings that a directory can have: a code is never reused, its name never changes."""

from __future__ import annotations

DIRECTORY_CODES: dict[str, str] = {
    "E401": "directory-syntax",
    "E402": "duplicate-key",
    "E403": "yaml-feature",
    "E404": "unknown-key",
    "E405": "wrong-shape",
    "E406": "unknown-status",
    "E407": "unknown-member",
    "E408": "unknown-group",
    "E409": "group-circle",
    "E410": "scope-circle",
    "E411": "malformed-scope",
    "E412": "unknown-scope",
    "E413": "malformed-time",
    "E414": "empty-window",
    "E415": "removed-user-present",
    "E416": "nested-too-deeply",
    "E417": "unreadable-text",
}
