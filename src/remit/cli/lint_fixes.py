"""`remit lint --fix` and `--diff`: what is fixed, said on standard error, or shown as a difference."""

from __future__ import annotations

import os

import click

from remit.cli.session import coloured, fail, shown
from remit.project import fixing
from remit.project.linting import Linted
from remit.project.silencing import Said
from remit.report.difference import difference
from remit.report.listing import counted

_COLOURS = {"+": "green", "-": "red", "@": "cyan"}


def fix(look: fixing.Look, unsafe: bool, quiet: bool) -> tuple[Linted, Said]:
    """Does the fixes; what is left. Ends the call where a file cannot be written."""
    fixed = fixing.fix(look, unsafe)
    try:
        fixing.write(fixed)
    except fixing.FixError as error:
        fail(str(error), "try again")
    if not quiet:
        _refused(fixed)
        if fixed.done:
            files = len(fixed.texts)
            click.echo(f"fixed {counted(fixed.done, 'finding')} in {counted(files, 'file')}", err=True)
    return fixed.linted, fixed.said


def show(look: fixing.Look, unsafe: bool, quiet: bool) -> int:
    """Shows what would be fixed, as a unified difference; 1 if anything would be."""
    fixed = fixing.fix(look, unsafe)
    colour = coloured()
    for path, text in sorted(fixed.texts.items()):
        for line in difference(fixed.before[path], text, os.path.relpath(path).replace(os.sep, "/")):
            head = line.startswith(("+++", "---"))
            styled = click.style(shown(line), fg=None if head else _COLOURS.get(line[:1]), bold=head or None)
            click.echo(styled if colour else line, color=colour)
    if not quiet:
        _refused(fixed)
        click.echo(f"{counted(fixed.done, 'finding')} would be fixed", err=True)
    return int(bool(fixed.texts))


def _refused(fixed: fixing.Fixed) -> None:
    for finding, why in fixed.refused:
        span = finding.span
        where = f" at {shown(span.source.origin or span.source.name)}:{span.line}:{span.column}" if span else ""
        click.echo(f"not fixed: {finding.code}{where}: {why}", err=True)
