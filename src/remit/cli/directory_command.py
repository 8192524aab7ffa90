"""`remit directory`: between a file and a database."""

from __future__ import annotations

from pathlib import Path

import click

from remit.cli.session import Session, answers, directory_option, fail, policy_option
from remit.directory.fit import unknown_roles
from remit.policy import Directory, DirectoryError, clock
from remit.project.directories import is_url
from remit.report.listing import counted
from remit.stores.store import StoreError, database


@click.group("directory", short_help="bring a directory into a database, or out of one")
def command() -> None:
    """Directories that outgrow a file: a database by its address, `sqlite:///people.db` or `postgresql://…`.

    They need `remit[sql]`, PostgreSQL `remit[postgres]`."""


@command.command("import")
@click.argument("file", metavar="FILE")
@click.option("--replace", is_flag=True, help="Put it in place of what the database holds.")
@policy_option
@directory_option
@answers
def import_(file: str, replace: bool, policy_path: str | None, directory_path: str | None) -> int:
    """Bring a directory file into an empty database, which is made or brought to the newest form first.

    Example: remit directory import --policy policy --directory sqlite:///people.db policy/directory.yaml"""
    session = Session(policy_path, directory_path)
    policy = session.policy()
    if not Path(file).is_file():
        fail(f"there is no directory at `{file}`")
    try:
        directory = Directory.load(file, cache=False)  # what is brought in is asked about there from now on
    except DirectoryError as error:
        session.refuse(error.diagnostics)
    session.bind(policy, directory)  # what does not fit the policy is not brought in
    lost = unknown_roles(policy.table, directory.data)
    if lost:
        click.echo(f"note: {counted(len(lost), 'assignment')} of roles that the policy lacks: see remit lint", err=True)
    try:
        store = database(_address(session))
        store.import_directory(directory.data, replace, clock(), session.config.company_id or "")
        store.close()
    except StoreError as error:
        fail(str(error), error.help)
    click.echo(f"{counted(len(directory.data.users), 'user')} and {counted(len(directory.data.groups), 'group')}")
    return 0


@command.command("export")
@click.option("-o", "--output", "target", metavar="FILE", help="Write to a file instead of standard output.")
@policy_option
@directory_option
@answers
def export(target: str | None, policy_path: str | None, directory_path: str | None) -> int:
    """Print a directory as YAML, from a database or from another file.

    Example: remit directory export --directory sqlite:///people.db -o directory.yaml"""
    from remit.directory.exporting import directory_text

    try:
        text = directory_text(Session(policy_path, directory_path).directory().data)
    except (ValueError, TypeError) as error:
        fail(f"this cannot be written as a file: {error}")
    if target is None:
        click.echo(text, nl=False)
        return 0
    from remit.project.files import write_whole

    try:
        write_whole(Path(target), text)
    except OSError as error:
        fail(f"`{target}` cannot be written: {(error.strerror or 'unwritable').lower()}")
    return 0


@command.command("migrate")
@policy_option
@directory_option
@answers
def migrate(policy_path: str | None, directory_path: str | None) -> int:
    """Make an empty database a directory, or bring one of an older release to the newest form.

    Example: remit directory migrate --directory sqlite:///people.db"""
    try:
        database(_address(Session(policy_path, directory_path))).migrate()
    except StoreError as error:
        fail(str(error), error.help)
    return 0


def _address(session: Session) -> str:
    place = session.directory_place()
    if place is None or not is_url(place):
        fail("this needs a database", "name one with --directory sqlite:///people.db, or postgresql://…")
    return place
