"""What is installed works: the wheel outside the checkout, and an editable install of the checkout.

Each install gets an environment of its own in a temporary folder, which borrows the dependencies of the one that runs
the tests. Nothing is fetched.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

from remit.version import __version__

# One worker makes each install once.
pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("packaging")]


def run(*command: str | Path, cwd: Path, code: int = 0) -> str:
    """Standard output of a command that must end with `code`."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    got = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env=kept | {"PYTHONDONTWRITEBYTECODE": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        timeout=300,
    )
    assert got.returncode == code, f"{command} ended with {got.returncode}\n{got.stdout}\n{got.stderr}"
    return got.stdout


def install(folder: Path, *what: str | Path) -> Path:
    """A new environment with `what` installed; gives its folder of commands."""
    venv.create(folder, symlinks=os.name != "nt")
    bin_ = folder / ("Scripts" if os.name == "nt" else "bin")
    python = bin_ / "python"
    own = Path(run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=folder).strip())
    # Last in the alphabet, so that what is installed here comes before what is borrowed.
    borrowed = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    (own / "zz_borrowed.pth").write_text("".join(f"{path}\n" for path in sorted(borrowed)), encoding="utf-8")
    # `--ignore-installed`: pip must neither think that the borrowed remit will do nor take it away.
    options = ["-q", "--no-deps", "--no-index", "--no-build-isolation", "--ignore-installed"]
    run(sys.executable, "-m", "pip", "--python", python, "install", *options, *what, cwd=folder)
    return bin_


@pytest.fixture(scope="module")
def wheel(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from the checkout."""
    out = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", out, root, cwd=out)
    [built] = out.glob("*.whl")
    return built


@pytest.fixture(scope="module", params=["wheel", "editable"])
def commands(request: pytest.FixtureRequest, root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of commands of an environment where remit is installed, from the wheel or from the checkout."""
    what: list[str | Path] = ["-e", root] if request.param == "editable" else [request.getfixturevalue("wheel")]
    bin_ = install(tmp_path_factory.mktemp(request.param) / "environment", *what)
    where = run(bin_ / "python", "-c", "import remit.version; print(remit.version.__file__)", cwd=bin_)
    home = root / "src" if request.param == "editable" else bin_.parent
    assert Path(where.strip()).resolve().is_relative_to(home.resolve())
    return bin_


def test_wheel_carries_grammar_schemas_pages_and_types(root: Path, wheel: Path) -> None:
    """The wheel holds the grammar, every schema, every page of a code, the mark that it is typed, and the licence."""
    names = set(zipfile.ZipFile(wheel).namelist())
    wanted = {f"remit/{path.relative_to(root).as_posix()}" for path in root.glob("schema/*.json")}
    pages = {f"remit/{path.relative_to(root).as_posix()}" for path in root.glob("docs/errors/*.md")}
    assert wanted
    assert pages
    assert wanted | pages | {"remit/grammar/remit.lark", "remit/py.typed", "remit/__main__.py"} <= names
    assert f"remit-{__version__}.dist-info/licenses/LICENSE" in names


def test_wheel_carries_nothing_else(wheel: Path) -> None:
    """No test, policy or leftover travels in the wheel."""
    roots = {name.split("/")[0] for name in zipfile.ZipFile(wheel).namelist()}
    assert roots == {"remit", f"remit-{__version__}.dist-info"}


def test_version(commands: Path, tmp_path: Path) -> None:
    """`remit --version` and `python -m remit --version` say the package's version from any folder."""
    assert __version__ in run(commands / "remit", "--version", cwd=tmp_path)
    assert __version__ in run(commands / "python", "-m", "remit", "--version", cwd=tmp_path)


def test_schemas_are_found(commands: Path, root: Path, tmp_path: Path) -> None:
    """`remit schema directory` prints the shipped schema from any folder."""
    shipped = json.loads((root / "schema" / "directory.schema.json").read_text(encoding="utf-8"))
    assert json.loads(run(commands / "python", "-m", "remit", "schema", "directory", cwd=tmp_path)) == shipped


def test_pages_are_found(commands: Path, root: Path, tmp_path: Path) -> None:
    """`remit rule E104` prints the shipped page from any folder."""
    shipped = (root / "docs" / "errors" / "E104.md").read_text(encoding="utf-8")
    assert run(commands / "remit", "rule", "E104", cwd=tmp_path) == shipped


def test_grammar_is_found(commands: Path, tmp_path: Path) -> None:
    """What `remit init` writes in an empty folder lints and tests clean there: the compiler finds its grammar."""
    for command in ("init", "lint", "test"):
        run(commands / "remit", command, cwd=tmp_path)


def test_what_a_policy_comes_to_is_remembered(commands: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The installed package knows its own files, so it remembers tables: the second answer reads the entry of the
    first."""
    monkeypatch.setenv("REMIT_CACHE", str(tmp_path / "cache"))
    run(commands / "remit", "init", cwd=tmp_path)
    question = ["can", "--role", "reader", "read", "document", "--set", "state=published", "--policy", "policy"]
    first = run(commands / "remit", *question, cwd=tmp_path)
    [entry] = (tmp_path / "cache" / "table").iterdir()
    before = entry.stat().st_mtime_ns
    assert run(commands / "remit", *question, cwd=tmp_path) == first
    assert entry.stat().st_mtime_ns == before
