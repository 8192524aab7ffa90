"""The floors of the house: imports point downwards only, and the compiler is pure.

Read from the source with `ast`, nothing is imported: so lazy imports inside functions and those for type checkers count
like any other. To add a room, give it its floor below; to import sideways or to touch the world, give the reason.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "src" / "remit"

# From the roof to the ground. A room is a folder or a module directly in src/remit; it may import itself and every
# lower floor. "" is `remit/__init__.py`.
FLOORS: tuple[tuple[str, ...], ...] = (
    ("", "__main__"),  # the package's face, which loads what it names when asked for, and `python -m remit`
    ("cli", "server", "lsp", "pytest_plugin"),  # how it is called
    ("policy",),  # the objects of the Python interface
    ("stores",),  # what keeps a directory that changes: files and databases
    ("project",),  # the one room that opens what users wrote
    ("compiler",),  # from texts to a table: syntax, model, table, one after the other
    (
        "report",
        "wire",
        "wire_table",
        "wire_diff",
        "schemas",
    ),  # what goes out: text, JSON, and the shapes it has
    ("lint", "analysis", "testing", "bulk"),  # each takes a policy that compiled, and asks more of it
    ("proof",),  # what holds of every request, exactly
    (
        "directory",
        "evaluator",
        "membership",
        "explanation",
    ),  # a request or an event, and a directory, against the table
    ("table",),
    ("model",),
    ("syntax",),
    ("diagnostics", "codes", "source", "instant", "collection", "version"),  # words that every floor uses
)

SIDEWAYS: dict[tuple[str, str], str] = {
    ("diagnostics", "source"): "a finding says where",
    ("evaluator", "directory"): "a decision asks who holds what",
    ("membership", "directory"): "an event changes who holds what",
    ("membership", "evaluator"): "what an event requires is a decision like any other",
    ("explanation", "membership"): "a role that somebody lacks may break a guard",
    ("explanation", "directory"): "an explanation says through which group a role is held",
    ("explanation", "evaluator"): "every repair is tried through the evaluator before it is shown",
    ("schemas", "wire"): "the schemas are generated from the shapes",
    ("schemas", "wire_table"): "the schemas are generated from the shapes",
    ("schemas", "wire_diff"): "the schemas are generated from the shapes",
    ("wire_diff", "wire"): "a witness is a request, and a rule has its place, as everywhere",
}

# The rooms under `project` take texts and give data. What may touch the world all the same: module → what, and why.
IMPURE: dict[str, tuple[set[str], str]] = {
    "remit.syntax.parser": (
        {"pathlib.Path", ".is_file()", ".read_text()"},
        "the grammar is the compiler's own resource, shipped beside it",
    ),
    "remit.schemas": (
        {"pathlib.Path", ".is_file()", ".read_text()"},
        "the schemas are the package's own resource, shipped beside it",
    ),
    "remit.report.rule_pages": (
        {"pathlib.Path", ".is_file()", ".read_text()"},
        "the pages of the codes are the package's own resource, shipped beside it",
    ),
}
PURE_BELOW = "project"

WORLDLY_MODULES = {
    *("os", "io", "time", "subprocess", "socket", "shutil", "tempfile", "glob", "fileinput", "random", "secrets"),
    *("getpass", "locale", "platform", "signal", "logging", "urllib.request", "http.client", "importlib.resources"),
}
WORLDLY_NAMES = {
    ("pathlib", "Path"),
    ("sys", "stdin"),
    ("sys", "stdout"),
    ("sys", "stderr"),
    ("sys", "argv"),
}
WORLDLY_CALLS = {"open", "print", "input", "breakpoint"}
WORLDLY_METHODS = {
    *("read_text", "read_bytes", "write_text", "write_bytes", "iterdir", "rglob", "is_file", "is_dir", "unlink"),
    *("mkdir", "now", "utcnow", "today", "getenv", "urlopen"),
}

EMPTY_NAMES = {"util", "utils", "helper", "helpers", "common", "manager", "managers", "misc"}
LONGEST = 500  # lines


def modules(package: Path = PACKAGE) -> dict[str, str]:
    """Every module of the package by its dotted name, with its source."""
    found = {}
    for path in sorted(package.rglob("*.py")):
        parts = (package.name, *path.relative_to(package).with_suffix("").parts)
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path.read_text(encoding="utf-8")
    return found


def room(module: str) -> str:
    """`remit.table.index` stands in `table`."""
    return module.split(".")[1] if "." in module else ""


def floor(name: str) -> int | None:
    """The number of a room's floor, 0 being the roof; None where the house has no such room."""
    return next((number for number, rooms in enumerate(FLOORS) if name in rooms), None)


def imports(module: str, source: str, known: set[str]) -> Iterator[tuple[int, str]]:
    """Line and full name of each module of ours that is imported, wherever in the source that stands."""
    inside = module if any(name.startswith(module + ".") for name in known) else module.rpartition(".")[0]
    for node in ast.walk(ast.parse(source)):
        named: list[str] = []
        if not isinstance(node, ast.stmt | ast.expr):
            continue
        if isinstance(node, ast.Import):
            named = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            start = node.module or ""
            if node.level:  # each dot past the first leads one package up
                base = inside.split(".")[: len(inside.split(".")) - node.level + 1]
                start = ".".join([*base, *([node.module] if node.module else [])])
            # `from remit import table` imports the room, `from remit import Policy` the package's face
            parts = [f"{start}.{alias.name}" for alias in node.names]
            named = [part if is_module(part, known) else start for part in parts]
        elif isinstance(node, ast.Call) and called(node) in ("import_module", "__import__") and node.args:
            first = node.args[0]
            named = [first.value] if isinstance(first, ast.Constant) and isinstance(first.value, str) else []
        for name in named:
            if name == "remit" or name.startswith("remit."):
                yield node.lineno, name


def is_module(name: str, known: set[str]) -> bool:
    return name in known or (name.count(".") == 1 and floor(room(name)) is not None)


def called(node: ast.Call) -> str:
    """The last part of what a call names: `open` in `open(…)`, in `path.open(…)` too."""
    match node.func:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
    return ""


def wrong_imports(sources: dict[str, str]) -> list[str]:
    """Each import that points up or sideways without a reason, and each room that has no floor."""
    wrong = [f"{name}: the house has no room `{room(name)}`" for name in sources if floor(room(name)) is None]
    for module, source in sources.items():
        here = floor(room(module))
        for line, name in imports(module, source, set(sources)):
            there = floor(room(name))
            if there is None:
                wrong.append(f"{module}:{line}: imports `{name}`, and the house has no such room")
            elif here is None or room(name) == room(module) or here < there:
                continue
            elif (room(module), room(name)) not in SIDEWAYS or here > there:
                where = "above" if here > there else "beside"
                wrong.append(f"{module}:{line}: imports `{name}`, which stands {where} it")
    return wrong


def impurities(module: str, source: str) -> Iterator[tuple[int, str]]:
    """Line and name of whatever opens a file, prints, or reads a clock, the environment or a terminal."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Import(names=names):
                yield from ((node.lineno, alias.name) for alias in names if alias.name in WORLDLY_MODULES)
            case ast.ImportFrom(module=str(start), names=names):
                for alias in names:
                    whole = start in WORLDLY_MODULES or f"{start}.{alias.name}" in WORLDLY_MODULES
                    if whole or (start, alias.name) in WORLDLY_NAMES:
                        yield node.lineno, f"{start}.{alias.name}"
            case ast.Attribute(value=ast.Name(id=owner), attr=name) if (owner, name) in WORLDLY_NAMES:
                yield node.lineno, f"{owner}.{name}"
            case ast.Call(func=ast.Name(id=name)) if name in WORLDLY_CALLS:
                yield node.lineno, f"{name}()"
            case ast.Call(func=ast.Attribute(attr=name)) if name in WORLDLY_METHODS | {"open"}:
                yield node.lineno, f".{name}()"


def pure(module: str) -> bool:
    here, limit = floor(room(module)), floor(PURE_BELOW)
    assert limit is not None
    return here is None or here > limit


SOURCES = modules()


def test_imports_point_downwards() -> None:
    """Every import of the package leads to a lower floor, or sideways where the table says why."""
    assert wrong_imports(SOURCES) == []


@pytest.mark.parametrize("module", [name for name in SOURCES if pure(name)])
def test_compiler_is_pure(module: str) -> None:
    """A room below `project` opens no file, prints nothing, reads neither clock nor environment."""
    let, _ = IMPURE.get(module, (set(), ""))
    found = [f"{module}:{line}: {what}" for line, what in impurities(module, SOURCES[module]) if what not in let]
    assert found == []


def test_face_is_lazy() -> None:
    """`import remit` alone loads nothing of ours but the version: the path of `can` counts imports."""
    tree = ast.parse(SOURCES.get("remit", ""))
    at_once = ast.Module([node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)], [])
    assert {name for _, name in imports("remit", ast.unparse(at_once), set(SOURCES))} <= {"remit.version"}


def test_sideways_is_sideways() -> None:
    """Each exception names two rooms of one floor."""
    assert [pair for pair in SIDEWAYS if floor(pair[0]) != floor(pair[1]) or pair[0] == pair[1]] == []


def test_exceptions_are_used() -> None:
    """Each touch of the world that is let through happens; one that went away leaves the table, too."""
    for module, (let, _) in IMPURE.items():
        assert {what for _, what in impurities(module, SOURCES.get(module, ""))} >= let, module


def test_names_say_something() -> None:
    """No room and no module is called after nothing in particular."""
    assert [name for name in SOURCES if EMPTY_NAMES & set(name.split("."))] == []


def test_modules_are_short() -> None:
    """No module is longer than 500 lines."""
    assert [name for name, source in SOURCES.items() if len(source.splitlines()) > LONGEST] == []


@pytest.mark.parametrize(
    ("module", "source", "said"),
    [
        ("remit.table.index", "import remit.evaluator", "above"),
        ("remit.table.index", "from remit.evaluator.decide import decide", "above"),
        ("remit.table.index", "from remit import cli", "above"),
        ("remit.table.index", "from remit import Policy", "above"),
        ("remit.table.index", "from ..cli import main", "above"),
        ("remit.table.index", "def late():\n    from remit.report import text", "above"),
        ("remit.table.index", "if TYPE_CHECKING:\n    from remit.project import Project", "above"),
        ("remit.table.index", "import importlib\nimportlib.import_module('remit.cli.main')", "above"),
        ("remit.directory.read", "from remit.evaluator import decide", "beside"),
        ("remit.evaluator.decide", "from remit.explanation import why", "beside"),
        ("remit.table.index", "from remit.cellar import wine", "no such room"),
        ("remit.cellar.wine", "", "no room `cellar`"),
        ("remit.cellar", "", "no room `cellar`"),
    ],
)
def test_a_wrong_import_is_seen(module: str, source: str, said: str) -> None:
    """An import up, sideways or of an unknown room is seen, however it is written."""
    [finding] = wrong_imports({"remit": "", "remit.table.build": "", module: source})
    assert said in finding


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("remit.table.index", "from remit.table.build import build"),
        ("remit.table.index", "from . import build"),
        ("remit.table.index", "from ..model import types"),
        ("remit.evaluator.decide", "from remit.directory import shape"),
        ("remit", "def __getattr__(name):\n    from remit.policy import Policy"),
        ("remit.cli.main", "import remit.policy, json, click"),
    ],
)
def test_a_right_import_is_let_through(module: str, source: str) -> None:
    """An import of the same room, of a lower floor or of somebody else's package is no finding."""
    assert wrong_imports({"remit": "", "remit.table.build": "", module: source}) == []


@pytest.mark.parametrize(
    "source",
    [
        "open('x')",
        "print('x')",
        "import os\nos.environ['x']",
        "from os import environ",
        "import time\ntime.time()",
        "from datetime import datetime\ndatetime.now()",
        "from pathlib import Path",
        "import pathlib\npathlib.Path('x').read_text()",
        "def late(path):\n    return path.open()",
        "import sys\nsys.stderr.write('x')",
        "from importlib import resources",
        "from importlib.resources import files",
    ],
)
def test_a_touch_of_the_world_is_seen(source: str) -> None:
    """A file, a terminal, the clock or the environment is seen, however it is reached."""
    assert list(impurities("remit.table.index", source)) != []


def test_pure_rooms_are_those_below_project() -> None:
    """What is called from outside, the face and `project` may touch the world; every other room, new ones too, not."""
    worldly = {name for rooms in FLOORS for name in rooms if not pure(f"remit.{name}" if name else "remit")}
    assert worldly == {"", "__main__", "cli", "server", "lsp", "pytest_plugin", "policy", "stores", "project"}
    assert pure("remit.cellar.wine")
