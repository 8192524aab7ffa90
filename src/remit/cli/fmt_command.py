"""`remit fmt`: lay policies out in the one format.

PATH… ──▶ files, each once ──▶ their texts in the format ──▶ written, or with --check and --diff only said
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import click

from remit.cli.session import Session, answers, coloured, exists, fail, policy_option, shown
from remit.diagnostics import Diagnostic
from remit.project.cache import Cache
from remit.project.files import decode
from remit.project.formatting import Formatted, each_once, files_at, format_file, format_source, write
from remit.report.difference import difference
from remit.source import Source

_COLOURS = {"+": "green", "-": "red", "@": "cyan"}


@dataclass(slots=True)
class _Tally:
    """How many files of each kind there were."""

    changed: int = 0
    unchanged: int = 0
    failed: int = 0


@click.command(name="fmt")
@click.argument("paths", metavar="[PATH]...", nargs=-1)
@policy_option
@click.option("--check", is_flag=True, help="Write nothing; exit 1 where a file would change.")
@click.option("--diff", is_flag=True, help="Write nothing; show what would change, and exit 1 if anything would.")
@click.option("--stdin-filename", metavar="NAME", help="What the file read from standard input, `-`, is called.")
@click.option("-q", "--quiet", is_flag=True, help="Print nothing but errors, and the differences of --diff.")
@click.option("--no-cache", is_flag=True, help="Look at every file anew, and keep nothing in .remit_cache.")
@answers
def command(
    paths: tuple[str, ...],
    policy_path: str | None,
    check: bool,
    diff: bool,
    stdin_filename: str | None,
    quiet: bool,
    no_cache: bool,
) -> int:
    """Lay policies out in the one format.

    PATH is a file; a folder, for every `.remit` file at or below it; or - for standard input, whose text is written to
    standard output. A file with syntax errors is left as it is.

    \b
    Examples:
      remit fmt
      remit fmt policies --check
      remit fmt policy/roles.remit --diff
      remit fmt - < roles.remit

    Exit codes: 0 clean or written, 1 with --check or --diff where something would change, 2 a file has errors, or
    cannot be read or written."""
    session = Session(policy_path)
    if "-" in paths:
        if len(paths) > 1:
            fail("`-` stands alone", "standard input and files are two calls")
        return _standard_input(stdin_filename or "<stdin>", check, diff, quiet)
    settings = session.config.file
    cache = Cache(None if no_cache else settings.parent if settings is not None else Path.cwd())
    files, findings = _files([Path(path) for path in paths] or [session.policy_path])
    _show(findings)
    tally = _Tally(failed=len(findings))
    for path in files:
        done = format_file(path, cache, with_text=diff or not check)
        if not _readable(done):
            tally.failed += 1
        elif not done.changed:
            tally.unchanged += 1
        elif check or diff:
            tally.changed += 1
            _would(done, diff, quiet)
        elif _written(path, done, cache):
            tally.changed += 1
            _say(f"reformatted {shown(str(path))}", quiet)
        else:
            tally.failed += 1
    _say(_summary(tally, check or diff), quiet, err=diff)
    return 2 if tally.failed else int(tally.changed > 0 and (check or diff))


def _files(places: list[Path]) -> tuple[list[Path], list[Diagnostic]]:
    """Every file at or below the places, each once; what could not be looked at."""
    files: list[Path] = []
    findings: list[Diagnostic] = []
    for place in places:
        if not exists(place):
            fail(f"there is no file or folder at `{place}`")
        found, wrong = files_at(place)
        if not found and not wrong:
            fail(f"there is no `.remit` file at or below `{place}`", "begin a policy with: remit init")
        files += found
        findings += wrong
    return each_once(files), findings


def _standard_input(name: str, check: bool, diff: bool, quiet: bool) -> int:
    """Formats one text to standard output."""
    source, findings = decode(sys.stdin.buffer.read(), Path(name).name, name)
    done = format_source(source) if source is not None else Formatted(Source(name, "", name), None, False, findings)
    if not _readable(done):
        return 2
    if check or diff:
        if done.changed:
            _would(done, diff, quiet)
        return int(done.changed)
    sys.stdout.flush()
    sys.stdout.buffer.write((done.after or "").encode())
    sys.stdout.buffer.flush()
    return 0


def _readable(done: Formatted) -> bool:
    """Says why a text was not formatted; whether it was."""
    _show(done.findings)
    if done.fault:
        _complain(f"`{done.source.origin}` is left as it is: {done.fault}", "a fault of remit: please report it")
    return not done.findings and not done.fault


def _show(findings: list[Diagnostic]) -> None:
    if findings:
        from remit.report.text import draw_findings

        colour = coloured(err=True)
        click.echo(draw_findings(findings, colour, str(Path.cwd())) + "\n", err=True, color=colour)


def _complain(message: str, help: str) -> None:
    click.echo(f"{click.style('error', fg='red', bold=True)}: {shown(message)}", err=True, color=coloured(err=True))
    click.echo(f"  = help: {help}", err=True)


def _written(path: Path, done: Formatted, cache: Cache) -> bool:
    """Writes a file; says why where it cannot be."""
    try:
        write(path, done.source.text, done.after or "", cache)
    except OSError as error:
        _complain(f"`{path}` cannot be written: {(error.strerror or 'unwritable').lower()}", "it is left as it was")
        return False
    return True


def _would(done: Formatted, diff: bool, quiet: bool) -> None:
    """Says that a text would change, and how."""
    if not diff:
        _say(f"would reformat {shown(done.source.origin)}", quiet)
        return
    colour = coloured()
    people = colour or sys.stdout.isatty()
    for line in difference(done.source.text, done.after or "", done.source.origin):
        said = shown(line) if people else line  # else it is a patch, which holds every sign as it is
        if colour and line.startswith(("+++", "---")):
            said = click.style(said, bold=True)
        elif colour and line[0] in _COLOURS:
            said = click.style(said, fg=_COLOURS[line[0]])
        click.echo(said, color=True)  # nothing is taken out


def _say(text: str, quiet: bool, err: bool = False) -> None:
    if not quiet and text:
        click.echo(text, err=err)


def _summary(tally: _Tally, dry: bool) -> str:
    """`2 files reformatted, 11 files left as they are`."""
    would = "would be " if dry else ""
    parts = [
        f"{_files_of(tally.changed)} {would}reformatted" if tally.changed else "",
        f"{_files_of(tally.unchanged)} left as {'it is' if tally.unchanged == 1 else 'they are'}"
        if tally.unchanged
        else "",
        f"{_files_of(tally.failed)} not formatted" if tally.failed else "",
    ]
    return ", ".join(part for part in parts if part)


def _files_of(number: int) -> str:
    return f"{number:,} file" + ("" if number == 1 else "s")
