"""The audit log as commands use it: where it is, what is written there, and who may read it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from remit.cli.session import Session, fail, refuse_database, shown
from remit.diagnostics import similar
from remit.membership.record import decision_record
from remit.policy import Policy
from remit.project.directories import is_url
from remit.stores.store import Setting, Store, StoreError, open_store
from remit.table.shape import Table


def setting_of(session: Session, policy: Policy) -> Setting:
    """What stores need to know of the policy and the company."""
    return Setting(policy.index, policy.digest, session.config.company_id or "")


def store_of(session: Session, audit: str | None = None) -> Store:
    """The store of the session's directory, or the end of the call."""
    place = session.directory_place()
    if place is None:
        fail("there is no directory", "name one with --directory; an empty file is one in which nobody is known yet")
    if audit is not None and is_url(place):
        fail("a database keeps the audit log itself", "leave out --audit")
    if not is_url(place):
        refuse_database(place)
    if audit is not None and is_url(audit):
        fail("the audit log of a directory file is a file", "name a file, or bring the directory into a database")
    return opened_store(place, audit)


def log_store(session: Session, place: str | None, must_exist: bool = True) -> Store:
    """The store that keeps a log: at `place`, a file or a database's address, else that of the session's directory."""
    if place is None:
        return store_of(session)
    if is_url(place):
        return opened_store(place)
    if must_exist and not Path(place).is_file():
        fail(f"there is no log at `{place}`")
    directory = session.directory_place()
    beside = directory if directory is not None and not is_url(directory) else "directory.yaml"
    return opened_store(beside, place)


def opened_store(place: str, audit: str | None = None) -> Store:
    """A store, or the end of the call."""
    try:
        return open_store(place, audit)
    except StoreError as error:
        fail(str(error), error.help)


def say_notices(store: Store) -> None:
    """What the store found and mended, each once, on standard error."""
    while store.notices:
        click.echo(shown(f"note: {store.notices.pop(0)}"), err=True)


class DecisionLog:
    """Takes a record of each allowed request, and writes several at once. `place`: a file, or a database's address."""

    def __init__(self, session: Session, policy: Policy, place: str, now: int) -> None:
        self.company = session.config.company_id or ""
        self.digest = policy.digest
        self.now = now
        self.waiting: list[dict[str, Any]] = []
        self.store = log_store(session, place, must_exist=False)

    def take(self, request: Mapping[str, Any], rules: list[dict[str, Any]]) -> None:
        """Notes a request that was allowed by these rules."""
        subject, action, resource = request["subject"], request["action"], request["resource"]
        self.waiting.append(
            decision_record(subject["id"], action["name"], resource, rules, self.now, self.company, self.digest)
        )

    def write(self) -> None:
        """Writes what was noted; where that fails, the call ends."""
        if not self.waiting:
            return
        try:
            self.store.record(self.waiting)
        except StoreError as error:
            fail(str(error), error.help)
        self.waiting = []
        say_notices(self.store)


def reading_permission(table: Table, configured: str | None) -> tuple[str, str]:
    """The (action, type) that reading the log takes: as remit.toml says, else the one action called `audit`."""
    if configured is not None:
        action, on, kind = configured.partition(" on ")
        if not on or kind not in table.types:
            help = similar(kind, table.types, 'write it as in `audit_permission = "read on audit_log"`')
            fail(f"`audit_permission` names no action on a type of the policy: `{configured}`", help)
        if action not in table.types[kind].actions:
            help = similar(action, table.types[kind].actions)
            fail(f"`{kind}` has no action `{action}`, which `audit_permission` names", help)
        return action, kind
    found = [name for name, kind in table.types.items() if "audit" in kind.actions]
    if len(found) != 1:
        why = "several types have" if found else "no type has"
        fail(
            f"the policy does not say who may read the log: {why} an action `audit`",
            'set `audit_permission = "ACTION on TYPE"` in remit.toml',
        )
    return "audit", found[0]
