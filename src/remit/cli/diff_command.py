"""`remit diff`: what anybody may do otherwise under another version of the policy.

OLD, NEW ──▶ two tables ──▶ the exact difference ──▶ what was chosen of it ──▶ one of the formats, exit code
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from remit.cli.session import Session, answers, coloured, fail, format_option, policy_option, refuse_source, shown
from remit.diagnostics import similar
from remit.policy import clock

if TYPE_CHECKING:
    from remit.analysis.reviewing import Review
    from remit.cli.diffing import Side
    from remit.directory.shape import Directory
    from remit.evaluator.pdp import Pdp
    from remit.proof.beside import Beside
    from remit.report.diff_words import Paths
    from remit.table.shape import Table

FORMATS = ("text", "json", "markdown", "html")
FAILING = ("gained", "lost", "any")


@click.command("diff", short_help="what anybody may do otherwise than before")
@click.argument("old", metavar="OLD")
@click.argument("new", metavar="[NEW]", required=False)
@policy_option
@click.option("--directory", "directory_path", metavar="PATH|URL", help="Who holds which role, on both sides.")
@click.option("--new-directory", metavar="PATH|URL", help="Who holds which role on the new side.")
@click.option("--by", type=click.Choice(("role", "user")), default="role", help="Whose permissions. Default: role.")
@click.option("--role", "roles", metavar="ROLE", multiple=True, help="Only what changes for this role.")
@click.option("--area", "areas", metavar="AREA", multiple=True, help="Only what changes in this area.")
@click.option("--fail-on", type=click.Choice(FAILING), help="Exit 1 where there is such a change, or one is unproven.")
@click.option("--allow-missing", is_flag=True, help="What a revision lacks is empty, and no mistake.")
@format_option(*FORMATS)
@click.option("-o", "--output", "target", metavar="FILE", help="Write to a file instead of standard output.")
@click.option("-q", "--quiet", is_flag=True, help="Print nothing; the exit code tells.")
@answers
def command(
    old: str,
    new: str | None,
    policy_path: str | None,
    directory_path: str | None,
    new_directory: str | None,
    by: str,
    roles: tuple[str, ...],
    areas: tuple[str, ...],
    fail_on: str | None,
    allow_missing: bool,
    output_format: str | None,
    target: str | None,
    quiet: bool,
) -> int:
    """Every permission that is otherwise in NEW than in OLD, exactly, with an example and the line that made it.

    OLD and NEW are each a policy's folder or file, a compiled table, or a git revision, at which the policy is read
    where it is now (REVISION:PATH: elsewhere). NEW is the policy as it lies here, unless given.

    \b
    Examples:
      remit diff main
      remit diff v1.0 v1.1 --fail-on gained
      remit diff before after --by user --directory people.yaml
      remit diff main --output-format markdown -o comment.md

    --fail-on gained counts gained, widened and changed; lost counts lost, narrowed and changed; any counts all, what
    shows on incomplete requests alone too.

    Exit codes: 0 compared, 1 with --fail-on where there is such a change or where it could not be told, 2 a policy
    cannot be read or does not compile, or the extra `prove` is missing where it is needed."""
    from remit.analysis.reviewing import COUNTED
    from remit.cli.asking import chosen
    from remit.cli.diffing import load_policy, moved, side_of

    refuse_source(target, "the report")
    session = Session(policy_path)
    sides = side_of(old, session), side_of(new, session)
    people = by == "user"
    old_table, new_table = (load_policy(side, session, allow_missing, people or side is sides[1]) for side in sides)
    for note in moved(sides[0], session) if policy_path is None else ():
        click.echo(shown(f"note: {note}"), err=True)
    wanted = _Wanted(old_table, new_table, roles, areas)
    found = _compared(sides, session, wanted, people, (directory_path, new_directory), allow_missing)
    if not quiet:
        _write(found, sides, chosen(output_format, session, *FORMATS), target)
    for one in found.unproven[:3] if fail_on else ():
        from remit.report.diff_whole import unproven_words

        click.echo(f"it could not be told whether this changed: {unproven_words(one)}", err=True)
    counted = any(found.changed[kind] for kind in COUNTED[fail_on]) if fail_on else False
    return int(counted or (fail_on is not None and bool(found.unproven)))


class _Wanted:
    """The roles and areas that were chosen, by their present names; the end of the call where one is not known."""

    def __init__(self, old: Table, new: Table, roles: Iterable[str], areas: Iterable[str]) -> None:
        self.old = old
        self.new = new
        self.roles = frozenset(self._role(name) for name in roles)
        self.areas = frozenset(self._area(name) for name in areas)

    def _role(self, name: str) -> str:
        found = self.new.canonical_role(name) or self.old.canonical_role(name)
        if found is None:
            fail(f"there is no role `{name}` on either side", similar(name, {*self.new.roles, *self.old.roles}))
        return found

    def _area(self, name: str) -> str:
        known = {*self.new.areas, *self.old.areas}
        if name not in known:
            fail(f"there is no area `{name}` on either side", similar(name, known))
        return name


def _compared(
    sides: tuple[Side, Side],
    session: Session,
    wanted: _Wanted,
    by_user: bool,
    given: tuple[str | None, str | None],
    allow_missing: bool,
) -> Review:
    """The difference as it is reviewed, with the people it concerns where there is a directory. `given`: the
    directories of both sides, and of the new one alone."""
    from remit.analysis.concerned import Concerned
    from remit.analysis.reviewing import chosen, chosen_people, review, review_people, with_people
    from remit.cli.diffing import load_people, needs_solver
    from remit.proof.solver import MissingSolverError

    old, new, now = wanted.old, wanted.new, clock()
    directory = load_people(sides[1], session, given[1] or given[0], by_user, allow_missing)
    try:
        if not by_user or directory is None:
            from remit.proof.compare import compare

            found = review(chosen(compare(old, new), old, new, wanted.roles, wanted.areas), old, new)
            if directory is None:
                return found
            return with_people(found, Concerned(directory, (new, old), now), _decided(old, new, directory, now))
        from remit.proof.beside import beside, beside_people
        from remit.proof.people import compare_people

        before = load_people(sides[0], session, given[0], True, allow_missing)
        assert before is not None
        for side, table, people in ((sides[0], old, before), (sides[1], new, directory)):
            _fits(side, table, people, session)
        everything = compare_people(old, before, new, directory, now)
        users: frozenset[str] | None = None
        if wanted.roles:
            holding = [Concerned(people, (new, old), now).holders(wanted.roles) for people in (before, directory)]
            users = frozenset(person.id for people in holding for person in people)
        chosen_here = chosen_people(everything, old, new, users, wanted.areas)
        besides: tuple[Beside, ...] = ()
        if not wanted.roles and not wanted.areas:
            besides = (*beside(old, new), *beside_people(before, directory))
        return review_people(chosen_here, besides, old, new)
    except MissingSolverError:
        needs_solver()


def _fits(side: Side, table: Table, directory: Directory, session: Session) -> None:
    from remit.directory.fit import misfits

    if wrong := misfits(table, directory):
        session.refuse(wrong)


def _decided(old: Table, new: Table, directory: Directory, now: int) -> tuple[Pdp, Pdp] | None:
    """Decision points of both policies for a directory, which try examples; None where it does not fit both."""
    from remit.directory.fit import misfits
    from remit.evaluator import pdp

    if any(misfits(table, directory) for table in (old, new)):
        return None
    return pdp.Pdp(old, directory, lambda: now), pdp.Pdp(new, directory, lambda: now)


# -- answers -----------------------------------------------------------------------------------------------------------


def _write(found: Review, sides: tuple[Side, Side], chosen: str, target: str | None) -> None:
    from remit.report.diff_words import Paths

    assert sides[0].table is not None
    assert sides[1].table is not None
    from remit.cli.asking import path_from_here

    paths = Paths(path_from_here(sides[0].table), path_from_here(sides[1].table))
    colour = coloured() and target is None
    pieces = _drawn(found, sides, chosen, paths, colour)
    if target is None:
        for piece in pieces:
            click.echo(piece, nl=False, color=colour)
        return
    from remit.project.files import write_whole

    try:
        write_whole(Path(target), "".join(pieces))
    except OSError as error:
        fail(f"`{target}` cannot be written: {(error.strerror or 'unwritable').lower()}")


def _drawn(found: Review, sides: tuple[Side, Side], chosen: str, paths: Paths, colour: bool) -> Iterator[str]:
    """The answer in pieces, for it may be long."""
    names = (shown(sides[0].name), shown(sides[1].name))
    if chosen == "json":
        from remit.report.diff_json import diff_json

        old, new = sides[0].table, sides[1].table
        assert old is not None
        assert new is not None
        commits = (sides[0].at.commit if sides[0].at else None, sides[1].at.commit if sides[1].at else None)
        yield from diff_json(found, old, new, names, commits)
    elif chosen == "markdown":
        from remit.report.diff_markdown import diff_markdown

        yield diff_markdown(found, paths, names) + "\n"
    elif chosen == "html":
        from remit.report.diff_html import diff_html

        yield diff_html(found, paths, names) + "\n"
    else:
        from remit.report.diff_text import diff_text

        yield diff_text(found, paths, colour) + "\n"
