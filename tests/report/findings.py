"""One fixed set of findings, which goes through every format: each level, with and without a place, other places,
fixes, over several lines, in files above, below and elsewhere, in a database; and texts that formats must escape."""

from __future__ import annotations

from remit.diagnostics import Diagnostic, Edit, Fix, Label, Silenced
from remit.source import Source, Span

FOLDER = "/srv/clinic"

# What a name, a message or a path may hold, and what it would do where it is not escaped.
HOSTILE = (
    "\x1b[31m\x07",  # colours a terminal, rings
    "a\nb\r\nc\u2028d",  # begins a new line, and with it a new command
    "::error::x",  # is a command to GitHub
    "%0A%25 50%",  # is a line end there
    "]]>&<b>\"'",  # ends a CDATA section, begins an element
    "\u202edrow\u2066",  # is read from right to left
    "東京🐶e\u0301",  # takes two columns, one character of two code units, none
    "[text](https://example.org) {0} {{",  # is a link and an argument in SARIF
    "\x00\ufffe\ud800",  # is no XML, and the last no Unicode
)

ROLES = Source(
    "roles.remit",
    "role viewer { allow read on recrod }\nrole vet {\n  allow read on record\n  allow read on record\n}\n",
    "policy/roles.remit",
)
WIDE = Source("東, 京:100%.remit", '# 東京🐶\n\trole `a\u202eb` "e\u0301" { }\n', "policy/../東, 京:100%.remit")
OUTSIDE = Source("base.remit", "role x { }\n", "../base/base.remit")
PEOPLE = Source("directory.yaml", "users:\n  ann: {}\n", f"{FOLDER}/policy/directory.yaml")
UNREAD = Source("gone.remit", "", "policy/gone.remit")
DATABASE = Source("sqlite:///people.db", "", "sqlite:///people.db")


def mark(source: Source, words: str, number: int = 0) -> Span:
    """The place of words in a text: the first, or after as many others."""
    start = -1
    for _ in range(number + 1):
        start = source.text.index(words, start + 1)
    return Span(source, start, start + len(words))


_REMOVE = Fix("remove the rule", (Edit(mark(ROLES, "  allow read on record\n", 1), ""),))
_RENAME = Fix(
    "rename `x`", (Edit(mark(OUTSIDE, "x"), "東\n"), Edit(mark(ROLES, "vet"), "v"), Edit(mark(ROLES, "on"), "")), False
)

FINDINGS = (
    Diagnostic(
        "E104",
        "role `viewer` has no resource type `recrod` to allow on",
        mark(ROLES, "recrod"),
        "not in area `patients`",
        "`record` has a similar name",
    ),
    Diagnostic(
        "W305",
        "role `vet` has this rule already",
        mark(ROLES, "allow read on record", 1),
        "",
        "remove one of the two",
        (Label(mark(ROLES, "allow read on record"), "it says the same"), Label(mark(OUTSIDE, "x"), "and so does this")),
        "warning",
        _REMOVE,
    ),
    Diagnostic("E101", "role `vet` over several lines", mark(ROLES, "role vet {\n  allow read on record\n")),
    Diagnostic("E101", "in a file beside the folder", mark(OUTSIDE, "x"), fix=_RENAME),
    Diagnostic("E113", "wide and deceptive", mark(WIDE, "`a\u202eb`"), "東京", "use one alphabet"),
    Diagnostic("E010", "the file cannot be read: permission denied", Span(UNREAD, 0, 0), help="check its permissions"),
    Diagnostic("W424", "guard `g` is broken: nobody holds owner", Span(DATABASE, 0, 1), level="warning"),
    Diagnostic("E006", "without a place"),
    Diagnostic("W421", "`doctor` is called `vet` now", mark(PEOPLE, "ann"), level="note"),
    Diagnostic("W421", "`doctor` is called `vet` now", mark(PEOPLE, "ann"), level="note"),  # alike, even in its place
    *(Diagnostic("E001", text, mark(ROLES, "role"), text, text, (Label(mark(PEOPLE, "a"), text),)) for text in HOSTILE),
)

SILENCED = (
    Silenced(FINDINGS[1]._replace(span=mark(ROLES, "allow read on record")), "comment", "both are wanted\nfor now"),
    Silenced(FINDINGS[4], "baseline", ""),
    Silenced(FINDINGS[8], "settings", "names of old"),
)
