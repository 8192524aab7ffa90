"""One question from a shell: whole processes of `remit can`, beside the commands of other engines that read the same
policy from files.

Four questions come first, one of each class (allowed outright, allowed by ownership, denied by a rule, no rule): a
command that answers one otherwise is told, and not timed, remit's own neither. Then all commands take turns on one
question, on the clock of the wall.

    remit can u7 read invoice_3:i1 --set owner=u7 --policy plain.remit --directory directory.json
    opa eval -d policy.rego -d data.json -i input.json data.peers.decision
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import NamedTuple

from benchmarks import startup
from benchmarks import workload as w
from benchmarks.page import NOT_MEASURED, shown
from benchmarks.page import row as table_row
from benchmarks.peers import plain
from benchmarks.peers.engines import Home
from benchmarks.peers.plain import Plain, Request
from benchmarks.peers.process import PeerError
from benchmarks.timing import Spread, ratios, spread, turns

LIMIT = 120.0  # seconds that one process may take
TIMED = plain.OWNER  # the class of the question that is timed
SOONER = "{size}: one question from a shell, beside the time of `remit can`: {command}, {found}"
NOT_TIMED = "{size}: {command}: {why}"
QUERY = "data.peers.decision"  # what `peers/go/opa/policy.rego` is asked for
SOURCES, AGAIN, TABLE = "remit-can", "remit-can-again", "remit-can-table"
OWN = {SOURCES: "on sources", AGAIN: "on sources that it remembers", TABLE: "on a compiled table"}


class Asking(NamedTuple):
    """A command made ready. `ask` gives the words that ask one question, after writing what they read; `allows` reads
    the answer, None from a command that decides nothing, and raises PeerError for what is no answer; `variables` are
    added to the environment."""

    ask: Callable[[Request], Sequence[str]]
    allows: Callable[[subprocess.CompletedProcess[str]], bool | None]
    variables: Mapping[str, str] = {}


class Command(NamedTuple):
    """`ready` makes it ready in a folder of its own beside the policy's files, and may raise PeerError."""

    key: str
    name: str
    does: str  # what the process does, in words
    ready: Callable[[Home, Path, Plain], Asking]


@dataclass(slots=True)
class Row:
    command: Command
    milliseconds: Spread | None = None
    over: dict[str, Spread] = field(default_factory=dict)  # one of OWN → times that one, round by round
    trouble: str = ""  # why it was not timed


@dataclass(slots=True)
class Compared:
    size: w.Size
    rows: list[Row]


# -- remit -----------------------------------------------------------------------------------------------------------


def _remit(file: str, remembers: bool = False) -> Callable[[Home, Path, Plain], Asking]:
    """`remembers`: in a cache of this folder's own what texts come to; else nothing is kept from call to call."""

    def ready(home: Home, folder: Path, policy: Plain) -> Asking:
        sources = folder / "plain.remit"
        sources.write_text(plain.remit_policy(policy), encoding="utf-8")
        directory = folder / "directory.json"
        directory.write_text(json.dumps(plain.remit_directory(policy)), encoding="utf-8")
        program = startup.script() or startup.remit()
        if file != sources.name:
            _done([*program, "compile", "--policy", str(sources), "-o", str(folder / file)], folder)

        def ask(asked: Request) -> Sequence[str]:
            question = [asked["user"], asked["action"], f"{asked['type']}:{asked['id']}"]
            owner = ["--set", f"owner={asked['owner']}"]
            return [*program, "can", *question, *owner, "--policy", str(folder / file), "--directory", str(directory)]

        return Asking(ask, _yes, {"REMIT_CACHE": str(folder / "cache") if remembers else "off"})

    return ready


def _yes(done: subprocess.CompletedProcess[str]) -> bool:
    """`remit can` says yes with 0 and no with 1."""
    if done.returncode not in (0, 1) or not done.stdout.startswith(("yes", "no")):
        raise PeerError(f"gives no answer: {_last(done)}")
    return done.returncode == 0


# -- Open Policy Agent -----------------------------------------------------------------------------------------------


def _opa(bundled: bool) -> Callable[[Home, Path, Plain], Asking]:
    """Policy and data as files, or as a bundle, made beforehand by `opa build`."""

    def ready(home: Home, folder: Path, policy: Plain) -> Asking:
        program = home.go("opa-command", "github.com/open-policy-agent/opa")
        _written(home.go("opa"), folder, policy)
        files = [str(folder / name) for name in ("policy.rego", "data.json")]
        read = [word for file in files for word in ("-d", file)]
        if bundled:
            bundle = str(folder / "bundle.tar.gz")
            _done([program, "build", *files, "-o", bundle], folder)
            read = ["-b", bundle]

        def ask(asked: Request) -> Sequence[str]:
            (folder / "input.json").write_text(json.dumps(asked), encoding="utf-8")
            return [program, "eval", *read, "-i", str(folder / "input.json"), "--format", "raw", QUERY]

        return Asking(ask, _letter)

    return ready


def _letter(done: subprocess.CompletedProcess[str]) -> bool:
    letter = done.stdout.strip()
    if done.returncode or letter not in ("a", "d", "n"):
        raise PeerError(f"gives no answer: {_last(done)}")
    return letter == "a"


# -- Cerbos ----------------------------------------------------------------------------------------------------------

_CERBOS_PASSED, _CERBOS_FAILED = 0, 4  # how `cerbos compile` ends after its tests


def _cerbos(tested: bool) -> Callable[[Home, Path, Plain], Asking]:
    """`cerbos compile` asks nothing but in tests: a question is a test that it be allowed."""

    def ready(home: Home, folder: Path, policy: Plain) -> Asking:
        program = home.cerbos()
        policies = folder / "policies"
        policies.mkdir()
        _written(home.go("cerbos"), folder, policy, policies)

        def ask(asked: Request) -> Sequence[str]:
            if not tested:
                return [program, "compile", "--skip-tests", str(policies)]
            text = json.dumps(_suite(asked, policy["users"][asked["user"]]))
            (policies / "question_test.json").write_text(text, encoding="utf-8")
            return [program, "compile", str(policies)]

        return Asking(ask, _passes if tested else _compiles)

    return ready


def _suite(asked: Request, roles: Sequence[str]) -> Plain:
    effect = {asked["action"]: "EFFECT_ALLOW"}
    resource = {"kind": asked["type"], "id": asked["id"], "attr": {"owner": asked["owner"]}}
    return {
        "name": "question",
        "principals": {"who": {"id": asked["user"], "roles": list(roles)}},
        "resources": {"what": resource},
        "tests": [
            {
                "name": "allowed",
                "input": {"principals": ["who"], "resources": ["what"], "actions": [asked["action"]]},
                "expected": [{"principal": "who", "resource": "what", "actions": effect}],
            }
        ],
    }


def _passes(done: subprocess.CompletedProcess[str]) -> bool:
    if done.returncode not in (_CERBOS_PASSED, _CERBOS_FAILED) or "1 tests executed" not in done.stdout:
        raise PeerError(f"runs no test: {_last(done)}")
    return done.returncode == _CERBOS_PASSED


def _compiles(done: subprocess.CompletedProcess[str]) -> None:
    if done.returncode:
        raise PeerError(f"does not compile: {_last(done)}")


# -- all of them -----------------------------------------------------------------------------------------------------

COMMANDS: tuple[Command, ...] = (
    Command(
        SOURCES,
        f"remit can, {OWN[SOURCES]}",
        "reads the policy's text, compiles it, and reads the directory; decides",
        _remit("plain.remit"),
    ),
    Command(
        AGAIN,
        f"remit can, {OWN[AGAIN]}",
        "reads the texts of policy and directory, and what they came to in an earlier call; decides",
        _remit("plain.remit", remembers=True),
    ),
    Command(
        TABLE,
        f"remit can, {OWN[TABLE]}",
        "reads the table that `remit compile` made, and the directory; decides",
        _remit("plain.table.json"),
    ),
    Command(
        "opa-eval",
        "opa eval, on files",
        "reads a policy of a few rules, and what roles may do and users hold as data, closed over inheritance; decides",
        _opa(bundled=False),
    ),
    Command(
        "opa-eval-bundle",
        "opa eval, on a bundle",
        "the same from a bundle that `opa build` made; decides",
        _opa(bundled=True),
    ),
    Command(
        "cerbos-compile",
        "cerbos compile",
        "reads a policy for each type, compiles it, and decides in one test, whose user comes with it",
        _cerbos(tested=True),
    ),
    Command(
        "cerbos-compile-untested",
        "cerbos compile --skip-tests",
        "reads and compiles; decides nothing",
        _cerbos(tested=False),
    ),
)


def chosen(only: Sequence[str]) -> list[Command]:
    """Those of these keys, or all where none is given; and remit's own, where there are any."""
    named = [command for command in COMMANDS if not only or command.key in only]
    return [one for one in COMMANDS if one in named or one.key in OWN] if named else []


def compare(size: w.Size, rounds: int, home: Home, commands: Sequence[Command] = COMMANDS) -> Compared:
    """Make ready, hold that they agree, and time `commands`, remit's among them."""
    print(f"  {size.name}: one question from a shell …", file=sys.stderr, flush=True)
    policy = plain.policy(size)
    questions = _questions(policy)
    rows = [Row(command) for command in commands]
    with tempfile.TemporaryDirectory() as scratch:
        jobs: dict[str, Callable[[], object]] = {}
        for row in rows:
            folder = Path(scratch) / row.command.key
            folder.mkdir()
            try:
                asking = row.command.ready(home, folder, policy)
                answers = [
                    asking.allows(_process(asking.ask(question), folder, asking.variables))
                    for question in questions.values()
                ]
                row.trouble = _disagreement(questions, answers)
                if not row.trouble:
                    words = asking.ask(questions[TIMED])
                    jobs[row.command.key] = partial(_process, words, folder, asking.variables)
            except PeerError as problem:
                row.trouble = f"{NOT_MEASURED}{problem}"
        _time(rows, jobs, rounds)
    return Compared(size, rows)


def _questions(policy: Plain) -> dict[str, Request]:
    """A request of each class."""
    pdp = plain.remit_pdp(policy)
    found = {plain.class_of(pdp, request): request for request in plain.requests(policy, pdp, 2 * len(plain.MIX), "s")}
    return {name: found[name] for name in plain.CLASSES}


def _disagreement(questions: dict[str, Request], answers: Sequence[bool | None]) -> str:
    """Empty where every answer is that of the question's class."""
    for (name, request), answer in zip(questions.items(), answers, strict=True):
        if answer is not None and answer != (name in (plain.OUTRIGHT, plain.OWNER)):
            return f"disagrees: it {'allows' if answer else 'denies'} {json.dumps(request)} ({name})"
    return ""


def _time(rows: Sequence[Row], jobs: dict[str, Callable[[], object]], rounds: int) -> None:
    if not set(OWN) <= set(jobs):
        for row in rows:
            row.trouble = row.trouble or "not compared: `remit can` is not measured"
        return
    turns(jobs, 1, perf_counter)  # warms what is kept from call to call
    taken = turns(jobs, rounds, perf_counter)
    for row in rows:
        if row.command.key in taken:
            times = taken[row.command.key]
            row.milliseconds = spread(second * 1000 for second in times)
            row.over = {own: ratios(times, taken[own]) for own in OWN}


def _process(
    words: Sequence[str], folder: Path, variables: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    around = {**startup.environment(), "CERBOS_NO_TELEMETRY": "1", **(variables or {})}
    try:
        return subprocess.run(words, cwd=folder, env=around, capture_output=True, text=True, check=False, timeout=LIMIT)
    except (OSError, subprocess.TimeoutExpired) as problem:
        raise PeerError(f"does not answer: {problem}") from problem


def _done(words: Sequence[str], folder: Path) -> None:
    done = _process(words, folder)
    if done.returncode:
        raise PeerError(f"cannot be made ready: {_last(done)}")


def _written(program: str, folder: Path, policy: Plain, into: Path | None = None) -> None:
    """The engine's own files, written by its candidate in Go."""
    requests = [{"user": "", "action": "", "type": "", "id": "", "owner": ""}]
    for name, content in (("policy", policy), ("hot", requests)):
        (folder / f"{name}.json").write_text(json.dumps(content), encoding="utf-8")
    _done([program, "-workload", str(folder), "-write", str(into or folder)], folder)


def _last(done: subprocess.CompletedProcess[str]) -> str:
    lines = (done.stderr.strip() or done.stdout.strip()).splitlines()
    return lines[-1][:200] if lines else f"ended with {done.returncode}, silently"


# -- the report ------------------------------------------------------------------------------------------------------


def table(compared: Compared) -> str:
    size = compared.size
    ours = " | ".join(f"× remit can, {how}" for how in OWN.values())
    return "\n".join(
        [
            f"### {size.name}: one question from a shell",
            "",
            f"Whole processes on {size.rules:,} rules and {size.users:,} users; the time is that on the clock.",
            "",
            f"| command | ms (this machine) | {ours} | what it does |",
            "|---|---|---|---|---|---|",
            *(_line(row) for row in compared.rows),
        ]
    )


def _line(row: Row) -> str:
    cells = ["1" if own == row.command.key and row.over else shown(row.over.get(own)) for own in OWN]
    taken = row.milliseconds.text("").replace("  ", " ") if row.milliseconds else "–"
    said = f"**{row.trouble}**" if row.trouble else row.command.does
    return table_row([row.command.name, taken, *cells, said])


def behind(compared: Compared) -> Iterator[str]:
    """A sentence for each command that is done sooner than remit's."""
    for row in compared.rows:
        ahead = [f"{shown(found)} of that {OWN[own]}" for own, found in row.over.items() if found.median < 1]
        if ahead and row.command.key not in OWN:
            yield SOONER.format(size=compared.size.name, command=row.command.name, found=", ".join(ahead))


def missing(compared: Compared) -> Iterator[str]:
    for row in compared.rows:
        if row.trouble:
            yield NOT_TIMED.format(size=compared.size.name, command=row.command.name, why=row.trouble)
