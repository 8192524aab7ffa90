"""A policy whose last owner stays, and what tests of stores do with it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

from remit import Policy
from remit.directory.shape import Assignment, Directory, Group, Scope, User
from remit.membership.record import check_chain
from remit.stores.sql import SqlStore
from remit.stores.store import Setting

POLICY = """
scope company
scope branch in company
area people {
  resource member { actions invite, manage, remove }
}
role owner { in people { allow invite, manage, remove on member } }
role reader { in people { allow invite on member } }
assignments {
  on signup when first in domain assign owner
  on sso_login when unassigned assign reader
  on invite requires invite on member
  on assign requires manage on member
  on assign to group requires manage on member
  on change_role requires manage on member
  on revoke requires manage on member
  on disable requires manage on member
  on enable requires manage on member
  on remove requires remove on member
  on join requires manage on member
  on leave requires manage on member
  on create_group requires manage on member
  on delete_group requires manage on member
  on create_scope requires manage on member
  on delete_scope requires manage on member
}
guard last_owner: at least 1 active owner
"""
NOW = 1_700_000_000_000_000_000
OWNER = Assignment("owner")
TWO_OWNERS = Directory({name: User(name, assignments=(OWNER,)) for name in ("ann", "bob")})
RICH = Directory(
    users={
        "ann@acme.com": User("ann@acme.com", assignments=(OWNER, Assignment("reader", "branch/north"))),
        "bob@Beta.org": User("bob@Beta.org", status="pending", attributes={"level": 3, "tags": ["a", "é"], "x": None}),
        "cyd": User("cyd", type="robot", status="disabled", status_before="pending"),
        "Zoë 😀": User("Zoë 😀", assignments=(Assignment("reader", "company", -1, 253_402_300_799_999_999_999),)),
        "_": User("_", status="disabled"),
    },
    groups={
        "desk": Group("desk", ("cyd", "ann@acme.com"), ("north", "empty"), (Assignment("reader", "branch/north"),)),
        "north": Group("north", ("Zoë 😀",), (), (Assignment("owner", None, 5),)),
        "empty": Group("empty"),
    },
    scopes={
        "branch/north": Scope("branch/north", ("company",)),
        "branch/inner": Scope("branch/inner", ("branch/north", "branch/a")),
        "branch/a": Scope("branch/a"),
    },
    joined_domains=frozenset({"old.net"}),
    removed=frozenset({"eve@gone.com"}),
)


@cache
def setting() -> Setting:
    policy = Policy.from_sources({"people.remit": POLICY})
    return Setting(policy.index, policy.digest, "acme")


def plain(directory: Directory) -> Directory:
    """Without the places where things are written, and without its name."""

    def unplaced(given: tuple[Assignment, ...]) -> tuple[Assignment, ...]:
        return tuple(one._replace(line=0, column=0) for one in given)

    return directory._replace(
        users={
            name: user._replace(
                line=0, column=0, attributes=dict(user.attributes), assignments=unplaced(user.assignments)
            )
            for name, user in directory.users.items()
        },
        groups={
            name: group._replace(line=0, column=0, assignments=unplaced(group.assignments))
            for name, group in directory.groups.items()
        },
        scopes={name: scope._replace(line=0, column=0) for name, scope in directory.scopes.items()},
        name="",
    )


def invites(prefix: str = "new") -> Iterator[dict[str, Any]]:
    """Events without end, each of which changes the directory."""
    number = 0
    while True:
        number += 1
        yield {
            "type": "invite",
            "user": f"{prefix}{number}@acme.com",
            "by": "ann",
            "role": "reader",
            "id": f"{prefix}{number}",
        }


def assert_whole_log(store: SqlStore) -> int:
    """The log is whole, and ends where the store says it does; how many records it has."""
    checked = check_chain(store.log())
    assert checked.flaws == ()
    assert store.log_end() == (checked.count, checked.last)
    return checked.count
