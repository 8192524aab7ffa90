"""What is exported reads back as the directory it was."""

from __future__ import annotations

import pytest

from remit import Directory
from remit.directory import shape
from remit.directory.exporting import directory_text
from remit.directory.shape import Assignment, Group, Scope, User

ODD = (
    "no",
    "123",
    "1e3",
    "null",
    "a: b",
    "# x",
    "- x",
    "group/desk",
    " x ",
    'q"q',
    "Zoë 😀",
    "a\nb",
    "true",
    "{",
    "&a",
)


def again(directory: shape.Directory) -> shape.Directory:
    """Exported and read."""
    found = Directory.from_text(directory_text(directory)).data
    bare = {"line": 0, "column": 0}

    def given(held: tuple[Assignment, ...]) -> tuple[Assignment, ...]:
        return tuple(one._replace(**bare) for one in held)

    users = {key: one._replace(assignments=given(one.assignments), **bare) for key, one in found.users.items()}
    groups = {key: one._replace(assignments=given(one.assignments), **bare) for key, one in found.groups.items()}
    scopes = {key: one._replace(**bare) for key, one in found.scopes.items()}
    return found._replace(users=users, groups=groups, scopes=scopes, name="")


@pytest.mark.parametrize(
    "directory",
    [
        shape.Directory(),
        shape.Directory(users={name: User(name, attributes={name: name, "n": [1, None, 2.5, "1e3"]}) for name in ODD}),
        shape.Directory(
            users={
                "ann": User("ann", "service", "disabled", {}, (Assignment("a", "b/1", 0, 10**18), Assignment("c"))),
                "bob": User("bob", status="disabled", status_before="pending"),
            },
            groups={"g": Group("g", ("ann",), ("h",), (Assignment("a", "company"),)), "h": Group("h")},
            scopes={"b/1": Scope("b/1"), "b/2": Scope("b/2", ("b/1",)), "b/3": Scope("b/3", ("b/1", "b/2"))},
            joined_domains=frozenset(("acme.com", "no")),
            removed=frozenset(ODD),
        ),
    ],
    ids=["empty", "odd", "full"],
)
def test_it_reads_back(directory: shape.Directory) -> None:
    """Nothing is lost or changed on the way out and back in."""
    assert again(directory) == directory


def test_it_is_a_line_an_entry() -> None:
    """An entry stands on one line, and what has its default is left out."""
    made = shape.Directory(users={"ann": User("ann", assignments=(Assignment("vet", "branch/n"),)), "bob": User("bob")})
    assert directory_text(made) == "users:\n  ann: {assignments: [{role: vet, scope: branch/n}]}\n  bob: {}\n"
