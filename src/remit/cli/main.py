"""The command line. Each command is a module of this folder, loaded only when it is called."""

from __future__ import annotations

import gc
import io
import os
import sys
from contextlib import suppress
from importlib import import_module

import click

from remit.version import __version__

COMMANDS = {
    "can": "may this user do this: yes or no, with one line of reason",
    "explain": "why, or why not, and what would have to change",
    "eval": "answer a file of requests, a line each",
    "who": "who may do this",
    "what": "what may this user do",
    "matrix": "what each role may do",
    "members": "who is here, with which role, and where it comes from",
    "apply": "membership events against the directory",
    "audit": "check the audit log, or show it",
    "directory": "bring a directory into a database, or out of one",
    "lint": "what is wrong in policies and directories",
    "rule": "what a code means",
    "fmt": "lay policies out in the one format",
    "test": "run the examples and asserts of a policy",
    "diff": "what anybody may do otherwise than before",
    "compile": "write the decision table",
    "schema": "print a JSON Schema",
    "init": "write the first files of a policy",
}


class _Commands(click.Group):
    """Knows its commands by name; the module of one is imported when it is called."""

    def list_commands(self, context: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        found = import_module(f"remit.cli.{name}_command").command
        assert isinstance(found, click.Command)
        return found

    def format_commands(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def resolve_command(
        self, context: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            from remit.diagnostics import nearest

            near = nearest(args[0], COMMANDS)
            hint = f"; did you mean `{near}`?" if near else ""
            raise click.UsageError(f"there is no command `{args[0]}`{hint}")
        return super().resolve_command(context, args)


_EPILOG = "What policies and directory files come to is kept in ~/.cache/remit; REMIT_CACHE=off keeps nothing."


@click.command(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]}, epilog=_EPILOG)
@click.version_option(__version__, "--version", "-V", prog_name="remit", message="%(prog)s %(version)s")
def remit() -> None:
    """Roles and permissions as code: may somebody do something, and which line says so.

    Exit codes: 0 yes or clean, 1 no or findings, 2 the call or the input is wrong."""


class _Closed(io.RawIOBase):
    """Standard input that was closed before the call: to read it is a mistake in the call, and no empty input."""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        raise click.ClickException("standard input is closed, and `-` reads it: name a file, or pipe something in")


def _stand_in() -> None:
    """Opens what was closed before the call (`>&-`), which Python says by None: output then goes nowhere. The lowest
    number that is free is that of the one it stands for, so no other file gets it and is written to by mistake."""
    for name in ("stdin", "stdout", "stderr"):
        if getattr(sys, name) is None:
            number = os.open(os.devnull, os.O_RDWR)
            os.set_inheritable(number, True)  # for git, too
            if name == "stdin":
                sys.stdin = io.TextIOWrapper(io.BufferedReader(_Closed()), encoding="utf-8")
            else:
                setattr(sys, name, open(number, "w", encoding="utf-8", closefd=False))  # noqa: SIM115 (open to the end)


def main() -> int:
    """Runs the command line; the exit code."""
    _stand_in()
    if sys.argv[1:2] in (["can"], ["explain"]):
        gc.disable()  # one question makes no garbage worth a pause
    try:
        found = remit.main(standalone_mode=False, prog_name="remit")
        sys.stdout.flush()
        return found if isinstance(found, int) else 0
    except click.exceptions.Exit as stop:
        return stop.exit_code
    except click.ClickException as error:
        _say(error)
        return 2
    except click.Abort:
        return 130
    except SystemExit as stop:
        if type(sys.stdout).__name__ == "PacifyFlushWrapper":  # click's mark: the reader has gone
            return 0
        return stop.code if isinstance(stop.code, int) else 2
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:  # a full disk, a closed terminal
        with suppress(OSError, ValueError):  # else what is left in the buffer fails once more at the end
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        with suppress(OSError):
            click.echo(f"remit: the answer cannot be written: {(error.strerror or 'unknown reason').lower()}", err=True)
        return 2
    except RecursionError:
        click.echo("remit: the input is nested too deeply", err=True)
        return 2
    except MemoryError:
        click.echo("remit: the input is too large for the memory there is", err=True)
        return 2


def _say(error: click.ClickException) -> None:
    """A wrong call, said as every other mistake is. click's text may quote an argument."""
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        click.echo(error.format_message(), err=True)
        return
    from remit.cli.session import paint, shown

    message = shown(error.format_message().rstrip("."))
    click.echo(f"{paint('error', 'red', err=True)}: {message[:1].lower()}{message[1:]}", err=True)
    context = error.ctx if isinstance(error, click.UsageError) else None
    if context is not None:
        click.echo(f"  = help: {context.command_path} --help", err=True)
