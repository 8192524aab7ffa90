"""Every code that a finding can have, with its name: a code is never reused, its name never changes.

The letter tells the kind (`E`: something is wrong, `W`: something is doubtful), the first digit the place.
E: 0 a file's text, 1 names, 2 conditions and values, 3 overlays, 4 directories, 5 people and examples, 6 compiled tables.
W: 0 a file's text, 1 names and words, 2 what never decides, 3 what is there twice, 4 directories, 5 how roles come to be
held, 7 what is risky, 9 findings that are kept silent.
The page of a code is docs/errors/CODE.md; its bad example shows the finding. A test holds the three together.
"""

from __future__ import annotations

CODES: dict[str, str] = {
    # the text of a file
    "E001": "syntax",
    "E002": "unseen-character",
    "E003": "unknown-escape",
    "E004": "number-out-of-range",
    "E005": "file-too-large",
    "E006": "deep-nesting",
    "E007": "foreign-character",
    "E008": "not-utf-8",
    "E009": "link-out-of-folder",
    "E010": "unreadable-file",
    "E011": "too-many-errors",
    # names
    "E101": "duplicate-name",
    "E102": "duplicate-policy",
    "E103": "unknown-area",
    "E104": "unknown-resource-type",
    "E105": "unknown-action",
    "E106": "unknown-role",
    "E107": "unknown-permission",
    "E108": "unknown-condition",
    "E109": "unknown-scope-kind",
    "E110": "unknown-type",
    "E111": "reserved-name",
    "E112": "empty-selection",
    "E113": "deceptive-name",
    "E114": "include-circle",
    "E115": "condition-circle",
    "E116": "scope-kind-circle",
    "E117": "action-set-circle",
    "E118": "second-root",
    # conditions and values
    "E201": "unknown-attribute",
    "E202": "type-mismatch",
    "E203": "unguarded-optional",
    "E204": "needless-has",
    "E205": "value-outside-enumeration",
    "E206": "not-a-condition",
    "E207": "time-without-zone",
    "E208": "wrong-value",
    "E209": "condition-too-large",
    # overlays
    "E301": "locked-role",
    "E302": "misplaced-statement",
    "E303": "declared-and-extended",
    "E304": "unknown-base",
    "E305": "base-circle",
    # directories
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
    "E418": "scope-not-in-policy",
    "E419": "misplaced-parent",
    "E420": "role-not-in-policy",
    "W421": "former-role-name",
    "W422": "undeclared-user-attribute",
    "W423": "wrong-user-attribute",
    "W424": "broken-guard",
    # people and examples
    "E501": "unknown-event",
    "E502": "clause-not-for-event",
    "E504": "unknown-in-test",
    # what is there twice
    "W305": "duplicate-rule",
    # compiled tables
    "E601": "damaged-table",
    "E602": "not-a-table",
    "E603": "newer-table",
}
