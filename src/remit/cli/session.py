"""What every command needs: the options they share, the settings, the policy and the directory they name."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import suppress
from functools import wraps
from pathlib import Path
from typing import Any, BinaryIO, NoReturn, TypeVar

import click

from remit.policy import Directory, DirectoryError, Pdp, Policy, PolicyError
from remit.project.config import Config, ConfigError, find
from remit.project.directories import DIRECTORY_NAMES, is_url

Command = TypeVar("Command", bound=Callable[..., Any])

policy_option = click.option(
    "--policy",
    "policy_path",
    metavar="PATH",
    help="A policy: folder, file or compiled table. Default: remit.toml's, else `.`",
)
directory_option = click.option(
    "--directory",
    "directory_path",
    metavar="PATH|URL",
    help="Who holds which role. Default: remit.toml's, else the policy's directory.yaml",
)
at_option = click.option("--at", "scope", metavar="SCOPE", help="The place asked about, as KIND/ID.")
set_option = click.option("--set", "given", metavar="NAME=VALUE", multiple=True, help="An attribute of the resource.")
context_option = click.option(
    "--context", "surroundings", metavar="NAME=VALUE", multiple=True, help="An attribute of the context."
)
role_option = click.option(
    "--role", "roles", metavar="ROLE", multiple=True, help="Ask for somebody who holds just these roles."
)


def format_option(*formats: str) -> Callable[[Command], Command]:
    """`--output-format`, the first being the default."""
    return click.option("--output-format", type=click.Choice(formats), default=None, help=f"Default: {formats[0]}.")


def fail(message: str, help: str = "") -> NoReturn:
    """Says what is wrong with the call and ends with 2."""
    click.echo(f"{paint('error', 'red', err=True)}: {shown(message)}", err=True)
    if help:
        click.echo(f"  = help: {shown(help)}", err=True)
    raise click.exceptions.Exit(2)


def shown(text: str) -> str:
    """Text from outside, on one line of a terminal: line ends, control and direction characters as `\\u{…}`."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else f"\\u{{{ord(c):x}}}" for c in text)


def coloured(err: bool = False) -> bool:
    """Whether to colour: a terminal, unless NO_COLOR; FORCE_COLOR wins over the pipe."""
    import os

    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    return (sys.stderr if err else sys.stdout).isatty()


def paint(text: str, colour: str, err: bool = False, bold: bool = True) -> str:
    return click.style(text, fg=colour, bold=bold) if coloured(err) else text


class Session:
    """One call's settings. Loading prints what is wrong and ends with 2."""

    def __init__(self, policy_path: str | None = None, directory_path: str | None = None) -> None:
        try:
            self.config: Config = find(Path.cwd())
        except ConfigError as error:
            fail(str(error))
        configured = None if self.config.policy is None else _from_here(self.config.policy)
        self.given_policy = Path(policy_path) if policy_path else configured
        self.policy_path = self.given_policy or Path(".")
        self.given_directory = directory_path or self.config.directory

    def policy(self, cache: bool = True) -> Policy:
        """The policy, or the end of the call. `cache`: as for `Policy.load`."""
        try:
            return Policy.load(self.policy_path, cache)
        except PolicyError as error:
            self.refuse(error.diagnostics)

    def directory_place(self) -> str | None:
        """Where the directory is, a path or a database's address: as told, else `directory.yaml` in the policy's
        folder; None where there is none."""
        if self.given_directory:
            return self.given_directory
        folder = self.policy_path if self.policy_path.is_dir() else self.policy_path.parent
        for name in DIRECTORY_NAMES:
            if (folder / name).is_file():
                return str(folder / name)
        return None

    def directory(self) -> Directory:
        """The directory, or the end of the call."""
        place = self.directory_place()
        if place is None:
            fail("this asks about users, and there is no directory", "name one with --directory, or ask with --role")
        if is_url(place):
            return loaded(place)
        if not Path(place).is_file():
            fail(f"there is no directory at `{place}`", "name one with --directory")
        refuse_database(place)
        try:
            return Directory.load(place)
        except DirectoryError as error:
            self.refuse(error.diagnostics)

    def bind(self, policy: Policy, directory: Directory | None, clock: Callable[[], int] | None = None) -> Pdp:
        """The decision point, or the end of the call."""
        try:
            return policy.bind(directory, clock)
        except DirectoryError as error:
            self.refuse(error.diagnostics)

    def refuse(self, diagnostics: list[Any]) -> NoReturn:
        """Shows what is wrong in a file, and ends the call with 2."""
        from remit.report.text import draw_findings

        colour = coloured(err=True)
        click.echo(draw_findings(diagnostics, colour, str(Path.cwd())), err=True, color=colour)
        raise click.exceptions.Exit(2)


def _from_here(path: Path) -> Path:
    """The path as somebody here would write it: settings may stand in a folder above."""
    import os

    try:
        return Path(os.path.relpath(path))
    except ValueError:  # on another drive
        return path


def loaded(address: str) -> Directory:
    """The directory in a database, or the end of the call."""
    from remit.stores.store import StoreError

    try:
        directory = Directory.load(address)
    except StoreError as error:
        fail(str(error), error.help)
    directory.close()
    return directory


def exists(path: Path | str) -> bool:
    """Whether there is something by that path; nothing is by a name that no file system takes."""
    try:
        return Path(path).exists()
    except (OSError, ValueError):
        return False


def refuse_database(place: str) -> None:
    """Ends the call where a path names a SQLite database, which goes by its address."""
    with suppress(OSError), Path(place).open("rb") as file:
        if file.read(16) == b"SQLite format 3\0":
            fail(f"`{place}` is a database", f"name it by its address: sqlite:///{place}")


def refuse_source(target: str | None, what: str) -> None:
    """Ends the call where what it writes would stand in the place of a policy or a directory."""
    if target is not None and (target.endswith(".remit") or Path(target).name in DIRECTORY_NAMES):
        kind = "policy" if target.endswith(".remit") else "directory"
        fail(f"`{target}` is a {kind}: {what} would stand in its place", "give -o another name")


def opened(place: str) -> BinaryIO:
    """A file of lines, or standard input for `-`; the end of the call where it cannot be read."""
    if place == "-":
        return sys.stdin.buffer
    try:
        return Path(place).open("rb")
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or "no file can have that name"
        fail(f"`{place}` cannot be read: {why.lower()}")


def answers(function: Callable[..., int]) -> Callable[..., None]:
    """A command whose function returns its exit code."""

    @wraps(function)
    def run(*args: Any, **kwargs: Any) -> None:
        raise click.exceptions.Exit(function(*args, **kwargs))

    return run


def split_pair(pair: str, option: str) -> tuple[str, str]:
    """`name=value` of --set and --context."""
    name, equals, value = pair.partition("=")
    if not equals or not name:
        fail(f"`{option} {pair}` gives no value", f"write {option} name=value")
    return name, value
